# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab's command line: what `tests/lab COMMAND` takes, and which module carries it out."""

import argparse
import os
import signal
import sys

import bench
import commands
import kill
import testing
from base import LabError, SUITES, say

DESCRIPTION = """\
A disposable Debian of a suite, booted with systemd as process 1, with vmunit built for that suite and installed in
it, and thrown away afterwards. What the machine lacks is installed first, through its own apt sources."""


def parse(argv):
    parser = argparse.ArgumentParser(prog='tests/lab', description=DESCRIPTION)
    verbs = parser.add_subparsers(dest='verb', metavar='COMMAND', required=True)

    def verb(name, function, text, suites='one'):
        p = verbs.add_parser(name, help=text, description=text)
        p.set_defaults(function=function)
        if suites == 'one':
            p.add_argument('--suite', choices=SUITES, default=SUITES[0], help=f'default: {SUITES[0]}')
        elif suites == 'many':
            p.add_argument('--suite', choices=SUITES, action='append', help='may be repeated; default: all')
        return p

    verb('demo', commands.demo, 'the main job, shown: a real guest, started, listed, logged, stopped')

    p = verb('test', testing.test, 'every test: unit, golden, fuzz corpus, and system tests in a lab', suites='many')
    p.add_argument('--only', metavar='GLOB', action='append', help='only tests of this name (FILE/TEST); may be repeated')
    p.add_argument('--quick', action='store_true', help='fewer cycles, and none of the slow tests')
    p.add_argument('--list', action='store_true', help='only say which system tests there are')

    for name, function, text in (
            ('run', commands.run, 'CMD as root inside a booted lab; its output and its exit status'),
            ('shell', commands.shell, 'a shell inside')):
        p = verb(name, function, text)
        p.add_argument('--bind', metavar='DIR', action='append', default=[], help='DIR at the same path, writable')
        p.add_argument('--bare', action='store_true', help='a lab without vmunit in it')
        if name == 'run':
            p.usage = 'tests/lab run [--suite SUITE] [--bind DIR]... [--bare] -- CMD...'
            p.add_argument('command', metavar='CMD', nargs='+')

    verb('attack', commands.attack, 'the attack suite in the place of the QEMU of vmunit, libvirt and systemd-vmspawn', suites='none')

    p = verb('kill', kill.kill, 'processes of vmunit killed after each of their system calls')
    p.add_argument('--every', type=int, default=1, metavar='N', help='only every Nth call; default: all')
    p.add_argument('--first', type=int, default=1, metavar='N', help='the first call of each scenario; default: 1')
    p.add_argument('--jobs', type=int, default=(os.cpu_count() or 1) + 1, metavar='N', help='labs at a time')
    p.add_argument('scenario', metavar='SCENARIO', nargs='*', type=kill.scenario,
                   help=f'{", ".join(kill.SCENARIOS)}, or what tests/kill/operations --list prints; default: all')

    p = verb('calls', commands.calls, "random calls of a running guest's control socket, beside vmctl")
    p.add_argument('--count', type=int, default=10000, metavar='N', help='default: 10000')

    p = verb('bench', bench.bench, 'the benchmarks, as ratios to raw QEMU and others in the same run')
    p.add_argument('--cycles', type=bench.cycles, default=20,
                   help='how often each is measured, at most; families that take long do fewer; default: 20')
    p.add_argument('family', metavar='FAMILY', nargs='*', type=bench.family,
                   help='; '.join(f'{name}: {text}' for name, text in bench.FAMILIES.items()) + '; default: all')

    return parser.parse_args(argv)


def end(number, frame):
    """However the lab is asked to end, its `finally` clauses run."""
    os.write(sys.stderr.fileno(), f'lab: ended by {signal.Signals(number).name}\n'.encode())
    sys.exit(128 + number)


def main():
    args = parse(sys.argv[1:])

    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, end)
    try:
        return args.function(args)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except LabError as e:
        say(str(e))
        return e.status


sys.exit(main())
