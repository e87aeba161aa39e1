# SPDX-License-Identifier: LGPL-2.1-or-later
"""What starts and stops the guest, a file each.

A side has a name; start(), which returns when whoever starts the guest may go on; processes(), and own_processes() of
them, which are not QEMU; stop(), for a guest that is up; and end(), which leaves nothing of it, whatever happened before.
"""
