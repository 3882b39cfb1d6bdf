#!/usr/bin/env -S gjs -m
// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// save FILE TEXT: append a line to FILE while FILE.lock is held, the way an
// application does it: the main loop runs all the time.

import Flufl from 'gi://Flufl?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

const SIGINT = 2;
const TIMEOUT_MS = 10000;

Gio._promisify(Gio.File.prototype, 'append_to_async');
Gio._promisify(Gio.OutputStream.prototype, 'splice_async');

async function append(file, text, lost) {
  const line = Gio.MemoryInputStream.new_from_bytes(new TextEncoder().encode(`${text}\n`));
  const stream = await file.append_to_async(Gio.FileCreateFlags.NONE, GLib.PRIORITY_DEFAULT, lost);
  await stream.splice_async(line, Gio.OutputStreamSpliceFlags.CLOSE_TARGET,
    GLib.PRIORITY_DEFAULT, lost);
}

async function save(path, text, cancellable) {
  const file = Gio.File.new_for_path(path);
  const lock = Flufl.Lock.new_beside(file);

  // While the lock is held its own cancellable counts: it stops the work at
  // once if the lock gets lost.
  await lock.with_lock(
    () => append(file, text, lock.dup_lost_cancellable()),
    TIMEOUT_MS, cancellable);
}

if (ARGV.length !== 2) {
  printerr('Usage: save FILE TEXT');
  System.exit(2);
}

// GLib has moved this to a library of its own, where its name is not the same everywhere.
const unix = await import('gi://GLibUnix').then(module => module.default, () => null);
const onSignal = unix?.signal_add ?? unix?.signal_add_full ?? GLib.unix_signal_add;

const cancellable = new Gio.Cancellable();
onSignal(GLib.PRIORITY_DEFAULT, SIGINT, () => {
  cancellable.cancel();
  return GLib.SOURCE_CONTINUE;
});

// While this waits the main loop runs.
try {
  await save(...ARGV, cancellable);
} catch (error) {
  if (error.matches(Flufl.LockError, Flufl.LockError.TIMED_OUT))
    printerr(`Somebody else is saving, try again later. ${error.message}`);
  else
    printerr(`Not saved. ${error.message}`);
  System.exit(1);
}
