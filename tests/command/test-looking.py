# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock status”, “list”, “wait” and “break”."""

import datetime
import json
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import time

import commandtest
from commandtest import BUSY, CANNOT_CREATE, LOST, NOT_A_LOCK, USAGE, CommandTest


class LookingTest(CommandTest):
    def kill_holder(self):
        """Leaves the lock of a dead process."""
        process, command = self.hold()
        supervisor = self.supervisor_of(process)
        commandtest.stop(supervisor)  # so that it cannot clean up
        os.killpg(command, signal.SIGKILL)
        process.kill()
        os.kill(supervisor, signal.SIGKILL)
        process.wait(commandtest.PATIENCE_S)
        commandtest.wait_for(lambda: not commandtest.is_alive(supervisor), 'the death of the supervisor')

    def make_expired(self, age_s):
        """Makes the lock of another machine, whose holder nobody can prove dead or alive."""
        claim = self.dir / 'test.lock|elsewhere|12345|678'
        claim.write_text(str(claim), encoding='utf-8')
        expiration = time.time() - age_s
        os.utime(claim, (expiration, expiration))
        os.link(claim, self.lock)


class Status(LookingTest):
    def test_free(self):
        self.assertEqual(self.assert_run(0, 'status', self.lock).stdout, f'{self.lock}: Nobody holds it.\n')
        self.assert_run(0, 'status', '--check', self.lock)
        self.assertEqual(json.loads(self.assert_run(0, 'status', '--json', self.lock).stdout),
                         [{'path': str(self.lock), 'state': 'unlocked'}])

    def test_held(self):
        process, _ = self.hold()
        supervisor = self.supervisor_of(process)
        text = self.assert_run(0, 'status', self.lock).stdout
        self.assertRegex(text, rf'^{self.lock}: User “.+” holds it with “.+”, process {supervisor} on host “.+”. '
                               r'The process is alive. The lock was acquired at .*\d\d:\d\d:\d\d, and it is held until '
                               r'.*\d\d:\d\d:\d\d or longer.\n$')
        self.assertEqual(self.assert_run(BUSY, 'status', '--check', self.lock).stdout, '')
        other = self.dir / 'other.lock'
        held, free = json.loads(self.assert_run(0, 'status', '--json', self.lock, other).stdout)
        self.assertEqual((held['state'], held['pid'], held['alive'], held['host']),
                         ('alive', supervisor, True, socket.gethostname()))
        self.assertTrue(os.path.samefile(held['claim'], self.lock))
        self.assertEqual(held['user'], pwd.getpwuid(os.geteuid()).pw_name)
        self.assertIn(held['program'], ('sleep', 'sh', 'flufl-lock'))
        self.assertLessEqual(held['since'], held['expires'])
        expires = datetime.datetime.fromisoformat(held['expires'].replace('Z', '+00:00'))
        self.assertAlmostEqual(expires.timestamp(), self.lock.stat().st_mtime, delta=600)
        self.assertEqual(free['state'], 'unlocked')

    def test_dead_holder(self):
        self.kill_holder()
        text = self.assert_run(0, 'status', self.lock).stdout
        self.assertIn('The process is dead.', text)
        self.assertNotIn('it is held until', text)
        self.assertEqual(json.loads(self.assert_run(0, 'status', '--json', self.lock).stdout)[0]['alive'], False)
        self.assert_run(0, 'status', '--check', self.lock)
        self.assert_run(0, 'run', self.lock, 'true')

    def test_expired(self):
        self.make_expired(100)
        self.assertIn('expired at', self.assert_run(0, 'status', self.lock).stdout)
        [lock] = json.loads(self.assert_run(0, 'status', '--json', self.lock).stdout)
        self.assertEqual((lock['state'], lock['alive'], lock['host'], lock['pid']),
                         ('expired', None, 'elsewhere', 12345))
        self.assert_run(0, 'break', '--force', self.lock)

    def test_expiration_beyond_what_can_be_counted(self):
        """In nanoseconds a time after 2262 is clamped."""
        self.make_expired(100)
        os.utime(self.lock, (2**33 + 5 * 10**9, 2**33 + 5 * 10**9))
        if self.lock.stat().st_mtime < 2**33 + 5 * 10**9:
            self.skipTest('the file system has no such times')
        result = self.assert_run(0, 'status', self.lock)
        self.assertEqual(result.stderr, '')
        self.assertIn('held until 2262-04-1', result.stdout)
        self.assert_run(0, 'break', '--force', self.lock)

    def test_name_that_begins_with_a_dash(self):
        self.hold()
        for before, names in ([], ['-a.lock']), ([], ['--json']), ([self.lock], ['-a.lock', '--']):
            result = self.assert_run(0, 'status', *before, '--', *names, cwd=self.dir)
            self.assertEqual([line.partition(': ')[0] for line in result.stdout.splitlines()],
                             [*map(str, before), *names])
        result = self.assert_run(0, 'run', '--', '-a.lock', '--', 'echo', '--', 'x', cwd=self.dir)
        self.assertEqual(result.stdout, '-- x\n')

    def test_not_a_lock(self):
        foreign = self.dir / 'data.txt'
        foreign.write_text('"\\\n', encoding='utf-8')
        self.assertIn('is not a lock file', self.assert_run(NOT_A_LOCK, 'status', foreign).stderr)
        [lock] = json.loads(self.assert_run(NOT_A_LOCK, 'status', '--json', foreign).stdout)
        self.assertEqual((lock['error']['name'], lock['error']['status']), ('not-a-lock', NOT_A_LOCK))

    def test_strange_names_in_json(self):
        name = os.fsdecode(b'data "\\\n\x01\xff.lock')
        result = self.run_it('status', '--json', self.dir / name)
        self.assertEqual(json.loads(result.stdout)[0]['path'],
                         f'{self.dir}/data "\\\n\x01\ufffd.lock')

    def test_output_that_cannot_be_written(self):
        """Standard output is a full disk, is closed, or was opened for reading."""
        outputs = ['>&-', '</dev/null >&0'] + ['>/dev/full'] * os.path.exists('/dev/full')
        for arguments in (['status', self.lock], ['status', '--json', self.lock], ['list', '--json', self.dir],
                          ['doctor', self.dir], ['doctor', '--json', self.dir], ['clean', '--json', self.dir],
                          ['watch', self.lock], ['watch', '--json', self.lock], ['hold', self.lock],
                          ['--help'], ['--version'], ['run', '--help'], ['status', '--help']):
            for output in outputs:
                result = subprocess.run(['sh', '-c', f'"$@" {output}', 'sh', commandtest.PROGRAM, *arguments],
                                        stderr=subprocess.PIPE, check=False, timeout=commandtest.PATIENCE_S)
                self.assertEqual(result.returncode, CANNOT_CREATE, (output, result))
                self.assertEqual(result.stderr.count(b'Could not '), 1, (output, result))
                self.assertFalse(self.lock.exists())
        # Nothing is lost where nothing is printed.
        subprocess.run(['sh', '-c', '"$1" status --check "$2" >&- && "$1" run "$2" true >&-', 'sh', commandtest.PROGRAM,
                        self.lock], check=True, timeout=commandtest.PATIENCE_S)

    def test_strange_names_in_words(self):
        name = os.fsdecode('a\n\x1b[31m\x7f\x9b%s ä'.encode() + b'\xff.lock')
        shown = f'{self.dir}/a??[31m???%s ä'.encode() + b'\xff.lock'
        for locale in 'C', 'C.UTF-8':
            result = subprocess.run([commandtest.PROGRAM, 'status', self.dir / name], capture_output=True, check=True,
                                    env=dict(os.environ, LC_ALL=locale), timeout=commandtest.PATIENCE_S)
            self.assertEqual(result.stdout, shown + b': Nobody holds it.\n')
        self.assertNotIn('\x1b', self.assert_run(USAGE, '\x1b[31m').stderr)

    def test_json_in_another_locale(self):
        self.lock = self.dir / 'a “b” ….lock'
        self.hold()
        environment = dict(os.environ, LC_ALL='C')
        for arguments in (['status', '--json', self.lock], ['list', '--json', self.dir]):
            [lock] = json.loads(self.assert_run(0, *arguments, env=environment).stdout)
            self.assertEqual(lock['path'], str(self.lock))

    def test_usage(self):
        self.assert_run(USAGE, 'status')
        self.assert_run(USAGE, 'status', '--check', '--json', self.lock)
        error = json.loads(self.assert_run(USAGE, 'status', '--json').stderr)['error']
        self.assertEqual((error['name'], error['status']), ('usage', USAGE))
        error = json.loads(self.assert_run(USAGE, 'status', '--what', '--json').stderr)['error']
        self.assertIn('--what', error['message'])


class List(LookingTest):
    def test_list(self):
        self.assertEqual(self.assert_run(0, 'list', self.dir).stdout, '')
        self.assertEqual(json.loads(self.assert_run(0, 'list', '--json', self.dir).stdout), [])
        process, _ = self.hold()
        waiter = self.begin('run', self.lock, 'true')
        (self.dir / 'data.txt').write_text('foreign', encoding='utf-8')
        os.link(self.dir / 'data.txt', self.dir / 'data.link')
        (self.dir / 'data.dir').mkdir()
        commandtest.wait_for(lambda: sum('|' in name for name in os.listdir(self.dir)) == 2, 'the waiter')
        result = self.assert_run(0, 'list', self.dir)
        self.assertEqual([line.partition(': ')[0] for line in result.stdout.splitlines()], [str(self.lock)])
        self.assertEqual(result.stderr, '')
        [lock] = json.loads(self.assert_run(0, 'list', '--json', self.dir).stdout)
        self.assertEqual((lock['path'], lock['pid']), (str(self.lock), self.supervisor_of(process)))
        process.terminate()
        self.finish(waiter, 0)

    def test_claim_that_may_not_be_read(self):
        """It is not taken for a second lock, which cannot be read either."""
        another = self.as_another_user()
        directory = self.dir / 'data.sticky'
        directory.mkdir()
        directory.chmod(0o1777)
        process = self.begin('run', directory / 'x.lock', 'sleep', '1000', umask=0o077)
        commandtest.wait_for(lambda: [lock for lock in os.listdir(directory) if lock == 'x.lock'], 'the lock')
        [lock] = json.loads(self.assert_run(0, 'list', '--json', directory, **another).stdout)
        self.assertEqual(lock['path'], str(directory / 'x.lock'))
        self.end(process)

    def test_no_directory(self):
        self.assert_run(CANNOT_CREATE, 'list', self.dir / 'missing')
        for arguments in ['status'], ['status', '--check'], ['wait'], ['break'], ['break', '--force'], ['watch']:
            result = self.assert_run(CANNOT_CREATE, *arguments, self.dir / 'missing' / 'a.lock')
            self.assertIn('no directory', result.stderr)
        self.assert_run(USAGE, 'list')


class Wait(LookingTest):
    def test_free(self):
        self.assert_run(0, 'wait', self.lock)
        self.kill_holder()
        self.assert_run(0, 'wait', self.lock)
        self.assert_run(0, 'break', '--if-dead', self.lock)

    def test_timeout_and_release(self):
        process, _ = self.hold()
        self.assertIn('did not become free', self.assert_run(BUSY, 'wait', '-w', '0.2', self.lock).stderr)
        self.assertEqual(self.assert_run(BUSY, 'wait', '-q', '-w', '0', self.lock).stderr, '')
        waiter = self.begin('wait', self.lock)
        time.sleep(0.1)
        self.assertIsNone(waiter.poll())
        process.terminate()
        self.finish(waiter, 0)

    def test_not_a_lock(self):
        (self.dir / 'data.txt').write_text('foreign', encoding='utf-8')
        self.assert_run(NOT_A_LOCK, 'wait', self.dir / 'data.txt')


class Break(LookingTest):
    def test_living_holder(self):
        process, command = self.hold('--lifetime', '3', '--kill-after', '0.2')
        for options in [], ['--if-dead'], ['--expired']:
            result = self.assert_run(BUSY, 'break', *options, self.lock)
            self.assertIn('not broken', result.stderr)
        error = json.loads(self.assert_run(BUSY, 'break', '--json', self.lock).stderr)['error']
        self.assertEqual(error['name'], 'busy')
        self.assertTrue(commandtest.is_alive(command))
        self.assert_run(0, 'break', '--force', self.lock)
        self.finish(process, LOST)

    def test_nobody(self):
        for options in [], ['--if-dead'], ['--force']:
            self.assert_run(0, 'break', *options, self.lock)

    def test_dead_holder(self):
        self.kill_holder()
        self.assert_run(BUSY, 'break', '--expired', self.lock)
        self.assert_run(0, 'break', '--if-dead', self.lock)

    def test_dead_holder_whose_lock_expired(self):
        self.kill_holder()
        os.utime(self.lock, (0, time.time() - 100))
        self.assert_run(0, 'break', '--expired', self.lock)
        self.assertFalse(self.lock.exists())

    def test_expired(self):
        self.make_expired(100)
        self.assert_run(BUSY, 'break', '--if-dead', self.lock)
        self.assert_run(0, 'break', '--expired', self.lock)

    def test_stop_key(self):
        process, command = self.hold('--lifetime', '30')
        supervisor = self.supervisor_of(process)
        commandtest.stop(supervisor)
        os.utime(self.lock, (0, time.time() - 60))
        # In a group whose parent is in the same session: SIGTSTP stops no orphaned group.
        breaker = self.begin('break', self.lock, preexec_fn=lambda: os.setpgid(0, 0))
        def is_ready():
            status = pathlib.Path(f'/proc/{breaker.pid}/status').read_text(encoding='utf-8')
            return int(status.partition('SigCgt:')[2].split()[0], 16) >> (signal.SIGTERM - 1) & 1
        commandtest.wait_for(is_ready, 'the handlers of the breaker')
        breaker.send_signal(signal.SIGTSTP)
        commandtest.wait_for(lambda: commandtest.state_of(breaker.pid) == 'T', 'the stop of the breaker')
        breaker.send_signal(signal.SIGTERM)
        breaker.send_signal(signal.SIGCONT)
        self.finish(breaker, 128 + signal.SIGTERM)
        os.kill(supervisor, signal.SIGCONT)

    def test_if_holder(self):
        token = self.assert_run(0, 'hold', self.lock).stdout.strip()
        self.assert_run(0, 'release', token)
        process, _ = self.hold()
        self.assertIn('does not hold', self.assert_run(LOST, 'break', '--force', '--if-holder', token,
                                                       self.lock).stderr)
        self.assertIsNone(process.poll())
        process.terminate()
        process.wait(commandtest.PATIENCE_S)
        token = self.assert_run(0, 'hold', '--lifetime', '3', self.lock).stdout.strip()
        self.assert_run(0, 'break', '--force', '--if-holder', token, self.lock)
        self.assert_run(LOST, 'release', token)

    def test_foreign_files(self):
        foreign = self.dir / 'data.txt'
        foreign.write_text('a letter', encoding='utf-8')
        self.assert_run(NOT_A_LOCK, 'break', foreign)
        self.assertTrue(foreign.exists())

    def test_usage(self):
        self.assert_run(USAGE, 'break', '--force', '--expired', self.lock)
        self.assert_run(USAGE, 'break', '--if-holder', 'x', self.lock)  # nobody holds it
        self.assert_run(USAGE, 'break')


if __name__ == '__main__':
    commandtest.main()
