# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test guests: made by the scripts in tests/guests, kept in the cache, and found by the tests in one directory."""

import pathlib

from base import CACHE, SOURCE, digest, lock, say

MAKERS = SOURCE / 'tests' / 'guests'
INSIDE = pathlib.Path('/var/cache/vmunit-guests')


def bind(suite):
    d = CACHE / 'guests' / suite
    d.mkdir(parents=True, exist_ok=True)
    return d, INSIDE, True


def make(lab, name):
    """Makes the guest `name` in the lab unless the cache has it."""
    return None
