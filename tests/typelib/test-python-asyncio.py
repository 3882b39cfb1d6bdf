# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Flufl from Python under asyncio: in a loop of asyncio itself, and in one of gi.events, where
PyGObject has that (3.50)."""

import asyncio
import os
import subprocess
import sys
import threading
import unittest

from asynciotest import AsyncioTestCase, InGLib
from locktest import HOUR, MS, PATIENCE_S, wait_for

from gi.repository import Flufl, Gio, GLib


class Operations(AsyncioTestCase):
    def test_round(self):
        async def work():
            lock = self.lock
            self.assertIs(await lock.acquire_async(), True)
            self.assertIs(await lock.check_async(), True)
            self.assertEqual(await lock.query_state_async(), Flufl.LockState.OURS)
            self.assertEqual((await lock.query_details_async()).pid, os.getpid())
            self.assertIs(await lock.refresh_async(HOUR), True)
            self.assertGreater((await lock.query_details_async()).expiration.timestamp(),
                               os.stat(lock.claim_file.get_path()).st_ctime + 3000)
            self.assertEqual(await lock.list_waiters_async(), [])
            self.assertEqual(await Flufl.Lock.remove_leftovers_async(self.dir), [])
            self.assertEqual(await Flufl.Lock.remove_leftovers_async(self.dir, dry_run=True), [])
            self.assertIs(await lock.release_async(), True)
            self.assertIs(await lock.break_lock_async(Flufl.BreakFlags.FORCE), True)
            self.assertIs(await lock.acquire_async(timeout=20 * MS, cancellable=Gio.Cancellable()), True)
            self.assertIs(await lock.release_async(Gio.Cancellable()), True)

        self.run_in_loop(work())
        self.assertEqual(os.listdir(self.dir), [])

    def test_errors(self):
        async def work():
            for operation in (self.lock.release_async, self.lock.refresh_async,
                              self.lock.check_async, self.lock.query_details_async):
                with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
                    await operation()
            with self.assertLockError(Flufl.LockError.TIMED_OUT, TimeoutError), self.other:
                await self.lock.acquire_async(20)
            with self.assertRaises(FileNotFoundError):
                await Flufl.Lock(self.dir / 'no' / 'a.lock').acquire_async()
            with self.assertRaises(FileNotFoundError) as caught:
                await Flufl.Lock.remove_leftovers_async(self.dir / 'no')
            self.assertEqual(caught.exception.filename, str(self.dir / 'no'))
            with self.assertRaises(ValueError):
                self.lock.acquire_async(-MS)
            with self.assertRaises(TypeError):
                self.lock.check_async(cancelable=None)
            with self.assertRaises(TypeError):
                await self.lock.check_async('a cancellable')
            with self.assertRaises(TypeError):
                await self.lock.release_async('a cancellable')

        self.run_in_loop(work())

    def test_with_a_callback_nothing_is_awaited(self):
        results = []

        async def work():
            def callback(lock, result, *data):
                results.append((lock.acquire_finish(result), *data))

            self.assertIsNone(self.lock.acquire_async(HOUR, None, callback, 1))

        self.run_in_loop(work())
        wait_for(lambda: results)
        self.assertEqual(results, [(True, 1)])

    def test_the_loop_goes_on(self):
        async def work():
            self.other.acquire()
            task = asyncio.ensure_future(self.lock.acquire_async(HOUR))
            # A claim is empty at first, and nobody can see then whose it is.
            await self.until(self.other.list_waiters)
            self.assertFalse(task.done())
            [waiter] = await self.other.list_waiters_async()
            self.assertEqual(waiter.pid, os.getpid())
            await self.other.release_async()
            self.assertTrue(await task)

        self.run_in_loop(work())

    def test_many_at_once(self):
        running = []

        async def take_turn(lock):
            async with lock:
                running.append(lock)
                await asyncio.sleep(0)
                self.assertEqual(running, [lock])
                running.remove(lock)

        async def work():
            await asyncio.gather(*[take_turn(Flufl.Lock(self.path)) for _ in range(60)])

        self.run_in_loop(work())

    def test_loops_in_threads(self):
        async def take_turns():
            for _ in range(20):
                async with Flufl.Lock(self.path):
                    turns.append(threading.current_thread())

        turns = []
        threads = [threading.Thread(target=lambda: asyncio.run(take_turns())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(turns), 80)

    def test_thread_of_handlers(self):
        async def work():
            self.other.acquire()
            await self.lock.acquire_async()

        def waiting(lock, details):
            seen.append((details.pid, threading.current_thread() is threading.main_thread()))
            self.other.release()

        seen = []
        self.lock.waiting_delay = 0
        self.lock.connect('waiting', waiting)
        self.run_in_loop(work())
        self.assertEqual(seen, [(os.getpid(), self.handlers_run_in_main_thread)])

    handlers_run_in_main_thread = False


class Cancellation(AsyncioTestCase):
    def test_while_it_waits(self):
        async def work():
            task = asyncio.ensure_future(self.lock.acquire_async())
            await self.until(self.waits)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(len(os.listdir(self.dir)), 2)

        with self.other:
            self.run_in_loop(work())
        self.assertFalse(self.lock.held)

    async def cancel_after(self, delay, again=False):
        """Return whether the task was cancelled in time."""
        task = asyncio.ensure_future(self.lock.acquire_async())
        await asyncio.sleep(delay)
        task.cancel()
        if again:
            await asyncio.sleep(0)
            task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            self.assertFalse(self.lock.held)
            self.assertEqual(os.listdir(self.dir), [])
            return True
        await self.lock.release_async()
        self.assertEqual(os.listdir(self.dir), [])
        return False

    def test_at_any_moment(self):
        for again in False, True:
            for i in range(200):
                self.run_in_loop(self.cancel_after(i * 1e-5, again))

    def test_in_each_turn_of_the_loop(self):
        async def work(turns):
            task = asyncio.ensure_future(self.lock.acquire_async())
            for _ in range(turns):
                await asyncio.sleep(0)
            if turns % 2:
                # The result has come, and the task has not gone on.
                while not self.lock.held and not task.done():
                    await asyncio.sleep(0)
            return await self.cancel(task)

        for turns in range(100):
            self.run_in_loop(work(turns))
            self.assertEqual(os.listdir(self.dir), [])

    async def cancel(self, task):
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            self.assertFalse(self.lock.held)
        else:
            await self.lock.release_async()

    def test_wait_for(self):
        async def work(timeout):
            await asyncio.wait_for(self.lock.acquire_async(), timeout)
            await self.lock.release_async()

        with self.other:
            with self.assertRaises(asyncio.TimeoutError):
                self.run_in_loop(work(0.02))
            self.assertEqual(len(os.listdir(self.dir)), 2)
        for i in range(50):
            try:
                self.run_in_loop(work(i * 1e-5))
            except asyncio.TimeoutError:
                pass
            self.assertFalse(self.lock.held)
            self.assertEqual(os.listdir(self.dir), [])

    @unittest.skipUnless(hasattr(asyncio, 'timeout'), 'asyncio.timeout() is of Python 3.11')
    def test_timeout(self):
        async def work():
            async with asyncio.timeout(0.02):
                async with self.lock:
                    self.fail('not held')

        with self.other:
            with self.assertRaises(TimeoutError) as caught:
                self.run_in_loop(work())
            self.assertNotIsInstance(caught.exception, GLib.Error)
            self.assertEqual(len(os.listdir(self.dir)), 2)

    def test_by_the_cancellable(self):
        async def work(early):
            cancellable = Gio.Cancellable()
            if early:
                cancellable.cancel()
            task = asyncio.ensure_future(self.lock.acquire_async(None, cancellable))
            if not early:
                await self.until(self.waits)
            cancellable.cancel()
            with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
                await task

        with self.other:
            for early in False, True:
                self.run_in_loop(work(early))

    def test_a_task_leaves_the_cancellable_alone(self):
        async def work():
            cancellable = Gio.Cancellable()
            task = asyncio.ensure_future(self.lock.acquire_async(None, cancellable))
            await self.until(self.waits)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertFalse(cancellable.is_cancelled())

        with self.other:
            self.run_in_loop(work())

    def test_a_release_goes_on(self):
        async def work():
            await self.lock.acquire_async()
            task = asyncio.ensure_future(self.lock.release_async())
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertFalse(self.lock.held)

        self.run_in_loop(work())
        self.assertEqual(os.listdir(self.dir), [])

    def test_a_coroutine_that_is_closed(self):
        async def work(turns):
            coroutine = self.lock.acquire_async()
            coroutine.send(None)
            for _ in range(turns):
                await asyncio.sleep(0.0002)
            coroutine.close()

        for turns in range(20):
            self.run_in_loop(work(turns))
            wait_for(lambda: not self.lock.held and os.listdir(self.dir) == [])
            wait_for(self.is_free)

    def is_free(self):
        """Whether no earlier operation is under way any more."""
        try:
            self.lock.acquire(0)
        except GLib.Error:
            return False
        return self.lock.release()


class With(AsyncioTestCase):
    async def sleep_in_lock(self, started=None):
        async with self.lock:
            if started is not None:
                started.set()
            await asyncio.sleep(PATIENCE_S)
            self.fail('not cancelled')

    def test_with(self):
        async def work():
            async with self.lock as lock:
                self.assertIs(lock, self.lock)
                self.assertTrue(lock.held)
            self.assertFalse(self.lock.held)
            self.lock.default_timeout = 20 * MS
            with self.other:
                with self.assertLockError(Flufl.LockError.TIMED_OUT, TimeoutError):
                    await self.sleep_in_lock()

        self.run_in_loop(work())

    def test_keeps_the_error_of_the_work(self):
        async def work(spoil):
            async with self.lock:
                if spoil:
                    self.lose()
                1 / 0

        for spoil in False, True:
            with self.assertRaises(ZeroDivisionError):
                self.run_in_loop(work(spoil))
            self.assertFalse(self.lock.held)

    def test_loss_at_the_end(self):
        async def work():
            async with self.lock:
                self.lose()

        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.run_in_loop(work())

    def test_loss_of_a_work_that_was_stopped(self):
        async def work():
            async with self.lock:
                self.lose()
                cancellable = Gio.Cancellable()
                cancellable.cancel()
                cancellable.set_error_if_cancelled()

        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.run_in_loop(work())

    def test_loss_cancels_the_task(self):
        async def work():
            started = asyncio.Event()
            task = asyncio.ensure_future(self.sleep_in_lock(started))
            await started.wait()
            self.lose()  # which the heartbeat finds
            with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError) as caught:
                await task
            self.assertIsInstance(caught.exception.__cause__, asyncio.CancelledError)

        for heartbeat in Flufl.Heartbeat.AUTO, Flufl.Heartbeat.THREAD, Flufl.Heartbeat.MAIN_CONTEXT:
            self.lock.lifetime = 300 * MS
            self.lock.heartbeat = heartbeat
            self.run_in_loop(work())

    def test_the_task_goes_on_after_a_loss(self):
        async def work():
            self.lock.lifetime = 300 * MS
            for _ in range(2):
                try:
                    async with self.lock:
                        self.lose()
                        await asyncio.sleep(PATIENCE_S)
                except Flufl.LostError as error:
                    self.assertIsInstance(error.__cause__, asyncio.CancelledError)
                await asyncio.sleep(0)  # it is not cancelled any more
            return True

        self.assertTrue(self.run_in_loop(work()))

    def test_work_that_ignores_the_loss(self):
        async def work():
            self.lock.lifetime = 300 * MS
            async with self.lock:
                self.lose()
                with self.assertRaises(asyncio.CancelledError):
                    await asyncio.sleep(PATIENCE_S)
                with self.assertRaises(Flufl.LostError):
                    self.lock.release()

        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.run_in_loop(work())

    def test_an_object_that_was_acquired_anew(self):
        async def work():
            self.lock.lifetime = 300 * MS
            with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
                async with self.lock:
                    self.lose()
                    with self.assertRaises(asyncio.CancelledError):
                        await asyncio.sleep(PATIENCE_S)
                    self.lock.lifetime = HOUR
                    await self.lock.acquire_async()
            self.assertTrue(self.lock.held)
            await self.lock.release_async()

        self.run_in_loop(work())

    def test_cancelled_from_elsewhere(self):
        async def work(spoil):
            started = asyncio.Event()
            task = asyncio.ensure_future(self.sleep_in_lock(started))
            await started.wait()
            if spoil:
                self.lose()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertFalse(self.lock.held)

        for spoil in False, True:
            self.run_in_loop(work(spoil))
            self.assertEqual(os.listdir(self.dir), [])

    @unittest.skipUnless(hasattr(asyncio.Task, 'uncancel'), 'Task.uncancel() is of Python 3.11')
    def test_cancelled_from_elsewhere_and_by_the_loss(self):
        async def work(is_lost_first):
            started = asyncio.Event()
            task = asyncio.ensure_future(self.sleep_in_lock(started))
            await started.wait()
            self.lose()
            # The task has no turn between the two.
            if not is_lost_first:
                task.cancel()
            with self.assertRaises(Flufl.LostError):
                self.lock.check()
            if is_lost_first:
                task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertFalse(self.lock.held)

        for is_lost_first in False, True:
            self.run_in_loop(work(is_lost_first))

    def test_cancelled_at_any_moment(self):
        async def work(delay):
            task = asyncio.ensure_future(self.take_turn())
            await asyncio.sleep(delay)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            self.assertFalse(self.lock.held)
            self.assertEqual(os.listdir(self.dir), [])

        for i in range(200):
            self.run_in_loop(work(i * 1e-5))

    async def take_turn(self):
        async with self.lock:
            await asyncio.sleep(0)


class OperationsInGLib(InGLib, Operations):
    pass


class CancellationInGLib(InGLib, Cancellation):
    pass


class WithInGLib(InGLib, With):
    pass


class Process(AsyncioTestCase):
    def run_program(self, text):
        program = ('import sys, gi\ngi.require_version("Flufl", "1")\n'
                   'from gi.repository import Flufl\nlock = Flufl.Lock(sys.argv[1])\n' + text)
        result = subprocess.run([sys.executable, '-B', '-c', program, self.path], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S)
        self.assertEqual((result.returncode, result.stdout), (0, ''))
        self.assertEqual(os.listdir(self.dir), [])

    def test_asyncio_is_imported_only_when_it_is_used(self):
        # PyGObject 3.50 imports it itself, by Gio.
        self.run_program('had = "asyncio" in sys.modules\n'
                         'with lock: lock.refresh()\n'
                         'lock.acquire_async()\n'
                         'sys.exit("asyncio" in sys.modules and not had)\n')

    def test_ends_while_it_holds(self):
        self.run_program('import asyncio\nasync def work(): await lock.acquire_async()\n'
                         'asyncio.run(work())\nassert lock.held\n')

    def test_ends_while_it_waits(self):
        """The loop is gone, and its task was not cancelled."""
        self.run_program('import asyncio\n'
                         'other = Flufl.Lock(sys.argv[1])\nother.acquire()\n'
                         'loop = asyncio.new_event_loop()\n'
                         'coroutine = lock.acquire_async\n'
                         'async def work():\n'
                         '    global coroutine\n'
                         '    coroutine = lock.acquire_async()\n'
                         '    coroutine.send(None)\n'
                         'loop.run_until_complete(work())\nloop.close()\n'
                         'other.release()\n')

    def test_ends_in_a_statement(self):
        """The interpreter ends the task, at a time when it imports nothing any more."""
        self.run_program('import asyncio, logging\nlogging.disable()\n'
                         'async def work(begun):\n'
                         '    async with lock:\n'
                         '        begun.set()\n'
                         '        await asyncio.sleep(60)\n'
                         'async def begin():\n'
                         '    begun = asyncio.Event()\n'
                         '    loop.task = loop.create_task(work(begun))\n'
                         '    await begun.wait()\n'
                         'loop = asyncio.new_event_loop()\n'
                         'loop.run_until_complete(begin())\nassert lock.held\n'
                         'loop.close()\n')

    def test_fork(self):
        # From 3.12 on Python warns of every fork of a process that has threads, as any with GIO has.
        self.run_program('import asyncio, os, warnings\n'
                         'warnings.filterwarnings("ignore", "This process .*fork", DeprecationWarning)\n'
                         'async def work(lock):\n'
                         '    async with lock: await lock.refresh_async()\n'
                         'asyncio.run(work(lock))\n'
                         'child = os.fork()\n'
                         'asyncio.run(work(Flufl.Lock(sys.argv[1])))\n'
                         'assert child == 0 or os.waitpid(child, 0)[1] == 0\n')


if __name__ == '__main__':
    unittest.main()
