// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// driver-node.js KIND DIRECTORY: what driver.c does, except contention, for node's proper-lockfile.

const fs = require('fs');
const readline = require('readline');
const lockfile = require('proper-lockfile');

const file = `${process.argv[3]}/proper`;
fs.closeSync(fs.openSync(file, 'a'));
const now = () => process.hrtime.bigint();
let release;

async function work(line) {
  const [name, n] = line.split(' ');
  if (name === 'cycle') {
    const times = [];
    for (let i = 0; i < Number(n); i++) {
      const start = now();
      const free = await lockfile.lock(file);
      await free();
      times.push(now() - start);
    }
    return times.join(' ');
  }
  if (name === 'hold') {
    // Without retries, its default, it does not wait.
    release = await lockfile.lock(file, {retries: {forever: true}});
    return now();
  }
  const start = now();
  await release();
  return start;
}

(async () => {
  for await (const line of readline.createInterface({input: process.stdin}))
    console.log(String(await work(line)));
})();
