// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// worker.js LEDGER ROW REST [LOCK]: take turns at a ledger, see demo.py.

import Flufl from 'gi://Flufl?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

const THINK_USEC = 1000;

// Overwrites updates that others make meanwhile.
function takeTurn(path, row) {
  const stream = Gio.File.new_for_path(path).open_readwrite(null);
  const bytes = stream.input_stream.read_bytes(8192, null);
  const ledger = new TextDecoder().decode(bytes.toArray()).split('\n');

  GLib.usleep(THINK_USEC);
  for (const changed of [0, row])
    ledger[changed] = `${parseInt(ledger[changed]) + 1}`.padStart(10);

  stream.seek(0, GLib.SeekType.SET, null);
  stream.output_stream.write_all(new TextEncoder().encode(ledger.join('\n')), null);
  stream.close(null);
}

const [path, row, rest, lockPath] = ARGV;
const lock = lockPath ? Flufl.Lock.new_for_path(lockPath) : null;
const stdin = GLib.IOChannel.unix_new(0);

print('ready');
const end = parseInt(stdin.read_line()[1]);
let turns = 0, longest = 0;

do {
  const asked = GLib.get_monotonic_time();
  lock?.acquire();
  const got = GLib.get_monotonic_time();
  takeTurn(path, parseInt(row));
  lock?.release();
  const done = GLib.get_monotonic_time();

  turns++;
  longest = Math.max(longest, got - asked);
  GLib.usleep(Math.min((done - got) * parseInt(rest), Math.max(end - done, 0)));
} while (GLib.get_monotonic_time() < end);

print(turns, longest);
