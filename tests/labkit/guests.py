# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test guests: made by the scripts in tests/guests, kept in the cache, and found by the tests in one directory.

A maker runs inside a lab (`MAKER DIR`), whose suite has the tools and the kernel. What needs a network, which labs
do not have, is done for it on the host first.
"""

import os
import pathlib
import shutil
import time

import host
import root
from base import CACHE, SOURCE, digest, doing, lock, run

MAKERS = SOURCE / 'tests' / 'guests'
INSIDE = pathlib.Path('/var/cache/vmunit-guests')

# name: the files that it is made by, and about how long that takes
GUESTS = {
    'bootsector': (['bootsector', 'bootsector.S'], None),
    'busybox': (['busybox', 'busybox-init', 'fetch-kernel', 'unpack-kernel'], None),
    'debian': (['debian'], 'a minute'),
}

UNUSED_SECONDS = 24 * 3600              # after which another tree's guests are removed

# The whole Debian is the same guest in the labs of all suites.
DEBIAN_SUITE = 'trixie'
DEBIAN_PACKAGES = ['systemd-sysv', 'udev', 'dbus', 'libpam-systemd', 'iproute2', 'linux-image-cloud-amd64',
                   'initramfs-tools', 'zstd', 'qemu-guest-agent']


def _directory(suite):
    """Where the guests of a suite are: trees with other makers, or another root, have a directory of their own."""
    files = sorted({file for names, _ in GUESTS.values() for file in names})
    return CACHE / 'guests' / f'{suite}-{digest(*(MAKERS / f for f in files), root.path(suite).name)}'


def binds(suite):
    """The guests' directories, for a lab's binds."""
    own, common = _directory(suite), CACHE / 'guests' / 'all'
    for d in (own, own / 'debian', common / 'debian'):
        d.mkdir(parents=True, exist_ok=True)
    os.utime(own)
    for old in own.parent.glob(f'{suite}-*/'):
        if old.stat().st_mtime < time.time() - UNUSED_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    return [(own, INSIDE, True), (common / 'debian', INSIDE / 'debian', True)]


def make(lab, name):
    """Makes the guest `name` in the lab, unless the cache has it."""
    files, duration = GUESTS[name]
    suite = 'all' if name == 'debian' else lab.suite
    outside, inside = (CACHE / 'guests' / suite if suite == 'all' else _directory(suite)) / name, INSIDE / name
    made_from = digest(*(MAKERS / f for f in files), *DEBIAN_PACKAGES, root.path(lab.suite).name if suite != 'all' else '')
    stamp = outside / 'made-from'
    with lock(CACHE / 'guests' / f'{suite}-{name}.lock', what=f'the guest {name} is being made'):
        if stamp.exists() and stamp.read_text() == made_from:
            return
        outside.mkdir(exist_ok=True)
        for old in outside.iterdir():
            old.unlink()
        log = CACHE / 'logs' / f'guest-{suite}-{name}.log'
        log.unlink(missing_ok=True)
        with doing(f'making the guest {name}' + (f' (about {duration})' if duration else ''), lab.suite):
            if name == 'debian':
                _fetch_debian(outside / 'tree.tar')
            lab.check(MAKERS / name, inside, what=f'making the guest {name}', log=log)
        stamp.write_text(made_from)


def _fetch_debian(tarball):
    log = CACHE / 'logs' / 'guest-debian-packages.log'
    log.unlink(missing_ok=True)
    run('mmdebstrap', *root.OPTIONS, *(f'--aptopt={o}' for o in host.apt_options()),
        '--include=' + ','.join(DEBIAN_PACKAGES), '--format=tar', DEBIAN_SUITE, tarball, host.mirror(), log=log)
