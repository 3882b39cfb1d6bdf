# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Flufl from Python: handlers of signals while a method waits, and the operation that
returns for them."""

import _socket
import contextlib
import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from locktest import HOUR, PATIENCE_S, LockTestCase, wait_for

from gi.repository import Flufl, Gio, GLib

# Milliseconds: long enough that no test reaches the end, and short enough that none hangs.
TIMEOUT_MS = PATIENCE_S * 1000


class Stop(Exception):
    """The exception that a handler raises."""


def wait_for_ctrl_c(path):
    """The program of another process that waits for the lock."""
    lock = Flufl.Lock(path)
    try:
        lock.acquire()
    except KeyboardInterrupt:
        print('held' if lock.held else 'interrupted')


# Prints the classes that PyGObject makes while the methods run.
MAKER = """
import sys, gi
gi.require_version('Flufl', '1')
from gi.repository import Flufl, GLib

def trace(frame, event, argument):
    if frame.f_code.co_name == 'mro':
        print(frame.f_locals.get('cls'))

loop, lock = GLib.MainLoop(), Flufl.Lock(sys.argv[1])
sys.settrace(trace)
lock.acquire()
lock.query_details().expiration
lock.list_waiters()
lock.claim_file, lock.file
lock.release()
lock.acquire_async(0, None, lambda lock, result: loop.quit())
loop.run()
lock.release()
"""


def open_sockets():
    sockets = []
    for fd in os.listdir('/proc/self/fd'):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f'/proc/self/fd/{fd}').startswith('socket:'):
                sockets.append(fd)
    return sockets


class SignalTestCase(LockTestCase):
    @classmethod
    def setUpClass(cls):
        """A first wait makes the sockets that stay."""
        with tempfile.TemporaryDirectory() as name, Flufl.Lock(name + '/a.lock'):
            with contextlib.suppress(TimeoutError):
                Flufl.Lock(name + '/a.lock').acquire(100)

    def setUp(self):
        super().setUp()
        self.handled = []
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.signal(signal.SIGUSR1, self.handle))
        self.then = lambda: None
        self.sockets = open_sockets()

    def tearDown(self):
        # An exception while sockets are made keeps them until its traceback is freed.
        gc.collect()
        self.assertEqual(open_sockets(), self.sockets)
        super().tearDown()

    def handle(self, signum, frame):
        self.handled.append(signum)
        self.then()

    def raise_stop(self):
        raise Stop

    def send_when(self, condition):
        """Send the signal to this process once the condition holds."""
        def send():
            while not condition():
                pass
            os.kill(os.getpid(), signal.SIGUSR1)

        thread = threading.Thread(target=send)
        thread.start()
        self.addCleanup(thread.join)

    def waits(self):
        """Whether there is a claim beside the holder's, as a waiter makes it."""
        return len(os.listdir(self.dir)) == 3


class Waiting(SignalTestCase):
    def test_what_a_handler_raises_ends_the_wait(self):
        self.then = self.raise_stop
        for cancellable in None, Gio.Cancellable():
            for timeout in None, TIMEOUT_MS:
                with self.other:
                    self.send_when(self.waits)
                    with self.assertRaises(Stop):
                        self.lock.acquire(timeout, cancellable)
                    self.assertFalse(self.lock.held)
                    self.assertEqual(len(os.listdir(self.dir)), 2)
        self.assertTrue(self.lock.acquire(0))

    def test_what_it_does_not_raise_lets_the_wait_go_on(self):
        self.then = self.other.release
        self.other.acquire()
        self.send_when(self.waits)
        self.assertTrue(self.lock.acquire(TIMEOUT_MS))
        self.assertEqual(self.handled, [signal.SIGUSR1])
        self.assertTrue(self.lock.check())

    def test_a_handler_may_look(self):
        seen = []

        def look():
            seen.extend([self.lock.query_state(), self.other.check()])
            self.other.release()

        self.then = look
        self.other.acquire()
        self.send_when(self.waits)
        self.assertTrue(self.lock.acquire(TIMEOUT_MS))
        self.assertEqual(seen, [Flufl.LockState.THEIRS, True])

    def test_a_handler_of_glib_cancels(self):
        """The signal does not wake the interpreter: a cancellable does."""
        cancellable = Gio.Cancellable()
        self.then = cancellable.cancel
        with self.other:
            self.send_when(self.waits)
            with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
                self.lock.acquire(None, cancellable)

    def test_no_class_is_made_late(self):
        """PyGObject aborts if a handler raises an exception while it makes one."""
        output = subprocess.run([sys.executable, '-B', '-c', MAKER, self.path], check=True,
                                stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S).stdout
        self.assertEqual(output, '')

    def test_ctrl_c(self):
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            self.skipTest('SIGINT is ignored')
        with self.other:
            with subprocess.Popen([sys.executable, __file__, '--wait', self.path],
                                  stdout=subprocess.PIPE, text=True) as waiter:
                wait_for(self.waits)
                waiter.send_signal(signal.SIGINT)
                output, _ = waiter.communicate(timeout=PATIENCE_S)
            self.assertEqual(output, 'interrupted\n')
            self.assertEqual(waiter.returncode, 0)
            self.assertEqual(len(os.listdir(self.dir)), 2)

    def test_one_that_watched_signals_before_gets_its_bytes(self):
        reader, writer = socket.socketpair()
        with reader, writer:
            reader.setblocking(False)
            writer.setblocking(False)
            self.assertEqual(signal.set_wakeup_fd(writer.fileno()), -1)
            try:
                self.then = self.other.release
                self.other.acquire()
                self.send_when(self.waits)
                self.assertTrue(self.lock.acquire(TIMEOUT_MS))
            finally:
                self.assertEqual(signal.set_wakeup_fd(-1), writer.fileno())
            self.assertEqual(reader.recv(16), bytes([signal.SIGUSR1]))

    def test_bytes_that_come_amid_a_poll(self):
        """A handler that runs amid the poll of a wait, and waits itself, cannot poll."""
        class Polled:
            def poll(self, _):
                raise RuntimeError('concurrent poll() invocation')

        pipe = sys.modules['gi.overrides._FluflSignals'].SignalPipe._pipe
        self.addCleanup(setattr, pipe, '_readable', pipe._readable)
        pipe._readable = Polled()
        self.test_one_that_watched_signals_before_gets_its_bytes()

    def test_one_that_a_handler_sets_stays(self):
        reader, writer = socket.socketpair()
        with reader, writer:
            writer.setblocking(False)

            def watch():
                signal.set_wakeup_fd(writer.fileno())
                self.other.release()

            self.then = watch
            self.other.acquire()
            self.send_when(self.waits)
            self.assertTrue(self.lock.acquire(TIMEOUT_MS))
            self.assertEqual(signal.set_wakeup_fd(-1), writer.fileno())

    def test_one_that_a_handler_resets(self):
        """Later signals are heard even after a reset, as the end of an event loop makes it."""
        def reset():
            signal.set_wakeup_fd(-1)
            self.then = self.raise_stop

        self.then = reset
        with self.other:
            self.send_when(self.waits)
            self.send_when(lambda: self.then == self.raise_stop)
            with self.assertRaises(Stop):
                self.lock.acquire(TIMEOUT_MS)

    def test_a_handler_that_waits_itself(self):
        """The outer wait hears the next signal, and the old descriptor is back in the end."""
        def wait_again():
            with self.assertRaises(TimeoutError):
                Flufl.Lock(self.path).acquire(20)
            self.then = self.other.release

        self.then = wait_again
        reader, writer = socket.socketpair()
        with reader, writer:
            writer.setblocking(False)
            signal.set_wakeup_fd(writer.fileno())
            try:
                self.other.acquire()
                self.send_when(self.waits)
                self.send_when(lambda: self.then == self.other.release)
                self.assertTrue(self.lock.acquire(TIMEOUT_MS))
            finally:
                self.assertEqual(signal.set_wakeup_fd(-1), writer.fileno())
        self.assertEqual(len(self.handled), 2)

    def test_closed_by_a_daemon(self):
        """The numbers of the sockets belong to a file of the application by then."""
        pipe = sys.modules['gi.overrides._FluflSignals'].SignalPipe
        self.addCleanup(setattr, pipe, '_pipe', pipe._pipe)
        old = pipe._pipe = pipe()
        used = [end.fileno() for end in (old._reader, old._writer)]
        with tempfile.TemporaryFile() as file:
            for fd in used:
                os.dup2(file.fileno(), fd)
            self.then = self.other.release
            self.other.acquire()
            self.send_when(self.waits)
            self.assertTrue(self.lock.acquire(TIMEOUT_MS))
            self.assertEqual(self.handled, [signal.SIGUSR1])
            self.assertEqual(os.fstat(file.fileno()).st_size, 0)
        self.assertIsNot(pipe._pipe, old)
        # The library leaves descriptors that belong to the application by then alone.
        for fd in used:
            os.close(fd)
        for each in pipe._pipe._reader, pipe._pipe._writer:
            each.close()

    def test_without_descriptors(self):
        """No socket pair is available, so the wait looks for signals now and then."""
        self.then = self.raise_stop
        self.other.acquire()
        pipe = sys.modules['gi.overrides._FluflSignals'].SignalPipe
        self.addCleanup(setattr, pipe, '_pipe', pipe._pipe)
        self.addCleanup(setattr, _socket, 'socketpair', _socket.socketpair)

        def none_left():
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        pipe._pipe = None
        _socket.socketpair = none_left
        self.send_when(self.waits)
        with self.assertRaises(Stop):
            self.lock.acquire()
        self.assertFalse(self.lock.held)
        self.other.release()

    def test_other_threads_are_not_disturbed(self):
        answers = []
        self.other.acquire()
        thread = threading.Thread(target=lambda: answers.append(self.lock.acquire(TIMEOUT_MS)))
        thread.start()
        wait_for(self.waits)
        self.then = self.raise_stop
        with self.assertRaises(Stop):
            os.kill(os.getpid(), signal.SIGUSR1)
            wait_for(lambda: self.handled)
        self.other.release()
        thread.join(PATIENCE_S)
        self.assertEqual(answers, [True])


class Storm(SignalTestCase):
    ROUNDS = 400

    def setUp(self):
        super().setUp()
        self.then = self.raise_stop
        before = signal.signal(signal.SIGALRM, self.handle)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)

    def moment(self, round_, call):
        """When the signal of a round comes, in seconds: at some time from 0 to three times what
        a call takes at present. So the rounds cover the call on a slow machine, too."""
        began = time.perf_counter()
        call()
        took = time.perf_counter() - began
        return max(1e-6, 3 * took * (round_ * 7 % self.ROUNDS) / self.ROUNDS)

    def test_an_exception_at_any_moment_leaves_the_wakeup_descriptor(self):
        def try_once():
            with self.assertRaises(TimeoutError):
                self.lock.acquire(0)

        reader, writer = socket.socketpair()
        with reader, writer, self.other:
            writer.setblocking(False)
            self.addCleanup(signal.set_wakeup_fd, -1)
            signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            for round_ in range(self.ROUNDS):
                moment = self.moment(round_, try_once)
                with self.assertRaises(Stop):
                    signal.setitimer(signal.ITIMER_REAL, moment)
                    self.lock.acquire(TIMEOUT_MS)
                self.assertEqual(signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False),
                                 writer.fileno(), round_)
                self.assertEqual(len(os.listdir(self.dir)), 2)

    def test_an_exception_at_any_moment_leaves_no_lock(self):
        """A timer's signals come in each call of a round at some time."""
        stopped = turns = 0
        for round_ in range(self.ROUNDS):
            moment = self.moment(round_, self.lock.acquire)
            self.lock.release()
            held = False
            try:
                signal.setitimer(signal.ITIMER_REAL, moment)
                # Between the return and the assignment no handler runs.
                held = self.lock.acquire(TIMEOUT_MS)
                while True:
                    self.lock.refresh()
            except Stop:
                stopped += 1
            turns += held
            self.assertEqual(self.lock.held, held)
            if not held:
                with self.assertRaises(Flufl.NotHeldError):
                    self.lock.check()
            else:
                self.assertTrue(self.lock.check())
                self.lock.release()
            self.assertEqual(os.listdir(self.dir), [])
        self.assertEqual(stopped, self.ROUNDS)
        self.assertGreater(turns, 0)
        self.assertLess(turns, self.ROUNDS)


class Operation(LockTestCase):
    def run_to_its_end(self, kind, value=0, cancellable=None):
        operation = Flufl.Operation.new(self.lock, kind, value, cancellable)
        self.assertTrue(operation.run(-1, -1))
        return operation

    def test_each_kind(self):
        run = self.run_to_its_end
        self.assertTrue(run(Flufl.OperationKind.ACQUIRE, 0).get_answer())
        self.assertTrue(run(Flufl.OperationKind.CHECK).get_answer())
        self.assertTrue(run(Flufl.OperationKind.REFRESH, 60000).get_answer())
        self.assertEqual(run(Flufl.OperationKind.QUERY_STATE).get_state(), Flufl.LockState.OURS)
        details = run(Flufl.OperationKind.QUERY_DETAILS).steal_details()
        self.assertEqual(details.pid, os.getpid())
        self.assertTrue(run(Flufl.OperationKind.RELEASE).get_answer())
        self.other.acquire()
        self.assertTrue(run(Flufl.OperationKind.BREAK_LOCK, int(Flufl.BreakFlags.FORCE)).get_answer())
        self.assertFalse(os.path.exists(self.path))
        with self.assertRaises(Flufl.LostError):
            self.other.release()

    def test_break_lock_of(self):
        self.other.acquire()
        operation = Flufl.Operation.new_break_lock_of(self.lock, self.lock.query_details(),
                                                      Flufl.BreakFlags.FORCE, None)
        self.assertTrue(operation.run(-1, -1))
        self.assertTrue(operation.get_answer())
        with self.assertRaises(Flufl.LostError):
            self.other.release()

    def test_what_it_was_not_asked_for(self):
        operation = self.run_to_its_end(Flufl.OperationKind.ACQUIRE, 0)
        self.assertEqual(operation.get_state(), Flufl.LockState.UNKNOWN)
        self.assertIsNone(operation.steal_details())
        self.assertFalse(operation.get_error()[0])
        operation.drop()

    def test_error(self):
        self.lock = Flufl.Lock('/missing/a.lock')
        operation = self.run_to_its_end(Flufl.OperationKind.ACQUIRE)
        failed, domain, code, message, number = operation.get_error()
        self.assertTrue(failed)
        self.assertEqual(domain, Gio.io_error_quark())
        self.assertEqual(code, Gio.IOErrorEnum.NOT_FOUND)
        self.assertIn('/missing', message)
        self.assertEqual(number, errno.ENOENT)
        self.assertFalse(operation.get_answer())

    def test_slices(self):
        self.other.acquire()
        operation = Flufl.Operation.new(self.lock, Flufl.OperationKind.ACQUIRE, -1, None)
        for slice_ms in 0, 1, 0, 20:
            self.assertFalse(operation.run(-1, slice_ms))
            self.assertFalse(operation.get_answer())
        self.assertEqual(len(os.listdir(self.dir)), 3)
        self.other.release()
        self.assertTrue(operation.run(-1, -1))
        self.assertTrue(operation.get_answer())
        self.assertTrue(operation.run(-1, -1))

    def test_interrupt(self):
        self.other.acquire()
        operation = Flufl.Operation.new(self.lock, Flufl.OperationKind.ACQUIRE, -1, None)
        reader, writer = socket.socketpair()
        with reader, writer:
            writer.send(b'!')
            self.assertFalse(operation.run(reader.fileno(), -1))
        operation.drop()
        self.assertEqual(len(os.listdir(self.dir)), 2)
        self.assertTrue(self.other.check())

    def test_dropped_by_its_last_reference(self):
        self.other.acquire()
        operation = Flufl.Operation.new(self.lock, Flufl.OperationKind.ACQUIRE, -1, None)
        self.assertFalse(operation.run(-1, 0))
        del operation
        self.assertEqual(len(os.listdir(self.dir)), 2)
        self.other.release()

        operation = self.run_to_its_end(Flufl.OperationKind.ACQUIRE)
        self.assertTrue(self.lock.held)
        del operation
        self.assertFalse(self.lock.held)

        operation = self.run_to_its_end(Flufl.OperationKind.ACQUIRE)
        self.assertTrue(operation.get_answer())
        del operation
        self.assertTrue(self.lock.check())

    def test_dropped_before_it_began(self):
        Flufl.Operation.new(self.lock, Flufl.OperationKind.ACQUIRE, HOUR // HOUR, None).drop()
        self.assertTrue(self.lock.acquire(0))


if __name__ == '__main__':
    if sys.argv[1:2] == ['--wait']:
        wait_for_ctrl_c(sys.argv[2])
    else:
        unittest.main()
