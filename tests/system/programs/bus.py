# SPDX-License-Identifier: LGPL-2.1-or-later
"""A D-Bus client that sends exactly what it is given, even what a library would refuse: for tests of D-Bus services.

Nothing is checked before it is sent, and replies are only read on request, so that tests can be careless clients.
Values are marshalled by signature; a variant is a pair (signature, value), a dictionary a list of pairs, and a
descriptor its index among those that are sent.
"""

import array
import os
import re
import select
import socket
import struct
import time

SYSTEM_BUS = '/run/dbus/system_bus_socket'

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY_EXPECTED, NO_AUTO_START, ALLOW_INTERACTION = 1, 2, 4

_FIXED = {'y': 'B', 'b': 'I', 'n': 'h', 'q': 'H', 'i': 'i', 'u': 'I', 'x': 'q', 't': 'Q', 'd': 'd', 'h': 'I'}
_ALIGNMENT = {'v': 1, 'g': 1, 's': 4, 'o': 4, 'a': 4, '(': 8, '{': 8,
              **{code: struct.calcsize(form) for code, form in _FIXED.items()}}
_PATH, _INTERFACE, _MEMBER, _ERROR, _REPLY_SERIAL, _DESTINATION, _SIGNATURE, _FDS = 1, 2, 3, 4, 5, 6, 8, 9
_MOST_FDS = 253


class Refused(Exception):
    """The answer was an error: its D-Bus name, and its text."""

    def __init__(self, name, text):
        super().__init__(f'{name}: {text}')
        self.name, self.text = name, text


class Disconnected(Exception):
    """The bus closed the connection."""


def types(signature):
    """The single complete types in a signature."""
    found, at = [], 0
    while at < len(signature):
        end = at
        while signature[end] == 'a':
            end += 1
        if signature[end] in '({':
            depth = 0
            while True:
                depth += (signature[end] in '({') - (signature[end] in ')}')
                if depth == 0:
                    break
                end += 1
        found.append(signature[at:end + 1])
        at = end + 1
    return found


def text(value):
    return value if isinstance(value, bytes) else value.encode()


def _pad(data, alignment):
    data += bytes(-len(data) % alignment)


def _put(data, kind, value):
    code = kind[0]
    _pad(data, _ALIGNMENT[code])
    if code in _FIXED:
        data += struct.pack('<' + _FIXED[code], value)
    elif code in 'so':
        data += struct.pack('<I', len(text(value))) + text(value) + b'\0'
    elif code == 'g':
        data += bytes([len(value)]) + value.encode() + b'\0'
    elif code == 'v':
        _put(data, 'g', value[0])
        _put(data, *value)
    elif code in '({':
        for member, one in zip(types(kind[1:-1]), value):
            _put(data, member, one)
    else:
        at = len(data)
        data += bytes(4)
        _pad(data, _ALIGNMENT[kind[1]])
        start = len(data)
        for one in value:
            _put(data, kind[1:], one)
        struct.pack_into('<I', data, at, len(data) - start)


def marshal(signature, values):
    data = bytearray()
    for kind, value in zip(types(signature), values):
        _put(data, kind, value)
    return bytes(data)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def get(self, kind):
        code = kind[0]
        self.at += -self.at % _ALIGNMENT[code]
        if code in _FIXED:
            form = '<' + _FIXED[code]
            return struct.unpack(form, self.take(struct.calcsize(form)))[0]
        if code in 'sog':
            length = self.get('y' if code == 'g' else 'u')
            return self.take(length + 1)[:-1].decode()
        if code == 'v':
            return self.get(self.get('g'))
        if code in '({':
            return tuple(self.get(member) for member in types(kind[1:-1]))
        length = self.get('u')
        self.at += -self.at % _ALIGNMENT[kind[1]]
        end, found = self.at + length, []
        while self.at < end:
            found.append(self.get(kind[1:]))
        return found


class Answer:
    """A message that came: its kind, its fields, its values, and the descriptors with it."""

    def __init__(self, data, fds):
        self.kind = data[1]
        reader = _Reader(data)
        reader.at = 12
        self.fields = dict(reader.get('a(yv)'))
        reader.at += -reader.at % 8
        self.values = tuple(reader.get(kind) for kind in types(self.fields.get(_SIGNATURE, '')))
        self.fds = fds

    @property
    def reply_to(self):
        return self.fields.get(_REPLY_SERIAL)

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []


class Bus:
    def __init__(self, path=SYSTEM_BUS):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.socket.connect(path)
        self.serial = 0
        self._data, self._fds, self._early = bytearray(), [], {}
        self.socket.sendall(b'\0AUTH EXTERNAL ' + str(os.geteuid()).encode().hex().encode() + b'\r\n')
        self._line('OK')
        self.socket.sendall(b'NEGOTIATE_UNIX_FD\r\n')
        self._line('AGREE_UNIX_FD')
        self.socket.sendall(b'BEGIN\r\n')
        self.name = self.ask('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'Hello').values[0]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _line(self, wanted):
        line = b''
        while not line.endswith(b'\r\n'):
            byte = self.socket.recv(1)
            if not byte:
                raise Disconnected
            line += byte
        if not re.match(wanted.encode(), line):
            raise Disconnected(line)

    def message(self, destination, path, interface, member, signature='', values=(), fds=0, flags=0):
        """The bytes of a call. self.serial is its serial."""
        body = marshal(signature, values)
        self.serial += 1
        fields = [(_PATH, ('o', path)), (_MEMBER, ('s', member)), (_DESTINATION, ('s', destination))]
        if interface:
            fields.append((_INTERFACE, ('s', interface)))
        if signature:
            fields.append((_SIGNATURE, ('g', signature)))
        if fds:
            fields.append((_FDS, ('u', fds)))
        data = bytearray(struct.pack('<cBBBII', b'l', CALL, flags, 1, len(body), self.serial))
        _put(data, 'a(yv)', fields)
        _pad(data, 8)
        return bytes(data) + body

    def send(self, *call, fds=(), **kwargs):
        """Sends a call (arguments as of message()); returns its serial."""
        data = self.message(*call, fds=len(fds), **kwargs)
        serial = self.serial
        try:
            sent = self.socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [])
            self.socket.sendall(data[sent:])
        except (BrokenPipeError, ConnectionResetError):
            raise Disconnected from None
        return serial

    def _receive(self, end):
        if not select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
            raise TimeoutError('no answer')
        try:
            data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(_MOST_FDS * 4))
        except ConnectionResetError:
            data = b''
        if not data:
            raise Disconnected
        self._data += data
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._fds += array.array('i', content[:len(content) // 4 * 4])

    def _next(self):
        """The next whole message that has come, if one has."""
        if len(self._data) < 16:
            return None
        body, _, fields = struct.unpack_from('<III', self._data, 4)
        size = 16 + fields + -fields % 8 + body
        if len(self._data) < size:
            return None
        answer = Answer(bytes(self._data[:size]), [])
        del self._data[:size]
        count = answer.fields.get(_FDS, 0)
        answer.fds, self._fds = self._fds[:count], self._fds[count:]
        return answer

    def answer(self, serial, timeout=30):
        """The answer to that call. Raises Refused, Disconnected or TimeoutError."""
        end = time.monotonic() + timeout
        while serial not in self._early:
            answer = self._next()
            if answer is None:
                self._receive(end)
            elif answer.kind in (RETURN, ERROR):
                self._early[answer.reply_to] = answer
            else:
                answer.close()
        answer = self._early.pop(serial)
        if answer.kind == ERROR:
            raise Refused(answer.fields[_ERROR], answer.values[0] if answer.values else '')
        return answer

    def ask(self, *call, timeout=30, **kwargs):
        return self.answer(self.send(*call, **kwargs), timeout)


BROKER = ('org.vmunit.Broker1', '/org/vmunit/Broker1', 'org.vmunit.Broker1')
BROKER_ERROR = 'org.vmunit.Broker1.Error.'


def create_tap(bus, bridge, guest, options, signature='ssa{sv}', **kwargs):
    """Sends CreateTap with options [(name, (signature, value))…]; returns the call's serial."""
    return bus.send(*BROKER, 'CreateTap', signature=signature, values=(bridge, guest, options), **kwargs)
