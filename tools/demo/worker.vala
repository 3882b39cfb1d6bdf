/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * worker-vala LEDGER ROW REST [LOCK]: take turns at a ledger, see demo.py.
 */

const ulong THINK_USEC = 1000;

// Overwrites updates that others make meanwhile.
void take_turn (string path, int row) throws Error {
  var stream = File.new_for_path (path).open_readwrite ();
  var buffer = new uint8[8192];
  size_t size;
  stream.input_stream.read_all (buffer, out size);
  var ledger = ((string) buffer).split ("\n");

  Thread.usleep (THINK_USEC);
  foreach (var changed in new int[] { 0, row })
    ledger[changed] = "%10d".printf (int.parse (ledger[changed]) + 1);

  stream.seek (0, SeekType.SET);
  stream.output_stream.write_all (string.joinv ("\n", ledger).data, null);
  stream.close ();
}

void work (string path, int row, int rest, Flufl.Lock? file_lock) throws Error {
  stdout.printf ("ready\n");
  stdout.flush ();
  var end = int64.parse (stdin.read_line ());
  var turns = 0;
  int64 longest = 0;

  do {
    var asked = get_monotonic_time ();
    if (file_lock != null)
      file_lock.acquire (Flufl.LOCK_TIMEOUT_FOREVER);
    var got = get_monotonic_time ();
    take_turn (path, row);
    if (file_lock != null)
      file_lock.release ();
    var done = get_monotonic_time ();

    turns++;
    longest = int64.max (longest, got - asked);
    Thread.usleep ((ulong) int64.min ((done - got) * rest, int64.max (end - done, 0)));
  } while (get_monotonic_time () < end);

  stdout.printf ("%d %s\n", turns, longest.to_string ());
}

int main (string[] args) {
  try {
    work (args[1], int.parse (args[2]), int.parse (args[3]),
          args.length > 4 ? new Flufl.Lock.for_path (args[4]) : null);
    return 0;
  } catch (Error error) {
    printerr ("%s\n", error.message);
    return 1;
  }
}
