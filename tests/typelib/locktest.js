// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// The parts that the tests of Flufl from GJS share: a fresh directory for each test with two
// locks of one file in it, the assertions, and the run of all tests, which prints TAP.

import Flufl from 'gi://Flufl?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

const PATIENCE_S = 60;
export const HOUR_MS = 3600 * 1000;
export const HOUR_S = 3600;
export const BYSTANDER = 'elsewhere.example.org';

export const loop = new GLib.MainLoop(null, false);
const tests = [];

export let dir;
export let path;
export let lock;
export let other;

export function test(name, body) {
  tests.push([name, body]);
}

export function fail(message) {
  throw new Error(message);
}

export function assert(condition, message = 'an assertion') {
  if (!condition)
    fail(`${message} is false`);
}

export function assertEqual(actual, expected) {
  const [a, b] = [actual, expected].map(value => JSON.stringify(value) ?? String(value));
  if (a !== b)
    fail(`${a} is not ${b}`);
}

export async function assertRejects(domain, code, body) {
  let error = null;
  try {
    await body();
  } catch (e) {
    error = e;
  }
  if (!(error instanceof GLib.Error) || !error.matches(domain, code))
    fail(`not the error ${code} but ${error}`);
  assert(error instanceof domain, 'the domain of the error');
  assert(error.message.length > 0, 'that the error has a message');
  return error;
}

export function waitFor(condition) {
  const give_up = GLib.get_monotonic_time() + PATIENCE_S * 1e6;

  return new Promise((resolve, reject) => {
    GLib.timeout_add(GLib.PRIORITY_DEFAULT, 5, () => {
      try {
        if (condition()) {
          resolve();
          return GLib.SOURCE_REMOVE;
        }
        if (GLib.get_monotonic_time() > give_up)
          fail(`waited in vain for ${condition}`);
      } catch (error) {
        reject(error);
        return GLib.SOURCE_REMOVE;
      }
      return GLib.SOURCE_CONTINUE;
    });
  });
}

export function exists(name) {
  return GLib.file_test(name, GLib.FileTest.EXISTS);
}

export function names() {
  const children = Gio.File.new_for_path(dir).enumerate_children('standard::name',
    Gio.FileQueryInfoFlags.NOFOLLOW_SYMLINKS, null);
  const found = [];
  let info;
  while ((info = children.next_file(null)) !== null)
    found.push(info.get_name());
  children.close(null);
  return found.sort();
}

export function nowInSeconds() {
  return GLib.get_real_time() / 1e6;
}

export function mtimeOf(name) {
  return Gio.File.new_for_path(name)
    .query_info('time::modified,time::modified-usec', Gio.FileQueryInfoFlags.NONE, null)
    .get_modification_date_time();
}

export function setAge(name, age_s) {
  Gio.File.new_for_path(name).set_attribute_uint64('time::modified',
    Math.floor(nowInSeconds() - age_s), Gio.FileQueryInfoFlags.NONE, null);
}

// Makes a lock as flufl.lock does, for an unknown holder.
export function claimByHand(age_s) {
  const claim = `${path}|${BYSTANDER}|77|1`;

  GLib.file_set_contents(claim, claim);
  setAge(claim, age_s);
  const [, , , status] = GLib.spawn_sync(null, ['ln', claim, path], null,
    GLib.SpawnFlags.SEARCH_PATH, null);
  GLib.spawn_check_wait_status(status);
  return claim;
}

export function removeByHand(claim) {
  GLib.unlink(claim);
  GLib.unlink(path);
}

async function runOne(body) {
  dir = GLib.dir_make_tmp('flufl-gjs-XXXXXX');
  path = `${dir}/a.lock`;
  lock = Flufl.Lock.new_for_path(path);
  other = Flufl.Lock.new_for_path(path);

  let failure = null;
  await Promise.resolve().then(body).catch(error => (failure = error));

  for (const used of [lock, other]) {
    if (used.held)
      used.release();
  }
  const left = names();
  left.forEach(name => GLib.unlink(`${dir}/${name}`));
  GLib.rmdir(dir);

  if (failure !== null)
    throw failure;
  assertEqual(left, []);
}

async function runAll() {
  let status = 0;
  print(`1..${tests.length}`);
  for (const [i, [name, body]] of tests.entries()) {
    try {
      await runOne(body);
      print(`ok ${i + 1} - ${name}`);
    } catch (error) {
      print(`not ok ${i + 1} - ${name}`);
      `${error}\n${error.stack}`.trim().split('\n').forEach(line => print(`# ${line}`));
      status = 1;
    }
  }
  return status;
}

// Runs all tests that test() has noted, and ends the program.
export function runTests() {
  let status = 1;
  runAll().then(result => (status = result)).catch(logError).finally(() => loop.quit());
  loop.run();
  System.exit(status);
}
