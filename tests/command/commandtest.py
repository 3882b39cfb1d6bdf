# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""What the tests of the command flufl-lock share. Each is run as: test-….py PROGRAM [-v] [CASE…]"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
# A program that was started by nohup(1), or in the background, ignores these, and its children too.
for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
NOBODY = 65534
PATIENCE_S = 60  # a busy machine is slow; what takes longer hangs
CANNOT_CREATE, BUSY, LOST, NOT_A_LOCK, USAGE = 73, 75, 76, 65, 64


def wait_for(condition, what):
    """Returns the first true value of condition(), and fails if there is none."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f'waited in vain: {what}')


def state_of(pid):
    """The letter of proc(5); X if there is no such process."""
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='utf-8', errors='replace')
    except (FileNotFoundError, ProcessLookupError):
        return 'X'
    return stat.rpartition(')')[2].split()[0]


def is_alive(pid):
    """A zombie, which only its parent has to see, is not."""
    return state_of(pid) not in 'ZX'


def stop(pid):
    """Sends SIGSTOP, and waits until the process does nothing any more."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: state_of(pid) == 'T', 'the stop of a process')


def parent(pid):
    stat = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='utf-8', errors='replace')
    return int(stat.rpartition(')')[2].split()[1])


def children(pid):
    """The processes whose parent is pid."""
    found = []
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                stat = pathlib.Path(f'/proc/{name}/stat').read_text(encoding='utf-8', errors='replace')
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(stat.rpartition(')')[2].split()[1]) == pid:
                found.append(int(name))
    return found


class CommandTest(unittest.TestCase):
    """Each case has a directory of its own, which must be empty at its end."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-command-')
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.lock = self.dir / 'test.lock'
        self.out = self.dir / 'out'
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            self.end(process)
        left = [name for name in os.listdir(self.dir)
                if name != 'out' and not name.startswith('data')]
        self.assertEqual(left, [])

    def run_it(self, *args, **kwargs):
        """Runs flufl-lock to its end."""
        if 'input' not in kwargs:
            kwargs.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run([PROGRAM, *map(str, args)], check=False, capture_output=True, text=True,
                              encoding='utf-8', timeout=PATIENCE_S, **kwargs)

    def assert_run(self, status, *args, **kwargs):
        result = self.run_it(*args, **kwargs)
        self.assertEqual(result.returncode, status, result)
        return result

    def begin(self, *args, **kwargs):
        """Starts flufl-lock, which the case ends in any case. Its output goes to files: a process
        that outlives it would keep a pipe open."""
        kwargs.setdefault('stdin', subprocess.DEVNULL)
        with (open(self.dir / f'data.{len(self.processes)}.out', 'wb') as out,
              open(self.dir / f'data.{len(self.processes)}.err', 'wb') as err):
            process = subprocess.Popen([PROGRAM, *map(str, args)], stdout=out, stderr=err, **kwargs)
        process.out, process.err = pathlib.Path(out.name), pathlib.Path(err.name)
        self.processes.append(process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is not None:
            return
        # In this order: SIGCONT would take away the SIGSTOP by which the leak sanitizer stops threads.
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def as_another_user(self):
        """The arguments with which root starts a program as another user."""
        if os.geteuid() != 0:
            self.skipTest('only root can become another user')
        self.dir.chmod(0o755)
        if subprocess.run([PROGRAM, '--version'], check=False, user=NOBODY, capture_output=True).returncode != 0:
            self.skipTest('another user cannot run the program in the build directory')
        return {'user': NOBODY}

    def finish(self, process, status):
        """Waits for the end. Returns what the process wrote to standard error."""
        process.wait(PATIENCE_S)
        err = process.err.read_text(encoding='utf-8')
        self.assertEqual(process.returncode, status, err)
        return err

    def words_of(self, path, number=1):
        """The words in a file, as soon as there are so many."""
        def read():
            words = path.read_text(encoding='utf-8').split() if path.exists() else []
            return words if len(words) >= number else None
        return wait_for(read, f'{number} words in {path}')

    def supervisor_of(self, process):
        return wait_for(lambda: children(process.pid), 'the supervisor')[0]

    def hold(self, *options, script='sleep 1000', **kwargs):
        """Starts “run” with a shell that writes its process ID, and waits until it has."""
        process = self.begin('run', *options, self.lock, 'sh', '-c',
                             f'echo $$ >>"$0"; {script}', self.out, **kwargs)
        return process, int(self.words_of(self.out)[0])


def main():
    if os.name != 'posix' or not os.path.isdir('/proc/self'):
        print('needs /proc')
        sys.exit(77)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(verbosity=2)
