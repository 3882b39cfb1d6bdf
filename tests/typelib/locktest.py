# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The functions and classes that the tests of Flufl from Python share. Without PyGObject
it ends the test that imports it with 77."""

import contextlib
import datetime
import os
import pathlib
import sys
import tempfile
import time
import unittest

try:
    import gi
except ImportError as error:
    print('skipped: no PyGObject:', error)
    sys.exit(77)
gi.require_version('Flufl', '1')
from gi.repository import Flufl, Gio, GLib

PATIENCE_S = 60
MS = datetime.timedelta(milliseconds=1)
HOUR = datetime.timedelta(hours=1)
UTC = datetime.timezone.utc
BYSTANDER = 'elsewhere.example.org'


def wait_for(condition):
    """Run the default main context until the condition holds."""
    late = []
    guard = GLib.timeout_add_seconds(PATIENCE_S, late.append, True)
    ticks = GLib.timeout_add(5, lambda: GLib.SOURCE_CONTINUE)
    try:
        while not condition():
            assert not late, 'waited in vain'
            GLib.MainContext.default().iteration(True)
    finally:
        GLib.source_remove(ticks)
        if not late:
            GLib.source_remove(guard)


def run_async(start, *args):
    """Start an operation with a callback and wait for its result."""
    results = []
    start(*args, lambda source, result: results.append(result))
    wait_for(lambda: results)
    return results[0]


class LockTestCase(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='flufl-python-'))
        self.path = str(self.dir / 'a.lock')
        self.lock = Flufl.Lock(self.path)
        self.other = Flufl.Lock(self.path)

    def tearDown(self):
        for lock in self.lock, self.other:
            if lock is not None and lock.held:
                lock.release()
        left = os.listdir(self.dir)
        for name in left:
            os.unlink(self.dir / name)
        self.dir.rmdir()
        self.assertEqual(left, [])

    def link_elsewhere(self):
        """Go to a new directory, where "sub" is a link to "else/d". Return its path."""
        top = tempfile.TemporaryDirectory(prefix='flufl-python-')
        self.addCleanup(top.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(top.name)
        os.makedirs('else/d')
        os.symlink('else/d', 'sub')
        return os.getcwd()

    @contextlib.contextmanager
    def assertLockError(self, code, exception):
        with self.assertRaises(exception) as caught:
            yield caught
        self.assertTrue(caught.exception.matches(Flufl.lock_error_quark(), code),
                        caught.exception)
        self.assertEqual(caught.exception.domain, 'flufl-lock-error-quark')
        self.assertIsInstance(caught.exception, Flufl.Error)
        self.assertIsInstance(caught.exception, GLib.Error)
        self.assertTrue(caught.exception.message)

    @contextlib.contextmanager
    def assertIOError(self, code):
        with self.assertRaises(GLib.Error) as caught:
            yield caught
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), code), caught.exception)

    def claim_by_hand(self, host=BYSTANDER, pid=1, age=-HOUR):
        """Make a lock as flufl.lock does, for an unknown holder."""
        claim = f'{self.path}|{host}|{pid}|1'
        with open(claim, 'x') as file:
            file.write(claim)
        self.set_age(claim, age)
        os.link(claim, self.path)
        return claim

    @staticmethod
    def set_age(path, age):
        mtime = time.time() - age.total_seconds()
        os.utime(path, (mtime, mtime))

    def remove_by_hand(self, claim):
        os.unlink(claim)
        os.unlink(self.path)


class Stop(BaseException):
    """What a handler of a signal of the system raises."""


def stopping_trace(moment, codes, is_watching=lambda: True):
    """Return a trace function that raises Stop at the moment-th instruction of the code objects."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        if not is_watching() or frame.f_code not in codes:
            return None
        frame.f_trace_opcodes = True
        count += event == 'opcode'
        if event == 'opcode' and count == moment:
            sys.settrace(None)
            raise Stop
        return trace

    return trace
