# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
#
# Completion of flufl-lock for fish.

set -l subcommands run hold release refresh status list wait watch break clean doctor

function __flufl_lock_is
    contains -- (commandline -opc)[2] $argv
end

complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -f
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -l help -d 'Show the subcommands'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -l version -d 'Show the version'

complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a run -d 'Run a command, and hold a lock meanwhile'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a hold -d 'Hold a lock in the background'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a release -d 'Release a lock that hold acquired'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a refresh -d 'Refresh a lock, or change its lifetime'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a status -d 'Show who holds each lock'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a list -d 'Show the held locks in a directory'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a wait -d 'Wait until a lock is free or its holder is dead'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a watch -d 'Show the holder and the waiters'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a break -d 'Break a lock'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a clean -d 'Remove the claims of dead processes'
complete -c flufl-lock -n "not __fish_seen_subcommand_from $subcommands" -a doctor -d 'Examine a directory'

complete -c flufl-lock -n "__fish_seen_subcommand_from $subcommands" -s h -l help -d 'Show the options'
complete -c flufl-lock -n '__flufl_lock_is hold release refresh status list wait watch break clean doctor' -l json -d 'Print JSON'
complete -c flufl-lock -n '__flufl_lock_is run hold release refresh status list wait watch break doctor' -l without-links -d 'Use no hard links on sshfs and the like'

complete -c flufl-lock -n '__flufl_lock_is run hold wait' -s w -l timeout -x -d 'Wait for some seconds at most'
complete -c flufl-lock -n '__flufl_lock_is run hold' -s n -l nonblock -d 'Do not wait if the lock is held'
complete -c flufl-lock -n '__flufl_lock_is run hold' -s E -l conflict-exit-code -x -d 'Exit status if the lock is not free in time'
complete -c flufl-lock -n '__flufl_lock_is run hold refresh' -l lifetime -x -d 'Seconds from the last refresh to the expiration'
complete -c flufl-lock -n '__flufl_lock_is run hold wait' -s q -l quiet -d 'Print only errors, and nothing about a lock that is held'
complete -c flufl-lock -n '__flufl_lock_is run hold' -s v -l verbose -d 'Print how long the wait was, and who held the lock'
complete -c flufl-lock -n '__flufl_lock_is run' -l no-heartbeat -d 'Do not refresh the lock'
complete -c flufl-lock -n '__flufl_lock_is run' -l on-lost -x -a 'term kill warn' -d 'What to do if the lock is lost'
complete -c flufl-lock -n '__flufl_lock_is run' -l kill-after -x -d 'Seconds from SIGTERM to SIGKILL'
complete -c flufl-lock -n '__flufl_lock_is run' -s c -l command -x -d 'Run a string with /bin/sh'
complete -c flufl-lock -n '__flufl_lock_is hold' -l for-pid -x -a '(__fish_complete_pids)' -d 'Release the lock when the process ends'
complete -c flufl-lock -n '__flufl_lock_is status' -l check -d 'Print only errors, and exit with 75 if a lock is held'
complete -c flufl-lock -n '__flufl_lock_is break' -l if-dead -d 'Only if the holder is proved dead'
complete -c flufl-lock -n '__flufl_lock_is break' -l expired -d 'Only if the lock has expired'
complete -c flufl-lock -n '__flufl_lock_is break' -l force -d 'Whoever holds the lock, and any other file, too'
complete -c flufl-lock -n '__flufl_lock_is break' -l if-holder -x -d 'Only if the token still holds it'
complete -c flufl-lock -n '__flufl_lock_is clean' -l dry-run -d 'Show the claims only'
complete -c flufl-lock -n '__flufl_lock_is list clean doctor' -x -a '(__fish_complete_directories)'
