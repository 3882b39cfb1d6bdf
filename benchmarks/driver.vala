// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// driver-vala KIND DIRECTORY: what driver.c does for the work "cycle", from Vala.

int main (string[] args) {
    var file = File.new_for_path (Path.build_filename (args[2], "x.lock"));
    var ledger = new Flufl.Lock (file);
    string? line;

    ledger.heartbeat = Flufl.Heartbeat.NONE;
    while ((line = stdin.read_line ()) != null) {
        int n = int.parse (line.split (" ")[1]);
        var answer = new StringBuilder ();
        try {
            for (int i = 0; i < n; i++) {
                int64 start = get_monotonic_time ();
                ledger.acquire (0);
                ledger.release ();
                answer.append_printf ("%s ", ((get_monotonic_time () - start) * 1000).to_string ());
            }
        } catch (Error error) {
            stderr.printf ("%s\n", error.message);
            return 1;
        }
        stdout.printf ("%s\n", answer.str);
        stdout.flush ();
    }
    return 0;
}
