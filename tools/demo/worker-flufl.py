# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""worker-flufl.py LEDGER ROW REST [LOCK]: does the same as worker.py, with Python's
own flufl.lock."""

import contextlib
import sys
import time

from flufl.lock import Lock

THINK_S = 0.001


def take_turn(path, row):
    """Overwrite updates that others make meanwhile."""
    with open(path, 'r+') as file:
        ledger = [int(line) for line in file]
        time.sleep(THINK_S)
        ledger[0] += 1
        ledger[row] += 1
        file.seek(0)
        file.writelines(f'{number:10}\n' for number in ledger)


def main(path, row, rest, lock_path=None):
    lock = Lock(lock_path) if lock_path else contextlib.nullcontext()
    print('ready', flush=True)
    end = int(sys.stdin.readline()) / 1e6
    turns, longest = 0, 0

    while True:
        asked = time.monotonic()
        with lock:
            got = time.monotonic()
            take_turn(path, int(row))
        done = time.monotonic()

        turns += 1
        longest = max(longest, got - asked)
        time.sleep(min((done - got) * int(rest), max(end - done, 0)))
        if time.monotonic() >= end:
            break

    print(turns, round(longest * 1e6))


main(*sys.argv[1:])
