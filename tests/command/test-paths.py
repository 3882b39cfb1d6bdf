# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""What a path of the command line means: “..” behind a symbolic link, and a working directory that was deleted."""

import fcntl
import json
import os
import pathlib
import signal
import subprocess

import commandtest
from commandtest import BUSY, CANNOT_CREATE, PATIENCE_S, PROGRAM, CommandTest, is_alive, wait_for


def is_cut(claim):
    """Whether no process has the life-line any more. Threads of a dead process may still end."""
    with open(claim, 'rb') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


class Parent(CommandTest):
    """“..” is the parent of the directory to which the link “data.sub” points, as for the kernel."""

    def setUp(self):
        super().setUp()
        self.top = self.dir.resolve() / 'data.top'
        (self.top / 'else' / 'd').mkdir(parents=True)
        self.sub = self.top / 'sub'
        self.sub.symlink_to('else/d')
        self.lock = self.top / 'else' / 'l.lock'
        # A shell sets PWD to the way on which it came.
        self.inside = {'cwd': self.sub, 'env': dict(os.environ, PWD=str(self.sub))}

    def test_all_spellings_are_one_lock(self):
        process, _ = self.hold()
        for path in self.sub / '..' / 'l.lock', '../l.lock', './../l.lock', '../d/../l.lock', '../l.lock/':
            self.assert_run(BUSY, 'run', '-n', path, 'true', **self.inside)
            [look] = json.loads(self.assert_run(0, 'status', '--json', path, **self.inside).stdout)
            self.assertEqual(os.path.dirname(look['claim']), str(self.lock.parent))
            self.assert_run(BUSY, 'wait', '-w', '0', path, **self.inside)
            self.assert_run(BUSY, 'break', '--expired', path, **self.inside)
        self.assertIn('holds it', self.assert_run(0, 'list', '..', **self.inside).stdout)
        self.assertIsNone(process.poll())
        self.assertFalse((self.top / 'l.lock').exists())

    def test_lock_of_a_relative_path(self):
        self.lock = '../l.lock'
        _, command = self.hold(**self.inside)
        variables = pathlib.Path(f'/proc/{command}/environ').read_bytes().split(b'\0')
        environment = dict(variable.split(b'=', 1) for variable in variables if b'=' in variable)
        self.assertEqual(os.fsdecode(environment[b'FLUFL_LOCK_FILE']), str(self.top / 'else' / 'l.lock'))
        self.assert_run(0, 'refresh', os.fsdecode(environment[b'FLUFL_LOCK_TOKEN']))

    def test_token(self):
        token = self.assert_run(0, 'hold', self.sub / '..' / 'l.lock').stdout.strip()
        self.assertTrue(self.lock.exists())
        self.assert_run(0, 'release', token)
        self.assertFalse(self.lock.exists())

    def test_directories(self):
        claim = self.leftover()
        for path in '..', self.sub / '..':
            found = json.loads(self.assert_run(0, 'clean', '--dry-run', '--json', path, **self.inside).stdout)
            self.assertEqual(found['claims'], [str(claim)])
        result = self.assert_run(0, 'clean', '..', **self.inside)
        self.assertEqual((result.stdout, claim.exists()), (f'Removed {claim}\n', False))

    def leftover(self):
        """Leaves the claim of a waiter that was killed."""
        holder, _ = self.hold()
        waiter = self.begin('run', self.lock, 'true')
        supervisor = self.supervisor_of(waiter)
        [claim] = wait_for(lambda: list(self.lock.parent.glob(f'l.lock|*|{supervisor}|*')), 'the claim')
        wait_for(lambda: claim.stat().st_size > 0, 'the content of the claim')
        for pid in supervisor, waiter.pid:
            commandtest.stop(pid)  # so that neither cleans up
        for pid in supervisor, waiter.pid:
            os.kill(pid, signal.SIGKILL)
        waiter.wait(PATIENCE_S)
        wait_for(lambda: not is_alive(supervisor), 'the death of the supervisor')
        wait_for(lambda: is_cut(claim), 'the end of its last thread')
        self.end(holder)
        return claim

    def test_doctor(self):
        if not os.path.ismount('/dev/shm') or not os.path.ismount('/'):
            self.skipTest('needs /dev/shm')
        link = self.top / 'shm'
        link.symlink_to('/dev/shm')
        for path, cwd in (link, '/'), ('.', link):
            result = self.run_it('doctor', '--json', path, cwd=cwd, env=dict(os.environ, PWD=str(cwd)))
            found = json.loads(result.stdout)
            self.assertEqual(found['directory'], str(path))
            [mount] = [one for one in found['examinations'] if one['name'] == 'mount']
            self.assertIn('mounted at /dev/shm ', mount['message'])


class Deleted(CommandTest):
    def test_working_directory(self):
        gone = self.dir / 'data.gone'
        gone.mkdir()
        for arguments in (['run', 'x.lock', 'true'], ['hold', 'x.lock'], ['status', 'x.lock'], ['status', './x.lock'],
                          ['wait', 'x.lock'], ['watch', '../x.lock'], ['break', 'x.lock'], ['list', '.'],
                          ['clean', '.'], ['clean', '..'], ['doctor', '.']):
            gone.mkdir(exist_ok=True)
            # The shell deletes its own working directory, and PWD still names it.
            result = subprocess.run(
                ['sh', '-c', 'rmdir "$PWD" && exec "$@"', 'sh', PROGRAM, *arguments], cwd=gone, check=False,
                env=dict(os.environ, PWD=str(gone)), capture_output=True, text=True, encoding='utf-8',
                stdin=subprocess.DEVNULL, timeout=PATIENCE_S)
            self.assertEqual(result.returncode, CANNOT_CREATE, (arguments, result))
            self.assertRegex(result.stderr, 'does not exist any more|No such file', (arguments, result))
            self.assertEqual(result.stdout, '')
        self.assertFalse(os.path.exists('/x.lock'))


if __name__ == '__main__':
    commandtest.main()
