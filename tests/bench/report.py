# SPDX-License-Identifier: LGPL-2.1-or-later
"""How figures are printed: each beside what it is compared with in the same run, their ratio, and the target."""

import contextlib
import sys
import threading
import time
from dataclasses import dataclass

QUIET_SECONDS = 2                       # what is done sooner shows no progress
TICK_SECONDS = 0.5

UNITS = {'ms': (1000, 0), 's': (1, 2), 'KiB': (1 / 1024, 0), 'MiB': (1 / 1024 ** 2, 2)}

HEADER = ('', 'measured', 'compared with', '', 'ratio', 'target', 'met')
WIDTHS = (38, 10, 24, 10, 7, 11, 3)


@dataclass
class Figure:
    """A value in seconds or bytes and the unit it is shown in; what it is compared with; what it may be at most.

    most_times: the ratio. most: the value itself, which two machines may not have in common.
    """

    what: str
    value: float
    unit: str
    other: str = ''
    other_value: float = None
    most_times: float = None
    most: float = None

    @property
    def ratio(self):
        return self.value / self.other_value if self.other_value else None

    @property
    def was_measured(self):
        return self.most_times is None or self.ratio is not None

    def columns(self):
        return (self.what, _amount(self.value, self.unit), self.other,
                '' if self.other_value is None else _amount(self.other_value, self.unit),
                '' if self.ratio is None else f'{self.ratio:.2f}', *self._target())

    def _target(self):
        if self.most_times is not None:
            if not self.was_measured:
                return f'≤ {self.most_times:.2f}', '?'
            return f'≤ {self.most_times:.2f}', _yes(self.ratio <= self.most_times)
        if self.most is not None:
            return f'≤ {_amount(self.most, self.unit)}', _yes(self.value <= self.most)
        return '', ''


@dataclass
class Outcome:
    """Of one operation on one side: how long it took, or why it failed."""

    seconds: float = None
    reason: str = ''


@dataclass
class Comparison:
    """Operations, and what came of each on each side."""

    what: str
    operations: list
    outcomes: dict                      # side: its outcomes, in the order of the operations

    was_measured = True                 # also where an operation failed, which is a result

    def print(self):
        cells = [(self.what, *self.outcomes)]
        for i, operation in enumerate(self.operations):
            cells.append((operation, *(_amount(o[i].seconds, 'ms') if o[i].seconds is not None else 'failed'
                                       for o in self.outcomes.values())))
        for first, *others in cells:
            print('  '.join((f'{first:<38}', *(f'{c:>10}' for c in others))).rstrip())
        for side, outcomes in self.outcomes.items():
            for operation, outcome in zip(self.operations, outcomes):
                if outcome.reason:
                    print(f'{side}: {operation}: {outcome.reason}')


def _yes(met):
    return 'yes' if met else 'no'


def _amount(value, unit):
    factor, digits = UNITS[unit]
    return f'{value * factor:.{digits}f} {unit}'


def table(title, figures, notes=()):
    """A family's results on stdout."""
    print(f'\n{title}')
    if isinstance(figures, Comparison):
        figures.print()
    else:
        _print_figures(figures)
    for note in notes:
        print(f'Note: {note}')
    sys.stdout.flush()


def _print_figures(figures):
    for columns in (HEADER, *(f.columns() for f in figures)):
        cells = (f'{c:{"<" if i in (0, 2) else ">"}{w}}' for i, (c, w) in enumerate(zip(columns, WIDTHS)))
        print('  '.join(cells).rstrip())


class _Step:
    text = ''

    def __call__(self, text):
        self.text = text


@contextlib.contextmanager
def progress(what):
    """On a terminal, says what is going on and for how long. Yields a function that takes what is being done now."""
    step = _Step()
    if not sys.stderr.isatty():
        yield step
        return
    over, start = threading.Event(), time.monotonic()

    def tick():
        if over.wait(QUIET_SECONDS):
            return
        while not over.wait(TICK_SECONDS):
            print(f'\r\x1b[K{what}: {step.text} ({time.monotonic() - start:.0f} s)', end='', file=sys.stderr, flush=True)
        print('\r\x1b[K', end='', file=sys.stderr, flush=True)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield step
    finally:
        over.set()
        thread.join()
