# SPDX-License-Identifier: LGPL-2.1-or-later
"""What operators do every day with a guest, by virsh and by vmunit: what each did, and how long it took.

Both have the same guest, a small Linux, and do the same in the same order, one side after the other.
"""

import contextlib
import pathlib
import shutil
import time
import uuid
from dataclasses import dataclass

from base import BenchError, attempt, run, until
from guest import IMAGES, bridge
from report import Comparison, Outcome
from sides.libvirt import UNITS, VIRSH

TITLE = "An operator's day"

NOTE = 'start and reset: until the guest has written to its disk; save and shut down: until QEMU is gone'

KERNEL = pathlib.Path('/var/cache/vmunit-guests/busybox')
BRIDGE = 'bench0'
NAME = 'day'
MARK = b'written by the guest'          # to its disk, when it has started
READY_SECONDS, OPERATION_SECONDS = 120, 120
SETTLED_SECONDS = 3                     # from there until it heeds the power button and has found its buses

KERNEL_FILES = 'vmlinuz', 'initrd'
SYSTEM, DATA, SNAPSHOT, CD = IMAGES / 'day.raw', IMAGES / 'data.qcow2', IMAGES / 'noon.qcow2', IMAGES / 'day.iso'
GUEST_XML, DISK_XML, CARD_XML = IMAGES / 'day.xml', IMAGES / 'disk.xml', IMAGES / 'card.xml'
SCREEN = IMAGES / 'screen'
MAC = '52:54:00:76:00:09'

XML = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>192</memory>
  <vcpu current='1'>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{images}/vmlinuz</kernel>
    <initrd>{images}/initrd</initrd>
    <cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <controller type='pci' model='pcie-root'/>{ports}
    <console type='pty'/>
    <video><model type='vga'/></video>
    <graphics type='vnc'/>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""
PORT = "\n    <controller type='pci' model='pcie-root-port'/>"

DISK = f"""\
<disk type='file' device='disk'>
  <driver name='qemu' type='qcow2'/>
  <source file='{DATA}'/>
  <target dev='vdb' bus='virtio'/>
</disk>
"""

CARD = f"""\
<interface type='bridge'>
  <mac address='{MAC}'/>
  <source bridge='{BRIDGE}'/>
  <model type='virtio'/>
</interface>
"""


@dataclass
class Operation:
    what: str
    virsh: tuple                        # the words behind "virsh"
    vmunit: tuple                       # a whole command line
    afterwards: str = ''                # 'up': until the guest has started; 'off': until QEMU is gone


def _vmctl(*words):
    return ('vmctl', words[0], NAME, *words[1:])


DAY = (
    Operation('define', ('define', str(GUEST_XML)), ('vmctl', 'define', str(GUEST_XML))),
    Operation('start', ('start', NAME), ('systemctl', 'start', f'vm@{NAME}'), 'up'),
    Operation('list', ('list',), ('vmctl', 'list')),
    Operation('show its state', ('dominfo', NAME), _vmctl('info')),
    Operation('show its XML', ('dumpxml', NAME), _vmctl('dumpxml', '--live')),
    Operation('show statistics', ('domstats', NAME), _vmctl('stats', '--json')),
    Operation('take a screenshot', ('screenshot', NAME, str(SCREEN)), _vmctl('screenshot', str(SCREEN))),
    Operation('press keys', ('send-key', NAME, 'KEY_ENTER'), _vmctl('send-key', 'ret')),
    Operation('attach a disk', ('attach-device', NAME, str(DISK_XML), '--live'), _vmctl('attach', str(DISK_XML))),
    Operation('resize the disk', ('blockresize', NAME, 'vdb', '32M'), _vmctl('resize-disk', 'vdb', '32M')),
    Operation('detach the disk', ('detach-disk', NAME, 'vdb', '--live'), _vmctl('detach', 'vdb')),
    Operation('attach a network card', ('attach-device', NAME, str(CARD_XML), '--live'), _vmctl('attach', str(CARD_XML))),
    Operation('pull its cable', ('domif-setlink', NAME, MAC, 'down'), _vmctl('set', f'link={MAC}:down')),
    Operation('detach the card', ('detach-interface', NAME, 'bridge', MAC, '--live'), _vmctl('detach', MAC)),
    Operation('insert a CD', ('change-media', NAME, 'sda', str(CD), '--insert', '--live'),
              _vmctl('change-media', 'sda', str(CD))),
    Operation('give it less memory', ('setmem', NAME, '160M', '--live'), _vmctl('set', 'memory=160MiB')),
    Operation('pause', ('suspend', NAME), _vmctl('pause')),
    Operation('resume', ('resume', NAME), _vmctl('resume')),
    Operation('make a snapshot', ('snapshot-create-as', NAME, 'noon', '--disk-only', '--diskspec', f'vda,file={SNAPSHOT}'),
              ('vmctl', 'snapshot', 'create', NAME, 'noon', '--disk-only')),
    Operation('merge it again', ('blockcommit', NAME, 'vda', '--active', '--pivot', '--wait'),
              ('vmctl', 'snapshot', 'delete', NAME, 'noon')),
    Operation('save', ('managedsave', NAME), _vmctl('save'), 'off'),
    Operation('restore', ('start', NAME), ('systemctl', 'start', f'vm@{NAME}')),
    Operation('give it a processor more', ('setvcpus', NAME, '2', '--live'), _vmctl('set', 'vcpus=2')),
    Operation('reset', ('reset', NAME), _vmctl('reset'), 'up'),
    Operation('shut down', ('shutdown', NAME), ('systemctl', 'stop', f'vm@{NAME}'), 'off'),
    Operation('undefine', ('undefine', NAME, '--snapshots-metadata'), ('vmctl', 'undefine', NAME)),
)


def measure(cycles, step):
    del cycles                          # each is done once, as an operator would
    outcomes, notes = {}, [NOTE]
    sides = [Vmunit()]
    if shutil.which('libvirtd'):
        sides.insert(0, Virsh())
    else:
        notes.append("not compared with virsh: libvirt is not in this suite's lab")
    with bridge(BRIDGE):
        for side in sides:
            with _files():
                try:
                    outcomes[side.name] = [_carried_out(side, o, step) for o in DAY]
                finally:
                    side.end()
    return Comparison('operation', [o.what for o in DAY], outcomes), notes


class Virsh:
    name = 'virsh'

    def __init__(self):
        run('systemctl', 'start', 'libvirtd')

    def argv(self, operation):
        return (*VIRSH, *operation.virsh)

    def end(self):
        attempt(*VIRSH, 'destroy', NAME)
        attempt(*VIRSH, 'managedsave-remove', NAME)
        attempt(*VIRSH, 'undefine', NAME, '--snapshots-metadata')
        attempt('systemctl', 'stop', *UNITS)


class Vmunit:
    name = 'vmunit'

    def argv(self, operation):
        return operation.vmunit

    def end(self):
        attempt('vmctl', 'kill', NAME)
        attempt('vmctl', 'save', '--discard', NAME)
        attempt('vmctl', 'undefine', NAME)


def _carried_out(side, operation, step):
    step(f'{side.name}: {operation.what}')
    if operation.afterwards == 'up':
        _clear_mark()
    began = time.monotonic()
    try:
        run(*side.argv(operation), seconds=OPERATION_SECONDS)
        if operation.afterwards == 'up':
            until(_is_up, 'the guest has started', READY_SECONDS)
        elif operation.afterwards == 'off':
            until(lambda: not _qemu_runs(), 'QEMU is gone', READY_SECONDS)
    except BenchError as e:
        return Outcome(reason=str(e))
    seconds = time.monotonic() - began
    if operation.afterwards == 'up':
        time.sleep(SETTLED_SECONDS)     # nothing says when the guest's drivers listen
    return Outcome(seconds)


@contextlib.contextmanager
def _files():
    """New ones for each side."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    try:
        for name in KERNEL_FILES:
            shutil.copy(KERNEL / name, IMAGES)
        for image, format in (SYSTEM, 'raw'), (DATA, 'qcow2'):
            run('qemu-img', 'create', '-q', '-f', format, str(image), '16M')
        CD.write_bytes(bytes(1 << 20))
        DISK_XML.write_text(DISK)
        CARD_XML.write_text(CARD)
        GUEST_XML.write_text(XML.format(name=NAME, uuid=uuid.uuid4(), images=IMAGES, disk=SYSTEM, ports=PORT * 8))
        yield
    finally:
        for path in IMAGES.glob('*'):
            path.unlink()


def _clear_mark():
    with open(SYSTEM, 'r+b') as f:
        f.write(bytes(len(MARK)))


def _is_up():
    with open(SYSTEM, 'rb') as f:
        return f.read(len(MARK)) == MARK


def _qemu_runs():
    needle = f'guest={NAME},'.encode()
    for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            if needle in path.read_bytes():
                return True
    return False
