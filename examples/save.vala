/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * save FILE TEXT: append a line to FILE while FILE.lock is held, the way an
 * application does it: the main loop runs all the time.
 */

const int64 TIMEOUT_MS = 10000;

async void append (File file, string text, Cancellable lost) throws Error {
  var line = new MemoryInputStream.from_data ((text + "\n").data);
  var stream = yield file.append_to_async (FileCreateFlags.NONE, Priority.DEFAULT, lost);
  yield stream.splice_async (line, OutputStreamSpliceFlags.CLOSE_TARGET, Priority.DEFAULT, lost);
}

async void save (string path, string text, Cancellable cancellable) throws Error {
  var file = File.new_for_path (path);
  var file_lock = new Flufl.Lock.beside (file);
  yield file_lock.acquire_async (TIMEOUT_MS, cancellable);

  // From here on the lock's own cancellable counts: it stops the work at once
  // if the lock gets lost.
  Error? failure = null;
  try {
    yield append (file, text, file_lock.dup_lost_cancellable ());
  } catch (Error error) {
    failure = error;
  }

  // That the lock was lost says more than that the work was stopped.
  yield file_lock.release_async ();
  if (failure != null)
    throw failure;
}

int main (string[] args) {
  Intl.setlocale (); // messages have quotation marks of the user's charset
  if (args.length != 3) {
    printerr ("Usage: save FILE TEXT\n");
    return 2;
  }

  var cancellable = new Cancellable ();
  Unix.signal_add (Posix.Signal.INT, () => {
    cancellable.cancel ();
    return Source.CONTINUE;
  });

  var loop = new MainLoop ();
  var status = 1;
  save.begin (args[1], args[2], cancellable, (source, result) => {
    try {
      save.end (result);
      status = 0;
    } catch (Flufl.LockError.TIMED_OUT error) {
      printerr ("Somebody else is saving, try again later. %s\n", error.message);
    } catch (Error error) {
      printerr ("Not saved. %s\n", error.message);
    }
    loop.quit ();
  });
  loop.run ();

  return status;
}
