# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-compat-callers.py [flufl]: programs that use flufl.lock as well-known ones do, on
flufl_compat. With `flufl` they run on flufl.lock itself: what they expect is what it does.
"""

import abc
import contextlib
import datetime
import hashlib
import multiprocessing
import os
import pathlib
import pickle
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

SKIP = 77
HAS_FLUFL = sys.argv[1:] == ['flufl']
try:
    if HAS_FLUFL:
        import flufl.lock as flufl_lock
        from flufl.lock._lockfile import CLOCK_SLOP
    else:
        import flufl_compat as flufl_lock
        from flufl_compat import CLOCK_SLOP
except ImportError as error:
    print('skipped:', error)
    sys.exit(SKIP)

PATIENCE_S = 60
# A child of fork(2) has what this process has.
processes = multiprocessing.get_context('fork')


class TestCase(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-callers-')
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.path = str(self.dir / 'the.lock')

    def tearDown(self):
        self.assertEqual(os.listdir(self.dir), [])

    def start(self, work, *args):
        """Start a process, and wait until it has sent something."""
        here, there = processes.Pipe()
        process = processes.Process(target=work, args=(there, *args))
        process.start()
        self.addCleanup(process.join)
        self.addCleanup(process.kill)
        self.addCleanup(here.close)
        self.assertTrue(here.poll(PATIENCE_S))
        here.recv()
        return process, here

    def start_holder(self):
        return self.start(hold, self.path)


def hold(pipe, path):
    """Hold the lock until something comes, and report how the release went."""
    lock = flufl_lock.Lock(path, lifetime=3600)
    lock.lock()
    pipe.send('locked')
    pipe.recv()
    try:
        lock.unlock()
        pipe.send('unlocked')
    except flufl_lock.NotLockedError:
        pipe.send('lost')


# --- A daemon's master process, as Mailman's: one of them runs on all hosts ---

MASTER_LIFETIME = datetime.timedelta(days=1, hours=6)


def find_master(path):
    """Whether a master runs, and where."""
    try:
        host, pid, _ = flufl_lock.Lock(path).details
    except flufl_lock.NotLockedError:
        return 'none'
    if host != socket.getfqdn():
        return 'on another host'
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return 'dead'
    return 'running'


def become_master(path, force):
    lock = flufl_lock.Lock(path, MASTER_LIFETIME)
    try:
        lock.lock(datetime.timedelta(seconds=0.1))
    except flufl_lock.TimeOutError:
        if not force:
            raise
        os.unlink(path)
        return become_master(path, False)
    return lock


class Master(TestCase):
    def test_states(self):
        self.assertEqual(find_master(self.path), 'none')
        lock = become_master(self.path, False)
        self.assertEqual(find_master(self.path), 'running')
        self.assertEqual(lock.details, (socket.getfqdn(), os.getpid(), self.path))
        lock.unlock()
        self.assertEqual(find_master(self.path), 'none')

    def test_force(self):
        process, pipe = self.start_holder()
        with self.assertRaises(flufl_lock.TimeOutError):
            become_master(self.path, False)
        lock = become_master(self.path, True)
        pipe.send('unlock')
        self.assertTrue(pipe.poll(PATIENCE_S))
        self.assertEqual(pipe.recv(), 'lost')
        process.join()
        self.assertTrue(lock.is_locked)
        lock.unlock()
        self.remove_claims()

    def remove_claims(self):
        """flufl.lock leaves the claim of a lock that was lost."""
        if HAS_FLUFL:
            for claim in self.dir.iterdir():
                claim.unlink()

    def test_alarm(self):
        """The master refreshes its lock in a handler while it waits for its children."""
        lock = become_master(self.path, False)
        before = lock.expiration
        children = []

        def refresh(signum, frame):
            lock.refresh()
            if lock.expiration - before > datetime.timedelta(seconds=1):
                children.append('done')
            else:
                signal.alarm(1)

        self.addCleanup(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, refresh))
        signal.alarm(1)
        end = time.monotonic() + PATIENCE_S
        while not children and time.monotonic() < end:
            time.sleep(0.01)
        self.assertTrue(children)
        lock.unlock()

    def test_alarm_while_it_waits_for_another_lock(self):
        lock = become_master(self.path, False)
        other = flufl_lock.Lock(str(self.dir / 'other.lock'))
        other.lock()
        refreshed = []

        def refresh(signum, frame):
            lock.refresh(2 * MASTER_LIFETIME)
            other.unlock()
            refreshed.append(lock.is_locked)

        self.addCleanup(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, refresh))
        signal.alarm(1)
        waiter = flufl_lock.Lock(other.lockfile)
        waiter.lock(PATIENCE_S)
        waiter.unlock()
        self.assertEqual(refreshed, [True])
        self.assertGreater(lock.expiration, datetime.datetime.now() + 1.5 * MASTER_LIFETIME)
        lock.unlock()


# --- A periodic job of a web application, as HyperKitty's: no two at once ---

def run_job(path, job):
    """Whether the job ran."""
    lock = flufl_lock.Lock(path)
    lock.lifetime = datetime.timedelta(minutes=15)
    try:
        lock.lock(timeout=0)
    except (flufl_lock.AlreadyLockedError, flufl_lock.TimeOutError):
        return False
    try:
        job(lock)
    finally:
        if lock.is_locked:
            lock.unlock()
    return True


class Job(TestCase):
    def test_one_runs(self):
        answers = []
        self.assertTrue(run_job(self.path, lambda lock: answers.append(run_job(self.path, None))))
        self.assertEqual(answers, [False])

    def test_it_refreshes(self):
        def job(lock):
            lock.refresh(7200)
            self.assertGreater(lock.expiration, datetime.datetime.now()
                               + datetime.timedelta(hours=1))
        self.assertTrue(run_job(self.path, job))

    def test_it_fails(self):
        with self.assertRaises(ZeroDivisionError):
            run_job(self.path, lambda lock: 1 / 0)
        self.assertTrue(run_job(self.path, lambda lock: None))


# --- A subclass with an abstract base, as DVC's: its claims are meant for a directory of their own ---

class AnyLock(abc.ABC):
    @abc.abstractmethod
    def lock(self):
        """Lock it."""

    @abc.abstractmethod
    def unlock(self):
        """Unlock it."""


class ProjectBusy(Exception):
    """What the user sees."""


class ProjectLock(flufl_lock.Lock, AnyLock):
    def __init__(self, lockfile, claims=None):
        self._claims = claims
        super().__init__(lockfile)
        self._hostname = socket.gethostname()
        self._lifetime = datetime.timedelta(days=365)
        self._separator = flufl_lock.SEP
        self._set_claimfile()
        self._retry_errnos = []

    def lock(self, timeout=None):
        try:
            super().lock(timeout or datetime.timedelta(milliseconds=100))
        except flufl_lock.TimeOutError as error:
            raise ProjectBusy(self.lockfile) from error

    def _set_claimfile(self):
        super()._set_claimfile()
        if self._claims is not None:
            name = hashlib.sha256(self._claimfile.encode()).hexdigest()
            self._claimfile = os.path.join(self._claims, name + '.lock')


class Project(TestCase):
    def test_with(self):
        with tempfile.TemporaryDirectory(prefix='flufl-callers-') as claims:
            lock = ProjectLock(self.path, claims)
            self.assertIsInstance(lock, AnyLock)
            self.assertEqual(os.path.dirname(lock.claimfile), claims)
            with lock:
                self.assertTrue(lock.is_locked)
                self.assertTrue(os.path.samefile(lock.claimfile, self.path))
                self.assertGreater(lock.expiration, datetime.datetime.now()
                                   + datetime.timedelta(days=364))
                with self.assertRaises(ProjectBusy):
                    ProjectLock(self.path, claims).lock()
            self.assertEqual(os.listdir(claims), [])

    def test_names(self):
        with ProjectLock(self.path) as lock:
            self.assertEqual(lock.details, (socket.gethostname(), os.getpid(), self.path))


# --- A cache that processes and threads share, as that of QIIME 2 ---

class CacheLock:
    """Keeps out other processes, and the other threads of this one. It can be entered again."""

    def __init__(self, path):
        self.path = path
        self.entered = 0
        self.thread_lock = threading.Lock()
        self.file_lock = flufl_lock.Lock(path, lifetime=datetime.timedelta(minutes=10))

    def __enter__(self):
        if self.entered == 0:
            self.thread_lock.acquire()
            self.file_lock.lock()
        self.entered += 1

    def __exit__(self, *unused):
        self.entered -= 1
        if self.entered == 0:
            self.file_lock.unlock()
            self.thread_lock.release()

    def __getstate__(self):
        return {**self.__dict__, 'thread_lock': None}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.thread_lock = threading.Lock()

    def clear(self):
        """After a crash."""
        if self.file_lock.state != flufl_lock.LockState.unlocked:
            os.remove(self.path)


def enter_cache(pipe, pickled):
    lock = pickle.loads(pickled)
    with lock:
        pipe.send(lock.file_lock.state.name)
        pipe.recv()


class Cache(TestCase):
    def test_it_is_entered_again(self):
        cache = CacheLock(self.path)
        with cache, cache:
            self.assertEqual(cache.file_lock.state, flufl_lock.LockState.ours)
        self.assertEqual(cache.file_lock.state, flufl_lock.LockState.unlocked)

    def test_it_is_sent_to_another_process(self):
        cache = CacheLock(self.path)
        process, pipe = self.start(enter_cache, pickle.dumps(cache))
        if not HAS_FLUFL:  # whose pickled locks go on as the process that made them
            self.assertEqual(cache.file_lock.state, flufl_lock.LockState.unknown)
            self.assertEqual(cache.file_lock.details[1], process.pid)
        pipe.send('leave')
        process.join()
        with cache:
            pass

    def test_clear(self):
        process, _ = self.start_holder()
        cache = CacheLock(self.path)
        self.assertEqual(cache.file_lock.state, flufl_lock.LockState.unknown)
        process.kill()
        process.join()
        self.assertEqual(cache.file_lock.state, flufl_lock.LockState.stale)
        cache.clear()
        self.assertEqual(cache.file_lock.state, flufl_lock.LockState.unlocked)
        with cache:
            pass
        for claim in self.dir.iterdir():  # of the process that was killed
            claim.unlink()

    def test_clear_of_its_own(self):
        cache = CacheLock(self.path)
        cache.file_lock.lock()
        self.assertEqual(cache.file_lock.state, flufl_lock.LockState.ours)
        cache.clear()
        self.assertEqual(cache.file_lock.state, flufl_lock.LockState.unlocked)
        cache.file_lock.unlock(unconditionally=True)


# --- The hooks of a build tool, as EasyBuild's: a module with a lock from one hook to another ---

build_locks = {}


def before_install(target):
    lock = flufl_lock.Lock(target + '.lock', lifetime=86400, default_timeout=0)
    lock.lock()
    build_locks[target] = lock


def after_install(target):
    build_locks.pop(target).unlock()


class Hooks(TestCase):
    def test_hooks(self):
        target = str(self.dir / 'software')
        before_install(target)
        with self.assertRaises(flufl_lock.TimeOutError):
            before_install(target)
        self.assertTrue(build_locks[target].is_locked)
        after_install(target)
        before_install(target)
        after_install(target)


# --- A context manager that says whether it locked, as that of addons-server ---

@contextlib.contextmanager
def atomic_lock(path, lifetime=60):
    lock = flufl_lock.Lock(path, lifetime=datetime.timedelta(seconds=lifetime))
    try:
        lock.lock(timeout=datetime.timedelta(seconds=0))
    except flufl_lock.AlreadyLockedError:
        yield False
    except flufl_lock.TimeOutError:
        release_time = lock._releasetime
        if release_time != -1 and datetime.datetime.now() > release_time + CLOCK_SLOP:
            lock._break()
        yield False
    else:
        yield lock.details[2]
    finally:
        lock.unlock(unconditionally=True)


class Atomic(TestCase):
    def test_it_locks(self):
        with atomic_lock(self.path) as path:
            self.assertEqual(path, self.path)
            with atomic_lock(self.path) as second:
                self.assertIs(second, False)
            self.assertTrue(os.path.exists(self.path))

    def test_it_breaks(self):
        process, _ = self.start_holder()
        process.kill()
        process.join()
        past = time.time() - 3600
        os.utime(self.path, (past, past))
        end = time.monotonic() + PATIENCE_S
        locked = False
        while not locked:
            self.assertLess(time.monotonic(), end)
            with atomic_lock(self.path) as locked:
                pass


# --- A service that writes a file now and then, and answers a dialog with the state ---

class Service:
    def __init__(self, path):
        self.lock = flufl_lock.Lock(path, default_timeout=datetime.timedelta(seconds=PATIENCE_S))
        self.path = path + '.data'

    def add(self, number):
        with self.lock:
            total = number
            with contextlib.suppress(FileNotFoundError), open(self.path, encoding='utf-8') as file:
                total += int(file.read())
            with open(self.path, 'w', encoding='utf-8') as file:
                file.write(str(total))

    def is_free(self):
        return self.lock.state in (flufl_lock.LockState.unlocked, flufl_lock.LockState.stale)


def add_ones(pipe, path, count):
    service = Service(path)
    pipe.send('ready')
    for _ in range(count):
        service.add(1)


class Services(TestCase):
    def test_several(self):
        workers = [self.start(add_ones, self.path, 3)[0] for _ in range(3)]
        service = Service(self.path)
        for _ in range(3):
            service.add(1)
        for worker in workers:
            worker.join()
            self.assertEqual(worker.exitcode, 0)
        self.assertTrue(service.is_free())
        with open(service.path, encoding='utf-8') as file:
            self.assertEqual(file.read(), '12')
        os.unlink(service.path)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
