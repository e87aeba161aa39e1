# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Ordinary users for the system tests, and their guests. Part of base.sh.
#
# Wherever base.sh takes a guest, USER/NAME is a user's guest (no name contains a slash): `user alice;
# guest alice/one; up alice/one`. Queries of systemd and the journal then run as alice, for alice's own.

CONF=/etc/vmunit/vmunit.conf.d
TOOLS=/usr/local/lib/vmunit-tests      # this folder's programs, where any user may run them

# user NAME: a new user with an empty, private home, in no group but its own. The user's manager runs without a login,
# as after `loginctl enable-linger`.
user() {
        useradd --create-home --user-group --shell /bin/bash "$1"
        chmod 700 "/home/$1"
        install -D -t "$TOOLS" programs/*.py programs/broker-client
        loginctl enable-linger "$1"
        systemctl start "user@$(id -u "$1").service"
        printf 'ok: user %s (%s)\n' "$1" "$(id "$1")"
}

# as NAME COMMAND…: as that user, with the environment of a login and no other rights.
as() {
        local name=$1 uid
        uid=$(id -u "$1")
        shift
        setpriv --reuid="$name" --regid="$name" --clear-groups --inh-caps=-all env -i --chdir="/home/$name" \
                HOME="/home/$name" USER="$name" LOGNAME="$name" SHELL=/bin/bash LANG=C.UTF-8 SYSTEMD_PAGER= \
                PATH=/usr/local/bin:/usr/bin:/bin XDG_RUNTIME_DIR="/run/user/$uid" \
                DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$uid/bus" "$@"
}

# login NAME, logout NAME: a session of logind, as at a terminal. For a user's manager to end with the last session,
# `loginctl disable-linger` is required as well; logind then waits ten seconds before it stops the manager.
login() {
        systemd-run --quiet --collect --unit="login-$1" -p PAMName=login -p "User=$1" \
                --setenv=XDG_SESSION_TYPE=tty --setenv=XDG_SESSION_CLASS=user sleep infinity
        eventually 10 has_session "$1" || fail "$1 has no session"
        eventually 10 as "$1" systemctl --user is-system-running --wait || fail "no manager for $1"
}

logout() {
        systemctl stop "login-$1.service"
}

has_session() {
        loginctl list-sessions --no-legend | awk -v name="$1" '$3 == name { found = 1 } END { exit !found }'
}

# has_manager NAME: it runs, or is about to end.
has_manager() {
        ! systemctl show -P ActiveState "user@$(id -u "$1").service" | grep -x >/dev/null 'inactive\|failed'
}

# broker: its pid, or 0.
broker() {
        systemctl show -P MainPID vm-broker.service
}

has_broker() {
        [ "$(broker)" != 0 ]
}

# broker_journal [OPTION]…: what the broker has said since the test began.
broker_journal() {
        journalctl --sync
        journalctl --quiet --no-pager --cursor="$CURSOR" -o cat -u vm-broker.service "$@"
}

# allow BRIDGE LINE…: all that vmunit.conf says about the bridge; without lines no user may use it.
allow() {
        local bridge=$1
        shift
        mkdir -p "$CONF"
        {
                printf '[Bridge %s]\n' "$bridge"
                [ $# = 0 ] || printf '%s\n' "$@"
        } >"$CONF/$bridge.conf"
}

# disks_by WAY: guests get their disks as chown or as descriptors (the default), from their next start on.
disks_by() {
        mkdir -p "$CONF"
        printf '[Guests]\nDisks=%s\n' "$1" >"$CONF/disks.conf"
        systemctl daemon-reload
}

# guests_run_as USER [LINE]…: what vmunit.conf says about the user of guests, from their next start on.
guests_run_as() {
        mkdir -p "$CONF"
        printf '[Guests]\nUser=%s\n' "$1" >"$CONF/user.conf"
        [ $# = 1 ] || printf '%s\n' "${@:2}" >>"$CONF/user.conf"
}

# forget_own_users: the accounts of guests that had one each.
forget_own_users() {
        local name
        awk -F : '$1 ~ /^vm-[0-9a-f]+$/ { print $1 }' /etc/passwd | while read -r name; do
                userdel "$name"
        done
}

# --- whose a guest is

# as_its_user GUEST COMMAND…: as whose the guest is.
as_its_user() {
        local guest=$1
        shift
        case $guest in
        */*) as "${guest%%/*}" "$@" ;;
        *) "$@" ;;
        esac
}

# manager GUEST ARGUMENT…: systemctl, of the manager that has the guest.
manager() {
        case $1 in
        */*) as_its_user "$1" systemctl --user "${@:2}" ;;
        *) systemctl "${@:2}" ;;
        esac
}

# in_scope GUEST COMMAND…: calls a function that writes files ($XML, $IMAGES) or reads them ($RUN) for the guest, with
# these in the place where its user has them.
in_scope() {
        local guest=$1 user=${1%%/*}
        shift
        case $guest in
        */*)
                # shellcheck disable=SC2034 # for the function that is called
                local XML=/home/$user/.config/vmunit/guests IMAGES=/home/$user/images RUN
                # shellcheck disable=SC2034
                RUN=/run/user/$(id -u "$user")/vm
                "$@"
                ;;
        *) "$@" ;;
        esac
}

# hand_over GUEST: makes the user the owner of the files that were written for the user's guest.
hand_over() {
        case $1 in
        */*) chown -R "${1%%/*}:" "/home/${1%%/*}" ;;
        esac
        manager "$1" daemon-reload
}

# --- nothing left

users() {
        awk -F : '$3 >= 1000 && $3 < 60000 { print $1 }' /etc/passwd
}

stop_guests_of_users() {
        local name
        for name in $(users); do
                ! has_manager "$name" || as "$name" systemctl --user stop 'vm@*.service'
        done
}

left_of_users() {
        local name
        for name in $(users); do
                find "/run/user/$(id -u "$name")/vm" -mindepth 1 2>/dev/null | sed "s/^/run-time file of $name: /"
                ! has_manager "$name" || as "$name" systemctl --user list-units --no-legend --plain \
                        --state=active,activating,deactivating 'vm@*' | sed "s/^/unit of $name: /"
        done
}

journals_of_users() {
        local name
        for name in $(users); do
                say "$name's"
                ! has_manager "$name" ||
                        as "$name" journalctl --user --quiet --no-pager --cursor="$CURSOR" -o short-monotonic -u 'vm@*' -n 60
        done
}

# After all guests' processes were killed.
clear_away_users() {
        local name uid
        rm -rf "${CONF:?}"
        for name in $(users); do
                uid=$(id -u "$name")
                loginctl disable-linger "$name"
                systemctl stop "login-$name.service" "user@$uid.service" "user-$uid.slice"
                pkill -KILL -u "$uid" || :
                userdel --force --remove "$name"
        done
        forget_own_users
        # Unmasking reloads systemd.
        [ ! -L /run/systemd/system/vm-broker.service ] || systemctl unmask --runtime --quiet vm-broker.service
        systemctl stop vm-broker-watch.socket vm-broker-watch.service vm-broker.service
}
