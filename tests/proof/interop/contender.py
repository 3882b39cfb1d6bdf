# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""contender.py NAME DIR LOCK SECTION TURNS [STOP]: takes turns of SECTION ms at a ledger: at
least TURNS of them, and more until the file STOP exists. NAME is `flufl` for Python's own
flufl.lock, `compat` for flufl_compat, and anything else for this library.

A turn makes a file that must not be there, and removes it in the end; meanwhile
it rewrites the ledger: the number of turns, how often a turn came after one of
another name, and the name of the last.
"""

import os
import sys
import time


def make_lock(name, path):
    if name == 'flufl':
        from flufl.lock import Lock
        return Lock(path)
    if name == 'compat':
        from flufl_compat import Lock
        return Lock(path)

    import gi
    gi.require_version('Flufl', '1')
    from gi.repository import Flufl
    return Flufl.Lock(path)


def take_turn(name, section):
    inside = os.open('inside', os.O_CREAT | os.O_EXCL)
    time.sleep(section / 1000)
    with open('ledger', 'r+') as file:
        total, hand_overs, last = file.read().split()
        file.seek(0)
        file.write(f'{int(total) + 1:10} {int(hand_overs) + (last != name):10} {name:10}\n')
    os.close(inside)
    os.unlink('inside')


def main(name, directory, path, section, at_least, stop=None):
    os.chdir(directory)
    lock = make_lock(name, path)
    turns = 0

    while turns < int(at_least) or (stop and not os.path.exists(stop)):
        with lock:
            take_turn(name, int(section))
        turns += 1
    print(turns)


if __name__ == '__main__':
    main(*sys.argv[1:])
