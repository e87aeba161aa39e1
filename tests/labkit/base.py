# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every part of the lab uses: its places, its messages, its locks, and commands on the host."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import subprocess
import sys
import threading

SUITES = ['bookworm', 'trixie', 'forky']                # the floor first: it is the default

SOURCE = pathlib.Path(__file__).resolve().parents[2]    # the tree this lab belongs to
CACHE = pathlib.Path(os.environ.get('VMUNIT_LAB_CACHE') or '/var/cache/vmunit-lab')

TICK_SECONDS = 10                                       # between two signs that something is still going on

EXIT_UNAVAILABLE = 69                                   # sysexits: something needed is missing


class LabError(Exception):
    """The lab cannot go on; what to say of it, and the exit status."""

    def __init__(self, text, status=EXIT_UNAVAILABLE):
        super().__init__(text)
        self.status = status


_say_lock = threading.Lock()


def say(text, who='lab'):
    """A message about the lab itself. On stderr: stdout belongs to what runs inside."""
    with _say_lock:
        print(f'{who}: {text}', file=sys.stderr, flush=True)


@contextlib.contextmanager
def doing(text, who='lab'):
    """Says it, and every few seconds for how long it has been going on."""
    say(text, who)
    over = threading.Event()

    def tick():
        seconds = 0
        while not over.wait(TICK_SECONDS):
            seconds += TICK_SECONDS
            say(f'… {seconds} s', who)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def out(text):
    """A line of the command's result."""
    with _say_lock:
        print(text, flush=True)


def digest(*parts):
    """A short name for what `parts` (text, or paths whose content counts) amount to."""
    h = hashlib.sha256()
    for part in parts:
        h.update(part.read_bytes() if isinstance(part, pathlib.Path) else str(part).encode())
        h.update(b'\0')
    return h.hexdigest()[:12]


@contextlib.contextmanager
def lock(path, shared=False, what=None):
    """Holds `path` locked; says so once when it has to wait (`what` is being waited for)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w') as f:
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(f, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'waiting for another lab: {what or path.name}')
            fcntl.flock(f, mode)
        yield f


def run(*argv, log=None, **kwargs):
    """Runs a command on the host in a session of its own; when it fails, or the lab ends first, nothing of it stays.

    log: a file that takes its output; the end of it is part of the error. Without it, the output is returned.
    """
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(open(log, 'ab')) if log else subprocess.PIPE
        p = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                             start_new_session=True, **kwargs)
        try:
            output = p.communicate()[0]
        except BaseException:
            os.killpg(p.pid, 15)        # mmdebstrap unmounts and removes what it made
            p.wait()
            raise
    if p.returncode != 0:
        text = tail(log) if log else output.decode(errors='replace')
        raise LabError(f'{pathlib.Path(str(argv[0])).name} failed (exit status {p.returncode}):\n{text}')
    return output.decode(errors='replace') if output is not None else None


def tail(path, lines=40):
    """The last lines of a file, indented."""
    try:
        text = pathlib.Path(path).read_text(errors='replace')
    except FileNotFoundError:
        return ''
    return '\n'.join('    ' + line for line in text.splitlines()[-lines:])


def process_exists(pid):
    return pathlib.Path(f'/proc/{pid}').exists()
