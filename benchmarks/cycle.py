# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""cycle.py DIRECTORY: the cost of an uncontended acquisition and release with Python's locks,
in lines like those of cycle.c."""

import pathlib
import sys
import tempfile
import time

import filelock
from flufl.lock import Lock

BLOCKS, BLOCK = 50, 20


def one_filelock(lock):
    lock.acquire()
    lock.release()


def one_flufl(lock):
    lock.lock()
    lock.unlock()


def main(directory):
    with tempfile.TemporaryDirectory(prefix='flufl-cycle-', dir=directory) as place:
        place = pathlib.Path(place)
        kinds = [('filelock.FileLock', one_filelock, filelock.FileLock(place / 'filelock')),
                 ('flufl.lock 8.2', one_flufl, Lock(str(place / 'flufl')))]
        times = {name: [] for name, *_ in kinds}
        for block in range(-1, BLOCKS):  # one to get warm
            for name, cycle, lock in kinds:
                for _ in range(BLOCK):
                    start = time.perf_counter_ns()
                    cycle(lock)
                    if block >= 0:
                        times[name].append(time.perf_counter_ns() - start)
        for name, of in times.items():
            of.sort()
            print(f'  {name:22} p50 {of[len(of) // 2] / 1000:7.1f} us'
                  f'   p99 {of[len(of) * 99 // 100] / 1000:7.1f} us')


if __name__ == '__main__':
    main(*sys.argv[1:])
