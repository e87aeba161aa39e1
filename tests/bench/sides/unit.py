# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmunit: the guest's unit."""

from base import attempt, processes_of, run, start_unit


class Unit:
    name = 'vmunit'

    def __init__(self, guest):
        self._guest = guest

    def start(self):
        start_unit(self._guest.unit)

    def processes(self):
        # The guest's unit, and those beside it.
        return processes_of(f'vm*@{self._guest.name}.service')

    def own_processes(self):
        return [int(run('systemctl', 'show', '--property=MainPID', '--value', self._guest.unit))]

    def stop(self):
        run('systemctl', 'stop', self._guest.unit)

    def end(self):
        attempt('systemctl', 'kill', '--signal=KILL', self._guest.unit)
        attempt('systemctl', 'stop', self._guest.unit)
        attempt('systemctl', 'reset-failed', f'vm*@{self._guest.name}.service')
