#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The system calls that the unit of two processes allows, one on each line: what all filters let pass that both have, and so have
# from systemd. Their own filters, which are not of the unit, are the later ones.
#
#     calls.py PID PID

import ctypes
import os
import struct
import sys

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_SECCOMP_GET_FILTER = 17, 0x4206, 0x4207, 0x420c
ARCHITECTURE = 0xc000003e       # x86-64
ALLOW, ACTION = 0x7fff0000, 0xffff0000
CALLS_MAX = 1024
INSTRUCTIONS_MAX = 4096
FILTERS_MAX = 64

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
libseccomp = ctypes.CDLL('libseccomp.so.2')
libseccomp.seccomp_syscall_resolve_num_arch.restype = ctypes.c_char_p


def ptrace(request, pid, address=None, data=None):
    result = libc.ptrace(request, pid, address, data)
    if result < 0:
        raise OSError(ctypes.get_errno(), 'ptrace')
    return result


def filters_of(pid):
    """The oldest first."""
    ptrace(PTRACE_SEIZE, pid)
    try:
        ptrace(PTRACE_INTERRUPT, pid)
        os.waitpid(pid, 0x40000000)     # __WALL
        filters, room = [], ctypes.create_string_buffer(INSTRUCTIONS_MAX * 8)
        for i in range(FILTERS_MAX):
            try:
                n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, i, ctypes.addressof(room))
            except FileNotFoundError:
                return filters
            filters.append(room.raw[:n * 8])
        raise SystemExit('too many filters')
    finally:
        ptrace(PTRACE_DETACH, pid)


def evaluate(program, data):
    """What the filter says of a call: all that systemd and libseccomp use of BPF."""
    a = x = i = 0
    memory = [0] * 16
    while True:
        code, jt, jf, k = program[i]
        i += 1
        kind, operation = code & 7, code & 0xf0
        if kind == 0:           # load
            mode = code & 0xe0
            a = (struct.unpack_from('=I', data, k)[0] if mode == 0x20 else k if mode == 0 else memory[k] if mode == 0x60
                 else len(data))
        elif kind == 1:
            x = memory[k] if code & 0xe0 == 0x60 else k
        elif kind == 2:
            memory[k] = a
        elif kind == 3:
            memory[k] = x
        elif kind == 4:
            if operation not in (0x50, 0x40):
                raise SystemExit(f'unknown instruction {code:#x}')
            a = a & k if operation == 0x50 else a | k
        elif kind == 5:
            other = x if code & 8 else k
            taken = {0x00: None, 0x10: a == other, 0x20: a > other, 0x30: a >= other, 0x40: bool(a & other)}[operation]
            i += k if taken is None else jt if taken else jf
        elif kind == 6:
            return a if code & 0x18 == 0x10 else k
        else:
            a, x = (x, x) if code & 0x80 else (a, a)


def allowed(programs, number):
    data = struct.pack('=iI7Q', number, ARCHITECTURE, *[0] * 7)
    return all(evaluate(p, data) & ACTION == ALLOW for p in programs)


def main():
    lists = [filters_of(int(pid)) for pid in sys.argv[1:3]]
    common = [a for a, b in zip(*lists) if a == b]
    if not common:
        raise SystemExit('the processes have no filter in common')
    programs = [list(struct.iter_unpack('=HBBI', f)) for f in common]
    for number in range(CALLS_MAX):
        name = libseccomp.seccomp_syscall_resolve_num_arch(ARCHITECTURE, number)
        if name and allowed(programs, number):
            print(name.decode())


main()
