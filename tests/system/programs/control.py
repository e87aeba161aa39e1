#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of a guest's control socket that does what varlinkctl does not.

usage: control.py SOCKET calls METHOD[=PARAMETERS]…   sends all at once, prints the replies, one a line
       control.py SOCKET flood METHOD COUNT           likewise, counts the replies
       control.py SOCKET descriptors COUNT METHOD     sends that many descriptors along; prints the reply, or "disconnected"
       control.py SOCKET bytes COUNT                  sends a call of that many bytes; prints "disconnected" if it was
       control.py SOCKET leave METHOD                 leaves without reading the reply
       control.py SOCKET half METHOD                  leaves in the middle of the call
       control.py SOCKET open FLAGS PATH METHOD       opens PATH (FLAGS: O_RDONLY and so on) and sends that along
       control.py SOCKET talk [FLAGS PATH]…           a call for each line of its input, in one connection until the end of
                                                      that; sends what it opened along with the first
       control.py SOCKET monitor                      as a client of QEMU's monitor passes a descriptor, and waits for
                                                      an event; prints what it received, one message a line
"""

import array
import json
import os
import socket
import sys
import threading


def message(text):
    name, _, parameters = text.partition('=')
    return json.dumps({'method': name, 'parameters': json.loads(parameters or '{}')}).encode() + b'\0'


def replies(peer):
    data = b''
    while part := peer.recv(65536):
        *whole, data = (data + part).split(b'\0')
        yield from whole


def calls(peer, *texts):
    peer.sendall(b''.join(message(text) for text in texts))
    for _, reply in zip(texts, replies(peer)):
        print(reply.decode())


def flood(peer, text, count):
    sender = threading.Thread(target=lambda: peer.sendall(message(text) * int(count)))
    sender.start()
    print(sum(1 for _ in zip(range(int(count)), replies(peer))))
    sender.join()


def descriptors(peer, count, text):
    null = os.open('/dev/null', os.O_RDWR)
    peer.sendmsg([message(text)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [null] * int(count)))])
    print(next((reply.decode() for reply in replies(peer)), 'disconnected'))


def size(peer, count):
    try:
        for _ in range(int(count) >> 16):
            peer.sendall(b' ' * 65536)
        print('sent')
    except ConnectionError:
        print('disconnected')


def leave(peer, text):
    peer.sendall(message(text))


def half(peer, text):
    peer.sendall(message(text)[:-8])


def send_opened(peer, flags, path, text):
    fd = os.open(path, getattr(os, flags))
    peer.sendmsg([message(text)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])
    print(next((reply.decode() for reply in replies(peer)), 'disconnected'))


def talk(peer, *opened):
    fds = array.array('i', [os.open(path, getattr(os, flags)) for flags, path in zip(opened[::2], opened[1::2])])
    answers = replies(peer)
    for line in sys.stdin:
        peer.sendmsg([message(line.rstrip())], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else [])
        fds = None
        print(next(answers, b'disconnected').decode(), flush=True)


def monitor(peer):
    peer.sendall(b'{"method":"io.systemd.QemuMachineInstance.AcquireQMP","upgrade":true}\0')
    while peer.recv(1) != b'\0':       # what follows is another protocol
        pass
    lines = peer.makefile()
    print(lines.readline(), end='')
    peer.sendall(b'{"execute":"qmp_capabilities"}\n')
    print(lines.readline(), end='')
    null = array.array('i', [os.open('/dev/null', os.O_RDWR)])
    peer.sendmsg([b'{"execute":"getfd","arguments":{"fdname":"mine"},"id":1}\n'],
                 [(socket.SOL_SOCKET, socket.SCM_RIGHTS, null)])
    peer.sendall(b'{"execute":"closefd","arguments":{"fdname":"mine"},"id":2}\n')
    print(lines.readline() + lines.readline(), end='')
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(sys.argv[1])
        calls(other, 'io.systemd.MachineInstance.Pause', 'io.systemd.MachineInstance.Resume')
    print(lines.readline() + lines.readline(), end='')


with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(30)
    client.connect(sys.argv[1])
    {'calls': calls, 'flood': flood, 'descriptors': descriptors, 'bytes': size, 'leave': leave,
     'half': half, 'open': send_opened, 'talk': talk, 'monitor': monitor}[sys.argv[2]](
        client, *sys.argv[3:])
