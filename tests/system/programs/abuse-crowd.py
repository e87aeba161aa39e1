#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Too many requests, and callers that do not wait for what they asked for.

    abuse-crowd.py limits MOST TOTAL     one TAP more than MOST on br0, and more than TOTAL with br1
    abuse-crowd.py flood MOST            a thousand requests at once, again and again until its input ends
    abuse-crowd.py vanish                callers that are gone before the answer comes
    abuse-crowd.py silent                callers that never read, until its input ends
"""

import collections
import contextlib
import select
import sys
import time

import bus
from hostile import create, eventually, expect, fail, nothing_new, network, ok, options, taps

CONNECTIONS, REQUESTS = 16, 64          # at once: more than 1,000, and of each connection what the bus lets it ask at once
BUS_LIMIT = 'org.freedesktop.DBus.Error.LimitsExceeded'


def mac(number):
    return f'52:54:00:66:{number >> 8 & 255:02x}:{number & 255:02x}'


def input_ended(seconds=0):
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def limits(most, total):
    most, total = int(most), int(total)
    before = network()
    with bus.Bus() as connection:
        held = [create(connection, opts=options(mac(0)))]
        expect("the MAC of one's other guest", 'AddressTaken', lambda: create(connection, opts=options(mac(0))))
        held += [create(connection, opts=options(mac(i))) for i in range(1, most)]
        expect('one more than the bridge has for a user', 'LimitReached', lambda: create(connection, opts=options(mac(99))))
        with bus.Bus() as other:
            expect('the same over another connection', 'LimitReached', lambda: create(other, opts=options(mac(99))))
        held += [create(connection, bridge='br1', opts=options(mac(i))) for i in range(most, total)]
        expect('one more than a user may have', 'LimitReached',
               lambda: create(connection, bridge='br1', opts=options(mac(99))))
        held.pop(0).close()
        if not eventually(lambda: len(taps()) == total - 1):
            fail(f'a TAP without descriptors stays: {taps()}')
        held.append(create(connection, opts=options(mac(0))))
        ok(f'in the place of one that is gone: {held[-1].values[0]}')
        for answer in held:
            answer.close()
    nothing_new('limits', before)


def wave(most, results):
    """A thousand requests at once. No more are granted than there may be, and nothing of it stays."""
    held = []
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(bus.Bus()) for _ in range(CONNECTIONS)]
        sent = [(c, bus.create_tap(c, 'br0', 'own', options(mac(i * REQUESTS + j))))
                for j in range(REQUESTS) for i, c in enumerate(connections)]
        for connection, serial in sent:
            try:
                held.append(connection.answer(serial, timeout=60))
                results['granted'] += 1
            except bus.Refused as e:
                results[e.name] += 1
        if len({answer.values[0] for answer in held}) != len(held) or len(held) > most or len(taps()) > most:
            fail(f'{len(held)} granted: {[answer.values[0] for answer in held]}, there are {taps()}')
        for answer in held:
            answer.close()
    if not eventually(lambda: not taps()):
        fail(f'left: {taps()}')


def flood(most):
    results, waves = collections.Counter(), 0
    while not waves or not input_ended():
        wave(int(most), results)
        waves += 1
        print(f'wave {waves}', flush=True)
    unexpected = set(results) - {'granted', bus.BROKER_ERROR + 'LimitReached', BUS_LIMIT}
    if unexpected or not results['granted'] or not results[bus.BROKER_ERROR + 'LimitReached']:
        fail(f'{waves} waves: {dict(results)}')
    ok(f'{waves} times {CONNECTIONS * REQUESTS} requests: {dict(results)}')


def vanish():
    before = network()
    for delay in [0] * 20 + [i / 1000 for i in range(40)]:
        with bus.Bus() as connection:
            bus.create_tap(connection, 'br0', 'own', options())
            time.sleep(delay)
    nothing_new('callers that vanish', before)
    ok('callers that vanish leave nothing')
    with bus.Bus() as connection:
        for _ in range(4):
            bus.create_tap(connection, 'br0', 'own', options(), flags=bus.NO_REPLY_EXPECTED)
        connection.ask(*bus.BROKER[:2], 'org.freedesktop.DBus.Peer', 'Ping')
        if not eventually(lambda: not taps()):
            fail(f'callers that want no answer leave {taps()}')
    ok('callers that want no answer leave nothing')


def silent():
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(bus.Bus())
            for i in range(REQUESTS):
                bus.create_tap(connection, 'br0', 'own', options(mac(i)))
        print('silent', flush=True)
        input_ended(60)
    if not eventually(lambda: not taps()):
        fail(f'left: {taps()}')
    ok('callers that never read leave nothing once they are gone')


{'limits': limits, 'flood': flood, 'vanish': vanish, 'silent': silent}[sys.argv[1]](*sys.argv[2:])
