/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the tests of Flufl from Vala share.
 */

const uint PATIENCE_S = 60;
const int64 HOUR_MS = 3600 * 1000;
const int HOUR_S = 3600;
const string BYSTANDER = "elsewhere.example.org";

string program;

delegate void Work () throws Error;
delegate bool Condition ();

void check_fails (Quark domain, int code, Work work) {
  try {
    work ();
  } catch (Error error) {
    assert_error (error, domain, code);
    assert (error.message != "");
    return;
  }
  assert_not_reached ();
}

void check_lock_error (int code, Work work) {
  check_fails (Flufl.LockError.quark (), code, work);
}

void check_io_error (int code, Work work) {
  check_fails (IOError.quark (), code, work);
}

/* Runs the default main context until the condition holds. */
void wait_for (Condition condition) {
  var guard = Timeout.add_seconds (PATIENCE_S, () => {
    error ("waited in vain");
  });
  var ticks = Timeout.add (5, () => Source.CONTINUE);
  while (!condition ())
    MainContext.default ().iteration (true);
  Source.remove (ticks);
  Source.remove (guard);
}

class Fixture {
  public string dir;
  public string path;
  public Flufl.Lock a;
  public Flufl.Lock b;

  public Fixture () throws Error {
    dir = DirUtils.make_tmp ("flufl-vala-XXXXXX");
    path = Path.build_filename (dir, "a.lock");
    a = new Flufl.Lock.for_path (path);
    b = new Flufl.Lock (File.new_for_path (path));
    var protected_path = Path.build_filename (dir, "a");
    assert_true (b.file.equal (new Flufl.Lock.beside (File.new_for_path (protected_path)).file));
  }

  public void finish () throws Error {
    if (a.held)
      a.release ();
    if (b.held)
      b.release ();
    assert_cmpint (n_files (), EQ, 0);
    assert_cmpint (DirUtils.remove (dir), EQ, 0);
  }

  public int n_files () {
    try {
      var n = 0;
      var list = Dir.open (dir);
      while (list.read_name () != null)
        n++;
      return n;
    } catch (Error error) {
      GLib.error ("%s", error.message);
    }
  }

  public int64 expiration () throws Error {
    return a.query_details ().get_expiration ().to_unix ();
  }

  public void set_age (string name, int age_s) throws Error {
    File.new_for_path (name).set_attribute_uint64 (
        FileAttribute.TIME_MODIFIED, get_real_time () / 1000000 - age_s, FileQueryInfoFlags.NONE);
  }

  /* Locks the way flufl.lock does, for a holder that nothing is known of. */
  public string claim_by_hand (int age_s) throws Error {
    var claim = @"$path|$BYSTANDER|77|1";
    FileUtils.set_contents (claim, claim);
    set_age (claim, age_s);
    assert_cmpint (Posix.link (claim, path), EQ, 0);
    return claim;
  }

  public void remove_by_hand (string claim) {
    assert_cmpint (FileUtils.unlink (claim), EQ, 0);
    assert_cmpint (FileUtils.unlink (path), EQ, 0);
  }

  public void spoil (Flufl.Lock held) {
    remove_by_hand (held.claim_file.get_path ());
  }
}

delegate void Body (Fixture f) throws Error;

void add (string name, owned Body body) {
  Test.add_data_func ("/vala/" + name, () => {
    try {
      var f = new Fixture ();
      body (f);
      f.finish ();
    } catch (Error error) {
      GLib.error ("%s", error.message);
    }
  });
}
