# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the programs that kill processes of vmunit have in common: a guest, and what has to be the same after it.

The guest has a disk with a backing file, a TAP on a bridge, and a firmware of its own (firmware.S) instead of a system.
"""

import hashlib
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import time

STEP = '/usr/local/lib/vmunit-kill/step'
BOOTSECTOR = '/var/cache/vmunit-guests/bootsector/bootsector.raw'
FIRMWARE = pathlib.Path(__file__).with_name('firmware.S')
FIRMWARE_SIZE = VARIABLES_SIZE = 64 << 10
IMAGES = pathlib.Path('/srv/images')
BASE, DISK, VARIABLES = IMAGES / 'base.raw', IMAGES / 'one.qcow2', IMAGES / 'nvram' / 'one'
CODE, TEMPLATE = IMAGES / 'code', IMAGES / 'template'
XML = pathlib.Path('/etc/vmunit/guests/one.xml')
FRAGMENTS = XML.with_name('one.xml.d'), pathlib.Path('/run/vmunit/guests/one.xml.d')
NOTE = pathlib.Path('/run/vmunit/guests/.one.change')
CONF = pathlib.Path('/etc/vmunit/vmunit.conf.d/50-kill.conf')
DROP_IN = pathlib.Path('/run/systemd/system/vm@one.service.d/90-kill.conf')
SEEN = [IMAGES, pathlib.Path('/var/lib/vm'), pathlib.Path('/var/lib/vmunit'), pathlib.Path('/run/vm'), pathlib.Path('/run/vmunit')]
UNIT, HELPER, SOCKET = 'vm@one.service', 'vm-helper@one.service', 'vm-helper@one.socket'
DISKS = ('descriptors', 'chown')
LIMIT_SECONDS = 30                      # for a start or a stop; nothing here waits for a guest that hangs

GUEST = f"""\
<domain type='qemu'>
  <name>one</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' type='pflash'>{CODE}</loader>
    <nvram template='{TEMPLATE}'>{VARIABLES}</nvram>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{DISK}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <source bridge='br0'/>
      <mac address='52:54:00:76:01:01'/>
      <model type='virtio'/>
    </interface>
    <console type='pty'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""


class Failure(Exception):
    """What is wrong at a point."""


def run(*argv, check=True):
    p = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and p.returncode != 0:
        raise Failure(f'{" ".join(map(str, argv))}: {p.stdout.strip()}')
    return p.stdout.strip()


def systemctl(*argv, check=True):
    return run('timeout', LIMIT_SECONDS, 'systemctl', *argv, check=check)


def eventually(condition, what):
    end = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise Failure(what)
        time.sleep(0.02)


# --- the guest

def is_off(*units):
    return all(s in ('inactive', 'failed') for s in systemctl('show', '-P', 'ActiveState', *units).split())


def start():
    systemctl('start', UNIT)


def wait_until_gone():
    eventually(lambda: is_off(UNIT, SOCKET, HELPER), 'the guest does not end, or what it had is not given back')


def stop():
    systemctl('stop', UNIT)
    wait_until_gone()


def launcher():
    return systemctl('show', '-P', 'MainPID', UNIT)


def processes():
    """The processes of vmunit and of QEMU: pid, name."""
    found = []
    for d in os.listdir('/proc'):
        if d.isdigit():
            try:
                name = pathlib.Path(f'/proc/{d}/comm').read_text().strip()
            except OSError:
                continue
            if name.startswith(('vm-launcher', 'qemu-system')):
                found.append((int(d), name))
    return found


def qemu():
    return next(pid for pid, name in processes() if name.startswith('qemu-system') and parent(pid) == int(launcher()))


def parent(pid):
    return int(pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[1])


def make_firmware():
    run('as', '--32', '-o', IMAGES / 'firmware.o', FIRMWARE)
    run('objcopy', '-O', 'binary', IMAGES / 'firmware.o', IMAGES / 'firmware')
    code = (IMAGES / 'firmware').read_bytes()
    CODE.write_bytes(bytes(FIRMWARE_SIZE - len(code)) + code)


def set_up(disks, guest=GUEST, service='Restart=no\n'):
    run('ip', 'link', 'add', 'br0', 'type', 'bridge')
    run('ip', 'link', 'set', 'br0', 'up')
    VARIABLES.parent.mkdir(parents=True)
    make_firmware()
    shutil.copy(BOOTSECTOR, BASE)
    with open(TEMPLATE, 'wb') as f:
        f.truncate(VARIABLES_SIZE)
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', BASE, '-F', 'raw', DISK)
    for path, mode, entry in ((BASE, 0o600, 'user:daemon:r'), (DISK, 0o640, 'group:daemon:rw'), (CODE, 0o600, 'user:bin:r')):
        os.chown(path, 0, 6)
        os.chmod(path, mode)
        run('setfacl', '-m', entry, path)
        os.setxattr(path, 'trusted.kill', path.name.encode())
    XML.parent.mkdir(parents=True, exist_ok=True)
    XML.write_text(guest)
    CONF.parent.mkdir(parents=True, exist_ok=True)
    CONF.write_text(f'[Guests]\nDisks={disks}\nImageDirectories={IMAGES}\n')
    DROP_IN.parent.mkdir(parents=True, exist_ok=True)
    DROP_IN.write_text(f'[Unit]\nStartLimitIntervalSec=0\n[Service]\n{service}')
    systemctl('daemon-reload')


def clear_away():
    """Ends everything, and removes all that set_up() made and that is left."""
    systemctl('stop', UNIT, SOCKET, HELPER, check=False)
    systemctl('kill', '--signal=KILL', UNIT, HELPER, check=False)
    for pid, _ in processes():
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
    for name in os.listdir('/sys/class/net'):
        if name != 'lo':
            run('ip', 'link', 'del', name, check=False)
    for directory in ('/var/lib/vmunit/grants', '/var/lib/vm', '/run/vm', '/run/vmunit/undo'):
        for entry in pathlib.Path(directory).glob('*'):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for directory in (IMAGES, *FRAGMENTS, XML.with_name('one.snapshots')):
        shutil.rmtree(directory, ignore_errors=True)
    for path in (XML, NOTE, CONF, DROP_IN):
        path.unlink(missing_ok=True)
    systemctl('daemon-reload')
    systemctl('reset-failed', check=False)


# --- what must be as at first

def state():
    """Everything that a guest's start changes, as lines."""
    lines = [f'process {name}' for _, name in processes()]
    for name in sorted(os.listdir('/sys/class/net')):
        lines.append(f'interface {name}')
    lines += [f'port {name}' for name in sorted(os.listdir('/sys/class/net/br0/brif'))]
    for top in SEEN:
        for directory, names, files in os.walk(top):
            for path in sorted([directory, *(os.path.join(directory, f) for f in files)]):
                lines.append(describe(path))
    lines.append('backing file ' + hashlib.sha256(BASE.read_bytes()).hexdigest())
    return lines


def describe(path):
    try:
        st = os.lstat(path)
        if stat.S_ISLNK(st.st_mode):
            return f'link {path} {os.readlink(path)}'
        attributes = {name: os.getxattr(path, name).hex() for name in sorted(os.listxattr(path))}
    except FileNotFoundError:           # since it was listed
        return f'gone {path}'
    size = st.st_size if path == str(VARIABLES) else ''
    return f'file {path} {st.st_uid}:{st.st_gid} {st.st_mode:o} {size} {attributes}'


def difference(before, after):
    return [f'- {line}' for line in before if line not in after] + [f'+ {line}' for line in after if line not in before]


def check_state(before):
    end = time.monotonic() + 3          # some versions of systemd close TAPs a moment later
    while changed := difference(before, state()):
        if time.monotonic() > end:
            raise Failure('\n'.join(['left:', *changed]))
        time.sleep(0.02)


def report(text):
    print(text, flush=True)


def report_journal(since):
    lines = run('journalctl', '--quiet', '--no-pager', '-o', 'short-precise', f'--since=@{since:.6f}', check=False).splitlines()
    for line in [line for line in lines if 'pids.max' not in line][-60:]:
        report(line)


# --- which calls

def add_options(parser):
    parser.add_argument('--every', type=int, default=1, metavar='N', help='only every Nth call; default: all')
    parser.add_argument('--first', type=int, default=1, metavar='N', help='the first call; default: 1')
    parser.add_argument('--last', type=int, default=0, metavar='N', help='the last call; default: the last that is made')
    parser.add_argument('--few', type=int, default=0, metavar='N', help='instead, N calls that are spread over all')


def numbers(args, count):
    """Which calls: all of a range, or a few that are spread over all, whose number count() finds out."""
    if not args.few:
        return range(args.first, args.last + 1 if args.last else sys.maxsize, args.every)
    n = count()
    return [n * (2 * i + 1) // (2 * args.few) for i in range(args.few)]


def report_result(results):
    """Returns the exit status."""
    tried, bad = (sum(column) for column in zip(*results))
    report(f'{tried} points, {bad} left something')
    return 1 if bad or not tried else 0
