# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock run”: whoever is killed and however the lock is lost, no command goes on without it."""

import os
import pathlib
import signal
import subprocess
import time
import unittest

import commandtest
from commandtest import LOST, CommandTest, is_alive, wait_for

# A library whose calls below a directory stall while a file exists.
STALL = os.environ.get('FLUFL_TEST_STALL_PRELOAD')
# A family of four: a shell, a child, a grandchild that has left the group, and an orphan that has.
FAMILY = ('sleep 1001 & echo $! >>"$0"; '
          'sh -c \'setsid sleep 1002 & echo $! >>"$0"; wait\' "$0" & '
          '(setsid sh -c \'echo $$ >>"$0"; trap "" TERM; while :; do sleep 0.05; done\' "$0" &) ; '
          'wait')


class Deaths(CommandTest):
    def begin_family(self, *options):
        """Returns the process, its supervisor, and the process IDs of the family."""
        process, _ = self.hold(*options, script=FAMILY)
        family = [int(word) for word in self.words_of(self.out, 4)]
        return process, self.supervisor_of(process), family

    def assert_end(self, family):
        wait_for(lambda: not any(map(is_alive, family)), 'the end of the family')

    def assert_free(self):
        self.assert_run(0, 'run', '-w', str(commandtest.PATIENCE_S), self.lock, 'true')

    def kill(self, process, *pids):
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        process.wait(commandtest.PATIENCE_S)

    def test_front(self):
        process, supervisor, family = self.begin_family('--kill-after', '0.3')
        self.kill(process, process.pid)
        self.assert_free()
        # The lock was held until the last of them had gone.
        self.assertFalse(any(map(is_alive, family)))
        self.assert_end([supervisor])

    def test_supervisor(self):
        process, supervisor, family = self.begin_family()
        os.kill(supervisor, signal.SIGKILL)
        self.assertIn('has died', self.finish(process, LOST))
        self.assertFalse(any(map(is_alive, family)))
        self.assert_free()

    def test_supervisor_at_the_start(self):
        """The front may not know the command yet. It ends the family all the same."""
        for _ in range(20):
            self.assert_run(LOST, 'run', self.lock, '--', 'sh', '-c',
                            'setsid sleep 1003 & echo $! >"$0"; kill -KILL $PPID; wait', self.out)
            self.assertFalse(is_alive(int(self.out.read_text())))
        self.assert_free()

    def test_command(self):
        process, supervisor, family = self.begin_family()
        os.kill(family[0], signal.SIGKILL)
        self.finish(process, 128 + signal.SIGKILL)
        self.assert_free()
        # As with any shell, what a command leaves in the background is its own affair.
        for pid in family[1:]:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.assert_end([supervisor, *family])

    def test_front_and_command(self):
        process, supervisor, family = self.begin_family('--kill-after', '0.3')
        self.kill(process, process.pid, family[0])
        self.assert_end([supervisor])
        survivors = [pid for pid in family if is_alive(pid)]
        self.assert_free()
        # The command has ended by itself or together with its family.
        self.assertNotIn(family[0], survivors)
        for pid in survivors:
            os.kill(pid, signal.SIGKILL)

    def test_front_and_supervisor(self):
        process, supervisor, family = self.begin_family()
        self.kill(process, process.pid, supervisor)
        # The kernel kills the command with its parent. The rest is beyond reach.
        self.assert_end([family[0], supervisor])
        for pid in family[1:]:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.assert_free()

    def test_group_of_the_front(self):
        process = self.begin('run', '--kill-after', '0.3', self.lock, 'sh', '-c',
                             f'echo $$ >>"$0"; {FAMILY}', self.out, start_new_session=True)
        family = [int(word) for word in self.words_of(self.out, 4)]
        supervisor = self.supervisor_of(process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(commandtest.PATIENCE_S)
        self.assert_end([supervisor, *family])
        self.assert_free()

    def begin_with_strangers(self, strangers, script):
        """Starts “run” in a shell that becomes it, and so leaves it children. Each of the processes
        writes its number. Returns the front and the supervisor, whose parent is the keeper."""
        front = subprocess.Popen(['sh', '-c', f'{strangers}\nexec "$0" run --kill-after 0.3 "$2" sh -c "$3" "$1"',
                                  commandtest.PROGRAM, self.out, self.lock, script], stderr=subprocess.DEVNULL)
        self.processes.append(front)
        supervisor = int(wait_for(lambda: self.lock.exists() and self.lock.read_text(encoding='utf-8'),
                                  'the lock').split('|')[2])
        return front, supervisor

    def test_children_of_the_caller_stay(self):
        """So do their children after the end of their parents. The whole family of the command ends."""
        front, supervisor = self.begin_with_strangers(
            'sleep 1003 & echo $! >>"$1"; (sleep 1003 & echo $! >>"$1"; until test -e "${1%/*}/data.go"; do sleep 0.02; done) &',
            'echo $$ >>"$0"; setsid sleep 1001 & echo $! >>"$0"; : >"${0%/*}/data.go"; wait')
        numbers = [int(word) for word in self.words_of(self.out, 4)]
        go = self.dir / 'data.go'
        wait_for(go.exists, 'the command')
        lines = {pid: pathlib.Path(f'/proc/{pid}/cmdline').read_bytes() for pid in numbers}
        strangers = [pid for pid, line in lines.items() if b'1003' in line]
        family = [pid for pid in numbers if pid not in strangers]
        self.assertEqual(len(strangers), 2)
        for pid in strangers:
            self.addCleanup(os.kill, pid, signal.SIGKILL)
        # The parent of the second stranger has ended, and its end is taken.
        keeper = commandtest.parent(supervisor)
        wait_for(lambda: set(commandtest.children(front.pid)) <= {keeper, *strangers}, 'the end of the parent')
        os.kill(supervisor, signal.SIGKILL)
        self.assertEqual(front.wait(commandtest.PATIENCE_S), LOST)
        self.assertFalse(any(map(is_alive, family)))
        self.assertTrue(all(map(is_alive, strangers)))
        self.assert_free()

    def test_signals_pass_the_keeper(self):
        front, supervisor = self.begin_with_strangers(
            'sleep 1003 & echo $! >>"$1"', 'trap "exit 9" USR1; echo $$ >>"$0"; while :; do sleep 0.02; done')
        stranger = int(self.words_of(self.out, 2)[0])
        self.addCleanup(os.kill, stranger, signal.SIGKILL)
        self.assertNotEqual(commandtest.parent(supervisor), front.pid)
        front.send_signal(signal.SIGUSR1)
        self.assertEqual(front.wait(commandtest.PATIENCE_S), 9)

    def test_keeper(self):
        """Without it the supervisor ends the command, and still reports the result."""
        front, supervisor = self.begin_with_strangers('sleep 1003 & echo $! >>"$1"',
                                                      f'echo $$ >>"$0"; {FAMILY}')
        stranger, *family = [int(word) for word in self.words_of(self.out, 5)]
        self.addCleanup(os.kill, stranger, signal.SIGKILL)
        os.kill(commandtest.parent(supervisor), signal.SIGKILL)
        self.assertEqual(front.wait(commandtest.PATIENCE_S), 128 + signal.SIGTERM)
        self.assert_end([supervisor, *family])
        self.assertTrue(is_alive(stranger))
        self.assert_free()

    def test_stopped_command(self):
        process, supervisor, family = self.begin_family('--kill-after', '0.3')
        os.killpg(family[0], signal.SIGSTOP)
        self.kill(process, process.pid)
        self.assert_end([supervisor, *family])
        self.assert_free()


class Losses(CommandTest):
    lifetime = '3'  # the loss is found within a third of it

    begin_family = Deaths.begin_family
    assert_end = Deaths.assert_end

    def lose(self):
        for name in os.listdir(self.dir):
            if name.startswith('test.lock'):
                os.unlink(self.dir / name)

    def test_none_survives(self):
        for options in ['--kill-after', '0.3'], ['--on-lost=kill'], ['--on-lost=term', '--kill-after=0']:
            with self.subTest(options=options):
                self.out.unlink(missing_ok=True)
                process, supervisor, family = self.begin_family('--lifetime', self.lifetime, *options)
                self.lose()
                self.assertIn('was lost', self.finish(process, LOST))
                self.assertFalse(any(map(is_alive, family)))
                # The front has its result before the supervisor's last instructions.
                self.assert_end([supervisor])

    def test_term_comes_first(self):
        process, _ = self.hold('--lifetime', self.lifetime, '--kill-after', '1000',
                               script='trap "echo term >>\\"$0\\"; exit 3" TERM; while :; do sleep 0.02; done')
        self.lose()
        self.finish(process, LOST)
        self.assertEqual(self.words_of(self.out)[1:], ['term'])

    def test_warn_goes_on(self):
        process, _ = self.hold('--lifetime', self.lifetime, '--on-lost', 'warn',
                               script='sleep 1000')
        self.lose()
        wait_for(lambda: 'was lost' in process.err.read_text(encoding='utf-8'), 'the warning')
        process.terminate()
        self.finish(process, 128 + signal.SIGTERM)

    def test_reader_of_standard_error_that_does_not_read(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        filled = 0
        for size in 4096, 1:
            try:
                while True:
                    filled += os.write(writer, b'x' * size)
            except BlockingIOError:
                pass
        os.set_blocking(writer, True)
        process = subprocess.Popen([commandtest.PROGRAM, 'run', '--lifetime', '3', self.lock, 'sh', '-c',
                                    'echo $$ >"$0"; exec sleep 1000', self.out], stderr=writer)
        self.processes.append(process)
        os.close(writer)
        command = int(self.words_of(self.out)[0])
        self.lock.unlink()
        wait_for(lambda: not is_alive(command), 'the end of the command')
        said = b''
        while len(said) <= filled:
            said += os.read(reader, 65536)
        self.assertIn(b'was lost', said[filled:])
        self.assertEqual(process.wait(commandtest.PATIENCE_S), LOST)

    def test_release_finds_the_loss(self):
        process, _ = self.hold('--lifetime', '1000', script='rm -- "${0%/*}"/test.lock*; exit 0')
        self.assertIn('was lost', self.finish(process, LOST))

    def test_without_a_heartbeat(self):
        process, _ = self.hold('--lifetime', self.lifetime, '--no-heartbeat')
        self.assertIn(f'The lock “{self.lock}” was lost', self.finish(process, LOST))
        process, _ = self.hold('--lifetime', '1000', '--no-heartbeat', script='exit 8')
        self.finish(process, 8)

    def test_without_a_heartbeat_the_loss_comes_at_the_end_of_the_lease(self):
        """It comes neither a twentieth of the lifetime before that, nor so late that others may break the lock."""
        process, _ = self.hold('--lifetime', self.lifetime, '--no-heartbeat', script=(
            'trap "date +%s%N >>\\"$0\\"; exit 3" TERM; while :; do sleep 0.02; done'))
        expiration = self.lock.stat().st_mtime_ns
        self.finish(process, LOST)
        loss = int(self.words_of(self.out, 2)[1])
        self.assertGreater(loss, expiration - int(self.lifetime) * 10**9 // 20)
        self.assertLess(loss, expiration + 10 * 10**9)

    def test_a_refresh_begins_another_lease(self):
        """It has the lifetime that the lock has, unless the request names another one."""
        for asked in '', '--lifetime 1000':
            with self.subTest(asked=asked):
                self.out.unlink(missing_ok=True)
                process, _ = self.hold('--no-heartbeat', '--lifetime', '1000', script=(
                    f'"{commandtest.PROGRAM}" refresh {asked} $FLUFL_LOCK_TOKEN; echo refreshed $? >>"$0"; exit 9'))
                self.finish(process, 9)
                self.assertEqual(self.words_of(self.out)[1:], ['refreshed', '0'])

    def test_a_refresh_without_a_lifetime_keeps_the_last_one(self):
        """The lease has the short lifetime that was asked for, and not the first one."""
        process, _ = self.hold('--no-heartbeat', '--lifetime', '1000', script=(
            f'"{commandtest.PROGRAM}" refresh --lifetime {self.lifetime} $FLUFL_LOCK_TOKEN; '
            f'"{commandtest.PROGRAM}" refresh $FLUFL_LOCK_TOKEN; echo refreshed $? >>"$0"; exec sleep 1000'))
        self.assertEqual(self.words_of(self.out, 3)[1:], ['refreshed', '0'])
        self.finish(process, LOST)

    @unittest.skipUnless(STALL, 'a sanitizer must be the first library of a program')
    def test_a_refresh_that_hangs_does_not_prolong_the_lease(self):
        """The command ends with its lease although the file server does not answer the refresh.

        A lifetime that was asked for may be on disk without an answer, so a shorter one counts.
        """
        stalls = self.dir / 'data.stalls'
        environment = dict(os.environ, LD_PRELOAD=STALL, FLUFL_STALL_DIR=str(self.lock),
                           FLUFL_STALL_WHILE=str(stalls))
        for options, lifetime, asked in ((['--no-heartbeat'], self.lifetime, '1000'),
                                         (['--no-heartbeat'], '1000', self.lifetime),
                                         ([], self.lifetime, '1000')):
            self.out.unlink(missing_ok=True)
            process, command = self.hold(*options, '--lifetime', lifetime, env=environment,
                                         script='echo $FLUFL_LOCK_TOKEN >>"$0"; exec sleep 1000')
            token = self.words_of(self.out, 2)[1]
            stalls.touch()
            request = self.begin('refresh', '--lifetime', asked, token)
            wait_for(lambda: not is_alive(command), 'the end of the command')
            self.assertTrue(stalls.exists())
            self.finish(process, LOST)
            stalls.unlink()
            self.end(request)
            wait_for(lambda: not self.lock.exists(), 'the end of the lock')

    def test_a_front_that_does_not_read(self):
        """Its supervisor ends the command all the same, however often the command was stopped."""
        process, command = self.hold('--lifetime', self.lifetime)
        supervisor = self.supervisor_of(process)
        os.kill(process.pid, signal.SIGSTOP)
        for _ in range(1200):
            os.kill(command, signal.SIGSTOP)
            time.sleep(0.002)
            os.kill(command, signal.SIGCONT)
        self.lose()
        wait_for(lambda: not is_alive(command), 'the end of the command')
        os.kill(process.pid, signal.SIGCONT)
        self.finish(process, LOST)
        self.assert_end([supervisor])


if __name__ == '__main__':
    commandtest.main()
