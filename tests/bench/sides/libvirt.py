# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt, with the system's libvirtd."""

import pathlib
import shutil

from base import BenchError, attempt, processes_of, run, until

VIRSH = ('virsh', '--connect', 'qemu:///system', '--quiet')
UNITS = ('libvirtd*', 'virtlockd*', 'virtlogd*')


class Libvirt:
    name = 'libvirt'

    def __init__(self, guest):
        self._guest = guest
        self._pid = pathlib.Path(f'/run/libvirt/qemu/{guest.name}.pid')
        if not shutil.which('libvirtd'):
            raise BenchError("not in this suite's lab")
        try:
            run('systemctl', 'start', 'libvirtd')
            run(*VIRSH, 'define', str(guest.definition))
        except BaseException:
            self.end()
            raise

    def start(self):
        run(*VIRSH, 'start', self._guest.name)

    def processes(self):
        return [int(self._pid.read_text()), *self.own_processes()]

    def own_processes(self):
        return [pid for pattern in UNITS for pid in processes_of(f'{pattern}.service')]

    def stop(self):
        run(*VIRSH, 'shutdown', self._guest.name)
        until(lambda: not self._pid.exists(), 'libvirt has stopped the guest')

    def end(self):
        attempt(*VIRSH, 'destroy', self._guest.name)
        attempt(*VIRSH, 'undefine', self._guest.name)
        attempt('systemctl', 'stop', *UNITS)
