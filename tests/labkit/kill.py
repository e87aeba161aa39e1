# SPDX-License-Identifier: LGPL-2.1-or-later
"""`tests/lab kill`: processes are killed after each of their system calls, in several labs at once.

The labs share nothing, since the tracer attaches to process 1, and a guest that stops also gives back what others left. Each lab
takes a hundred calls of a scenario from a queue, and puts the next hundred back until the scenario has no more.
"""

import argparse
import multiprocessing
import os
import queue
import re
import subprocess
from collections import Counter

import host
from base import SOURCE, LabError, out, say
from commands import booted

POINTS = SOURCE / 'tests' / 'kill' / 'points'
OPERATIONS = SOURCE / 'tests' / 'kill' / 'operations'   # of guests that run; it says which there are
DISKS = ('descriptors', 'chown')
SCENARIOS = ('start-helper', 'start-launcher', 'stop-launcher', 'stop-cleanup', 'restart-helper', 'restart-old-launcher',
             'restart-new-launcher', 'refused-helper', 'refused-cleanup', 'failed-launcher', 'save-launcher', 'restore-launcher',
             'crash-launcher', 'crash-cleanup')
PORTION = 100                           # points that a lab tries before it takes the next
_RESULT = re.compile(r'^(\d+) points, (\d+) left something$')


def _operations():
    return subprocess.run([OPERATIONS, '--list'], stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def scenario(name):
    """For argparse: the name of one, or an operation with all or one of its victims."""
    operations = [o for o in _operations() if o == name or o.startswith(name + '/')]
    if name not in SCENARIOS and not operations:
        raise argparse.ArgumentTypeError(f'{name} is none of {", ".join([*SCENARIOS, *_operations()])}')
    return operations or [name]


def kill(args):
    host.prepare()
    context = multiprocessing.get_context('fork')
    todo, done = context.Queue(), context.Queue()
    names = [name for names in args.scenario for name in names] or [*SCENARIOS, *_operations()]
    scenarios = [(s, d) for s in names for d in (DISKS if s in SCENARIOS else ['descriptors'])]
    for s, d in scenarios:
        todo.put((s, d, args.first))
    workers = [context.Process(target=_work, args=(args, todo, done)) for _ in range(min(args.jobs, len(scenarios)))]
    try:
        for worker in workers:
            worker.start()
        return _count(scenarios, workers, done)
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
        for worker in workers:
            worker.join()


def _count(scenarios, workers, done):
    """Adds up what the labs found, until each scenario has ended."""
    points, bad, missing = Counter(), Counter(), set(scenarios)
    while missing:
        try:
            s, d, tried, left, ended = done.get(timeout=1)
        except queue.Empty:
            if any(w.is_alive() for w in workers):
                continue
            break
        points[s, d] += tried
        bad[s, d] += left
        if ended:
            missing.discard((s, d))
        say(f'{s} {d}: {points[s, d]} points, {bad[s, d]} left something{"" if ended else " so far"}')
    for s, d in scenarios:
        out(f'{s} {d}: {points[s, d]} points, {bad[s, d]} left something{", not finished" if (s, d) in missing else ""}')
    out(f'{points.total()} points, {bad.total()} left something')
    return 1 if bad.total() or missing else 0


def _work(args, todo, done):
    """Takes portions until it is ended."""
    try:
        with booted(args.suite) as lab:
            while True:
                s, d, first = todo.get()
                last = first + PORTION * args.every - 1
                argv = [*([POINTS, f'--disks={d}'] if s in SCENARIOS else [OPERATIONS]), f'--every={args.every}', f'--first={first}',
                        f'--last={last}', s]
                tried, left = _run(lab, argv)
                ended = tried < PORTION
                if not ended:
                    todo.put((s, d, last + 1))
                done.put((s, d, tried, left, ended))
    except LabError as e:
        say(str(e), args.suite)


def _run(lab, argv):
    result = None
    with subprocess.Popen(lab.command(*argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors='replace') as p:
        try:
            for line in p.stdout:
                result = _RESULT.match(line)
                if not result:
                    out(line.rstrip())
        except BaseException:           # what it started ends with the lab
            p.kill()
            raise
    if not result:
        raise LabError(f'{" ".join(map(str, argv))}: ended without a result')
    return tuple(map(int, result.groups()))
