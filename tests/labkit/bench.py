# SPDX-License-Identifier: LGPL-2.1-or-later
"""`tests/lab bench`: see ../bench, which runs inside."""

import argparse

from base import SOURCE
from commands import booted

# Each is a file in ../bench/families.
FAMILIES = {
    'start': 'one guest, beside raw QEMU, virsh and systemd-vmspawn',
    'tap': 'a guest with a TAP on a bridge',
    'many': '100 guests at once',
    'operations': 'what operators do every day, beside virsh',
    'definitions': 'vm-generator, and systemctl daemon-reload',
}


def family(text):
    if text not in FAMILIES:
        raise argparse.ArgumentTypeError(f'must be one of: {", ".join(FAMILIES)}')
    return text


def cycles(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError('must be at least 1')
    return int(text)


def bench(args):
    with booted(args.suite) as lab:
        return lab.run('python3', '-B', SOURCE / 'tests' / 'bench', args.cycles, *(args.family or FAMILIES))
