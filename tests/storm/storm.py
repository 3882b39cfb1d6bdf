# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0

"""storm.py WORKER [--minutes N] [--seed N] [--deletions]: many processes on one lock, some of
them Python's flufl.lock, while they are killed, stopped and let go, their
clocks jump, the disk fills up, and the directory becomes read-only.

A word in shared memory, which the lock knows nothing of, tells whether two are
inside at once. In the end no lock is left, and no claim of ours.

With --deletions a person deletes the lock file, the holder's claim, or both, now
and then. A holder that was robbed so may meet the next one inside, once; and it
is told of its loss. Nobody else is: one deletion must not make others lose theirs.
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

from worker import Arena, open_arena

N_OURS, N_FLUFL = 60, 4
N_LAST = 4
# Where root started us, this user comes in: nothing is read-only for root.
NOBODY = 65534
# A stop ends long before the lifetime of eight seconds.
LONGEST_STOP_S = 1.5
# The worst that is promised: lifetime, slop and rest; and a busy machine.
WEDGED_S = 60
# Those who come last ask for one claim in 100 ms each, and for one after another
# of the dead; a busy machine takes longer.
COLLECTED_S = 60
HERE = pathlib.Path(__file__).resolve().parent


# A robbed holder and the next one may each see the other.
EXCUSED_EACH = 3


class Storm:
    def __init__(self, worker, rand, scratch, deletes):
        self.deletes = deletes
        self.worker, self.rand = worker, rand
        self.disk = scratch / 'disk'
        self.place = self.disk / 'place'
        self.lock = self.place / 'lock'
        self.arena_path = scratch / 'arena'
        # What flufl.lock does after a deletion is not ours to promise.
        self.has_flufl = not deletes and self.can_import_flufl()
        self.is_root = os.geteuid() == 0
        self.mounted = False
        self.ours, self.flufls = [], []
        self.stormed = set()  # ids of processes of ours that the storm went over
        self.stopped = {}  # process → when it goes on
        self.mend_at = None
        self.mend = None
        self.counts = dict.fromkeys(('kills', 'stops', 'full disks', 'times read-only'), 0)

    @staticmethod
    def can_import_flufl():
        return subprocess.run([sys.executable, '-c', 'import flufl.lock'], capture_output=True,
                              timeout=60).returncode == 0

    def set_up(self):
        self.disk.mkdir()
        if self.is_root and subprocess.run(
                ['mount', '-t', 'tmpfs', '-o', 'size=2m,nr_inodes=300,mode=755', 'storm', self.disk],
                capture_output=True).returncode == 0:
            self.mounted = True
        self.place.mkdir()
        self.place.chmod(0o777)
        self.arena_path.write_bytes(bytes(ctypes.sizeof(Arena)))
        self.arena_path.chmod(0o666)
        self.arena = open_arena(self.arena_path)
        self.arena.last = time.monotonic_ns() // 1000
        for _ in range(N_OURS):
            self.start_ours()
        if self.has_flufl:
            for _ in range(N_FLUFL):
                self.flufls.append(self.start([sys.executable, HERE / 'worker.py'], []))

    def start(self, command, arguments):
        user = dict(user=NOBODY, group=NOBODY, extra_groups=[]) if self.is_root else {}
        return subprocess.Popen([*command, self.arena_path, self.lock, *arguments],
                                stdin=subprocess.DEVNULL, **user)

    def start_ours(self, *more):
        process = self.start([self.worker], [str(self.rand.randrange(2**31)), *more])
        self.ours.append(process)
        if not more:
            self.stormed.add(str(process.pid))

    def kill_one(self):
        process = self.rand.choice(self.ours)
        self.stopped.pop(process, None)
        process.kill()
        process.wait()
        self.ours.remove(process)
        self.start_ours()
        self.counts['kills'] += 1

    def stop_one(self):
        process = self.rand.choice(self.ours + self.flufls)
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

    def delete(self):
        """As people do, who see a file that seems to be in the way."""
        which = self.rand.choice(('lock', 'claim', 'both'))
        try:
            claim = pathlib.Path(self.lock.read_text(encoding='utf-8'))
        except OSError:
            return
        if claim.parent != self.place:
            return
        self.arena.deletions += 1
        for path in [self.lock] * (which != 'claim') + [claim] * (which != 'lock'):
            path.unlink(missing_ok=True)

    def step(self):
        self.let_go()
        if self.deletes and self.rand.random() < 0.2:
            self.delete()
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
        if self.arena.excused > EXCUSED_EACH * self.arena.deletions:
            sys.exit(f'{self.arena.deletions} deletions cannot explain '
                     f'{self.arena.excused} overlaps and losses')
        if self.arena.early_losses:
            sys.exit('a lock was lost before its lease can have been over')
        silence = time.monotonic() - self.arena.last / 1e6
        if silence > WEDGED_S:
            sys.exit(f'nobody was inside for {silence:.0f} s: '
                     f'{sorted(path.name for path in self.place.iterdir())}')
        for process in self.ours + self.flufls:
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
        for process in self.ours + self.flufls:
            if process.wait(timeout=120) != 0:
                sys.exit(f'{process.args} ended with {process.returncode}')
        self.ours, self.flufls = [], []

    def calm_down(self):
        """What the killed have left is collected by those who come next."""
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
        """Of one that was killed, or that gave up while nothing could be removed."""
        return '|' in name and name.rpartition('|')[0].rpartition('|')[2] in self.stormed

    def figures(self):
        counts = ', '.join(f'{count} {name}' for name, count in self.counts.items())
        return (f'{self.arena.sections} turns, {self.arena.flufl_sections} of them by flufl.lock, '
                f'{counts}; {self.arena.overlaps} overlaps, {self.arena.losses} losses, '
                f'{self.arena.early_losses} of them early; longest silence '
                f'{self.arena.longest_silence / 1e6:.1f} s'
                + (f'; {self.arena.deletions} deletions, which explain {self.arena.excused} '
                   'overlaps and losses more' if self.deletes else ''))

    def tear_down(self):
        for process in self.ours + self.flufls:
            process.kill()
            process.wait()
        self.place.chmod(0o777)
        if self.mounted:
            subprocess.run(['umount', '--lazy', self.disk], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('worker')
    parser.add_argument('--minutes', type=float, default=1)
    parser.add_argument('--deletions', action='store_true')
    parser.add_argument('--seed', type=int, default=random.randrange(2**31))
    args = parser.parse_args()
    print(f'seed {args.seed}', flush=True)
    with tempfile.TemporaryDirectory(prefix='flufl-storm-') as name:
        os.chmod(name, 0o755)
        storm = Storm(args.worker, random.Random(args.seed), pathlib.Path(name), args.deletions)
        try:
            storm.set_up()
            storm.blow(args.minutes * 60)
            storm.calm_down()
            left = storm.litter()
        finally:
            storm.tear_down()
        print(f'figures: {storm.figures()}; {len(left)} left behind')
        if not storm.has_flufl and not args.deletions:
            print('flufl.lock is not here, so it took no part')
        if not storm.mounted:
            print('no file system of its own could be mounted, so the disk was never full')
        if left:
            sys.exit(f'left behind: {left}')
        if not storm.arena.sections:
            sys.exit('nobody ever was inside')


main()
