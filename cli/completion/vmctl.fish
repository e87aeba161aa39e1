# SPDX-License-Identifier: LGPL-2.1-or-later
#
# fish completion for vmctl.

set -l verbs list check define edit undefine rename console view pause resume reset kill save nmi send-key info stats top address backup resize-disk screenshot dump events agent qmp attach detach change-media set commit copy-disk snapshot clone dumpxml argv policy unit help

function __vmctl_guests
    set -l scope (string match -r -- '^--(?:user|system)$' (commandline -opc))
    vmctl $scope list --names 2>/dev/null
end

# The words after "snapshot": the action, and the guest.
function __vmctl_snapshot_words
    set -l words (string match -v -r -- '^-' (commandline -opc))
    test (count $words) -eq $argv[1]; and contains -- snapshot $words
end

function __vmctl_snapshots
    set -l scope (string match -r -- '^--(?:user|system)$' (commandline -opc))
    set -l words (string match -v -r -- '^-' (commandline -opc))
    vmctl $scope snapshot list $words[4] 2>/dev/null | string replace -r ' .*' '' | tail -n +2
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
complete -c vmctl -n $first -a edit -d 'Edit the XML of a guest'
complete -c vmctl -n $first -a undefine -d 'Remove the XML of a guest'
complete -c vmctl -n $first -a rename -d 'Give a guest another name'
complete -c vmctl -n $first -a console -d 'Connect to the serial console of a guest'
complete -c vmctl -n $first -a view -d 'Open a viewer on the screen of a guest'
complete -c vmctl -n $first -a pause -d 'Pause a running guest'
complete -c vmctl -n $first -a resume -d 'Let a stopped guest continue'
complete -c vmctl -n $first -a reset -d 'Reset a guest'
complete -c vmctl -n $first -a kill -d 'Turn a guest off hard'
complete -c vmctl -n $first -a save -d 'Save a guest, for its next start to restore'
complete -c vmctl -n $first -a nmi -d 'Send a guest a non-maskable interrupt'
complete -c vmctl -n $first -a send-key -d 'Press keys on the keyboard of a guest'
complete -c vmctl -n $first -a info -d 'Show what a running guest is and does'
complete -c vmctl -n $first -a stats -d 'Print counters of a running guest'
complete -c vmctl -n $first -a top -d 'Show what running guests use of the host'
complete -c vmctl -n $first -a address -d 'Print the IP addresses of a guest'
complete -c vmctl -n $first -a backup -d 'Copy the disks of a running guest'
complete -c vmctl -n $first -a resize-disk -d 'Make a disk of a guest larger'
complete -c vmctl -n $first -a screenshot -d 'Write a picture of the screen of a guest'
complete -c vmctl -n $first -a dump -d 'Write the memory of a guest to a file'
complete -c vmctl -n $first -a events -d 'Print the events of a guest as they come'
complete -c vmctl -n $first -a agent -d 'Give the guest agent a command'
complete -c vmctl -n $first -a qmp -d 'Give QEMU a command'
complete -c vmctl -n $first -a attach -d 'Add a device to a guest'
complete -c vmctl -n $first -a detach -d 'Remove a device from a guest'
complete -c vmctl -n $first -a change-media -d 'Change or eject the medium of a drive'
complete -c vmctl -n $first -a set -d 'Change a value of a guest'
complete -c vmctl -n $first -a clone -d 'Copy a guest, with its disks'
complete -c vmctl -n $first -a dumpxml -d 'Print the XML of a guest, completed'
complete -c vmctl -n $first -a commit -d 'Merge the newest images of a disk'
complete -c vmctl -n $first -a copy-disk -d 'Copy a disk of a running guest'
complete -c vmctl -n $first -a snapshot -d 'Keep the state of the disks of a guest'
complete -c vmctl -n $first -a argv -d 'Show the QEMU command line of a guest'
complete -c vmctl -n $first -a policy -d 'Show what vmunit.conf allows and costs'
complete -c vmctl -n $first -a unit -d 'Show the drop-in of a guest'
complete -c vmctl -n $first -a help -d 'Show help'

complete -c vmctl -n '__fish_seen_subcommand_from list' -l json -d 'Print JSON'
complete -c vmctl -n '__fish_seen_subcommand_from list' -l names -d 'Print names only'
complete -c vmctl -n '__fish_seen_subcommand_from list' -l units -d 'Print units only'
complete -c vmctl -n '__fish_seen_subcommand_from argv policy info stats address events' -l json -d 'Print JSON'
complete -c vmctl -n '__fish_seen_subcommand_from clone' -l disk -x -d 'Where the copy of a disk is to be'
complete -c vmctl -n '__fish_seen_subcommand_from dumpxml' -l live -d 'Print what a running guest has'
complete -c vmctl -n '__fish_seen_subcommand_from dumpxml' -l secrets -d 'Show passwords'
complete -c vmctl -n '__fish_seen_subcommand_from commit' -l pull -d 'Into the newest image'
complete -c vmctl -n '__fish_seen_subcommand_from copy-disk' -l pivot -d 'Have the guest go on with the copy'
complete -c vmctl -n '__fish_seen_subcommand_from copy-disk' -l format -x -a 'raw qcow2' -d 'Format of the copy'
complete -c vmctl -n '__fish_seen_subcommand_from copy-disk' -l bandwidth -x -d 'Bytes a second'
complete -c vmctl -n '__vmctl_snapshot_words 2' -a 'create list revert delete'
complete -c vmctl -n '__vmctl_snapshot_words 3' -a '(__vmctl_guests)'
complete -c vmctl -n '__vmctl_snapshot_words 4; and not __fish_seen_subcommand_from create list' -a '(__vmctl_snapshots)'
complete -c vmctl -n '__fish_seen_subcommand_from snapshot' -l force -d 'Also of a guest that runs'
complete -c vmctl -n '__fish_seen_subcommand_from snapshot' -l internal -d 'With the memory'
complete -c vmctl -n '__fish_seen_subcommand_from snapshot' -l disk-only -d 'Without the memory'
complete -c vmctl -n '__fish_seen_subcommand_from snapshot' -l disk -x -d 'A disk'
complete -c vmctl -n '__fish_seen_subcommand_from snapshot' -l description -x -d 'What the snapshot is for'
complete -c vmctl -n '__fish_seen_subcommand_from view' -l print -d 'Print the address only'
complete -c vmctl -n '__fish_seen_subcommand_from save' -l discard -d 'Give up what was saved'
complete -c vmctl -n '__fish_seen_subcommand_from screenshot dump commit copy-disk' -F
complete -c vmctl -n '__fish_seen_subcommand_from backup' -a '(__fish_complete_directories)'
complete -c vmctl -n '__fish_seen_subcommand_from backup' -l disk -x -d 'Copy this disk'
complete -c vmctl -n '__fish_seen_subcommand_from backup' -l checkpoint -x -d 'Begin a checkpoint'
complete -c vmctl -n '__fish_seen_subcommand_from backup' -l since -x -d 'Copy what was written since'
complete -c vmctl -n '__fish_seen_subcommand_from backup' -l pull -r -d 'Offer the disks over NBD'
complete -c vmctl -n '__fish_seen_subcommand_from backup' -l list -d 'Print checkpoints'
complete -c vmctl -n '__fish_seen_subcommand_from backup' -l delete -x -d 'Remove a checkpoint'
complete -c vmctl -n '__fish_seen_subcommand_from check edit undefine rename attach detach change-media set commit copy-disk backup resize-disk console view pause resume reset kill save nmi send-key info stats address screenshot dump events agent qmp clone dumpxml argv unit' -a '(__vmctl_guests)'
complete -c vmctl -n '__fish_seen_subcommand_from check define dumpxml argv unit' -k -a '(__fish_complete_suffix .xml)'
complete -c vmctl -n '__fish_seen_subcommand_from help' -a "$verbs"
