# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guests that are measured: the boot sector (../guests/bootsector.S), the same for all that starts it."""

import contextlib
import pathlib
import shutil
import uuid

from base import attempt, run

BOOTSECTOR = pathlib.Path('/var/cache/vmunit-guests/bootsector/bootsector.raw')
IMAGES = pathlib.Path('/srv/images')
DEFINITIONS = pathlib.Path('/etc/vmunit/guests')

MARK, MARK_OFFSET = b'bootsector was here', 512     # what it writes when it is up, and heeds the power button

TAP = """
    <interface type='bridge'>
      <source bridge='{bridge}'/>
      <model type='virtio'/>
    </interface>"""

XML = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>{tap}
    <console type='pty'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""


class Guest:
    def __init__(self, name, bridge=None):
        self.name = name
        self.unit = f'vm@{name}.service'
        self.disk = IMAGES / f'{name}.raw'
        self.definition = DEFINITIONS / f'{name}.xml'
        self._bridge = bridge

    def xml(self):
        # As libvirt and vmctl define do it, the identity is in the file.
        return XML.format(name=self.name, uuid=uuid.uuid5(uuid.NAMESPACE_DNS, self.name), disk=self.disk,
                          tap=TAP.format(bridge=self._bridge) if self._bridge else '')

    def is_up(self):
        with open(self.disk, 'rb') as f:
            f.seek(MARK_OFFSET)
            return f.read(len(MARK)) == MARK

    def clear_mark(self):
        with open(self.disk, 'r+b') as f:
            f.seek(MARK_OFFSET)
            f.write(bytes(len(MARK)))


@contextlib.contextmanager
def defined(guests):
    """The guests are there while the context lasts, with a disk each."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    try:
        for g in guests:
            shutil.copy(BOOTSECTOR, g.disk)
        with definitions(guests):
            run('systemctl', 'daemon-reload')
            yield
    finally:
        for g in guests:
            g.disk.unlink(missing_ok=True)
        run('systemctl', 'daemon-reload')


@contextlib.contextmanager
def definitions(guests):
    """Only the files, of which systemd is not told."""
    DEFINITIONS.mkdir(parents=True, exist_ok=True)
    try:
        for g in guests:
            g.definition.write_text(g.xml())
        yield
    finally:
        for g in guests:
            g.definition.unlink(missing_ok=True)


@contextlib.contextmanager
def bridge(name):
    """The host has it while the context lasts."""
    run('ip', 'link', 'add', name, 'type', 'bridge')
    try:
        run('ip', 'link', 'set', name, 'up')
        yield
    finally:
        attempt('ip', 'link', 'delete', name)
