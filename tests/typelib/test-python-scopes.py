# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The scopes of `with` from Python: whose lease they end, and what an exception leaves."""

import os
import sys
import threading
import unittest

from locktest import PATIENCE_S, LockTestCase, Stop, run_async, stopping_trace, wait_for

from gi.overrides import _FluflOperations
from gi.repository import Flufl


class Scopes(LockTestCase):
    def lose(self):
        self.remove_by_hand(self.lock.claim_file.get_path())
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.lock.check()

    def test_a_refused_caller_does_not_disturb(self):
        """The refused operation is not over before its callback has come."""
        results = []
        with self.lock:
            self.lock.acquire_async(0, None, lambda source, result: results.append(result))
        self.assertFalse(self.lock.held)
        wait_for(lambda: results)
        with self.assertLockError(Flufl.LockError.ALREADY_HELD, Flufl.AlreadyHeldError):
            self.lock.acquire_finish(results[0])

    def test_a_refused_caller_finds_the_loss(self):
        self.lock.acquire()
        self.remove_by_hand(self.lock.claim_file.get_path())
        result = run_async(self.lock.acquire_async, 0, None)
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            self.lock.acquire_finish(result)

    def test_loses_and_is_acquired_anew(self):
        """The end reports its own loss, and another thread's lock stays."""
        begun, go = threading.Event(), threading.Event()
        errors = []

        def work():
            try:
                with self.lock:
                    begun.set()
                    go.wait(PATIENCE_S)
            except Flufl.Error as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        self.assertTrue(begun.wait(PATIENCE_S))
        self.lose()
        with self.lock:
            go.set()
            thread.join(PATIENCE_S)
            self.assertTrue(self.lock.check())
        self.assertEqual([type(error) for error in errors], [Flufl.LostError])

    def test_nested_in_time(self):
        """The scope of one thread, lost inside, does not end the scope within it."""
        with self.assertLockError(Flufl.LockError.LOST, Flufl.LostError):
            with self.lock:
                self.lose()
                with self.lock:
                    self.assertTrue(self.lock.check())
                self.assertFalse(self.lock.held)

    def test_ends_in_another_thread(self):
        def work():
            with self.lock:
                yield

        generator = work()
        next(generator)
        thread = threading.Thread(target=generator.close)
        thread.start()
        thread.join(PATIENCE_S)
        self.assertFalse(self.lock.held)

    def test_acquired_again(self):
        """The work may let others have the lock for a while."""
        with self.lock:
            self.lock.release()
            self.lock.acquire()
            self.assertTrue(self.lock.check())
        self.assertFalse(self.lock.held)
        with self.assertLockError(Flufl.LockError.NOT_HELD, Flufl.NotHeldError):
            with self.lock:
                self.lock.release()

    def test_end_without_beginning(self):
        self.lock.acquire()
        self.lock.__exit__(None, None, None)
        self.assertFalse(self.lock.held)

    def run_operation(self, kind, value):
        operation = Flufl.Operation.new(self.lock, kind, value)
        self.assertTrue(operation.run(-1, -1))
        return operation

    def test_operations(self):
        won = self.run_operation(Flufl.OperationKind.ACQUIRE, 0)
        self.assertTrue(won.get_answer())
        self.assertTrue(self.run_operation(Flufl.OperationKind.END_LEASE, won.get_lease()).get_answer())
        again = self.run_operation(Flufl.OperationKind.ACQUIRE, 0)
        self.assertTrue(again.get_answer())
        self.assertTrue(self.run_operation(Flufl.OperationKind.END_LEASE, won.get_lease()).get_error()[0])
        self.assertTrue(self.lock.check())
        Flufl.Operation.new(self.lock, Flufl.OperationKind.END_LEASE, again.get_lease()).drop()
        self.assertFalse(self.lock.held)

    def stop_at(self, moment, codes):
        """Raise Stop at the moment-th instruction of the functions when `with` ends.

        Return whether there was one.
        """
        is_ending = False
        before = sys.gettrace()
        sys.settrace(stopping_trace(moment, codes, lambda: is_ending))
        try:
            with self.lock:
                is_ending = True
        except Stop:
            return True
        finally:
            sys.settrace(before)
        return False

    def test_an_exception_gives_the_lock_up(self):
        codes = {function.__code__ for function in (
            _FluflOperations.find_scope, _FluflOperations.end_scope, _FluflOperations.run,
            _FluflOperations.run_operation, _FluflOperations._forget_scope)}
        moment = 1
        while self.stop_at(moment, codes):
            self.assertFalse(self.lock.held, moment)
            self.assertFalse(os.path.exists(self.path), moment)
            moment += 1
        self.assertGreater(moment, 50)
        self.assertEqual(_FluflOperations._scopes(self.lock), [])


class Handlers(LockTestCase):
    def test_interrupt_in_a_handler(self):
        """What ends the process ends the operation that waits, in each thread."""
        def interrupted(*args):
            raise KeyboardInterrupt

        def acquire():
            try:
                self.lock.acquire(PATIENCE_S * 1000)
            except BaseException as error:
                errors.append(error)

        errors = []
        self.lock.connect('waiting', interrupted)
        with self.other:
            acquire()
            thread = threading.Thread(target=acquire)
            thread.start()
            thread.join(PATIENCE_S)
        self.assertEqual([type(error) for error in errors], [KeyboardInterrupt] * 2)
        self.assertFalse(self.lock.held)

    def test_interrupt_by_a_notification(self):
        def interrupted(*args):
            raise KeyboardInterrupt

        handler = self.lock.connect('notify::held', interrupted)
        with self.assertRaises(KeyboardInterrupt):
            self.lock.acquire()
        self.assertFalse(self.lock.held)
        self.lock.disconnect(handler)


if __name__ == '__main__':
    unittest.main()
