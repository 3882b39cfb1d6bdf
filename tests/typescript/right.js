// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// Each line of this is right. It is read by tsc, and never run.

import Flufl from 'gi://Flufl?version=1';
import Gio from 'gi://Gio';

const lock = Flufl.Lock.new_beside(Gio.File.new_for_path('data.json'));
const cancellable = new Gio.Cancellable();

/** @type {[boolean, boolean, boolean, boolean, boolean]} */
export const booleans = [lock.acquire(), lock.check(), lock.refresh(), lock.release(), lock.break_lock()];
/** @type {[Flufl.LockState, Flufl.LockDetails]} */
export const found = [lock.query_state(), lock.query_details()];
/** @type {number} */
export const pid = found[1].get_pid();

lock.acquire(Flufl.LOCK_TIMEOUT_FOREVER, cancellable);
lock.acquire(10n);
lock.refresh(Flufl.LOCK_LIFETIME_DEFAULT, null);
lock.break_lock(Flufl.BreakFlags.FORCE, cancellable);
lock.lifetime = 30000;
lock.connect('lost', (lost, error) => print(lost.file.get_path(), error.message));
lock.connect('waiting', (_waiting, details) => print(details.get_host_name()));

export async function asynchronous() {
  /** @type {[boolean, boolean, boolean, boolean, boolean]} */
  const answers = [await lock.acquire_async(), await lock.check_async(), await lock.refresh_async(10),
    await lock.release_async(cancellable), await lock.break_lock_async()];
  /** @type {[Flufl.LockState, Flufl.LockDetails]} */
  const seen = [await lock.query_state_async(), await lock.query_details_async()];
  /** @type {Flufl.LockDetails[]} */
  const waiters = [...lock.list_waiters(), ...await lock.list_waiters_async()];
  const directory = Gio.File.new_for_path('.');

  Flufl.Lock.remove_leftovers_async(directory, true, null,
    (_source, result) => Flufl.Lock.remove_leftovers_finish(result));
  lock.acquire_async(0, null, (_source, result) => lock.acquire_finish(result));
  return [answers, seen, waiters];
}

export async function scopes() {
  /** @type {string} */
  const text = await lock.with_lock(async held => held.file.get_path() ?? '', 10000, cancellable);
  /** @type {number} */
  const number = await lock.with_lock(() => 42);
  await using first = lock;
  using second = lock;

  return [text, number, first, second];
}
