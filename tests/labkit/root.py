# SPDX-License-Identifier: LGPL-2.1-or-later
"""The roots that labs run on: a directory per suite with all that building and testing vmunit takes, and one as an
administrator's machine is before vmunit ("fresh").

A root is made once, under a temporary name that is renamed when it is whole, and is only ever read afterwards: labs
put an overlay on it. Its name carries a hash of what it was made from, so a changed list makes a new one.
"""

import contextlib
import fcntl
import re

import host
from base import CACHE, SOURCE, LabError, digest, doing, lock, run

PACKAGES = [
    # the system
    'systemd', 'systemd-sysv', 'systemd-container', 'dbus', 'dbus-user-session', 'libpam-systemd', 'polkitd', 'udev',
    # QEMU and firmware
    'qemu-system-x86', 'qemu-utils', 'ovmf', 'swtpm', 'swtpm-tools',
    # to build vmunit
    'meson', 'ninja-build', 'gcc', 'libc6-dev', 'pkg-config',
    'libsystemd-dev', 'libcap-ng-dev', 'libseccomp-dev', 'libxml2-dev', 'libjansson-dev',
    # for the tests
    'acl', 'attr', 'file', 'iproute2', 'iputils-ping', 'jq', 'less', 'libcap2-bin', 'libxml2-utils', 'procps',
    'passt', 'python3', 'python3-dbus', 'socat', 'strace',
    # for the test guests
    'busybox-static', 'cpio', 'e2fsprogs', 'kmod', 'lz4', 'xz-utils', 'zstd',
]

# Creates bridges late, and serves them with dnsmasq; masked in the lab until a test starts it.
NETWORK_MANAGER = ['network-manager', 'dnsmasq-base']

SUITE_PACKAGES = {
    # The second compiler need not be in every suite, and formatters and analysers of other versions differ.
    'bookworm': ['clang', 'clang-format-14', 'libclang-rt-14-dev', 'codespell', 'cppcheck', 'man-db', 'shellcheck',
                 # For a user's display and sound, which are separate modules in QEMU 7.2.
                 'qemu-system-gui', 'pulseaudio', 'x11-utils', 'xvfb',
                 # A libvirt to compare with: the oldest, and below the newest.
                 'libvirt-daemon-system', 'libvirt-clients',
                 *NETWORK_MANAGER],
    'forky': ['libvirt-daemon', 'libvirt-daemon-driver-qemu', 'libvirt-daemon-driver-storage', 'libvirt-clients',
              'virtinst', *NETWORK_MANAGER],
}

# The root "fresh" is a machine as its administrator has it before vmunit: the system, what README.md says to install, and
# what the test of that uses itself. libc6-dev comes with gcc, which recommends it; roots are made without recommended packages.
FRESH_PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'dbus-user-session', 'libpam-systemd', 'udev', 'iproute2',
                  'jq', 'libc6-dev', 'procps', 'python3', 'qemu-utils', 'socat']

KERNEL_SCRIPT = SOURCE / 'tests' / 'guests' / 'fetch-kernel'

KERNEL_HOOKS = [
    f'--customize-hook=copy-in {KERNEL_SCRIPT} /tmp',
    '--customize-hook=chroot "$1" sh /tmp/fetch-kernel && rm "$1"/tmp/fetch-kernel',
]

OPTIONS = [
    '--variant=minbase',
    '--aptopt=Acquire::Check-Valid-Until "false"',      # the newest suite's release file may be past its date
    '--aptopt=Acquire::Languages "none"',
    '--dpkgopt=force-unsafe-io',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
]


def packages(suite, kind='lab'):
    if kind == 'fresh':
        return FRESH_PACKAGES + readme_packages()
    return PACKAGES + SUITE_PACKAGES.get(suite, [])


def readme_packages():
    """Those of the one line in README.md that installs packages."""
    found = re.findall(r'^    apt install (.+)$', (SOURCE / 'README.md').read_text(), re.M)
    if len(found) != 1:
        raise LabError(f'README.md has {len(found)} lines that install packages; expected one')
    return found[0].split()


def path(suite, kind='lab'):
    return CACHE / 'roots' / f'{_name(suite, kind)}-{digest(*packages(suite, kind), *OPTIONS, KERNEL_SCRIPT)}'


def _name(suite, kind):
    return suite if kind == 'lab' else f'{kind}-{suite}'


@contextlib.contextmanager
def in_use(suite, kind='lab'):
    """The suite's root of that kind, made if need be, and kept from being removed while the context lasts."""
    p = path(suite, kind)
    with lock(p.with_suffix('.lock'), shared=True, what=f'the {suite} root is being made'):
        if p.is_dir():
            yield p
            return
    with lock(CACHE / 'roots' / f'{_name(suite, kind)}.lock', what=f'the {suite} root is being made'):
        if not p.is_dir():
            _make(suite, kind, p)
    with lock(p.with_suffix('.lock'), shared=True):
        yield p


def _make(suite, kind, p):
    _remove_old(suite, kind)
    log = CACHE / 'logs' / f'root-{_name(suite, kind)}.log'
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    temporary = p.with_name(p.name + '.new')
    try:
        with doing(f'making the root {_name(suite, kind)} (about a minute; then kept in {CACHE})', suite):
            run('mmdebstrap', *OPTIONS, *(f'--aptopt={o}' for o in host.apt_options()),
                '--include=' + ','.join(packages(suite, kind)), *(KERNEL_HOOKS if kind == 'lab' else []),
                suite, temporary, host.mirror(), log=log)
        _prepare(temporary)
        temporary.rename(p)
    except LabError as e:
        raise LabError(f'could not make the {suite} root (all of it: {log}): {e}') from None
    finally:
        _remove(temporary)


def _prepare(root):
    """What makes the tree a lab's: no identity of its own, and nothing that is cleaned away under a bind mount."""
    (root / 'etc/machine-id').write_text('')
    (root / 'etc/hostname').write_text('lab\n')
    (root / 'etc/hosts').write_text('127.0.0.1 localhost\n127.0.1.1 lab\n')
    (root / 'etc/resolv.conf').write_text('')
    # Debian 12 empties /tmp at boot; a directory of the host may be mounted below it.
    (root / 'etc/tmpfiles.d').mkdir(exist_ok=True)
    (root / 'etc/tmpfiles.d/tmp.conf').write_text('q /tmp 1777 root root -\nq /var/tmp 1777 root root -\n')
    for unit in ('NetworkManager.service', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer',
                 'e2scrub_all.timer', 'fstrim.timer', 'logrotate.timer', 'systemd-tmpfiles-clean.timer'):
        link = root / 'etc/systemd/system' / unit
        link.unlink(missing_ok=True)
        link.symlink_to('/dev/null')
    # libvirt is there when a test starts it, and runs beside no other.
    for link in (root / 'etc/systemd/system').glob('*.wants/*virt*'):
        link.unlink()


def _remove_old(suite, kind):
    """Removes the suite's former roots of that kind that no lab is using, and what an interrupted making left."""
    for old in (CACHE / 'roots').glob(f'{_name(suite, kind)}-*'):
        if old.suffix == '.lock':
            continue
        with contextlib.suppress(BlockingIOError), open(old.with_suffix('.lock'), 'w') as f:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(old)


def _remove(tree):
    # Only this file system: an interrupted making may have left /proc or /dev mounted inside.
    if tree.is_dir():
        run('rm', '-rf', '--one-file-system', tree)
