# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Do we and Python's own flufl.lock 8.2 understand each other's locks?"""

import datetime
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time
import unittest

SKIP = 77

try:
    import flufl.lock
    import gi
    gi.require_version('Flufl', '1')
except (ImportError, ValueError) as error:
    print(f'This needs flufl.lock and PyGObject: {error}')
    sys.exit(SKIP)

from gi.repository import Flufl, Gio, GLib

PEER = pathlib.Path(__file__).resolve().with_name('peer.py')
# Seconds after which a peer that makes no progress has failed.
PATIENCE_S = 120
HOUR_S = 3600
# Seconds after its expiration for which a lock still counts.
SLOP_S = 10
# Seconds after a change for which this library does not break a lock.
REST_S = 5


class Peer:
    """A process with a lock, see peer.py."""

    def __init__(self, kind, path, separator):
        self.process = subprocess.Popen([sys.executable, PEER, kind, path, separator],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        assert self.answer() == 'ready'

    def ask(self, command):
        self.process.stdin.write(f'{command}\n'.encode())
        self.process.stdin.flush()

    def has_answered(self, patience_s=0):
        return bool(select.select([self.process.stdout], [], [], patience_s)[0])

    def answer(self):
        if not self.has_answered(PATIENCE_S):
            raise AssertionError(f'no answer after {PATIENCE_S} s')
        return self.process.stdout.readline().decode().strip()

    def do(self, command):
        self.ask(command)
        return self.answer()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class InteropTest(unittest.TestCase):
    separator = '|'
    lock_name = 'the lock'

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-interop-')
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.path = self.dir / self.lock_name

    def tearDown(self):
        self.assertEqual(os.listdir(self.dir), [])

    def peer(self, kind):
        peer = Peer(kind, self.path, self.separator)
        self.addCleanup(peer.kill)
        return peer

    def our_lock(self, **properties):
        return Flufl.Lock(self.path, separator=self.separator, **properties)

    def flufl_lock(self):
        lock = flufl.lock.Lock(str(self.path), separator=self.separator)
        # flufl.lock does not judge the processes of another host. It looks up a fully
        # qualified name for its own host, which this library does not.
        lock._hostname = GLib.get_host_name()
        return lock

    def claims(self):
        return {path for path in self.dir.iterdir() if path != self.path}

    def claim(self):
        claim, = self.claims()
        return claim

    def snapshot(self):
        """All facts about the files that a process can see without changing them."""
        return {
            path.name: (stat.st_ino, stat.st_nlink, stat.st_mtime_ns, stat.st_ctime_ns,
                        stat.st_size)
            for path in self.dir.iterdir() for stat in [path.stat()]}

    def expire(self, seconds_ago=HOUR_S):
        """Make the lock's lease end in the past."""
        then = time.time() - seconds_ago
        os.utime(self.path, (then, then))

    def wait_until(self, condition, what):
        give_up = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), give_up, f'not so after {PATIENCE_S} s: {what}')
            time.sleep(0.01)


class Both:
    """Tests that are the same for both libraries: `holder` has the lock, `other` wants it."""

    holder_kind = None
    other_kind = None
    # The answer to the release of a holder whose lock was broken.
    broken = None

    def setUp(self):
        super().setUp()
        self.holder = self.peer(self.holder_kind)
        self.other = self.peer(self.other_kind)

    def test_waits(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        held = self.path.stat().st_ino
        self.other.ask('acquire')
        self.wait_until(lambda: len(self.claims()) == 2, 'the other lays a claim')
        self.assertFalse(self.other.has_answered(0.3))
        self.assertEqual(self.path.stat().st_ino, held)

        self.assertEqual(self.holder.do('release'), 'done')
        self.assertEqual(self.other.answer(), 'done')
        self.assertNotEqual(self.path.stat().st_ino, held)
        self.assertEqual(self.other.do('held'), 'yes')
        self.assertEqual(self.holder.do('held'), 'no')
        self.assertEqual(self.holder.do('try'), 'timed-out')
        self.assertEqual(self.other.do('release'), 'done')

    def test_takes_turns(self):
        for one, two in [(self.holder, self.other), (self.other, self.holder)] * 3:
            self.assertEqual(one.do('acquire'), 'done')
            self.assertEqual(two.do('try'), 'timed-out')
            self.assertEqual(one.do('release'), 'done')

    def test_refuses_what_lives(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        before = self.snapshot()
        self.assertEqual(self.other.do('try'), 'timed-out')
        self.assertEqual(self.other.do('release'), 'not-held')
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.holder.do('release'), 'done')

    def test_refuses_what_has_just_expired(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.expire(seconds_ago=1)
        before = self.snapshot()
        self.assertEqual(self.other.do('try'), 'timed-out')
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.holder.do('refresh'), 'done')
        self.assertEqual(self.holder.do('held'), 'yes')
        self.assertEqual(self.holder.do('release'), 'done')

    def test_refuses_what_was_refreshed(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.expire()
        self.assertEqual(self.holder.do('refresh'), 'done')
        self.assertGreater(self.path.stat().st_mtime, time.time() + 500)
        self.assertEqual(self.other.do('try'), 'timed-out')
        self.assertEqual(self.holder.do('release'), 'done')

    def test_breaks_what_has_expired(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        claim = self.claim()
        self.expire()
        self.assertEqual(self.other.do('acquire'), 'done')
        self.assertFalse(claim.exists())
        self.assertEqual(self.holder.do('held'), 'no')
        self.assertEqual(self.holder.do('release'), self.broken)
        self.assertEqual(self.other.do('held'), 'yes')
        self.assertEqual(self.other.do('release'), 'done')

    def test_breaks_what_is_left_of_the_dead(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        claim = self.claim()
        self.holder.kill()
        self.assertEqual(self.other.do('try'), 'timed-out')
        self.expire()
        self.assertEqual(self.other.do('acquire'), 'done')
        self.assertFalse(claim.exists())
        self.assertEqual(self.other.do('release'), 'done')


class FluflWantsOurs(Both, InteropTest):
    holder_kind, other_kind = 'ours', 'flufl'
    broken = 'lost'

    def test_breaks_an_orphan(self):
        """The holder died between the two steps of a release."""
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.holder.kill()
        self.claim().unlink()
        self.expire()
        self.assertEqual(self.other.do('acquire'), 'done')
        self.assertEqual(self.other.do('release'), 'done')


class FluflWantsNamed(FluflWantsOurs):
    """The claim names its program."""

    holder_kind = 'named'

    def test_reads(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.assertEqual(self.our_lock().query_details().program_name, 'org.example.Éditeur|x/y')
        self.assertEqual(self.flufl_lock().details,
                         (GLib.get_host_name(), self.holder.pid, str(self.path)))
        self.assertEqual(self.holder.do('release'), 'done')

    def test_second_line(self):
        """A second line in the content, where the program could be named too, leaves the claim."""
        self.assertEqual(self.holder.do('acquire'), 'done')
        claim = self.claim()
        self.holder.kill()
        with claim.open('a', encoding='utf-8') as file:
            file.write('\norg.example.Editor\n')
        self.expire()
        self.assertEqual(self.other.do('acquire'), 'done')
        self.assertTrue(claim.exists())
        claim.unlink()
        self.assertEqual(self.other.do('release'), 'done')


class WeWantFlufls(Both, InteropTest):
    holder_kind, other_kind = 'flufl', 'ours'
    broken = 'not-held'

    def test_grants_the_same_slop(self):
        """Even a lock that has rested is not broken before the slop is over."""
        for _ in range(3):
            self.assertEqual(self.holder.do('acquire'), 'done')
            self.expire(seconds_ago=-1)
            lock = self.path.stat()
            self.wait_until(lambda: time.time() > lock.st_ctime + REST_S + 1, 'it has rested')
            answer = self.other.do('try')
            in_time = time.time() < lock.st_mtime + SLOP_S
            if answer == 'done':
                self.assertEqual(self.other.do('release'), 'done')
            self.assertIn(self.holder.do('release'), ['done', 'not-held'])
            if in_time:
                self.assertEqual(answer, 'timed-out')
                return
        self.skipTest('the machine is too busy')


class FluflWantsCompat(Both, InteropTest):
    holder_kind, other_kind = 'compat', 'flufl'
    broken = 'not-held'


class CompatWantsFlufls(Both, InteropTest):
    holder_kind, other_kind = 'flufl', 'compat'
    broken = 'not-held'


class CompatWantsOurs(Both, InteropTest):
    holder_kind, other_kind = 'ours', 'compat'
    broken = 'lost'

    def test_breaks_what_has_expired(self):
        """Its heartbeat refreshes the lock, and so nobody breaks it."""
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.expire()
        self.wait_until(lambda: self.path.stat().st_mtime > time.time(), 'the heartbeat')
        self.assertEqual(self.other.do('try'), 'timed-out')
        self.assertEqual(self.holder.do('release'), 'done')

    def test_breaks_what_is_left_of_the_dead(self):
        """Its death is proved, so that nobody waits for the expiration."""
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.holder.kill()
        self.assertEqual(self.other.do('acquire'), 'done')
        self.assertEqual(self.other.do('release'), 'done')


class FluflWantsOursWithAnotherSeparator(Both, InteropTest):
    holder_kind, other_kind = 'ours', 'flufl'
    broken = 'lost'
    separator = '^'
    lock_name = 'the|lock'


class WeWantFluflsWithAnotherSeparator(Both, InteropTest):
    holder_kind, other_kind = 'flufl', 'ours'
    broken = 'not-held'
    separator = '+'
    lock_name = 'the|lock'


class FluflReadsOurs(InteropTest):
    def setUp(self):
        super().setUp()
        self.holder = self.peer('ours')
        self.lock = self.flufl_lock()

    def test_unlocked(self):
        self.assertEqual(self.lock.state, flufl.lock.LockState.unlocked)
        with self.assertRaises(flufl.lock.NotLockedError):
            self.lock.details
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.assertEqual(self.holder.do('release'), 'done')
        self.assertEqual(self.lock.state, flufl.lock.LockState.unlocked)

    def test_details(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.assertEqual(self.lock.details,
                         (GLib.get_host_name(), self.holder.pid, str(self.path)))
        self.assertEqual(self.holder.do('release'), 'done')

    def test_expiration(self):
        for command in 'acquire', 'refresh':
            self.assertEqual(self.holder.do(command), 'done')
            ours = self.our_lock().query_details()
            # flufl.lock rounds to microseconds, we cut.
            self.assertLess(abs(self.lock.expiration.timestamp() - ours.expiration.timestamp()),
                            2e-6)
        self.assertEqual(self.holder.do('release'), 'done')

    def test_state(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        before = self.snapshot()
        self.assertEqual(self.lock.state, flufl.lock.LockState.unknown)
        self.assertEqual(self.snapshot(), before)
        self.expire()
        self.assertEqual(self.lock.state, flufl.lock.LockState.theirs_expired)
        self.assertEqual(self.holder.do('refresh'), 'done')
        self.assertEqual(self.lock.state, flufl.lock.LockState.unknown)
        self.holder.kill()
        self.assertEqual(self.lock.state, flufl.lock.LockState.stale)
        self.our_lock().break_lock(Flufl.BreakFlags.FORCE)
        self.assertEqual(self.lock.state, flufl.lock.LockState.unlocked)

    def test_state_in_one_process(self):
        ours = self.our_lock()
        with ours:
            self.assertEqual(self.lock.state, flufl.lock.LockState.ours)
            self.expire()
            self.assertEqual(self.lock.state, flufl.lock.LockState.ours_expired)

    def test_is_locked(self):
        """To flufl.lock an object of this library is another holder, even in one process."""
        with self.our_lock():
            self.assertFalse(self.lock.is_locked)
            with self.assertRaises(flufl.lock.NotLockedError):
                self.lock.unlock()
            with self.assertRaises(flufl.lock.TimeOutError):
                self.lock.lock(timeout=0)

    def test_unlock_unconditionally(self):
        """An unconditional unlock does not break the lock of another holder."""
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.lock.unlock(unconditionally=True)
        self.assertEqual(self.holder.do('held'), 'yes')
        self.assertEqual(self.holder.do('release'), 'done')


class FluflReadsCompat(InteropTest):
    """Its claims have the fully qualified name of the host, so flufl.lock judges its process."""

    def setUp(self):
        super().setUp()
        self.holder = self.peer('compat')
        self.lock = flufl.lock.Lock(str(self.path))

    def test_details_and_state(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.assertEqual(self.lock.details, (self.lock.hostname, self.holder.pid, str(self.path)))
        self.assertEqual(self.lock.state, flufl.lock.LockState.unknown)
        self.expire()
        self.assertEqual(self.lock.state, flufl.lock.LockState.theirs_expired)
        self.holder.kill()
        self.assertEqual(self.lock.state, flufl.lock.LockState.stale)
        self.our_lock().break_lock()


class FluflReadsOursWithAnotherSeparator(FluflReadsOurs):
    separator = '^'
    lock_name = 'the|lock'


class FluflReadsOursOfALongName(InteropTest):
    """The name is too long for a claim that contains all of it. flufl.lock cannot make a
    claim on such a lock, but it can read this library's."""

    lock_name = 'ö' * 120

    def test_details(self):
        holder, lock = self.peer('ours'), self.flufl_lock()
        self.assertEqual(holder.do('acquire'), 'done')
        host_name, pid, _ = lock.details
        self.assertTrue(GLib.get_host_name().startswith(host_name))
        self.assertEqual(pid, holder.pid)
        # flufl.lock finds the claim by its name in the lock file.
        self.assertEqual(lock._read(), str(self.claim()))
        self.assertLess(lock.expiration - datetime.datetime.now(), datetime.timedelta(hours=1))
        self.assertEqual(holder.do('release'), 'done')


class WeReadFlufls(InteropTest):
    def setUp(self):
        super().setUp()
        self.holder = self.peer('flufl')
        self.lock = self.our_lock()

    def test_details(self):
        with self.assertRaises(Flufl.NotHeldError):
            self.lock.query_details()

        self.assertEqual(self.holder.do('acquire'), 'done')
        before = self.snapshot()
        details = self.lock.query_details()
        # flufl.lock itself is asked for the name of its host.
        self.assertEqual((details.host_name, details.pid, details.lock_file.get_path()),
                         self.flufl_lock().details)
        self.assertEqual(details.host_name, flufl.lock.Lock('/nowhere').hostname)
        self.assertEqual(details.pid, self.holder.pid)
        self.assertEqual(details.lock_file.get_path(), str(self.path))
        self.assertEqual(details.claim_file.get_path(), str(self.claim()))
        self.assertEqual(details.state, Flufl.LockState.UNKNOWN)
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.holder.do('release'), 'done')

        with self.assertRaises(Flufl.NotHeldError):
            self.lock.query_details()

    def test_expiration(self):
        for command in 'acquire', 'refresh':
            self.assertEqual(self.holder.do(command), 'done')
            # flufl.lock writes whole seconds.
            self.assertEqual(self.lock.query_details().expiration.astimezone(),
                             self.flufl_lock().expiration.astimezone())
        self.assertEqual(self.holder.do('release'), 'done')

    def test_state(self):
        def state():
            found = self.lock.query_state()
            self.assertEqual(self.lock.query_details().state, found)
            return found

        self.assertEqual(self.lock.query_state(), Flufl.LockState.UNLOCKED)
        self.assertEqual(self.holder.do('acquire'), 'done')
        before = self.snapshot()
        self.assertEqual(state(), Flufl.LockState.UNKNOWN)
        self.assertRaises(Flufl.NotHeldError, self.lock.check)
        self.assertEqual(self.snapshot(), before)
        self.expire()
        self.assertEqual(state(), Flufl.LockState.THEIRS_EXPIRED)
        self.assertEqual(self.holder.do('refresh'), 'done')
        self.assertEqual(state(), Flufl.LockState.UNKNOWN)
        # The claim of flufl.lock has no evidence that its holder is dead.
        self.holder.kill()
        self.assertEqual(state(), Flufl.LockState.UNKNOWN)
        self.lock.break_lock(Flufl.BreakFlags.FORCE)
        self.assertEqual(self.lock.query_state(), Flufl.LockState.UNLOCKED)

    def test_timeout_names_the_holder(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        with self.assertRaises(Flufl.TimedOutError) as caught:
            self.lock.acquire(100)
        self.assertIn(str(self.holder.pid), caught.exception.message)
        self.assertIn(flufl.lock.Lock('/nowhere').hostname, caught.exception.message)
        self.assertEqual(self.holder.do('release'), 'done')

    def break_lock(self, flags=Flufl.BreakFlags.NONE):
        """Try to break the lock, and return whether that succeeded."""
        try:
            return self.lock.break_lock(flags)
        except GLib.Error as error:
            self.assertTrue(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.BUSY), error)
            return False

    def test_break_lock(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        before = self.snapshot()
        self.assertFalse(self.break_lock())
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.holder.do('held'), 'yes')

        self.expire()
        self.wait_until(self.break_lock, 'the lock is broken')
        self.assertEqual(os.listdir(self.dir), [])
        self.assertEqual(self.holder.do('held'), 'no')
        self.assertEqual(self.holder.do('release'), 'not-held')

    def test_break_lock_by_force(self):
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.assertTrue(self.break_lock(Flufl.BreakFlags.FORCE))
        self.assertEqual(os.listdir(self.dir), [])
        self.assertEqual(self.holder.do('release'), 'not-held')

    def test_claim_that_was_left(self):
        """A breaker with flufl.lock that dies half-way leaves a claim without a lock file.
        That claim is in nobody's way."""
        self.assertEqual(self.holder.do('acquire'), 'done')
        self.holder.kill()
        self.path.unlink()
        stray = self.claim()
        self.assertEqual(self.lock.query_state(), Flufl.LockState.UNLOCKED)
        with self.lock:
            self.assertTrue(self.lock.check())
        stray.unlink()


class WeReadFluflsWithAnotherSeparator(WeReadFlufls):
    separator = '^'
    lock_name = 'the|lock'


if __name__ == '__main__':
    unittest.main()
