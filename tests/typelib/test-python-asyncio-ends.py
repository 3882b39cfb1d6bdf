# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Ends of `async with` of Flufl from Python that come in another task, or with the loop."""

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import unittest
import weakref

from asynciotest import AsyncioTestCase, InGLib
from locktest import HOUR, MS, PATIENCE_S, Stop, stopping_trace, wait_for

from gi.overrides import _FluflAsync
from gi.repository import Flufl


AT_EXIT = '''
import asyncio, atexit, sys
import gi
gi.require_version('Flufl', '1')
from gi.repository import Flufl

async def save(text):
    async with Flufl.Lock(sys.argv[1]):
        print(text)

# It runs after the handlers that are registered later.
atexit.register(lambda: asyncio.run(save('at exit')))
asyncio.run(save('before'))
'''


class AtExit(AsyncioTestCase):
    def test_ends(self):
        process = subprocess.run([sys.executable, '-B', '-c', AT_EXIT, self.path], timeout=PATIENCE_S,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = process.stdout.splitlines()
        if sys.version_info >= (3, 12) and 'new thread' in process.stderr:
            self.assertEqual(lines, ['before'])  # no thread begins at exit, and the handler hears it
        else:
            self.assertEqual((lines, process.stderr), (['before', 'at exit'], ''))


class Interrupted(AsyncioTestCase):
    def test_beginning(self):
        """An exception amid the beginning of the statement gives the lock up."""
        code = _FluflAsync._Hold.__init__.__code__
        for moment in range(1, 1000):
            if not self.is_stopped_at(moment, code):
                break
            self.assertFalse(self.lock.held, moment)
        self.assertGreater(moment, 20)

    def is_stopped_at(self, moment, code):
        async def work():
            sys.settrace(stopping_trace(moment, {code}))
            async with self.lock:
                sys.settrace(before)

        before = sys.gettrace()
        try:
            self.run_in_loop(work())
        except Stop:
            return True
        finally:
            sys.settrace(before)
        return False


class InAnotherTask(AsyncioTestCase):
    async def rows(self):
        async with self.lock:
            for i in range(3):
                yield i

    @contextlib.asynccontextmanager
    async def turn(self):
        async with self.lock:
            yield

    def tearDown(self):
        self.assertNotIn(id(self.lock), _FluflAsync._holds)
        super().tearDown()

    def test_generator_that_is_left(self):
        async def work():
            async for i in self.rows():
                self.assertTrue(self.lock.held)
                break
            await self.until(lambda: not self.lock.held)

        self.run_in_loop(work())

    def test_generator_that_is_closed(self):
        async def work(in_task):
            rows = self.rows()
            await asyncio.ensure_future(rows.__anext__())
            self.assertTrue(self.lock.held)
            await (asyncio.ensure_future(rows.aclose()) if in_task else rows.aclose())
            self.assertFalse(self.lock.held)

        for in_task in False, True:
            self.run_in_loop(work(in_task))

    def test_generator_that_the_loop_closes(self):
        async def work():
            rows = self.rows()
            await rows.__anext__()
            await asyncio.get_running_loop().shutdown_asyncgens()
            self.assertFalse(self.lock.held)

        self.run_in_loop(work())

    def test_generator_that_goes_on(self):
        async def work():
            rows = self.rows()
            got = [await asyncio.ensure_future(rows.__anext__()) for _ in range(3)]
            self.assertEqual(got, [0, 1, 2])
            self.assertTrue(self.lock.held)
            with self.assertRaises(StopAsyncIteration):
                await rows.__anext__()
            self.assertFalse(self.lock.held)

        self.run_in_loop(work())

    def test_stack(self):
        async def enter(stack):
            await stack.enter_async_context(self.lock)

        async def work():
            stack = contextlib.AsyncExitStack()
            await asyncio.ensure_future(enter(stack))
            self.assertTrue(self.lock.held)
            await asyncio.ensure_future(stack.aclose())
            self.assertFalse(self.lock.held)

        self.run_in_loop(work())

    def test_both_ends_in_tasks_of_their_own(self):
        async def work():
            turn = self.turn()
            await asyncio.ensure_future(turn.__aenter__())
            self.assertTrue(self.lock.held)
            await asyncio.ensure_future(turn.__aexit__(None, None, None))
            self.assertFalse(self.lock.held)

        for _ in range(2):
            self.run_in_loop(work())

    def test_both_ends_in_wait_for(self):
        async def work():
            turn = self.turn()
            await asyncio.wait_for(turn.__aenter__(), PATIENCE_S)
            self.assertTrue(self.lock.held)
            await asyncio.wait_for(turn.__aexit__(None, None, None), PATIENCE_S)
            self.assertFalse(self.lock.held)

        self.run_in_loop(work())

    def test_two_loops(self):
        self.run_in_loop(self.lock.__aenter__())
        self.assertTrue(self.lock.held)
        self.run_in_loop(self.lock.__aexit__(None, None, None))
        self.assertFalse(self.lock.held)

    def test_end_without_a_beginning(self):
        with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
            self.run_in_loop(self.lock.__aexit__(None, None, None))

    def test_loss_after_the_task_that_began(self):
        async def work():
            await asyncio.ensure_future(self.lock.__aenter__())
            self.lose()
            with self.assertRaises(Flufl.LostError):
                self.lock.check()
            for _ in range(10):
                await asyncio.sleep(0)
            await asyncio.ensure_future(self.lock.__aexit__(None, None, None))

        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.run_in_loop(work())

    def test_loss_cancels_the_task_that_began(self):
        async def begin(begun):
            await self.lock.__aenter__()
            begun.set()
            await asyncio.sleep(PATIENCE_S)

        async def work():
            begun = asyncio.Event()
            task = asyncio.ensure_future(begin(begun))
            await begun.wait()
            self.lose()
            with self.assertRaises(Flufl.LostError):
                self.lock.check()
            with self.assertRaises(asyncio.CancelledError):
                await task
            with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
                await self.lock.__aexit__(None, None, None)
            if hasattr(task, 'cancelling'):
                self.assertEqual(asyncio.current_task().cancelling(), 0)

        self.run_in_loop(work())

    def test_cancelled_where_it_ends(self):
        """The cancellation of the task that ends the statement is not taken for the loss."""
        async def begin(begun):
            await self.lock.__aenter__()
            begun.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(PATIENCE_S)

        async def end(stack):
            async with stack:
                await asyncio.sleep(PATIENCE_S)

        async def work():
            begun = asyncio.Event()
            beginning = asyncio.ensure_future(begin(begun))
            await begun.wait()
            stack = contextlib.AsyncExitStack()
            stack.push_async_exit(self.lock)
            ending = asyncio.ensure_future(end(stack))
            await asyncio.sleep(0)
            self.lose()
            with self.assertRaises(Flufl.LostError):
                self.lock.check()
            await beginning
            ending.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await ending

        self.run_in_loop(work())

    def test_leaves_a_lock_that_was_acquired_anew(self):
        async def lose_in_generator():
            rows = self.rows()
            await rows.__anext__()
            self.lose()
            with self.assertRaises(Flufl.LostError):
                self.lock.check()
            return rows

        async def work(by_close):
            rows = await asyncio.ensure_future(lose_in_generator())
            async with self.lock:
                # Not in this task, which has a hold of its own.
                if by_close:
                    await asyncio.ensure_future(rows.aclose())
                else:
                    with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
                        await asyncio.ensure_future(self.last(rows))
                self.assertTrue(self.lock.held)
                await self.lock.check_async()
            self.assertFalse(self.lock.held)

        for by_close in False, True:
            self.run_in_loop(work(by_close))

    async def last(self, rows):
        async for _ in rows:
            pass


class WithTheLoop(AsyncioTestCase):
    """Tasks that are not done when their loop is closed, and are collected later."""

    async def hold(self, lock, begun):
        async with lock:
            begun.set()
            await asyncio.sleep(PATIENCE_S)
            self.fail('not ended')

    def close_with_a_task(self, work, lock, *args):
        """Run until the work has begun, and close the loop."""
        async def begin():
            begun = asyncio.Event()
            task = loop.create_task(work(lock, begun, *args))
            await begun.wait()
            self.assertFalse(task.done())
            return weakref.ref(task)

        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)  # 'Task was destroyed …'
        task = loop.run_until_complete(begin())
        loop.close()
        return task

    def is_empty(self):
        return os.listdir(self.dir) == []

    def collect_until(self, condition):
        """The thread of the operations may drop the last one late."""
        wait_for(lambda: gc.collect() >= 0 and condition())

    def test_lock_that_stays(self):
        self.close_with_a_task(self.hold, self.lock)
        self.collect_until(lambda: not self.lock.held and self.is_empty())

    def test_lock_that_goes(self):
        lock = Flufl.Lock(self.path)
        key, seen = id(lock), weakref.ref(lock)
        self.close_with_a_task(self.hold, lock)
        self.assertTrue(lock.held)
        del lock
        self.collect_until(lambda: seen() is None and self.is_empty())
        self.assertNotIn(key, sys.modules['gi.overrides._FluflAsync']._holds)

    def test_loop_that_is_not_closed(self):
        async def begin(lock):
            begun = asyncio.Event()
            asyncio.get_running_loop().create_task(self.hold(lock, begun))
            await begun.wait()

        lock = Flufl.Lock(self.path)
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        loop.run_until_complete(begin(lock))
        self.assertTrue(lock.held)
        with self.assertWarns(ResourceWarning):  # its sockets are open
            del lock, loop
            self.collect_until(self.is_empty)

    def test_while_an_operation_runs(self):
        async def refresh(lock, begun):
            async with lock:
                begun.set()
                while True:
                    await lock.refresh_async(HOUR)

        for _ in range(20):
            self.close_with_a_task(refresh, self.lock)
            self.collect_until(lambda: not self.lock.held and self.is_empty())

    def test_in_a_generator(self):
        """Python does not end a generator whose loop is closed, so the object must go, too."""
        async def rows(lock):
            async with lock:
                yield
                await asyncio.sleep(PATIENCE_S)

        async def work(lock, begun):
            async for _ in rows(lock):
                begun.set()

        self.close_with_a_task(work, Flufl.Lock(self.path))
        self.collect_until(self.is_empty)

    def test_closed_in_another_loop(self):
        async def close():
            coroutine.close()
            self.assertFalse(self.lock.held)
            await self.until(self.is_empty)

        coroutine = self.hold(self.lock, asyncio.Event())

        async def begin():
            future = coroutine.send(None)
            while not future.done():
                await asyncio.sleep(0)
            while not self.lock.held:
                await asyncio.sleep(0)
            coroutine.send(None)

        self.run_in_loop(begin())
        self.assertTrue(self.lock.held)
        self.run_in_loop(close())

    def test_lost_before(self):
        self.lock.lifetime = 300 * MS
        task = self.close_with_a_task(self.hold, self.lock)
        self.lose()
        with self.assertRaises(Flufl.LostError):
            self.lock.check()
        with self.lock:
            self.collect_until(lambda: task() is None)
            self.assertTrue(self.lock.held)
            self.lock.check()


class InAnotherTaskInGLib(InGLib, InAnotherTask):
    pass


if __name__ == '__main__':
    unittest.main()
