# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock watch” and “clean”."""

import json
import os
import signal
import subprocess

import commandtest
from commandtest import CANNOT_CREATE, NOT_A_LOCK, USAGE, CommandTest, is_alive, wait_for


class WatchingTest(CommandTest):
    def count(self):
        return sum('|' in name for name in os.listdir(self.dir))

    def begin_waiter(self):
        """Returns a waiter whose claim is there, and the process that waits."""
        before = self.count()
        waiter = self.begin('run', self.lock, 'true')
        wait_for(lambda: self.count() > before, 'the claim of the waiter')
        return waiter, self.supervisor_of(waiter)

    def kill_waiter(self, waiter, supervisor):
        os.kill(supervisor, signal.SIGKILL)
        waiter.wait(commandtest.PATIENCE_S)
        wait_for(lambda: not is_alive(supervisor), 'the death of the waiter')


class Watch(WatchingTest):
    def scenes(self, watch):
        text = watch.out.read_text(encoding='utf-8')
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith('\n')]

    def last(self, watch):
        scenes = self.scenes(watch)
        return (scenes[-1]['lock'].get('pid'), [waiter['pid'] for waiter in scenes[-1]['waiters']]) if scenes else None

    def test_holder_and_waiters_in_order(self):
        watch = self.begin('watch', '--json', self.lock)
        wait_for(lambda: self.last(watch) == (None, []), 'a free lock')
        holder, _ = self.hold()
        first = self.supervisor_of(holder)
        wait_for(lambda: self.last(watch) == (first, []), 'the holder')
        waiters = [self.begin_waiter() for _ in range(3)]
        pids = [pid for _, pid in waiters]
        wait_for(lambda: self.last(watch) == (first, pids), 'the waiters in their order')
        self.assertTrue(all(waiter['alive'] for waiter in self.scenes(watch)[-1]['waiters']))
        holder.terminate()
        for waiter, _ in waiters:
            self.finish(waiter, 0)
        wait_for(lambda: self.last(watch) == (None, []), 'a free lock again')
        watch.terminate()
        self.finish(watch, -signal.SIGTERM)

    def test_waiter_that_becomes_the_holder(self):
        """A claim alone is shown anew when it is a holder's and no waiter's any more."""
        token = self.assert_run(0, 'hold', self.lock).stdout.strip()
        waiter, supervisor = self.begin_waiter()
        commandtest.stop(supervisor)
        watch = self.begin('watch', '--json', self.lock)
        wait_for(lambda: self.scenes(watch) and len(self.scenes(watch)[-1]['waiters']) == 1, 'the waiter')
        self.assert_run(0, 'release', token)
        wait_for(lambda: self.scenes(watch)[-1]['lock']['state'] == 'unlocked', 'the free lock')
        # The waiter's claim becomes the lock by hand, since nothing else may happen between two looks.
        [claim] = [self.dir / name for name in os.listdir(self.dir) if '|' in name]
        os.link(claim, self.lock)
        try:
            wait_for(lambda: self.scenes(watch)[-1]['lock']['state'] != 'unlocked', 'the holder')
        finally:
            self.kill_waiter(waiter, supervisor)
            for path in self.lock, claim:
                path.unlink(missing_ok=True)

    def test_words(self):
        self.hold()
        _, waiter = self.begin_waiter()
        watch = self.begin('watch', self.lock)
        wait_for(lambda: f'process {waiter} on host' in watch.out.read_text(encoding='utf-8'), 'the waiter')
        self.assertIn('it is held until', watch.out.read_text(encoding='utf-8'))

    def test_reader_that_ends(self):
        with subprocess.Popen([commandtest.PROGRAM, 'watch', self.lock], stdout=subprocess.PIPE) as watch:
            self.addCleanup(watch.kill)
            self.assertIn(b'Nobody holds it.', watch.stdout.readline())
            watch.stdout.close()
            self.assertEqual(watch.wait(commandtest.PATIENCE_S), 0)  # though the lock does not change

    def test_not_a_lock(self):
        (self.dir / 'data.txt').write_text('foreign', encoding='utf-8')
        self.assert_run(NOT_A_LOCK, 'watch', self.dir / 'data.txt')
        self.assert_run(USAGE, 'watch')


class Clean(WatchingTest):
    def test_claims_of_the_dead(self):
        holder, _ = self.hold()
        waiter, supervisor = self.begin_waiter()
        [claim] = [name for name in os.listdir(self.dir) if f'|{supervisor}|' in name]
        self.assertEqual(self.assert_run(0, 'clean', self.dir).stdout, '')
        self.kill_waiter(waiter, supervisor)
        for options, words in (['--dry-run'], 'Would remove'), ([], 'Removed'):
            self.assertTrue((self.dir / claim).exists())
            result = self.assert_run(0, 'clean', *options, self.dir)
            self.assertEqual(result.stdout, f'{words} {self.dir / claim}\n')
        self.assertFalse((self.dir / claim).exists())
        self.assertIsNone(holder.poll())
        self.assertEqual(self.count(), 1)

    def test_json(self):
        self.hold()
        waiter, supervisor = self.begin_waiter()
        self.kill_waiter(waiter, supervisor)
        planned = json.loads(self.assert_run(0, 'clean', '--json', '--dry-run', self.dir).stdout)
        done = json.loads(self.assert_run(0, 'clean', '--json', self.dir).stdout)
        self.assertEqual((planned['removed'], done['removed']), (False, True))
        self.assertEqual(planned['claims'], done['claims'])
        self.assertEqual(len(done['claims']), 1)

    def test_foreign_files_stay(self):
        names = ['data|b|1|2', 'data|b|1|T1', 'data.txt', 'data|b|1|T1B00000000N00000000S1']
        for name in names:
            (self.dir / name).write_text('a letter', encoding='utf-8')
        self.assertEqual(self.assert_run(0, 'clean', self.dir).stdout, '')
        self.assertEqual(sorted(os.listdir(self.dir)), sorted(names))

    def test_no_directory(self):
        self.assertIn('Could not read the directory',
                      self.assert_run(CANNOT_CREATE, 'clean', self.dir / 'missing').stderr)
        self.assert_run(USAGE, 'clean')


if __name__ == '__main__':
    commandtest.main()
