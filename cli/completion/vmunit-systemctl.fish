# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `systemctl start vm@<TAB>` offers the guests that are defined, beside what fish itself knows of units.

function __vmunit_units
    set -l scope --system
    contains -- --user (commandline -opc); and set scope --user
    vmctl $scope list --units 2>/dev/null
end

complete -c systemctl -n 'string match -q "vm@*" -- (commandline -ct)' -a '(__vmunit_units)' -d Guest
