# SPDX-License-Identifier: LGPL-2.1-or-later
"""A block device for a lab: a loop device of the host's on a file of the lab's, freed by the kernel when its last user
closes it. So it is gone with this process, whatever ends that."""

import fcntl
import os
import stat
import struct

LOOP_CTL_GET_FREE, LOOP_CONFIGURE = 0x4C82, 0x4C0A
LO_FLAGS_AUTOCLEAR = 4
EBUSY_TRIES = 10                        # another process may take the free device first

# struct loop_config: fd, block size, struct loop_info64 (of which only the flags), reserved
_CONFIG = struct.Struct('=II' '52xI176x' '64x')


def open_loop(path):
    """Attaches the file at `path`; returns the device's descriptor, to be kept open, and its number. None: not here."""
    try:
        with open('/dev/loop-control', 'rb', buffering=0) as control, open(path, 'r+b', buffering=0) as file:
            for _ in range(EBUSY_TRIES):
                fd = os.open(f'/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}', os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.ioctl(fd, LOOP_CONFIGURE, _CONFIG.pack(file.fileno(), 0, LO_FLAGS_AUTOCLEAR))
                    return fd, os.fstat(fd).st_rdev
                except OSError:
                    os.close(fd)
    except OSError:
        pass
    return None


def make_node(path, number):
    os.mknod(path, stat.S_IFBLK, number)
    os.chmod(path, 0o660)
