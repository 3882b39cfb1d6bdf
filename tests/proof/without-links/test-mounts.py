# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-mounts.py WORKER KIND: many processes on one lock, on a real file system, most of them without
hard links: first a counter that they all raise, then a storm in which they are killed. Disks are then
full, read-only, unmounted and pulled out. Some kinds are refused. KIND is one of KINDS in places.py."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from places import KINDS, Disk, Missing, run

SKIP = 77
N_WORKERS = 8
TURNS = 25
STORM_S = 20
# A lock whose maker died before it wrote the line costs 7 s, and a second death beside it 5 s more.
PATIENCE_S = 100
N_MISHAP_WORKERS = 4
N_TURNS_BEFORE = 10
# The time that workers have after the disk was pulled out.
PULLED_S = 5
# The system calls of a turn are more than the one number, and less than the other.
CALLS_MIN = 10
CALLS_MAX = 100


class Arena:
    def __init__(self, worker, scratch, places, without):
        self.worker, self.places, self.without = worker, places, without
        self.ledger, self.logs = scratch / 'ledger', scratch / 'logs'
        self.logs.mkdir()
        self.ledger.write_text('0\n')
        self.started = 0
        self.processes = []

    def start(self, turns, folder='.', call=0):
        place = self.places[self.started % len(self.places)]
        self.started += 1
        self.processes.append(subprocess.Popen(
            [self.worker, place / folder / 'data.lock', self.ledger, self.logs / str(self.started), str(turns),
             str(int(self.without)), str(call)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=dict(os.environ, LC_ALL='C')))
        return self.processes[-1]

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def raised(self):
        return int(self.ledger.read_text())

    def logged(self):
        return sum(log.stat().st_size for log in self.logs.iterdir())

    def finish(self, processes):
        end = time.monotonic() + PATIENCE_S
        for process in processes:
            error = process.communicate(timeout=max(end - time.monotonic(), 1))[1]
            if process.returncode != 0:
                sys.exit(f'a worker failed: {error}')

    def is_refused(self, words):
        """One more worker gets an error with these words, and leaves nothing."""
        before = sorted(os.listdir(self.places[0]))
        worker = self.start(1)
        error = worker.communicate(timeout=PATIENCE_S)[1]
        if worker.returncode != 1 or words not in error:
            sys.exit(f'the worker ended with {worker.returncode}, and not with “{words}”: {error}')
        self.expect_files(before)

    def expect_files(self, names):
        left = sorted(os.listdir(self.places[0]))
        if left != names:
            sys.exit(f'there are {left} instead of {names}')

    def begin_turns(self, folder):
        """Workers that take turns until something goes wrong."""
        wanted = self.logged() + N_TURNS_BEFORE
        workers = [self.start(0, folder) for _ in range(N_MISHAP_WORKERS)]
        end = time.monotonic() + PATIENCE_S
        while self.logged() < wanted:
            if time.monotonic() > end or any(worker.poll() is not None for worker in workers):
                sys.exit('the workers take no turns')
            time.sleep(0.01)
        return workers

    @staticmethod
    def expect_errors(workers, patience_s):
        """Each ends with an error of the file system, or goes on and is killed."""
        end, n_ended = time.monotonic() + patience_s, 0
        for worker in workers:
            try:
                error = worker.communicate(timeout=max(end - time.monotonic(), 0))[1]
                n_ended += 1
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.communicate()
                continue
            if worker.returncode != 1 or not error.startswith('not '):
                sys.exit(f'a worker ended with {worker.returncode}: {error}')
        return n_ended

    def count(self):
        self.finish([self.start(TURNS) for _ in range(N_WORKERS)])
        if self.raised() != N_WORKERS * TURNS:
            sys.exit(f'{self.raised()} turns were counted, of {N_WORKERS * TURNS}')
        self.expect_files([])

    def die_at_each_call(self):
        """A process dies before each of its calls, and the next one gets the lock.

        Returns: the number of deaths, and the longest time that one cost"""
        longest = 0
        for call in range(1, CALLS_MAX):
            victim = self.start(1, call=call)
            error = victim.communicate(timeout=PATIENCE_S)[1]
            if victim.returncode == 0 and call > CALLS_MIN:
                self.expect_files([])
                return call - 1, longest
            if victim.returncode != -signal.SIGKILL:
                sys.exit(f'the process that should die at call {call} ended with {victim.returncode}: {error}')
            begun = time.monotonic()
            self.finish([self.start(1)])
            longest = max(longest, time.monotonic() - begun)
            for name in os.listdir(self.places[0]):
                if name == 'data.lock':
                    sys.exit(f'the lock file is left after a death at call {call}')
                os.unlink(self.places[0] / name)  # a waiter would remove it
        return sys.exit('a turn has too many calls')

    def storm(self, rand):
        begun, kills = self.raised() - self.logged(), 0
        processes = [self.start(0) for _ in range(N_WORKERS)]
        end = time.monotonic() + STORM_S
        while time.monotonic() < end:
            victim = rand.randrange(N_WORKERS)
            try:
                error = processes[victim].communicate(timeout=rand.uniform(0, 0.3))[1]
                sys.exit(f'a worker ended: {error}')
            except subprocess.TimeoutExpired:
                processes[victim].kill()
                processes[victim].communicate()
                kills += 1
                processes[victim] = self.start(0)
        for process in processes:
            process.kill()
            error = process.communicate()[1]
            if error:
                sys.exit(f'a worker failed: {error}')
        # Each one that was killed may have raised the number and not said so.
        lost = self.logged() + begun - self.raised()
        if lost > 0 or -lost > kills + N_WORKERS:
            sys.exit(f'{self.raised()} turns were counted, and {self.logged()} logged')
        begun = time.monotonic()
        self.finish([self.start(1)])
        return kills, time.monotonic() - begun


def fill(path):
    with open(path, 'wb', buffering=0) as file:
        for size in 1 << 16, 1:
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass


def meet_mishaps(arena, disk):
    place = disk.places[0]
    for name in os.listdir(place):
        os.unlink(place / name)  # what killed workers have left

    fill(place / 'filler')
    if disk.small_files_need_space:
        arena.is_refused('No space left on device')
    else:
        arena.finish([arena.start(1)])
    os.unlink(place / 'filler')
    arena.finish([arena.start(1)])
    arena.expect_files([])

    if disk.is_kernels:
        run('mount', '-o', 'remount,ro', place)
        arena.is_refused('Read-only file system')
        run('mount', '-o', 'remount,rw', place)
        arena.finish([arena.start(1)])
        arena.expect_files([])

    (place / 'folder').mkdir()
    workers = arena.begin_turns('folder')
    disk.unmount_at_once()
    if arena.expect_errors(workers, PATIENCE_S) != len(workers):
        sys.exit('workers do not notice that the disk is gone')
    disk.mount()
    arena.finish([arena.start(1)])

    workers = arena.begin_turns('folder')
    disk.pull_out()
    arena.expect_errors(workers, PULLED_S)


def play(worker, kind, scratch, seed):
    make, without = KINDS[kind]
    try:
        disk = make(scratch)
    except Missing as missing:
        print(f'skipped: {missing}')
        return SKIP
    arena = Arena(worker, scratch, disk.places, without)
    try:
        if without is None:
            for arena.without in False, True:
                arena.is_refused('two machines can create the same file')
            return 0
        arena.count()
        deaths, longest = arena.die_at_each_call()
        print(f'figures: {kind}: {deaths} processes died at a call each, which cost {longest:.1f} s at most')
        kills, last = arena.storm(random.Random(seed))
        print(f'figures: {kind}: {arena.raised()} turns, {kills} kills, the last death cost {last:.1f} s')
        if isinstance(disk, Disk):
            meet_mishaps(arena, disk)
    finally:
        arena.kill()
        disk.remove()
    return 0


def main():
    worker, kind = sys.argv[1:]
    seed = random.randrange(2**31)
    print(f'seed {seed}')
    scratch = pathlib.Path(tempfile.mkdtemp(prefix='flufl-mounts-'))
    try:
        sys.exit(play(worker, kind, scratch, seed))
    finally:
        shutil.rmtree(scratch)


main()
