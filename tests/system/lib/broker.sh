# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the tests of the broker have in common: ordinary users ask it over the bus, by programs/broker-client.

CLIENT=$PWD/programs/broker-client
# shellcheck disable=SC2034 # for the tests
A=52:54:00:00:00:0a B=52:54:00:00:00:0b C=52:54:00:00:00:0c
declare -A HELD CLIENTS # descriptors that lead to clients that hold a TAP, and their pids

# ask USER BRIDGE GUEST MAC [OPTION]…: one request, whose TAP is let go at once.
ask() {
        local name=$1 bridge=$2 guest=$3 mac=$4
        shift 4
        set -- "$CLIENT" "$bridge" "$guest" "mac=s:$mac" "$@"
        if [ "$name" = root ]; then "$@"; else as "$name" "$@"; fi
}

# refused TEXT ERROR REGEX USER …: as ask, and it is refused with that error and a text like that; it leaves nothing.
refused() {
        local text=$1 error=$2 regex=$3 before after answer
        shift 3
        before=$(taps | sort)
        if answer=$(ask "$@"); then fail "$text: got $answer"; fi
        check_match "$text: $answer" "^org\.vmunit\.Broker1\.Error\.$error: .*$regex" "$answer"
        after=$(taps | sort)
        [ "$before" = "$after" ] || fail "$text: there was '$before', and now '$after'"
}

# hold NAME USER BRIDGE GUEST MAC [OPTION]…: a client that keeps its TAP; tell NAME LINE…, said NAME, release NAME.
hold() {
        local id=$1 name=$2 bridge=$3 guest=$4 mac=$5 fd
        shift 5
        rm -f "/tmp/hold-$id" "/tmp/held-$id"
        mkfifo "/tmp/hold-$id"
        (
                for fd in "${HELD[@]}"; do exec {fd}>&-; done # or the others never see an end
                as "$name" "$CLIENT" --hold "$bridge" "$guest" "mac=s:$mac" "$@"
        ) <"/tmp/hold-$id" >"/tmp/held-$id" 2>&1 &
        CLIENTS[$id]=$!
        exec {fd}>"/tmp/hold-$id"
        HELD[$id]=$fd
        eventually 30 test -s "/tmp/held-$id" || fail "no answer to $id"
}

said() {
        cat "/tmp/held-$1"
}

# tell NAME LINE: the client's answer.
tell() {
        local before
        before=$(wc -l <"/tmp/held-$1")
        echo "$2" >&"${HELD[$1]}"
        eventually 10 has_more_lines "$1" "$before" || fail "$1 does not answer: $2"
        tail -n +$((before + 1)) "/tmp/held-$1"
}

has_more_lines() {
        [ "$(wc -l <"/tmp/held-$1")" -gt "$2" ] && tail -n 1 "/tmp/held-$1" | grep -v >/dev/null '^..:'
}

release() {
        local fd=${HELD[$1]}
        exec {fd}>&-
        wait "${CLIENTS[$1]}"
}

broker_pid() {
        systemctl show -P MainPID vm-broker
}

broker_says() {
        journalctl --sync
        journalctl --quiet --no-pager --cursor="$CURSOR" -o cat -u vm-broker "$@"
}

broker_is_gone() {
        [ "$(systemctl show -P ActiveState vm-broker)" = inactive ]
}

no_taps() {
        [ -z "$(taps)" ]
}

# broker_option OPTION: of the broker's command line, from its next start on; no_broker_option: as it is installed.
broker_option() {
        mkdir -p /run/systemd/system/vm-broker.service.d
        printf '[Service]\nExecStart=\nExecStart=/usr/lib/vmunit/vm-broker %s\n' "$1" >/run/systemd/system/vm-broker.service.d/test.conf
        systemctl daemon-reload
        systemctl stop vm-broker
}

no_broker_option() {
        rm -rf /run/systemd/system/vm-broker.service.d
        systemctl daemon-reload
        systemctl stop vm-broker
}
