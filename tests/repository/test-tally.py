#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-tally.py TALLY: does scripts/tally.py add up the logs of meson, and show why tests failed?"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest


class Tally(unittest.TestCase):
    tally = None

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.top = pathlib.Path(directory.name)

    def add_up(self, *tests):
        """Runs the program with a log that has the tests: its status, and its lines."""
        log = self.top / '_build/meson-logs/testlog.json'
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(''.join(json.dumps(test) + '\n' for test in tests), encoding='utf-8')
        run = subprocess.run([sys.executable, self.tally, self.top, log],
                             stdout=subprocess.PIPE, text=True, check=False)
        return run.returncode, run.stdout.splitlines()

    def test_passed(self):
        status, lines = self.add_up(
            {'name': 'a', 'result': 'OK', 'stdout': 'ok 1 /x\nok 2 /y # SKIP no disk\n# figures: 7 ms\n'},
            {'name': 'b', 'result': 'SKIP', 'stdout': '1..0 # SKIP no network\n'})
        self.assertEqual(status, 0)
        self.assertEqual(lines, ['FIGURES _build: a: 7 ms',
                                 'PARTLY SKIPPED _build: a: ok 2 /y # SKIP no disk',
                                 'SKIPPED _build: b: no network',
                                 '1 passed, 0 failed, 1 skipped'])

    def test_failed(self):
        stdout = ['not ok 1 /x - early'] + [f'ok {n} /x' for n in range(2, 40)]
        status, lines = self.add_up(
            {'name': 'a', 'result': 'OK', 'stdout': 'ok 1 /x\n'},
            {'name': 'b', 'result': 'ERROR', 'stdout': '\n'.join(stdout), 'stderr': 'no such call\n'})
        self.assertEqual(status, 1)
        self.assertEqual(lines[:2], ['FAILED _build: b: ERROR', '    not ok 1 /x - early'])
        self.assertEqual(lines[-3:], ['    ok 39 /x', '    no such call', '1 passed, 1 failed, 0 skipped'])
        self.assertLess(len(lines), 30)

    def test_nothing(self):
        self.assertEqual(self.add_up(), (1, ['0 passed, 0 failed, 0 skipped']))

    def test_no_log(self):
        run = subprocess.run([sys.executable, self.tally, self.top, self.top / '_build/testlog.json'],
                             stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stdout.splitlines(), ['FAILED _build/testlog.json: no test was run',
                                                   '0 passed, 1 failed, 0 skipped'])


if __name__ == '__main__':
    Tally.tally = sys.argv.pop(1)
    unittest.main()
