# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Locks of Flufl as decorators of Python."""

import asyncio
import contextlib
import functools
import gc
import inspect
import unittest
import warnings

from locktest import LockTestCase

from gi.repository import Flufl


class Decorator(LockTestCase):
    def test_function(self):
        @self.lock
        def add(one, *, other):
            """Add."""
            self.assertTrue(self.lock.held)
            return one + other

        self.assertEqual((add.__name__, add.__doc__), ('add', 'Add.'))
        self.assertEqual(list(inspect.signature(add).parameters), ['one', 'other'])
        for _ in range(2):
            self.assertFalse(self.lock.held)
            self.assertEqual(add(1, other=2), 3)
        self.assertFalse(self.lock.held)

    def test_async_function(self):
        @self.lock
        async def add(one, other):
            self.assertTrue(self.lock.held)
            await asyncio.sleep(0)
            return one + other

        self.assertTrue(inspect.iscoroutinefunction(add))
        self.assertEqual(asyncio.run(add(1, 2)), 3)
        self.assertFalse(self.lock.held)

    def test_errors(self):
        @self.lock
        def fail():
            1 / 0

        @self.lock
        def call_itself():
            call_itself()

        with self.assertRaises(ZeroDivisionError):
            fail()
        with self.assertRaises(Flufl.AlreadyHeldError):
            call_itself()
        self.assertFalse(self.lock.held)

    def test_object_with_an_async_call(self):
        for function in Adder(self), functools.partial(Adder(self), other=2), Adder(self).__call__:
            add = self.lock(function)
            self.assertTrue(inspect.iscoroutinefunction(add))
            self.assertEqual(asyncio.run(add(1, other=2)), 3)
            self.assertFalse(self.lock.held)

    def test_what_is_not_decorated(self):
        def generator():
            yield

        async def async_generator():
            yield

        class Object:
            def __call__(self):
                yield

        class AsyncObject:
            async def __call__(self):
                yield

        for function in generator, async_generator, Object(), AsyncObject(), 1, None:
            with self.assertRaises(TypeError):
                self.lock(function)
            with self.assertRaises(TypeError):
                self.lock(functools.partial(function) if callable(function) else function)

    def test_result_whose_work_comes_later(self):
        class Awaitable:
            def __await__(unused):
                self.fail('awaited')

        def generator():
            self.fail('run')
            yield

        async def async_generator():
            self.fail('run')
            yield

        async def coroutine_function():
            self.fail('run')

        for function in Awaitable, generator, async_generator, coroutine_function:
            def return_later():
                self.assertTrue(self.lock.held)
                return function()

            async def return_later_async():
                return return_later()

            with self.assertNoWarnings():
                with self.assertRaisesRegex(TypeError, 'does not protect'):
                    self.lock(return_later)()
                with self.assertRaisesRegex(TypeError, 'does not protect'):
                    asyncio.run(self.lock(return_later_async)())
            self.assertFalse(self.lock.held)

    def test_task_that_goes_on(self):
        async def work():
            task = None

            @self.lock
            def start():
                nonlocal task
                task = asyncio.ensure_future(asyncio.sleep(0, 'result'))
                return task

            with self.assertRaisesRegex(TypeError, 'does not protect'):
                start()
            self.assertEqual(await task, 'result')

        asyncio.run(work())

    @contextlib.contextmanager
    def assertNoWarnings(self):
        """A coroutine that nobody awaits warns when it is collected."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            yield
            gc.collect()
        self.assertEqual(caught, [])


class Adder:
    """An object that is called as an async function is."""

    def __init__(self, test):
        self.test = test

    async def __call__(self, one, other):
        self.test.assertTrue(self.test.lock.held)
        await asyncio.sleep(0)
        self.test.assertTrue(self.test.lock.held)
        return one + other


if __name__ == '__main__':
    unittest.main()
