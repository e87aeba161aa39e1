# SPDX-License-Identifier: LGPL-2.1-or-later
"""`tests/lab test`: for every suite a lab, and in it the build, its own tests, and the system tests.

The suites run at the same time, as many as there are processors, each in a process of its own: whatever ends the
command ends them all, and each clears its lab away itself.
"""

import fnmatch
import multiprocessing
import os
import re
import shutil
import signal
import sys
import time
from dataclasses import dataclass

import builds
import guests
import host
import vmunit
from base import CACHE, SOURCE, SUITES, LabError, out, process_exists, say, tail
from lab import Lab

SYSTEM = SOURCE / 'tests' / 'system'
LIMIT_SECONDS = 120                     # for a test that does not say otherwise (`# limit: SECONDS` above it)
EXIT_SKIPPED, EXIT_POWER_LOSS = 77, 88  # of run-case

# Tests that ask nothing of systemd's or QEMU's version that these suites do not ask as well say so, a file's in its head
# and a single one above its function; they can still be run on any other by name (--only).
_SUITES = re.compile(r'\A(?:#.*\n)*# suites: ([a-z ]+)$', re.M)
# A file whose tests want another root than the lab's own (root.py) names it.
_ROOT = re.compile(r'^# root: ([a-z]+)$', re.M)
_TEST = re.compile(r'(?:^# limit: (\d+)\n)?(?:^# suites: ([a-z ]+)\n)?^(test_\w+)\(\) \{', re.M)


@dataclass
class SystemTest:
    file: str           # below tests/system: ROOM/FILE
    function: str
    limit: int
    suites: list        # that run it
    root: str           # its kind

    @property
    def name(self):
        return f'{self.file.partition("/")[2]}/{self.function.removeprefix("test_")}'


class Results:
    """Counts what a suite's tests came to, and says it as it comes."""

    def __init__(self, suite, only):
        self.suite = suite
        self.only = only
        self.counts = {'passed': 0, 'failed': 0, 'skipped': 0}

    def wanted(self, name):
        return not self.only or any(fnmatch.fnmatch(name, pattern) for pattern in self.only)

    def passed(self, name, seconds):
        self.counts['passed'] += 1
        out(f'ok {name} ({self.suite}, {seconds:.1f} s)')

    def failed(self, name, seconds, text):
        self.counts['failed'] += 1
        out(f'FAILED {name} ({self.suite}, {seconds:.1f} s)\n{text}')

    def skipped(self, name, reason):
        self.counts['skipped'] += 1
        out(f'skipped {name} ({self.suite}): {reason}')


def system_tests():
    found = []
    for path in sorted(SYSTEM.glob('*/*')):
        if path.is_file() and path.parent.name not in ('lib', 'programs'):
            text = path.read_text(errors='replace')
            suites = match[1].split() if (match := _SUITES.search(text)) else list(SUITES)
            kind = match[1] if (match := _ROOT.search(text)) else 'lab'
            for limit, own_suites, function in _TEST.findall(text):
                found.append(SystemTest(str(path.relative_to(SYSTEM)), function, int(limit or LIMIT_SECONDS),
                                        own_suites.split() or suites, kind))
    return found


def test(args):
    if args.list:
        for t in system_tests():
            out(t.name)
        return 0
    host.prepare()
    context = multiprocessing.get_context('fork')
    turns = context.Semaphore((os.cpu_count() or 1) + 1)        # a test waits for a third of its time
    workers = []
    try:
        for suite in args.suite or SUITES:
            mine, theirs = context.Pipe(duplex=False)
            worker = context.Process(target=_suite, args=(suite, args, turns, theirs))
            worker.start()
            theirs.close()
            workers.append((suite, worker, mine))
        totals = {'passed': 0, 'failed': 0, 'skipped': 0}
        for suite, worker, pipe in workers:
            for outcome, count in _result(suite, pipe).items():
                totals[outcome] += count
            worker.join()
    finally:
        for _, worker, _ in workers:
            if worker.is_alive():
                worker.terminate()
        for _, worker, _ in workers:
            worker.join()
    out(', '.join(f'{count} {outcome}' for outcome, count in totals.items()))
    return 1 if totals['failed'] or not totals['passed'] else 0


def _result(suite, pipe):
    try:
        return pipe.recv()
    except EOFError:
        out(f'FAILED lab ({suite}): it ended before its tests')
        return {'failed': 1}


def _suite(suite, args, turns, pipe):
    """All tests of one suite, in a process of its own."""
    results = Results(suite, args.only)
    start = time.monotonic()
    with turns:
        try:
            _test_suite(suite, args, results)
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)
        except LabError as e:
            results.failed('lab', time.monotonic() - start, str(e))
    say(f'done after {time.monotonic() - start:.0f} s', suite)
    pipe.send(results.counts)


def _test_suite(suite, args, results):
    wanted = [t for t in system_tests() if results.wanted(t.name) and (args.only or suite in t.suites)]
    chosen, fresh = ([t for t in wanted if t.root == kind] for kind in ('lab', 'fresh'))
    logs = _new_logs(suite)
    with Lab(suite, [vmunit.bind(), *guests.binds(suite)]) as lab:
        built = builds.test(lab, results, logs)
        if chosen:
            vmunit.install(lab, logs / 'install.log', 'gcc' if 'gcc' in built else 'plain')
        for name in guests.GUESTS:
            if name == 'bootsector' and fresh or chosen and (
                    name != 'debian' or any(t.file == 'tools/debian' for t in chosen) and not args.quick):
                guests.make(lab, name)
        for t in chosen:
            _run(lab, t, results, logs / t.name.replace('/', '-'), args.quick)
    if fresh:
        with Lab(suite, guests.binds(suite), kind='fresh') as lab:
            for t in fresh:
                _run(lab, t, results, logs / t.name.replace('/', '-'), args.quick)


def _new_logs(suite):
    """A directory for the logs of this run; those of the latest few runs stay, and of any that may be running."""
    parent = CACHE / 'logs'
    for old in sorted(parent.glob(f'test-{suite}-*'), key=os.path.getmtime)[:-4]:
        if os.path.getmtime(old) < time.time() - 6 * 3600:
            shutil.rmtree(old, ignore_errors=True)
    logs = parent / f'test-{suite}-{os.getpid()}'
    logs.mkdir(parents=True, exist_ok=True)
    return logs


def _run(lab, t, results, log, quick):
    start = time.monotonic()
    boot, status = 0, EXIT_POWER_LOSS
    while status == EXIT_POWER_LOSS:
        boot += 1
        if boot > 1:
            lab.kill()
            lab.boot()
        env = {'LAB_BOOT': str(boot), 'LAB_SUITE': lab.suite, **({'LAB_QUICK': '1'} if quick else {})}
        status = lab.run('bash', SYSTEM / 'run-case', t.file, t.function, log=log, timeout=t.limit, env=env)
    seconds = time.monotonic() - start
    if status == 0:
        results.passed(t.name, seconds)
    elif status == EXIT_SKIPPED:
        reasons = [line for line in log.read_text(errors='replace').splitlines() if line.startswith('skipped: ')]
        results.skipped(t.name, reasons[-1].removeprefix('skipped: ') if reasons else 'without a reason')
    else:
        why = f'exit status {status}' if status is not None else f'not done after {t.limit} s'
        results.failed(t.name, seconds, f'{tail(log, 60)}\n    {why}; all of it: {log}')
        if status is None:              # some of it still runs
            lab.kill()
            lab.boot()
