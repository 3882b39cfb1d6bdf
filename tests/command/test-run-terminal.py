# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock run” on a terminal: keys, jobs of a shell, and the line about a wait."""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import sys
import time

import commandtest
from commandtest import PROGRAM, CommandTest, is_alive, wait_for


class Terminal:
    """A program on a terminal of its own, whose session it leads."""

    def __init__(self, *args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(args[0], list(map(str, args)))
        self.text = ''
        self.status = None

    def read(self):
        """Reads what there is, without a wait."""
        while select.select([self.fd], [], [], 0)[0]:
            try:
                data = os.read(self.fd, 4096)
            except OSError:  # the other end is closed
                return
            if not data:
                return
            self.text += data.decode(errors='replace')

    def expect(self, pattern):
        """Waits for the pattern in what was not yet expected, and drops all up to its end."""
        def find():
            self.read()
            return re.search(pattern, self.text)
        try:
            match = wait_for(find, pattern)
        except AssertionError as error:
            raise AssertionError(f'{error} in {self.text!r}') from None
        self.text = self.text[match.end():]
        return match

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def wait(self):
        def ended():
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid
        wait_for(ended, 'the end of the program on the terminal')
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


class TerminalTest(CommandTest):
    def open(self, *args):
        terminal = Terminal(*args)
        self.addCleanup(terminal.close)
        return terminal

    def shell(self):
        """An interactive shell with jobs."""
        bash = shutil.which('bash')
        if bash is None:
            self.skipTest('bash is not installed')
        terminal = self.open(bash, '--norc', '--noprofile', '-i')
        terminal.type("PS1='READY''> '; export HISTFILE=\n")
        terminal.expect('READY> ')
        return terminal

    def end_holder_on_disk(self):
        """For a case of “hold” that fails."""
        if self.lock.exists():
            os.kill(int(self.lock.read_text(encoding='utf-8').split('|')[2]), signal.SIGTERM)

    def run_line(self, *args):
        return ' '.join(f"'{word}'" for word in [PROGRAM, 'run', *map(str, args)])


class Keys(TerminalTest):
    def test_command_reads_from_the_terminal(self):
        terminal = self.open(PROGRAM, 'run', self.lock, 'sh', '-c', 'echo ready; read line; echo "got $line"; exit 4')
        terminal.expect('ready')
        terminal.type('a word\n')
        terminal.expect('got a word')
        self.assertEqual(terminal.wait(), 4)

    def test_interrupt(self):
        terminal = self.open(PROGRAM, 'run', self.lock, 'sh', '-c', 'echo ready; exec sleep 1000')
        terminal.expect('ready')
        terminal.type('\x03')
        self.assertIn(terminal.wait(), (-signal.SIGINT, 128 + signal.SIGINT))

    def test_quit_ends_a_script(self):
        terminal = self.open('sh', '-c', 'ulimit -c 0; "$0" run "$1" sh -c "echo ready; exec sleep 1000"; echo went-on',
                             PROGRAM, self.lock)
        terminal.expect('ready')
        terminal.type('\x1c')
        self.assertEqual(terminal.wait(), -signal.SIGQUIT)
        self.assertNotIn('went-on', terminal.text)

    def test_interrupt_that_the_command_handles(self):
        terminal = self.open(PROGRAM, 'run', self.lock, 'sh', '-c',
                             'trap "exit 5" INT; echo ready; while :; do sleep 0.02; done')
        terminal.expect('ready')
        terminal.type('\x03')
        self.assertEqual(terminal.wait(), 5)

    def test_interrupt_of_a_wait(self):
        holder, _ = self.hold()
        terminal = self.open(PROGRAM, 'run', self.lock, 'true')
        terminal.expect(rf'Waiting for the lock “{re.escape(str(self.lock))}”. '
                        rf'.*process {self.supervisor_of(holder)} on host “.*”\. The process is alive\. .*it is held until')
        terminal.type('\x03')
        self.assertIn(terminal.wait(), (-signal.SIGINT, 128 + signal.SIGINT))
        self.assertNotIn('Waiting', terminal.text)

    def test_quiet_wait(self):
        holder, _ = self.hold()
        terminal = self.open(PROGRAM, 'run', '-q', '-w', '1', self.lock, 'true')
        self.assertEqual(terminal.wait(), commandtest.BUSY)
        self.assertEqual(terminal.text, '')
        self.assertIsNone(holder.poll())

    def test_stop_key_where_no_shell_could_continue(self):
        terminal = self.open(PROGRAM, 'run', self.lock, 'sh', '-c',
                             'echo ready; read line; echo "got $line"; exit 6')
        terminal.expect('ready')
        terminal.type('\x1a')
        terminal.type('more\n')
        terminal.expect('got')
        self.assertEqual(terminal.wait(), 6)

    def test_missing_command_leaves_the_terminal_to_the_script(self):
        terminal = self.open('sh', '-c', '"$0" run "$1" /nonexistent; read line; echo "got $line"', PROGRAM, self.lock)
        terminal.expect('There is no command')
        terminal.type('a word\n')
        terminal.expect('got a word')
        self.assertEqual(terminal.wait(), 0)

    def test_hangup(self):
        terminal = self.open(PROGRAM, 'run', self.lock, 'sh', '-c', 'echo $$ >"$0"; sleep 1000', self.out)
        command = int(self.words_of(self.out)[0])
        os.kill(terminal.pid, signal.SIGHUP)
        self.assertEqual(terminal.wait(), 128 + signal.SIGHUP)
        self.assertFalse(is_alive(command))


class Jobs(TerminalTest):
    def test_stop_and_foreground(self):
        shell = self.shell()
        shell.type(self.run_line('--lifetime', '3', self.lock, 'sh', '-c',
                                 'echo be""gun; read line; echo "got $line"; exit 7') + '\n')
        shell.expect('begun')
        shell.type('\x1a')
        shell.expect(r'Stopped[\s\S]*READY> ')
        # The lock is refreshed although the job is stopped.
        for _ in range(2):
            expiration = self.lock.stat().st_mtime_ns
            wait_for(lambda old=expiration: self.lock.stat().st_mtime_ns > old, 'a refresh')
        shell.type('fg\n')
        shell.type('a word\n')
        shell.expect('got a word')
        shell.expect('READY> ')
        shell.type('echo status-$?\n')
        shell.expect('status-7')
        shell.type('exit\n')
        self.assertEqual(shell.wait(), 0)

    def test_stop_of_a_wait(self):
        holder, _ = self.hold()
        shell = self.shell()
        shell.type(self.run_line(self.lock, 'sh', '-c', 'echo be""gun; exit 7') + '\n')
        shell.expect('Waiting for the lock')
        for _ in range(3):
            shell.type('\x1a')
            shell.expect(r'Stopped[\s\S]*READY> ')
            shell.type('fg\n')
            shell.expect('Waiting for the lock')
        shell.type('\x1a')
        shell.expect(r'Stopped[\s\S]*READY> ')
        # A stopped job keeps nobody waiting, and does not start its command.
        holder.terminate()
        self.finish(holder, 128 + signal.SIGTERM)
        self.assert_run(0, 'run', '-n', self.lock, 'true')
        self.assertNotIn('begun', self.jobs(shell))
        shell.type('fg\n')
        shell.expect('begun')
        shell.expect('READY> ')
        shell.type('echo status-$?\n')
        shell.expect('status-7')
        shell.type('exit\n')
        self.assertEqual(shell.wait(), 0)

    def test_stop_of_a_wait_of_hold(self):
        holder, _ = self.hold()
        self.addCleanup(self.end_holder_on_disk)
        shell = self.shell()
        shell.type(f"'{PROGRAM}' hold '{self.lock}'\n")
        for _ in range(2):
            shell.expect('Waiting for the lock')
            shell.type('\x1a')
            shell.expect(r'Stopped[\s\S]*READY> ')
            shell.type('fg\n')
        shell.expect('Waiting for the lock')
        shell.type('\x1a')
        shell.expect(r'Stopped[\s\S]*READY> ')
        holder.terminate()
        self.finish(holder, 128 + signal.SIGTERM)
        self.assert_run(0, 'run', '-n', self.lock, 'true')
        shell.type('fg\n')
        token = shell.expect(r'([-_A-Za-z0-9]{20,})\r\n[\s\S]*READY> ').group(1)
        self.assert_run(0, 'release', token)
        shell.type('exit\n')
        self.assertEqual(shell.wait(), 0)

    def test_background_job_that_reads(self):
        shell = self.shell()
        shell.type(self.run_line(self.lock, 'sh', '-c', 'read line; echo "got $line"; exit 7') + ' &\n')
        shell.expect('READY> ')
        wait_for(self.lock.exists, 'the lock')

        wait_for(lambda: 'Stopped' in self.jobs(shell), 'the stop of the job')
        shell.type('fg\n')
        shell.type('a word\n')
        shell.expect('got a word')
        shell.type('\nexit\n')
        shell.wait()

    def test_orphaned_job_that_reads(self):
        """Nobody can continue it, so the terminal hangs up on it."""
        shell = self.shell()
        shell.type('(' + self.run_line(self.lock, 'sh', '-c', 'echo $$ >"$0"; read line </dev/tty; exit 7', self.out)
                   + ' &)\n')
        shell.expect('READY> ')
        command = int(self.words_of(self.out)[0])
        wait_for(lambda: not is_alive(command), 'the end of the command')
        wait_for(lambda: not self.lock.exists(), 'the end of the lock')
        shell.type('exit\n')
        shell.wait()

    @staticmethod
    def jobs(shell):
        shell.type('jobs\n')
        return shell.expect(r'[\s\S]*?READY> ').group()

    def test_running_background_job_comes_to_the_foreground(self):
        shell = self.shell()
        shell.type(self.run_line(self.lock, 'sh', '-c',
                                 f'until test -e "{self.dir}/data.go"; do sleep 0.02; done; '
                                 'read line; echo "got $line"') + ' &\n')
        shell.expect('READY> ')
        shell.type('fg\n')
        shell.expect('sh.*-c')
        (self.dir / 'data.go').touch()
        shell.type('a word\n')
        shell.expect('got a word')
        shell.expect('READY> ')
        shell.type('exit\n')
        self.assertEqual(shell.wait(), 0)

    def test_interrupt_ends_a_script(self):
        # A shell that has just forked can miss the key, with or without flufl-lock: hence “exec”.
        script = self.dir / 'data.sh'
        script.write_text(f'{self.run_line(self.lock, "sh", "-c", "echo be""gun; exec sleep 1000")}\n'
                          'echo went-on\n', encoding='utf-8')
        shell = self.shell()
        shell.type(f"bash '{script}'\n")
        shell.expect('begun')
        shell.type('\x03')
        self.assertNotIn('went-on', shell.expect(r'[\s\S]*READY> ').group())
        shell.type('exit\n')
        shell.wait()

    def test_pipeline_leaves_the_terminal_to_its_neighbour(self):
        shell = self.shell()
        shell.type(self.run_line(self.lock, 'sh', '-c', 'sleep 0.3; echo piped')
                   + " | sh -c 'read a; read b </dev/tty; echo \"$a-$b\"'\n")
        time.sleep(0.5)
        shell.type('typed\n')
        shell.expect('piped-typed')
        shell.expect('READY> ')
        shell.type('exit\n')
        self.assertEqual(shell.wait(), 0)

    def test_terminal_is_given_back(self):
        shell = self.shell()
        for _ in range(3):
            shell.type(self.run_line(self.lock, 'true') + ' && echo do""ne\n')
            shell.expect('done')
            shell.expect('READY> ')
        shell.type('exit\n')
        self.assertEqual(shell.wait(), 0)

    def test_killed_front_on_a_terminal(self):
        shell = self.shell()
        shell.type(self.run_line('--kill-after', '0.2', self.lock, 'sh', '-c',
                                 'echo $$ >"$0"; trap "" TERM; while :; do sleep 0.05; done', self.out) + '\n')
        command = int(self.words_of(self.out)[0])
        stat = pathlib.Path(f'/proc/{command}/stat').read_text(encoding='utf-8')
        supervisor = int(stat.rpartition(')')[2].split()[1])
        stat = pathlib.Path(f'/proc/{supervisor}/stat').read_text(encoding='utf-8')
        os.kill(int(stat.rpartition(')')[2].split()[1]), signal.SIGKILL)
        shell.expect('Killed')
        wait_for(lambda: not is_alive(command) and not is_alive(supervisor), 'the end of the command')
        shell.type('exit\n')
        shell.wait()


if __name__ == '__main__':
    if not hasattr(pty, 'fork'):
        print('needs pseudo-terminals')
        sys.exit(77)
    commandtest.main()
