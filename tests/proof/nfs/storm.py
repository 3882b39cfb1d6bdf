# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""storm.py NAME DIR WITNESS LIFETIME_MS: a process of Python's flufl.lock that
takes turns at the ledger in DIR, which holds a number, until the file
WITNESS/stop exists.

WITNESS is in memory, and all see it without NFS. A turn makes the link `inside`
there, which names the process, increases the ledger's number by one, writes it
to WITNESS/log, and removes `inside`. A process that finds `inside` of a living one was
let in beside it. If a number is in the log twice, an update was lost.
"""

import datetime
import os
import pathlib
import sys

from flufl.lock import Lock


def note(witness, line):
    with open(witness / 'log', 'ab', buffering=0) as log:
        log.write(line.encode() + b'\n')


def is_alive(pid):
    try:
        stat = pathlib.Path('/proc', pid, 'stat').read_text()
    except OSError:
        return False
    return stat.rpartition(')')[2].split()[0] not in 'ZX'


def enter(name, witness):
    while True:
        try:
            return os.symlink(str(os.getpid()), witness / 'inside')
        except FileExistsError:
            other = os.readlink(witness / 'inside')
            if is_alive(other):
                note(witness, f'overlap {name} with {other}')
                sys.exit(1)
            os.unlink(witness / 'inside')


def take_turn(name, witness):
    enter(name, witness)
    with open('ledger', 'r+') as ledger:
        n = int(ledger.read()) + 1
        ledger.seek(0)
        ledger.write(f'{n:10}\n')
    note(witness, f'turn {name} {n}')
    os.unlink(witness / 'inside')


def main(name, directory, witness, lifetime_ms):
    witness = pathlib.Path(witness)
    os.chdir(directory)
    lock = Lock(os.path.abspath('lock'), lifetime=datetime.timedelta(milliseconds=int(lifetime_ms)))
    try:
        while not (witness / 'stop').exists():
            with lock:
                take_turn(name, witness)
    except Exception as error:
        note(witness, f'error {name}: {error!r}')
        raise


if __name__ == '__main__':
    main(*sys.argv[1:])
