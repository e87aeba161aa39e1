#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests to the broker that it must refuse, one after the other, and each for the right reason.

    abuse-requests.py VICTIM_MAC BRIDGE_MAC VICTIM_TAP

The user may use br0, `plain` (which is no bridge) and `gone` (which is not there), and not `secret`, another user's.
"""

import os
import sys

import bus
from hostile import MAC, PREFIX, create, eventually, expect, fail, network, nothing_new, ok, options, taps

VICTIM_MAC, BRIDGE_MAC, VICTIM_TAP = sys.argv[1:]

HUGE = 1 << 20
MANY = 10000

DBUS = ('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus')
SYSTEMD = ('org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager')
UNIT = 'vm-broker.service'
NAME, PATH, INTERFACE = bus.BROKER
STANDARD = 'org.freedesktop.DBus.'

# What is wrong with it; the error; what of a good request is replaced.
REQUESTS = [
    ('a guest with a slash', 'BadRequest', {'guest': 'a/b'}),
    ('a guest outside of its directory', 'BadRequest', {'guest': '../../etc/passwd'}),
    ('a guest with a newline', 'BadRequest', {'guest': 'one\nPRIORITY=0'}),
    ('a guest with an escape sequence', 'BadRequest', {'guest': 'one\x1b[2J'}),
    ('a guest without a name', 'BadRequest', {'guest': ''}),
    ('a guest of 300 bytes', 'BadRequest', {'guest': 'x' * 300}),

    ('an unknown bridge', 'NotAllowed', {'bridge': 'nosuch'}),
    ("another user's bridge", 'NotAllowed', {'bridge': 'secret'}),
    ('the loopback device', 'NotAllowed', {'bridge': 'lo'}),
    ("another user's TAP as the bridge", 'NotAllowed', {'bridge': VICTIM_TAP}),
    ('a bridge in other letters', 'NotAllowed', {'bridge': 'BR0'}),
    ('an allowed bridge that is not there', 'NoSuchBridge', {'bridge': 'gone'}),
    ('an allowed device that is no bridge', 'NoSuchBridge', {'bridge': 'plain'}),
    ('a bridge by path', 'BadRequest NotAllowed', {'bridge': '../br0'}),
    ('a bridge with a slash', 'BadRequest NotAllowed', {'bridge': 'br0/'}),
    ('a bridge with a blank', 'BadRequest NotAllowed', {'bridge': 'br0 '}),
    ('a bridge with a newline', 'BadRequest NotAllowed', {'bridge': 'br0\n'}),
    ('a bridge by pattern', 'BadRequest NotAllowed', {'bridge': '*'}),
    ('a bridge by format', 'BadRequest NotAllowed', {'bridge': 'br%d'}),
    ('a bridge without a name', 'BadRequest NotAllowed', {'bridge': ''}),
    ('a bridge of 16 bytes', 'BadRequest NotAllowed', {'bridge': 'br0' + 'x' * 13}),
    ('a bridge of 200 bytes', 'BadRequest NotAllowed', {'bridge': 'b' * 200}),

    ('no MAC', 'BadRequest', {'opts': options(mac=None)}),
    ('an empty MAC', 'BadRequest', {'opts': options('')}),
    ('a MAC of five bytes', 'BadRequest', {'opts': options('52:54:00:66:00')}),
    ('a MAC of seven bytes', 'BadRequest', {'opts': options(MAC + ':00')}),
    ('a MAC that is not hexadecimal', 'BadRequest', {'opts': options('52:54:00:66:00:0g')}),
    ('a MAC without colons', 'BadRequest', {'opts': options('525400660001')}),
    ('a MAC with a blank before it', 'BadRequest', {'opts': options(' ' + MAC)}),
    ('a MAC with more behind it', 'BadRequest', {'opts': options(MAC + ' up')}),
    ('a MAC with a sign', 'BadRequest', {'opts': options('52:54:00:66:00:+1')}),
    ('a multicast MAC', 'BadRequest', {'opts': options('01:00:5e:00:00:01')}),
    ('a multicast MAC next to the range', 'BadRequest', {'opts': options('53:54:00:66:00:01')}),
    ('the broadcast MAC', 'BadRequest', {'opts': options('ff:ff:ff:ff:ff:ff')}),
    ('the zero MAC', 'BadRequest', {'opts': options('00:00:00:00:00:00')}),
    ("another guest's MAC", 'AddressTaken', {'opts': options(VICTIM_MAC)}),
    ("another guest's MAC in capitals", 'AddressTaken', {'opts': options(VICTIM_MAC.upper())}),
    ("the host's own MAC", 'AddressTaken', {'opts': options(BRIDGE_MAC)}),
    ('a MAC out of the ranges', 'AddressNotAllowed', {'opts': options('52:54:01:00:00:00')}),
    ('a MAC just below the range', 'AddressNotAllowed', {'opts': options('52:53:ff:ff:ff:ff')}),

    ('no queue', 'BadRequest', {'opts': options(queues=('u', 0))}),
    ('17 queues', 'BadRequest', {'opts': options(queues=('u', 17))}),
    ('4294967295 queues', 'BadRequest', {'opts': options(queues=('u', 2**32 - 1))}),
    ('an MTU of 0', 'BadRequest', {'opts': options(mtu=('u', 0))}),
    ('an MTU of 67', 'BadRequest', {'opts': options(mtu=('u', 67))}),
    ('an MTU of 65536', 'BadRequest', {'opts': options(mtu=('u', 65536))}),
    ('an MTU of 4294967295', 'BadRequest', {'opts': options(mtu=('u', 2**32 - 1))}),

    ('an unknown option', 'BadRequest', {'opts': options(script=('s', '/bin/sh'))}),
    ('a name for the TAP', 'BadRequest', {'opts': options(ifname=('s', 'eth0'))}),
    ("an option that is the bridge's", 'BadRequest', {'opts': options(vlan=('q', 1))}),
    ('an option without a name', 'BadRequest', {'opts': options() + [('', ('s', ''))]}),
    ('a MAC that is a number', 'BadRequest', {'opts': options(mac=('t', 0x525400660001))}),
    ('a MAC of bytes', 'BadRequest', {'opts': options(mac=('ay', bytes.fromhex('525400660001')))}),
    ('a MAC in a variant', 'BadRequest', {'opts': options(mac=('v', ('s', MAC)))}),
    ('queues that are text', 'BadRequest', {'opts': options(queues=('s', '1'))}),
    ('queues that are signed', 'BadRequest', {'opts': options(queues=('i', -1))}),
    ('queues of 64 bits', 'BadRequest', {'opts': options(queues=('t', 1))}),
    ('an MTU that is a list', 'BadRequest', {'opts': options(mtu=('au', [1500]))}),
    ('a MAC twice', 'BadRequest', {'opts': options() + options()}),
    ('queues twice', 'BadRequest', {'opts': options(queues=('u', 1)) + [('queues', ('u', 16))]}),
    ('an option of a mebibyte', 'BadRequest LimitReached', {'opts': options(script=('s', 'x' * HUGE))}),
    ('a guest of a mebibyte', 'BadRequest LimitReached', {'guest': 'x' * HUGE}),
    (f'{MANY} options', 'BadRequest LimitReached', {'opts': options() + [(f'o{i}', ('u', i)) for i in range(MANY)]}),
    (f'{MANY} times one option', 'BadRequest LimitReached', {'opts': options() + [('queues', ('u', 1))] * MANY}),
]

# What is tried; the error; the call: destination, path, interface, member, and what it takes.
CALLS = [
    ('CreateTap without options', STANDARD + 'Error.InvalidArgs', (*bus.BROKER, 'CreateTap', 'ss', ('br0', 'own'))),
    ('CreateTap with numbers', STANDARD + 'Error.InvalidArgs', (*bus.BROKER, 'CreateTap', 'uua{sv}', (1, 2, []))),
    ('CreateTap with one argument more', STANDARD + 'Error.InvalidArgs',
     (*bus.BROKER, 'CreateTap', 'ssa{sv}s', ('br0', 'own', options(), 'more'))),
    ('CreateTap of another object', STANDARD + 'Error.UnknownObject',
     (NAME, PATH + '/br0', INTERFACE, 'CreateTap', 'ssa{sv}', ('br0', 'own', options()))),
    ('a method that there is not', STANDARD + 'Error.UnknownMethod', (*bus.BROKER, 'DeleteTap', 's', (VICTIM_TAP,))),
    ('another interface', STANDARD + 'Error.AccessDenied', (NAME, PATH, INTERFACE + '.Private', 'Run', '', ())),
    ('who has which TAP', 'NotAllowed', (NAME, PATH, STANDARD + 'Properties', 'Get', 'ss', (INTERFACE, 'Taps'))),
    ('to set the version', STANDARD + 'Error.PropertyReadOnly ' + STANDARD + 'Error.AccessDenied',
     (NAME, PATH, STANDARD + 'Properties', 'Set', 'ssv', (INTERFACE, 'Version', ('s', '0')))),
    ('to set the TAPs', STANDARD + 'Error.PropertyReadOnly ' + STANDARD + 'Error.AccessDenied',
     (NAME, PATH, STANDARD + 'Properties', 'Set', 'ssv', (INTERFACE, 'Taps', ('a(sus)', [])))),
    ('to be the broker', STANDARD + 'Error.AccessDenied', (*DBUS, 'RequestName', 'su', (NAME, 4))),
    ('to stop the broker', STANDARD + 'Error.InteractiveAuthorizationRequired ' + STANDARD + 'Error.AccessDenied',
     (*SYSTEMD, 'StopUnit', 'ss', (UNIT, 'replace'))),
    ('to restart the broker', STANDARD + 'Error.InteractiveAuthorizationRequired ' + STANDARD + 'Error.AccessDenied',
     (*SYSTEMD, 'RestartUnit', 'ss', (UNIT, 'replace'))),
    ('to kill the broker', STANDARD + 'Error.InteractiveAuthorizationRequired ' + STANDARD + 'Error.AccessDenied',
     (*SYSTEMD, 'KillUnit', 'ssi', (UNIT, 'all', 9))),
    ('to change the unit of the broker', STANDARD + 'Error.InteractiveAuthorizationRequired ' + STANDARD + 'Error.AccessDenied',
     (*SYSTEMD, 'SetUnitProperties', 'sba(sv)', (UNIT, True, [('CPUQuotaPerSecUSec', ('t', 1))]))),
    ('to mask the broker', STANDARD + 'Error.InteractiveAuthorizationRequired ' + STANDARD + 'Error.AccessDenied',
     (*SYSTEMD, 'MaskUnitFiles', 'asbb', ([UNIT], True, True))),
    ('to give the broker an environment', STANDARD + 'Error.InteractiveAuthorizationRequired ' + STANDARD + 'Error.AccessDenied',
     (*SYSTEMD, 'SetEnvironment', 'as', (['LD_PRELOAD=/home/alice/x.so'],))),
]


def granted(text):
    """What is refused is refused for what it says, since the same request without that is granted."""
    before = network()
    with bus.Bus() as connection:
        answer = create(connection)
        if not answer.values[0].startswith(PREFIX) or len(answer.fds) != 1 or network()[answer.values[0]] is None:
            fail(f'{text}: {answer.values}, {len(answer.fds)} descriptors, {network()}')
        answer.close()
    nothing_new(text, before)
    ok(f'{text}: {answer.values[0]}')


def names_of_others():
    """A guest may be called what it likes: the TAP's name is the broker's."""
    before = network()
    for guest in ('lo', 'br0', 'eth0', 'vm%d', VICTIM_TAP, 'quiet'):
        with bus.Bus() as connection:
            answer = create(connection, guest=guest)
            if answer.values[0] != PREFIX + '0':
                fail(f"a guest called '{guest}' gets {answer.values[0]}")
            answer.close()
        nothing_new(guest, before)
        ok(f"a guest called '{guest}' gets {answer.values[0]}")


def malformed():
    """What is no D-Bus string ends at the bus."""
    for text, guest in (('a NUL in a string', b'own\0other'), ('a string that is not UTF-8', b'own\xff')):
        before = network()
        with bus.Bus() as connection:
            try:
                create(connection, guest=guest)
                fail(f'{text}: granted')
            except bus.Disconnected:
                nothing_new(text, before)
                ok(f'{text}: disconnected')


def standard_calls():
    """What every peer answers, and no more than that."""
    with bus.Bus() as connection:
        connection.ask(NAME, PATH, STANDARD + 'Peer', 'Ping')
        text = connection.ask(NAME, PATH, STANDARD + 'Introspectable', 'Introspect').values[0]
        own = text[text.index(f'<interface name="{INTERFACE}"'):]
        own = own[:own.index('</interface>')]
        if own.count('<method ') != 1 or 'CreateTap' not in own:
            fail(f'other methods: {own}')
        ok('introspection shows one method')
        try:
            everything = connection.ask(NAME, PATH, STANDARD + 'Properties', 'GetAll', signature='s', values=(INTERFACE,)).values[0]
            if any(name == 'Taps' for name, _ in everything):
                fail(f'all properties: {everything}')
        except bus.Refused as e:
            if e.name != bus.BROKER_ERROR + 'NotAllowed':
                fail(f'all properties: {e}')
        ok('the TAPs of others are not among all properties')


def descriptors_in_requests():
    """Descriptors that nobody asked for are refused or closed, and none stays with the broker."""
    before = network()
    reader, writer = os.pipe()
    with bus.Bus() as connection:
        expect('a descriptor as an option', 'BadRequest',
               lambda: create(connection, opts=options(queues=('h', 0)), fds=[writer]))
        for _ in range(8):
            try:
                create(connection, fds=[writer] * 16).close()
            except bus.Refused as e:
                if e.name != bus.BROKER_ERROR + 'BadRequest':
                    fail(f'descriptors beside the message: {e}')
    nothing_new('descriptors beside the message', before)
    os.close(writer)
    os.set_blocking(reader, False)

    def closed():
        try:
            return os.read(reader, 1) == b''
        except BlockingIOError:
            return False

    if not eventually(closed):
        fail('the broker keeps descriptors that it was sent')
    ok('descriptors beside the message: none is kept')


def main():
    granted('the request as it should be')
    with bus.Bus() as connection:
        for text, names, changes in REQUESTS:
            expect(text, names, lambda: create(connection, **changes))
        for text, names, (*call, signature, values) in CALLS:
            expect(text, names, lambda: connection.ask(*call, signature=signature, values=values))
    names_of_others()
    malformed()
    standard_calls()
    descriptors_in_requests()
    granted('and it still is')
    if taps():
        fail(f'left: {taps()}')


main()
