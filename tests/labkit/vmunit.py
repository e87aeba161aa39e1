# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmunit itself in a lab: built for the lab's suite, and installed as the distribution's package would.

The build directories are kept in the cache, one per tree, suite and configuration, so ninja builds only what changed.
"""

import pathlib

from base import CACHE, SOURCE, digest, lock, say

INSIDE = pathlib.Path('/var/cache/vmunit-build')


def bind():
    """The build directories, for a lab's binds."""
    d = CACHE / 'build' / digest(str(SOURCE))
    d.mkdir(parents=True, exist_ok=True)
    return d, INSIDE, True


def build(lab, log, configuration='plain', options=(), env=None):
    """Builds in `lab`; returns the build directory inside."""
    outside, inside = bind()[0] / lab.suite / configuration, INSIDE / lab.suite / configuration
    setup = ['meson', 'setup', *options, str(inside), str(SOURCE)]
    if (outside / 'build.ninja').exists():
        setup.insert(2, '--reconfigure')
    lab.check(*setup, what='configuring vmunit', log=log, env=env)
    lab.check('meson', 'compile', '-C', inside, what='building vmunit', log=log, env=env)
    return inside


def install(lab, log):
    """Builds vmunit for the lab and installs it there."""
    say('building and installing vmunit', lab.suite)
    with lock(bind()[0] / f'{lab.suite}.lock', what=f'vmunit is being built for {lab.suite}'):
        inside = build(lab, log)
        lab.check('meson', 'install', '--no-rebuild', '-C', inside, what='installing vmunit', log=log)
    for argv in (['systemd-sysusers'], ['systemd-tmpfiles', '--create'], ['journalctl', '--update-catalog'],
                 ['systemctl', 'daemon-reload']):
        lab.check(*argv, what=argv[0], log=log)
