# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Runs the examples of operations: test-operation-examples.py REFRESH QUERY BREAK"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PATIENCE_S = 60
HOUR_S = 3600


class Operations(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-example-')
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.file = self.dir / 'ledger'
        self.lock = self.dir / 'ledger.lock'

    def run_one(self, program, *arguments, text=''):
        return subprocess.run([program, *arguments], input=text, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)

    def lock_by_hand(self, lifetime_s, unique='1'):
        """Lock as flufl.lock does, for another host's process."""
        claim = pathlib.Path(f'{self.lock}|elsewhere.example.org|4711|{unique}')
        claim.write_text(str(claim))
        expiration = time.time() + lifetime_s
        os.utime(claim, (expiration, expiration))
        os.link(claim, self.lock)

    def names(self):
        return sorted(os.listdir(self.dir))

    def wait_for(self, condition, process):
        give_up = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), give_up)
            self.assertIsNone(process.poll(), 'it ended')
            time.sleep(0.005)

    def start_refresh(self):
        process = subprocess.Popen([REFRESH, self.file], stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def say(self, process, line):
        process.stdin.write(line + '\n')
        process.stdin.flush()

    def test_refresh(self):
        result = self.run_one(REFRESH, self.file, text='bread\nand\nKäse\n')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertEqual(self.file.read_text(encoding='utf-8'), 'bread\nand\nKäse\n')
        self.assertEqual(self.names(), ['ledger'])

    def test_refresh_extends(self):
        process = self.start_refresh()
        self.say(process, 'bread')
        self.wait_for(lambda: self.file.exists() and self.file.read_text() == 'bread\n', process)
        soon = time.time() + 5
        os.utime(self.lock, (soon, soon))
        self.say(process, 'butter')
        self.wait_for(lambda: self.file.read_text() == 'bread\nbutter\n', process)
        self.assertGreater(self.lock.stat().st_mtime, soon)
        process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.names(), ['ledger'])

    def test_refresh_after_a_loss(self):
        process = self.start_refresh()
        self.say(process, 'bread')
        self.wait_for(lambda: self.file.exists() and self.file.read_text() == 'bread\n', process)
        self.assertEqual(self.run_one(BREAK, '--force', self.file).returncode, 0)
        _, stderr = process.communicate('butter\n', timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(stderr, '^Not all is saved. ')
        self.assertEqual(self.file.read_text(), 'bread\n')
        self.assertEqual(self.names(), ['ledger'])

    def test_refresh_fails(self):
        self.file.mkdir()
        result = self.run_one(REFRESH, self.file, text='bread\n')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, '^Not all is saved. ')
        self.assertEqual(self.names(), ['ledger'])

    def test_query(self):
        result = self.run_one(QUERY, self.file)
        self.assertEqual((result.returncode, result.stdout), (0, 'The lock is free.\n'))
        self.lock_by_hand(HOUR_S)
        before = self.names()
        result = self.run_one(QUERY, self.file)
        self.assertEqual(result.returncode, 1)
        self.assertIn('Process 4711 on elsewhere.example.org holds the lock.\n', result.stdout)
        self.assertIn('The lock expires at ', result.stdout)
        self.assertEqual(self.names(), before)

    def test_query_expired(self):
        self.lock_by_hand(-HOUR_S)
        result = self.run_one(QUERY, self.file)
        self.assertEqual(result.returncode, 1)
        self.assertIn('The lock expired at ', result.stdout)

    def test_query_live_and_dead(self):
        process = self.start_refresh()
        self.wait_for(self.lock.exists, process)
        result = self.run_one(QUERY, self.file)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f'Process {process.pid} on ', result.stdout)
        self.assertIn(f'Its program is {pathlib.Path(REFRESH).name}.\n', result.stdout)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        result = self.run_one(QUERY, self.file)
        self.assertEqual(result.returncode, 1)
        self.assertIn('The holder is dead: the next acquisition breaks the lock.\n', result.stdout)

    def test_query_with_a_program_that_moves_the_cursor(self):
        program = '\x1b[31mEditor\u202e'.encode().hex()
        self.lock_by_hand(HOUR_S, f'T18eac9a40973529cR018eac9a4097P{program}')
        result = self.run_one(QUERY, self.file)
        self.assertEqual(result.returncode, 1)
        self.assertIn('Its program is ?[31mEditor?.\n', result.stdout)

    def test_query_of_what_is_no_lock(self):
        self.lock.write_text('precious')
        result = self.run_one(QUERY, self.file)
        self.assertEqual((result.returncode, result.stdout), (2, ''))
        self.assertIn(str(self.lock), result.stderr)
        self.assertEqual(self.lock.read_text(), 'precious')

    def test_break(self):
        self.assertEqual(self.run_one(BREAK, self.file).returncode, 0)
        self.lock_by_hand(HOUR_S)
        result = self.run_one(BREAK, self.file)
        self.assertEqual(result.returncode, 1)
        self.assertIn('was not broken', result.stderr)
        self.assertIn('elsewhere.example.org', result.stderr)
        self.assertTrue(self.lock.exists())
        result = self.run_one(BREAK, '--force', self.file)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertFalse(self.lock.exists())

    def test_break_dead(self):
        process = self.start_refresh()
        self.wait_for(self.lock.exists, process)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        result = self.run_one(BREAK, self.file)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertFalse(self.lock.exists())

    def test_usage(self):
        for program in REFRESH, QUERY, BREAK:
            result = self.run_one(program)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, '^Usage: ')


if __name__ == '__main__':
    REFRESH, QUERY, BREAK = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
