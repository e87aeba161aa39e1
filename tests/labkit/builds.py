# SPDX-License-Identifier: LGPL-2.1-or-later
"""The builds that must be free of warnings, and the tests that come with them (unit, golden, fuzz corpus)."""

import json
import time

import vmunit
from base import LabError, lock
from root import SUITE_PACKAGES

# name: meson's options, the compiler, whether its tests are run
CONFIGURATIONS = {
    'gcc': (['--werror'], 'gcc', True),
    'clang': (['--werror'], 'clang', False),
    'sanitizers': (['-Db_sanitize=address,undefined', '-Db_lundef=false'], 'gcc', True),
}

SANITIZER_OPTIONS = {'ASAN_OPTIONS': 'detect_leaks=1', 'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1'}


def configurations(suite):
    """Every suite's own compiler; the rest on the suite that has what it takes."""
    return [name for name in CONFIGURATIONS if name == 'gcc' or 'clang' in SUITE_PACKAGES.get(suite, [])]


def test(lab, results, logs):
    """Builds and tests each configuration of the lab's suite, as far as it is wanted."""
    for name in configurations(lab.suite):
        if results.wanted(f'build/{name}') or results.wanted(f'unit-{name}/*'):
            with lock(vmunit.bind()[0] / f'{lab.suite}-{name}.lock', what=f'vmunit is being built for {lab.suite}'):
                _test_configuration(lab, name, results, logs / f'build-{name}')


def _test_configuration(lab, name, results, log):
    options, compiler, with_tests = CONFIGURATIONS[name]
    start = time.monotonic()
    try:
        inside = vmunit.build(lab, log, name, options, env={'CC': compiler})
    except LabError as e:
        results.failed(f'build/{name}', time.monotonic() - start, str(e))
        return
    results.passed(f'build/{name}', time.monotonic() - start)
    if not with_tests:
        return
    lab.run('meson', 'test', '--no-rebuild', '-C', inside, log=log, timeout=600,
            env=SANITIZER_OPTIONS if name == 'sanitizers' else None)
    for line in _outside(lab, name).joinpath('meson-logs/testlog.json').read_text().splitlines():
        _count(json.loads(line), name, results)


def _count(entry, configuration, results):
    name = f'unit-{configuration}/{entry["name"].split(" / ")[-1].split(":")[-1]}'
    outcome, seconds = entry['result'], entry.get('duration', 0)
    if outcome in ('OK', 'EXPECTEDFAIL'):
        results.passed(name, seconds)
    elif outcome == 'SKIP':
        results.skipped(name, (entry.get('stdout') or 'without a reason').strip().splitlines()[-1])
    else:
        text = (entry.get('stdout') or '') + (entry.get('stderr') or '')
        results.failed(name, seconds, '\n'.join('    ' + t for t in text.splitlines()[-60:]) + f'\n    {outcome}')


def _outside(lab, name):
    return vmunit.bind()[0] / lab.suite / name
