// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// Flufl from GJS, the typelib and the override: types and properties, and the functions that
// return at once or wait synchronously.

import Flufl from 'gi://Flufl?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import {
  BYSTANDER, HOUR_MS, HOUR_S, assert, assertEqual, assertRejects, claimByHand, exists, lock, loop,
  mtimeOf, names, nowInSeconds, other, path, removeByHand, runTests, setAge,
  test,
} from './locktest.js';

const EIO = 5;
const ENOSPC = 28;

Gio._promisify(Gio.DataInputStream.prototype, 'read_line_async', 'read_line_finish_utf8');
Gio._promisify(Gio.Subprocess.prototype, 'wait_async');

const program = Gio.File.new_for_uri(import.meta.url).get_path();

test('constants', () => {
  assertEqual(Flufl.LOCK_TIMEOUT_FOREVER, -1);
  assertEqual(Flufl.LOCK_TIMEOUT_DEFAULT, -2);
  assertEqual(Flufl.LOCK_LIFETIME_DEFAULT, -1);
});

test('version', () => {
  assertEqual(Flufl.VERSION_S,
    [Flufl.MAJOR_VERSION, Flufl.MINOR_VERSION, Flufl.MICRO_VERSION].join('.'));
});

test('enumerations', () => {
  assertEqual([Flufl.LockState.UNLOCKED, Flufl.LockState.OURS, Flufl.LockState.OURS_EXPIRED,
    Flufl.LockState.STALE, Flufl.LockState.THEIRS_EXPIRED, Flufl.LockState.UNKNOWN,
    Flufl.LockState.THEIRS], [1, 2, 3, 4, 5, 6, 7]);
  assertEqual([Flufl.Heartbeat.NONE, Flufl.Heartbeat.MAIN_CONTEXT, Flufl.Heartbeat.THREAD],
    [0, 1, 2]);
  assertEqual([Flufl.BreakFlags.NONE, Flufl.BreakFlags.FORCE], [0, 1]);
  assertEqual([Flufl.LockError.ALREADY_HELD, Flufl.LockError.NOT_HELD, Flufl.LockError.TIMED_OUT,
    Flufl.LockError.LOST, Flufl.LockError.NOT_A_LOCK, Flufl.LockError.UNSUPPORTED],
  [0, 1, 2, 3, 4, 5]);
});

test('error domain', () => {
  assertEqual(GLib.quark_to_string(Flufl.lock_error_quark()), 'flufl-lock-error-quark');
  assertEqual(Flufl.LockError.quark(), Flufl.lock_error_quark());
});

test('constructors', () => {
  const file = Gio.File.new_for_path(path);
  for (const made of [Flufl.Lock.new(file), Flufl.Lock.new_for_path(path),
    new Flufl.Lock({file})]) {
    assert(made instanceof Flufl.Lock);
    assert(made.file.equal(file));
  }
  assertEqual(Flufl.Lock.new_beside(file).file.get_path(), `${path}.lock`);
});

test('documents', async () => {
  const document = Gio.File.new_for_path(`${path}.txt`);
  const lock = Flufl.Lock.new_for_document(document);
  const office = Gio.File.new_for_path(`${path.replace(/[^/]*$/, '.~lock.$&.txt#')}`);
  assert(lock.document.equal(document) && lock.get_document().equal(document));
  assertEqual(lock.file.get_path(), path.replace(/[^/]*$/, '.$&.txt.lock'));
  assertEqual([lock.subject, lock.get_subject()], [document.get_path(), document.get_path()]);
  lock.set_subject('Minutes');
  lock.subject += ' of May';
  assertEqual([lock.subject, lock.lifetime], ['Minutes of May', 120000]);
  assert(new Flufl.Lock({document, subject: 'x'}).file.equal(lock.file));
  await assertRejects(Flufl.LockError, Flufl.LockError.NOT_HELD, () => lock.query_foreign_details());
  GLib.file_set_contents(office.get_path(), 'Jane Doe,jane,laptop,24.11.2026 10:20,file:///;');
  try {
    for (const details of [lock.query_foreign_details(), await lock.query_foreign_details_async()])
      assertEqual([details.get_real_name(), details.get_expiration()], ['Jane Doe', null]);
  } finally {
    office.delete(null);
  }
  const readOnly = new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.READ_ONLY, '');
  const timedOut = new GLib.Error(Flufl.LockError, Flufl.LockError.TIMED_OUT, '');
  assertEqual([readOnly, timedOut].map(e => Flufl.error_means_unavailable(e)), [true, false]);
  assertEqual(Flufl.error_code_means_unavailable(Gio.io_error_quark(),
    Gio.IOErrorEnum.READ_ONLY), true);
  // The promise of an answer leaves these to programs that count references.
  lock.query_foreign_details_async(null, (source, result) => {
    try {
      source.query_foreign_details_finish(result);
    } catch (e) {
      assert(e.matches(Flufl.LockError, Flufl.LockError.NOT_HELD));
    }
  });
});

test('construct properties', () => {
  const made = new Flufl.Lock({
    file: Gio.File.new_for_path(path),
    separator: '^',
    lifetime: HOUR_MS,
    default_timeout: 1,
    heartbeat: Flufl.Heartbeat.THREAD,
    break_dead: false,
    linger: true,
  });
  assertEqual([made.separator, made.lifetime, made.default_timeout, made.heartbeat,
    made.break_dead, made.linger], ['^', HOUR_MS, 1, Flufl.Heartbeat.THREAD, false, true]);
});

test('bad input is told at the first use', async () => {
  const file = Gio.File.new_for_path(path);
  for (const bad of [{separator: ''}, {separator: '/'}]) {
    await assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.INVALID_ARGUMENT,
      () => new Flufl.Lock({file, ...bad}).acquire());
  }
  await assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_SUPPORTED,
    () => Flufl.Lock.new(Gio.File.new_for_uri('http://example.org/a')).acquire());
});

test('properties', () => {
  assertEqual(lock.file.get_path(), path);
  assertEqual(lock.get_file().get_path(), path);
  assertEqual([lock.separator, lock.get_separator()], ['|', '|']);
  assertEqual([lock.host_name, lock.get_host_name()],
    [GLib.get_host_name(), GLib.get_host_name()]);

  assertEqual(lock.lifetime, 15000);
  lock.lifetime = 20;
  assertEqual(lock.get_lifetime(), 20);
  lock.set_lifetime(30);
  assertEqual(lock.lifetime, 30);

  assertEqual(lock.default_timeout, Flufl.LOCK_TIMEOUT_FOREVER);
  lock.default_timeout = 20;
  assertEqual(lock.get_default_timeout(), 20);
  lock.set_default_timeout(30);
  assertEqual(lock.default_timeout, 30);

  assertEqual(lock.heartbeat, Flufl.Heartbeat.AUTO);
  lock.heartbeat = Flufl.Heartbeat.THREAD;
  assertEqual(lock.get_heartbeat(), Flufl.Heartbeat.THREAD);
  lock.set_heartbeat(Flufl.Heartbeat.MAIN_CONTEXT);
  assertEqual(lock.heartbeat, Flufl.Heartbeat.MAIN_CONTEXT);

  assertEqual(lock.waiting_delay, 250);
  lock.waiting_delay = 20;
  assertEqual(lock.get_waiting_delay(), 20);
  lock.set_waiting_delay(30);
  assertEqual(lock.waiting_delay, 30);
  assertEqual(new Flufl.Lock({file: lock.file, host_name: 'x.example'}).host_name, 'x.example');
  const named = new Flufl.Lock({file: lock.file, program_name: 'Editor'});
  assertEqual([named.program_name, named.get_program_name()], ['Editor', 'Editor']);
  assertEqual(lock.program_name, null);

  assertEqual(lock.break_dead, true);
  lock.break_dead = false;
  assertEqual(lock.get_break_dead(), false);
  lock.set_break_dead(true);
  assertEqual(lock.break_dead, true);

  assertEqual(lock.without_links, false);
  const without = new Flufl.Lock({file: lock.file, without_links: true});
  assertEqual(without.get_without_links(), true);
  assertEqual(lock.linger, false);
  lock.linger = true;
  assertEqual(lock.get_linger(), true);
  lock.set_linger(false);
  assertEqual(lock.linger, false);
});

test('held and claim file', () => {
  const seen = [];
  lock.connect('notify::held', () => seen.push(lock.held));
  assertEqual([lock.held, lock.claim_file], [false, null]);
  lock.acquire();
  const claim = lock.claim_file.get_path();
  assert(claim.startsWith(`${path}|${lock.host_name}|`));
  assert(exists(claim));
  assertEqual(lock.dup_claim_file().get_path(), claim);
  assertEqual([lock.held, lock.get_held()], [true, true]);
  assert(lock.get_remaining_lifetime() > 0 && lock.get_remaining_lifetime() <= lock.lifetime);
  lock.release();
  assertEqual(lock.get_remaining_lifetime(), 0);
  assertEqual([lock.held, lock.get_held(), lock.dup_claim_file()], [false, false, null]);
  assertEqual(seen, [true, false]);
});

test('notify', () => {
  const seen = [];
  const names = ['lifetime', 'default-timeout', 'heartbeat', 'break-dead', 'linger'];
  for (const name of names)
    lock.connect(`notify::${name}`, (_object, pspec) => seen.push(pspec.name));
  for (let i = 0; i < 2; i++) {
    lock.lifetime = 1;
    lock.default_timeout = 1;
    lock.heartbeat = Flufl.Heartbeat.THREAD;
    lock.break_dead = false;
    lock.linger = true;
  }
  assertEqual(seen, names);
});

test('retry errnos', () => {
  assertEqual(lock.get_retry_errnos(), []);
  lock.set_retry_errnos([EIO, ENOSPC]);
  assertEqual(lock.get_retry_errnos(), [EIO, ENOSPC]);
  lock.set_retry_errnos(null);
  assertEqual(lock.get_retry_errnos(), []);
});

test('operation', () => {
  const run = (kind, value = 0) => {
    const operation = Flufl.Operation.new(lock, kind, value, null);
    assertEqual(operation.run(-1, -1), true);
    assertEqual(operation.get_error()[0], false);
    return operation;
  };

  const won = run(Flufl.OperationKind.ACQUIRE);
  assertEqual(won.get_answer(), true);
  assertEqual(run(Flufl.OperationKind.END_LEASE, won.get_lease()).get_answer(), true);
  assertEqual(run(Flufl.OperationKind.ACQUIRE).get_answer(), true);
  assertEqual(run(Flufl.OperationKind.CHECK).get_answer(), true);
  assertEqual(run(Flufl.OperationKind.REFRESH, HOUR_MS).get_answer(), true);
  assertEqual(run(Flufl.OperationKind.QUERY_STATE).get_state(), Flufl.LockState.OURS);
  assertEqual(run(Flufl.OperationKind.QUERY_DETAILS).steal_details().get_state(), Flufl.LockState.OURS);
  assertEqual(run(Flufl.OperationKind.RELEASE).get_answer(), true);
  assertEqual(run(Flufl.OperationKind.BREAK_LOCK).get_answer(), true);

  other.acquire();
  const waits = Flufl.Operation.new(lock, Flufl.OperationKind.ACQUIRE, -1, null);
  assertEqual(waits.run(-1, 0), false);
  assertEqual(names().length, 3);
  waits.drop();
  assertEqual(names().length, 2);

  const fails = Flufl.Operation.new(lock, Flufl.OperationKind.ACQUIRE, 0, null);
  assertEqual(fails.run(-1, -1), true);
  const [failed, domain, code, message, errsv] = fails.get_error();
  assertEqual([failed, domain, code, errsv],
    [true, Flufl.lock_error_quark(), Flufl.LockError.TIMED_OUT, 0]);
  assert(message.includes(path));
});

test('synchronous round', async () => {
  assertEqual(lock.query_state(), Flufl.LockState.UNLOCKED);
  assertEqual(lock.acquire(), true);
  assertEqual(lock.check(), true);
  await assertRejects(Flufl.LockError, Flufl.LockError.NOT_HELD, () => other.check());
  assertEqual(lock.query_state(), Flufl.LockState.OURS);
  assertEqual(other.query_state(), Flufl.LockState.THEIRS);
  setAge(path, HOUR_S);
  assertEqual(lock.query_state(null), Flufl.LockState.OURS_EXPIRED);
  assertEqual(other.query_state(null), Flufl.LockState.THEIRS_EXPIRED);
  assertEqual(lock.refresh(), true);
  assert(mtimeOf(path).to_unix() > nowInSeconds() - 60);
  assertEqual(lock.refresh(HOUR_MS, null), true);
  assert(mtimeOf(path).to_unix() > nowInSeconds() + 3000);
  assertEqual(lock.release(), true);
  assertEqual(lock.acquire(0, null), true);
  assertEqual(lock.release(null), true);
  await assertRejects(Flufl.LockError, Flufl.LockError.NOT_HELD, () => lock.check(null));
});

test('synchronous errors', async () => {
  const LockError = Flufl.LockError;

  await assertRejects(LockError, LockError.NOT_HELD, () => lock.release());
  await assertRejects(LockError, LockError.NOT_HELD, () => lock.refresh());
  await assertRejects(LockError, LockError.NOT_HELD, () => lock.query_details());
  other.acquire();
  await assertRejects(LockError, LockError.ALREADY_HELD, () => other.acquire());
  await assertRejects(LockError, LockError.ALREADY_HELD, () => other.break_lock());
  await assertRejects(LockError, LockError.TIMED_OUT, () => lock.acquire(0));
  lock.default_timeout = 20;
  await assertRejects(LockError, LockError.TIMED_OUT, () => lock.acquire());
  await assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY, () => lock.break_lock());
  const cancellable = new Gio.Cancellable();
  cancellable.cancel();
  await assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED,
    () => lock.acquire(undefined, cancellable));
  removeByHand(other.claim_file.get_path());
  await assertRejects(LockError, LockError.LOST, () => other.refresh());
});

test('the break of one holder\'s lock', async () => {
  const LockError = Flufl.LockError;

  other.acquire();
  const before = lock.query_details();
  other.release();
  assertEqual(lock.break_lock_of(before), true);
  other.acquire();
  await assertRejects(LockError, LockError.NOT_HELD,
    () => lock.break_lock_of(before, Flufl.BreakFlags.FORCE));
  other.check();
  const operation = Flufl.Operation.new_break_lock_of(lock, lock.query_details(), Flufl.BreakFlags.FORCE, null);
  assertEqual(operation.run(-1, -1), true);
  assertEqual(operation.get_answer(), true);
  await assertRejects(LockError, LockError.LOST, () => other.check());
});

test('out of range is refused where it is given', () => {
  const file = Gio.File.new_for_path(path);
  const givers = {
    lifetime: [value => (lock.lifetime = value), value => lock.set_lifetime(value),
      value => new Flufl.Lock({file, lifetime: value})],
    default_timeout: [value => (lock.default_timeout = value),
      value => lock.set_default_timeout(value),
      value => new Flufl.Lock({file, default_timeout: value}),
      value => new Flufl.Lock({file, defaultTimeout: value}),
      value => (lock.defaultTimeout = value)],
    waiting_delay: [value => (lock.waiting_delay = value), value => lock.set_waiting_delay(value),
      value => new Flufl.Lock({file, waitingDelay: value})],
  };
  const bad = {lifetime: [0, -5, 2 ** 50, NaN], default_timeout: [-2, -7, Infinity],
    waiting_delay: [-1, NaN]};
  for (const [name, values] of Object.entries(bad)) {
    for (const give of givers[name]) {
      for (const value of values) {
        let error = null;
        try {
          give(value);
        } catch (e) {
          error = e;
        }
        assert(error instanceof RangeError && error.message.startsWith(`${name}: ${value}`),
          `that ${give} is refused with ${value}, by ${error}`);
      }
    }
  }
  assertEqual([lock.lifetime, lock.default_timeout, lock.waiting_delay], [15000, -1, 250]);
});

test('values that are not numbers are refused', async () => {
  for (const value of [true, false, '5', null]) {
    for (const method of ['acquire', 'acquire_async', 'refresh', 'refresh_async', 'set_lifetime',
      'set_default_timeout']) {
      let error = null;
      try {
        await lock[method](value);
      } catch (e) {
        error = e;
      }
      assert(error instanceof TypeError, `that ${method}(${value}) is refused, by ${error}`);
    }
  }
});

test('what is no number of milliseconds', async () => {
  for (const value of [Infinity, -Infinity, NaN, 1.5, 2 ** 60]) {
    for (const method of ['acquire', 'acquire_async', 'refresh', 'refresh_async']) {
      let error = null;
      try {
        await lock[method](value);
      } catch (e) {
        error = e;
      }
      assert(error instanceof RangeError && error.message.includes(`${method}(): ${value}`),
        `that ${method}(${value}) is refused, by ${error}`);
    }
  }
  assertEqual(lock.query_state(), Flufl.LockState.UNLOCKED);
});

test('not a lock', async () => {
  GLib.file_set_contents(path, 'a letter');
  await assertRejects(Flufl.LockError, Flufl.LockError.NOT_A_LOCK, () => lock.acquire());
  await assertRejects(Flufl.LockError, Flufl.LockError.NOT_A_LOCK, () => lock.break_lock());
  assertEqual(lock.break_lock(Flufl.BreakFlags.FORCE, null), true);
  assert(!exists(path));
});

test('break an expired lock', async () => {
  claimByHand(HOUR_S);
  for (let broken = false; !broken;) {
    try {
      broken = await lock.break_lock_async(Flufl.BreakFlags.NONE);
    } catch (error) {
      if (!error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY))
        throw error;
    }
  }
  assertEqual(lock.query_state(), Flufl.LockState.UNLOCKED);
});

test('details', () => {
  const claim = claimByHand(-HOUR_S);
  assertEqual(lock.query_state(), Flufl.LockState.UNKNOWN);
  const details = lock.query_details();
  assert(details instanceof Flufl.LockDetails);
  details.free(); // GJS passes a copy
  for (const same of [details, details.copy(), lock.query_details(null)]) {
    assertEqual(same.get_host_name(), BYSTANDER);
    assertEqual(same.get_pid(), 77);
    assertEqual([same.is_own_process(), same.get_program_name(), same.get_acquisition()], [false, null, null]);
    assertEqual(same.get_user_name(), GLib.get_user_name());
    assert(same.get_real_name() !== '');
    assertEqual(same.get_lock_file().get_path(), path);
    assertEqual(same.get_claim_file().get_path(), claim);
    assertEqual(same.get_state(), Flufl.LockState.UNKNOWN);
    assertEqual(same.get_expiration().to_unix(), mtimeOf(claim).to_unix());
  }
  removeByHand(claim);
});

test('stale', async () => {
  const holder = Gio.Subprocess.new(['gjs', '-m', program, '--hold', path],
    Gio.SubprocessFlags.STDOUT_PIPE);
  const output = new Gio.DataInputStream({base_stream: holder.get_stdout_pipe()});
  const [line] = await output.read_line_async(GLib.PRIORITY_DEFAULT, null);
  assertEqual(line, 'held');
  assertEqual(lock.query_state(), Flufl.LockState.THEIRS);
  assertEqual(lock.query_details().get_pid(), Number(holder.get_identifier()));
  holder.force_exit();
  await holder.wait_async(null);
  assertEqual(lock.query_state(), Flufl.LockState.STALE);
  assertEqual(lock.acquire(), true);
});

test('types', () => {
  assertEqual(GObject.type_is_a(Flufl.BreakFlags.$gtype, GObject.TYPE_FLAGS), true);
  assertEqual(GObject.type_is_a(Flufl.LockState.$gtype, GObject.TYPE_ENUM), true);
  assertEqual(GObject.type_is_a(Flufl.LockDetails.$gtype, GObject.TYPE_BOXED), true);
});

test('dispose only where GJS has its symbols', () => {
  for (const name of ['dispose', 'asyncDispose'])
    assertEqual(typeof lock[Symbol[name]], Symbol[name] === undefined ? 'undefined' : 'function');
});

// The program of a holder in another process, which gets killed.
const held = ARGV[0] === '--hold' ? Flufl.Lock.new_for_path(ARGV[1]) : null;
if (held !== null) {
  held.acquire();
  print('held');
  loop.run();
}

runTests();
