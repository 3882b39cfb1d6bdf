# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Flufl from several threads of Python, of which one has Python's global lock while another adds a
reference to an object. A hang ends the test, which shows where its threads are."""

import faulthandler
import threading
import unittest

from locktest import PATIENCE_S, LockTestCase, wait_for

from gi.repository import Flufl, Gio

N_MONITORS = 10
N_CHANGES = 20


class TestThreads(LockTestCase):
    def setUp(self):
        super().setUp()
        faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        self.file = Gio.File.new_for_path(self.path)
        self.n_changes = 0

    def new_monitor(self):
        """An object with an attribute of Python's has a toggle reference."""
        monitor = Flufl.LockMonitor.new_for_lock(self.lock)
        monitor.attribute = self
        monitor.connect('changed', self.on_changed)
        return monitor

    def on_changed(self, monitor):
        monitor.attribute.n_changes += 1

    def run_beside(self, work):
        """Change the lock, which monitors report, while another thread works."""
        over = threading.Event()

        def work_on():
            while not over.is_set():
                work()

        monitors = [self.new_monitor() for _ in range(N_MONITORS)]
        thread = threading.Thread(target=work_on)
        thread.start()
        try:
            for _ in range(N_CHANGES):
                with self.lock:
                    self.wait_for_state(monitors, Flufl.LockState.OURS)
                self.wait_for_state(monitors, Flufl.LockState.UNLOCKED)
        finally:
            over.set()
            thread.join()
        self.assertGreaterEqual(self.n_changes, 2 * N_CHANGES * N_MONITORS)

    @staticmethod
    def wait_for_state(monitors, state):
        wait_for(lambda: all(monitor.get_state() == state for monitor in monitors))

    def test_constructions(self):
        def construct():
            Flufl.Lock(file=self.file)
            Flufl.LockMonitor(file=self.file)

        self.run_beside(construct)

    def test_properties(self):
        def set_property():
            busy.props.watch_wanted = not busy.props.watch_wanted

        with Flufl.Lock(str(self.dir / 'busy.lock')) as busy:
            self.run_beside(set_property)

    def test_last_references(self):
        """The thread drops the only reference to a monitor that reports."""
        monitors = []

        def drop():
            monitors.append(self.new_monitor())
            if len(monitors) > N_MONITORS:
                monitors.pop(0)

        self.run_beside(drop)


if __name__ == '__main__':
    unittest.main()
