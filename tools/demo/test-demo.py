# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Does demo.py see what goes wrong, and leave nothing behind? Its workers are
small liars here."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

DEMO = pathlib.Path(__file__).resolve().with_name('demo.py')
PATIENCE_S = 60

# Takes one turn in the phase without the lock, and leaves the rest to `held`.
LIAR = '''\
#!{python}
import os, sys, time
ledger, row, rest, *lock = sys.argv[1:]
row = int(row)

def count(number):
    with open(ledger, 'r+') as file:
        rows = [int(line) for line in file]
        rows[0] += number
        rows[row] += number
        file.seek(0)
        file.writelines(f'{{number:10}}\\n' for number in rows)

print('ready', flush=True)
sys.stdin.readline()
if not lock:
    count(1)
    print(1, 0)
else:
{held}
'''


class Demo(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-test-demo-')
        self.addCleanup(directory.cleanup)
        self.workers = pathlib.Path(directory.name) / 'workers'
        self.place = pathlib.Path(directory.name) / 'place'
        self.workers.mkdir()
        self.place.mkdir()

    def tearDown(self):
        self.assertEqual(os.listdir(self.place), [])

    def make_worker(self, held):
        worker = self.workers / 'worker-c'
        worker.write_text(LIAR.format(python=sys.executable, held=textwrap.indent(held, '    ')))
        worker.chmod(0o755)

    def command(self, *arguments):
        return [sys.executable, DEMO, '--workers', self.workers, '--dir', self.place,
                '--seconds', '0.1', *arguments]

    def demo(self, *arguments):
        return subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=PATIENCE_S)

    def demo_with(self, held, processes=1):
        self.make_worker(held)
        return self.demo('--kinds', 'c', '--processes', str(processes))

    def test_truth(self):
        result = self.demo_with('count(1234); print(1234, 5678000)')
        self.assertEqual(result.stderr, '')
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r'C +1 +1,234 +5,678\.0 ms +0\n')
        self.assertRegex(result.stdout, r'all +1 +1,234 +5,678\.0 ms +0\n')
        self.assertIn('No update was lost', result.stdout)

    def test_lost_update(self):
        result = self.demo_with('count(3); print(5, 0)')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r'C +1 +5 +0\.0 ms +2\n')
        self.assertRegex(result.stdout, r'all +1 +5 +0\.0 ms +2\n')
        self.assertIn('Updates were lost with the lock.', result.stderr)
        self.assertNotIn('No update was lost', result.stdout)

    def test_too_many_updates(self):
        result = self.demo_with('count(5); print(3, 0)')
        self.assertEqual(result.returncode, 1)
        self.assertIn('Updates were lost with the lock.', result.stderr)

    def test_no_turn(self):
        result = self.demo_with('print(0, 0)')
        self.assertEqual(result.returncode, 1)
        self.assertIn('C did not get the lock once.', result.stderr)

    def test_left_behind(self):
        result = self.demo_with('count(1); print(1, 0); open(lock[0], "x")')
        self.assertEqual(result.returncode, 1)
        self.assertIn('ledger.lock was left behind.', result.stderr)

    def test_failure(self):
        result = self.demo_with('sys.exit("no can do")')
        self.assertEqual(result.returncode, 1)
        self.assertIn('C: a process failed with status 1: no can do', result.stderr)

    def test_failure_after_the_answer(self):
        result = self.demo_with('count(1); print(1, 0); sys.exit("no can do")')
        self.assertEqual(result.returncode, 1)
        self.assertIn('C: a process failed with status 1: no can do', result.stderr)

    def test_missing_worker(self):
        result = self.demo('--kinds', 'c,vala')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, 'C: cannot run .*/worker-c: No such file or directory\n'
                                        'Vala: cannot run .*/worker-vala')

    def stop_by(self, number):
        self.make_worker('import signal\n'
                         'signal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
                         'open(f"{lock[0]}-{os.getpid()}", "x")\n'
                         'time.sleep(1000)')
        with subprocess.Popen(self.command('--kinds', 'c', '--processes', '3'),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            give_up = time.monotonic() + PATIENCE_S
            found = []
            while len(found) < 3:
                self.assertIsNone(process.poll())
                self.assertLess(time.monotonic(), give_up)
                time.sleep(0.01)
                found = list(self.place.glob('*/ledger.lock-*'))
            process.send_signal(number)
            process.send_signal(number)
            _, stderr = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 128 + number)
        self.assertEqual(stderr, b'Stopped.\n')
        for path in found:
            with self.assertRaises(ProcessLookupError):
                os.kill(int(path.name.rpartition('-')[2]), 0)

    def test_interrupted(self):
        self.stop_by(signal.SIGINT)

    def test_terminated(self):
        self.stop_by(signal.SIGTERM)

    def test_bad_arguments(self):
        for arguments, complaint in [
                (['--seconds', '0'], '0 is not between'),
                (['--seconds', '-1'], '-1 is not between'),
                (['--seconds', 'nan'], 'nan is not between'),
                (['--seconds', 'many'], "'many' is not a number"),
                (['--processes', '0'], '0 is not between'),
                (['--processes', '101'], '101 is not between'),
                (['--processes', '1.5'], "'1.5' is not a number"),
                (['--kinds', ''], "'' is not one of"),
                (['--kinds', 'c,rust'], "'rust' is not one of c,python,gjs,vala,flufl"),
                (['--colour'], '--colour'),
                (['surplus'], 'surplus'),
        ]:
            with self.subTest(arguments=arguments):
                result = self.demo(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertEqual(result.stdout, '')
                self.assertIn(complaint, result.stderr)

    def refused(self, directory, why, before=()):
        """One sentence says what is wrong, where, and what to do."""
        result = subprocess.run([*before, *self.command('--dir', directory)],
                                stdin=subprocess.DEVNULL, text=True, capture_output=True,
                                timeout=PATIENCE_S)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stdout, '')
        self.assertEqual(result.stderr, f'demo: the ledger cannot be put into {str(directory)!r}, '
                                        f'since {why}: choose with --dir a directory in which '
                                        f'you may write.\n')

    def test_missing_directory(self):
        self.refused('/nonexistent', 'it does not exist')
        self.refused('', 'it does not exist')

    def test_no_directory(self):
        self.refused(__file__, 'it is not a directory')

    @unittest.skipUnless(os.path.isdir('/proc/self'), 'there is no /proc')
    def test_directory_without_new_files(self):
        self.refused('/proc', 'no files can be made there')

    def test_directory_not_writable(self):
        self.place.chmod(0o555)
        self.addCleanup(self.place.chmod, 0o755)
        before = []
        if os.geteuid() == 0: # to whom all directories are writable
            before = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
            if shutil.which('setpriv') is None:
                self.skipTest('root may write everywhere, and there is no setpriv')
        self.refused(self.place, 'it is not writable', before)


if __name__ == '__main__':
    unittest.main()
