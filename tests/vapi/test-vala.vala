/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Flufl from Vala.
 */

void constants (Fixture f) throws Error {
  assert_cmpint (Flufl.LOCK_TIMEOUT_FOREVER, EQ, -1);
  assert_cmpint (Flufl.LOCK_TIMEOUT_DEFAULT, EQ, -2);
  assert_cmpint (Flufl.LOCK_LIFETIME_DEFAULT, EQ, -1);
  assert_cmpstr (Flufl.VERSION_S, EQ, "%d.%d.%d".printf (
      Flufl.MAJOR_VERSION, Flufl.MINOR_VERSION, Flufl.MICRO_VERSION));
}

void enumerations (Fixture f) throws Error {
  Flufl.LockState[] states = {
    Flufl.LockState.UNLOCKED, Flufl.LockState.OURS, Flufl.LockState.OURS_EXPIRED,
    Flufl.LockState.STALE, Flufl.LockState.THEIRS_EXPIRED, Flufl.LockState.UNKNOWN,
    Flufl.LockState.THEIRS,
  };
  for (var i = 0; i < states.length; i++)
    assert_cmpint (states[i], EQ, i + 1);

  Flufl.Heartbeat[] heartbeats = {
    Flufl.Heartbeat.NONE, Flufl.Heartbeat.MAIN_CONTEXT, Flufl.Heartbeat.THREAD,
    Flufl.Heartbeat.AUTO,
  };
  for (var i = 0; i < heartbeats.length; i++)
    assert_cmpint (heartbeats[i], EQ, i);

  assert_cmpint (Flufl.BreakFlags.NONE, EQ, 0);
  assert_cmpint (Flufl.BreakFlags.FORCE, EQ, 1);
}

void error_domain (Fixture f) throws Error {
  int[] codes = {
    Flufl.LockError.ALREADY_HELD, Flufl.LockError.NOT_HELD, Flufl.LockError.TIMED_OUT,
    Flufl.LockError.LOST, Flufl.LockError.NOT_A_LOCK, Flufl.LockError.UNSUPPORTED,
  };
  for (var i = 0; i < codes.length; i++)
    assert_cmpint (codes[i], EQ, i);
  assert_cmpstr (Flufl.LockError.quark ().to_string (), EQ, "flufl-lock-error-quark");

  try {
    f.a.release ();
    assert_not_reached ();
  } catch (Flufl.LockError.NOT_HELD error) {
    assert_true (error is Flufl.LockError);
  } catch (Error error) {
    assert_not_reached ();
  }
}

void documents (Fixture f) throws Error {
  var document = File.new_for_path (f.path + ".txt");
  var minutes = new Flufl.Lock.for_document (document);
  var office = document.get_parent ().get_child (".~lock.%s#".printf (document.get_basename ()));

  assert_true (minutes.document.equal (document));
  assert_cmpstr (minutes.file.get_basename (), EQ, "." + document.get_basename () + ".lock");
  assert_cmpstr (minutes.subject, EQ, document.get_path ());
  assert_true (minutes.get_document ().equal (document));
  minutes.set_subject ("Minute");
  assert_cmpstr (minutes.get_subject (), EQ, "Minute");
  minutes.subject = "Minutes";
  assert_cmpstr (minutes.subject, EQ, "Minutes");
  check_lock_error (Flufl.LockError.NOT_HELD, () => minutes.query_foreign_details ());
  FileUtils.set_contents (office.get_path (), "Jane Doe,jane,laptop,24.11.2026 10:20,file:///;");
  assert_cmpstr (minutes.query_foreign_details ().get_real_name (), EQ, "Jane Doe");
  assert_null (minutes.query_foreign_details ().get_expiration ());
  var loop = new MainLoop ();
  string? user = null;
  minutes.query_foreign_details_async.begin (null, (source, result) => {
    try {
      user = minutes.query_foreign_details_async.end (result).get_user_name ();
    } catch (Error e) {
      warning ("%s", e.message);
    }
    loop.quit ();
  });
  loop.run ();
  assert_cmpstr (user, EQ, "jane");
  office.delete ();
  assert_true (Flufl.error_means_unavailable (new IOError.READ_ONLY ("x")));
  assert_false (Flufl.error_means_unavailable (new Flufl.LockError.TIMED_OUT ("x")));
  assert_true (Flufl.error_code_means_unavailable (new IOError.READ_ONLY ("x").domain,
                                                   (int) IOError.READ_ONLY));
}

void properties (Fixture f) throws Error {
  assert_cmpstr (f.a.file.get_path (), EQ, f.path);
  assert_cmpstr (f.a.separator, EQ, "|");
  assert_cmpstr (f.a.host_name, EQ, Environment.get_host_name ());
  assert_null (f.a.program_name);

  assert_true (f.a.lifetime == 15000);
  f.a.lifetime = 20;
  assert_true (f.a.lifetime == 20);

  assert_true (f.a.default_timeout == Flufl.LOCK_TIMEOUT_FOREVER);
  f.a.default_timeout = 20;
  assert_true (f.a.default_timeout == 20);

  assert_true (f.a.heartbeat == Flufl.Heartbeat.AUTO);
  f.a.heartbeat = Flufl.Heartbeat.THREAD;
  assert_true (f.a.heartbeat == Flufl.Heartbeat.THREAD);

  assert_true (f.a.break_dead);
  f.a.break_dead = false;
  assert_false (f.a.break_dead);

  assert_false (f.a.without_links);
  var without = (Flufl.Lock) Object.new (typeof (Flufl.Lock), "file", f.a.file, "without-links", true);
  assert_true (without.get_without_links ());
  assert_false (f.a.linger);
  f.a.linger = true;
  assert_true (f.a.linger);

  var other = (Flufl.Lock) Object.new (typeof (Flufl.Lock), "file", f.a.file, "separator", "^");
  assert_cmpstr (other.separator, EQ, "^");
}

void accessors (Fixture f) throws Error {
  assert_cmpstr (f.a.get_file ().get_path (), EQ, f.path);
  assert_cmpstr (f.a.get_separator (), EQ, "|");
  assert_cmpstr (f.a.get_host_name (), EQ, Environment.get_host_name ());
  f.a.set_lifetime (20);
  assert_true (f.a.get_lifetime () == 20);
  f.a.set_default_timeout (20);
  assert_true (f.a.get_default_timeout () == 20);
  f.a.waiting_delay = 20;
  assert_true (f.a.get_waiting_delay () == 20);
  f.a.set_waiting_delay (30);
  assert_true (f.a.waiting_delay == 30);
  f.a.set_heartbeat (Flufl.Heartbeat.THREAD);
  assert_true (f.a.get_heartbeat () == Flufl.Heartbeat.THREAD);
  f.a.set_break_dead (false);
  assert_false (f.a.get_break_dead ());
  f.a.set_linger (true);
  assert_true (f.a.get_linger ());
  assert_false (f.a.get_held ());
  assert_true (f.a.get_remaining_lifetime () == 0);
  assert_null (f.a.dup_claim_file ());

  assert_cmpint (f.a.get_retry_errnos ().length, EQ, 0);
  f.a.set_retry_errnos ({ Posix.EIO, Posix.ENOSPC });
  var errnos = f.a.get_retry_errnos ();
  assert_cmpint (errnos.length, EQ, 2);
  assert_cmpint (errnos[0], EQ, Posix.EIO);
  assert_cmpint (errnos[1], EQ, Posix.ENOSPC);
  f.a.set_retry_errnos (null);
  assert_cmpint (f.a.get_retry_errnos ().length, EQ, 0);
}

void held_and_claim_file (Fixture f) throws Error {
  var n_notified = 0;
  f.a.notify["held"].connect (() => n_notified++);
  assert_false (f.a.held);
  assert_null (f.a.claim_file);
  f.a.acquire ();
  assert_true (f.a.held);
  assert_true (f.a.claim_file.equal (f.a.dup_claim_file ()));
  assert_true (f.a.claim_file.query_exists ());
  f.a.release ();
  assert_false (f.a.held);
  assert_cmpint (n_notified, EQ, 2);
}

void synchronous_round (Fixture f) throws Error {
  assert_true (f.a.query_state () == Flufl.LockState.UNLOCKED);
  assert_true (f.a.acquire ());
  assert_true (f.a.check ());
  check_lock_error (Flufl.LockError.NOT_HELD, () => f.b.check ());
  assert_true (f.a.query_state () == Flufl.LockState.OURS);
  assert_true (f.b.query_state () == Flufl.LockState.THEIRS);
  f.set_age (f.path, HOUR_S);
  assert_true (f.a.query_state (null) == Flufl.LockState.OURS_EXPIRED);
  assert_true (f.b.query_state (null) == Flufl.LockState.THEIRS_EXPIRED);
  var expired = f.expiration ();
  assert_true (f.a.refresh ());
  assert_true (f.expiration () > expired);
  assert_true (f.a.refresh (2 * HOUR_MS, null));
  assert_true (f.expiration () > get_real_time () / 1000000 + HOUR_S);
  assert_true (f.a.release ());
  assert_true (f.a.acquire (0, null));
  assert_true (f.a.release (null));
}

Flufl.Operation run (Flufl.Lock file_lock, Flufl.OperationKind kind, int64 value = 0) {
  var operation = new Flufl.Operation (file_lock, kind, value, null);
  assert_true (operation.run (-1, -1));
  assert_false (operation.get_error (null, null, null, null));
  return operation;
}

void operation (Fixture f) throws Error {
  var won = run (f.a, Flufl.OperationKind.ACQUIRE);
  assert_true (won.get_answer ());
  assert_true (run (f.a, Flufl.OperationKind.END_LEASE, won.get_lease ()).get_answer ());
  assert_true (run (f.a, Flufl.OperationKind.ACQUIRE).get_answer ());
  assert_true (run (f.a, Flufl.OperationKind.CHECK).get_answer ());
  assert_true (run (f.a, Flufl.OperationKind.REFRESH, HOUR_MS).get_answer ());
  assert_true (run (f.a, Flufl.OperationKind.QUERY_STATE).get_state () == Flufl.LockState.OURS);
  var details = run (f.a, Flufl.OperationKind.QUERY_DETAILS).steal_details ();
  assert_true (details.get_state () == Flufl.LockState.OURS);
  assert_true (run (f.a, Flufl.OperationKind.RELEASE).get_answer ());
  assert_true (run (f.a, Flufl.OperationKind.BREAK_LOCK).get_answer ());

  f.b.acquire ();
  var waits = new Flufl.Operation (f.a, Flufl.OperationKind.ACQUIRE, -1, null);
  assert_false (waits.run (-1, 0));
  assert_cmpint (f.n_files (), EQ, 3);
  waits.drop ();
  assert_cmpint (f.n_files (), EQ, 2);

  Quark domain;
  int code, errsv;
  unowned string? message;
  var fails = new Flufl.Operation (f.a, Flufl.OperationKind.ACQUIRE, 0, null);
  assert_true (fails.run (-1, -1));
  assert_true (fails.get_error (out domain, out code, out message, out errsv));
  assert_true (domain == Flufl.LockError.quark ());
  assert_cmpint (code, EQ, Flufl.LockError.TIMED_OUT);
  assert_cmpint (errsv, EQ, 0);
  assert_true (message.contains (f.path));
}

void synchronous_errors (Fixture f) throws Error {
  check_lock_error (Flufl.LockError.NOT_HELD, () => f.a.refresh ());
  check_lock_error (Flufl.LockError.NOT_HELD, () => f.a.query_details ());
  f.b.acquire ();
  check_lock_error (Flufl.LockError.ALREADY_HELD, () => f.b.acquire ());
  check_lock_error (Flufl.LockError.ALREADY_HELD, () => f.b.break_lock ());
  check_lock_error (Flufl.LockError.TIMED_OUT, () => f.a.acquire (0));
  f.a.default_timeout = 20;
  check_lock_error (Flufl.LockError.TIMED_OUT, () => f.a.acquire ());
  check_io_error (IOError.BUSY, () => f.a.break_lock ());
  var cancellable = new Cancellable ();
  cancellable.cancel ();
  check_io_error (IOError.CANCELLED, () => f.a.acquire (0, cancellable));
  f.spoil (f.b);
  check_lock_error (Flufl.LockError.LOST, () => f.b.refresh ());
  check_io_error (IOError.INVALID_ARGUMENT, () => f.a.acquire (-7));
}

void break_lock_of (Fixture f) throws Error {
  f.b.acquire ();
  var before = f.a.query_details ();
  f.b.release ();
  assert_true (f.a.break_lock_of (before));
  f.b.acquire ();
  check_lock_error (Flufl.LockError.NOT_HELD, () => f.a.break_lock_of (before, Flufl.BreakFlags.FORCE));
  f.b.check ();
  var operation = new Flufl.Operation.break_lock_of (f.a, f.a.query_details (), Flufl.BreakFlags.FORCE, null);
  assert_true (operation.run (-1, -1));
  assert_true (operation.get_answer ());
  check_lock_error (Flufl.LockError.LOST, () => f.b.check ());
}

void not_a_lock (Fixture f) throws Error {
  FileUtils.set_contents (f.path, "a letter");
  check_lock_error (Flufl.LockError.NOT_A_LOCK, () => f.a.acquire ());
  check_lock_error (Flufl.LockError.NOT_A_LOCK, () => f.a.break_lock (Flufl.BreakFlags.NONE));
  assert_true (f.a.break_lock (Flufl.BreakFlags.FORCE, null));
  assert_cmpint (f.n_files (), EQ, 0);
}

void break_expired (Fixture f) throws Error {
  f.claim_by_hand (HOUR_S);
  wait_for (() => {
    try {
      return f.a.break_lock ();
    } catch (IOError.BUSY error) {
      return false;
    } catch (Error error) {
      GLib.error ("%s", error.message);
    }
  });
  assert_true (f.a.query_state () == Flufl.LockState.UNLOCKED);
}

void check_details (Fixture f, Flufl.LockDetails details, string claim) {
  assert_cmpstr (details.get_host_name (), EQ, BYSTANDER);
  assert_cmpint (details.get_pid (), EQ, 77);
  assert_false (details.is_own_process ());
  assert_null (details.get_program_name ());
  assert_cmpstr (details.get_user_name (), EQ, Environment.get_user_name ());
  assert_true (details.get_real_name () != "");
  assert_null (details.get_acquisition ());
  assert_cmpstr (details.get_lock_file ().get_path (), EQ, f.path);
  assert_cmpstr (details.get_claim_file ().get_path (), EQ, claim);
  assert_true (details.get_state () == Flufl.LockState.UNKNOWN);
  var ahead = details.get_expiration ().to_unix () - get_real_time () / 1000000;
  assert_true (ahead > HOUR_S / 2 && ahead <= HOUR_S);
}

void details (Fixture f) throws Error {
  var claim = f.claim_by_hand (-HOUR_S);
  var details = f.a.query_details ();
  var copy = details.copy ();
  check_details (f, details, claim);
  ((owned) details).free ();
  check_details (f, copy, claim);
  f.remove_by_hand (claim);
}

void stale (Fixture f) throws Error {
  var holder = new Subprocess (SubprocessFlags.STDOUT_PIPE, program, "--hold", f.path);
  var output = new DataInputStream (holder.get_stdout_pipe ());
  assert_cmpstr (output.read_line (), EQ, "held");
  assert_true (f.a.query_state () == Flufl.LockState.THEIRS);
  assert_cmpstr (f.a.query_details ().get_pid ().to_string (), EQ, holder.get_identifier ());
  holder.force_exit ();
  holder.wait ();
  assert_true (f.a.query_state () == Flufl.LockState.STALE);
  assert_true (f.a.acquire ());
}

void signal_waiting (Fixture f) throws Error {
  var n_waiting = 0;
  f.a.waiting.connect ((details) => {
    n_waiting++;
    assert_true (details.get_state () == Flufl.LockState.THEIRS);
    try {
      f.b.release ();
    } catch (Error error) {
      GLib.error ("%s", error.message);
    }
  });
  f.b.acquire ();
  assert_true (f.a.acquire ());
  assert_cmpint (n_waiting, EQ, 1);
}

void wanted (Fixture f) throws Error {
  var n = 0;
  assert_false (f.a.watch_wanted);
  f.a.watch_wanted = true;
  assert_true (f.a.get_watch_wanted ());
  f.a.set_watch_wanted (true);
  f.a.notify["wanted"].connect (() => n++);
  f.a.acquire ();
  assert_false (f.a.get_wanted ());
  AsyncResult? result = null;
  f.b.acquire_async.begin (-1, null, (object, answer) => result = answer);
  wait_for (() => f.a.wanted);
  f.a.release ();
  wait_for (() => result != null);
  assert_true (f.b.acquire_async.end (result));
  assert_cmpint (n, EQ, 2);
}

void monitor (Fixture f) throws Error {
  var n = 0;
  var monitor = new Flufl.LockMonitor (f.a.get_file ());
  var of_lock = new Flufl.LockMonitor.for_lock (f.a);
  monitor.changed.connect (() => n++);
  assert_false (monitor.ready);
  assert_true (monitor.interval == 2000);
  monitor.interval = 50;
  assert_true (monitor.get_interval () == 50);
  monitor.set_interval (3600 * 1000);
  wait_for (() => monitor.get_ready () && monitor.state == Flufl.LockState.UNLOCKED);
  assert_true (monitor.get_details () == null && monitor.error == null && monitor.dup_error () == null);
  assert_true (monitor.file.equal (of_lock.get_file ()));
  f.a.acquire ();
  wait_for (() => monitor.get_state () == Flufl.LockState.THEIRS);
  assert_true (monitor.details.get_pid () == Posix.getpid ());
  wait_for (() => of_lock.state == Flufl.LockState.OURS);
  f.a.release ();
  wait_for (() => monitor.state == Flufl.LockState.UNLOCKED);
  assert_cmpint (n, GE, 3);
}

void signal_lost (Fixture f) throws Error {
  var n_lost = 0;
  f.a.lost.connect ((error) => {
    n_lost++;
    assert_error (error, Flufl.LockError.quark (), Flufl.LockError.LOST);
  });
  f.a.lifetime = 300;
  f.a.heartbeat = Flufl.Heartbeat.MAIN_CONTEXT;
  f.a.acquire ();
  var cancellable = f.a.dup_lost_cancellable ();
  assert_false (cancellable.is_cancelled ());
  var work = f.a.dup_work_cancellable (null);
  f.spoil (f.a);
  wait_for (() => n_lost > 0);
  assert_cmpint (n_lost, EQ, 1);
  assert_error (f.a.dup_lost_error (), Flufl.LockError.quark (), Flufl.LockError.LOST);
  assert_true (cancellable.is_cancelled ());
  assert_true (work.is_cancelled ());
  assert_error (f.a.explain_error (new IOError.CANCELLED ("stopped")),
                Flufl.LockError.quark (), Flufl.LockError.LOST);
  assert_false (f.a.held);
}

void claims (Fixture f) throws Error {
  f.a.acquire ();
  var waiters = f.a.list_waiters ();
  assert_cmpint (waiters.length, EQ, 0);
  var removed = Flufl.Lock.remove_leftovers (f.a.file.get_parent (), true);
  assert_cmpint (removed.length, EQ, 0);
  f.a.release ();
}

void abandon (Fixture f) throws Error {
  f.a.acquire ();
  f.a.abandon ();
  assert_false (f.a.held);
  f.a.acquire ();
  assert_true (Flufl.Lock.release_all (1000));
  assert_false (f.a.held);
  assert_true (f.a.release_at_exit);
  f.a.set_release_at_exit (false);
  assert_false (f.a.get_release_at_exit ());
}

async void round (Fixture f) throws Error {
  assert_true (yield f.a.acquire_async ());
  assert_true (yield f.a.check_async ());
  assert_true ((yield f.a.query_state_async ()) == Flufl.LockState.OURS);
  var details = yield f.a.query_details_async ();
  assert_true (details.get_state () == Flufl.LockState.OURS);
  assert_cmpint ((yield f.a.list_waiters_async ()).length, EQ, 0);
  var directory = f.a.file.get_parent ();
  assert_cmpint ((yield Flufl.Lock.remove_leftovers_async (directory, true)).length, EQ, 0);
  try {
    yield Flufl.Lock.remove_leftovers_async (directory.get_child ("missing"), true);
    assert_not_reached ();
  } catch (IOError.NOT_FOUND error) {
    assert_true (error.message.contains ("missing"));
  }
  assert_true (yield f.a.refresh_async ());
  assert_true (yield f.a.release_async ());
  assert_true (yield f.a.break_lock_async ());
  assert_true (yield f.a.break_lock_of_async (details));

  assert_true (yield f.a.acquire_async (Flufl.LOCK_TIMEOUT_FOREVER, null));
  assert_true (yield f.a.refresh_async (HOUR_MS, null));
  try {
    yield f.b.acquire_async (20, null);
    assert_not_reached ();
  } catch (Flufl.LockError.TIMED_OUT error) {
    assert_true (error.message.contains (f.path));
  }
  assert_true (yield f.b.break_lock_async (Flufl.BreakFlags.FORCE, null));
  try {
    yield f.a.release_async (null);
    assert_not_reached ();
  } catch (Flufl.LockError.LOST error) {
    assert_false (f.a.held);
  }
}

void asynchronous_round (Fixture f) throws Error {
  AsyncResult? result = null;
  round.begin (f, (source, r) => result = r);
  wait_for (() => result != null);
  round.end (result);
}

void cancellation_and_pending (Fixture f) throws Error {
  AsyncResult? result = null;
  var cancellable = new Cancellable ();
  f.b.acquire ();
  f.a.acquire_async.begin (HOUR_MS, cancellable, (source, r) => result = r);
  check_io_error (IOError.PENDING, () => f.a.acquire (0));
  check_lock_error (Flufl.LockError.NOT_HELD, () => f.a.check ());
  wait_for (() => f.n_files () == 3);
  cancellable.cancel ();
  wait_for (() => result != null);
  check_io_error (IOError.CANCELLED, () => f.a.acquire_async.end (result));
}

/* The program of a holder in another process, which gets killed. */
int hold (string path) {
  var file_lock = new Flufl.Lock.for_path (path);
  try {
    file_lock.acquire ();
  } catch (Error error) {
    printerr ("%s\n", error.message);
    return 1;
  }
  print ("held\n");
  new MainLoop ().run ();
  return 0;
}

int main (string[] args) {
  if (args.length == 3 && args[1] == "--hold")
    return hold (args[2]);

  program = args[0];
  Test.init (ref args);
  add ("constants", constants);
  add ("enumerations", enumerations);
  add ("error-domain", error_domain);
  add ("documents", documents);
  add ("properties", properties);
  add ("accessors", accessors);
  add ("held-and-claim-file", held_and_claim_file);
  add ("synchronous-round", synchronous_round);
  add ("operation", operation);
  add ("synchronous-errors", synchronous_errors);
  add ("break-lock-of", break_lock_of);
  add ("not-a-lock", not_a_lock);
  add ("break-expired", break_expired);
  add ("details", details);
  add ("stale", stale);
  add ("signal-waiting", signal_waiting);
  add ("wanted", wanted);
  add ("monitor", monitor);
  add ("signal-lost", signal_lost);
  add ("claims", claims);
  add ("abandon", abandon);
  add ("asynchronous-round", asynchronous_round);
  add ("cancellation-and-pending", cancellation_and_pending);
  return Test.run ();
}
