# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab's commands that boot one lab and do one thing in it: run, shell, demo, attack and calls."""

import contextlib
import pathlib

import guests
import host
import vmunit
from base import SOURCE, LabError, say
from lab import Lab


@contextlib.contextmanager
def booted(suite, binds=(), bare=False):
    """A booted lab of the suite with vmunit in it (`bare`: without)."""
    host.prepare()
    with Lab(suite, [vmunit.bind(), *guests.binds(suite), *binds]) as lab:
        for name in lab.lacks:
            say(f'this machine has no usable {host.DEVICES[name][0]}: continuing without it', suite)
        if not bare:
            vmunit.install(lab, lab.dir / 'install.log')
            for name in ('bootsector', 'busybox'):      # for system tests that are tried by hand
                guests.make(lab, name)
        yield lab


def run(args):
    binds = _binds(args.bind)
    with booted(args.suite, binds, args.bare) as lab:
        return lab.run(*args.command, cwd=_directory_inside(binds))


def shell(args):
    binds = _binds(args.bind)
    with booted(args.suite, binds, args.bare) as lab:
        # A terminal of the lab's own, so that job control works.
        return lab.run('script', '--quiet', '--return', '--command', 'bash -l', '/dev/null',
                       cwd=_directory_inside(binds))


def demo(args):
    with booted(args.suite) as lab:
        if 'tun' in lab.lacks:
            raise LabError('the demo shows a guest on a bridge, and that takes /dev/net/tun')
        return lab.run('bash', SOURCE / 'tests' / 'system' / 'demo')


def attack(args):
    with booted('forky') as lab:        # whose systemd-vmspawn boots the small guest
        return lab.run(SOURCE / 'tests' / 'attack' / 'compare')


def calls(args):
    with booted(args.suite) as lab:
        return lab.run('bash', SOURCE / 'tests' / 'system' / 'run-case', 'start/control', 'test_control_random_calls',
                       env={'RANDOM_CALLS': str(args.count)})


def _binds(directories):
    found = []
    for d in directories:
        d = pathlib.Path(d).resolve()
        if not d.is_dir():
            raise LabError(f'--bind {d}: no such directory', status=66)
        found.append((d, None, True))
    return found


def _directory_inside(binds):
    """Where the caller is, if that is inside as well."""
    here = pathlib.Path.cwd()
    for directory, *_ in [(SOURCE,), *binds]:
        if here == directory or directory in here.parents:
            return here
    return pathlib.Path('/root')
