# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Values of Flufl from Python: copies of exceptions, and durations at the edges."""

import copy
import datetime
import errno
import os
import pickle
import subprocess
import sys
import unittest

from locktest import MS, PATIENCE_S, LockTestCase

from gi.repository import Flufl, Gio, GLib

LONGEST = datetime.timedelta.max
COPIES = (copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error)))


class Exceptions(LockTestCase):
    def assertCopies(self, function, *args):
        with self.assertRaises(GLib.Error) as caught:
            function(*args)
        for make in COPIES:
            error = make(caught.exception)
            self.assertIs(type(error), type(caught.exception))
            self.assertEqual((str(error), error.domain, error.code),
                             (str(caught.exception), caught.exception.domain, caught.exception.code))
        return error

    def test_copies(self):
        self.assertCopies(self.lock.release)
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        self.assertCopies(self.lock.acquire, 0, cancellable)

    def test_copies_of_a_system_error(self):
        missing = self.path + '/nowhere/x.lock'
        open(self.path, 'x').close()
        error = self.assertCopies(Flufl.Lock(missing).acquire, 0)
        os.unlink(self.path)
        self.assertIsInstance(error, NotADirectoryError)
        self.assertEqual((error.errno, error.filename), (errno.ENOTDIR, missing))


class Durations(LockTestCase):
    def test_longest(self):
        with self.lock:
            pass
        self.assertTrue(self.lock.acquire(LONGEST))
        self.lock.release()
        self.lock.default_timeout = LONGEST
        self.assertEqual(self.lock.default_timeout, LONGEST)
        for name in 'lifetime', 'waiting_delay':
            with self.assertRaises(ValueError):
                setattr(self.lock, name, LONGEST)

    def test_longer_than_a_timedelta(self):
        lock = Flufl.Lock(self.path, default_timeout=2**62)
        self.assertEqual(lock.default_timeout, LONGEST)
        self.assertEqual(lock.get_default_timeout(), 2**62)

    def test_rounds_up(self):
        microsecond = datetime.timedelta(microseconds=1)
        for duration, duration_ms in ((0 * MS, 0), (microsecond, 1), (MS, 1), (MS + microsecond, 2)):
            self.lock.default_timeout = duration
            self.assertEqual(self.lock.get_default_timeout(), duration_ms)

    def test_float(self):
        with self.lock:
            for wrong in -1.0, 5.0, True:
                with self.assertRaises(TypeError):
                    self.lock.refresh(wrong)
            self.assertTrue(self.lock.refresh(-1))


AT_END = '''
import signal, sys
from flufl_compat import Lock
lock = Lock(sys.argv[1])
def stop(*unused):  # it outlives the modules, and keeps their names until then
    print(lock)
signal.signal(signal.SIGTERM, stop)
with lock:
    pass
'''


class End(LockTestCase):
    def test_of_the_interpreter(self):
        process = subprocess.run([sys.executable, '-B', '-c', AT_END, self.path], timeout=PATIENCE_S,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual((process.returncode, process.stdout), (0, ''))


if __name__ == '__main__':
    unittest.main()
