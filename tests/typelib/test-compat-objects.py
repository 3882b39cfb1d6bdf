# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""flufl_compat: the ends and copies of its objects, threads, handlers of signals, and subclasses."""

import copy
import errno
import gc
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import unittest
import warnings
from datetime import datetime

from compattest import SECOND, CompatTestCase
from locktest import HOUR, MS, PATIENCE_S

from flufl_compat import (AlreadyLockedError, Lock, LockError, LockState, NotLockedError,
                          TimeOutError)


class Slotted(Lock):
    __slots__ = 'note',


class Stateful(Lock):
    def __getstate__(self):
        return self.__dict__.copy()


class Reduced(Lock):
    note = 'kept'

    def __reduce__(self):
        return type(self), (self.lockfile,)


class Objects(CompatTestCase):
    def test_end_releases(self):
        self.mine.lock()
        with warnings.catch_warnings(record=True) as caught, \
                self.assertLogs('flufl.lock', logging.WARNING):
            warnings.simplefilter('always')
            self.mine = Lock(self.path)
            gc.collect()
        self.assertIn(ResourceWarning, [warning.category for warning in caught])
        self.assertEqual(os.listdir(self.dir), [])

    def test_end_of_an_unlocked_one_is_silent(self):
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            with self.assertNoLogs('flufl.lock', logging.WARNING):
                for lock in Lock(self.path), Lock(self.path):
                    with lock:
                        pass
                del lock
                gc.collect()

    def test_end_of_the_process_releases(self):
        program = 'import sys; from flufl_compat import Lock; lock = Lock(sys.argv[1]); lock.lock()'
        for options in (), ('-X', 'dev'):
            end = subprocess.run([sys.executable, '-B', *options, '-c', program, self.path],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.assertEqual(end.returncode, 0)
            self.assertNotIn('Exception ignored', end.stderr)
            self.assertEqual(os.listdir(self.dir), [])

    def test_copies(self):
        self.mine.lifetime = HOUR
        self.mine.retry_errnos = [errno.EIO]
        self.mine.lock()
        for make in (lambda lock: pickle.loads(pickle.dumps(lock))), copy.copy, copy.deepcopy:
            twin = make(self.mine)
            self.assertEqual((twin.lockfile, twin.lifetime, twin.retry_errnos, twin.hostname),
                             (self.path, HOUR, [errno.EIO], self.mine.hostname))
            self.assertNotEqual(twin.claimfile, self.mine.claimfile)
            # The copy does not hold it, and cannot release it.
            self.assertFalse(twin.is_locked)
            with self.assertRaises(NotLockedError):
                twin.unlock()
            with self.assertRaises(TimeOutError):
                twin.lock(0)
        self.mine.unlock()
        with twin:
            self.assertTrue(twin.is_locked)

    def test_pickled_subclasses(self):
        """They may have slots, a state of their own, or a way of their own to be made."""
        for name in 'Slotted', 'Stateful', 'Reduced':
            lock = globals()[name](self.path)
            lock.note = 'kept'
            with lock:
                for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
                    twin = pickle.loads(pickle.dumps(lock, protocol))
                    self.assertFalse(twin.is_locked)
                    self.assertEqual(twin.note, 'kept')
                twin = copy.copy(lock)
                self.assertFalse(twin.is_locked)
                self.assertTrue(lock.is_locked)

    def test_errors_are_pickled(self):
        for call in self.mine.unlock, Lock('/nowhere/a.lock').lock:
            with self.assertRaises(Exception) as caught:
                call()
            twin = pickle.loads(pickle.dumps(caught.exception))
            self.assertEqual((type(twin), str(twin)),
                             (type(caught.exception), str(caught.exception)))

    def test_fork(self):
        """A child does not hold the lock of its parent, and cannot release it."""
        self.mine.lock()
        pid = os.fork()
        if pid == 0:
            os._exit(0 if self.child_is_out() else 1)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertTrue(self.mine.is_locked)

    def test_fork_of_an_object_that_was_used(self):
        with self.mine:
            pass
        pid = os.fork()
        if pid == 0:
            with self.mine:
                os._exit(0 if self.mine.details[1] == os.getpid() else 1)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.mine.lock(PATIENCE_S)

    def child_is_out(self):
        try:
            self.mine.unlock()
        except NotLockedError:
            return not self.mine.is_locked and self.mine.state is LockState.unknown
        return False


class Threads(CompatTestCase):
    def test_two_objects(self):
        self.mine.lock()
        thread = threading.Thread(target=self.second.lock)
        thread.start()
        thread.join(0.2)
        self.assertTrue(thread.is_alive())
        self.mine.unlock()
        thread.join()
        # What one thread has locked another may unlock.
        self.second.unlock()

    def test_one_object(self):
        """A second thread that locks with the same object waits for the first one, and then learns
        that the object has the lock."""
        self.lock.acquire()
        answers = []

        def run():
            try:
                self.mine.lock(PATIENCE_S)
                answers.append('locked')
            except AlreadyLockedError:
                answers.append('already')

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        # While they wait, it is not locked.
        self.assertFalse(self.mine.is_locked)
        with self.assertRaises(NotLockedError):
            self.mine.unlock()
        with self.assertRaises(TimeOutError):
            self.mine.lock(MS * 100)
        self.lock.release()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answers), ['already', 'locked'])

    def test_python_runs_meanwhile(self):
        self.lock.acquire()
        thread = threading.Thread(target=self.mine.lock)
        thread.start()
        for _ in range(100):
            time.sleep(0.001)
        self.assertTrue(thread.is_alive())
        self.lock.release()
        thread.join()


class Signals(CompatTestCase):
    def setUp(self):
        super().setUp()
        self.then = None
        self.addCleanup(signal.signal, signal.SIGALRM,
                        signal.signal(signal.SIGALRM, self.handle))

    def handle(self, signum, frame):
        """Once the waiter has its claim beside the holder's, it waits."""
        claims = [name for name in os.listdir(self.dir) if name.startswith('a.lock|')]
        if len(claims) == 2:
            self.then()
        else:
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    def alarm_in_a_wait(self, then):
        self.then = then
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        self.mine.lock(PATIENCE_S)

    def test_another_object(self):
        """The handler refreshes one lock while the program waits for another."""
        first = Lock(str(self.dir / 'first.lock'), lifetime=HOUR)
        first.lock()
        self.lock.acquire()
        before = first.expiration

        def refresh():
            first.refresh(2 * HOUR)
            self.lock.release()
        self.alarm_in_a_wait(refresh)
        self.assertGreater(first.expiration, before)
        first.unlock()

    def test_same_object(self):
        """The handler can neither lock nor unlock it, and the wait goes on."""
        errors = []
        self.lock.acquire()

        def use():
            for call in self.mine.lock, self.mine.unlock, self.mine.refresh:
                try:
                    call()
                except LockError as error:
                    errors.append(error)
            self.lock.release()
        self.alarm_in_a_wait(use)
        self.assertEqual([type(error) for error in errors], [LockError, LockError, NotLockedError])
        self.assertIn('use a second object', str(errors[0]))
        self.assertTrue(self.mine.is_locked)

    def test_exception(self):
        self.lock.acquire()

        def stop():
            raise KeyError
        with self.assertRaises(KeyError):
            self.alarm_in_a_wait(stop)
        self.assertFalse(self.mine.is_locked)
        self.lock.release()
        self.mine.lock(PATIENCE_S)


class Hooks(CompatTestCase):
    def test_hostname(self):
        class Named(Lock):
            def __init__(self, path):
                super().__init__(path)
                self._hostname = 'a-name'

        with Named(self.path) as lock:
            self.assertEqual(lock.details[0], 'a-name')
            self.assertEqual(lock.hostname, 'a-name')
            self.assertEqual(lock.claimfile.split('|')[1], 'a-name')

    def test_attributes_may_change_between_two_uses(self):
        with self.mine:
            pass
        self.mine._hostname = 'another-name'
        self.mine._lifetime = HOUR
        with self.mine:
            self.assertEqual(self.mine.details[0], 'another-name')
            self.assertGreater(self.mine.expiration, datetime.now() + HOUR / 2)

    def test_without_init(self):
        class Bare(Lock):
            def __init__(self, path):
                self._lockfile = path
                self._hostname = 'a-name'
                self._set_claimfile()

        with Bare(self.path) as lock:
            self.assertEqual(lock.state, LockState.ours)
            self.assertEqual(lock.lifetime, 15 * SECOND)

    def test_set_claimfile(self):
        """It is called, and has no effect on the claim."""
        calls = []

        class Elsewhere(Lock):
            def _set_claimfile(self):
                super()._set_claimfile()
                calls.append(self._claimfile)
                self._claimfile = '/nowhere/claim'

        lock = Elsewhere(self.path)
        self.assertEqual(len(calls), 1)
        self.assertEqual(lock.claimfile, '/nowhere/claim')
        with lock:
            self.assertEqual(os.path.dirname(lock.claimfile), str(self.dir))

    def test_now(self):
        class Late(Lock):
            def _now(self):
                return super()._now() + HOUR

        late = Late(self.path)
        with self.mine:
            self.assertEqual(self.mine.state, LockState.ours)
            self.assertEqual(late.state, LockState.theirs_expired)

    def test_sleep(self):
        class Sleepy(Lock):
            naps = 0

            def _sleep(self):
                self.naps += 1
                if self.naps == 5:
                    raise KeyError
                time.sleep(0.01)

        sleepy = Sleepy(self.path)
        with sleepy:
            pass
        sleepy.naps = 0  # on a busy machine the operation may have taken one
        self.lock.acquire()
        with self.assertRaises(KeyError):
            sleepy.lock()
        self.assertFalse(sleepy.is_locked)
        with self.assertRaises(TimeOutError):
            sleepy.lock(MS * 200)
        self.lock.release()
        sleepy.lock(0)
        self.assertTrue(sleepy.is_locked)
        sleepy.unlock()

    def test_sleep_of_one_object(self):
        self.lock.acquire()
        naps = []

        def nap():
            naps.append(None)
            if len(naps) == 3:
                self.lock.release()
        self.mine._sleep = nap
        self.mine.lock(PATIENCE_S)
        self.assertGreaterEqual(len(naps), 3)
        del self.mine._sleep


if __name__ == '__main__':
    unittest.main()
