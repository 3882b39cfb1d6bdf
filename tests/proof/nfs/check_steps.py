# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The machine's clock is stepped, on local file systems, where it is the file server's,
too. A live lock is not broken. The lock of a stopped holder is broken when it may be,
neither before nor long after. At the end the clock is right again."""

import os
import pathlib
import signal
import time

from world import GRACE_S, SLOP_S, judge_live

HOUR_S = 3600
LIFETIMES_S = 2, 6
# Each step is followed by a pause, which is shorter or longer than a waiter watches. In seconds.
STEPS = (HOUR_S, 3), (HOUR_S, 9), (HOUR_S, 9), (-3 * HOUR_S, 9), (HOUR_S, 9)
# On a local file system a release wakes the waiter.
RELEASE_SEEN_S = 1.2
# Seconds: the longest pause between two looks, and the time that a busy machine takes.
RECOVERY_LATE_S = 4
EARLY_S = 0.1
LOST_SOON_S = 2
GAP_S = 1


class Clock:
    """The wall clock, which is stepped, and set right at the end."""

    def __init__(self):
        self._off = time.time() - time.monotonic()

    def step(self, seconds):
        time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)

    def restore(self):
        time.clock_settime(time.CLOCK_REALTIME, time.monotonic() + self._off)


class Case:
    """A holder and a waiter, two processes of this machine, in a directory of their own."""

    def __init__(self, world, where, root, lifetime_s, what):
        self.world, self.lifetime_s = world, lifetime_s
        self.name = f'{where}, lifetime {lifetime_s} s'
        self.place = pathlib.Path(root, f'{what}-{lifetime_s}')
        self.place.mkdir()
        self.lock = self.place / 'lock'
        self.holder, self.waiter = (world.peer(None, str(self.lock), lifetime_s) for _ in range(2))

    def begin(self):
        self.holder.ask('acquire')
        self.waiter.tell('acquire')

    def left(self):
        return sorted(os.listdir(self.place))

    def judge_steps(self):
        if not judge_live(self.world, f'a live lock is not broken after steps of the clock, {self.name}',
                          self.holder, self.waiter):
            return
        asked = time.monotonic()
        word, _, released = self.holder.ask('release')
        got, _, heard = self.waiter.answer()
        # The waiter may answer before the holder does, since the lock is free amid the release.
        self.world.check_time(f'and is handed over, {self.name}', word == 'done' and got == 'held',
                              released, heard, RELEASE_SEEN_S, earliest=asked)
        word = self.waiter.ask('release')[0]
        self.world.check(f'and nothing is left, {self.name}', word == 'done' and not self.left(),
                         f'release: {word}, left: {self.left()}')

    def stop(self):
        self.holder.process.send_signal(signal.SIGSTOP)
        self.stopped = time.monotonic()
        self.expires_in_s = self.lock.stat().st_mtime - time.time()

    def judge_stopped(self, what, earliest_s, latest_s):
        """Check that the waiter gets in from `earliest_s` to `latest_s` seconds after the stop."""
        name = f"a stopped holder's lock is broken, {what}, {self.name}"
        got, _, heard = self.waiter.answer()
        self.holder.process.send_signal(signal.SIGCONT)
        woken = time.monotonic()
        took, still = heard - self.stopped, self.world.stalls.between(self.stopped, heard)
        # A waiter that stood still for long begins its watch anew.
        more_s = 2 * still + (GRACE_S + self.lifetime_s / 3 if still > GAP_S else 0)
        self.world.check(name, got == 'held' and earliest_s - EARLY_S <= took <= latest_s + more_s,
                         f'after {took:.1f} s, allowed are {earliest_s:.1f} to {latest_s:.1f}'
                         + (f', and the machine stood still for {still:.2f}' if still else ''))
        while self.holder.lost_at is None and time.monotonic() < woken + LOST_SOON_S + self.lifetime_s:
            time.sleep(0.02)
        # The holder has learned of its loss, or should have. Its release must not find the lock.
        released = self.holder.ask('release')[0]
        theirs = [self.waiter.ask(what)[0] for what in ('check', 'release')]
        self.world.check(f'and its holder is told, {what}, {self.name}',
                         self.holder.lost_at is not None and released == 'lost'
                         and theirs == ['yes', 'done'] and not self.left(),
                         f'release: {released}, the other: {theirs}, left: {self.left()}')


def run(world):
    # A disk that only this check uses, and memory.
    roots = {'ext4': '/export/steps', 'tmpfs': '/dev/shm/steps'}
    for root in roots.values():
        os.mkdir(root)

    def cases(what):
        made = [Case(world, *root, lifetime, what) for root in roots.items() for lifetime in LIFETIMES_S]
        for case in made:
            case.begin()
        # The waiters must watch the lock before the clock is stepped. Nothing on disk shows that
        # they do, so no condition can replace this sleep.
        time.sleep(3)
        return made

    clock = Clock()
    try:
        held = cases('held')
        for seconds, pause_s in STEPS:
            clock.step(seconds)
            time.sleep(pause_s)
        for case in held:
            case.judge_steps()
        world.end_peers()

        late = cases('late')
        for case in late:
            case.stop()
        for case in sorted(late, key=lambda case: case.lifetime_s):
            case.judge_stopped('once it has expired', case.expires_in_s + SLOP_S,
                               case.expires_in_s + SLOP_S + GRACE_S + case.lifetime_s / 3
                               + RECOVERY_LATE_S)
        world.end_peers()

        # The locks expire by the step, at once. The last refresh was a third of the lifetime ago
        # at most.
        late = cases('stepped')
        for case in late:
            case.stop()
        clock.step(HOUR_S)
        for case in sorted(late, key=lambda case: case.lifetime_s):
            case.judge_stopped('when the clock is stepped', GRACE_S,
                               GRACE_S + case.lifetime_s / 3 + RECOVERY_LATE_S)
    finally:
        clock.restore()
