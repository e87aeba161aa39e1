#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""reach.py PID GUEST DISK: what a process can do to another guest's QEMU and to its files, attempt by attempt: a line "reached:
WHAT" or "refused: WHAT: ERROR" for each, and "tried all" at the end. It does no harm where it succeeds."""

import ctypes
import errno
import os
import resource
import signal
import socket
import sys

PID, GUEST, DISK = int(sys.argv[1]), sys.argv[2], sys.argv[3]
RUN, STATE, PROC = f'/run/vm/{GUEST}', f'/var/lib/vm/{GUEST}', f'/proc/{PID}'
PTRACE_SEIZE, PTRACE_DETACH, PRIO_PROCESS, IOPRIO_WHO_PROCESS = 0x4206, 17, 0, 1
# on x86_64
TGKILL, IOPRIO_SET, MOVE_PAGES, PROCESS_VM_READV, KCMP, PIDFD_GETFD = 234, 251, 279, 310, 312, 438

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    """A system call, whose arguments are all numbers or addresses."""
    if libc.syscall(number, *(ctypes.c_long(a) for a in arguments)) < 0:
        raise OSError(ctypes.get_errno(), 'call')


def trace():
    if libc.ptrace(PTRACE_SEIZE, PID, None, None) < 0:
        raise OSError(ctypes.get_errno(), 'ptrace')
    libc.ptrace(PTRACE_DETACH, PID, None, None)


def read_memory():
    """With the right to read, an address that is not mapped is the error."""
    vector = (ctypes.c_ulong * 2)(4096, 8)
    room = ctypes.create_string_buffer(8)
    local = (ctypes.c_ulong * 2)(ctypes.addressof(room), 8)
    try:
        call(PROCESS_VM_READV, PID, ctypes.addressof(local), 1, ctypes.addressof(vector), 1, 0)
    except OSError as e:
        if e.errno != errno.EFAULT:
            raise


def connect():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f'{RUN}/console')


def read(path):
    with open(path, 'rb', buffering=0) as f:
        f.read(0 if path.endswith('/mem') else 1)


ATTEMPTS = {
    'signal': lambda: os.kill(PID, signal.SIGCONT),
    'signal of a thread': lambda: call(TGKILL, PID, PID, signal.SIGCONT),
    'signal by pidfd': lambda: signal.pidfd_send_signal(os.pidfd_open(PID), signal.SIGCONT),
    'descriptor by pidfd': lambda: call(PIDFD_GETFD, os.pidfd_open(PID), 0, 0),
    'trace': trace,
    'memory by call': read_memory,
    'memory': lambda: read(f'{PROC}/mem'),
    'environment': lambda: read(f'{PROC}/environ'),
    'mappings': lambda: read(f'{PROC}/maps'),
    'descriptors': lambda: os.listdir(f'{PROC}/fd'),
    'descriptor': lambda: read(f'{PROC}/fd/0'),
    'root directory': lambda: os.listdir(f'{PROC}/root/run'),
    'working directory': lambda: os.listdir(f'{PROC}/cwd/'),
    'pages': lambda: call(MOVE_PAGES, PID, 0, 0, 0, 0, 0),
    'comparison': lambda: call(KCMP, os.getpid(), PID, 1, 0, 0),
    'limits': lambda: resource.prlimit(PID, resource.RLIMIT_CORE),
    'change of limits': lambda: resource.prlimit(PID, resource.RLIMIT_CORE, (0, 0)),
    'processors': lambda: os.sched_setaffinity(PID, os.sched_getaffinity(0)),
    'priority': lambda: os.setpriority(PRIO_PROCESS, PID, 1),
    'priority of I/O': lambda: call(IOPRIO_SET, IOPRIO_WHO_PROCESS, PID, 2 << 13 | 7),
    'run-time files': lambda: os.listdir(RUN),
    'new run-time file': lambda: os.mkdir(f'{RUN}/reached'),
    'console': connect,
    'state': lambda: os.listdir(STATE),
    'whose state': lambda: read(f'{STATE}/uuid'),
    'new state': lambda: os.mkdir(f'{STATE}/reached'),
    'disk': lambda: read(DISK),
}

for what, attempt in ATTEMPTS.items():
    try:
        attempt()
    except OSError as e:
        print(f'refused: {what}: {errno.errorcode[e.errno]}', flush=True)
    else:
        print(f'reached: {what}', flush=True)
print('tried all', flush=True)
