#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does this QEMU take what vmctl makes of a guest, and is the machine then what was asked for?

usage: accepts.py XML…

Each guest's command line is run with what it needs of the host put in place: disks of the right format at their paths, socket
pairs and TAPs at the numbers of their descriptors. QEMU starts with -S; its monitor says which device is where, and that
has to be what the command line says. A guest that wants what cannot be made here is skipped, saying what.
Prints a line a guest (ok, skipped: WHY, FAILED: WHY); exits 1 if one failed, or if all were skipped.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x400454CA, 0x2, 0x1000, 0x4000, 0x100
SECONDS = 30


class Skip(Exception):
    pass


class Wrong(Exception):
    pass


# What a host has to have for it, and a lab has not.
HOST_DRIVERS = {'nbd', 'iscsi', 'rbd', 'ssh', 'http', 'https', 'ftp', 'ftps', 'nfs', 'gluster', 'nvme', 'virtio-blk-vhost-user',
                'virtio-blk-vhost-vdpa'}
HOST_DEVICES = re.compile(r'^(vfio-|vhost-|usb-host|scsi-block|scsi-generic|ccid-card-emulated|usb-redir)')
HOST_NETDEVS = {'vhost-user', 'vhost-vdpa', 'stream', 'dgram', 'l2tpv3'}
HOST_OBJECTS = re.compile(r'^(input-linux|sev-|tdx-|sgx|pr-manager|tls-creds|secret|memory-backend-epc|cryptodev-vhost|iommufd|rng-egd)')
FILTERS = {'throttle', 'copy-on-read', 'preallocate', 'raw'}
HOST_CHARDEVS = {'spicevmc', 'spiceport', 'dbus', 'parallel', 'qemu-vdagent'}

# What a build of QEMU, or the host it runs on, may lack: said by QEMU itself.
LACKS = re.compile(r"'(iothread-vq-mapping|discard-no-unref)' (not found|is unexpected)|\.iothread-vq-mapping' not found"
                   r"|is not a valid device model name|Parameter 'type' expects a netdev backend|unsupported machine type"
                   r"|invalid object type|invalid accelerator|does not accept value|Parameter 'driver' does not accept"
                   r"|There is no option group 'spice'|is not available|without udmabuf|rutabaga or udmabuf"
                   r"|Cannot assign requested address|Try x2apic=on|max CPUs supported by machine"
                   r"|VIRTIO_F_IOMMU_PLATFORM was supported by neither|phys-bits too low"
                   r"|Property 'amd-iommu.(xtsup|pci-id)' not found|failed to find romfile|kernel doesn.t allow setting HyperV|missing object type", re.I)

# Guests that ask QEMU itself for what it cannot have, to see that it is passed on.
NONSENSE = {'whole-qemu.xml': 'properties that no device has'}


class Host:
    """What a command line needs of the host; everything made is undone by close()."""

    def __init__(self):
        self.fds, self.made, self.kept = {}, [], []

    def pair(self, number):
        ours, theirs = socket.socketpair()
        self.kept.append(ours)
        self.fds[number] = os.dup(theirs.fileno())
        theirs.close()
        return ours

    def listening(self, number):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind('')
            s.listen()
            self.fds[number] = os.dup(s.fileno())

    def tap(self, numbers):
        name = b''
        for number in numbers:
            fd = os.open('/dev/net/tun', os.O_RDWR)
            flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (IFF_MULTI_QUEUE if len(numbers) > 1 else 0)
            name = fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name, flags))[:16]
            self.fds[number] = fd

    def folder(self, path):
        self.file(path + '/.', None)

    def file(self, path, make):
        if not path.startswith('/') or os.path.exists(path):
            return
        folder = os.path.dirname(path)
        missing = []
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        for folder in reversed(missing):
            os.mkdir(folder)
            self.made.append((shutil.rmtree, folder))     # QEMU makes sockets and logs there
        if path.endswith('/.'):
            return
        make(path)
        self.made.append((os.unlink, path))

    def close(self):
        for fd in self.fds.values():
            os.close(fd)
        for undo, path in reversed(self.made):
            try:
                undo(path)
            except OSError:
                pass
        for s in self.kept:
            s.close()


def image(fmt, size='1M'):
    return lambda path: subprocess.run(['qemu-img', 'create', '-q', '-f', fmt, path, size], check=True, stdin=subprocess.DEVNULL)


def blockdev(d, host, formats):
    """Puts the file behind a node in place; its format is that of the node on top of it."""
    driver = d.get('driver')
    if driver in HOST_DRIVERS:
        raise Skip(f'a {driver} server')
    if driver == 'host_device':
        d['driver'] = 'file'
    if driver == 'host_cdrom':
        d['driver'] = 'file'
    if isinstance(d.get('file'), dict):
        blockdev(d['file'], host, {})
    if driver == 'vvfat':
        host.folder(d['dir'])
    if 'filename' in d:
        d.pop('locking', None)
        d.pop('aio', None)
        if d.get('cache', {}).get('direct'):
            d['cache']['direct'] = False
        if d['filename'].startswith('/dev/'):
            d['filename'] = '/tmp/accepts' + d['filename']
        if d['filename'].startswith('/proc/'):
            raise Skip('a descriptor of the host')
        fmt = formats.get(d.get('node-name'), 'raw')
        if fmt in ('luks',):
            raise Skip('an encrypted image')
        host.file(d['filename'], image(fmt))
    for key in ('key-secret', 'password-secret', 'encrypt'):
        if key in d:
            raise Skip('a secret')


def netdev(d, host):
    if d['type'] in HOST_NETDEVS:
        raise Skip(f'a {d["type"]} peer')
    for key in ('vhost', 'vhostfd', 'vhostfds', 'poll-us'):
        d.pop(key, None)
    if d['type'] == 'tap':
        if not os.path.exists('/dev/net/tun'):
            raise Skip('/dev/net/tun')
        host.tap([int(n) for n in str(d.get('fds', d.get('fd', ''))).split(':') if n])


def parameters(text):
    out = {}
    for i, part in enumerate(p.replace('\0', ',') for p in text.replace(',,', '\0').split(',')):
        key, equals, value = part.partition('=')
        out[key if equals else ('' if i == 0 else part)] = value if equals else (part if i == 0 else 'on')
    return out


def chardev(text, host):
    d = parameters(text)
    if d[''] in HOST_CHARDEVS:
        raise Skip(f'a {d[""]} peer')
    if 'fd' in d and d.get('server', 'off') in ('on', 'yes'):
        return host.listening(int(d['fd']))
    if 'fd' in d:
        return host.pair(int(d['fd']))
    if d[''] in ('socket', 'udp') and d.get('server', 'off') not in ('on', 'yes') and 'fd' not in d:
        raise Skip('a socket somebody listens on')
    if 'tls-creds' in d:
        raise Skip('TLS credentials')
    for key in ('path', 'logfile'):
        if key in d and d[''] in ('file', 'socket') or key == 'logfile' and key in d:
            host.folder(os.path.dirname(d[key]))
    if d[''] in ('pipe', 'serial', 'parallel', 'tty'):
        raise Skip(f'a {d[""]} of the host')
    return None


def memory(d):
    if d.get('qom-type', '').startswith('memory-backend'):
        d.pop('prealloc', None)
        d.pop('prealloc-threads', None)
        d.pop('host-nodes', None)
        d.pop('policy', None)
        if d.get('hugetlb') or 'hugepages' in d.get('mem-path', ''):
            raise Skip('huge pages')
        if d.get('pmem') or d['qom-type'] == 'memory-backend-file' and not d['mem-path'].startswith('/tmp'):
            raise Skip('a file of memory')


def devices_of(argv):
    return [json.loads(argv[i + 1]) for i in range(len(argv) - 1) if argv[i] == '-device' and argv[i + 1].startswith('{')]


def adapt(argv, host):
    """The command line for this host, and the monitor's socket."""
    monitor = None
    formats = {}
    for option, value in zip(argv, argv[1:]):
        if option == '-blockdev':
            d = json.loads(value)
            if isinstance(d.get('file'), str) and d['driver'] not in FILTERS:
                formats[d['file']] = d['driver']
    out = ['/usr/bin/qemu-system-x86_64']
    i = 1
    while i < len(argv):
        option, value = argv[i], argv[i + 1] if i + 1 < len(argv) else ''
        i += 2
        if option in ('-S', '-nodefaults', '-no-user-config', '-no-shutdown', '-no-reboot', '-full-screen', '-mem-prealloc'):
            out.append(option)
            i -= 1
            continue
        if option in ('-blockdev', '-netdev', '-object', '-device', '-audiodev') and value.startswith('{'):
            d = json.loads(value)
            if option == '-blockdev':
                blockdev(d, host, formats)
            elif option == '-netdev':
                netdev(d, host)
            elif option == '-object':
                if HOST_OBJECTS.match(d['qom-type']):
                    raise Skip(f'a {d["qom-type"]}')
                memory(d)
            elif option == '-device' and HOST_DEVICES.match(d['driver']):
                raise Skip(f'a {d["driver"]}')
            elif option == '-audiodev' and d['driver'] not in ('none', 'wav'):
                raise Skip(f'audio by {d["driver"]}')
            value = json.dumps(d)
        elif option == '-chardev':
            pair = chardev(value, host)
            if 'id=charmonitor' in value:
                monitor = pair
        elif option == '-accel':
            value = re.sub(r'^(kvm|hvf).*', 'tcg', value)
        elif option == '-cpu':
            value = re.sub(r'^(host)\b', 'max', value)
        elif option == '-sandbox':
            value = 'on'
        elif option in ('-kernel', '-initrd', '-dtb', '-bios', '-acpitable', '-add-fd', '-spice', '-tpmdev', '-fsdev'):
            raise Skip(f'what {option} names')
        elif option == '-fw_cfg' and ',file=' in value:
            raise Skip('a file for fw_cfg')
        elif option == '-vnc' and value.startswith('unix:'):
            host.folder(os.path.dirname(value[5:].split(',audiodev=')[0].replace(',,', ',')))
        elif option == '-display' and value.split(',')[0] not in ('none', 'vnc'):
            raise Skip('a display')
        out += [option, value]
    if '-display' not in out and '-vnc' not in out:
        out += ['-display', 'none']
    return out, monitor


class Monitor:
    def __init__(self, sock):
        sock.settimeout(SECONDS)
        self.file = sock.makefile('rw')
        self.read('QMP')
        self.ask('qmp_capabilities')

    def read(self, key):
        for line in self.file:
            message = json.loads(line)
            if 'error' in message:
                raise Wrong(message['error']['desc'])
            if key in message:
                return message[key]
        raise Wrong('QEMU closed its monitor')

    def ask(self, command, **arguments):
        self.file.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        self.file.flush()
        return self.read('return')


def asked(argv):
    """What the command line says of PCI devices: id, bus, and slot and function as one number."""
    for d in devices_of(argv):
        if 'addr' in d and 'id' in d and str(d.get('bus', '')).startswith('pci'):
            slot, _, function = str(d['addr']).partition('.')
            yield d['id'], d['bus'], int(slot, 16) << 3 | int(function or '0', 16)


def compare(argv, sock):
    """By the object model: query-pci shows what is behind a port only after firmware has numbered the buses."""
    monitor = Monitor(sock)
    there = {d['name'] for d in monitor.ask('qom-list', path='/machine/peripheral')}
    for name, bus, place in asked(argv):
        if name not in there:
            raise Wrong(f'there is no {name}')
        path = f'/machine/peripheral/{name}'
        is_at = monitor.ask('qom-get', path=path, property='addr')
        is_on = monitor.ask('qom-get', path=path, property='parent_bus')
        if is_at != place or os.path.basename(is_on) != bus:
            raise Wrong(f'{name} is at {is_at:#x} of {is_on}, not at {place:#x} of {bus}')


def run(argv, host):
    adapted, monitor = adapt(argv, host)
    top = max(host.fds, default=3) + 1
    safe = {number: fcntl.fcntl(fd, fcntl.F_DUPFD, max(top, 500)) for number, fd in host.fds.items()}

    def place():
        for number, fd in safe.items():
            os.dup2(fd, number)
            os.close(fd)

    with tempfile.TemporaryFile('w+') as errors:
        p = subprocess.Popen(adapted, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, preexec_fn=place, close_fds=False)
        for fd in safe.values():
            os.close(fd)
        for number in list(host.fds):
            os.close(host.fds.pop(number))
        try:
            compare(argv, monitor)
        except (Wrong, OSError, ValueError) as e:
            p.kill()
            p.wait()
            errors.seek(0)
            said = [line for line in errors.read().splitlines() if ': warning: ' not in line]
            lacking = next((line for line in said if LACKS.search(line)), None)
            if lacking:
                raise Skip(f'what this QEMU or host has not: {lacking.split(": ", 1)[-1][-160:]}') from e
            raise Wrong(f'{e}; {said[-1] if said else "QEMU said nothing"}') from e
        finally:
            p.kill()
            p.wait()


def guest(path):
    made = subprocess.run(['vmctl', 'argv', '--json', path], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if made.returncode == 65:
        return None
    if made.returncode:
        raise Wrong(f'vmctl: {made.stderr}')
    argv = json.loads(made.stdout)
    if os.path.basename(argv[0]) != 'qemu-system-x86_64':
        raise Skip(f'{argv[0]}')
    if os.path.basename(path) in NONSENSE:
        raise Skip(NONSENSE[os.path.basename(path)])
    host = Host()
    try:
        run(argv, host)
    except (OSError, subprocess.CalledProcessError) as e:
        raise Wrong(f'what it needs of the host cannot be made: {e}') from e
    finally:
        host.close()
    return True


def main():
    counts = {'ok': 0, 'skipped': 0, 'failed': 0}
    for path in sys.argv[1:]:
        name = os.path.basename(path)
        try:
            if guest(path) is None:
                continue
            counts['ok'] += 1
            print(f'ok {name}')
        except Skip as e:
            counts['skipped'] += 1
            print(f'skipped {name}: wants {e}')
        except Wrong as e:
            counts['failed'] += 1
            print(f'FAILED {name}: {e}')
    print(', '.join(f'{n} {what}' for what, n in counts.items()))
    return 1 if counts['failed'] or not counts['ok'] else 0


if __name__ == '__main__':
    sys.exit(main())
