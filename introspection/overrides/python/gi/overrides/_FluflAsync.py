# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Operations of Flufl that a task of asyncio awaits.

A loop of asyncio iterates no main context of GLib. So one thread iterates a
context for all operations of the process, and their results come back by
`call_soon_threadsafe()`. A loop of `gi.events` iterates a context itself, and
its operations and signals stay in its thread.

A cancelled task waits until its operation has ended. An acquisition that was
won at that moment is undone.
"""

import asyncio
import atexit
import collections
import contextlib
import functools
import os
import sys
import threading
import weakref

from gi.module import get_introspection_module
from gi.repository import Gio, GLib, GObject

# How many seconds the end of the process waits for a handler of the user's.
_PATIENCE_S = 5

_Lock = get_introspection_module('Flufl').Lock


class _Service:
    """The thread that iterates a main context until the process ends."""

    _service = None

    def __init__(self):
        self._context = GLib.MainContext.new()
        self._stopped = False
        self._calls = collections.deque()
        self._thread = threading.Thread(target=self._iterate, name='flufl-asyncio', daemon=True)
        self._thread.start()

    @classmethod
    def get(cls):
        with _service_mutex:
            if cls._service is None:
                cls._service = cls()
            return cls._service

    @classmethod
    def forget(cls):
        """Forget the thread in a forked child, which lacks it and may have a locked mutex."""
        global _service_mutex
        _service_mutex = threading.Lock()
        cls._service = None

    @classmethod
    def stop(cls):
        """End the thread at exit: it must not wait for an interpreter that has ended.

        A handler of `atexit` that runs later begins another thread.
        """
        service, cls._service = cls._service, None
        if service is not None:
            service.call(service._stop)
            service._thread.join(_PATIENCE_S)

    def _stop(self):
        self._stopped = True

    def _iterate(self):
        self._context.push_thread_default()
        while not self._stopped:
            if self._calls:
                self._calls.popleft()()
            else:
                self._context.iteration(True)
        self._context.pop_thread_default()

    def call(self, function):
        """Have the thread call the function.

        No source of GLib is used, since PyGObject 3.42 leaks memory with each source.
        """
        self._calls.append(function)
        self._context.wakeup()


_service_mutex = threading.Lock()
os.register_at_fork(after_in_child=_Service.forget)
atexit.register(_Service.stop)


def _iterates_context(loop):
    """Whether callbacks of GLib come in the thread of the loop, as in `gi.events`."""
    events = sys.modules.get('gi.events')
    return (events is not None and isinstance(loop, events.GLibEventLoop)
            and GLib.MainContext.ref_thread_default().is_owner())


class _Flight:
    """An operation under way."""

    def __init__(self, lock, name, values, cancellable):
        self._lock = lock
        self._name = name
        self._arguments = *values, cancellable
        self._loop = asyncio.get_running_loop()
        self._future = self._loop.create_future()
        self._unread_wins = []  # at most one; the thread that takes it out undoes it
        self._is_unwanted = False
        if _iterates_context(self._loop):
            self._begin()
        else:
            _Service.get().call(self._begin)

    # In the thread that iterates the context.

    def _begin(self):
        try:
            subject = () if self._lock is None else (self._lock,)
            getattr(_Lock, self._name + '_async')(*subject, *self._arguments, self._finish)
        except Exception as error:  # an argument of the wrong type
            self._end(None, error)

    def _finish(self, unused, result):
        from gi.repository import Flufl
        try:
            answer = getattr(self._lock or Flufl.Lock, self._name + '_finish')(result)
        except Exception as error:
            self._end(None, error)
        else:
            if self._name == 'acquire':
                self._unread_wins.append(True)
            self._end(answer, None)

    def _end(self, answer, error):
        try:
            self._loop.call_soon_threadsafe(self._resolve, answer, error)
        except RuntimeError:  # the loop is closed
            self._is_unwanted = True
        if self._is_unwanted:
            self._undo_later()

    # In the thread of the loop.

    def _resolve(self, answer, error):
        if not self._future.done():
            self._future.set_result((answer, error))

    async def land(self, cancellable):
        """Wait for the result. If the task is cancelled, cancel the operation, and wait on."""
        cancellation = None
        while not self._future.done():
            try:
                await asyncio.shield(self._future)
            except asyncio.CancelledError as error:
                cancellation = error
                cancellable.cancel()
            except GeneratorExit:  # the loop has ended before its task
                if not sys.is_finalizing():  # or else the library gives up all locks itself
                    self._abandon(cancellable)
                raise
        answer, error = self._future.result()
        try:
            if cancellation is not None:
                await self._undo()
                raise cancellation
            if error is not None:
                raise error
            self._unread_wins.clear()
            return answer
        finally:
            del cancellation, error  # their tracebacks have this frame

    def _abandon(self, cancellable):
        self._is_unwanted = True
        cancellable.cancel()
        self._undo_later()

    def _take_win(self):
        try:
            return self._unread_wins.pop()
        except IndexError:
            return False

    async def _undo(self):
        if self._take_win():
            try:
                await operate(self._lock, 'release', ())
            except asyncio.CancelledError:  # the lock is released nevertheless
                pass
            except GLib.Error:
                self._lock.abandon()

    def _undo_later(self):
        if self._take_win():
            _Service.get().call(self._lock.abandon)


async def operate(lock, name, values, cancellable=None):
    """Run an operation to its end, and return its answer. `lock` is None for a static method."""
    own = Gio.Cancellable()
    if name == 'release':  # not cancelled: a release is short, and must not leave the lock held
        return await _Flight(lock, name, values, cancellable).land(own)
    if cancellable is None:
        return await _Flight(lock, name, values, own).land(own)
    # The end of Gio.Cancellable.connect() would wait for handlers in other threads.
    handler = GObject.Object.connect(cancellable, 'cancelled', lambda unused: own.cancel())
    try:
        if cancellable.is_cancelled():
            own.cancel()
        return await _Flight(lock, name, values, own).land(own)
    finally:
        GObject.Object.disconnect(cancellable, handler)


def is_in_loop():
    """Whether a loop of asyncio runs this."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _current_task():
    return asyncio.current_task() if is_in_loop() else None


def _claim_path(lock):
    claim = lock.claim_file
    return claim.get_path() if claim else None


class _Hold:
    """One `async with`: from the acquisition to the end of the work.

    It keeps neither the lock nor the task alive: if a loop is closed with tasks that are not done,
    the collection of a task ends its statements.
    """

    def __init__(self, lock):
        task = asyncio.current_task()
        self._lock = weakref.ref(lock, functools.partial(_forget_holds, id(lock)))
        self._loop = weakref.ref(asyncio.get_running_loop())
        self._task = _no_task if task is None else weakref.ref(task)
        self._others = task.cancelling() if hasattr(task, 'cancelling') else 0
        self._is_over = False
        self._has_cancelled = False
        self.error = None
        self._claim = _claim_path(lock)
        self._cancellable = lock.dup_lost_cancellable()
        self._handler = GObject.Object.connect(self._cancellable, 'cancelled', _lost_cb,
                                               weakref.ref(self))
        if self._cancellable.is_cancelled():
            self.lose()

    def lose(self):
        """Note the loss and stop the work, from any thread."""
        lock, loop = self._lock(), self._loop()
        if lock is not None:
            self.error = lock.dup_lost_error()
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._stop_work)

    def _stop_work(self):
        task = self._task()
        if task is not None and not self._is_over and not self._has_cancelled:
            self._has_cancelled = task.cancel()

    def has_lease(self):
        """Whether the lease has not ended, by a loss or a release, so that the object has no later one."""
        lock = self._lock()
        return not self._cancellable.is_cancelled() and lock is not None and _claim_path(lock) == self._claim

    def is_of(self, task):
        return task is not None and self._task() is task

    def has_task_ended(self):
        task = self._task()
        return task is None or task.done()

    def end(self):
        """Return whether the loss alone has cancelled the task that runs this, and nobody else."""
        task = _current_task()
        self._is_over = True
        GObject.Object.disconnect(self._cancellable, self._handler)
        if not self._has_cancelled or not self.is_of(task):
            return False
        return not hasattr(task, 'uncancel') or task.uncancel() <= self._others


def _no_task():
    return None


def _lost_cb(unused, hold):
    hold = hold()
    if hold is not None:
        hold.lose()


# By the id of the object, in the order of their beginnings. Only the last can have the lock: after
# a loss, another task may acquire an object anew, and so may the work.
_holds = {}


def _forget_holds(lock_id, unused):
    _holds.pop(lock_id, None)


def _take_hold(lock):
    """Take out the hold that ends here, or None.

    That is the last one of the running task. An `async with` of a generator or a stack may end in
    another task, most likely after the task in which it began.
    """
    holds = _holds.get(id(lock))
    if not holds:  # no statement, or the collection of the object has begun
        return None
    task = _current_task()
    hold = (next((hold for hold in reversed(holds) if hold.is_of(task)), None)
            or next((hold for hold in holds if hold.has_task_ended()), holds[0]))
    holds.remove(hold)
    if not holds:
        _holds.pop(id(lock), None)
    return hold


async def enter(lock):
    await operate(lock, 'acquire', (get_introspection_module('Flufl').LOCK_TIMEOUT_DEFAULT,))
    try:
        _holds.setdefault(id(lock), []).append(_Hold(lock))
    except BaseException:  # of a handler of a signal: the statement does not begin
        lock.abandon()
        raise


async def leave(lock, work_error, is_stopped):
    """Release the lock after the work, and raise the loss.

    `is_stopped` is whether the error of the work only says that it was stopped.
    """
    hold = _take_hold(lock)
    if hold is not None and hold.end() and isinstance(work_error, asyncio.CancelledError):
        is_stopped = True
    failure = None if hold is None else hold.error
    if isinstance(work_error, GeneratorExit):  # what is closed or collected cannot await
        if failure is None and lock.held:
            lock.abandon()
        return
    if failure is None or not lock.held:  # after a loss, another task may hold the lock
        try:
            await operate(lock, 'release', ())
        except BaseException as error:
            # Nobody would release it again.
            if failure is None and lock.held and (hold is None or hold.has_lease()):
                lock.abandon()
            if not isinstance(error, GLib.Error):
                raise
            failure = failure or error
    try:
        if failure is not None and (work_error is None or is_stopped):
            raise failure from work_error
    finally:
        del failure, hold
