# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same guest with and without a TAP on a bridge."""

import contextlib
import pathlib

from base import BenchError
from cycle import in_turn
from guest import Guest, bridge, defined
from report import Figure
from sides.raw import Raw
from sides.unit import Unit

TITLE = 'A guest with a TAP on a bridge'

BRIDGE = 'bench0'
MORE_TIMES_RAW = 0.15


def measure(cycles, step):
    if not pathlib.Path('/dev/net/tun').exists():
        raise BenchError('this machine has no usable /dev/net/tun')
    plain, bridged = Guest('bench'), Guest('bench-tap', BRIDGE)
    with bridge(BRIDGE), defined([plain, bridged]), contextlib.ExitStack() as stack:
        sides = []
        for kind, guest in (Raw, plain), (Unit, plain), (Unit, bridged):
            side = kind(guest)
            stack.callback(side.end)
            sides.append((side, guest))
        raw, without, tap = in_turn(sides, cycles, step)
    return [
        Figure('start with a TAP', tap.start, 'ms', 'without', without.start),
        Figure('more with a TAP', tap.start - without.start, 'ms', Raw.name, raw.start, most_times=MORE_TIMES_RAW),
        Figure('stop with a TAP', tap.stop, 'ms', 'without', without.stop),
    ], []
