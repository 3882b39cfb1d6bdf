// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// Flufl from GJS, the override: the ends of `using` and `await using`.

import './disposesymbols.js';
import Flufl from 'gi://Flufl?version=1';
import {
  assert, assertEqual, assertRejects, lock, names, other, removeByHand, runTests, test,
} from './locktest.js';

const {LockError} = Flufl;

const ends = {
  'dispose': ended => ended[Symbol.dispose](),
  'asyncDispose': ended => ended[Symbol.asyncDispose](),
};

for (const [name, end] of Object.entries(ends)) {
  test(`${name} releases`, async () => {
    lock.acquire();
    const answer = end(lock);
    assertEqual(answer instanceof Promise, name === 'asyncDispose');
    assertEqual(await answer, undefined);
    assertEqual([lock.held, names()], [false, []]);
    other.acquire(0);
    await end(other);
    assertEqual(names(), []);
  });

  test(`${name} of a lock that is not held`, async () => {
    await end(lock);
    other.acquire();
    await end(lock);
    assert(other.check(), 'the lock of another object');
    other.release();
    await end(other);
  });

  test(`${name} reports a loss`, async () => {
    lock.acquire();
    removeByHand(lock.claim_file.get_path());
    await assertRejects(LockError, LockError.LOST, () => end(lock));
    assertEqual(lock.held, false);
  });

  test(`${name} reports a loss that was found before`, async () => {
    lock.acquire();
    removeByHand(lock.claim_file.get_path());
    await assertRejects(LockError, LockError.LOST, () => lock.check());
    await assertRejects(LockError, LockError.LOST, () => end(lock));
  });
}

test('dispose is not enumerable', () => {
  const keys = Object.entries(Object.getOwnPropertyDescriptors(Flufl.Lock.prototype))
    .filter(([, descriptor]) => descriptor.enumerable).map(([key]) => key);
  assert(!keys.includes('undefined'));
  for (const symbol of [Symbol.dispose, Symbol.asyncDispose])
    assert(!Object.prototype.propertyIsEnumerable.call(Flufl.Lock.prototype, symbol));
});

runTests();
