#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a running guest sees on its PCI buses, and which devices its QEMU has by name.

usage: pci.py libvirt NAME      asks by way of libvirt
       pci.py socket PATH       asks a monitor of QEMU's own

Waits until the firmware has numbered the buses and mapped the devices, and prints a line for each of them in the order
of their addresses. What differs from one run to the next for the same machine is left out: interrupt lines alone.
"""

import json
import socket
import subprocess
import sys
import time

from accepts import Monitor

SECONDS = 60            # for the firmware, emulated on a busy machine
STABLE = 4              # readings that have to be the same, this far apart:
INTERVAL = 0.5
UNMAPPED = -1


class LibvirtMonitor:
    def __init__(self, name):
        self.name = name

    def ask(self, command, **arguments):
        text = subprocess.run(
            ['virsh', '--connect', 'qemu:///system', 'qemu-monitor-command', self.name,
             json.dumps({'execute': command, 'arguments': arguments})],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(text)['return']


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return Monitor(s)


def walk(devices):
    for d in sorted(devices, key=lambda d: (d['bus'], d['slot'], d['function'])):
        yield d
        yield from walk(d.get('pci_bridge', {}).get('devices', []))


def devices_of(monitor):
    buses = sorted(monitor.ask('query-pci'), key=lambda bus: bus['bus'])
    return [d for bus in buses for d in walk(bus['devices'])]


def is_set_up(devices):
    """Whether the firmware has been there: no bridge is without a number, and something is mapped."""
    return (all(d['pci_bridge']['bus']['secondary'] for d in devices if 'pci_bridge' in d)
            and any(r['address'] != UNMAPPED for d in devices for r in d['regions']))


def settled(monitor):
    end = time.monotonic() + SECONDS
    readings = []
    while time.monotonic() < end:
        devices = devices_of(monitor)
        readings = [*readings, devices][-STABLE:]
        if len(readings) == STABLE and is_set_up(devices) and all(r == devices for r in readings):
            return devices
        time.sleep(INTERVAL)
    sys.exit(f'pci.py: the firmware has not set up the machine within {SECONDS} s')


def region(r):
    kind = 'io' if r['type'] == 'io' else 'mem64' if r['mem_type_64'] else 'mem32'
    at = 'unmapped' if r['address'] == UNMAPPED else f'{r["address"]:#x}'
    return f'{r["bar"]}:{kind}{"-prefetch" if r.get("prefetch") else ""}:{r["size"]:#x}@{at}'


def line(d):
    i = d['id']
    words = [f'{d["bus"]:02x}:{d["slot"]:02x}.{d["function"]:x}', f'{i["vendor"]:04x}:{i["device"]:04x}',
             f'class={d["class_info"]["class"]:04x}', f'id={d["qdev_id"]}']
    if 'subsystem' in i:
        words.append(f'subsystem={i["subsystem-vendor"]:04x}:{i["subsystem"]:04x}')
    if 'pci_bridge' in d:
        bus = d['pci_bridge']['bus']
        words.append(f'buses={bus["secondary"]:02x}-{bus["subordinate"]:02x}')
    return ' '.join(words + [region(r) for r in d['regions']])


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ('libvirt', 'socket'):
        sys.exit(__doc__)
    monitor = {'libvirt': LibvirtMonitor, 'socket': connect}[sys.argv[1]](sys.argv[2])
    for d in settled(monitor):
        print(line(d))
    for d in sorted(monitor.ask('qom-list', path='/machine/peripheral'), key=lambda d: d['name']):
        if d['type'].startswith('child<'):
            print('device', d['name'], d['type'])


if __name__ == '__main__':
    main()
