# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock run”: statuses, options, the command's surroundings, signals, and turns."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import commandtest
from commandtest import BUSY, CANNOT_CREATE, NOT_A_LOCK, PROGRAM, USAGE, CommandTest, is_alive, wait_for


class Status(CommandTest):
    def test_status_of_the_command(self):
        for status in 0, 1, 75, 255:
            self.assert_run(status, 'run', self.lock, 'sh', '-c', f'exit {status}')

    def test_signal_of_the_command(self):
        for number in signal.SIGTERM, signal.SIGKILL, signal.SIGINT:
            self.assert_run(128 + number, 'run', self.lock, 'sh', '-c', f'kill -{int(number)} $$')

    def test_no_command(self):
        result = self.assert_run(127, 'run', self.lock, self.dir / 'nothing')
        self.assertIn('There is no command', result.stderr)
        script = self.dir / 'data.txt'
        script.write_text('no program', encoding='utf-8')
        result = self.assert_run(126, 'run', self.lock, script)
        self.assertIn('Permission denied', result.stderr)

    def test_usage(self):
        for args in (['run'], ['run', self.lock], ['run', self.lock, '--'], ['run', '--what', self.lock, 'true'],
                     ['run', '-w', 'x', self.lock, 'true'], ['run', '-w', '-1', self.lock, 'true'],
                     ['run', '-w', 'nan', self.lock, 'true'], ['run', '-w', '1', '-n', self.lock, 'true'],
                     ['run', '-E', '256', self.lock, 'true'], ['run', '--lifetime', '0', self.lock, 'true'],
                     ['run', '--on-lost', 'cry', self.lock, 'true'], ['run', '-q', '-v', self.lock, 'true'],
                     ['run', '-c', 'true', self.lock, 'true'], ['run', self.lock, '-c', 'true', 'true'], ['run', '', 'true'], ['run', self.lock, '-c'],
                     ['run', self.lock, '--command'], [], ['walk']):
            result = self.assert_run(USAGE, *args)
            self.assertRegex(result.stderr, '^flufl-lock: .*\n$')
        self.assert_run(127, 'run', self.lock, '--', '-c')  # a command of that name

    def test_values_that_are_attached(self):
        holder, _ = self.hold()
        for options in ['-w0'], ['-w0.01', '-q'], ['-qw0'], ['-qw', '0'], ['-nE75'], ['-nqE', '75'], ['-w', '0', '-E75'], \
                ['-w0', '--kill-after', '-1', '--kill-after=1'], ['--timeout', '0', '--on-lost', 'term']:
            self.assert_run(BUSY, 'run', *options, self.lock, 'true')
        self.assert_run(9, 'run', '-nE9', self.lock, 'true')
        self.assert_run(0, 'run', '-nE0', self.lock, 'false')
        self.assert_run(9, 'hold', self.lock, '-nE9')
        self.assert_run(BUSY, 'wait', self.lock, '-w0', '-q')
        for options, value in (['-w=1'], '=1'), (['-wn'], 'n'), (['-nEx'], 'x'):
            self.assertIn(f'“{value}” of -', self.assert_run(USAGE, 'run', *options, self.lock, 'true').stderr)
        holder.terminate()
        self.finish(holder, 128 + signal.SIGTERM)
        # What follows the lock file belongs to the command. So does a value that looks like an option.
        for args in (['-w5', self.lock, 'sh', '-c', 'echo "$@"', '-', '-w5', '-nE0'],
                     ['-w5', self.lock, '--', 'echo', '-w5', '-nE0'], ['-cecho -w5 -nE0', self.lock],
                     ['-c', 'echo -w5 -nE0', '-w5', self.lock], [self.lock, '-c', 'echo -w5 -nE0']):
            self.assertEqual(self.assert_run(0, 'run', *args).stdout, '-w5 -nE0\n')
        self.assert_run(USAGE, 'run', '-5w', self.lock, 'true')
        self.assert_run(0, 'wait', '-q', '--', '-w5', cwd=self.dir)

    def test_values_in_any_locale(self):
        """Bytes are what they are, whatever the locale says of them."""
        environment = dict(os.environ, LC_ALL='C')
        for args in ['-c', 'echo é', self.lock], ['--command=echo é', self.lock], [self.lock, '-c', 'echo é']:
            self.assertEqual(self.assert_run(0, 'run', *args, env=environment).stdout, 'é\n')
        raw = os.fsdecode(b'echo \xff')
        self.assertEqual(subprocess.run([PROGRAM, 'run', '-c', raw, self.lock], check=True, capture_output=True,
                                        timeout=commandtest.PATIENCE_S).stdout, b'\xff\n')
        for args in (['run', '-w', 'é'], ['run', '-E', 'é'], ['run', '--lifetime', 'é'], ['run', '--on-lost', 'é'],
                     ['run', '--kill-after', 'é'], ['hold', '--for-pid', 'é'], ['wait', '-w', 'é'],
                     ['break', '--if-holder', 'é']):
            command = ['true'] * (args[0] == 'run')
            self.assertIn('é', self.assert_run(USAGE, *args, self.lock, *command, env=environment).stderr)
        self.assertIn('é', self.assert_run(USAGE, 'refresh', '--lifetime', 'é', 'x', env=environment).stderr)

    def test_other_files_stay(self):
        foreign = self.dir / 'data.txt'
        foreign.write_text('a letter', encoding='utf-8')
        result = self.assert_run(NOT_A_LOCK, 'run', foreign, 'touch', self.dir / 'ran')
        self.assertIn('is not a lock file', result.stderr)
        self.assertEqual(foreign.read_text(encoding='utf-8'), 'a letter')
        self.assert_run(CANNOT_CREATE, 'run', self.dir / 'missing' / 'a.lock', 'true')

    def test_help_and_version(self):
        self.assertIn('--lifetime', self.assert_run(0, 'run', '--help').stdout)
        self.assertIn('run', self.assert_run(0, '--help').stdout)
        self.assertRegex(self.assert_run(0, '--version').stdout, r'^flufl-lock \d+\.\d+\.\d+\n$')


class Busy(CommandTest):
    def count(self):
        return sum(name.startswith('test.lock') for name in os.listdir(self.dir))

    def test_busy(self):
        holder, command = self.hold()
        result = self.assert_run(BUSY, 'run', '-n', self.lock, 'true')
        self.assertIn('is not free', result.stderr)
        self.assertIn(f'process {self.supervisor_of(holder)} ', result.stderr)
        begun = time.monotonic()
        result = self.assert_run(BUSY, 'run', '-w', '0.3', self.lock, 'true')
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)
        self.assertIn('within 300 ms', result.stderr)
        self.assert_run(9, 'run', '-n', '-E', '9', self.lock, 'true')
        self.assertEqual(self.assert_run(0, 'run', '-n', '-E', '0', self.lock, 'false').stderr, '')
        self.assertEqual(self.assert_run(BUSY, 'run', '-qn', self.lock, 'true').stderr, '')
        self.assertTrue(is_alive(command))
        holder.terminate()
        self.finish(holder, 128 + signal.SIGTERM)

    def test_waiting_line_only_on_a_terminal_or_with_v(self):
        self.hold()
        self.assertNotIn('Waiting', self.assert_run(BUSY, 'run', '-w', '1', self.lock, 'true').stderr)
        waiter = self.begin('run', '-v', self.lock, 'true')
        wait_for(lambda: 'Waiting for the lock' in waiter.err.read_text(encoding='utf-8'), 'the line')
        waiter.terminate()
        self.assertEqual(self.finish(waiter, 128 + signal.SIGTERM).count('Waiting'), 1)

    def test_verbose(self):
        self.assertRegex(self.assert_run(0, 'run', '-v', self.lock, 'true').stderr,
                         r'is acquired after \d+\.\d+ s\.')

    def test_waiter_gets_it(self):
        holder, _ = self.hold()
        waiter = self.begin('run', self.lock, 'true')
        holder.terminate()
        self.finish(waiter, 0)

    def test_waiter_that_is_ended_leaves_nothing(self):
        self.hold()
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM:
            before = self.count()
            waiter = self.begin('run', self.lock, 'true')
            wait_for(lambda n=before: self.count() > n, 'the claim of the waiter')
            waiter.send_signal(number)
            self.finish(waiter, 128 + number)
            self.assertEqual(self.count(), before)

    def test_killed_waiter_does_not_wait_on(self):
        self.hold()
        before = self.count()
        waiter = self.begin('run', self.lock, 'touch', self.dir / 'ran')
        supervisor = self.supervisor_of(waiter)
        wait_for(lambda: self.count() > before, 'the claim of the waiter')
        waiter.kill()
        waiter.wait()
        wait_for(lambda: not is_alive(supervisor), 'the end of its supervisor')
        self.assertEqual(self.count(), before)


class Surroundings(CommandTest):
    def test_environment(self):
        script = 'import json, os; print(json.dumps(dict(os.environ)))'
        env = dict(os.environ, NUMBER='1 2', FLUFL_LOCK_FILE='another')
        result = self.assert_run(0, 'run', self.lock, '--', sys.executable, '-c', script, env=env)
        seen = json.loads(result.stdout)
        self.assertEqual(seen.pop('FLUFL_LOCK_FILE'), str(self.lock))
        self.assertRegex(seen.pop('FLUFL_LOCK_TOKEN'), '^[-_A-Za-z0-9]+$')
        env.pop('FLUFL_LOCK_FILE')
        self.assertEqual({key: seen.get(key) for key in env}, env)
        self.assertEqual([key for key in seen if key not in env and key.startswith('GIO')], [])

    def test_no_descriptor_of_the_lock(self):
        script = ('import os; print(*sorted(f"{n}:{os.readlink(f\'/proc/self/fd/{n}\')}" for n in '
                  'os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")), sep="\\n")')
        plain = subprocess.run([sys.executable, '-c', script], check=True, capture_output=True, text=True,
                               stdin=subprocess.DEVNULL).stdout.split()
        locked = self.assert_run(0, 'run', self.lock, sys.executable, '-c', script).stdout.split()
        self.assertEqual([line.partition(':')[0] for line in locked],
                         [line.partition(':')[0] for line in plain])
        self.assertNotIn('test.lock', ' '.join(locked))

    def test_signals_are_as_before(self):
        script = ('import signal; print([n for n in range(1, 32) if n not in (9, 19) and '
                  'signal.getsignal(n) == signal.SIG_IGN], signal.pthread_sigmask(0, []))')

        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGCHLD])
        for preexec in None, ignore:
            plain = subprocess.run([sys.executable, '-c', script], check=True, capture_output=True,
                                   text=True, preexec_fn=preexec).stdout
            self.assertEqual(self.assert_run(0, 'run', self.lock, sys.executable, '-c', script,
                                             preexec_fn=preexec).stdout, plain)

    def test_group_of_its_own(self):
        script = 'import os; print(os.getpgrp() == os.getpid(), os.getsid(0))'
        result = self.assert_run(0, 'run', self.lock, sys.executable, '-c', script)
        self.assertEqual(result.stdout.split(), ['True', str(os.getsid(0))])

    def test_shell_string(self):
        for args in ['-c', 'echo a; echo "b c"', self.lock], [self.lock, '-c', 'echo a; echo "b c"']:
            self.assertEqual(self.assert_run(0, 'run', *args).stdout, 'a\nb c\n')

    def test_options_of_the_command_are_its_own(self):
        self.assertEqual(self.assert_run(0, 'run', self.lock, 'echo', '-w', '--help').stdout, '-w --help\n')

    def test_input(self):
        self.assertEqual(self.assert_run(0, 'run', self.lock, 'cat', input='one\ntwo\n').stdout,
                         'one\ntwo\n')

    def test_few_descriptors(self):
        """At every limit it works, or says what the system refuses, and leaves nothing."""
        # The leak sanitizer needs descriptors of its own.
        env = dict(os.environ, ASAN_OPTIONS='detect_leaks=0')
        for limit in range(4, 16):
            result = self.run_it('run', self.lock, 'true', env=env, preexec_fn=lambda n=limit: resource.setrlimit(
                resource.RLIMIT_NOFILE, (n, n)))
            self.assertIn(result.returncode, (0, CANNOT_CREATE, 126), (limit, result))
            self.assertEqual('Too many open files' in result.stderr, result.returncode != 0, (limit, result))

    def test_closed_descriptors(self):
        def close():
            os.close(0)
            os.close(2)
        self.assert_run(3, 'run', self.lock, 'sh', '-c', 'exit 3', stdin=None, preexec_fn=close)
        script = 'import os; print([fd for fd in range(3) if os.path.exists(f"/proc/self/fd/{fd}")])'
        self.assertEqual(self.assert_run(0, 'run', self.lock, sys.executable, '-c', script, stdin=None,
                                         preexec_fn=close).stdout.count('1'), 1)
        # A message must not go to the file that has the number of standard error.
        holder, _ = self.hold()
        claim = self.lock.read_bytes()
        self.assert_run(BUSY, 'run', '-v', '-w', '0.5', self.lock, 'true', stdin=None, preexec_fn=close)
        self.assertEqual(self.lock.read_bytes(), claim)
        self.assertIsNone(holder.poll())


class Signals(CommandTest):
    NUMBERS = ['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2', 'WINCH', 'ALRM', 'URG', 'CONT']

    def test_all_are_passed_on(self):
        traps = '; '.join(f'trap "echo {name} >>\\"$0\\"" {name}' for name in self.NUMBERS)
        process, _ = self.hold(script=f'{traps}; echo ready >>"$0"; while :; do sleep 0.02; done')
        self.words_of(self.out, 2)
        for count, name in enumerate(self.NUMBERS, 3):
            process.send_signal(getattr(signal, f'SIG{name}'))
            self.assertEqual(self.words_of(self.out, count)[-1], name)
        process.send_signal(signal.SIGRTMIN + 2)
        self.finish(process, 128 + signal.SIGRTMIN + 2)

    def test_of_the_holder_as_well(self):
        process, _ = self.hold(script='trap "exit 4" USR1; while :; do sleep 0.02; done')
        os.kill(self.supervisor_of(process), signal.SIGUSR1)
        self.assertIn(process.wait(commandtest.PATIENCE_S), (4, 128 + signal.SIGUSR1))

    def test_stop_and_continue_without_a_terminal(self):
        # A shell whose child is stopped between vfork(2) and exec(3) does not stop itself.
        process, command = self.hold(script='exec sleep 1000')
        process.send_signal(signal.SIGTSTP)
        wait_for(lambda: commandtest.state_of(command) == 'T', 'the stop of the command')
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: commandtest.state_of(command) != 'T', 'its continuation')
        process.terminate()
        self.finish(process, 128 + signal.SIGTERM)


class Stops(CommandTest):
    """Of a “run” that waits for the lock. It has no terminal."""

    def count(self):
        return sum(name.startswith('test.lock') for name in os.listdir(self.dir))

    def begin_waiter(self, *options):
        """Returns the holder and the waiter, whose claim is on disk."""
        holder, _ = self.hold()
        waiter = self.begin('run', *options, self.lock, 'touch', self.dir / 'data.ran', start_new_session=True)
        wait_for(lambda: self.count() == 3, 'the claim of the waiter')
        return holder, waiter

    def stop(self, waiter):
        waiter.send_signal(signal.SIGTSTP)
        wait_for(lambda: self.count() == 2, 'the end of the claim')

    def end_holder_and_look(self, holder, waiter):
        """Others get the lock, and the command does not run."""
        holder.terminate()
        self.finish(holder, 128 + signal.SIGTERM)
        self.assert_run(0, 'run', '-w', commandtest.PATIENCE_S, self.lock, 'true')
        self.assertIsNone(waiter.poll())
        self.assertFalse((self.dir / 'data.ran').exists())

    def test_stopped_waiter_leaves_the_queue(self):
        holder, waiter = self.begin_waiter()
        self.stop(waiter)
        waiter.send_signal(signal.SIGCONT)
        wait_for(lambda: self.count() == 3, 'another claim')
        self.stop(waiter)
        self.end_holder_and_look(holder, waiter)
        waiter.send_signal(signal.SIGCONT)
        self.finish(waiter, 0)
        self.assertTrue((self.dir / 'data.ran').exists())

    def test_front_that_gets_sigstop(self):
        holder, waiter = self.begin_waiter()
        waiter.send_signal(signal.SIGSTOP)
        self.end_holder_and_look(holder, waiter)
        waiter.send_signal(signal.SIGCONT)
        self.finish(waiter, 0)
        self.assertTrue((self.dir / 'data.ran').exists())

    def test_stop_does_not_prolong_the_wait(self):
        _, waiter = self.begin_waiter('-w', '6')
        end = time.monotonic() + 6
        self.stop(waiter)
        wait_for(lambda: time.monotonic() > end, 'the end of the time')
        self.assertIsNone(waiter.poll())
        waiter.send_signal(signal.SIGCONT)
        self.assertIn('is not free', self.finish(waiter, BUSY))

    def test_end_of_a_stopped_waiter(self):
        _, waiter = self.begin_waiter()
        self.stop(waiter)
        waiter.send_signal(signal.SIGINT)
        self.finish(waiter, 128 + signal.SIGINT)

    def test_killed_front_of_a_stopped_waiter(self):
        _, waiter = self.begin_waiter()
        supervisor = self.supervisor_of(waiter)
        self.stop(waiter)
        waiter.kill()
        waiter.wait()
        wait_for(lambda: not is_alive(supervisor), 'the end of its supervisor')


class Turns(CommandTest):
    TURNS = 40

    def test_two_shells_and_one_counter(self):
        counter = self.dir / 'data.counter'
        counter.write_text('0', encoding='utf-8')
        step = f'n=$(cat "{counter}"); echo $((n + 1)) >"{counter}"'
        loop = (f'i=0; while [ $i -lt {self.TURNS} ]; do i=$((i + 1)); '
                f'"{PROGRAM}" run "{self.lock}" -c \'{step}\' || exit; done')
        shells = [subprocess.Popen(['sh', '-c', loop]) for _ in range(2)]
        for shell in shells:
            self.assertEqual(shell.wait(2 * commandtest.PATIENCE_S), 0)
        self.assertEqual(int(counter.read_text(encoding='utf-8')), 2 * self.TURNS)

    def test_command_outlasts_its_lifetime(self):
        process, _ = self.hold('--lifetime', '3', script='until test -e "$0.go"; do sleep 0.02; done; exit 5')
        first = self.lock.stat().st_mtime_ns
        wait_for(lambda: self.lock.stat().st_mtime_ns > first + 4 * 10**9, 'the refreshes of more than a lifetime')
        (self.dir / 'out.go').touch()
        self.finish(process, 5)
        (self.dir / 'out.go').unlink()


if __name__ == '__main__':
    commandtest.main()
