# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Runs examples/save.*: test-examples.py COMMAND..."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PATIENCE_S = 60


class Save(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-example-')
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.file = self.dir / 'ledger'
        self.lock = self.dir / 'ledger.lock'

    def save(self, text):
        return subprocess.run([*COMMAND, self.file, text], stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE_S)

    def lock_by_hand(self):
        """Lock as flufl.lock does, for another host's process."""
        claim = f'{self.lock}|elsewhere.example.org|4711|1'
        with open(claim, 'x') as file:
            file.write(claim)
        an_hour_on = time.time() + 3600
        os.utime(claim, (an_hour_on, an_hour_on))
        os.link(claim, self.lock)
        return {self.lock.name, os.path.basename(claim)}

    def names(self):
        return set(os.listdir(self.dir))

    def test_success(self):
        for text in 'bread', 'and', 'Käse':
            result = self.save(text)
            self.assertEqual(result.stderr, '')
            self.assertEqual(result.returncode, 0)
        self.assertEqual(self.file.read_text(encoding='utf-8'), 'bread\nand\nKäse\n')
        self.assertEqual(self.names(), {self.file.name})

    def test_several_at_once(self):
        texts = [f'line {i}' for i in range(8)]
        processes = [subprocess.Popen([*COMMAND, self.file, text]) for text in texts]
        for process in processes:
            self.assertEqual(process.wait(PATIENCE_S), 0)
        self.assertEqual(sorted(self.file.read_text().splitlines()), texts)
        self.assertEqual(self.names(), {self.file.name})

    def test_timed_out(self):
        held = self.lock_by_hand()
        result = self.save('bread')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, '^Somebody else is saving, try again later. ')
        self.assertIn('elsewhere.example.org', result.stderr)
        self.assertIn('4711', result.stderr)
        self.assertEqual(self.names(), held)

    def test_interrupted(self):
        held = self.lock_by_hand()
        with subprocess.Popen([*COMMAND, self.file, 'bread'], stderr=subprocess.PIPE,
                              text=True) as process:
            give_up = time.monotonic() + PATIENCE_S
            while self.names() == held:
                self.assertLess(time.monotonic(), give_up, 'no claim was made')
                self.assertIsNone(process.poll())
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(stderr, '^Not saved. ')
        self.assertEqual(self.names(), held)

    def test_failure_of_the_work(self):
        self.file.mkdir()
        result = self.save('bread')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, '^Not saved. ')
        self.assertEqual(self.names(), {self.file.name})

    def test_usage(self):
        result = subprocess.run(COMMAND, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, '^Usage: ')


if __name__ == '__main__':
    COMMAND = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
