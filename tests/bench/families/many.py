# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hundred guests at once."""

import contextlib
import statistics
import time
from dataclasses import dataclass, fields

from base import attempt, cpu_of_lab, cpu_of_process_1, pss, run, until
from guest import Guest, defined
from report import Figure
from sides.raw import Raw

TITLE = '100 guests at once'

GUESTS = 100
ROUNDS = 3
SECONDS = 600

TIMES_RAW = 1.0
PROCESS_1_SECONDS = 2.0
LAUNCHER_BYTES = 0.8 * 1024 ** 2


@dataclass
class Start:
    """Seconds, of wall time and of CPU; and the bytes of a launcher, of which a lone one would count all that these share."""

    wall: float
    cpu: float
    process_1: float
    memory: float = 0.0


def measure(cycles, step):
    guests = [Guest(f'bench-{i}') for i in range(1, GUESTS + 1)]
    raw, units = [], []
    rounds = min(cycles, ROUNDS)
    with defined(guests):
        for i in range(rounds):
            step(f'raw QEMU, round {i + 1} of {rounds}')
            raw.append(_start_raw(guests))
            step(f'units, round {i + 1} of {rounds}')
            units.append(_start_units(guests))
    raw, units = _medians(raw), _medians(units)
    return [
        Figure('all have started', units.wall, 's', Raw.name, raw.wall, most_times=TIMES_RAW),
        Figure('CPU of all processes meanwhile', units.cpu, 's', Raw.name, raw.cpu),
        Figure('CPU of process 1 meanwhile', units.process_1, 's', most=PROCESS_1_SECONDS),
        Figure('memory (PSS) of each launcher', units.memory, 'MiB', most=LAUNCHER_BYTES),
    ], [f'medians of {rounds} rounds']


def _start_raw(guests):
    with contextlib.ExitStack() as stack:
        sides = []
        for g in guests:
            sides.append(Raw(g))
            stack.callback(sides[-1].end)

        def start():
            for side in sides:
                side.spawn()
            for side in sides:
                side.wait_started()

        return _measured(start)


def _start_units(guests):
    units = [g.unit for g in guests]
    try:
        for g in guests:
            g.clear_mark()
        result = _measured(lambda: run('systemctl', 'start', *units, seconds=SECONDS))
        # A guest that is up heeds the power button at once.
        until(lambda: all(g.is_up() for g in guests), 'all guests run', SECONDS, 0.1)
        result.memory = _memory_of_launcher(units)
        run('systemctl', 'stop', *units, seconds=SECONDS)
        return result
    finally:
        attempt('systemctl', 'kill', '--signal=KILL', 'vm@bench-*.service')
        attempt('systemctl', 'stop', *units)
        attempt('systemctl', 'reset-failed', 'vm*@bench-*.service')


def _memory_of_launcher(units):
    launchers = map(int, run('systemctl', 'show', '--property=MainPID', '--value', *units).split())
    return statistics.mean(pss(pid) for pid in launchers)


def _measured(start):
    wall, cpu, process_1 = time.monotonic(), cpu_of_lab(), cpu_of_process_1()
    start()
    return Start(time.monotonic() - wall, cpu_of_lab() - cpu, cpu_of_process_1() - process_1)


def _medians(starts):
    return Start(*(statistics.median(getattr(s, f.name) for s in starts) for f in fields(Start)))
