# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For tests that ask vm-launcher about disks and their owners directly, without a unit.

LAUNCHER=/usr/lib/vmunit/vm-launcher
LEDGER=/var/lib/vmunit/grants
STATE=/srv/state # a guest's own directory, as /var/lib/vm/NAME is
OTHER=/srv/other # somebody else's
RUN=/run/vm

# launch VERB NAME ARGUMENT…: as the unit of a guest of QEMU's user would.
launch() {
        local verb=$1 name=$2 key=guest
        shift 2
        [ "$verb" != cleanup ] || key=instance
        RUNTIME_DIRECTORY=$RUN/$name NOTIFY_SOCKET=/run/systemd/notify exec $LAUNCHER "$verb" "--$key=$name" "$@" 2>&1
}

prepare() {
        install -d -m 700 -o qemu -g qemu "$RUN/$1"
        (launch prepare "$@")
}

cleanup() {
        (launch cleanup "$1")
        rm -rf "${RUN:?}/$1"
}

# refused STATUS REGEX NAME ARGUMENT…: prepare fails with that status, says why in one line, and leaves the records alone.
refused() {
        local expected=$1 regex=$2 output status=0 before
        shift 2
        before=$(ls $LEDGER)
        output=$(prepare "$@") || status=$?
        output=$(grep -Ev 'Changed the owner of|can read .* now' <<<"$output")
        check_equal "exit status of prepare $*" "$expected" "$status"
        check_equal "lines it says" 1 "$(grep -c . <<<"$output")"
        check_match "$output" "$regex" "$output"
        rm -rf "${RUN:?}/$1"
        check_equal "records" "$before" "$(ls $LEDGER)"
}

as_qemu() {
        setpriv --reuid qemu --regid qemu --init-groups "$@"
}

# image NAME [OWNER [MODE]]: a small file in $IMAGES; prints its path.
image() {
        mkdir -p "$IMAGES"
        head -c 4096 /dev/zero >"$IMAGES/$1"
        chown "${2:-root:disk}" "$IMAGES/$1"
        chmod "${3:-640}" "$IMAGES/$1"
        echo "$IMAGES/$1"
}

state_directory() {
        rm -rf $STATE $OTHER
        install -d -m 700 -o qemu -g qemu $STATE
}
