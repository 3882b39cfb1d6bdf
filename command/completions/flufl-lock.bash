# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
#
# Completion of flufl-lock for bash, with the package bash-completion or without.

# The options of each subcommand.
_flufl_lock_options()
{
    local acquire='-w --timeout -n --nonblock -E --conflict-exit-code --lifetime -q --quiet -v --verbose'

    case $1 in
        run) echo "$acquire --no-heartbeat --on-lost --kill-after -c --command --without-links -h --help" ;;
        hold) echo "$acquire --for-pid --json --without-links -h --help" ;;
        refresh) echo '--lifetime --json --without-links -h --help' ;;
        status) echo '--check --json --without-links -h --help' ;;
        wait) echo '-w --timeout -q --quiet --json --without-links -h --help' ;;
        break) echo '--if-dead --expired --force --if-holder --json --without-links -h --help' ;;
        clean) echo '--dry-run --json -h --help' ;;
        release | list | watch | doctor) echo '--json --without-links -h --help' ;;
    esac
}

# Whether an option takes the next word as its value.
_flufl_lock_has_value()
{
    case $1 in
        -w | --timeout | -E | --conflict-exit-code | --lifetime | --on-lost | --kill-after | \
            -c | --command | --for-pid | --if-holder) return 0 ;;
    esac
    return 1
}

_flufl_lock()
{
    local subcommands='run hold release refresh status list wait watch break clean doctor'
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local subcommand=${COMP_WORDS[1]} first=0 i

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$subcommands --help --version" -- "$word")
        return
    fi
    # The place of the first argument that is not an option, which is the lock file of “run”.
    for ((i = 2; i < COMP_CWORD; i++)); do
        if _flufl_lock_has_value "${COMP_WORDS[i]}"; then
            ((i++))
        elif [[ ${COMP_WORDS[i]} != -* ]]; then
            first=$i
            break
        fi
    done
    if [ "$subcommand" = run ] && [ "$first" -gt 0 ]; then
        # Then comes a command with its own arguments.
        i=$((first + 1))
        [ "${COMP_WORDS[i]}" = -- ] && ((i++))
        if declare -F _command_offset >/dev/null; then
            _command_offset "$i"
        elif [ "$COMP_CWORD" -eq "$i" ]; then
            mapfile -t COMPREPLY < <(compgen -c -- "$word")
        else
            compopt -o default 2>/dev/null
        fi
        return
    fi
    case $previous in
        --on-lost) mapfile -t COMPREPLY < <(compgen -W 'term kill warn' -- "$word") ;;
        *)
            if _flufl_lock_has_value "$previous"; then
                return
            elif [[ $word == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(_flufl_lock_options "$subcommand")" -- "$word")
            elif [[ $subcommand == @(list|clean|doctor) ]]; then
                mapfile -t COMPREPLY < <(compgen -d -- "$word")
                compopt -o filenames 2>/dev/null
            else
                compopt -o default 2>/dev/null
            fi
            ;;
    esac
}

complete -F _flufl_lock flufl-lock
