# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmunit itself in a lab: built for the lab's suite, and installed as the distribution's package would.

The build directories are kept in the cache, one per tree, root and configuration, so ninja builds only what changed.
"""

import pathlib
import shutil

import root
from base import CACHE, SOURCE, digest, doing, lock

INSIDE = pathlib.Path('/var/cache/vmunit-build')
ATTACK = '/usr/local/lib/vmunit-attack'         # for the tests of that name
KILL = '/usr/local/lib/vmunit-kill'

# name: meson's options, and the compiler
CONFIGURATIONS = {
    'plain': ([], 'gcc'),
    'gcc': (['--werror'], 'gcc'),
    'clang': (['--werror'], 'clang'),
    'sanitizers': (['-Db_sanitize=address,undefined', '-Db_lundef=false'], 'gcc'),
}


def bind():
    """The build directories, for a lab's binds."""
    d = CACHE / 'build' / digest(str(SOURCE))
    d.mkdir(parents=True, exist_ok=True)
    return d, INSIDE, True


def directory(suite, configuration):
    """A build directory, below those of bind()."""
    return pathlib.Path(root.path(suite).name, f'{configuration}-{digest(*CONFIGURATIONS[configuration])}')


def building(suite):
    """To be held while something is built or taken from the suite's build directories."""
    return lock(bind()[0] / f'{suite}.lock', what=f'vmunit is being built for {suite}')


def build(lab, log, configuration='plain'):
    """Builds in `lab`; returns the build directory inside."""
    options, compiler = CONFIGURATIONS[configuration]
    if 'shellcheck' in root.packages(lab.suite):
        options = [*options, '-Dlint=enabled']
    d = directory(lab.suite, configuration)
    outside, inside = bind()[0] / d, INSIDE / d
    for old in bind()[0].glob(f'{lab.suite}-*'):
        if old.is_dir() and old.name != d.parts[0]:
            shutil.rmtree(old)
    if not (outside / 'build.ninja').exists():
        lab.check('meson', 'setup', *options, inside, SOURCE, what='configuring vmunit', log=log, env={'CC': compiler})
    lab.check('meson', 'compile', '-C', inside, what='building vmunit', log=log)
    return inside


def install(lab, log, configuration='plain'):
    """Builds vmunit for the lab and installs it there."""
    with doing('building and installing vmunit', lab.suite), building(lab.suite):
        inside = build(lab, log, configuration)
        lab.check('meson', 'install', '--no-rebuild', '-C', inside, what='installing vmunit', log=log)
        lab.check('install', '-D', '-t', ATTACK, inside / 'tests/attack/attack.so', inside / 'tests/attack/launcher.so', SOURCE / 'tests/attack/qemu',
                  what='installing the attack suite', log=log)
        lab.check('install', '-D', '-t', KILL, inside / 'tests/kill/step', what='installing the tracer', log=log)
    for argv in (['systemd-sysusers'], ['systemd-tmpfiles', '--create'], ['journalctl', '--update-catalog'],
                 ['systemctl', 'daemon-reload'], ['systemctl', 'start', 'run-vmunit-sandbox.mount'],
                 ['systemctl', 'reload', 'dbus']):
        lab.check(*argv, what=argv[0], log=log)
