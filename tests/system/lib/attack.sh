# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The attack suite (../../attack): a guest "attacker" whose QEMU makes the attempts when it starts, and a guest "victim". Here are their
# targets, and the state of the host that must not change.

ATTACK=/usr/local/lib/vmunit-attack
BAIT=/run/attack-bait

# bait: targets that every user of the host can reach.
bait() {
        local file
        bait_away 2>/dev/null || :      # of a test that failed
        for file in /tmp/attack-bait /var/tmp/attack-bait /dev/shm/attack-bait; do
                echo private >"$file"
        done
        touch /dev/mqueue/attack-bait
        install -m 4755 /usr/bin/test "$ATTACK/setuid"
        systemd-run --quiet --collect --unit=attack-bait-tcp socat TCP-LISTEN:7999,bind=127.0.0.1,fork,reuseaddr OPEN:/dev/null
        systemd-run --quiet --collect --unit=attack-bait-abstract socat ABSTRACT-LISTEN:attack-bait,fork OPEN:/dev/null
        systemd-run --quiet --collect --unit=attack-bait-socket socat "UNIX-LISTEN:$BAIT.socket,mode=666,fork" OPEN:/dev/null
        systemd-run --quiet --collect --unit=attack-bait-terminal socat "PTY,link=$BAIT.terminal,mode=666" EXEC:'sleep infinity'
        eventually 10 test -e "$BAIT.terminal" -a -S "$BAIT.socket" || fail "no bait"
        eventually 10 bash -c 'true </dev/tcp/127.0.0.1/7999' || fail "no bait"
}

bait_away() {
        systemctl stop 'attack-bait-*.service'
        rm -f /tmp/attack-bait /var/tmp/attack-bait /dev/shm/attack-bait /dev/mqueue/attack-bait "$BAIT".* "$ATTACK"/{setuid,targets}
}

# targets [KEY=VALUE]…: for the next start of the attacker, in addition to the bait.
targets() {
        {
                cat <<EOT
own-name=attacker
images=$IMAGES
host-tmp=/tmp/attack-bait
host-var-tmp=/var/tmp/attack-bait
host-shared-memory=/dev/shm/attack-bait
host-message-queue=/dev/mqueue/attack-bait
host-terminal=$(readlink "$BAIT.terminal")
host-port=7999
host-abstract=@attack-bait
host-socket=$BAIT.socket
setuid-program=$ATTACK/setuid
EOT
                [ ! -e /dev/lab-block ] || echo host-disk=/dev/lab-block
                printf '%s\n' "$@"
        } >"$ATTACK/targets"
}

# targets_of_vmunit [KEY=VALUE]…: requires that the victim runs and the attacker is defined.
targets_of_vmunit() {
        targets "$@" "other-pid=$(qemu victim)" "other-disk=$IMAGES/victim.raw" "other-definition=$XML/victim.xml" \
                other-state=/var/lib/vm/victim own-state=/var/lib/vm/attacker \
                other-run=/run/vm/victim own-run=/run/vm/attacker \
                other-console=/run/vm/victim/console own-console=/run/vm/attacker/console \
                other-control=/run/vm/victim/control own-control=/run/vm/attacker/control \
                "other-helper=$(helper_socket victim)" "own-helper=$(helper_socket attacker)" \
                other-credential=/run/credentials/vm@victim.service/secret \
                other-cgroup=/sys/fs/cgroup/machine.slice/vm@victim.service \
                own-cgroup=/sys/fs/cgroup/machine.slice/vm@attacker.service
}

helper_socket() {
        manager "$1" show -P Listen "vm-helper@${1##*/}.socket" | cut -d ' ' -f 1
}

# targets_of_user USER [KEY=VALUE]…: the same for guests of a user; in their scope.
targets_of_user() {
        local user=$1 uid states cgroups
        shift
        uid=$(id -u "$user")
        states=/home/$user/.local/state/vm
        [ -d "$states" ] || states=/home/$user/.config/vm # before systemd 254
        cgroups=/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service/machine.slice
        # shellcheck disable=SC2153 # of the scope
        targets "$@" "other-pid=$(qemu "$user/victim")" "other-disk=$IMAGES/victim.raw" "other-definition=$XML/victim.xml" \
                "other-state=$states/victim" "own-state=$states/attacker" \
                "other-run=$RUN/victim" "own-run=$RUN/attacker" \
                "other-console=$RUN/victim/console" "own-console=$RUN/attacker/console" \
                "other-control=$RUN/victim/control" "own-control=$RUN/attacker/control" \
                "other-helper=$(helper_socket "$user/victim")" "own-helper=$(helper_socket "$user/attacker")" \
                "other-cgroup=$cgroups/vm@victim.service" "own-cgroup=$cgroups/vm@attacker.service"
}

# host_state [GUEST]: what no guest may change, without the attacker's own files and what systemd stores about units that start and stop.
host_state() {
        find / /run -xdev -ignore_readdir_race \( -path /var/log -o -path /var/lib/systemd -o -path /run/systemd -o -path /run/log -o -path /run/udev \
                -o -path /run/credentials -o -path /run/vmunit/claims -o -path '*/.config/pulse' -o -path '/tmp/systemd-private-*' -o -path '/var/tmp/systemd-private-*' \
                -o -path '*attacker*' -o -path '*attack-before' -o -path '*attack-after' \) -prune -o \
                ! -type d -printf '%p %y %u:%g %m %n %l\n' -o -printf '%p %y %u:%g %m\n' | sort
        find "$IMAGES" "$XML" /var/lib/vmunit -type f ! -name '*attacker*' -exec getfattr --absolute-names -d -m - {} + -exec getfacl -p {} + \
                -exec sha256sum {} +
        sha256sum /etc/passwd /etc/shadow /tmp/attack-bait /var/tmp/attack-bait /dev/shm/attack-bait
        cut -d ' ' -f 3- /proc/1/mountinfo | grep -v attacker | sort
        ip -details link
        ip address
        ip route show table all
        ip neighbour
        systemctl list-units --all --plain --no-legend --no-pager | grep -v attacker | awk '{ print $1, $2, $3, $4 }' | sort
        grep -Hs . /proc/sys/kernel/{core_pattern,domainname,hostname,modprobe,sysrq} /proc/swaps /proc/modules || :
        victim_state "$(qemu "${1:-victim}")"
}

# victim_state PID: its QEMU's process, and the guest's memory above the first MiB, which the boot sector does not use.
victim_state() {
        local pid=$1 first last
        echo "victim $pid, started $(cut -d ' ' -f 22 "/proc/$pid/stat"), priority $(cut -d ' ' -f 18,19,40,41 "/proc/$pid/stat")"
        grep -E '^(TracerPid|Uid|Gid|Groups|SigQ|SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt|Cap|NoNewPrivs|Seccomp|Cpus_allowed_list)' "/proc/$pid/status"
        cat "/proc/$pid"/{limits,oom_score_adj,cgroup}
        readlink "/proc/$pid"/ns/* "/proc/$pid"/fd/*
        while IFS='- ' read -r first last _; do
                [ $((16#$last - 16#$first)) != $((32 << 20)) ] || break
        done <"/proc/$pid/maps"
        dd "if=/proc/$pid/mem" bs=1M skip=$(((16#$first) + (1 << 20))) count=31 iflag=skip_bytes status=none | sha256sum
}

# space: free blocks of 1 KiB and free inodes where guests can write.
space() {
        df --output=avail,iavail /run /var/lib/vm /tmp /dev/shm | awk 'NR > 1 { blocks += $1; inodes += $2 } END { print blocks, inodes }'
}

# has_space SPACE: about as much, since others write there as well.
has_space() {
        local blocks inodes
        read -r blocks inodes <<<"$(space)"
        [ "$((${1% *} - blocks))" -lt 16384 ] && [ "$((${1#* } - inodes))" -lt 2000 ]
}
