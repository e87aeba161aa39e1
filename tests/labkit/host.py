# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the lab needs of the machine it runs on: a few packages, a Debian mirror, two devices and cgroup v2."""

import os
import pathlib
import shutil

from base import LabError, doing, run

# A program that shows the package is there, and the package.
NEEDED = [
    ('mmdebstrap', 'mmdebstrap'),
    ('systemd-nspawn', 'systemd-container'),
    ('nsenter', 'util-linux'),
    ('mount', 'mount'),
    ('mke2fs', 'e2fsprogs'),
]

DEVICES = {                             # what of /dev the lab's guests use: major, minor, mode inside the lab
    'kvm': ('/dev/kvm', 10, 232, 0o660),
    'tun': ('/dev/net/tun', 10, 200, 0o666),
}


def prepare():
    """Makes the machine able to run labs. Once, before the first of them."""
    _install_needed()
    # Where systemd-nspawn keeps its state, which it leaves behind when it is killed: out of the host's sight.
    state = pathlib.Path('/run/systemd/nspawn')
    state.mkdir(parents=True, exist_ok=True)
    run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'vmunit-lab', state)


def _install_needed():
    """Installs the missing ones of NEEDED, and says which."""
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    missing = sorted({package for program, package in NEEDED if not shutil.which(program)})
    if not pathlib.Path('/usr/share/keyrings/debian-archive-keyring.gpg').exists():
        missing.append('debian-archive-keyring')
    if not missing:
        return
    if not shutil.which('apt-get'):
        raise LabError(f'needs {" ".join(missing)}, and knows only apt-get to install them')
    with doing(f'installing {" ".join(missing)} (apt-get)'):
        run('apt-get', '-qq', 'update')
        run('apt-get', '-qq', '-y', 'install', '--no-install-recommends', *missing,
            env={**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'})


def mirror():
    """The URI of the Debian archive that this machine's own apt sources name for its own release."""
    override = os.environ.get('VMUNIT_LAB_MIRROR')
    if override:
        return override
    release = _os_release()
    if release.get('ID') != 'debian':
        raise LabError('this machine is no Debian; VMUNIT_LAB_MIRROR can name a Debian archive to make labs from')
    wanted = (release.get('VERSION_CODENAME'), 'stable', 'testing', 'unstable', 'sid')
    targets = run('apt-get', 'indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages')
    for line in targets.splitlines():
        uri, suite, component = (line.split() + ['', '', ''])[:3]
        if component == 'main' and suite in wanted:
            return uri
    raise LabError('found no Debian archive in the apt sources of this machine; VMUNIT_LAB_MIRROR can name one')


def apt_options():
    """How this machine's apt reaches the archive (proxies), for an apt elsewhere."""
    lines = run('apt-config', 'dump').splitlines()
    return [line for line in lines if line.startswith('Acquire::') and 'proxy' in line.lower() and '""' not in line]


def missing_devices():
    """Of DEVICES, those that this machine cannot offer."""
    return [name for name, (path, *_) in DEVICES.items() if not _opens(path)]


def cgroup_parent():
    """The directory in which a lab may make its cgroup: this process's own in the v2 hierarchy."""
    base = None
    for line in pathlib.Path('/proc/self/mounts').read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == 'cgroup2' and 'rw' in options.split(','):
            base = pathlib.Path(where)
            break
    if base is None:
        raise LabError('this machine has no writable cgroup v2 hierarchy, and the lab cannot do without')
    for line in pathlib.Path('/proc/self/cgroup').read_text().splitlines():
        if line.startswith('0::'):
            return base / line[3:].lstrip('/')
    return base


def cgroup_siblings(name):
    """All directories that a lab's cgroup `name` may have on this machine, in whatever hierarchies: innermost first."""
    found = []
    for line in pathlib.Path('/proc/self/mounts').read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind in ('cgroup', 'cgroup2'):
            for top in (pathlib.Path(where) / name, cgroup_parent() / name):
                if top.is_dir():
                    found += [pathlib.Path(d) for d, _, _ in os.walk(top, topdown=False)]
    return list(dict.fromkeys(found))


def _os_release():
    text = pathlib.Path('/etc/os-release').read_text()
    return {k: v.strip('"') for k, _, v in (line.partition('=') for line in text.splitlines())}


def _opens(path):
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        return True
    except OSError:
        return False
