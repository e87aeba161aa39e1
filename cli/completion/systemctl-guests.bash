# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `systemctl start vm@<TAB>` offers the guests that are defined. systemctl's own completion knows units that are loaded or
# enabled; a guest is neither until its first start. This wraps it: what it offers stays, and the guests are added.

_vmunit_systemctl() {
        local cur=${COMP_WORDS[COMP_CWORD]} word scope=--system
        local -A seen=()

        if ! declare -F _systemctl >/dev/null; then
                # shellcheck source=/dev/null
                . /usr/share/bash-completion/completions/systemctl 2>/dev/null || :
                # that file says which function completes systemctl; it is this one again
                complete -F _vmunit_systemctl systemctl
        fi
        ! declare -F _systemctl >/dev/null || _systemctl "$@"
        [[ $cur == vm@* ]] || return 0
        for word in "${COMP_WORDS[@]}"; do
                [[ $word != --user ]] || scope=--user
        done
        for word in "${COMPREPLY[@]}"; do
                seen[${word% }]=1
        done
        while IFS= read -r word; do
                word=$(printf '%q' "$word")
                [[ $word != "$cur"* || -n ${seen[$word]:-} ]] || COMPREPLY+=("$word")
        done < <(vmctl "$scope" list --units 2>/dev/null)
}

complete -F _vmunit_systemctl systemctl
