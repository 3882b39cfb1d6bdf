#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""save FILE TEXT: append a line to FILE while FILE.lock is held, the way an
application does it: the main loop runs all the time."""

import signal
import sys

import gi
gi.require_version('Flufl', '1')
from gi.repository import Flufl, Gio, GLib

TIMEOUT_MS = 10000


class Save:
    def __init__(self, path, text):
        self.file = Gio.File.new_for_path(path)
        self.line = Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(f'{text}\n'.encode()))
        self.lock = Flufl.Lock.new_beside(self.file)
        self.cancellable = Gio.Cancellable()
        self.loop = GLib.MainLoop()
        self.failure = None

    def run(self):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT,
                             lambda: self.cancellable.cancel() or GLib.SOURCE_CONTINUE)
        self.lock.acquire_async(TIMEOUT_MS, self.cancellable, self.acquired)
        self.loop.run()
        if self.failure is not None:
            raise self.failure

    def acquired(self, lock, result):
        try:
            lock.acquire_finish(result)
        except GLib.Error as error:
            self.failure = error
            self.loop.quit()
        else:
            # From here on the lock's own cancellable counts: it stops the
            # work at once if the lock gets lost.
            self.file.append_to_async(Gio.FileCreateFlags.NONE, GLib.PRIORITY_DEFAULT,
                                      lock.dup_lost_cancellable(), self.opened)

    def opened(self, file, result):
        try:
            stream = file.append_to_finish(result)
        except GLib.Error as error:
            self.release(error)
        else:
            stream.splice_async(self.line, Gio.OutputStreamSpliceFlags.CLOSE_TARGET,
                                GLib.PRIORITY_DEFAULT, self.lock.dup_lost_cancellable(), self.written)

    def written(self, stream, result):
        try:
            stream.splice_finish(result)
        except GLib.Error as error:
            self.release(error)
        else:
            self.release()

    def release(self, failure=None):
        self.failure = failure
        self.lock.release_async(callback=self.released)

    def released(self, lock, result):
        try:
            lock.release_finish(result)
        except GLib.Error as error:
            # That the lock was lost says more than that the work was stopped.
            self.failure = error
        self.loop.quit()


if len(sys.argv) != 3:
    sys.exit('Usage: save FILE TEXT')
try:
    Save(*sys.argv[1:]).run()
except TimeoutError as error:
    sys.exit(f'Somebody else is saving, try again later. {error.message}')
except GLib.Error as error:
    sys.exit(f'Not saved. {error.message}')
