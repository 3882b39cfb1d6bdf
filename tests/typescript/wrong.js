// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// Each line with a code is wrong, and tsc must report this code for it, and nothing else.

import Flufl from 'gi://Flufl?version=1';

const lock = Flufl.Lock.new_beside('data.json'); // TS2345

lock.acquire('10 s'); // TS2345
lock.acquire(true); // TS2345
lock.acquire(10, 20); // TS2769
lock.acquire_async({}); // TS2345
lock.refresh('10 s'); // TS2345
lock.held = true; // TS2540
lock.lifetime = '15 s'; // TS2322
lock.query_details().host_name; // TS2339
lock.query_state_async().get_pid(); // TS2339
lock.list_waiters_async().length; // TS2339
lock.connect('lots', () => {}); // TS2345
lock.with_lock(); // TS2554
lock.with_lock('work'); // TS2345
lock.with_lock(() => 42, '10 s'); // TS2345
lock.with_lock(() => 42).then(answer => answer.length); // TS2339
lock.with_lock(held => held.path); // TS2339
lock.release_all(0); // TS2576
lock.query_state() === Flufl.Heartbeat.NONE; // TS2367
lock.guard_new(0, null); // TS2339
