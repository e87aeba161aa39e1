# SPDX-License-Identifier: LGPL-2.1-or-later
"""Usage: bench CYCLES FAMILY…

What vmunit costs, compared in one run with what else starts guests or reads definitions. Runs as root in a lab
(tests/lab bench), where no guests are. The ratios can be compared between machines; times and sizes cannot.

A target that is missed is said, and no failure; what cannot be measured is one.
"""

import importlib
import os
import signal
import sys
import time

import report
from base import BenchError, cpu_of_lab, cpu_of_machine, run

TOLERATED = 0.1                         # of the processors, for what is no part of the benchmark


def main():
    cycles, families = int(sys.argv[1]), sys.argv[2:]
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda number, frame: sys.exit(128 + number))
    print(_machine(), flush=True)
    failed = False
    for name in families:
        try:
            failed |= not _measure(name, cycles)
        except BenchError as e:
            print(f'bench: {name}: {e}', file=sys.stderr)
            failed = True
    return 1 if failed else 0


def _measure(name, cycles):
    """Whether all was measured that has a target."""
    family = importlib.import_module(f'families.{name}')
    began, lab, machine = time.monotonic(), cpu_of_lab(), cpu_of_machine()
    with report.progress(name) as step:
        figures, notes = family.measure(cycles, step)
    others = (cpu_of_machine() - machine - (cpu_of_lab() - lab)) / (time.monotonic() - began) / os.cpu_count()
    if others > TOLERATED:
        notes.append(f'other work used {others:.0%} of the processors meanwhile; measure again without it')
    report.table(f'{name}: {family.TITLE}', figures, notes)
    return figures.was_measured if isinstance(figures, report.Comparison) else all(f.was_measured for f in figures)


def _machine():
    systemd = run('systemctl', '--version').split()[1]
    qemu = run('qemu-system-x86_64', '--version').split()[3]
    return f'systemd {systemd}, QEMU {qemu}, {os.cpu_count()} processors'


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
