# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The interface of Python's flufl.lock 8.2 to 10.0, on libflufllock.

    from flufl_compat import Lock, TimeOutError

    with Lock('/srv/mail/list.lock', lifetime=30):
        ...

A program of flufl.lock changes this import, and nothing else. A duration is a
number of seconds or a `datetime.timedelta`, as in flufl.lock. The page “Coming
from flufl.lock” of the library's documentation lists every difference.
"""

import datetime
import errno
import logging
import os
import random
import socket
import sys
import threading
import time
import warnings
from enum import Enum

import gi
gi.require_version('Flufl', '1')
from gi.repository import Flufl, Gio, GLib  # noqa: E402

if not hasattr(Flufl, 'TimedOutError'):
    raise ImportError('the Python override of libflufllock, gi/overrides/Flufl.py, is not installed '
                      'where this Python searches: see “Installing” in its documentation')
from gi.overrides._FluflOperations import run  # noqa: E402

__all__ = ['SEP', 'AlreadyLockedError', 'Lock', 'LockError', 'LockState', 'NotLockedError',
           'TimeOutError']

__version__ = '{}.{}.{}'.format(Flufl.MAJOR_VERSION, Flufl.MINOR_VERSION, Flufl.MICRO_VERSION)

# Between the parts of a claim's name.
SEP = '^' if sys.platform == 'win32' else '|'
DEFAULT_LOCK_LIFETIME = datetime.timedelta(seconds=15)
# How long after its expiration a lock counts. The library has the same number of its own: to
# change this one changes nothing.
CLOCK_SLOP = datetime.timedelta(seconds=10)
# The error numbers of a file that is not there.
ERRORS = errno.ENOENT, errno.ESTALE

# A longer timeout counts as this one, so that no sum of times overflows.
_LONGEST_TIMEOUT = datetime.timedelta(days=36500)

# How long `Lock._sleep()` sleeps, in seconds.
_NAP_S = 0.05, 0.5

# Programs that configured the logger of flufl.lock find it here.
log = logging.getLogger('flufl.lock')
log.addHandler(logging.NullHandler())


class LockError(Exception):
    """Any error of this module. Its cause is the error of the library."""


class AlreadyLockedError(LockError):
    """The object holds the lock already."""


class NotLockedError(LockError):
    """The object does not hold the lock; from `Lock.details`, nobody does."""


class TimeOutError(LockError):
    """The lock did not become free before the timeout was over."""


class LockState(Enum):
    """What can be said about a lock, as `Lock.state` finds it."""

    #: Nobody holds the lock.
    unlocked = 1
    #: This object holds the lock, which has not expired.
    ours = 2
    #: This object holds the lock, which has expired: others may break it.
    ours_expired = 3
    #: The holder is dead.
    stale = 4
    #: Another holder has the lock, which has expired.
    theirs_expired = 5
    #: Another holder has the lock, on another host or until its expiration.
    unknown = 6


def _to_timedelta(interval):
    if isinstance(interval, datetime.timedelta):
        return interval
    return datetime.timedelta(seconds=interval)


def _translate(error):
    """The exception that flufl.lock has for an error of the library."""
    if isinstance(error, Flufl.AlreadyHeldError):
        return AlreadyLockedError('We already had the lock')
    if isinstance(error, (Flufl.NotHeldError, Flufl.LostError)):
        return NotLockedError(error.message)
    if isinstance(error, Flufl.TimedOutError):
        return TimeOutError(error.message)
    if isinstance(error, Flufl.UnsupportedError):
        return OSError(errno.EOPNOTSUPP, error.message)
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror, error.filename)
    if error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.INVALID_ARGUMENT):
        return ValueError(error.message)
    return LockError(error.message)


def _is_pending(error):
    return error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.PENDING)


def _make_absolute(path):
    path = os.fspath(path)
    if os.path.isabs(path):  # which needs no working directory: it may have been removed
        return path
    return os.path.join(os.getcwdb() if isinstance(path, bytes) else os.getcwd(), path)


def _process_exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


class Lock:
    """A lock that is a file, with the interface of flufl.lock.

    :param lockfile: the path of the lock file. A relative path is taken from the
        working directory of the moment when the object first uses the disk.
    :param lifetime: how long the lock is held at most without a refresh, in
        seconds or as a timedelta; 15 seconds by default.
    :param separator: the text between the parts of a claim file's name.
    :param default_timeout: the timeout of `lock()` and of the statement `with`,
        in seconds or as a timedelta; None, the default, waits for ever.
    """

    # A subclass may set its attributes itself instead of calling __init__().
    _lifetime = DEFAULT_LOCK_LIFETIME
    _default_timeout = None
    _separator = SEP
    _retry_errnos = ()

    def __init__(self, lockfile, lifetime=None, separator=SEP, default_timeout=None):
        self._hostname = socket.getfqdn()
        self._lockfile = lockfile
        self.lifetime = DEFAULT_LOCK_LIFETIME if lifetime is None else lifetime
        self._separator = separator
        self._default_timeout = default_timeout
        self._retry_errnos = []
        self._set_claimfile()

    # --- The object of the library ---

    def _get_made(self):
        """The attributes that it was made with, the absolute path, and the `Flufl.Lock`.

        It is made when it is first needed. Subclasses set attributes until then.
        """
        wanted = self._lockfile, self._separator, self.hostname
        made = self.__dict__.get('_made')
        if made is None or (made[0] != wanted and not made[2].held):
            lock = Flufl.Lock(_make_absolute(self._lockfile), separator=self._separator,
                              host_name=self.hostname, heartbeat=Flufl.Heartbeat.NONE)
            # A path that ends in a slash stands for the lock file without it.
            fresh = wanted, lock.file.get_path(), lock
            if made is not None:
                self.__dict__.pop('_made', None)
            # Another thread may have made one meanwhile.
            made = self.__dict__.setdefault('_made', fresh)
        return made

    def _flufl_lock(self):
        lock = self._get_made()[2]
        lock.retry_errnos = list(self._retry_errnos)
        return lock

    def _holds(self):
        """Whether this object holds the lock, as far as it knows without a look at the disk."""
        made = self.__dict__.get('_made')
        return made is not None and made[2].held

    def _exclusively(self, operation, *args):
        """Run an operation that the library allows once at a time.

        Where another thread runs one, it will end. A handler of a signal interrupts the one of its
        own thread, which cannot end before the handler does.
        """
        busy = self.__dict__.setdefault('_busy', set())
        thread = os.getpid(), threading.get_ident()
        was_busy, is_nested = thread in busy, False
        try:
            busy.add(thread)
            operation(*args)
        except GLib.Error as error:
            is_nested = was_busy and _is_pending(error)
            if not is_nested:
                raise
            raise LockError(f'this thread is in lock() or unlock() of {self._lockfile!r} already, with '
                            'the same object: use a second object, or wait until that is over'
                            ) from error
        finally:
            if not is_nested:
                busy.discard(thread)

    def __reduce_ex__(self, protocol):
        # A subclass may have slots, a __getstate__() of its own, or a __reduce__().
        reduced = super().__reduce_ex__(protocol)
        if not isinstance(reduced, tuple) or len(reduced) < 3:
            return reduced
        is_pair = isinstance(reduced[2], tuple) and len(reduced[2]) == 2
        attributes, slots = reduced[2] if is_pair else (reduced[2], None)
        if isinstance(attributes, dict):
            attributes = {name: value for name, value in attributes.items()
                          if name not in ('_made', '_busy')}
        return (*reduced[:2], (attributes, slots) if is_pair else attributes, *reduced[3:])

    def __setstate__(self, state):
        attributes, slots = state if isinstance(state, tuple) else (state, {})
        self.__dict__.update(attributes)
        for name, value in slots.items():
            setattr(self, name, value)
        self._set_claimfile()

    def __del__(self, _is_finalizing=sys.is_finalizing):
        # The end of the interpreter clears the modules that this needs.
        if _is_finalizing():
            return
        # The library releases the lock when its own object ends, right after this.
        if self._holds():
            log.warning('released, since its object ended while it was locked: %s', self._lockfile)
            # Without the object as its source: a list of warnings would keep that.
            warnings.warn(f'the lock {self._lockfile!r} was not unlocked', ResourceWarning,
                          stacklevel=2)

    def __repr__(self):
        return '<{} {} [{}: {}] pid={} at {:#x}>'.format(
            type(self).__name__, self._lockfile, 'locked' if self._holds() else 'unlocked',
            self._lifetime, os.getpid(), id(self))

    # --- What it is ---

    @property
    def lockfile(self):
        """The path of the lock file."""
        return self._lockfile

    @property
    def claimfile(self):
        """The path of the claim file. After `lock()`, the library has chosen it."""
        return self._claimfile

    @property
    def hostname(self):
        """The name of this machine in the claims of this object."""
        return self._hostname

    @property
    def lifetime(self):
        """How long the lock is held at most without a refresh, as a timedelta."""
        return self._lifetime

    @lifetime.setter
    def lifetime(self, lifetime):
        lifetime = _to_timedelta(lifetime)
        spec = Flufl.Lock.find_property('lifetime')
        if not spec.minimum <= lifetime / datetime.timedelta(milliseconds=1) <= spec.maximum:
            raise ValueError('the lifetime {} of the lock {!r} is not between {} ms and {} days'.format(
                lifetime, self._lockfile, spec.minimum, spec.maximum // (24 * 3600 * 1000)))
        self._lifetime = lifetime

    @property
    def retry_errnos(self):
        """The error numbers that count as temporary, besides those that the library knows."""
        return list(self._retry_errnos)

    @retry_errnos.setter
    def retry_errnos(self, errnos):
        self._retry_errnos = list(errnos)

    @retry_errnos.deleter
    def retry_errnos(self):
        self._retry_errnos = []

    # --- Who holds it ---

    @property
    def is_locked(self):
        """Whether this object holds the lock. If it does, the lock is refreshed."""
        if not self._holds():
            return False
        lock = self._flufl_lock()
        try:
            try:
                return lock.refresh(self._lifetime)
            except PermissionError:
                log.error('not allowed to refresh the lock: %s', self._lockfile)
                return lock.check()
        except (Flufl.NotHeldError, Flufl.LostError):
            return False
        except GLib.Error as error:
            raise _translate(error) from error

    @property
    def details(self):
        """The holder: host name, process ID and lock file."""
        try:
            details = self._flufl_lock().query_details()
        except (Flufl.NotHeldError, Flufl.NotALockError) as error:
            raise NotLockedError('Details are unavailable') from error
        except GLib.Error as error:
            raise _translate(error) from error
        if details.host_name is None:
            raise NotLockedError('Details are unavailable')
        return details.host_name, details.pid, os.fsdecode(self._lockfile)

    @property
    def state(self):
        """The `LockState`. Nothing is written."""
        try:
            details = self._flufl_lock().query_details()
        except Flufl.NotHeldError:
            return LockState.unlocked
        except Flufl.NotALockError:
            return LockState.unknown
        except GLib.Error as error:
            raise _translate(error) from error

        expiration = datetime.datetime.fromtimestamp(details.expiration.timestamp())
        expired = expiration < self._now()
        if details.state in (Flufl.LockState.OURS, Flufl.LockState.OURS_EXPIRED):
            return LockState.ours_expired if expired else LockState.ours
        if details.state == Flufl.LockState.STALE:
            return LockState.stale
        if details.host_name not in (self.hostname, GLib.get_host_name()):
            return LockState.unknown
        if self._is_of_flufl(details) and not _process_exists(details.pid):
            return LockState.stale
        return LockState.theirs_expired if expired else LockState.unknown

    def _is_of_flufl(self, details):
        """Whether flufl.lock made the claim, which proves nothing about its process then."""
        return details.claim_file.get_basename().rpartition(self._separator)[2].isdigit()

    @property
    def expiration(self):
        """When the lock expires, whoever holds it: a naive datetime of local time."""
        return datetime.datetime.fromtimestamp(os.stat(self._get_made()[1]).st_mtime)

    # --- Operations ---

    def lock(self, timeout=None):
        """Acquire the lock, and wait for it if another holder has it.

        :param timeout: how long to wait, in seconds or as a timedelta. None stands
            for the default timeout of the constructor.
        :raises AlreadyLockedError: if this object holds the lock.
        :raises TimeOutError: if the lock did not become free in time.
        """
        lock = self._flufl_lock()
        lock.lifetime = self._lifetime
        if timeout is None:
            timeout = self._default_timeout
        rest, deadline = None, None
        if timeout is not None:
            rest = min(max(_to_timedelta(timeout), datetime.timedelta(0)), _LONGEST_TIMEOUT)
            deadline = time.monotonic() + rest.total_seconds()

        log.debug('waiting for the lock: %s', self._lockfile)
        while not self._try_to_lock(lock, rest, deadline):
            if deadline is not None:
                rest = datetime.timedelta(seconds=max(deadline - time.monotonic(), 0))
        claim = lock.claim_file
        if claim is not None:  # another thread may have unlocked it
            self._claimfile = claim.get_path()
        log.debug('locked: %s', self._lockfile)

    def _try_to_lock(self, lock, rest, deadline):
        """Whether the lock is acquired. If not, it is time for another try."""
        try:
            self._exclusively(self._acquire, lock, rest)
            return True
        except Flufl.LostError:
            log.warning('was lost, and is acquired anew: %s', self._lockfile)
            return False
        except Flufl.TimedOutError as error:
            log.error('timed out: %s', error.message)
            raise _translate(error) from error
        except GLib.Error as error:
            # A file that is not a lock may go away, and another thread may be done with this object.
            may_end = isinstance(error, Flufl.NotALockError) and deadline is not None
            if not may_end and not _is_pending(error):
                raise _translate(error) from error
            if deadline is not None and time.monotonic() >= deadline:
                log.error('timed out: %s', error.message)
                raise TimeOutError(error.message) from error
        self._sleep()
        return False

    def _acquire(self, lock, timeout):
        if getattr(self._sleep, '__func__', None) is _sleep:
            lock.acquire(timeout)
        else:
            timeout_ms = -1 if timeout is None else -(-timeout // datetime.timedelta(milliseconds=1))
            run(lock, Flufl.OperationKind.ACQUIRE, timeout_ms, None, Flufl.Operation.get_answer,
                self._sleep)

    def unlock(self, *, unconditionally=False):
        """Release the lock.

        :param unconditionally: whether a lock that this object does not hold is no error.
        :raises NotLockedError: if this object does not hold the lock, or has lost it.
        """
        lock = self._flufl_lock()
        while True:
            try:
                self._exclusively(lock.release)
                break
            except GLib.Error as error:
                pending = _is_pending(error)
                not_held = pending and not lock.held
                if not_held or isinstance(error, (Flufl.NotHeldError, Flufl.LostError)):
                    if unconditionally:
                        return
                    raise NotLockedError(error.message) from error
                if not pending:
                    raise _translate(error) from error
            self._sleep()
        log.debug('unlocked: %s', self._lockfile)

    def refresh(self, lifetime=None, *, unconditionally=False):
        """Extend the lock by its lifetime from now on.

        :param lifetime: a new lifetime, in seconds or as a timedelta.
        :param unconditionally: whether a lock that this object does not hold is no error.
        :raises NotLockedError: if this object does not hold the lock, or has lost it.
        """
        if lifetime is not None:
            self.lifetime = lifetime
        try:
            self._flufl_lock().refresh(self._lifetime)
        except (Flufl.NotHeldError, Flufl.LostError) as error:
            if not unconditionally:
                raise NotLockedError(f'{self!r}: {error.message}') from error
        except GLib.Error as error:
            raise _translate(error) from error

    def __enter__(self):
        self.lock()
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        self.unlock()
        return False

    # --- For subclasses ---

    def _set_claimfile(self):
        """Set `_claimfile` to what `claimfile` is before the first `lock()`."""
        self._claimfile = self._separator.join(
            (os.fsdecode(self._lockfile), self.hostname, str(os.getpid()),
             str(random.randrange(sys.maxsize))))

    def _now(self):
        """The local time, a naive datetime, by which `state` decides whether a lock has expired."""
        return datetime.datetime.now()

    def _sleep(self):
        """Sleep before the next try. A `lock()` whose class has its own calls it as it waits."""
        time.sleep(random.uniform(*_NAP_S))

    @property
    def _releasetime(self):
        """The expiration, or -1 if there is no lock file."""
        try:
            return self.expiration
        except OSError as error:
            if error.errno in ERRORS:
                return -1
            raise

    def _break(self):
        """Break the lock if it may be broken."""
        try:
            self._flufl_lock().break_lock()
        except (Flufl.NotHeldError, Flufl.LostError):
            pass
        except GLib.Error as error:
            log.error('could not break the lock: %s', error.message)


_sleep = Lock._sleep
