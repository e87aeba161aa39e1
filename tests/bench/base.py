# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every part of the benchmarks uses: commands, waiting, and what the kernel says of processes."""

import os
import pathlib
import subprocess
import time

UP_SECONDS = 60                         # for what takes one at most; many guests at once take longer


class BenchError(Exception):
    """Something cannot be measured, and why."""


def run(*argv, seconds=600):
    """Runs a command that has to succeed; returns its output."""
    try:
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           timeout=seconds)
    except FileNotFoundError:
        raise BenchError(f'{argv[0]} is not installed') from None
    except subprocess.TimeoutExpired:
        raise BenchError(f'{shown(argv)} is not done after {seconds} s') from None
    if p.returncode != 0:
        raise BenchError(f'{shown(argv)} failed with exit status {p.returncode}: {p.stderr.strip()[-2000:]}')
    return p.stdout


def start_unit(unit):
    """Starts it; if it does not, what the journal says of it is part of the error."""
    try:
        run('systemctl', 'start', unit)
    except BenchError as e:
        journal = run('journalctl', '--no-pager', '--lines=10', '--output=cat', f'--unit={unit}')
        raise BenchError(f'{e}\n{journal}') from None


def attempt(*argv):
    """Runs a command of a cleanup, which may find nothing to do."""
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def shown(argv):
    return ' '.join(argv[:4]) + (' …' if len(argv) > 4 else '')


def timed(function, *args):
    """The seconds that it takes."""
    start = time.monotonic()
    function(*args)
    return time.monotonic() - start


def until(condition, what, seconds=UP_SECONDS, interval=0.002):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f'{what}: not so after {seconds} s')
        time.sleep(interval)


def pss(pid):
    """The process's share of the memory it uses, in bytes."""
    return _kib(f'/proc/{pid}/smaps_rollup', 'Pss:')


def peak_rss(pid):
    return _kib(f'/proc/{pid}/status', 'VmHWM:')


def _kib(path, key):
    """A line in KiB of a process's file, as bytes; None if there is none, since the process has ended."""
    try:
        lines = pathlib.Path(path).read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), None)


def processes_of(unit_pattern):
    """The processes of the loaded units that match the pattern."""
    groups = run('systemctl', 'show', '--property=ControlGroup', '--value', unit_pattern).split()
    files = [pathlib.Path(f'/sys/fs/cgroup{group}/cgroup.procs') for group in groups]
    return [int(pid) for f in files if f.exists() for pid in f.read_text().split()]


def cpu_of_process_1():
    """Seconds of CPU that systemd itself has used."""
    fields = pathlib.Path('/proc/1/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def cpu_of_lab():
    """Seconds of CPU that everything in the lab has used."""
    lines = pathlib.Path('/sys/fs/cgroup/cpu.stat').read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('usage_usec ')) / 1e6


def cpu_of_machine():
    """The same of the whole machine the lab is on."""
    fields = pathlib.Path('/proc/stat').read_text().split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf('SC_CLK_TCK')
