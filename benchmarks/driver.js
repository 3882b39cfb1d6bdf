// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// driver.js KIND DIRECTORY: what driver.c does for the work "cycle", from GJS.

import Flufl from 'gi://Flufl?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

const lock = new Flufl.Lock({
  file: Gio.File.new_for_path(`${ARGV[1]}/x.lock`),
  heartbeat: Flufl.Heartbeat.NONE,
});
const input = new Gio.DataInputStream({base_stream: new Gio.UnixInputStream({fd: 0})});

for (let [line] = input.read_line_utf8(null); line !== null; [line] = input.read_line_utf8(null)) {
  const times = [];
  for (let n = Number(line.split(' ')[1]); n > 0; n--) {
    const start = GLib.get_monotonic_time();
    lock.acquire(0, null);
    lock.release(null);
    times.push((GLib.get_monotonic_time() - start) * 1000);
  }
  print(times.join(' '));
}
