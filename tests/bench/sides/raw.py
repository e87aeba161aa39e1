# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU by itself: the command line that vmunit runs, without what is the launcher's."""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from base import BenchError, run

# The launcher starts the guest when its monitor answers, and decides itself what a power-off means.
LAUNCHERS_OWN = ('-S', '-no-shutdown')

# What only the launcher can pass. Disks are paths in the command line that vmctl prints, however QEMU gets them.
DESCRIPTOR = re.compile(r'(^|,)(vhost)?fds?=|"(vhost)?fds?":|/dev/fdset/')
CHARDEV = re.compile(r'socket,id=([^,]+),fd=\d+$')


class Raw:
    name = 'raw QEMU'

    def __init__(self, guest):
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix='bench-raw-'))
        self._socket = self._directory / 'monitor'
        self._messages = self._directory / 'stderr'
        self._process = self._monitor = None
        try:
            self._command = self._make_command(guest)
        except BaseException:
            self.end()
            raise

    def _make_command(self, guest):
        chardevs = {'charmonitor': f'socket,id=charmonitor,path={self._socket},server=on,wait=off'}
        argv = []
        for word in json.loads(run('vmctl', 'argv', '--json', guest.name)):
            if match := CHARDEV.match(word):
                word = chardevs.pop(match[1], f'file,id={match[1]},path={self._directory}/console')
            if DESCRIPTOR.search(word):
                raise BenchError(f'{guest.name} cannot run without the launcher, which passes a descriptor for {word}')
            if word not in LAUNCHERS_OWN:
                argv.append(word)
        if chardevs:
            raise BenchError(f'{guest.name}: no monitor in the command line that vmctl argv prints')
        return argv

    def start(self):
        self.spawn()
        self.wait_started()

    def spawn(self):
        self._socket.unlink(missing_ok=True)
        with open(self._messages, 'w') as messages:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)

    def wait_started(self):
        """Until the monitor is ready for commands."""
        with contextlib.closing(self._connect()) as s:
            self._monitor = s.makefile('rw')
        self._read('QMP')
        self._execute('qmp_capabilities')
        self._read('return')

    def _connect(self):
        s = socket.socket(socket.AF_UNIX)
        while self._process.poll() is None:
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                s.connect(str(self._socket))
                return s
            time.sleep(0.001)
        s.close()
        raise self._ended()

    def _execute(self, command):
        self._monitor.write(json.dumps({'execute': command}))
        self._monitor.flush()

    def _read(self, key):
        """The next message that has `key`; those before it are events."""
        for line in self._monitor:
            message = json.loads(line)
            if 'error' in message:
                raise BenchError(f'QEMU refused a command: {message["error"]["desc"]}')
            if key in message:
                return
        raise self._ended()

    def _ended(self):
        return BenchError(f'QEMU ended by itself: {self._messages.read_text().strip()}')

    def processes(self):
        return [self._process.pid]

    def own_processes(self):
        return []

    def stop(self):
        self._execute('system_powerdown')
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            raise BenchError('QEMU does not stop when the power button is pressed') from None

    def end(self):
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._monitor:
            self._monitor.close()
        shutil.rmtree(self._directory)
