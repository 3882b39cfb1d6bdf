# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""storm.py WORKER [--minutes N] [--seed N] [--person PERSON] [--source SOURCE]: many
processes on one lock, some of them Python's flufl.lock, others flufl_compat, while they
are killed, stopped and let go, their clocks jump, the disk fills up, and the directory
becomes read-only. SOURCE is that of a second version of flufl.lock.

A word in shared memory, of which the lock knows nothing, shows whether two are
inside at once. In the end no lock is left, and no claim of this library.

With PERSON the files of the lock are deleted, too, and only processes with this
library take part. Then turns may overlap with the turn of a robbed holder, and may
be lost, only because of a deletion: see judge.c.
"""

import argparse
import ctypes
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from worker import ARENA_SIZE, Arena, open_arena

N_OURS, N_FLUFL, N_COMPAT = 60, 4, 4
N_LAST = 4
# The user nobody, which comes in where root started this: nothing is read-only for root.
NOBODY = 65534
# Seconds: a stop ends long before the lifetime of eight seconds.
LONGEST_STOP_S = 1.5
# Seconds: the longest wait that is promised, which is lifetime, slop and rest; and the time
# that a busy machine takes.
WEDGED_S = 60
# Seconds: each of the last waiters checks one claim in 100 ms, and one after another of those
# of the dead. A busy machine takes longer.
COLLECTED_S = 60
# The largest share of deletions that make a release remove the lock of another. Such a
# deletion must come between two system calls.
HOLES_PER_DELETION = 1 / 20
HERE = pathlib.Path(__file__).resolve().parent


class Storm:
    def __init__(self, worker, person, source, rand, scratch):
        self.worker, self.person, self.rand = worker, person, rand
        self.disk = scratch / 'disk'
        self.place = self.disk / 'place'
        self.lock = self.place / 'lock'
        self.arena_path = scratch / 'arena'
        self.grave = self.disk / 'grave'
        # The environments of the versions of flufl.lock that are here.
        self.versions = [] if person else [env for env in (dict(os.environ), self.add_path(source))
                                           if env and self.can_import('flufl.lock', env)]
        self.has_compat = not person and self.can_import('flufl_compat', os.environ)
        self.is_root = os.geteuid() == 0
        self.mounted = False
        self.ours, self.flufls, self.compats, self.persons = [], [], [], []
        self.stormed = set()  # ids of this library's processes that were in the storm
        self.stopped = {}  # process → when it goes on
        self.mend_at = None
        self.mend = None
        self.counts = dict.fromkeys(('kills', 'stops', 'full disks', 'times read-only'), 0)

    @staticmethod
    def can_import(module, env):
        return subprocess.run([sys.executable, '-c', f'import {module}'], capture_output=True,
                              env=env, timeout=60).returncode == 0

    @staticmethod
    def add_path(source):
        if source is None or not source.exists():
            return None
        path = [str(source / 'src'), os.environ.get('PYTHONPATH', '')]
        return {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, path))}

    def set_up(self):
        self.disk.mkdir()
        if self.is_root and subprocess.run(
                ['mount', '-t', 'tmpfs', '-o', 'size=2m,nr_inodes=300,mode=755', 'storm', self.disk],
                capture_output=True).returncode == 0:
            self.mounted = True
        self.place.mkdir()
        self.place.chmod(0o777)
        self.grave.mkdir()
        self.grave.chmod(0o777)
        assert ctypes.sizeof(Arena) <= ARENA_SIZE
        self.arena_path.touch()
        os.truncate(self.arena_path, ARENA_SIZE)
        self.arena_path.chmod(0o666)
        self.arena = open_arena(self.arena_path)
        self.arena.deletes = bool(self.person)
        self.arena.last = time.monotonic_ns() // 1000
        for _ in range(N_OURS):
            self.start_ours()
        for i in range(N_FLUFL if self.versions else 0):
            self.flufls.append(self.start([sys.executable, HERE / 'worker.py'], ['flufl.lock'],
                                          env=self.versions[i % len(self.versions)]))
        for _ in range(N_COMPAT if self.has_compat else 0):
            self.start_compat()
        if self.person:
            self.persons.append(self.start([self.person],
                                           [self.grave / 'lock', str(self.rand.randrange(2**31))]))

    def start(self, command, arguments, env=None):
        user = dict(user=NOBODY, group=NOBODY, extra_groups=[]) if self.is_root else {}
        return subprocess.Popen([*command, self.arena_path, self.lock, *arguments],
                                stdin=subprocess.DEVNULL, env=env, **user)

    def everybody(self):
        return self.ours + self.flufls + self.compats + self.persons

    def start_ours(self, *more):
        process = self.start([self.worker], [str(self.rand.randrange(2**31)), *more])
        self.ours.append(process)
        if not more:
            self.stormed.add(str(process.pid))

    def start_compat(self):
        process = self.start([sys.executable, '-B', HERE / 'worker.py'], ['flufl_compat'])
        self.compats.append(process)
        self.stormed.add(str(process.pid))

    def kill_one(self):
        process = self.rand.choice(self.ours + self.compats)
        self.stopped.pop(process, None)
        process.kill()
        process.wait()
        if process in self.ours:
            self.ours.remove(process)
            self.start_ours()
        else:
            self.compats.remove(process)
            self.start_compat()
        self.counts['kills'] += 1

    def stop_one(self):
        process = self.rand.choice(self.ours + self.flufls + self.compats)
        if process in self.stopped:
            return
        process.send_signal(signal.SIGSTOP)
        self.stopped[process] = time.monotonic() + self.rand.uniform(0, LONGEST_STOP_S)
        self.counts['stops'] += 1

    def let_go(self, everybody=False):
        now = time.monotonic()
        for process, until in list(self.stopped.items()):
            if everybody or now >= until:
                process.send_signal(signal.SIGCONT)
                del self.stopped[process]

    def fill_disk(self):
        if not self.mounted:
            return
        ballast = self.disk / 'ballast'
        ballast.mkdir()
        try:
            for i in range(1000):
                (ballast / str(i)).write_bytes(bytes(16384))
        except OSError:
            pass
        self.counts['full disks'] += 1
        self.mend = lambda: shutil.rmtree(ballast)

    def make_read_only(self):
        self.place.chmod(0o555)
        self.counts['times read-only'] += 1
        self.mend = lambda: self.place.chmod(0o777)

    def mend_now(self):
        if self.mend is not None:
            self.mend()
            self.mend = None

    def step(self):
        self.let_go()
        if self.mend is not None and time.monotonic() >= self.mend_at:
            self.mend_now()
        event = self.rand.random()
        if event < 0.45:
            self.kill_one()
        elif event < 0.97:
            self.stop_one()
        elif self.mend is None:
            self.rand.choice((self.fill_disk, self.make_read_only))()
            self.mend_at = time.monotonic() + self.rand.uniform(0.1, 1)
        time.sleep(self.rand.uniform(0, 0.08))

    def check(self):
        if self.arena.overlaps:
            sys.exit('two were inside at once')
        if self.arena.early_losses:
            sys.exit('a lock was lost before its lease can have been over'
                     + ', and nobody had deleted it' * self.arena.deletes)
        if self.arena.untold:
            sys.exit('a holder looked after its lock was deleted, and got no error')
        if self.arena.n_holes > 5 + self.arena.deleted_locks * HOLES_PER_DELETION:
            sys.exit(f'{self.arena.n_holes} releases went on although their locks were deleted')
        silence = time.monotonic() - self.arena.last / 1e6
        if silence > WEDGED_S:
            sys.exit(f'nobody was inside for {silence:.0f} s: '
                     f'{sorted(path.name for path in self.place.iterdir())}')
        for process in self.everybody():
            if process.poll() is not None:
                sys.exit(f'{process.args} ended with {process.returncode}')

    def blow(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step()
            self.check()
        self.mend_now()
        self.let_go(everybody=True)

    def finish(self):
        self.arena.stop = 1
        for process in self.everybody():
            if process.wait(timeout=120) != 0:
                sys.exit(f'{process.args} ended with {process.returncode}')
        self.ours, self.flufls, self.compats, self.persons = [], [], [], []

    def calm_down(self):
        """The next processes collect the claims of those that were killed."""
        self.finish()
        self.arena.stop = 0
        for _ in range(N_LAST):
            self.start_ours('0')
        end = time.monotonic() + COLLECTED_S
        while any(map(self.is_of_storm, self.litter())) and time.monotonic() < end:
            time.sleep(0.1)
            self.check()
        self.finish()

    def litter(self):
        """flufl.lock leaves its claims where an error keeps it from the lock."""
        names = sorted(path.name for path in self.place.iterdir())
        return [name for name in names if not name.rpartition('|')[2].isdigit()]

    def is_of_storm(self, name):
        """Whether the claim is of a process that was killed, or could not remove it."""
        return '|' in name and name.rpartition('|')[0].rpartition('|')[2] in self.stormed

    def figures(self):
        counts = ', '.join(f'{count} {name}' for name, count in self.counts.items())
        return (f'{self.arena.sections} turns, {self.arena.flufl_sections} of them by '
                f'{len(self.versions)} versions of flufl.lock, {self.arena.compat_sections} by flufl_compat, '
                f'{counts}; {self.arena.overlaps} overlaps, {self.arena.losses} losses, '
                f'{self.arena.early_losses} of them early; longest silence '
                f'{self.arena.longest_silence / 1e6:.1f} s')

    def figures_of_deletions(self):
        return (f'deletions: {self.arena.deleted_locks} locks, {self.arena.deleted_claims} claims; '
                f'explained by them: {self.arena.explained_overlaps} overlaps, '
                f'{self.arena.explained_losses} losses; {self.arena.untold} not told, '
                f'{self.arena.n_holes} between the two calls of a release')

    def tear_down(self):
        for process in self.everybody():
            process.kill()
            process.wait()
        self.place.chmod(0o777)
        if self.mounted:
            subprocess.run(['umount', '--lazy', self.disk], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('worker')
    parser.add_argument('--person')
    parser.add_argument('--source', type=pathlib.Path)
    parser.add_argument('--minutes', type=float, default=1)
    parser.add_argument('--seed', type=int, default=random.randrange(2**31))
    args = parser.parse_args()
    print(f'seed {args.seed}', flush=True)
    with tempfile.TemporaryDirectory(prefix='flufl-storm-') as name:
        os.chmod(name, 0o755)
        storm = Storm(args.worker, args.person, args.source, random.Random(args.seed), pathlib.Path(name))
        try:
            storm.set_up()
            storm.blow(args.minutes * 60)
            storm.calm_down()
            left = storm.litter()
        finally:
            storm.tear_down()
        print(f'figures: {storm.figures()}; {len(left)} left behind')
        if args.person:
            print(f'figures: {storm.figures_of_deletions()}')
        if not storm.versions and not args.person:
            print('flufl.lock is not here, so it took no part')
        if not storm.has_compat and not args.person:
            print('flufl_compat cannot be imported here, so it took no part')
        if not storm.mounted:
            print('no file system of its own could be mounted, so the disk was never full')
        storm.check()
        if left:
            sys.exit(f'left behind: {left}')
        if not storm.arena.sections:
            sys.exit('nobody ever was inside')
        if storm.has_compat and not storm.arena.compat_sections:
            sys.exit('flufl_compat never was inside')
        if args.person and not storm.arena.explained_losses:
            sys.exit('nobody ever lost the lock by a deletion')


main()
