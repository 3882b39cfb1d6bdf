# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock run” and “hold” while the system refuses calls, or takes long over them."""

import os
import resource
import signal
import unittest

import commandtest
from commandtest import LOST, CommandTest, is_alive, wait_for

# A library that takes the place of some functions: faults-preload.c has the list of faults.
FAULTS = os.environ.get('FLUFL_TEST_FAULTS_PRELOAD')


class Refusals(CommandTest):
    """With a limit of one descriptor poll(2) fails with EINVAL if it is to wait for two of them."""

    def refuse_waits(self, pid):
        """The process wakes, and its next wait is refused."""
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, 1))
        os.kill(pid, signal.SIGWINCH)

    def begin_refused(self, *options, script):
        """Returns the process and the command after a wait that was refused."""
        process, command = self.hold(*options, script=(
            f'trap "echo refused >>\\"$0\\"" WINCH; echo ready >>"$0"; {script}'))
        self.words_of(self.out, 2)
        self.refuse_waits(self.supervisor_of(process))
        self.assertEqual(self.words_of(self.out, 3)[2], 'refused')
        return process, command

    def test_supervisor_goes_on(self):
        """It holds the lock until it sees the end of the command."""
        process, command = self.begin_refused(script='until test -e "$0.go"; do sleep 0.02; done; exit 5')
        self.refuse_waits(process.pid)
        self.words_of(self.out, 4)
        self.assertTrue(is_alive(command))
        self.assertTrue(self.lock.exists())
        self.assertIsNone(process.poll())
        (self.dir / 'out.go').touch()
        self.finish(process, 5)
        (self.dir / 'out.go').unlink()

    def test_supervisor_kills_in_time(self):
        process, command = self.begin_refused('--kill-after', '0.3', script=(
            'trap "" TERM; while :; do sleep 0.02; done'))
        process.kill()
        process.wait()
        wait_for(lambda: not is_alive(command), 'the end of the command')
        wait_for(lambda: not self.lock.exists(), 'the end of the lock')

    def test_holder_goes_on(self):
        token = self.assert_run(0, 'hold', self.lock).stdout.strip()
        self.addCleanup(self.run_it, 'release', token)
        holder = int(self.lock.read_text(encoding='utf-8').split('|')[2])
        self.refuse_waits(holder)
        self.assert_run(0, 'refresh', token)
        self.assert_run(0, 'release', token)
        wait_for(lambda: not is_alive(holder), 'the end of the holder')


@unittest.skipUnless(FAULTS, 'a sanitizer must be the first library of a program, or there is no statx(2)')
class Faults(CommandTest):
    def setUp(self):
        super().setUp()
        self.fault_while = self.dir / 'data.fault'

    def faulty(self, fault):
        """The environment of a process with that fault."""
        return dict(os.environ, LD_PRELOAD=FAULTS, FLUFL_FAULT=fault,
                    FLUFL_FAULT_WHILE=str(self.fault_while))

    def test_acquisition_that_returns_late(self):
        """Without a heartbeat the lease counts from the touch, and not from the return of the acquisition."""
        process = self.begin('run', '--no-heartbeat', '--lifetime', '800', self.lock, 'sleep', '1000',
                             env=self.faulty('late'))
        self.assertIn('was lost', self.finish(process, LOST))

    def test_loss_before_the_start(self):
        """Whatever --on-lost is, no command starts, and no token is printed, without the lock."""
        for subcommand, options, command in (('run', ['--on-lost=term'], ['touch', self.out]),
                                             ('run', ['--on-lost=warn'], ['touch', self.out]),
                                             ('hold', [], [])):
            process = self.begin(subcommand, '--lifetime', '3', *options, self.lock, *command,
                                 env=self.faulty('lost'))
            wait_for(self.lock.exists, 'the lock')
            self.lock.unlink()
            self.assertIn('was lost', self.finish(process, LOST))
            self.assertEqual(process.out.read_bytes(), b'')
            self.assertFalse(self.out.exists())

    def test_refresh_without_a_thread(self):
        """The lease does not get shorter by a refresh that is not sent. The request is repeated."""
        process, command = self.hold('--no-heartbeat', '--lifetime', '1000', env=self.faulty('no-thread'),
                                     script='echo $FLUFL_LOCK_TOKEN >>"$0"; exec sleep 1000')
        token = self.words_of(self.out, 2)[1]
        self.fault_while.touch()
        request = self.begin('refresh', '--lifetime', '2', token)
        # The requests are at least a second apart.
        wait_for(lambda: self.fault_while.stat().st_size >= 4, 'the refusals of threads')
        self.assertTrue(is_alive(command))
        self.fault_while.unlink()
        self.finish(request, 0)
        self.finish(process, LOST)

    def test_holder_that_ends_before_the_second_request(self):
        """The release is done, though its process cannot be asked again."""
        token = self.assert_run(0, 'hold', '--lifetime', '1000', self.lock).stdout.strip()
        holder = int(self.lock.read_text(encoding='utf-8').split('|')[2])
        commandtest.stop(holder)
        self.assert_run(0, 'release', token,
                        env=dict(self.faulty('gone'), FLUFL_FAULT_WHILE=str(self.lock)))
        wait_for(lambda: not is_alive(holder), 'the end of the holder')

    def test_standard_error_that_stalls(self):
        """The report of a loss does not delay SIGKILL."""
        for action in 'term', 'kill':
            self.out.unlink(missing_ok=True)
            process, command = self.hold('--lifetime', '3', '--on-lost', action, '--kill-after', '0.3',
                                         env=self.faulty('stderr'),
                                         script='trap "" TERM; unset LD_PRELOAD; while :; do sleep 0.02; done')
            self.fault_while.touch()
            self.lock.unlink()
            wait_for(lambda pid=command: not is_alive(pid), 'the end of the command')
            self.assertTrue(self.fault_while.exists())
            self.fault_while.unlink()
            self.assertIn('was lost', self.finish(process, LOST))


if __name__ == '__main__':
    commandtest.main()
