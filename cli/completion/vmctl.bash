# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion for vmctl, loaded by bash-completion when vmctl is first completed.

# The guests of the scope that the command line asks for, one name a line.
__vmctl_guests() {
        vmctl "$@" list --names 2>/dev/null
}

# The snapshots of a guest, one name a line.
__vmctl_snapshots() {
        vmctl "${@:2}" snapshot list "$1" 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_vmctl() {
        local cur=${COMP_WORDS[COMP_CWORD]} verb='' word i
        local -a scope=() after=()
        local -A arguments=(
                [list]='' [check]='file guest' [define]='file' [edit]='guest' [undefine]='guest' [rename]='guest' [console]='guest' [view]='guest'
                [pause]='guest' [resume]='guest' [reset]='guest' [kill]='guest' [save]='guest' [nmi]='guest' [send-key]='guest' [info]='guest'
                [stats]='guest' [top]='' [address]='guest' [backup]='guest directory' [resize-disk]='guest' [screenshot]='guest' [dump]='guest' [events]='guest' [agent]='guest'
                [qmp]='guest' [attach]='guest file' [detach]='guest' [change-media]='guest' [set]='guest' [snapshot]='action' [commit]='guest' [copy-disk]='guest path'
                [clone]='guest' [dumpxml]='file guest' [argv]='file guest' [policy]='' [unit]='file guest' [help]='verb'
        )
        local -A options=([list]='--json --names --units' [clone]='--disk=' [dumpxml]='--live --secrets' [argv]='--json' [policy]='--json' [view]='--print' [info]='--json'
                [stats]='--json' [address]='--json' [events]='--json' [attach]='--persistent' [detach]='--persistent' [change-media]='--persistent'
                [set]='--persistent' [save]='--discard' [backup]='--disk= --checkpoint= --since= --pull= --list --delete=' [commit]='--pull' [copy-disk]='--pivot --format= --bandwidth=' [snapshot]='--force --internal --disk-only --disk= --description= --json --tree')

        COMPREPLY=()
        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                case $word in
                --user | --system) scope=("$word") ;;
                -*) ;;
                *)
                        verb=$word
                        break
                        ;;
                esac
        done
        for ((i++; i < COMP_CWORD; i++)); do
                [[ ${COMP_WORDS[i]} == -* ]] || after+=("${COMP_WORDS[i]}")
        done
        if [[ -z $verb ]]; then
                mapfile -t COMPREPLY < <(compgen -W "--user --system --help --version ${!arguments[*]}" -- "$cur")
                return
        fi
        if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "--help ${options[$verb]}" -- "$cur")
                [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
                return
        fi
        local kinds=" ${arguments[$verb]} "
        if [[ $kinds == *' action '* ]]; then
                case ${#after[@]} in
                0)
                        mapfile -t COMPREPLY < <(compgen -W 'create list revert delete' -- "$cur")
                        return
                        ;;
                1) kinds=' guest ' ;;
                2)
                        [[ ${after[0]} == create || ${after[0]} == list ]] ||
                                mapfile -t COMPREPLY < <(compgen -W "$(__vmctl_snapshots "${after[1]}" "${scope[@]}")" -- "$cur")
                        return
                        ;;
                esac
        fi
        if [[ $kinds == *' verb '* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "${!arguments[*]}" -- "$cur")
                return
        fi
        if [[ $kinds == *' path '* && ${#after[@]} -ge 2 ]]; then
                while IFS= read -r word; do
                        COMPREPLY+=("$(printf '%q' "$word")")
                done < <(compgen -f -- "$cur")
                return
        fi
        if [[ $kinds == *' guest '* ]]; then
                # a name may hold blanks and backslashes: compared as text, and quoted as the shell wants it
                while IFS= read -r word; do
                        if [[ $word == "$cur"* || $(printf '%q' "$word") == "$cur"* ]]; then
                                COMPREPLY+=("$(printf '%q' "$word")")
                        fi
                done < <(__vmctl_guests "${scope[@]}")
        fi
        if [[ $kinds == *' directory '* ]]; then
                while IFS= read -r word; do
                        COMPREPLY+=("$(printf '%q' "$word")")
                done < <(compgen -S / -d -- "$cur")
        fi
        if [[ $kinds == *' file '* ]]; then
                while IFS= read -r word; do
                        COMPREPLY+=("$(printf '%q' "$word")")
                done < <(compgen -f -X '!*.xml' -- "$cur"; compgen -S / -d -- "$cur")
                [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != */ ]] || compopt -o nospace 2>/dev/null
        fi
}

complete -F _vmctl vmctl
