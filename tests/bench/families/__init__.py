# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be measured, a file each: measure(cycles, step) returns figures and notes.

step: takes a text that says what is being done now.
"""
