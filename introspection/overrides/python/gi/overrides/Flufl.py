# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""What makes Flufl pleasant from Python.

    lock = Flufl.Lock('/srv/mail/list.lock', lifetime=timedelta(seconds=30))
    try:
        with lock:
            ...
    except TimeoutError as error:
        print(error.message)

A duration is a `datetime.timedelta` or a whole number of milliseconds, never a
float; a timeout of None is for ever. A file is a path or a `Gio.File`, and
arguments that have a usual value may be left out.

Errors are subclasses of `GLib.Error`. A system call's error is an `OSError`
too, such as `FileNotFoundError`, with `errno` and `filename`.

Under asyncio there are `async with lock:` and `await lock.acquire_async()`, and
`@lock` is a decorator.

Handlers of signals run while a method waits. If one raises an exception, the
method ends with it; and if that was `acquire()`, the lock is not held.
"""

import datetime
import functools
import inspect
import os
import sys

from gi.module import get_introspection_module
from gi.overrides import override
from gi.overrides._FluflDurations import (default_timeout_to_ms, from_ms, in_range, lifetime_to_ms,
                                          new_lifetime_to_ms, timeout_to_ms, to_ms)
from gi.overrides._FluflErrors import (AlreadyHeldError, Error, LostError, NotALockError, NotHeldError,
                                       TimedOutError, UnsupportedError, exception_of)
from gi.overrides._FluflErrors import GError  # noqa: F401 (pickle looks for it here)
from gi.overrides._FluflOperations import (begin_scope, connects, end_scope, find_scope, give_up_scope, note_lease,
                                           run, run_operation, typed)
from gi.repository import Gio, GLib

Flufl = get_introspection_module('Flufl')

__all__ = [
    'AlreadyHeldError', 'Error', 'Lock', 'LockDetails', 'LostError',
    'NotALockError', 'NotHeldError', 'TimedOutError', 'UnsupportedError',
    'error_means_unavailable',
]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def _finishes(name):
    """Make a `…_finish` that raises the exceptions of this module."""
    method = getattr(Flufl.Lock, name)

    @functools.wraps(method)
    def finish(self, result):
        return typed(self, method, self, result)
    return finish


def _is_cancelled(exception):
    return (isinstance(exception, GLib.Error)
            and exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))


def _start(lock, name, values, args, kwargs):
    """Begin an asynchronous operation. `lock` is None for a static method.

    Without a callback, return a coroutine if a loop of asyncio runs.
    """
    if not ('callback' in kwargs or len(args) > 1) and 'asyncio' in sys.modules:
        from gi.overrides import _FluflAsync
        if _FluflAsync.is_in_loop():
            return _FluflAsync.operate(lock, name, values, *args, **kwargs)
    subject = () if lock is None else (lock,)
    return getattr(Flufl.Lock, name + '_async')(*subject, *values, *args, **kwargs)


def _is_kind(function, is_function_of_kind):
    """Whether a function is of a kind of `inspect`, or an object whose `__call__` is."""
    while isinstance(function, functools.partial):
        function = function.func
    return is_function_of_kind(function) or is_function_of_kind(type(function).__call__)


def _done(result):
    """Return the result of decorated work, unless the work goes on after it."""
    if not (inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result)):
        return result
    if inspect.iscoroutine(result) and inspect.getcoroutinestate(result) == inspect.CORO_CREATED:
        result.close()  # or else Python warns that nobody awaits it
    raise TypeError(f'the lock does not protect the work of a {type(result).__name__} that the function '
                    'returns; decorate an `async def`, or write `with lock:` or `async with lock:`')


def _decorate(lock, function):
    if not callable(function):
        raise TypeError(f'a lock decorates a function, not {type(function).__name__}')
    if _is_kind(function, inspect.isgeneratorfunction) or _is_kind(function, inspect.isasyncgenfunction):
        raise TypeError('a lock does not decorate a generator, whose work begins after its call; '
                        'write `with lock:` in it')
    if _is_kind(function, inspect.iscoroutinefunction):
        async def wrapper(*args, **kwargs):
            async with lock:
                return _done(await function(*args, **kwargs))
    else:
        def wrapper(*args, **kwargs):
            with lock:
                return _done(function(*args, **kwargs))
    return functools.wraps(function)(wrapper)


def _file(file):
    """Make a file whose parent and children are those of the kernel.

    A Gio.File drops "x/.." from a path as text. Behind a symbolic link, ".." is the parent of the
    directory that the link points to.
    """
    if isinstance(file, Gio.File):
        return file
    path = os.fsdecode(file)
    directory, name = os.path.split(path.rstrip('/'))
    if name == os.pardir:
        directory, name = path, ''
    if os.pardir in directory.split('/'):
        path = os.path.join(os.path.realpath(directory), name)
    return Gio.File.new_for_path(os.path.abspath(path))


def _file_as_given(file):
    """Take "x/.." as the kernel does, for a lock file. The disk is not touched."""
    if isinstance(file, Gio.File):
        return file
    return Flufl.Lock.new_for_path(os.fspath(file)).get_file()


def error_means_unavailable(error):
    """Whether an acquisition has failed because no lock can be had at the place."""
    return Flufl.error_code_means_unavailable(GLib.quark_from_string(error.domain), error.code)


class Lock(Flufl.Lock):
    """A lock that is a file.

    Properties can also be given as keywords to the constructor, with
    underscores. As attributes, `lifetime`, `default_timeout` and `waiting_delay`
    are timedeltas, and a `default_timeout` of None is for ever. Under `props`
    they are milliseconds, as everywhere else. `remaining_lifetime` is a timedelta,
    too, and `get_remaining_lifetime()` returns milliseconds.
    """

    def __init__(self, file=None, **properties):
        if file is None and properties.get('document') is None:
            raise TypeError('a lock needs a file, or a document')
        if file is None:
            properties['document'] = _file(properties['document'])
        else:
            properties['file'] = _file_as_given(file)
        if 'lifetime' in properties:
            properties['lifetime'] = lifetime_to_ms(properties['lifetime'])
        if 'default_timeout' in properties:
            properties['default_timeout'] = default_timeout_to_ms(properties['default_timeout'])
        if 'waiting_delay' in properties:
            properties['waiting_delay'] = in_range(
                'waiting-delay', to_ms(properties['waiting_delay']))
        super().__init__(**properties)

    @classmethod
    def new_beside(cls, file, **properties):
        """new_beside(file, **properties) -> Flufl.Lock: the lock that protects the file

        Takes a str, bytes, os.PathLike or Gio.File, and properties as the constructor does.
        """
        if not isinstance(file, Gio.File):
            path = os.fspath(file)
            dot_lock, ends, dots = (('.lock', '/', ('.', '..')) if isinstance(path, str)
                                    else (b'.lock', b'/', (b'.', b'..')))
            if os.path.basename(path.rstrip(ends)) in dots:  # these are not the directory's name
                path = os.path.realpath(path)
            if os.path.basename(path.rstrip(ends)):
                return cls(path.rstrip(ends) + dot_lock, **properties)
            file = Flufl.Lock.new_for_path(path).get_file()
        return cls(Flufl.Lock.new_beside(file).get_file(), **properties)

    @classmethod
    def new_for_document(cls, document, **properties):
        """new_for_document(document, **properties) -> Flufl.Lock: the lock of a document

        Takes a str, bytes, os.PathLike or Gio.File, and properties as the constructor does.
        """
        return cls(document=document, **properties)

    def __repr__(self):
        file = self.get_file()
        if file is None:  # an object made by GObject.new() may have none
            return '<Flufl.Lock without a file>'
        return '<Flufl.Lock {!r}{}>'.format(file.get_path() or file.get_uri(),
                                            ' held' if self.get_held() else '')

    def __enter__(self):
        begin_scope(self)
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        scope = None
        try:
            scope = find_scope(self)
            end_scope(self, scope)
        except GLib.Error:
            # Do not hide why the work failed. A cancellation is no such reason,
            # since the lock's own cancellable may have stopped the work.
            if exc_type is None or _is_cancelled(exc_value):
                raise
        except BaseException:
            give_up_scope(self, scope or find_scope(self))
            raise

    async def __aenter__(self):
        from gi.overrides import _FluflAsync
        await _FluflAsync.enter(self)
        return self

    async def __aexit__(self, exc_type, exc_value, traceback):
        if sys.is_finalizing():  # nothing is imported any more, and the library gives up all locks itself
            return
        from gi.overrides import _FluflAsync
        await _FluflAsync.leave(self, exc_value, _is_cancelled(exc_value))

    def __call__(self, function):
        """Decorate a function, or an async one: each call acquires the lock, and releases it."""
        return _decorate(self, function)

    connect = connects('connect')
    connect_after = connects('connect_after')
    connect_data = connects('connect_data')
    connect_object = connects('connect_object')
    connect_object_after = connects('connect_object_after')

    file = property(Flufl.Lock.get_file)
    document = property(Flufl.Lock.get_document)
    subject = property(Flufl.Lock.get_subject, Flufl.Lock.set_subject)
    separator = property(Flufl.Lock.get_separator)
    without_links = property(Flufl.Lock.get_without_links)
    heartbeat = property(Flufl.Lock.get_heartbeat, Flufl.Lock.set_heartbeat)
    break_dead = property(Flufl.Lock.get_break_dead, Flufl.Lock.set_break_dead)
    linger = property(Flufl.Lock.get_linger, Flufl.Lock.set_linger)
    release_at_exit = property(Flufl.Lock.get_release_at_exit, Flufl.Lock.set_release_at_exit)
    host_name = property(Flufl.Lock.get_host_name)
    program_name = property(Flufl.Lock.get_program_name)
    claim_file = property(Flufl.Lock.dup_claim_file)
    held = property(Flufl.Lock.get_held)
    watch_wanted = property(Flufl.Lock.get_watch_wanted, Flufl.Lock.set_watch_wanted)
    wanted = property(Flufl.Lock.get_wanted)
    retry_errnos = property(Flufl.Lock.get_retry_errnos, Flufl.Lock.set_retry_errnos)

    @property
    def lifetime(self):
        return datetime.timedelta(milliseconds=self.get_lifetime())

    @lifetime.setter
    def lifetime(self, lifetime):
        self.set_lifetime(lifetime)

    def set_lifetime(self, lifetime):
        super().set_lifetime(lifetime_to_ms(lifetime))

    @property
    def remaining_lifetime(self):
        return datetime.timedelta(milliseconds=self.get_remaining_lifetime())

    @property
    def default_timeout(self):
        timeout_ms = self.get_default_timeout()
        return None if timeout_ms < 0 else from_ms(timeout_ms)

    @default_timeout.setter
    def default_timeout(self, timeout):
        self.set_default_timeout(timeout)

    def set_default_timeout(self, timeout):
        super().set_default_timeout(default_timeout_to_ms(timeout))

    @property
    def waiting_delay(self):
        return datetime.timedelta(milliseconds=self.get_waiting_delay())

    @waiting_delay.setter
    def waiting_delay(self, delay):
        self.set_waiting_delay(delay)

    def set_waiting_delay(self, delay):
        super().set_waiting_delay(in_range('waiting-delay', to_ms(delay)))

    def acquire(self, timeout=Flufl.LOCK_TIMEOUT_DEFAULT, cancellable=None):
        """acquire(self, timeout=the default timeout, cancellable=None) -> bool

        A timeout of None is for ever.
        """
        return run(self, Flufl.OperationKind.ACQUIRE, timeout_to_ms(timeout), cancellable,
                   functools.partial(note_lease, self))

    def release(self, cancellable=None):
        """release(self, cancellable=None) -> bool"""
        return run(self, Flufl.OperationKind.RELEASE, 0, cancellable, Flufl.Operation.get_answer)

    def refresh(self, lifetime=Flufl.LOCK_LIFETIME_DEFAULT, cancellable=None):
        """refresh(self, lifetime=the property's present value, cancellable=None) -> bool"""
        return run(self, Flufl.OperationKind.REFRESH, new_lifetime_to_ms(lifetime),
                   cancellable, Flufl.Operation.get_answer)

    def check(self, cancellable=None):
        """check(self, cancellable=None) -> bool"""
        return run(self, Flufl.OperationKind.CHECK, 0, cancellable, Flufl.Operation.get_answer)

    def query_state(self, cancellable=None):
        """query_state(self, cancellable=None) -> Flufl.LockState"""
        return run(self, Flufl.OperationKind.QUERY_STATE, 0, cancellable,
                   Flufl.Operation.get_state)

    def query_details(self, cancellable=None):
        """query_details(self, cancellable=None) -> Flufl.LockDetails"""
        return run(self, Flufl.OperationKind.QUERY_DETAILS, 0, cancellable,
                   Flufl.Operation.steal_details)

    def query_foreign_details(self, cancellable=None):
        """query_foreign_details(self, cancellable=None) -> Flufl.LockDetails"""
        self._need_document()
        return typed(self, super().query_foreign_details, cancellable)

    def _need_document(self):
        if self.get_document() is None:
            raise ValueError('only the lock of a document has foreign details')

    def break_lock(self, flags=Flufl.BreakFlags.NONE, cancellable=None):
        """break_lock(self, flags=Flufl.BreakFlags.NONE, cancellable=None) -> bool"""
        return run(self, Flufl.OperationKind.BREAK_LOCK, int(flags), cancellable,
                   Flufl.Operation.get_answer)

    def break_lock_of(self, details, flags=Flufl.BreakFlags.NONE, cancellable=None):
        """break_lock_of(self, details, flags=Flufl.BreakFlags.NONE, cancellable=None) -> bool"""
        operation = Flufl.Operation.new_break_lock_of(self, details, flags, cancellable)
        return run_operation(self, operation, Flufl.Operation.get_answer)

    def list_waiters(self, cancellable=None):
        """list_waiters(self, cancellable=None) -> list of Flufl.LockDetails"""
        return typed(self, super().list_waiters, cancellable)

    @staticmethod
    def remove_leftovers(directory, dry_run=False, cancellable=None):
        """remove_leftovers(directory, dry_run=False, cancellable=None) -> list of Gio.File

        Takes a str, bytes, os.PathLike or Gio.File.
        """
        directory = _file(directory)
        return typed(Flufl.Lock.new(directory), Flufl.Lock.remove_leftovers, directory, dry_run,
                     cancellable)

    def dup_lost_error(self):
        """Get the `LostError` by which the object last lost the lock, or None."""
        error = super().dup_lost_error()
        return error and exception_of(self, error.domain, error.code, error.message)

    @staticmethod
    def release_all(timeout=datetime.timedelta(seconds=2)):
        """release_all(timeout=two seconds) -> bool: whether all were given up in time"""
        return Flufl.Lock.release_all(timeout_to_ms(timeout, Flufl.LOCK_TIMEOUT_FOREVER))

    def explain_error(self, error):
        """Get the loss of the lock if it has cancelled the work, and `error` otherwise."""
        return _is_cancelled(error) and self.dup_lost_error() or error

    def acquire_async(self, timeout=Flufl.LOCK_TIMEOUT_DEFAULT, *args, **kwargs):
        return _start(self, 'acquire', (timeout_to_ms(timeout),), args, kwargs)

    def release_async(self, *args, **kwargs):
        return _start(self, 'release', (), args, kwargs)

    def refresh_async(self, lifetime=Flufl.LOCK_LIFETIME_DEFAULT, *args, **kwargs):
        return _start(self, 'refresh', (new_lifetime_to_ms(lifetime),), args, kwargs)

    def check_async(self, *args, **kwargs):
        return _start(self, 'check', (), args, kwargs)

    def query_state_async(self, *args, **kwargs):
        return _start(self, 'query_state', (), args, kwargs)

    def query_details_async(self, *args, **kwargs):
        return _start(self, 'query_details', (), args, kwargs)

    def query_foreign_details_async(self, *args, **kwargs):
        self._need_document()
        return _start(self, 'query_foreign_details', (), args, kwargs)

    def list_waiters_async(self, *args, **kwargs):
        return _start(self, 'list_waiters', (), args, kwargs)

    @staticmethod
    def remove_leftovers_async(directory, dry_run=False, *args, **kwargs):
        return _start(None, 'remove_leftovers', (_file(directory), dry_run), args, kwargs)

    def break_lock_async(self, flags=Flufl.BreakFlags.NONE, *args, **kwargs):
        return _start(self, 'break_lock', (flags,), args, kwargs)

    def break_lock_of_async(self, details, flags=Flufl.BreakFlags.NONE, *args, **kwargs):
        return _start(self, 'break_lock_of', (details, flags), args, kwargs)

    acquire_finish = _finishes('acquire_finish')
    release_finish = _finishes('release_finish')
    refresh_finish = _finishes('refresh_finish')
    check_finish = _finishes('check_finish')
    query_state_finish = _finishes('query_state_finish')
    query_details_finish = _finishes('query_details_finish')
    query_foreign_details_finish = _finishes('query_foreign_details_finish')
    list_waiters_finish = _finishes('list_waiters_finish')
    break_lock_finish = _finishes('break_lock_finish')
    break_lock_of_finish = _finishes('break_lock_of_finish')

    @staticmethod
    def remove_leftovers_finish(result):
        directory = Flufl.Lock.new(result.get_source_object())
        return typed(directory, Flufl.Lock.remove_leftovers_finish, result)


Lock = override(Lock)


def _moment(getter):
    def read(details):
        """An aware `datetime.datetime` in UTC; the method gives a `GLib.DateTime`."""
        time = getter(details)
        return time and _EPOCH + datetime.timedelta(0, time.to_unix(), time.get_microsecond())
    return property(read)


class LockDetails(Flufl.LockDetails):
    """Who holds a lock, and until when, as found at one moment."""

    def __repr__(self):
        return '<Flufl.LockDetails host_name={!r} pid={!r} state={} expiration={}>'.format(
            self.host_name, self.pid, self.state.value_nick, self.expiration)

    expiration = _moment(Flufl.LockDetails.get_expiration)
    acquisition = _moment(Flufl.LockDetails.get_acquisition)


for _name in ('host_name', 'user_name', 'real_name', 'program_name', 'pid', 'lock_file', 'claim_file',
              'state'):
    setattr(LockDetails, _name, property(getattr(Flufl.LockDetails, 'get_' + _name)))
LockDetails = override(LockDetails)


class LockMonitor(Flufl.LockMonitor):
    """Watches a lock without wanting it.

    Takes a str, bytes, os.PathLike or Gio.File, or a Flufl.Lock as the keyword `lock`. As an
    attribute, `interval` is a timedelta.
    """

    def __init__(self, file=None, **properties):
        if file is None and properties.get('lock') is None:
            raise TypeError('a monitor needs a file, or a lock')
        if file is not None:
            properties['file'] = _file_as_given(file)
        if 'interval' in properties:
            properties['interval'] = self._interval_to_ms(properties['interval'])
        super().__init__(**properties)

    @staticmethod
    def _interval_to_ms(interval):
        return in_range('interval', to_ms(interval), Flufl.LockMonitor)

    file = property(Flufl.LockMonitor.get_file)
    ready = property(Flufl.LockMonitor.get_ready)
    state = property(Flufl.LockMonitor.get_state)
    details = property(Flufl.LockMonitor.get_details)

    @property
    def error(self):
        return self.dup_error()

    def dup_error(self):
        """Get the exception for what the last look failed with, or None."""
        error = super().dup_error()
        return error and exception_of(self, error.domain, error.code, error.message)

    @property
    def interval(self):
        return datetime.timedelta(milliseconds=self.get_interval())

    @interval.setter
    def interval(self, interval):
        self.set_interval(interval)

    def set_interval(self, interval):
        super().set_interval(self._interval_to_ms(interval))


LockMonitor = override(LockMonitor)

# PyGObject makes the class of an object when it first meets one, and aborts the process if a handler
# of a signal raises an exception meanwhile. The classes that the methods need are made here.
_MET = (Lock.new_for_path(os.sep).get_file(), Gio.Cancellable, Gio.Task, GLib.DateTime, LockDetails,
        Flufl.Operation)
