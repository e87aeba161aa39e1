# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# README.md's commands, run as a reader types them.

README=$(cd ../.. && pwd)/README.md

# readme_commands SECTION: those of its indented blocks, with their here-documents, each ended by \036.
readme_commands() {
        awk -v section="## $1" '
                /^## / { inside = $0 == section }
                !inside || !/^    / { next }
                { line = substr($0, 5) }
                word == "" && match(line, /<<.[A-Z]+.$/) { word = substr(line, RSTART + 3, RLENGTH - 4) }
                { printf "%s%s", line, word == "" || line == word ? "\036" : "\n" }
                line == word { word = "" }' "$README"
}

# typed PRELUDE TEXT COMMAND…: TEXT succeeds in a bash (COMMAND…) that has run PRELUDE.
typed() {
        check "\$ ${2%%$'\n'*}" "${@:3}" bash -c "$1"$'\n'"$2"
}

# readme_table SECTION: the commands of vmunit and systemd in the right column of its table, a line each.
readme_table() {
        awk -F ' [|] ' -v section="## $1" '/^## / { inside = $0 == section } inside && /^[|]/ { print $2 }' "$README" |
                grep -o '`[^`]*`' | tr -d '`' | grep -E '^(systemctl|machinectl|vmctl|journalctl) '
}
