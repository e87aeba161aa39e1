# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What root does before a guest, asked of vm-launcher directly.

LAUNCHER=/usr/lib/vmunit/vm-launcher

# helper NAME ARGUMENT…: a unit whose ExecStartPre= is `prepare` with these arguments and whose main process only says
# what descriptors it got. The rest is the template's: user, run-time directory, sandbox.
helper() {
        local name=$1 directory
        shift
        directory=/run/systemd/system/$(unit "$name").d
        mkdir -p "$directory"
        cat >"$directory/60-test.conf" <<EOT
[Service]
Type=exec
WatchdogSec=0
FileDescriptorStoreMax=64
DeviceAllow=/dev/net/tun rw
DeviceAllow=char-macvtap rwm
DeviceAllow=char-mem rw
ExecStartPre=+$LAUNCHER prepare --guest=$name $*
ExecStart=
ExecStart=/bin/sh -c 'echo "names: \$LISTEN_FDNAMES"; exec sleep infinity'
RuntimeDirectory=vm/$name
StateDirectory=vm/$name
EOT
        systemctl daemon-reload
}

# names NAME: the descriptors that the unit's present main process was given, sorted.
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
