# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts and stops, measured: the sides take turns, so what else happens on the machine meets all of them."""

import statistics
import time
from dataclasses import dataclass, fields

from base import pss, until


@dataclass
class Cycle:
    """Seconds and bytes."""

    start: float
    up: float                           # from the start until the guest runs
    stop: float
    memory: float
    own_memory: float                   # of what is not QEMU


def in_turn(sides, cycles, step):
    """The medians of each side, which is a pair of it and its guest."""
    for side, guest in sides:
        step(f'{side.name}, for the first time')
        _cycle(side, guest)             # reads QEMU from the disk
    rows = [[] for _ in sides]
    for i in range(cycles):
        step(f'cycle {i + 1} of {cycles}')
        for row, (side, guest) in zip(rows, sides):
            row.append(_cycle(side, guest))
    return [_medians(row) for row in rows]


def _cycle(side, guest):
    guest.clear_mark()
    began = time.monotonic()
    side.start()
    started = time.monotonic()
    until(guest.is_up, f'{guest.name} runs, started by {side.name}')
    up = time.monotonic()
    memory, own_memory = _memory(side.processes()), _memory(side.own_processes())
    stopping = time.monotonic()
    side.stop()
    return Cycle(started - began, up - began, time.monotonic() - stopping, memory, own_memory)


def _memory(pids):
    return sum(pss(pid) or 0 for pid in pids)


def _medians(cycles):
    return Cycle(*(statistics.median(getattr(c, f.name) for c in cycles) for f in fields(Cycle)))
