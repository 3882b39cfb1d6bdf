# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-contention.py CONTENDER KIND: processes of ours, some of them with flufl_compat, and of
Python's flufl.lock 8.2 contend for one lock: through more than ten thousand short turns, or
through long ones of ours, one after the other, among which those of flufl.lock must come to
theirs. CONTENDER is ours in C."""

import pathlib
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

SKIP = 77
PATIENCE_S = 500


class Kind(NamedTuple):
    section: int  # ms
    turns_at_least: int
    flufl_processes: int
    flufl_turns: int  # it looks for the lock once a second on average
    c_processes: int
    python_processes: int
    python_turns: int
    compat_processes: int
    compat_turns: int


KINDS = {
    'short': Kind(0, 10000, 3, 6, 3, 2, 300, 2, 300),
    'long': Kind(50, 20, 4, 3, 4, 0, 0, 0, 0),
}

HERE = pathlib.Path(__file__).resolve().parent


def can_import(statement):
    result = subprocess.run([sys.executable, '-c', statement], capture_output=True, text=True,
                            timeout=PATIENCE_S)
    return result.stderr.strip().splitlines()[-1] if result.returncode else None


def wait_for(processes, give_up):
    """The turns they took."""
    turns = 0
    for process in processes:
        out, err = process.communicate(timeout=max(give_up - time.monotonic(), 0))
        if process.returncode != 0:
            sys.exit(f'{process.args[0]} failed with status {process.returncode}: {err}')
        turns += int(out)
    return turns


def contend(directory, contender, kind, have_python):
    place = directory / 'place'
    place.mkdir()
    lock, stop, ledger = place / 'lock', directory / 'stop', directory / 'ledger'
    ledger.write_text(f'{0:10} {0:10} {"nobody":10}\n')
    give_up = time.monotonic() + PATIENCE_S
    others, flufls = [], []

    def start(command, name, turns, *until):
        return subprocess.Popen([*command, name, directory, lock, str(kind.section),
                                 str(turns), *until], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    try:
        python = [sys.executable, HERE / 'contender.py']
        for _ in range(kind.c_processes):
            others.append(start([contender], 'c', kind.turns_at_least // kind.c_processes + 1,
                                stop))
        for _ in range(kind.python_processes if have_python else 0):
            others.append(start(python, 'python', kind.python_turns, stop))
        for _ in range(kind.compat_processes if have_python else 0):
            others.append(start(python, 'compat', kind.compat_turns, stop))
        for _ in range(kind.flufl_processes):
            flufls.append(start(python, 'flufl', kind.flufl_turns))

        flufl_turns = wait_for(flufls, give_up)
        stop.touch()
        other_turns = wait_for(others, give_up)
    except subprocess.TimeoutExpired as error:
        sys.exit(f'{error.cmd[0]} was not done after {PATIENCE_S} s, the ledger says '
                 f'{ledger.read_text().split()}')
    finally:
        for process in others + flufls:
            process.kill()
            process.wait()

    turns = flufl_turns + other_turns
    total, hand_overs, _ = ledger.read_text().split()
    print(f'figures: {turns} turns, {flufl_turns} of them by flufl.lock, the ledger says {total}, '
          f'{hand_overs} hand-overs between kinds')
    left = sorted(path.name for path in place.iterdir())
    if int(total) != turns:
        sys.exit(f'{turns - int(total)} updates were lost')
    if turns < kind.turns_at_least or flufl_turns != kind.flufl_processes * kind.flufl_turns:
        sys.exit('there were too few turns')
    if int(hand_overs) < kind.flufl_turns:
        sys.exit('they hardly met')
    if left:
        sys.exit(f'left behind: {left}')


def main():
    problem = can_import('import flufl.lock')
    if problem:
        print(f'flufl.lock is missing: {problem}')
        return SKIP
    no_python = can_import('import gi; gi.require_version("Flufl", "1");'
                           'from gi.repository import Flufl')
    if no_python:
        print(f'without PyGObject: {no_python}')

    with tempfile.TemporaryDirectory(prefix='flufl-contention-') as name:
        contend(pathlib.Path(name), sys.argv[1], KINDS[sys.argv[2]], not no_python)
    return 0


if __name__ == '__main__':
    sys.exit(main())
