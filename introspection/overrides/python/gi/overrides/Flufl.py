# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0

"""What makes Flufl pleasant from Python.

    lock = Flufl.Lock('/srv/mail/list.lock', lifetime=timedelta(seconds=30))
    try:
        with lock:
            ...
    except TimeoutError as error:
        print(error.message)

A duration is a `datetime.timedelta` or a whole number of milliseconds, never a
float; a timeout of None is for ever. A file is a path or a `Gio.File`, and
arguments that have a usual value may be left out. The errors of the library's own domain are subclasses of `GLib.Error`.
"""

import contextlib
import datetime
import functools
import math
import operator
import os
import signal
import socket
import threading

from gi._ossighelper import register_sigint_fallback, sigint_handler_is_default
from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Gio, GLib

Flufl = get_introspection_module('Flufl')

__all__ = [
    'AlreadyHeldError', 'Error', 'Lock', 'LockDetails', 'LostError',
    'NotALockError', 'NotHeldError', 'TimedOutError', 'UnsupportedError',
]

_MILLISECOND = datetime.timedelta(milliseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Error(GLib.Error):
    """Any error of the domain `Flufl.lock_error_quark()`."""

    def __repr__(self):
        return 'Flufl.{}({!r}, {!r}, {})'.format(type(self).__name__, self.message,
                                                 self.domain, self.code)


class AlreadyHeldError(Error):
    """`Flufl.LockError.ALREADY_HELD`"""


class NotHeldError(Error):
    """`Flufl.LockError.NOT_HELD`"""


class TimedOutError(Error, TimeoutError):
    """`Flufl.LockError.TIMED_OUT`"""


class LostError(Error):
    """`Flufl.LockError.LOST`"""


class NotALockError(Error):
    """`Flufl.LockError.NOT_A_LOCK`"""


class UnsupportedError(Error):
    """`Flufl.LockError.UNSUPPORTED`"""


_QUARK = Flufl.lock_error_quark()
_EXCEPTIONS = {
    Flufl.LockError.ALREADY_HELD: AlreadyHeldError,
    Flufl.LockError.NOT_HELD: NotHeldError,
    Flufl.LockError.TIMED_OUT: TimedOutError,
    Flufl.LockError.LOST: LostError,
    Flufl.LockError.NOT_A_LOCK: NotALockError,
    Flufl.LockError.UNSUPPORTED: UnsupportedError,
}


def _typed(error):
    """Give the library's errors as their own exceptions."""
    if error.domain != GLib.quark_to_string(_QUARK):
        return error
    return _EXCEPTIONS.get(error.code, Error)(error.message, error.domain, error.code)


def _raises(method):
    """Turn the library's errors into their own exceptions."""
    @functools.wraps(method)
    def wrapper(*args, **kwargs):
        try:
            return method(*args, **kwargs)
        except GLib.Error as error:
            typed = _typed(error)
            if typed is error:
                raise
            raise typed from None
    return wrapper


class _LostHandler:
    """A handler of the signal `lost` that is given a `LostError`."""

    def __init__(self, handler):
        self._handler = handler

    def __call__(self, source, error, *args):
        return self._handler(source, _typed(error), *args)

    # PyGObject looks for it so, to disconnect or block it by function.
    def __eq__(self, other):
        return self._handler == other

    def __hash__(self):
        return hash(self._handler)


def _connects(name):
    method = getattr(Flufl.Lock, name)

    @functools.wraps(method)
    def wrapper(self, signal_name, handler, *args, **kwargs):
        if signal_name == 'lost' and callable(handler):
            handler = _LostHandler(handler)
        return method(self, signal_name, handler, *args, **kwargs)
    return wrapper


def _to_ms(duration):
    """Give whole milliseconds; a timedelta is rounded up."""
    if isinstance(duration, datetime.timedelta):
        # A rest of a deadline that is just past must not turn into -1, for ever.
        if duration < datetime.timedelta(0):
            raise ValueError('a duration cannot be negative')
        return -(-duration // _MILLISECOND)
    if isinstance(duration, float) and math.isinf(duration):
        raise ValueError('a duration is finite; a timeout of None is for ever')
    # A float is most often meant as seconds, as elsewhere in Python.
    try:
        duration_ms = operator.index(duration)
    except TypeError:
        raise TypeError('a duration is whole milliseconds, or a timedelta, not '
                        + type(duration).__name__) from None
    if not GLib.MININT64 <= duration_ms <= GLib.MAXINT64:
        raise OverflowError('a duration of so many milliseconds does not fit in 64 bits')
    return duration_ms


def _timeout_to_ms(timeout):
    return Flufl.LOCK_TIMEOUT_FOREVER if timeout is None else _to_ms(timeout)


def _ctrl_c_can_be_watched():
    """Whether this is the main thread, and nobody else cares for SIGINT."""
    if threading.current_thread() is not threading.main_thread():
        return False
    fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(fd)
    return fd == -1 and sigint_handler_is_default()


@contextlib.contextmanager
def _cancelled_by_ctrl_c(cancellable):
    """Cancel at SIGINT, whose handler runs only after the C code has returned."""
    reader, writer = socket.socketpair()

    def watch():
        for signum in iter(lambda: reader.recv(1), b''):
            if signum[0] == signal.SIGINT:
                cancellable.cancel()

    with reader, contextlib.ExitStack() as stack:
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        stack.callback(watcher.join)
        stack.callback(writer.close)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        stack.callback(signal.set_wakeup_fd, -1)
        yield


def _is_cancelled(exception):
    return (isinstance(exception, GLib.Error)
            and exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))


class Lock(Flufl.Lock):
    """A lock that is a file.

    Properties can also be given as keywords to the constructor, with
    underscores. As attributes, `lifetime` and `default_timeout` are
    timedeltas, and a `default_timeout` of None is for ever. Under `props`
    they are milliseconds, as everywhere else.
    """

    def __init__(self, file, **properties):
        if not isinstance(file, Gio.File):
            # Which takes "x/.." as the kernel does, unlike Gio.File.
            file = Flufl.Lock.new_for_path(os.fspath(file)).get_file()
        if 'lifetime' in properties:
            properties['lifetime'] = _to_ms(properties['lifetime'])
        if 'default_timeout' in properties:
            properties['default_timeout'] = _timeout_to_ms(properties['default_timeout'])
        super().__init__(file=file, **properties)

    def __repr__(self):
        file = self.get_file()
        if file is None:  # as GObject.new() may have it
            return '<Flufl.Lock without a file>'
        return '<Flufl.Lock {!r}{}>'.format(file.get_path() or file.get_uri(),
                                            ' held' if self.get_held() else '')

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        try:
            self.release()
        except GLib.Error:
            # Never hide why the work failed, unless it only says that it was
            # stopped: it may have been by the lock's own cancellable.
            if exc_type is None or _is_cancelled(exc_value):
                raise

    connect = _connects('connect')
    connect_after = _connects('connect_after')
    connect_data = _connects('connect_data')
    connect_object = _connects('connect_object')
    connect_object_after = _connects('connect_object_after')

    file = property(Flufl.Lock.get_file)
    separator = property(Flufl.Lock.get_separator)
    heartbeat = property(Flufl.Lock.get_heartbeat, Flufl.Lock.set_heartbeat)
    break_dead = property(Flufl.Lock.get_break_dead, Flufl.Lock.set_break_dead)
    linger = property(Flufl.Lock.get_linger, Flufl.Lock.set_linger)
    host_name = property(Flufl.Lock.get_host_name)
    claim_file = property(Flufl.Lock.dup_claim_file)
    held = property(Flufl.Lock.get_held)
    retry_errnos = property(Flufl.Lock.get_retry_errnos, Flufl.Lock.set_retry_errnos)

    @property
    def lifetime(self):
        return datetime.timedelta(milliseconds=self.get_lifetime())

    @lifetime.setter
    def lifetime(self, lifetime):
        self.set_lifetime(lifetime)

    def set_lifetime(self, lifetime):
        super().set_lifetime(_to_ms(lifetime))

    @property
    def default_timeout(self):
        timeout_ms = self.get_default_timeout()
        return None if timeout_ms < 0 else datetime.timedelta(milliseconds=timeout_ms)

    @default_timeout.setter
    def default_timeout(self, timeout):
        self.set_default_timeout(timeout)

    def set_default_timeout(self, timeout):
        super().set_default_timeout(_timeout_to_ms(timeout))

    @_raises
    def acquire(self, timeout=Flufl.LOCK_TIMEOUT_DEFAULT, cancellable=None):
        """acquire(self, timeout=the default timeout, cancellable=None) -> bool

        A timeout of None is for ever.

        Ctrl-C interrupts the wait, unless there is a cancellable, a handler
        of SIGINT, or a main loop: these are for others to watch.
        """
        timeout_ms = _timeout_to_ms(timeout)
        if timeout_ms == Flufl.LOCK_TIMEOUT_DEFAULT:
            timeout_ms = self.get_default_timeout()
        if (timeout_ms < Flufl.LOCK_TIMEOUT_FOREVER or timeout_ms == 0
                or cancellable is not None or not _ctrl_c_can_be_watched()):
            return super().acquire(timeout_ms, cancellable)

        interrupted = Gio.Cancellable()
        try:
            # KeyboardInterrupt comes at the end, and not while PyGObject is
            # amid the conversion of an error.
            with register_sigint_fallback(interrupted.cancel):
                # Most often there is nothing to wait for: no need for a thread.
                # Not 0, which does not ask who is there first.
                try:
                    return super().acquire(1)
                except GLib.Error as error:
                    if not error.matches(_QUARK, Flufl.LockError.TIMED_OUT):
                        raise
                with _cancelled_by_ctrl_c(interrupted):
                    return super().acquire(timeout_ms, interrupted)
        except KeyboardInterrupt:
            if self.get_held():
                self.release()
            raise

    def acquire_async(self, timeout=Flufl.LOCK_TIMEOUT_DEFAULT, *args, **kwargs):
        return super().acquire_async(_timeout_to_ms(timeout), *args, **kwargs)

    @_raises
    def refresh(self, lifetime=Flufl.LOCK_LIFETIME_AS_SET, cancellable=None):
        return super().refresh(_to_ms(lifetime), cancellable)

    def refresh_async(self, lifetime=Flufl.LOCK_LIFETIME_AS_SET, *args, **kwargs):
        return super().refresh_async(_to_ms(lifetime), *args, **kwargs)

    @_raises
    def break_lock(self, flags=Flufl.BreakFlags.NONE, cancellable=None):
        return super().break_lock(flags, cancellable)

    def break_lock_async(self, flags=Flufl.BreakFlags.NONE, *args, **kwargs):
        return super().break_lock_async(flags, *args, **kwargs)

    release = _raises(Flufl.Lock.release)
    check = _raises(Flufl.Lock.check)
    query_state = _raises(Flufl.Lock.query_state)
    query_details = _raises(Flufl.Lock.query_details)

    acquire_finish = _raises(Flufl.Lock.acquire_finish)
    release_finish = _raises(Flufl.Lock.release_finish)
    refresh_finish = _raises(Flufl.Lock.refresh_finish)
    check_finish = _raises(Flufl.Lock.check_finish)
    query_state_finish = _raises(Flufl.Lock.query_state_finish)
    query_details_finish = _raises(Flufl.Lock.query_details_finish)
    break_lock_finish = _raises(Flufl.Lock.break_lock_finish)


Lock = override(Lock)


class LockDetails(Flufl.LockDetails):
    """Who holds a lock, and until when, as found at one moment."""

    def __repr__(self):
        return '<Flufl.LockDetails host_name={!r} pid={!r} state={} expiration={}>'.format(
            self.host_name, self.pid, self.state.value_nick, self.expiration)

    host_name = property(Flufl.LockDetails.get_host_name)
    pid = property(Flufl.LockDetails.get_pid)
    lock_file = property(Flufl.LockDetails.get_lock_file)
    claim_file = property(Flufl.LockDetails.get_claim_file)
    state = property(Flufl.LockDetails.get_state)

    @property
    def expiration(self):
        """An aware `datetime.datetime` in UTC; `get_expiration()` gives a `GLib.DateTime`."""
        expiration = self.get_expiration()
        if expiration is None:
            return None
        return _EPOCH + datetime.timedelta(seconds=expiration.to_unix(),
                                           microseconds=expiration.get_microsecond())


LockDetails = override(LockDetails)
