# SPDX-License-Identifier: LGPL-2.1-or-later
"""One guest: raw QEMU, vmunit, libvirt and systemd-vmspawn start and stop it in turn."""

import contextlib

from base import BenchError
from cycle import in_turn
from guest import Guest, defined
from report import Figure
from sides.libvirt import Libvirt
from sides.raw import Raw
from sides.unit import Unit
from sides.vmspawn import Vmspawn

TITLE = 'One guest'

NEEDED = (Raw, Unit)
OTHERS = (Libvirt, Vmspawn)

TARGETS = {
    'start': {Raw: {'most_times': 2.4}, Libvirt: {'most_times': 1.0}},
    'stop': {Raw: {'most': 0.090}},
    'own_memory': {Raw: {'most': 0.8 * 1024 ** 2}},
}


def measure(cycles, step):
    guest = Guest('bench')
    notes = []
    with defined([guest]), contextlib.ExitStack() as stack:
        sides = []
        for kind in NEEDED + OTHERS:
            try:
                side = kind(guest)
            except BenchError as e:
                if kind in NEEDED:
                    raise
                notes.append(f'not compared with {kind.name}: {e}')
                continue
            stack.callback(side.end)
            sides.append(side)
        medians = in_turn([(side, guest) for side in sides], cycles, step)
    return _figures({type(side): m for side, m in zip(sides, medians)}), notes


def _figures(medians):
    return [
        *_rows(medians, 'start', 'start', 'ms'),
        *_rows(medians, 'start until the guest runs', 'up', 'ms'),
        *_rows(medians, 'stop', 'stop', 'ms'),
        *_rows(medians, 'memory (PSS) of all processes', 'memory', 'MiB'),
        *_rows(medians, 'memory (PSS) of all but QEMU', 'own_memory', 'MiB'),
    ]


def _rows(medians, what, field, shown_in):
    """vmunit beside each of the others; a side that is not here has a row if that has a target."""
    targets = TARGETS.get(field, {})
    return [Figure(what, getattr(medians[Unit], field), shown_in, kind.name,
                   getattr(medians[kind], field) if kind in medians else None, **targets.get(kind, {}))
            for kind in (Raw, *OTHERS) if kind in medians or kind in targets]
