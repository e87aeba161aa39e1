# SPDX-License-Identifier: LGPL-2.1-or-later
#
# fish completion for vmctl.

set -l verbs list check define undefine rename console resume argv unit help

function __vmctl_guests
    set -l scope (string match -r -- '^--(?:user|system)$' (commandline -opc))
    vmctl $scope list --names 2>/dev/null
end

complete -c vmctl -f
complete -c vmctl -l user -d 'Guests of the calling user'
complete -c vmctl -l system -d 'Guests of the system'
complete -c vmctl -l help -d 'Show help'
complete -c vmctl -l version -d 'Show the version'

set -l first "not __fish_seen_subcommand_from $verbs"
complete -c vmctl -n $first -a list -d 'List guests and their states'
complete -c vmctl -n $first -a check -d 'Report everything that is wrong with the XML of a guest'
complete -c vmctl -n $first -a define -d 'Check the XML of a guest and install it'
complete -c vmctl -n $first -a undefine -d 'Remove the XML of a guest'
complete -c vmctl -n $first -a rename -d 'Give a guest another name'
complete -c vmctl -n $first -a console -d 'Connect to the serial console of a guest'
complete -c vmctl -n $first -a resume -d 'Let a stopped guest continue'
complete -c vmctl -n $first -a argv -d 'Show the QEMU command line of a guest'
complete -c vmctl -n $first -a unit -d 'Show the drop-in of a guest'
complete -c vmctl -n $first -a help -d 'Show help'

complete -c vmctl -n '__fish_seen_subcommand_from list' -l json -d 'Print JSON'
complete -c vmctl -n '__fish_seen_subcommand_from list' -l names -d 'Print names only'
complete -c vmctl -n '__fish_seen_subcommand_from list' -l units -d 'Print units only'
complete -c vmctl -n '__fish_seen_subcommand_from argv' -l json -d 'Print JSON'
complete -c vmctl -n '__fish_seen_subcommand_from check undefine rename console resume argv unit' -a '(__vmctl_guests)'
complete -c vmctl -n '__fish_seen_subcommand_from check define argv unit' -k -a '(__fish_complete_suffix .xml)'
complete -c vmctl -n '__fish_seen_subcommand_from help' -a "$verbs"
