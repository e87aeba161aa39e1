# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What a guest's QEMU can do in its sandbox, tried as its user.

# inside PID COMMAND…: in the mount and network namespaces of the guest's QEMU, with its uid and groups.
inside() {
        local pid=$1 list
        shift
        list=$(status_field "$pid" Groups | tr -s ' \t' ',' | sed 's/^,//; s/,$//')
        if [ -n "$list" ]; then set -- "--groups=$list" "$@"; else set -- --clear-groups "$@"; fi
        nsenter --target "$pid" --mount --net --ipc --uts --root --wd=/ setpriv --reuid "$(stat -c %u "/proc/$pid")" \
                --regid "$(stat -c %g "/proc/$pid")" --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
}

# cannot_execute PID FILE: the file can be written, and is a program that runs elsewhere.
cannot_execute() {
        check "$2 can be written" inside "$1" cp /usr/bin/true "$2"
        check "and made executable" inside "$1" chmod 700 "$2"
        check_match "but not executed" 'Permission denied' "$(inside "$1" "$2" 2>&1 || :)"
        check_match "nor loaded as a library" 'failed to map segment|Operation not permitted|Permission denied' \
                "$(inside "$1" env LD_PRELOAD="$2" true 2>&1 || :)"
}
