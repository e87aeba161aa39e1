# SPDX-License-Identifier: LGPL-2.1-or-later
"""`tests/lab bench`: see ../system/bench, which runs inside."""

from base import SOURCE
from commands import booted


def bench(args):
    with booted(args.suite) as lab:
        return lab.run(SOURCE / 'tests' / 'system' / 'bench', args.cycles)
