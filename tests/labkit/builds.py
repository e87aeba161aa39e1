# SPDX-License-Identifier: LGPL-2.1-or-later
"""The builds that must be free of warnings, and the tests that come with them (unit, golden, fuzz corpus)."""

import json
import time

import vmunit
from base import LabError, doing
from root import SUITE_PACKAGES

WITH_TESTS = ['gcc', 'sanitizers']

SANITIZER_OPTIONS = {'ASAN_OPTIONS': 'detect_leaks=1', 'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1'}


def configurations(suite):
    """Every suite's own compiler; the rest on the suite that has what it takes."""
    return ['gcc', 'clang', 'sanitizers'] if 'clang' in SUITE_PACKAGES.get(suite, []) else ['gcc']


def test(lab, results, logs):
    """Builds and tests each configuration of the lab's suite, as far as it is wanted; returns those that were built."""
    built = []
    for name in configurations(lab.suite):
        if results.wanted(f'build/{name}') or results.wanted(f'unit-{name}/*'):
            with vmunit.building(lab.suite):
                if _test_configuration(lab, name, results, logs / f'build-{name}'):
                    built.append(name)
    return built


def _test_configuration(lab, name, results, log):
    start = time.monotonic()
    try:
        with doing(f'building vmunit ({name})', lab.suite):
            inside = vmunit.build(lab, log, name)
    except LabError as e:
        results.failed(f'build/{name}', time.monotonic() - start, str(e))
        return False
    results.passed(f'build/{name}', time.monotonic() - start)
    if name in WITH_TESTS:
        entries = vmunit.bind()[0] / vmunit.directory(lab.suite, name) / 'meson-logs/testlog.json'
        entries.unlink(missing_ok=True)
        lab.run('meson', 'test', '--no-rebuild', '-C', inside, log=log, timeout=900,
                env=SANITIZER_OPTIONS if name == 'sanitizers' else None)
        for line in entries.read_text().splitlines() if entries.exists() else ():
            _count(json.loads(line), name, results)
    return True


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
