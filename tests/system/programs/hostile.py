# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shared by the hostile programs of the abuse tests: each reports the result of each attempt.

They run as an ordinary user. /sys shows them the network devices, and so whether an attempt left one behind.
"""

import errno
import fcntl
import os
import struct
import sys
import time

import bus

MAC = '52:54:00:66:00:01'               # one that the policy allows and that nobody has
PREFIX = f'vm{os.getuid()}-'            # of the names of this user's TAPs

TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x400454CA, 0x0002, 0x1000, 0x4000, 0x0100
VNET_HEADER = bytes(12)


def ok(text):
    print(f'ok: {text}', flush=True)


def fail(text):
    print(f'FAILED: {text}', flush=True)
    sys.exit(1)


def network():
    """Every network device, and the bridge it is in."""
    found = {}
    for name in os.listdir('/sys/class/net'):
        try:
            master = os.readlink(f'/sys/class/net/{name}/master')
        except OSError:
            master = None
        found[name] = master
    return found


def taps():
    """This user's TAPs."""
    return sorted(name for name in os.listdir('/sys/class/net') if name.startswith(PREFIX))


def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def nothing_new(text, before):
    """The network is as it was. Whoever closes a TAP need not wait for it to be gone, so neither is it asked at once."""
    if not eventually(lambda: network() == before):
        fail(f'{text}: left behind: {set(network().items()) ^ set(before.items())}')


def expect(text, names, attempt):
    """attempt() is refused by an error of one of these names (without the prefix bus.BROKER_ERROR)."""
    before = network()
    wanted = [name if '.' in name else bus.BROKER_ERROR + name for name in names.split()]
    try:
        answer = attempt()
    except bus.Refused as e:
        if e.name not in wanted:
            fail(f'{text}: expected {names}, got {e}')
        nothing_new(text, before)
        ok(f'{text}: {e.name.removeprefix(bus.BROKER_ERROR)}')
    else:
        fail(f'{text}: granted: {answer.values}')


def expect_errno(text, number, attempt):
    """attempt() is refused by the kernel with that errno."""
    try:
        attempt()
    except OSError as e:
        if e.errno != number:
            fail(f'{text}: expected {errno.errorcode[number]}, got {e}')
        ok(f'{text}: {errno.errorcode[number]}')
    else:
        fail(f'{text}: it can')


def options(mac=MAC, **more):
    """CreateTap's options: mac, and pairs (type, value); None leaves one out."""
    found = [] if mac is None else [('mac', mac if isinstance(mac, tuple) else ('s', mac))]
    return found + list(more.items())


def create(connection, bridge='br0', guest='own', opts=None, **kwargs):
    serial = bus.create_tap(connection, bridge, guest, options() if opts is None else opts, **kwargs)
    return connection.answer(serial)


def attach(name, flags=IFF_TAP | IFF_NO_PI | IFF_VNET_HDR):
    """A new queue of the TAP of that name."""
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), flags))
    except OSError:
        os.close(fd)
        raise
    return fd
