# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Operations that a method of Flufl waits for, and the scopes of `with`."""

import functools
import threading

from gi.module import get_introspection_module
from gi.overrides._FluflErrors import exception_of
from gi.overrides._FluflSignals import run_between_signals
from gi.repository import GLib

Flufl = get_introspection_module('Flufl')

# A wait outside the main thread returns to the interpreter this often, in milliseconds.
_SLICE_MS = 1000


class _Interruptions(threading.local):
    """The list for an exception that ends the operation of this thread; None if none runs."""

    noted = None


_interruptions = _Interruptions()


def _raise_noted(noted):
    if noted:
        raise noted.pop()


def typed(lock, function, *args):
    """Call a function of the library, and raise the exceptions of this module."""
    try:
        return function(*args)
    except GLib.Error as error:
        exception = exception_of(lock, error.domain, error.code, error.message)
    raise exception


def run(lock, kind, value, cancellable, answer, sleep=None):
    """Run an operation of a kind, as `run_operation` does."""
    return run_operation(lock, Flufl.Operation.new(lock, kind, value, cancellable), answer, sleep)


def _run_to_end(operation, noted, sleep):
    if operation.run(-1, 0):
        return
    if sleep:
        sleep()
        while not operation.run(-1, 0):
            _raise_noted(noted)
            sleep()
    elif threading.current_thread() is threading.main_thread():
        run_between_signals(operation, functools.partial(_raise_noted, noted))
    else:
        while not operation.run(-1, _SLICE_MS):
            _raise_noted(noted)


def run_operation(lock, operation, answer, sleep=None):
    """Run an operation, and return `answer(operation)`. Between its steps call `sleep`, if given.

    The lock is handed over by the reading of the answer: when an exception comes
    before that, an acquisition is undone.
    """
    noted = []
    before = _interruptions.noted
    try:
        _interruptions.noted = noted
        _run_to_end(operation, noted, sleep)
        _raise_noted(noted)
        value = answer(operation)
        if value is True:  # only a success has this answer
            return True
        failed, domain, code, message, number = operation.get_error()
        if not failed:
            return value
    except BaseException:
        operation.drop()
        raise
    finally:
        _interruptions.noted = before
    raise exception_of(lock, GLib.quark_to_string(domain), code, message, number)


# --- Handlers of the object's signals ---

class _Handler:
    """A handler of a signal that may run while this thread waits for an operation.

    PyGObject prints exceptions of handlers. One that ends the process, such as `KeyboardInterrupt`,
    ends the operation instead.
    """

    def __init__(self, handler):
        self._handler = handler

    def __call__(self, *args):
        try:
            return self._handler(*args)
        except Exception:
            raise
        except BaseException as exception:
            noted = _interruptions.noted
            if noted is None:
                raise
            noted.append(exception)
            return None

    # PyGObject compares handlers with a function, to disconnect or block by function.
    def __eq__(self, other):
        return self._handler == other

    def __hash__(self):
        return hash(self._handler)


class _LostHandler(_Handler):
    """A handler of the signal `lost` that is given a `LostError`."""

    def __call__(self, source, error, *args):
        return super().__call__(source, exception_of(source, error.domain, error.code, error.message),
                                *args)


def connects(name):
    """Make a method that connects a handler to a signal of a lock."""
    method = getattr(Flufl.Lock, name)

    @functools.wraps(method)
    def wrapper(self, signal_name, handler, *args, **kwargs):
        if callable(handler):
            handler = (_LostHandler if signal_name == 'lost' else _Handler)(handler)
        return method(self, signal_name, handler, *args, **kwargs)
    return wrapper


# --- The scope of a `with` statement ---

class _Scope:
    """From an acquisition to the end of its lease."""

    def __init__(self):
        self.thread = threading.get_ident()
        self.lease = 0


def _scopes(lock):
    return lock.__dict__.setdefault('_scopes', [])


def find_scope(lock):
    """Find the scope that ends here: the last one of this thread.

    The `with` of a generator or a stack may end in another thread than it began in.
    """
    scopes = _scopes(lock)
    here = threading.get_ident()
    return next((scope for scope in reversed(scopes) if scope.thread == here),
                scopes[-1] if scopes else None)


def _forget_scope(lock, scope):
    scopes = _scopes(lock)
    if scope in scopes:
        scopes.remove(scope)


def begin_scope(lock):
    """Acquire the lock, and note its lease for the end of the scope."""
    scope = _Scope()
    operation = Flufl.Operation.new(lock, Flufl.OperationKind.ACQUIRE, Flufl.LOCK_TIMEOUT_DEFAULT, None)

    def answer(operation):
        scope.lease = operation.get_lease()
        if scope.lease:
            _scopes(lock).append(scope)
        return operation.get_answer()

    try:
        run_operation(lock, operation, answer)
    except BaseException:
        operation.drop()
        _forget_scope(lock, scope)
        raise


def note_lease(lock, operation):
    """Return the answer of an acquisition.

    The work of a scope may release the lock and acquire it again. The end of the scope is then the end of
    the last lease that its thread has begun.
    """
    lease, here = operation.get_lease(), threading.get_ident()
    scopes = [scope for scope in _scopes(lock) if scope.thread == here]
    if lease and scopes:
        scopes[-1].lease = lease
    return operation.get_answer()


def end_scope(lock, scope):
    """Release the lock that the scope has acquired, and no later one. Raise its loss.

    If the release fails, the lock is given up: nobody would release it again.
    """
    if scope is None:  # acquire() has begun the lease
        run(lock, Flufl.OperationKind.RELEASE, 0, None, Flufl.Operation.get_answer)
        return
    try:
        run(lock, Flufl.OperationKind.END_LEASE, scope.lease, None, Flufl.Operation.get_answer)
    except GLib.Error:
        _forget_scope(lock, scope)
        raise
    _forget_scope(lock, scope)


def give_up_scope(lock, scope):
    """End the scope although an exception of a signal handler has ended its end."""
    if scope is not None:
        Flufl.Operation.new(lock, Flufl.OperationKind.END_LEASE, scope.lease, None).drop()
        _forget_scope(lock, scope)
