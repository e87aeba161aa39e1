# SPDX-License-Identifier: LGPL-2.1-or-later
"""One booted lab: an overlay on a suite's root, systemd-nspawn on it, commands inside, and nothing left afterwards.

Mounts: all are made in the mount namespace that tests/lab opened, so they end with this process at the latest. The
writable layer is a tmpfs: no file of the host is written to, and device nodes in it belong to the lab alone.

Cgroups: systemd-nspawn without a host's systemd makes its cgroups below the one it was started in, so each lab gets
one of its own, by which it is also ended: whatever was started in a lab is in there.
"""

import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import stat
import subprocess
import time
import uuid

import block
import host
import root
from base import CACHE, SOURCE, LabError, process_exists, run, say, tail

BOOT_SECONDS = 60
PREFIX = 'vmunit-lab'
BLOCK_DEVICE, BLOCK_DEVICE_SIZE = '/dev/lab-block', 1 << 20     # for a guest that has a whole device as its disk

ENVIRONMENT = {
    'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME': '/root', 'USER': 'root', 'LOGNAME': 'root', 'SHELL': '/bin/bash', 'LANG': 'C.UTF-8',
    'SYSTEMD_PAGER': '', 'SYSTEMD_COLORS': '0',
}


class Lab:
    """A lab of `suite` on a root of that kind. A context manager: booted on entry, gone on exit.

    binds: directories of the host that appear inside, at the same path if no other is given:
    (path, path inside or None, writable).
    """

    def __init__(self, suite, binds=(), kind='lab'):
        self.suite = suite
        self.kind = kind
        self.binds = [(SOURCE, None, False), *binds]
        self.name = f'{PREFIX}-{os.getpid()}-{uuid.uuid4().hex[:6]}'
        self.dir = CACHE / 'labs' / self.name
        self.lacks = host.missing_devices()
        self._stack = contextlib.ExitStack()
        self._nspawn = None

    def __enter__(self):
        sweep()
        try:
            lower = self._stack.enter_context(root.in_use(self.suite, self.kind))
            self._stack.callback(self._remove_dir)
            self._mount(lower)
            self._stack.callback(self.kill)
            self.boot()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    # the parts

    def _mount(self, lower):
        self.dir.mkdir(parents=True)
        run('mount', '-t', 'tmpfs', '-o', 'mode=755,size=75%', PREFIX, self.dir)
        for d in ('upper', 'work', 'root', 'dev'):
            (self.dir / d).mkdir()
        run('mount', '-t', 'overlay', '-o',
            f'lowerdir={lower},upperdir={self.dir}/upper,workdir={self.dir}/work', PREFIX, self.dir / 'root')
        for name, (_, major, minor, mode) in host.DEVICES.items():
            if name not in self.lacks:
                os.mknod(self.dir / 'dev' / name, stat.S_IFCHR, os.makedev(major, minor))
                os.chmod(self.dir / 'dev' / name, mode)
        self._make_block_device()

    def _make_block_device(self):
        with open(self.dir / 'block', 'wb') as f:
            f.truncate(BLOCK_DEVICE_SIZE)
        loop = block.open_loop(self.dir / 'block')
        if loop:
            self._stack.callback(os.close, loop[0])
            block.make_node(self.dir / 'dev' / 'block', loop[1])

    def _remove_dir(self):
        for d in (self.dir / 'root', self.dir):
            subprocess.run(['umount', '--lazy', d], stderr=subprocess.DEVNULL)
        with contextlib.suppress(OSError):
            self.dir.rmdir()

    def boot(self):
        """Boots what is in the lab's root; for a lab that was killed, boots it again with all its files."""
        self.cgroup = host.cgroup_parent() / self.name
        self.cgroup.mkdir(exist_ok=True)
        argv = ['systemd-nspawn', '--quiet', f'--directory={self.dir}/root', f'--machine={self.name}',
                '--hostname=lab', '--boot', '--register=no', '--keep-unit', '--private-network', '--console=pipe',
                # bpf: device and address filters of units; and Landlock
                '--capability=all', '--system-call-filter=bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self',
                '--resolv-conf=off', '--timezone=off', '--link-journal=no']
        for name, (path, *_) in host.DEVICES.items():
            if name not in self.lacks:
                argv.append(f'--bind={self.dir}/dev/{name}:{path}')
        if (self.dir / 'dev' / 'block').exists():
            argv.append(f'--bind={self.dir}/dev/block:{BLOCK_DEVICE}')
        for outside, inside, writable in self.binds:
            option = '--bind' if writable else '--bind-ro'
            argv.append(f'{option}={_escape(outside)}:{_escape(inside or outside)}')
        with open(self.dir / 'console', 'ab') as console:
            self._nspawn = subprocess.Popen(
                self._in_cgroup('', ['setpriv', '--pdeathsig', 'KILL', *argv]), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                env={**os.environ, 'SYSTEMD_NSPAWN_UNIFIED_HIERARCHY': '1'})
        self._wait_until_running()

    def _wait_until_running(self):
        end = time.monotonic() + BOOT_SECONDS
        state = ''
        while time.monotonic() < end:
            if self._nspawn.poll() is not None:
                break
            if self._leader():
                # Fails until systemd's socket is there.
                state = self.output('systemctl', 'is-system-running', '--wait', timeout=end - time.monotonic())
                if state in ('running', 'degraded'):
                    break
            time.sleep(0.05)
        if state == 'degraded':
            say('booted with failed units:\n' + self.output('systemctl', '--failed', '--no-legend'), self.suite)
        elif state != 'running':
            raise LabError(f'the {self.suite} lab did not boot:\n{tail(self.dir / "console")}')

    def kill(self):
        """Ends all processes of the lab at once, as if the host had lost its power."""
        if self._nspawn:
            with contextlib.suppress(OSError):
                (self.cgroup / 'cgroup.kill').write_text('1')
            with contextlib.suppress(OSError):
                self._nspawn.kill()
            self._nspawn.wait()
            self._nspawn = None
        _remove_cgroups(self.name)

    # commands inside

    def command(self, *argv, cwd=None, env=None):
        """What to execute on the host for `argv` to run inside as root."""
        leader = self._leader()
        if not leader:
            raise LabError(f'the {self.suite} lab is not running')
        variables = {**ENVIRONMENT, 'TERM': os.environ.get('TERM', 'dumb'), **(env or {})}
        inside = ['env', '-i', f'--chdir={cwd or "/root"}', *(f'{k}={v}' for k, v in variables.items())]
        # A cgroup outside of all units; systemd in the lab leaves it alone.
        return self._in_cgroup('payload/lab', ['nsenter', '--target', str(leader), '--all', '--root', *inside, *map(str, argv)])

    def run(self, *argv, log=None, timeout=None, cwd=None, env=None):
        """Runs a command inside, its output to `log` (default: the lab's own); returns its exit status.

        None if the timeout (seconds) passed, after which the command is ended.
        """
        with contextlib.ExitStack() as stack:
            sink = stack.enter_context(open(log, 'ab')) if log else None
            p = subprocess.Popen(self.command(*argv, cwd=cwd, env=env), stdin=subprocess.DEVNULL if log else None,
                                 stdout=sink, stderr=subprocess.STDOUT if log else None)
            try:
                return _exit_status(p.wait(timeout))
            except subprocess.TimeoutExpired:
                return None
            finally:
                _end(p)

    def check(self, *argv, what, log, **kwargs):
        """Runs a command inside that has to succeed; `what` it is for."""
        if self.run(*argv, log=log, **kwargs) != 0:
            raise LabError(f'{what} failed in the {self.suite} lab:\n{tail(log)}', status=1)

    def output(self, *argv, timeout=60):
        """The first line of what a command prints; whether it failed is not looked at."""
        try:
            p = subprocess.run(self.command(*argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, timeout=max(timeout, 1), text=True)
        except subprocess.TimeoutExpired:
            return ''
        return p.stdout.strip()

    def _leader(self):
        """The host's pid of the lab's process 1: the child of systemd-nspawn in the lab's cgroup."""
        pid = self._nspawn.pid if self._nspawn else 0
        try:
            children = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
            return next((int(c) for c in children if _is_init(c)), None)
        except OSError:
            return None

    def _in_cgroup(self, below, argv):
        """`argv`, started in a cgroup of the lab's."""
        directory = shlex.quote(str(self.cgroup / below))
        return ['sh', '-c', f'mkdir -p {directory} && echo $$ >{directory}/cgroup.procs && exec "$@"', 'sh', *argv]


def sweep():
    """Removes what labs left whose process was killed: empty directories and cgroups."""
    for d in (CACHE / 'labs').glob(f'{PREFIX}-*'):
        if not process_exists(d.name.split('-')[2]):
            _remove_cgroups(d.name)
            shutil.rmtree(d, ignore_errors=True)


def _remove_cgroups(name):
    end = time.monotonic() + 10
    while (directories := host.cgroup_siblings(name)) and time.monotonic() < end:
        for d in directories:
            with contextlib.suppress(OSError):
                (d / 'cgroup.kill').write_text('1')
            with contextlib.suppress(OSError):
                d.rmdir()
        time.sleep(0.01)


def _is_init(pid):
    """Whether `pid` is process 1 of a pid namespace below ours."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return any(line.split()[0] == 'NSpid:' and line.split()[-1] == '1' and len(line.split()) > 2
               for line in status.splitlines() if line.startswith('NSpid:'))


def _exit_status(returncode):
    return 128 - returncode if returncode < 0 else returncode


def _end(p):
    if p.poll() is None:
        p.send_signal(signal.SIGTERM)
        try:
            p.wait(2)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def _escape(path):
    """A path in --bind=, where a colon separates."""
    return str(path).replace('\\', '\\\\').replace(':', '\\:')
