# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock hold”, “release” and “refresh”."""

import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import commandtest
from commandtest import BUSY, CANNOT_CREATE, LOST, PROGRAM, USAGE, CommandTest, is_alive, state_of, wait_for


class Hold(CommandTest):
    def hold_it(self, *options):
        """Returns the token and the process that holds the lock, which the case ends in any case."""
        token = self.assert_run(0, 'hold', *options, self.lock).stdout.strip()
        [lock] = json.loads(self.assert_run(0, 'status', '--json', self.lock).stdout)
        self.addCleanup(self.kill_holder, lock['pid'])
        return token, lock['pid']

    @staticmethod
    def kill_holder(pid):
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)

    def expiration(self):
        return self.lock.stat().st_mtime_ns

    def test_hold_and_release(self):
        token, pid = self.hold_it()
        self.assertRegex(token, '^[-_A-Za-z0-9]+$')
        self.assert_run(BUSY, 'run', '-n', self.lock, 'true')
        self.assert_run(BUSY, 'hold', '-n', self.lock)
        self.assert_run(0, 'release', token)
        self.assertFalse(self.lock.exists())
        wait_for(lambda: not is_alive(pid), 'the end of the holder')
        self.assertIn('does not hold', self.assert_run(LOST, 'release', token).stderr)
        self.assert_run(LOST, 'refresh', token)

    def test_holder_is_detached(self):
        _, pid = self.hold_it()
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(os.readlink(f'/proc/{pid}/cwd'), '/')
        self.assertEqual({os.readlink(f'/proc/{pid}/fd/{fd}') for fd in (0, 1, 2)}, {'/dev/null'})
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not self.lock.exists(), 'the release')

    def test_closed_descriptors(self):
        result = self.run_it('hold', self.lock, stdin=None, preexec_fn=lambda: (os.close(0), os.close(2)))
        self.assertEqual(result.returncode, 0)
        token = result.stdout.strip()
        self.assert_run(0, 'refresh', token)
        self.assert_run(0, 'release', token)

    def test_inherited_descriptors_are_closed(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        result = self.assert_run(0, 'hold', self.lock, pass_fds=[writer])
        os.close(writer)
        os.set_blocking(reader, False)
        self.assertEqual(os.read(reader, 1), b'')  # the end, and not BlockingIOError
        self.assert_run(0, 'release', result.stdout.strip())

    def test_token_that_cannot_be_printed(self):
        if not os.path.exists('/dev/full'):
            self.skipTest('needs /dev/full')
        with open('/dev/full', 'wb') as full:
            result = subprocess.run([PROGRAM, 'hold', self.lock], stdout=full, stderr=subprocess.PIPE, check=False,
                                    text=True, encoding='utf-8', timeout=commandtest.PATIENCE_S)
        self.assertEqual(result.returncode, CANNOT_CREATE, result)
        self.assertIn('Could not print the token', result.stderr)
        self.assertFalse(self.lock.exists())

    def kill_holder_on_disk(self):
        """For a case that fails."""
        if self.lock.exists():
            self.kill_holder(int(self.lock.read_text(encoding='utf-8').split('|')[2]))

    def begin_and_see_lock(self):
        """Starts “hold”, and returns as soon as its lock is on disk, which is before the token."""
        self.addCleanup(self.kill_holder_on_disk)
        front = self.begin('hold', '--lifetime', '1000', self.lock)
        end = time.monotonic() + commandtest.PATIENCE_S
        while not self.lock.exists():  # without a pause: the token follows within a millisecond
            self.assertLess(time.monotonic(), end)
        return front

    def assert_released_or_given(self, front):
        """A lock whose token is not printed is released. With the token it can be released."""
        token = front.out.read_text(encoding='utf-8').strip()
        if token:
            self.assertIn(self.run_it('release', token).returncode, (0, LOST))
        wait_for(lambda: not self.lock.exists(), 'the release')

    def test_signal_between_the_lock_and_the_token(self):
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGKILL:
            for _ in range(8):
                front = self.begin_and_see_lock()
                front.send_signal(number)
                front.wait(commandtest.PATIENCE_S)
                self.assertIn(front.returncode, (0, -signal.SIGKILL, 128 + number))
                if number != signal.SIGKILL:  # which may come after the token
                    self.assertEqual(front.out.read_text(encoding='utf-8').count('\n'),
                                     1 if front.returncode == 0 else 0, front.returncode)
                self.assert_released_or_given(front)

    def begin_with_full_pipe(self, lifetime='1000', **kwargs):
        """A front that cannot print its token, since the pipe is full."""
        self.addCleanup(self.kill_holder_on_disk)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        for size in 4096, 1:
            try:
                while True:
                    os.write(writer, b'x' * size)
            except BlockingIOError:
                pass
        os.set_blocking(writer, True)
        front = subprocess.Popen([PROGRAM, 'hold', '--lifetime', lifetime, self.lock], stdout=writer, **kwargs)
        self.processes.append(front)
        os.close(writer)
        wait_for(self.lock.exists, 'the lock')
        return front

    def test_token_that_nobody_reads(self):
        for number, status in (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL):
            with self.subTest(number=number):
                front = self.begin_with_full_pipe()
                front.send_signal(number)
                self.assertEqual(front.wait(commandtest.PATIENCE_S), status)
                wait_for(lambda: not self.lock.exists(), 'the release')

    def test_loss_while_nobody_reads_the_token(self):
        front = self.begin_with_full_pipe('3', stderr=subprocess.PIPE)
        self.assert_run(0, 'break', '--force', self.lock)
        _, err = front.communicate(timeout=commandtest.PATIENCE_S)
        self.assertEqual(front.returncode, LOST)
        self.assertIn(b'was lost', err)

    def test_refresh(self):
        token, _ = self.hold_it('--lifetime', '100')
        before = self.expiration()
        self.assert_run(0, 'refresh', token)
        self.assertGreater(self.expiration(), before)
        self.assert_run(0, 'refresh', '--lifetime', '1000', token)
        self.assertGreater(self.expiration(), before + 800 * 10**9)
        self.assert_run(0, 'release', token)

    def test_refresh_is_no_answer_to_another(self):
        """The kernel keeps one signal for a stopped process, so the second request is lost at first."""
        token, pid = self.hold_it('--lifetime', '100')
        before = self.expiration()
        commandtest.stop(pid)
        requests = []
        for options in [], ['--lifetime', '1000']:
            requests.append(self.begin('refresh', *options, token))
            wait_for(lambda: state_of(requests[-1].pid) == 'S', 'the pause of the request')
            self.wait_for_signal(pid)
        os.kill(pid, signal.SIGCONT)
        for request in requests:
            self.finish(request, 0)
        self.assertGreater(self.expiration(), before + 800 * 10**9)
        self.assert_run(0, 'release', token)

    @staticmethod
    def wait_for_signal(pid):
        """Until SIGURG is pending."""
        def is_pending():
            status = pathlib.Path(f'/proc/{pid}/status').read_text(encoding='utf-8')
            [mask] = re.findall(r'^ShdPnd:\s*([0-9a-f]+)$', status, re.MULTILINE)
            return int(mask, 16) >> (signal.SIGURG - 1) & 1
        wait_for(is_pending, 'the signal')

    def test_refresh_of_run(self):
        result = self.assert_run(0, 'run', '--lifetime', '100', self.lock, 'sh', '-c',
                                 '"$0" refresh --lifetime 1000 $FLUFL_LOCK_TOKEN && stat -c %Y "$FLUFL_LOCK_FILE"; '
                                 '"$0" release $FLUFL_LOCK_TOKEN; [ $? = 64 ]', PROGRAM)
        self.assertIn('when its command ends', result.stderr)

    def test_heartbeat(self):
        token, _ = self.hold_it('--lifetime', '3')
        before = self.expiration()
        wait_for(lambda: self.expiration() > before, 'a refresh')
        self.assert_run(0, 'release', token)

    def test_for_pid(self):
        partner = subprocess.Popen(['sleep', '1000'])
        _, pid = self.hold_it('--for-pid', str(partner.pid))
        self.assertTrue(self.lock.exists())
        partner.kill()
        partner.wait()
        wait_for(lambda: not self.lock.exists() and not is_alive(pid), 'the release')
        self.assertIn('no process', self.assert_run(USAGE, 'hold', '--for-pid', str(partner.pid), self.lock).stderr)

    def test_for_pid_that_ends_during_the_wait(self):
        token, _ = self.hold_it()
        partner = subprocess.Popen(['sleep', '1000'])
        self.addCleanup(partner.kill)
        before = len(os.listdir(self.dir))
        waiter = self.begin('hold', '--for-pid', str(partner.pid), self.lock)
        wait_for(lambda: len(os.listdir(self.dir)) == before + 3, 'the claim of the waiter')  # and its output
        partner.kill()
        partner.wait()
        self.assertIn(f'The process {partner.pid}, for which the lock is acquired, has ended.',
                      self.finish(waiter, LOST))
        self.assertEqual(waiter.out.read_text(encoding='utf-8'), '')
        self.assertEqual(len(os.listdir(self.dir)), before + 2)
        self.assert_run(0, 'release', token)

    def test_signals_do_not_end_the_partner(self):
        """A signal that comes during the look at the partner is no death."""
        partner = subprocess.Popen(['sleep', '1000'])
        token, pid = self.hold_it('--for-pid', str(partner.pid))
        try:
            for _ in range(20000):
                os.kill(pid, signal.SIGWINCH)
            self.assert_run(0, 'refresh', token)
            self.assert_run(0, 'release', token)
        finally:
            partner.kill()
            partner.wait()

    def test_killed_holder(self):
        token, pid = self.hold_it()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(pid), 'the death of the holder')
        self.assertIn('has died', self.assert_run(LOST, 'release', token).stderr)
        self.assert_run(0, 'run', self.lock, 'true')

    def test_loss(self):
        token, pid = self.hold_it('--lifetime', '3')
        self.assert_run(0, 'break', '--force', self.lock)
        wait_for(lambda: not is_alive(pid), 'the end of the holder')
        self.assert_run(LOST, 'refresh', token)

    def test_stopped_holder_does_not_answer(self):
        token, pid = self.hold_it('--lifetime', '1000')
        commandtest.stop(pid)
        self.assertIn('did not answer', self.assert_run(BUSY, 'refresh', token).stderr)
        os.kill(pid, signal.SIGCONT)
        self.assert_run(0, 'release', token)

    def make_lock_like(self, name, **tags):
        """A lock by hand, with the process of the lock that is held. tags are the changes of UNIQUE.
        Returns its token."""
        lock = self.dir / name
        fields = pathlib.Path(self.lock.read_text(encoding='utf-8')).name.split('|')
        for tag, value in tags.items():
            fields[3] = re.sub(f'{tag}[0-9a-f]*', value and tag + value, fields[3])
        claim = self.dir / '|'.join([name, *fields[1:]])
        claim.write_text(str(claim), encoding='utf-8')
        os.utime(claim, (2**31, 2**31))
        os.link(claim, lock)
        return base64.urlsafe_b64encode(f'h{lock}\0{claim.name}'.encode()).decode().rstrip('=')

    def test_request_for_another_lock(self):
        """A process ID of another pid namespace can be that of a holder here."""
        token, _ = self.hold_it('--lifetime', '1000')
        stranger = self.make_lock_like('data.lock', R='0123456789ab', L='')
        before = self.expiration()
        self.assertIn('did not answer', self.assert_run(BUSY, 'release', stranger).stderr)
        self.assertTrue(self.lock.exists())
        self.assertEqual(self.expiration(), before)
        self.assert_run(0, 'release', token)

    def test_wait_and_interrupt(self):
        self.hold_it()
        before = len(os.listdir(self.dir))
        waiter = self.begin('hold', self.lock)
        wait_for(lambda: len(os.listdir(self.dir)) == before + 3, 'the claim of the waiter')  # and its output
        waiter.send_signal(signal.SIGINT)
        self.finish(waiter, 128 + signal.SIGINT)
        self.assertEqual(len(os.listdir(self.dir)), before + 2)
        [lock] = json.loads(self.assert_run(0, 'status', '--json', self.lock).stdout)
        os.kill(lock['pid'], signal.SIGTERM)
        wait_for(lambda: not self.lock.exists(), 'the release')

    def begin_waiter(self):
        """Starts a “hold” that waits, without a terminal. Returns it and how many files there are."""
        self.addCleanup(self.kill_holder_on_disk)
        before = len(os.listdir(self.dir))
        waiter = self.begin('hold', self.lock, start_new_session=True)
        wait_for(lambda: len(os.listdir(self.dir)) == before + 3, 'the claim of the waiter')  # and its output
        return waiter, before + 2

    def release_and_look(self, token, waiter):
        """Others get the lock while the waiter is stopped, and it gets it when it is continued."""
        self.assert_run(0, 'release', token)
        self.assert_run(0, 'run', '-w', commandtest.PATIENCE_S, self.lock, 'true')
        self.assertIsNone(waiter.poll())
        waiter.send_signal(signal.SIGCONT)
        self.finish(waiter, 0)
        self.assert_run(0, 'release', waiter.out.read_text(encoding='utf-8').strip())

    def test_stopped_wait(self):
        token, _ = self.hold_it()
        waiter, files = self.begin_waiter()
        waiter.send_signal(signal.SIGTSTP)
        wait_for(lambda: len(os.listdir(self.dir)) == files, 'the end of the claim')
        self.release_and_look(token, waiter)

    def test_stopped_wait_of_a_caller_that_ignores_sigcont(self):
        token, _ = self.hold_it()
        signal.signal(signal.SIGCONT, signal.SIG_IGN)
        try:
            waiter, files = self.begin_waiter()
        finally:
            signal.signal(signal.SIGCONT, signal.SIG_DFL)
        waiter.send_signal(signal.SIGTSTP)
        wait_for(lambda: len(os.listdir(self.dir)) == files, 'the end of the claim')
        self.release_and_look(token, waiter)

    def test_wait_that_gets_sigstop(self):
        token, _ = self.hold_it()
        waiter, _ = self.begin_waiter()
        waiter.send_signal(signal.SIGSTOP)
        self.release_and_look(token, waiter)

    def test_bad_tokens(self):
        for token in 'x', '!!!', 'aAAA', 'aC94', 'cm9vdA', 'A' * 5000:
            self.assertIn('is not a token', self.assert_run(USAGE, 'release', token).stderr)
        self.assert_run(USAGE, 'refresh', '--lifetime', '0', 'x')
        self.assert_run(USAGE, 'hold', '-n', '-E', '0', self.lock)
        self.assertIn('is empty', self.assert_run(USAGE, 'release', '').stderr)
        self.assert_run(USAGE, 'release')

    def test_other_container(self):
        token, _ = self.hold_it('--lifetime', '1000')
        if not re.search('N[0-9a-f]{8}', self.lock.read_text(encoding='utf-8').rpartition('|')[2]):
            self.skipTest('the claim does not show the namespaces')
        stranger = self.make_lock_like('data.lock', N='00000000', L='')
        self.assertIn('in another container. Run this there.', self.assert_run(73, 'release', stranger).stderr)
        self.assert_run(0, 'release', token)

    def test_other_host(self):
        claim = self.dir / 'test.lock|elsewhere|12345|678'
        claim.write_text(str(claim), encoding='utf-8')
        os.utime(claim, (2**31, 2**31))
        os.link(claim, self.lock)
        token = base64.urlsafe_b64encode(f'h{self.lock}\0{claim.name}'.encode()).decode().rstrip('=')
        self.assertIn('on host “elsewhere”. Run this there.', self.assert_run(73, 'release', token).stderr)
        self.assert_run(0, 'break', '--force', '--if-holder', token, self.lock)


if __name__ == '__main__':
    commandtest.main()
