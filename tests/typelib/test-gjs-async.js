// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// Flufl from GJS, the typelib and the override: promises, callbacks, with_lock(), signals and
// heartbeats.

import Flufl from 'gi://Flufl?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import {
  HOUR_MS, assert, assertEqual, assertRejects, fail, lock, mtimeOf, names, nowInSeconds, other,
  path, removeByHand, runTests, test, waitFor,
} from './locktest.js';

test('asynchronous round', async () => {
  assertEqual(await lock.acquire_async(Flufl.LOCK_TIMEOUT_FOREVER, null), true);
  assertEqual(await lock.check_async(null), true);
  assertEqual(await lock.query_state_async(null), Flufl.LockState.OURS);
  assertEqual((await lock.query_details_async(null)).get_state(), Flufl.LockState.OURS);
  assertEqual(await lock.refresh_async(HOUR_MS, null), true);
  assert(mtimeOf(path).to_unix() > nowInSeconds() + 3000);
  assertEqual(await lock.release_async(null), true);
  assertEqual(await lock.break_lock_async(Flufl.BreakFlags.FORCE, null), true);
});

test('asynchronous round with defaults', async () => {
  assertEqual(await lock.acquire_async(), true);
  assertEqual(await lock.check_async(), true);
  assertEqual(await lock.query_state_async(), Flufl.LockState.OURS);
  assert(await lock.query_details_async() instanceof Flufl.LockDetails);
  assertEqual(await lock.refresh_async(), true);
  assertEqual(await lock.release_async(), true);
  assertEqual(await lock.break_lock_async(), true);
});

test('callbacks', async () => {
  const run = (name, ...args) => new Promise((resolve, reject) => {
    lock[`${name}_async`](...args, null, (source, result) => {
      try {
        assert(source === lock);
        resolve(result);
      } catch (error) {
        reject(error);
      }
    });
  });

  assertEqual(lock.acquire_finish(await run('acquire', 0)), true);
  assertEqual(lock.check_finish(await run('check')), true);
  assertEqual(lock.query_state_finish(await run('query_state')), Flufl.LockState.OURS);
  assertEqual(lock.list_waiters_finish(await run('list_waiters')).length, 0);
  const details = lock.query_details_finish(await run('query_details'));
  assertEqual(details.get_state(), Flufl.LockState.OURS);
  assertEqual(lock.refresh_finish(await run('refresh', 1000)), true);
  assertEqual(lock.release_finish(await run('release')), true);
  assertEqual(lock.break_lock_finish(await run('break_lock', Flufl.BreakFlags.NONE)), true);
  assertEqual(lock.break_lock_of_finish(await run('break_lock_of', details, Flufl.BreakFlags.NONE)),
    true);
  assertEqual(await lock.break_lock_of_async(details), true);
});

test('asynchronous errors', async () => {
  const LockError = Flufl.LockError;

  await assertRejects(LockError, LockError.NOT_HELD, () => lock.release_async());
  await assertRejects(LockError, LockError.NOT_HELD, () => lock.refresh_async());
  await assertRejects(LockError, LockError.NOT_HELD, () => lock.query_details_async());
  other.acquire();
  const error = await assertRejects(LockError, LockError.TIMED_OUT, () => lock.acquire_async(20));
  assert(error.message.includes(path));
});

test('cancellation and pending', async () => {
  const cancellable = new Gio.Cancellable();
  other.acquire();
  const acquired = lock.acquire_async(HOUR_MS, cancellable);
  const rejected = assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED, () => acquired);
  await assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.PENDING, () => lock.acquire(0));
  await assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.PENDING, () => lock.acquire_async(0));
  await assertRejects(Flufl.LockError, Flufl.LockError.NOT_HELD, () => lock.check());
  await assertRejects(Flufl.LockError, Flufl.LockError.NOT_HELD, () => lock.check_async());
  await waitFor(() => names().length === 3);
  cancellable.cancel();
  await rejected;
  assertEqual(lock.held, false);
});

test('with_lock', async () => {
  const answer = await lock.with_lock(async self => {
    assert(self === lock && lock.held);
    await lock.check_async();
    return 42;
  });
  assertEqual([answer, lock.held], [42, false]);
  assertEqual(await lock.with_lock(() => 43, 0, null), 43);
});

test('with_lock without work', async () => {
  let message;
  await lock.with_lock().catch(error => (message = error.message));
  assertEqual(message, 'with_lock() needs a function');
  assertEqual(lock.held, false);
});

test('with_lock that fails', async () => {
  let message = null;
  await lock.with_lock(() => fail('on purpose')).catch(error => (message = error.message));
  assertEqual([message, lock.held], ['on purpose', false]);

  const spoil = () => removeByHand(lock.claim_file.get_path());
  await assertRejects(Flufl.LockError, Flufl.LockError.LOST, () => lock.with_lock(spoil));
  await assertRejects(Flufl.LockError, Flufl.LockError.LOST, () => lock.with_lock(() => {
    spoil();
    throw new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED, 'stopped');
  }));

  other.acquire();
  await assertRejects(Flufl.LockError, Flufl.LockError.TIMED_OUT,
    () => lock.with_lock(() => fail('the work was done'), 0));
});

test('with_lock and a caller that is refused', async () => {
  let refused;
  await lock.with_lock(() => {
    refused = lock.with_lock(() => fail('the work was done'));
    refused.catch(() => {});  // or else GJS warns that nobody awaits it yet
  });
  await assertRejects(Flufl.LockError, Flufl.LockError.ALREADY_HELD, () => refused);
  assertEqual(lock.held, false);
});

test('with_lock that loses the lock, which is acquired anew', async () => {
  for (const reported of [false, true]) {
    let end;
    let isLost = false;
    const handler = lock.connect('lost', () => (isLost = true));
    const first = lock.with_lock(() => new Promise(resolve => (end = resolve)));
    await waitFor(() => lock.held && end);
    removeByHand(lock.claim_file.get_path());
    if (reported) {
      lock.check_async().catch(() => {});
      await waitFor(() => isLost);
    } else {
      await assertRejects(Flufl.LockError, Flufl.LockError.LOST, () => lock.acquire_async());
    }
    await lock.with_lock(async () => {
      end();
      await assertRejects(Flufl.LockError, Flufl.LockError.LOST, () => first);
      assertEqual(lock.check(), true);
    });
    lock.disconnect(handler);
  }
});

test('signal waiting', async () => {
  const seen = [];
  lock.connect('waiting', (_lock, details) => {
    seen.push(details);
    other.release();
  });
  other.acquire();
  assertEqual(await lock.acquire_async(), true);
  assertEqual(seen.length, 1);
  assert(seen[0] instanceof Flufl.LockDetails);
  assertEqual(seen[0].get_state(), Flufl.LockState.THEIRS);
});

test('wanted', async () => {
  const seen = [];
  assertEqual(lock.watch_wanted, false);
  lock.watch_wanted = true;
  assertEqual(lock.get_watch_wanted(), true);
  lock.set_watch_wanted(true);
  lock.connect('notify::wanted', () => seen.push(lock.get_wanted()));
  lock.acquire();
  assertEqual(lock.wanted, false);
  const waiter = other.acquire_async(HOUR_MS);
  await waitFor(() => lock.wanted);
  lock.release();
  assertEqual([lock.wanted, await waiter], [false, true]);
  assertEqual(seen, [true, false]);
});

test('monitor', async () => {
  const seen = [];
  const monitor = Flufl.LockMonitor.new(lock.get_file());
  const ofLock = Flufl.LockMonitor.new_for_lock(lock);
  monitor.connect('changed', () => seen.push(monitor.get_state()));
  assertEqual([monitor.ready, monitor.state, monitor.interval], [false, Flufl.LockState.UNKNOWN, 2000]);
  monitor.interval = 50;
  assertEqual(monitor.get_interval(), 50);
  monitor.set_interval(HOUR_MS);
  await waitFor(() => monitor.get_ready() && monitor.state === Flufl.LockState.UNLOCKED);
  assertEqual([monitor.details, monitor.error, monitor.dup_error()], [null, null, null]);
  assert(monitor.file.equal(lock.file) && monitor.get_file().equal(ofLock.file));
  lock.acquire();
  await waitFor(() => monitor.state === Flufl.LockState.THEIRS);
  assert(monitor.get_details() instanceof Flufl.LockDetails);
  await waitFor(() => ofLock.state === Flufl.LockState.OURS);
  lock.release();
  await waitFor(() => monitor.state === Flufl.LockState.UNLOCKED);
  assertEqual([seen[0], seen.at(-1)], [Flufl.LockState.UNLOCKED, Flufl.LockState.UNLOCKED]);
  for (const value of [9, 2 ** 31, 1.5]) {
    for (const give of [() => (monitor.interval = value),
      () => new Flufl.LockMonitor({file: lock.file, interval: value})]) {
      let error = null;
      try {
        give();
      } catch (e) {
        error = e;
      }
      assert(error instanceof RangeError, `${value} is refused, by ${error}`);
    }
  }
});

test('signal lost', async () => {
  const seen = [];
  lock.connect('lost', (_lock, error) => seen.push(error));
  lock.lifetime = 300;
  lock.heartbeat = Flufl.Heartbeat.MAIN_CONTEXT;
  lock.acquire();
  const cancellable = lock.dup_lost_cancellable();
  assertEqual(cancellable.is_cancelled(), false);
  const own = new Gio.Cancellable();
  const stopped = lock.dup_work_cancellable(own);
  const work = lock.dup_work_cancellable(null);
  own.cancel();
  assertEqual([stopped.is_cancelled(), work.is_cancelled()], [true, false]);
  removeByHand(lock.claim_file.get_path());
  await waitFor(() => seen.length > 0);
  assertEqual(seen.length, 1);
  assert(seen[0].matches(Flufl.LockError, Flufl.LockError.LOST));
  assertEqual([cancellable.is_cancelled(), lock.held], [true, false]);
  assert(lock.dup_lost_error().matches(Flufl.LockError, Flufl.LockError.LOST));
  assertEqual(work.is_cancelled(), true);
  const error = new Gio.IOErrorEnum({code: Gio.IOErrorEnum.CANCELLED, message: 'stopped'});
  assert(lock.explain_error(error).matches(Flufl.LockError, Flufl.LockError.LOST));
});

test('waiters and leftovers', async () => {
  other.acquire();
  const rejected = assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED,
    () => lock.acquire_async(HOUR_MS));
  await waitFor(() => other.list_waiters(null).length > 0);
  assertEqual(other.list_waiters(null).length, 1);
  assert(other.list_waiters()[0] instanceof Flufl.LockDetails);
  for (const waiters of [await other.list_waiters_async(null), await other.list_waiters_async()]) {
    assertEqual(waiters.length, 1);
    assert(waiters[0] instanceof Flufl.LockDetails);
  }
  const directory = Gio.File.new_for_path(path).get_parent();
  assertEqual(Flufl.Lock.remove_leftovers(directory, true, null).length, 0);
  assertEqual(Flufl.Lock.remove_leftovers(directory).length, 0);
  assertEqual((await Flufl.Lock.remove_leftovers_async(directory, true, null)).length, 0);
  assertEqual((await Flufl.Lock.remove_leftovers_async(directory)).length, 0);
  const missing = directory.get_child('missing');
  await assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND,
    () => Flufl.Lock.remove_leftovers_async(missing));
  await new Promise(resolve => {
    Flufl.Lock.remove_leftovers_async(directory, true, null, (source, result) => {
      assert(source.equal(directory));
      assertEqual(Flufl.Lock.remove_leftovers_finish(result).length, 0);
      resolve();
    });
  });
  lock.abandon();
  await rejected;
  other.release();
});

test('abandon and release_all', async () => {
  lock.acquire();
  lock.abandon();
  assertEqual([lock.held, names().length], [false, 0]);
  lock.acquire();
  assertEqual(Flufl.Lock.release_all(1000), true);
  assertEqual([lock.held, names().length], [false, 0]);
  other.acquire();
  const rejected = assertRejects(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED,
    () => lock.acquire_async(HOUR_MS));
  lock.abandon();
  await rejected;
  assertEqual(lock.release_at_exit, true);
  lock.release_at_exit = false;
  assertEqual(lock.get_release_at_exit(), false);
  lock.set_release_at_exit(true);
});

test('heartbeat refreshes', async () => {
  for (const heartbeat of [Flufl.Heartbeat.MAIN_CONTEXT, Flufl.Heartbeat.THREAD]) {
    lock.lifetime = 300;
    lock.heartbeat = heartbeat;
    lock.acquire();
    const before = mtimeOf(path);
    await waitFor(() => mtimeOf(path).compare(before) > 0);
    lock.release();
  }
});

runTests();
