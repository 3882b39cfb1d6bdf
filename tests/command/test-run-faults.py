# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock run” and “hold” while the system refuses calls, or takes long over them."""

import os
import resource
import signal

import commandtest
from commandtest import CommandTest, is_alive, wait_for


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


if __name__ == '__main__':
    commandtest.main()
