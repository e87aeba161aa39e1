# SPDX-License-Identifier: LGPL-2.1-or-later
"""systemd-vmspawn, by the template unit that comes with it. The guest boots by BIOS, which that of systemd 262 can do."""

import pathlib
import shutil

from base import BenchError, attempt, processes_of, run, start_unit

# Without what the guest does not have: a TAP, a TPM, vsock, SSH, and a system that says when it is ready.
DROP_IN = """\
[Unit]
StartLimitIntervalSec=0

[Service]
ExecStart=
ExecStart=systemd-vmspawn --quiet --register=yes --keep-unit --machine=%i --image={disk} --firmware=bios --ram=32M \\
        --cpus=1 --kvm=no --vsock=no --tpm=no --notify-ready=no --pass-ssh-key=no --console=headless
"""


class Vmspawn:
    name = 'systemd-vmspawn'

    def __init__(self, guest):
        self._unit = f'systemd-vmspawn@{guest.name}.service'
        self._drop_in = pathlib.Path(f'/run/systemd/system/{self._unit}.d/bench.conf')
        if not shutil.which('systemd-vmspawn'):
            raise BenchError('not in this suite')
        if '|bios|' not in run('systemd-vmspawn', '--help'):
            raise BenchError("this suite's boots with UEFI only, which the guest does not support")
        try:
            self._drop_in.parent.mkdir(parents=True)
            self._drop_in.write_text(DROP_IN.format(disk=guest.disk))
            run('systemctl', 'daemon-reload')
            self.start()                # it may not work here, and that is no failure
            self._kill()
        except BaseException:
            self.end()
            raise

    def start(self):
        start_unit(self._unit)

    def processes(self):
        return processes_of(self._unit)

    def own_processes(self):
        return [int(run('systemctl', 'show', '--property=MainPID', '--value', self._unit))]

    def stop(self):
        run('systemctl', 'stop', self._unit)

    def _kill(self):
        attempt('systemctl', 'kill', '--signal=KILL', self._unit)
        attempt('systemctl', 'stop', self._unit)
        attempt('systemctl', 'reset-failed', self._unit)

    def end(self):
        self._kill()
        shutil.rmtree(self._drop_in.parent)
        run('systemctl', 'daemon-reload')
