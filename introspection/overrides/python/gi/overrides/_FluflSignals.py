# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Python's handlers of signals while an operation of Flufl waits in C."""

import _socket
import contextlib
import functools
import os
import select
import signal

# A wait returns to the interpreter this often, in milliseconds: should no byte have come
# for a signal, and where there is nothing that bytes could come by.
_SLICE_MS = 1000
_BLIND_SLICE_MS = 50

_set_wakeup_fd = functools.partial(signal.set_wakeup_fd, warn_on_full_buffer=False)


class SignalPipe:
    """What the interpreter writes to when a signal comes.

    A handler may raise an exception between any two instructions. So the sockets are never
    closed, for the interpreter may be left with their number; and the descriptor is set, and
    the one before it noted, by a single call from C, in which no handler runs.
    """

    _pipe = None

    def __init__(self):
        # Not that of the module socket, which has its descriptors as bare numbers for a moment.
        self._reader, self._writer = _socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._pid = os.getpid()
        self._identities = {end: self._identify(end.fileno())
                            for end in (self._reader, self._writer)}
        self.fd = self._reader.fileno()
        self._readable = select.poll()
        self._readable.register(self.fd, select.POLLIN)

    @classmethod
    def get(cls, noted):
        """Have signals written to the pipe of this process; None if it cannot be had.

        Adds the descriptor that was set before to the list.
        """
        try:
            if cls._pipe is not None and not cls._pipe._is_valid():
                cls._pipe._abandon()
                cls._pipe = None
            if cls._pipe is None:
                cls._pipe = cls()
            cls._pipe._arm(noted)
        except (OSError, ValueError):
            return None
        return cls._pipe

    @classmethod
    def put_back(cls, noted):
        """Set the descriptor that was set before. May be called again.

        What has come for it meanwhile must not be left for a later wait.
        """
        pipe = cls._pipe
        if noted and pipe is not None:
            before = pipe._before(noted)
            pipe._disarm(before)
            if before != pipe._writer.fileno():
                pipe._read(before)
            noted.clear()

    @staticmethod
    def _identify(fd):
        try:
            info = os.fstat(fd)
        except OSError:
            return None
        return info.st_dev, info.st_ino

    def _is_own(self, end):
        """Whether nobody has closed that end; by now its number may be another file's."""
        return self._identify(end.fileno()) == self._identities[end]

    def _is_valid(self):
        return self._pid == os.getpid() and all(map(self._is_own, self._identities))

    def _abandon(self):
        for end in self._identities:
            if not self._is_own(end):
                end.detach()

    def _arm(self, noted):
        noted.extend(map(_set_wakeup_fd, (self._writer.fileno(),)))
        if len(noted) > 8:
            noted[:] = [self._before(noted)]

    def _disarm(self, before):
        try:
            now = _set_wakeup_fd(before)
        except (OSError, ValueError):  # it was closed meanwhile
            now = _set_wakeup_fd(-1)
        if now != self._writer.fileno():  # a handler has set another since
            _set_wakeup_fd(now)

    def _before(self, noted):
        """Our own, if this wait is in a handler that runs during another one."""
        ours = self._writer.fileno()
        for fd in reversed(noted):
            if fd != ours:
                return fd
        return ours

    def read(self, noted):
        """Take what has come, and give it on to whoever watched signals before."""
        self._read(self._before(noted))

    def _read(self, before):
        # There is seldom anything to read, and poll() costs less than the exception of recv().
        try:
            if not self._readable.poll(0):
                return
        except RuntimeError:  # a handler runs amid a poll, and waits itself
            pass
        try:
            data = self._reader.recv(4096)
        except OSError:  # there is none, or a handler has closed it
            return
        if before not in (-1, self._writer.fileno()):
            with contextlib.suppress(OSError):
                os.write(before, data)


def run_between_signals(operation, check):
    """Run an operation that waits, and handlers of signals meanwhile.

    The interpreter runs handlers after the call in which a signal came, and the
    call returns when there is a byte about it to read. `check` runs after each call.
    """
    noted = []
    try:
        try:
            pipe = SignalPipe.get(noted)
            while not (operation.run(pipe.fd, _SLICE_MS) if pipe
                       else operation.run(-1, _BLIND_SLICE_MS)):
                check()
                if pipe:
                    pipe.read(noted)
                # A handler may have set another descriptor, or none, or closed ours.
                pipe = SignalPipe.get(noted)
        finally:
            SignalPipe.put_back(noted)
    finally:
        SignalPipe.put_back(noted)  # if an exception came amid that
