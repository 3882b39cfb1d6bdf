# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""flufl_compat: what its interface does. test-compat-objects.py has ends, copies, threads, signals
and subclasses, and test-compat-callers.py has programs that use it."""

import datetime
import errno
import logging
import math
import os
import subprocess
import threading
import time
import unittest
import unittest.mock

from compattest import SECOND, CompatTestCase
from locktest import BYSTANDER, HOUR, MS, PATIENCE_S

import flufl_compat
from flufl_compat import (SEP, AlreadyLockedError, Lock, LockError, LockState, NotLockedError,
                          TimeOutError)
from gi.repository import Flufl, GLib


class Interface(CompatTestCase):
    def test_names(self):
        self.assertEqual(set(flufl_compat.__all__),
                         {'SEP', 'AlreadyLockedError', 'Lock', 'LockError', 'LockState',
                          'NotLockedError', 'TimeOutError'})
        self.assertEqual(SEP, '|')
        self.assertEqual(flufl_compat.CLOCK_SLOP, 10 * SECOND)
        self.assertEqual(flufl_compat.DEFAULT_LOCK_LIFETIME, 15 * SECOND)
        self.assertRegex(flufl_compat.__version__, r'^\d+\.\d+\.\d+$')
        for error in AlreadyLockedError, NotLockedError, TimeOutError:
            self.assertEqual(error.__mro__[1:3], (LockError, Exception))
        self.assertEqual({state.name: state.value for state in LockState},
                         {'unlocked': 1, 'ours': 2, 'ours_expired': 3, 'stale': 4,
                          'theirs_expired': 5, 'unknown': 6})

    def test_constructor(self):
        lock = Lock(self.path, 30, '+', 5)
        self.assertEqual((lock.lockfile, lock.lifetime), (self.path, 30 * SECOND))
        with lock:
            self.assertEqual(lock.claimfile.count('+'), 3)
        named = Lock(lockfile=self.path, lifetime=MS * 1500, separator=SEP, default_timeout=MS)
        with self.mine, self.assertRaises(TimeOutError):
            named.lock()
        for arguments in (), (self.path, 1, '|', 1, 1):
            with self.assertRaises(TypeError):
                Lock(*arguments)

    def test_nothing_is_made_before_it_is_needed(self):
        lock = Lock('/nowhere/at/all', separator='a')
        self.assertNotIn('_made', lock.__dict__)
        self.assertFalse(lock.is_locked)
        repr(lock)
        self.assertNotIn('_made', lock.__dict__)

    def test_paths(self):
        for path in self.path.encode(), self.dir / 'a.lock':
            lock = Lock(path)
            with lock:
                self.assertEqual(lock.lockfile, path)
                self.assertEqual(lock.details[2], self.path)
                self.assertEqual(self.mine.state, LockState.unknown)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.dir)
        with Lock('a.lock') as lock:
            self.assertEqual(lock.details[2], 'a.lock')
            self.assertFalse(self.mine.is_locked)
            with self.assertRaises(TimeOutError):
                self.mine.lock(0)
            # It stays the same lock in another working directory.
            os.chdir('/')
            self.assertTrue(lock.is_locked)
            self.assertEqual(lock.expiration, self.mine.expiration)

    def test_slash_at_the_end(self):
        with self.mine, Lock(self.path + '-') as lock:
            slash = Lock(self.path + '-/')
            self.assertEqual(slash.expiration, lock.expiration)
            self.assertEqual(slash.details[1], os.getpid())

    def test_no_working_directory(self):
        self.addCleanup(os.chdir, os.getcwd())
        gone = self.dir / 'gone'
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()
        for path in self.path, self.path.encode():
            with Lock(path) as lock:
                self.assertEqual(lock.state, LockState.ours)
        with self.assertRaises(FileNotFoundError):
            Lock('a.lock').lock()

    def test_repr(self):
        pattern = r'^<Lock {} \[{}: 0:00:15\] pid={} at 0x[0-9a-f]+>$'
        self.assertRegex(repr(self.mine), pattern.format(self.path, 'unlocked', os.getpid()))
        with self.mine:
            self.assertRegex(repr(self.mine), pattern.format(self.path, 'locked', os.getpid()))

    def test_cycle(self):
        self.assertIsNone(self.mine.lock())
        self.assertTrue(self.mine.is_locked)
        self.assertFalse(self.second.is_locked)
        with self.assertRaises(AlreadyLockedError) as caught:
            self.mine.lock()
        self.assertEqual(str(caught.exception), 'We already had the lock')
        self.assertIsInstance(caught.exception.__cause__, Flufl.AlreadyHeldError)
        self.assertIsNone(self.mine.unlock())
        self.assertFalse(self.mine.is_locked)
        for call in self.mine.unlock, self.mine.refresh:
            with self.assertRaises(NotLockedError) as caught:
                call()
            self.assertIsInstance(caught.exception.__cause__, Flufl.NotHeldError)
        self.mine.unlock(unconditionally=True)
        self.mine.refresh(unconditionally=True)
        for call in self.mine.unlock, lambda flag: self.mine.refresh(1, flag):
            with self.assertRaises(TypeError):
                call(True)

    def test_with(self):
        with self.mine as lock:
            self.assertIs(lock, self.mine)
            self.assertTrue(lock.is_locked)
        with self.assertRaises(KeyError), self.mine:
            raise KeyError
        self.assertFalse(os.path.exists(self.path))
        with self.assertRaises(NotLockedError), self.mine:
            self.mine.unlock()

    def test_timeouts(self):
        with self.mine:
            for timeout in 0, -1, MS, 0.01, -HOUR:
                with self.assertRaises(TimeOutError) as caught:
                    self.second.lock(timeout)
                self.assertIsInstance(caught.exception.__cause__, Flufl.TimedOutError)
                self.assertEqual(str(caught.exception), caught.exception.__cause__.message)
            with self.assertRaises(TypeError):
                self.second.lock('1')
            # The default counts if none is given, in a statement `with`, too.
            for default in 0, MS:
                with self.assertRaises(TimeOutError), Lock(self.path, default_timeout=default):
                    pass
        with Lock(self.path, default_timeout=datetime.timedelta.max):
            pass

    def test_the_timeout_given_counts_instead_of_the_default(self):
        self.mine.lock()
        waiter = Lock(self.path, default_timeout=0)
        timer = threading.Timer(0.2, self.mine.unlock)
        timer.start()
        waiter.lock(timeout=PATIENCE_S)
        timer.join()
        waiter.unlock()

    def test_lifetime(self):
        self.assertEqual(self.mine.lifetime, 15 * SECOND)
        for given, lifetime in (42, 42 * SECOND), (1.5, MS * 1500), (HOUR, HOUR), (MS, MS):
            self.mine.lifetime = given
            self.assertEqual(self.mine.lifetime, lifetime)
        for given in 0, -1, HOUR * 24 * 365 * 69, datetime.timedelta.max:
            with self.assertRaisesRegex(ValueError, 'between 1 ms and 24820 days'):
                self.mine.lifetime = given
            with self.assertRaises(ValueError):
                Lock(self.path, given)
        for given in 1e20, -1e20, math.inf:  # which no timedelta can hold
            with self.assertRaises(OverflowError):
                self.mine.lifetime = given
        for given in '1', [1]:
            with self.assertRaises(TypeError):
                self.mine.lifetime = given

    def assertExpiresIn(self, lifetime):
        rest = self.mine.expiration - datetime.datetime.now()
        self.assertLessEqual(rest, lifetime)
        self.assertGreater(rest, lifetime - PATIENCE_S * SECOND)

    def test_expiration(self):
        for action in (lambda: self.mine.expiration), (lambda: os.stat(self.path)):
            with self.assertRaises(FileNotFoundError):
                action()
        self.assertEqual(self.mine._releasetime, -1)
        self.mine.lifetime = HOUR
        with self.mine:
            self.assertExpiresIn(HOUR)
            self.assertIsNone(self.mine.expiration.tzinfo)
            self.assertEqual(self.mine._releasetime, self.second.expiration)
            self.mine.refresh(2 * HOUR)
            self.assertEqual(self.mine.lifetime, 2 * HOUR)
            self.assertExpiresIn(2 * HOUR)
            self.mine.refresh(3 * 3600)
            self.assertExpiresIn(3 * HOUR)
            # To ask refreshes; to look does not.
            self.mine.lifetime = HOUR
            before = self.mine.expiration
            repr(self.mine), self.mine.details, self.mine.state, self.second.is_locked
            self.assertEqual(self.mine.expiration, before)
            self.assertTrue(self.mine.is_locked)
            self.assertExpiresIn(HOUR)

    def test_nobody_refreshes_it(self):
        """The lock of a process that works on expires, as in flufl.lock: there is no heartbeat."""
        self.mine.lifetime = MS * 100
        self.mine.lock()
        before = self.mine.expiration
        time.sleep(0.5)
        self.assertEqual(self.mine.expiration, before)
        self.assertEqual(self.mine.state, LockState.ours_expired)
        self.assertEqual(self.second.state, LockState.theirs_expired)
        self.mine.refresh(HOUR)
        self.assertEqual(self.mine.state, LockState.ours)

    def test_details(self):
        with self.assertRaisesRegex(NotLockedError, '^Details are unavailable$') as caught:
            self.mine.details
        self.assertIsInstance(caught.exception.__cause__, Flufl.NotHeldError)
        with self.mine:
            for lock in self.mine, self.second:
                self.assertEqual(lock.details, (self.mine.hostname, os.getpid(), self.path))
                self.assertIsInstance(lock.details, tuple)
        holder = self.start_holder()
        self.assertEqual(self.mine.details, (self.mine.hostname, holder.pid, self.path))
        holder.communicate('\n')
        self.assertEqual(holder.returncode, 0)

    def test_details_of_another_file(self):
        with open(self.path, 'w', encoding='utf-8') as file:
            file.write('a text')
        with self.assertRaisesRegex(NotLockedError, '^Details are unavailable$') as caught:
            self.mine.details
        self.assertIsInstance(caught.exception.__cause__, Flufl.NotALockError)
        self.assertEqual(self.mine.state, LockState.unknown)
        os.unlink(self.path)

    def test_another_separator(self):
        with Lock(self.path, separator='+'):
            with self.assertRaisesRegex(NotLockedError, '^Details are unavailable$'):
                self.mine.details
            self.assertEqual(self.mine.state, LockState.unknown)
            with self.assertRaises(TimeOutError):
                self.mine.lock(0)
        with self.assertRaisesRegex(ValueError, 'separator'):
            Lock(self.path, separator='x').lock()

    def test_claimfile(self):
        self.assertTrue(self.mine.claimfile.startswith(self.path + '|'))
        self.assertFalse(os.path.exists(self.mine.claimfile))
        with self.mine:
            self.assertTrue(os.path.samefile(self.mine.claimfile, self.path))
            with open(self.path, encoding='utf-8') as file:
                self.assertEqual(file.read(), self.mine.claimfile)
            self.assertEqual(self.mine.claimfile.split('|')[1:3],
                             [self.mine.hostname, str(os.getpid())])
        self.assertFalse(os.path.exists(self.mine.claimfile))

    def test_retry_errnos(self):
        self.assertEqual(self.mine.retry_errnos, [])
        errnos = [errno.ENXIO, errno.EIO]
        self.mine.retry_errnos = errnos
        errnos.clear()
        self.assertEqual(self.mine.retry_errnos, [errno.ENXIO, errno.EIO])
        self.mine.lock()
        self.assertEqual(list(self.mine._flufl_lock().retry_errnos), [errno.ENXIO, errno.EIO])
        del self.mine.retry_errnos
        self.assertEqual(self.mine.retry_errnos, [])
        self.assertFalse(self.mine._flufl_lock().retry_errnos)

    def test_errors_of_the_system(self):
        for call in Lock('/nowhere/a.lock').lock, lambda: Lock('/nowhere/a.lock').expiration:
            with self.assertRaises(FileNotFoundError) as caught:
                call()
            self.assertEqual(caught.exception.errno, errno.ENOENT)
            self.assertTrue(caught.exception.filename.startswith('/nowhere/a.lock'))
            self.assertNotIsInstance(caught.exception, GLib.Error)
        with self.assertRaises(FileNotFoundError) as caught:
            Lock('/nowhere/a.lock').lock(1)
        self.assertIn('does not exist', caught.exception.__cause__.message)

    def test_a_file_system_without_hard_links(self):
        error = flufl_compat._translate(Flufl.UnsupportedError('a sentence', 'flufl-lock-error-quark',
                                                               int(Flufl.LockError.UNSUPPORTED)))
        self.assertEqual((type(error), error.errno, error.strerror),
                         (OSError, errno.EOPNOTSUPP, 'a sentence'))

    def test_no_permission_to_refresh(self):
        """The object may still hold it, so the disk is asked."""
        self.mine.lock()
        with unittest.mock.patch.object(Flufl.Lock, 'refresh', side_effect=PermissionError), \
                self.assertLogs('flufl.lock', logging.ERROR):
            self.assertTrue(self.mine.is_locked)
            os.remove(self.path)
            self.assertFalse(self.mine.is_locked)

    def test_a_file_that_is_not_a_lock(self):
        with open(self.path, 'w', encoding='utf-8') as file:
            file.write('a text')
        with self.assertRaises(LockError) as caught:
            self.mine.lock()
        self.assertIs(type(caught.exception), LockError)
        self.assertIsInstance(caught.exception.__cause__, Flufl.NotALockError)
        for timeout in 0, MS * 100:
            with self.assertRaises(TimeOutError) as caught:
                self.mine.lock(timeout)
            self.assertIsInstance(caught.exception.__cause__, Flufl.NotALockError)
        # It may go away while there is time.
        timer = threading.Timer(0.2, os.unlink, [self.path])
        timer.start()
        self.mine.lock(PATIENCE_S)
        timer.join()
        self.assertTrue(self.mine.is_locked)

    def test_log(self):
        with self.assertLogs('flufl.lock', logging.DEBUG) as caught:
            with self.mine:
                with self.assertRaises(TimeOutError):
                    self.second.lock(0)
        levels = [record.levelname for record in caught.records]
        self.assertEqual(levels, ['DEBUG', 'DEBUG', 'DEBUG', 'ERROR', 'DEBUG'])
        self.assertIn(self.path, caught.output[0])


class States(CompatTestCase):
    def test_own(self):
        self.assertEqual(self.mine.state, LockState.unlocked)
        self.assertEqual(Lock('/nowhere/a.lock').state, LockState.unlocked)
        with self.mine:
            self.assertEqual(self.mine.state, LockState.ours)
            self.assertEqual(self.second.state, LockState.unknown)
            self.set_age(self.path, HOUR)
            self.assertEqual(self.mine.state, LockState.ours_expired)
            self.assertEqual(self.second.state, LockState.theirs_expired)
        self.assertEqual(self.mine.state, LockState.unlocked)

    def test_of_another_process(self):
        holder = self.start_holder()
        self.assertEqual(self.mine.state, LockState.unknown)
        self.set_age(self.path, HOUR)
        self.assertEqual(self.mine.state, LockState.theirs_expired)
        holder.kill()
        holder.wait()
        self.assertEqual(self.mine.state, LockState.stale)
        self.mine.lock(PATIENCE_S)

    def test_of_flufl(self):
        dead = subprocess.Popen(['true'])
        dead.wait()
        for host, pid, age, state in ((self.mine.hostname, dead.pid, -HOUR, LockState.stale),
                                      (GLib.get_host_name(), dead.pid, HOUR, LockState.stale),
                                      (self.mine.hostname, os.getppid(), -HOUR, LockState.unknown),
                                      (self.mine.hostname, 1, HOUR, LockState.theirs_expired),
                                      (BYSTANDER, dead.pid, -HOUR, LockState.unknown),
                                      (BYSTANDER, dead.pid, HOUR, LockState.unknown)):
            with self.subTest(host=host, pid=pid, age=age):
                claim = self.claim_by_hand(host, pid, age)
                self.assertEqual(self.mine.state, state)
                self.assertEqual(self.mine.details, (host, pid, self.path))
                self.remove_by_hand(claim)

    def test_of_this_library(self):
        """Its claims have proofs, and the ID of a process is none."""
        with self.lock:
            self.assertEqual(self.mine.state, LockState.unknown)
            self.assertEqual(self.mine.details[:2], (GLib.get_host_name(), os.getpid()))
        # One of another pid namespace on this host.
        dead = subprocess.Popen(['true'])
        dead.wait()
        claim = f'{self.path}|{self.mine.hostname}|{dead.pid}|T18ec5d7491909bd8R110ff0e9fe54N00000000'
        with open(claim, 'x', encoding='utf-8') as file:
            file.write(claim)
        self.set_age(claim, -HOUR)
        os.link(claim, self.path)
        self.assertEqual(self.mine.state, LockState.unknown)
        self.remove_by_hand(claim)


class Losses(CompatTestCase):
    def test_deleted(self):
        self.mine.lock()
        os.remove(self.path)
        self.assertEqual(self.mine.state, LockState.unlocked)
        self.assertFalse(self.mine.is_locked)
        for call in self.mine.unlock, self.mine.refresh:
            with self.assertRaises(NotLockedError) as caught:
                call()
            self.assertIsInstance(caught.exception.__cause__, Flufl.LostError)
        self.mine.unlock(unconditionally=True)
        self.mine.refresh(unconditionally=True)
        self.mine.lock(0)
        self.assertTrue(self.mine.is_locked)

    def test_lock_after_a_loss_that_nobody_saw(self):
        self.mine.lock()
        os.remove(self.path)
        self.mine.lock(0)
        self.assertTrue(self.mine.is_locked)
        self.mine.unlock()

    def test_with(self):
        with self.assertRaises(NotLockedError), self.mine:
            os.remove(self.path)

    def test_break(self):
        claim = self.claim_by_hand(age=-HOUR)
        with self.assertLogs('flufl.lock', logging.ERROR):
            self.mine._break()
        self.assertTrue(os.path.exists(self.path))
        self.remove_by_hand(claim)
        self.mine._break()


if __name__ == '__main__':
    unittest.main()
