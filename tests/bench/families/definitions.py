# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many definitions: what it costs to read them, and what it costs systemd to reload with them."""

import contextlib
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from base import BenchError, peak_rss, run, timed
from guest import DEFINITIONS, Guest, definitions
from report import Figure

TITLE = 'Many definitions'

ROUNDS = 5

READ = 10_000
TIMES_XMLLINT = 8.0
GENERATOR_BYTES = 10 * 1024 ** 2

RELOADED = 1_000
TIMES_NONE = {'defined': 4.0, 'enabled': 12.0}

GENERATOR = '/usr/lib/systemd/system-generators/vm-generator'
OUTPUTS = ('normal', 'early', 'late')
WANTS = pathlib.Path('/etc/systemd/system/vms.target.wants')

POLL_SECONDS = 0.01


def measure(cycles, step):
    rounds = min(cycles, ROUNDS)
    return [*_read(rounds, step), *_reload(rounds, step)], [f'medians of {rounds} rounds']


def _read(rounds, step):
    guests = [Guest(f'bench-{i}') for i in range(1, READ + 1)]
    step(f'making {READ:,} definitions')
    with definitions(guests):
        files = [str(g.definition) for g in guests]
        xmllint, generator, peaks = [], [], []
        for i in range(rounds):
            step(f'reading {READ:,} definitions, round {i + 1} of {rounds}')
            xmllint.append(timed(run, 'xmllint', '--noout', *files))
            seconds, peak = _generate()
            generator.append(seconds)
            peaks.append(peak)
    return [
        Figure(f'vm-generator, {READ:,} definitions', statistics.median(generator), 's', 'xmllint --noout',
               statistics.median(xmllint), most_times=TIMES_XMLLINT),
        Figure('its memory (peak RSS)', max(peaks), 'MiB', most=GENERATOR_BYTES),
    ]


def _generate():
    """Runs vm-generator as systemd does; returns how long it took, and its peak RSS.

    What wait4() says of that would be the size of this process, if it was larger before it became the generator.
    """
    with tempfile.TemporaryDirectory(prefix='bench-generator-') as d:
        outputs = [pathlib.Path(d, name) for name in OUTPUTS]
        for output in outputs:
            output.mkdir()
        peak, start = 0, time.monotonic()
        process = subprocess.Popen([GENERATOR, *outputs], env={**os.environ, 'SYSTEMD_SCOPE': 'system'})
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = process.wait(POLL_SECONDS)
                break
            peak = peak_rss(process.pid) or peak
        seconds = time.monotonic() - start
        written = len(list(outputs[0].glob('vm@*.service.d')))
    if status != 0 or written != READ:
        raise BenchError(f'vm-generator exited with status {status}, and wrote {written} of {READ} guests')
    return seconds, peak


def _reload(rounds, step):
    guests = [Guest(f'bench-{i}') for i in range(1, RELOADED + 1)]
    hidden = {'none': (DEFINITIONS, WANTS), 'defined': (WANTS,), 'enabled': ()}
    seconds = {state: [] for state in hidden}
    with definitions(guests), _enabled(guests):
        for i in range(rounds):
            for state, directories in hidden.items():
                step(f'daemon-reload with {state}, round {i + 1} of {rounds}')
                with _hidden(directories):
                    for _ in range(2):  # one loads what is new, and one more forgets what is gone
                        _daemon_reload()
                    seconds[state].append(timed(_daemon_reload))
    _daemon_reload()
    medians = {state: statistics.median(s) for state, s in seconds.items()}
    return [Figure(f'daemon-reload, {RELOADED:,} {state}', medians[state], 'ms', 'without guests', medians['none'],
                   most_times=most)
            for state, most in TIMES_NONE.items()]


def _daemon_reload():
    run('systemctl', 'daemon-reload')


@contextlib.contextmanager
def _enabled(guests):
    units = [g.unit for g in guests]
    try:
        run('systemctl', '--no-reload', 'enable', *units)
        yield
    finally:
        run('systemctl', '--no-reload', 'disable', *units)


@contextlib.contextmanager
def _hidden(directories):
    """They have other names while the context lasts."""
    with contextlib.ExitStack() as stack:
        for d in directories:
            aside = d.with_name(d.name + '.aside')
            d.rename(aside)
            stack.callback(aside.rename, d)
        yield
