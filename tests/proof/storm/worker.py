# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""worker.py ARENA LOCK MODULE: does the same as worker.c, with Python's flufl.lock or with
flufl_compat, as MODULE has it."""

import ctypes
import importlib
import mmap
import os
import random
import sys
import time
from datetime import timedelta


# As in arena.h.
ARENA_SIZE = 1 << 23


class Arena(ctypes.Structure):
    """The beginning of the structure in arena.h."""
    _fields_ = [
        ('owner', ctypes.c_int),
        ('overlaps', ctypes.c_int),
        ('sections', ctypes.c_int64),
        ('flufl_sections', ctypes.c_int64),
        ('compat_sections', ctypes.c_int64),
        ('last', ctypes.c_int64),
        ('longest_silence', ctypes.c_int64),
        ('stop', ctypes.c_int),
        ('losses', ctypes.c_int),
        ('early_losses', ctypes.c_int),
        ('deletes', ctypes.c_int),
        ('deleted_locks', ctypes.c_int),
        ('deleted_claims', ctypes.c_int),
        ('explained_overlaps', ctypes.c_int),
        ('explained_losses', ctypes.c_int),
        ('untold', ctypes.c_int),
        ('n_holes', ctypes.c_int),
    ]


def open_arena(path):
    with open(path, 'r+b') as file:
        return Arena.from_buffer(mmap.mmap(file.fileno(), ctypes.sizeof(Arena)))


def is_dead(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            return file.read().rpartition(')')[2].split()[0] in 'ZX'
    except OSError:
        return True


def clash(arena, text):
    print(text, file=sys.stderr)
    arena.overlaps += 1


def enter(arena, is_flufl):
    other, arena.owner = arena.owner, os.getpid()
    deadline = time.monotonic() + 1
    while other and not is_dead(other):
        if time.monotonic() > deadline:
            clash(arena, f'{other} is inside, and so am I, {os.getpid()}')
            break
        time.sleep(0.001)
    now = time.monotonic_ns() // 1000
    arena.longest_silence = max(arena.longest_silence, now - arena.last)
    arena.last = now
    arena.sections += 1
    if is_flufl:
        arena.flufl_sections += 1
    else:
        arena.compat_sections += 1


def leave(arena):
    if arena.owner != os.getpid():
        clash(arena, f'{os.getpid()} was inside, and {arena.owner} came')
    arena.owner = 0


def lose(arena, error):
    """Nobody stands still for as long as a lease lasts."""
    print(f'{os.getpid()}: {error}', file=sys.stderr)
    arena.losses += 1
    arena.early_losses += 1


def main():
    arena = open_arena(sys.argv[1])
    # storm.py imports this module even where there is neither.
    module = importlib.import_module(sys.argv[3])
    is_flufl = sys.argv[3] == 'flufl.lock'
    while not arena.stop:
        lock = module.Lock(sys.argv[2], lifetime=timedelta(seconds=15))
        try:
            lock.lock(timeout=timedelta(seconds=5))
        except (module.LockError, OSError):
            time.sleep(0.02)
            continue
        enter(arena, is_flufl)
        time.sleep(random.uniform(0, 0.002))
        leave(arena)
        while True:
            try:
                lock.unlock()
                break
            except module.LockError as error:
                if not is_flufl:
                    lose(arena, error)
                break
            except OSError:
                time.sleep(0.02)


if __name__ == '__main__':
    main()
