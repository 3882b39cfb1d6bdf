# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The exceptions of the override of Flufl."""

import errno
import functools
import os

from gi.module import get_introspection_module
from gi.repository import Gio, GLib

Flufl = get_introspection_module('Flufl')

# Where users find the exceptions.
OVERRIDE = 'gi.overrides.Flufl'


class _Sentence:
    """An error whose text is its message alone."""

    def __str__(self):
        return self.message

    def __repr__(self):
        return 'Flufl.{}({!r}, {!r}, {})'.format(type(self).__name__, self.message,
                                                 self.domain, self.code)


class Error(_Sentence, GLib.Error):
    """Any error of the domain `Flufl.lock_error_quark()`."""


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


class GError(_Sentence, GLib.Error):
    """An error of another domain."""


for _class in Error, GError, *_EXCEPTIONS.values():
    _class.__module__ = OVERRIDE


# The codes of `Gio.io_error_from_errno()` that stand for one errno alone.
_ERRNOS = {Gio.io_error_from_errno(number): number
           for number in (errno.ENOENT, errno.EACCES, errno.EEXIST, errno.EISDIR, errno.ENOTDIR,
                          errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.ENAMETOOLONG)}


@functools.lru_cache(maxsize=None)
def _system_error(base):
    """Make the class of errors that are both a `GLib.Error` and `base`, an `OSError`."""
    return type(base.__name__, (GError, base), {'__module__': OVERRIDE, '__reduce__': _reduce})


def _reduce(exception):
    """Make copies, and what pickle writes, of a class that no module has by name."""
    return (_make_system_error, (exception.errno, exception.message, exception.domain, exception.code,
                                 exception.filename), exception.__dict__)


def _make_system_error(number, message, domain, code, filename):
    # OSError knows which of its subclasses belongs to a number.
    exception = _system_error(type(OSError(number, '')))(message, domain, code)
    exception.errno = number
    exception.strerror = os.strerror(number)
    exception.filename = filename
    return exception


def exception_of(lock, domain, code, message, number=0):
    """Make the exception for an error. `number` is its errno, if that is known."""
    if domain == GLib.quark_to_string(_QUARK):
        return _EXCEPTIONS.get(code, Error)(message, domain, code)
    if not number and domain == GLib.quark_to_string(Gio.io_error_quark()):
        number = _ERRNOS.get(code, 0)
    if not number:
        return GError(message, domain, code)
    file = lock.get_file()
    return _make_system_error(number, message, domain, code,
                              file and (file.get_path() or file.get_uri()))
