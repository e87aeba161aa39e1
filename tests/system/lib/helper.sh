# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the helper does before a guest, asked of vm-launcher's verb `serve` with arguments of the test's own.

# shellcheck disable=SC2034 # for the tests
LAUNCHER=/usr/lib/vmunit/vm-launcher

# helper NAME ARGUMENT…: the units of a guest whose helper has these arguments, and whose main process only asks it and says
# what descriptors it got. The rest is the templates': user, run-time directory, sandbox, the order of the units.
helper() {
        local name=$1 units=/run/systemd/system socket=/run/vmunit/helper/test-$1 program=$PWD/programs/take-descriptors
        shift
        mkdir -p "$units/vm@$name.service.d" "$units/vm-helper@$name.service.d" "$units/vm-helper@$name.socket.d"
        install -m 755 "$program" /usr/local/bin/take-descriptors
        cat >"$units/vm@$name.service.d/60-test.conf" <<EOT
[Unit]
Wants=vm-helper@$name.service
StartLimitIntervalSec=0
[Service]
WatchdogSec=0
FileDescriptorStoreMax=64
BindReadOnlyPaths=$socket
ExecStart=
ExecStart=/usr/local/bin/take-descriptors $socket
RuntimeDirectory=vm/$name
StateDirectory=vm/$name
EOT
        cat >"$units/vm-helper@$name.service.d/60-test.conf" <<EOT
[Service]
ExecStart=
ExecStart=$LAUNCHER serve --guest=$name --uuid=7e0c8f5a-3d5f-4c35-9d0a-2f1c5b7a9e10 --definition=test -- --guest=$name $*
Environment=RUNTIME_DIRECTORY=/run/vm/$name STATE_DIRECTORY=/var/lib/vm/$name
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_MKNOD CAP_NET_ADMIN
EOT
        cat >"$units/vm-helper@$name.socket.d/60-test.conf" <<EOT
[Socket]
ListenFIFO=
ListenSequentialPacket=$socket
EOT
        systemctl daemon-reload
}

# names NAME: the descriptors that the unit's present main process has, sorted.
names() {
        journalctl --sync
        journalctl --quiet --no-pager -o cat _PID="$(systemctl show -P MainPID "$(unit "$1")")" | sed -n 's/^names: //p' |
                tr : '\n' | sort | xargs
}

has_names() {
        [ -n "$(names "$1")" ]
}

check_names() {
        check "$1 got its descriptors" eventually 5 has_names "$1"
        check_equal "descriptors of $1" "$2" "$(names "$1")"
}

# held_start NAME [DIRECTORY]: starts it, and has its helper wait, where it can be looked at, until `exec 9<&-`: to write a
# record, or in /run/vmunit/claims to claim what the guest has, which is before it opens anything. $pid is it then, and $child
# the child that acts for the guest's user.
held_start() {
        exec 9<"${2:-/var/lib/vmunit/grants}"
        flock 9
        systemctl start --no-block "vm@$1"
        eventually 5 is_held "$1" || fail "the helper of $1 does not get to its records"
}

is_held() {
        pid=$(systemctl show -P MainPID "vm-helper@$1.service")
        child=$(pgrep -P "$pid") && grep -q '^73 ' "/proc/$pid/syscall" # flock()
}
