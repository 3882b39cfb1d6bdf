# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Flufl from Python, the typelib and the override: operations and signals."""

import datetime
import functools
import gc
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

from locktest import HOUR, MS, PATIENCE_S, LockTestCase, run_async, wait_for

from gi.repository import Flufl, Gio, GLib


class Operations(LockTestCase):
    def test_acquire_release(self):
        self.assertTrue(self.lock.acquire())
        self.assertTrue(self.lock.check())
        self.assertTrue(self.lock.release())
        with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
            self.lock.check()
        self.assertTrue(self.lock.acquire(Flufl.LOCK_TIMEOUT_FOREVER, None))
        self.assertTrue(self.lock.release(None))

    def test_with(self):
        with self.lock as lock:
            self.assertIs(lock, self.lock)
            self.assertTrue(lock.held)
        self.assertFalse(self.lock.held)

    def test_with_times_out(self):
        with self.other:
            self.lock.default_timeout = 0
            with self.assertLockError(Flufl.LockError.TIMED_OUT, TimeoutError):
                with self.lock:
                    self.fail('not held')
            self.assertTrue(self.other.check())

    def test_with_keeps_the_error_of_the_work(self):
        for spoil in False, True:
            with self.assertRaises(ZeroDivisionError):
                with self.lock as lock:
                    if spoil:
                        self.remove_by_hand(lock.claim_file.get_path())
                    1 / 0
            self.assertFalse(self.lock.held)

    def test_with_tells_a_loss(self):
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            with self.lock as lock:
                self.remove_by_hand(lock.claim_file.get_path())
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            with self.lock as lock:
                self.remove_by_hand(lock.claim_file.get_path())
                cancellable = Gio.Cancellable()
                cancellable.cancel()
                cancellable.set_error_if_cancelled()

    def test_timed_out(self):
        with self.other:
            for timeout in 0, 20, 20 * MS, datetime.timedelta(0):
                with self.assertLockError(Flufl.LockError.TIMED_OUT, TimeoutError) as caught:
                    self.lock.acquire(timeout)
                self.assertIsInstance(caught.exception, Flufl.TimedOutError)
                self.assertIn(str(os.getpid()), caught.exception.message)
            self.lock.default_timeout = 20 * MS
            with self.assertLockError(Flufl.LockError.TIMED_OUT, GLib.Error):
                self.lock.acquire()
            with self.assertLockError(Flufl.LockError.TIMED_OUT, TimeoutError):
                self.lock.acquire(Flufl.LOCK_TIMEOUT_DEFAULT)
            with self.assertRaises(ValueError):
                self.lock.acquire(-MS)

    def test_already_held(self):
        with self.lock:
            with self.assertLockError(Flufl.LockError.ALREADY_HELD, Flufl.AlreadyHeldError):
                self.lock.acquire()
            with self.assertLockError(Flufl.LockError.ALREADY_HELD, Flufl.AlreadyHeldError):
                self.lock.break_lock()
            self.assertTrue(self.lock.check())

    def test_not_held(self):
        with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
            self.lock.release()
        with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
            self.lock.refresh()
        with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
            self.lock.query_details()

    def test_not_a_lock(self):
        pathlib.Path(self.path).write_text('a letter')
        with self.assertLockError(Flufl.LockError.NOT_A_LOCK, Flufl.NotALockError):
            self.lock.acquire()
        with self.assertLockError(Flufl.LockError.NOT_A_LOCK, Flufl.NotALockError):
            self.lock.break_lock(Flufl.BreakFlags.NONE)
        self.assertTrue(self.lock.break_lock(Flufl.BreakFlags.FORCE))
        self.assertFalse(os.path.exists(self.path))

    def test_cancelled(self):
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        with self.other:
            with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
                self.lock.acquire(cancellable=cancellable)

    def test_waits_in_other_threads(self):
        answers = []
        with self.other:
            thread = threading.Thread(target=lambda: answers.append(self.lock.acquire()))
            thread.start()
            wait_for(lambda: len(os.listdir(self.dir)) == 3)
        thread.join(PATIENCE_S)
        self.assertEqual(answers, [True])
        self.lock.release()

    def test_refresh(self):
        with self.lock as lock:
            for args in (), (Flufl.LOCK_LIFETIME_DEFAULT,), (Flufl.LOCK_LIFETIME_DEFAULT, None):
                self.set_age(self.path, HOUR)
                self.assertTrue(lock.refresh(*args))
                self.assertGreater(os.stat(self.path).st_mtime, time.time() - 60)
            self.assertTrue(lock.refresh(HOUR))
            self.assertGreater(os.stat(self.path).st_mtime, time.time() + 3000)
            self.assertTrue(lock.refresh(7200 * 1000))
            self.assertGreater(os.stat(self.path).st_mtime, time.time() + 6000)
            with self.assertRaises(ValueError):
                lock.refresh(-MS)

    def test_refresh_tells_a_loss(self):
        self.lock.acquire()
        self.remove_by_hand(self.lock.claim_file.get_path())
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.lock.refresh()

    def test_break_lock(self):
        self.other.acquire()
        with self.assertIOError(Gio.IOErrorEnum.BUSY):
            self.lock.break_lock()
        self.assertTrue(self.lock.break_lock(Flufl.BreakFlags.FORCE, None))
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.other.check()
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.other.release()

    def test_break_lock_of(self):
        self.other.acquire()
        details = self.lock.query_details()
        self.other.release()
        self.assertTrue(self.lock.break_lock_of(details))
        self.other.acquire()
        with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
            self.lock.break_lock_of(details, Flufl.BreakFlags.FORCE)
        self.other.check()
        details = self.lock.query_details()
        with self.assertIOError(Gio.IOErrorEnum.BUSY):
            self.lock.break_lock_of(details)
        self.assertTrue(self.lock.break_lock_of(details, Flufl.BreakFlags.FORCE, None))
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.other.check()

    def test_break_expired(self):
        self.claim_by_hand(age=HOUR)
        wait_for(self.break_works)
        self.assertEqual(self.lock.query_state(), Flufl.LockState.UNLOCKED)

    def break_works(self):
        try:
            return self.lock.break_lock()
        except GLib.Error as error:
            self.assertTrue(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.BUSY), error)
            return False

    def test_dispose_releases(self):
        self.lock.acquire()
        self.assertTrue(os.path.exists(self.path))
        self.lock = None
        gc.collect()
        self.assertFalse(os.path.exists(self.path))


class Monitors(LockTestCase):
    def wait_for_state(self, monitor, state):
        wait_for(lambda: monitor.ready and monitor.state == state)

    def test_changes(self):
        seen = []
        monitor = Flufl.LockMonitor(self.path, interval=10 * HOUR)
        monitor.connect('changed', lambda monitor: seen.append(monitor.get_state()))
        self.assertFalse(monitor.get_ready())
        self.assertEqual(monitor.state, Flufl.LockState.UNKNOWN)
        self.wait_for_state(monitor, Flufl.LockState.UNLOCKED)
        self.assertIsNone(monitor.details)
        self.assertIsNone(monitor.error)
        self.assertEqual(monitor.file.get_path(), self.path)
        with self.lock:
            self.wait_for_state(monitor, Flufl.LockState.THEIRS)
            self.assertIs(type(monitor.get_details()), Flufl.LockDetails)
            self.assertEqual(monitor.details.pid, os.getpid())
            self.assertEqual(monitor.props.details.pid, os.getpid())
            self.assertEqual(monitor.props.state, Flufl.LockState.THEIRS)
        self.wait_for_state(monitor, Flufl.LockState.UNLOCKED)
        self.assertEqual(seen[0], Flufl.LockState.UNLOCKED)
        self.assertEqual(seen[-1], Flufl.LockState.UNLOCKED)
        self.assertIn(Flufl.LockState.THEIRS, seen)

    def test_of_a_lock(self):
        for monitor in Flufl.LockMonitor(lock=self.lock), Flufl.LockMonitor.new_for_lock(self.lock):
            self.assertEqual(monitor.get_file().get_path(), self.path)
            with self.lock:
                self.wait_for_state(monitor, Flufl.LockState.OURS)
            self.wait_for_state(monitor, Flufl.LockState.UNLOCKED)

    def test_error(self):
        file = Gio.File.new_for_path(self.path + '/nowhere/x.lock')
        monitor = Flufl.LockMonitor.new(file)
        wait_for(lambda: monitor.ready)
        self.assertTrue(monitor.props.ready)
        self.assertIsInstance(monitor.error, FileNotFoundError)
        self.assertTrue(monitor.props.error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND))
        self.assertTrue(monitor.dup_error().matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND))

    def test_interval(self):
        monitor = Flufl.LockMonitor(self.path)
        self.assertEqual(monitor.interval, 2000 * MS)
        monitor.interval = 500 * MS
        self.assertEqual(monitor.get_interval(), 500)
        monitor.set_interval(40)
        self.assertEqual(monitor.props.interval, 40)
        for wrong in 9, -MS, 2**31:
            with self.assertRaises(ValueError):
                monitor.interval = wrong
            with self.assertRaises(ValueError):
                Flufl.LockMonitor(self.path, interval=wrong)
        with self.assertRaises(TypeError):
            Flufl.LockMonitor()


class Signals(LockTestCase):
    def test_waiting(self):
        seen = []

        def waiting(lock, details):
            seen.append(details)
            self.other.release()

        self.lock.connect('waiting', waiting)
        self.other.acquire()
        result = run_async(self.lock.acquire_async, Flufl.LOCK_TIMEOUT_FOREVER, None)
        self.assertTrue(self.lock.acquire_finish(result))
        self.assertEqual(len(seen), 1)
        self.assertIs(type(seen[0]), Flufl.LockDetails)
        self.assertEqual(seen[0].pid, os.getpid())
        self.assertEqual(seen[0].state, Flufl.LockState.THEIRS)
        self.lock.release()

    def test_wanted(self):
        seen = []
        self.lock.connect('notify::wanted', lambda lock, _: seen.append(lock.get_wanted()))
        self.assertFalse(self.lock.watch_wanted)
        self.lock.watch_wanted = True
        self.assertTrue(self.lock.get_watch_wanted())
        self.lock.set_watch_wanted(True)
        self.assertTrue(self.lock.props.watch_wanted)
        self.assertTrue(Flufl.Lock(self.path, watch_wanted=True).watch_wanted)
        self.lock.acquire()
        self.assertFalse(self.lock.props.wanted)
        results = []
        self.other.acquire_async(HOUR, None, lambda _, result: results.append(result))
        wait_for(lambda: self.lock.wanted)
        self.lock.release()
        self.assertFalse(self.lock.wanted)
        wait_for(lambda: results)
        self.assertTrue(self.other.acquire_finish(results[0]))
        self.other.release()
        self.assertEqual(seen, [True, False])

    def test_lost(self):
        seen = []
        self.lock.connect('lost', lambda lock, error: seen.append(error))
        self.lock.lifetime = 300 * MS
        self.lock.heartbeat = Flufl.Heartbeat.MAIN_CONTEXT
        self.lock.acquire()
        cancellable = self.lock.dup_lost_cancellable()
        self.assertFalse(cancellable.is_cancelled())
        own = Gio.Cancellable()
        work = self.lock.dup_work_cancellable(own)
        stopped_work = self.lock.dup_work_cancellable(own)
        self.assertFalse(work.is_cancelled())
        work = self.lock.dup_work_cancellable()
        own.cancel()
        self.assertTrue(stopped_work.is_cancelled())
        self.assertFalse(work.is_cancelled())
        self.assertIsNone(self.lock.dup_lost_error())
        self.remove_by_hand(self.lock.claim_file.get_path())
        wait_for(lambda: seen)
        self.assertTrue(cancellable.is_cancelled())
        self.assertFalse(self.lock.held)
        self.assertEqual(len(seen), 1)
        self.assertIs(type(seen[0]), Flufl.LostError)
        self.assertTrue(seen[0].matches(Flufl.lock_error_quark(), Flufl.LockError.LOST))
        self.assertIn(self.path, seen[0].message)
        self.assertTrue(work.is_cancelled())
        stopped = GLib.Error('Operation was cancelled', 'g-io-error-quark',
                             int(Gio.IOErrorEnum.CANCELLED))
        self.assertIs(type(self.lock.explain_error(stopped)), Flufl.LostError)
        failed = FileNotFoundError(2, 'No such file')
        self.assertIs(self.lock.explain_error(failed), failed)
        again = self.lock.dup_lost_error()
        self.assertIs(type(again), Flufl.LostError)
        self.assertEqual(str(again), seen[0].message)

    def test_abandon(self):
        self.lock.acquire()
        self.lock.abandon()
        self.assertFalse(self.lock.held)
        self.assertEqual(os.listdir(self.dir), [])
        results = []
        with self.other:
            self.lock.acquire_async(HOUR, None, lambda lock, result: results.append(result))
            self.lock.abandon()
            wait_for(lambda: results)
            with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
                self.lock.acquire_finish(results[0])

    def test_release_all(self):
        self.lock.acquire()
        self.assertTrue(Flufl.Lock.release_all())
        self.assertFalse(self.lock.held)
        self.assertTrue(Flufl.Lock.release_all(None))
        self.assertTrue(Flufl.Lock.release_all(timeout=0))

    def test_waiters_and_leftovers(self):
        directory = Gio.File.new_for_path(os.path.dirname(self.path))
        with self.other:
            results = []
            self.lock.acquire_async(HOUR, None, lambda _, result: results.append(result))
            wait_for(lambda: self.other.list_waiters(None))
            [waiter] = self.other.list_waiters(None)
            self.assertEqual(waiter.get_pid(), os.getpid())
            result = run_async(self.other.list_waiters_async, None)
            [again] = self.other.list_waiters_finish(result)
            self.assertEqual(again.claim_file.get_path(), waiter.claim_file.get_path())
            self.assertEqual(Flufl.Lock.remove_leftovers(directory, True, None), [])
            self.lock.abandon()
            wait_for(lambda: results)
            self.assertEqual(self.other.list_waiters(), [])

    def test_leftovers_of_paths(self):
        folder = os.path.dirname(self.path)
        for directory in folder, os.fsencode(folder), pathlib.Path(folder):
            self.assertEqual(Flufl.Lock.remove_leftovers(directory), [])
        with self.assertRaises(FileNotFoundError) as caught:
            Flufl.Lock.remove_leftovers(self.path + '.missing', dry_run=True)
        self.assertEqual(caught.exception.filename, self.path + '.missing')
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        for method in self.lock.list_waiters, functools.partial(Flufl.Lock.remove_leftovers, folder):
            with self.assertRaises(GLib.Error) as caught:
                method(cancellable=cancellable)
            self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))
        with self.assertRaises(TypeError):
            Flufl.Lock.remove_leftovers(5)

    def test_asynchronous_leftovers(self):
        folder = pathlib.Path(self.path).parent
        got = []
        Flufl.Lock.remove_leftovers_async(folder, True, None, lambda *arguments: got.append(arguments), 1)
        wait_for(lambda: got)
        [(source, result, data)] = got
        self.assertEqual((source.get_path(), data), (str(folder), 1))
        self.assertEqual(Flufl.Lock.remove_leftovers_finish(result), [])
        missing = self.path + '.missing'
        got = []
        Flufl.Lock.remove_leftovers_async(missing, callback=lambda source, result: got.append(result))
        wait_for(lambda: got)
        with self.assertRaises(FileNotFoundError) as caught:
            Flufl.Lock.remove_leftovers_finish(got[0])
        self.assertEqual(caught.exception.filename, missing)
        with self.assertRaises(TypeError):
            Flufl.Lock.remove_leftovers_async(5)

    def test_leftovers_behind_a_link(self):
        """".." is the parent of the directory that the link points to, as for the kernel."""
        top = self.link_elsewhere()
        elsewhere = top + '/else'
        for directory in 'sub/..', b'sub/../', pathlib.Path(top, 'sub/../d/..'):
            got = []
            Flufl.Lock.remove_leftovers_async(directory, True, None, lambda source, result: got.append(source))
            wait_for(lambda: got)
            self.assertEqual(got[0].get_path(), elsewhere)
        with self.assertRaises(FileNotFoundError) as caught:
            Flufl.Lock.remove_leftovers('sub/../missing')
        self.assertEqual(caught.exception.filename, elsewhere + '/missing')

    def test_end_of_the_process(self):
        """The claim of a waiter goes, too, though no main loop runs any more."""
        program = ('import os, sys, time, gi; gi.require_version("Flufl", "1")\n'
                   'from gi.repository import Flufl\n'
                   'path = sys.argv[1]; lock = Flufl.Lock(path)\n'
                   'lock.acquire_async()\n'
                   'while len(os.listdir(os.path.dirname(path))) < 3: time.sleep(0.01)\n')
        self.assertTrue(self.lock.props.release_at_exit)
        with self.other:
            subprocess.run([sys.executable, '-B', '-c', program, self.path], check=True)
            self.assertEqual(len(os.listdir(self.dir)), 2)
        self.lock.release_at_exit = False
        self.assertFalse(self.lock.get_release_at_exit())
        self.lock.set_release_at_exit(True)

    def test_ways_to_connect_lost(self):
        def handler(source, error, *args):
            seen.append((source, type(error), args))

        seen = []
        lock, other = self.lock, self.other
        lock.connect('lost', handler, 1)
        lock.connect_after('lost', handler, 2)
        lock.connect_object('lost', handler, other, 3)
        lock.connect_object_after('lost', handler, other, 4)
        lock.connect_data('lost', handler, 5)
        error = GLib.Error('gone', GLib.quark_to_string(Flufl.lock_error_quark()),
                           Flufl.LockError.LOST)
        lock.emit('lost', error)
        self.assertEqual(sorted(seen, key=lambda entry: entry[2]),
                         [(lock, Flufl.LostError, (1,)), (lock, Flufl.LostError, (2,)),
                          (other, Flufl.LostError, (3,)), (other, Flufl.LostError, (4,)),
                          (lock, Flufl.LostError, (5,))])

        seen.clear()
        for _ in range(5):
            lock.disconnect_by_func(handler)
        lock.emit('lost', error)
        self.assertEqual(seen, [])
        with self.assertRaises(TypeError):
            lock.connect('lost', None)

    def test_heartbeat_refreshes(self):
        for heartbeat in Flufl.Heartbeat.MAIN_CONTEXT, Flufl.Heartbeat.THREAD:
            self.lock.lifetime = 300 * MS
            self.lock.heartbeat = heartbeat
            with self.lock:
                before = os.stat(self.path).st_mtime_ns
                wait_for(lambda: os.stat(self.path).st_mtime_ns > before)


class Asynchronous(LockTestCase):
    def test_round(self):
        lock = self.lock
        result = run_async(lock.acquire_async, Flufl.LOCK_TIMEOUT_FOREVER, None)
        self.assertTrue(lock.acquire_finish(result))
        result = run_async(lock.check_async, None)
        self.assertTrue(lock.check_finish(result))
        result = run_async(lock.query_state_async, None)
        self.assertEqual(lock.query_state_finish(result), Flufl.LockState.OURS)
        result = run_async(lock.query_details_async, None)
        details = lock.query_details_finish(result)
        self.assertEqual(details.pid, os.getpid())
        result = run_async(lock.refresh_async, HOUR, None)
        self.assertTrue(lock.refresh_finish(result))
        self.assertGreater(os.stat(self.path).st_mtime, time.time() + 3000)
        result = run_async(lock.release_async, None)
        self.assertTrue(lock.release_finish(result))
        result = run_async(lock.break_lock_async, Flufl.BreakFlags.FORCE, None)
        self.assertTrue(lock.break_lock_finish(result))
        result = run_async(lock.break_lock_of_async, details, Flufl.BreakFlags.FORCE, None)
        self.assertTrue(lock.break_lock_of_finish(result))

    def test_defaults(self):
        lock = self.lock
        turns = []
        lock.connect('notify::held', lambda lock, pspec: turns.append(lock.held))
        lock.acquire_async()
        wait_for(lambda: turns == [True])
        done = []
        lock.refresh_async(callback=lambda lock, result: done.append(lock.refresh_finish(result)))
        lock.check_async(callback=lambda lock, result: done.append(lock.check_finish(result)))
        wait_for(lambda: done == [True, True])
        lock.release_async()
        wait_for(lambda: turns == [True, False])
        for start, finish in ((lock.query_state_async, lock.query_state_finish),
                              (lock.break_lock_async, lock.break_lock_finish)):
            done = []
            start(callback=lambda lock, result: done.append(finish(result)))
            wait_for(lambda: done)

    def test_user_data(self):
        got = []
        self.lock.acquire_async(20 * MS, None, lambda lock, result, *data: got.append(data), 1, 2)
        wait_for(lambda: got)
        self.assertEqual(got, [(1, 2)])

    def test_errors(self):
        for start, finish in ((self.lock.release_async, self.lock.release_finish),
                              (self.lock.refresh_async, self.lock.refresh_finish),
                              (self.lock.query_details_async, self.lock.query_details_finish)):
            done = []
            start(callback=lambda lock, result: done.append(result))
            wait_for(lambda: done)
            with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
                finish(done[0])

    def test_timed_out(self):
        with self.other:
            result = run_async(self.lock.acquire_async, 20 * MS, None)
            with self.assertLockError(Flufl.LockError.TIMED_OUT, TimeoutError):
                self.lock.acquire_finish(result)

    def test_cancelled(self):
        cancellable = Gio.Cancellable()
        results = []
        with self.other:
            self.lock.acquire_async(HOUR, cancellable,
                                    lambda lock, result: results.append(result))
            wait_for(lambda: len(os.listdir(self.dir)) == 3)
            cancellable.cancel()
            wait_for(lambda: results)
            with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
                self.lock.acquire_finish(results[0])

    def test_pending(self):
        cancellable = Gio.Cancellable()
        results = []
        with self.other:
            self.lock.acquire_async(HOUR, cancellable,
                                    lambda lock, result: results.append(result))
            with self.assertIOError(Gio.IOErrorEnum.PENDING):
                self.lock.acquire(0)
            # A look changes nothing, and needs no turn.
            result = run_async(self.lock.query_state_async, None)
            self.assertEqual(self.lock.query_state_finish(result), Flufl.LockState.THEIRS)
            with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
                self.lock.check()
            cancellable.cancel()
            wait_for(lambda: results)


if __name__ == '__main__':
    unittest.main()
