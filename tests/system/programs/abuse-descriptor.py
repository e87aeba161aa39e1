#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user can do with the descriptor that the broker gave: the kernel asks its holder for no privilege.

    abuse-descriptor.py frames VICTIM_MAC BRIDGE_MAC     frames with other addresses than the guest's
    abuse-descriptor.py bpdu                             spanning tree, on a bridge that has it
    abuse-descriptor.py names VICTIM_TAP                 TAPs by their names, and more queues
    abuse-descriptor.py address MAC…                     the host's end with addresses of others
    abuse-descriptor.py persist                          a TAP that is to outlive its descriptor: it is left behind
"""

import errno
import fcntl
import os
import pathlib
import struct
import sys
import time

import bus
from hostile import (IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, MAC, VNET_HEADER, attach, create, eventually,
                     expect_errno, fail, network, ok, options, taps)

OTHER_MAC = '52:54:00:66:00:02'
UNKNOWN_MAC = '52:54:00:66:99:99'
TUNSETPERSIST, TUNSETOWNER, SIOCSIFHWADDR = 0x400454CB, 0x400454CC, 0x8924

BROADCAST, MULTICAST, BPDU, PAUSE = 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:fb', '01:80:c2:00:00:00', '01:80:c2:00:00:01'
EXPERIMENTAL = b'\x88\xb5'              # an EtherType that nobody else uses
TAGGED = b'\x81\x00\x00\x07' + EXPERIMENTAL
SECONDS_TO_ARRIVE = 1
SECONDS_TO_FORWARD = 15                 # of a bridge with a spanning tree


def address(text):
    return bytes.fromhex(text.replace(':', ''))


def send(fd, destination, source, kind=EXPERIMENTAL, payload=b''):
    os.write(fd, VNET_HEADER + address(destination) + address(source) + kind + payload.ljust(50, b'\0'))


def arrives(fd, payload, seconds=SECONDS_TO_ARRIVE):
    """Whether a frame with that in it comes out at the other TAP."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if payload in os.read(fd, 4096):
                return True
        except BlockingIOError:
            time.sleep(0.01)
    return False


class Pair:
    """Two TAPs on one bridge: what the first sends to all, the second gets."""

    def __enter__(self):
        self.bus = bus.Bus()
        self.answers = [create(self.bus), create(self.bus, guest='other', opts=options(OTHER_MAC))]
        self.name = self.answers[0].values[0]
        self.sender, self.receiver = (answer.fds[0] for answer in self.answers)
        self.count = 0
        return self

    def __exit__(self, *_):
        for answer in self.answers:
            answer.close()
        self.bus.close()

    def passes(self, destination, source, kind=EXPERIMENTAL, seconds=SECONDS_TO_ARRIVE):
        self.count += 1
        payload = f'attempt {self.count}.'.encode()
        send(self.sender, destination, source, kind, payload)
        return arrives(self.receiver, payload, seconds)


def frames(victim_mac, bridge_mac):
    with Pair() as pair:
        # So that what does not arrive is not lost for another reason.
        if not eventually(lambda: pair.passes(BROADCAST, MAC)):
            fail("the guest's own frames do not arrive")
        ok("the guest's own frames arrive")
        for text, source in (("another guest's MAC", victim_mac), ("the host's MAC", bridge_mac),
                             ("the MAC of one's other guest", OTHER_MAC), ('an unknown MAC', UNKNOWN_MAC),
                             ('the zero MAC', '00:00:00:00:00:00'), ('a multicast MAC', '53:54:00:66:00:01'),
                             ('the broadcast MAC', BROADCAST)):
            for kind, destination in (('to all', BROADCAST), ('to a group', MULTICAST), ('to one', OTHER_MAC)):
                if pair.passes(destination, source):
                    fail(f'a frame from {text} {kind} arrives')
            if pair.passes(BROADCAST, source, TAGGED):
                fail(f'a tagged frame from {text} arrives')
            ok(f'no frame from {text} arrives')
        if pair.passes(PAUSE, MAC):
            fail('a frame for the link alone arrives')
        ok('no frame for the link alone arrives')
        for size in (0, 1, 12, 13, 25, 65549):
            try:
                os.write(pair.sender, bytes(size))
            except OSError as e:
                if e.errno not in (errno.EINVAL, errno.EMSGSIZE, errno.ENOBUFS):
                    fail(f'{size} bytes of nothing: {e}')
        if not pair.passes(BROADCAST, MAC):
            fail("after all that, the guest's own frames do not arrive")
        ok("the guest's own frames still arrive")


def bpdu():
    def state(which):
        return pathlib.Path(f'/sys/class/net/{pair.name}/brport/{which}').read_text().strip()

    with Pair() as pair:
        root = pathlib.Path('/sys/class/net/br0/bridge/root_id').read_text()
        if not eventually(lambda: pair.passes(BROADCAST, MAC), SECONDS_TO_FORWARD):
            fail("the guest's own frames do not arrive")
        # A configuration message of a bridge that is better than any: priority 0, its address the guest's.
        best = bytes(2) + address(MAC)
        message = (b'\x00\x26\x42\x42\x03' + bytes(5) + best + bytes(4) + best + b'\x80\x01' + bytes(2)
                   + b'\x14\x00\x02\x00\x0f\x00')
        for _ in range(3):
            os.write(pair.sender, VNET_HEADER + address(BPDU) + address(MAC) + message.ljust(50, b'\0'))
        if not eventually(lambda: state('state') == '0'):
            fail(f'the port goes on: state {state("state")}')
        ok('a port that says it leads to a bridge is switched off')
        if pathlib.Path('/sys/class/net/br0/bridge/root_id').read_text() != root:
            fail('the guest is the root of the spanning tree')
        ok('the root of the spanning tree is who it was')


def names(victim_tap):
    kinds = [('', IFF_TAP | IFF_NO_PI | IFF_VNET_HDR), (' with more queues', IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE)]
    for text, flags in kinds:
        expect_errno(f'to make a TAP{text}', errno.EPERM, lambda: attach('own0', flags))
        expect_errno(f"to make a TAP of the broker's names{text}", errno.EPERM, lambda: attach(f'vm{os.getuid()}-50', flags))
    expect_errno("to attach to another's TAP", errno.EPERM, lambda: attach(victim_tap))
    with bus.Bus() as connection:
        answer = create(connection)
        expect_errno('to attach to it by its name', errno.EPERM, lambda: attach(answer.values[0]))
        expect_errno('to attach as a further queue', errno.EINVAL, lambda: attach(answer.values[0], kinds[1][1]))
        answer.close()
        if not eventually(lambda: not taps()):
            fail(f'left: {taps()}')
        answer = create(connection, opts=options(queues=('u', 2)))
        if len(answer.fds) != 2:
            fail(f'{len(answer.fds)} queues instead of 2')
        expect_errno('to attach a third queue to two', errno.EPERM, lambda: attach(answer.values[0], kinds[1][1]))

        # As its owner one may: more queues of one's own TAP, which is still the TAP that the broker knows.
        fcntl.ioctl(answer.fds[0], TUNSETOWNER, os.getuid())
        third = attach(answer.values[0], kinds[1][1])
        answer.close()
        if network()[answer.values[0]] is None:
            fail('it left the bridge')
        os.close(third)
        if not eventually(lambda: not taps()):
            fail(f'left: {taps()}')
        ok('a queue of its own holds the TAP, and nothing after it')


def change_address(*macs):
    for mac in macs:
        with bus.Bus() as connection:
            answer = create(connection)
            own = pathlib.Path(f'/sys/class/net/{answer.values[0]}/address').read_text().strip()
            request = [struct.pack('16sH6s16x', b'', 1, address(a)) for a in (mac, own)]
            fcntl.ioctl(answer.fds[0], SIOCSIFHWADDR, request[0])
            try:
                fcntl.ioctl(answer.fds[0], SIOCSIFHWADDR, request[1])   # as if nothing had been
            except OSError as e:
                if e.errno != errno.EBADFD:                             # it is removed already
                    raise
            if not eventually(lambda: not taps()):
                fail(f'a TAP that had the address {mac} stays')
            answer.close()
        ok(f'a TAP that had the address {mac} is removed')


def persist():
    with bus.Bus() as connection:
        for _ in range(3):
            answer = create(connection)
            if taps() != answer.values[:1] and taps() != [answer.values[0]]:
                fail(f'the request before it left {taps()}')
            fcntl.ioctl(answer.fds[0], TUNSETPERSIST, 1)
            fcntl.ioctl(answer.fds[0], TUNSETOWNER, os.getuid())
            answer.close()
        ok('a TAP that nobody holds is taken away with the next request')
        print('left:', *taps())


{'frames': frames, 'bpdu': bpdu, 'names': names, 'address': change_address, 'persist': persist}[sys.argv[1]](*sys.argv[2:])
