#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-editor.py EDITOR: two windows of examples/gtk/ on a screen of their own.

What the windows show is read as a screen reader reads it, and what people do is done with keys and
buttons. With FLUFL_TEST_PICTURES=DIRECTORY the test also writes the pictures of the documentation.
"""

import ctypes
import os
import pathlib
import pwd
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    import screen
    from screen import wait_for
except (ImportError, ValueError) as error:
    print(f'SKIP: this Python has no AT-SPI: {error}')
    sys.exit(77)

EDITOR = sys.argv[1]
PICTURES = os.environ.get('FLUFL_TEST_PICTURES')

# Of <sys/inotify.h>.
IN_OPEN = 0x20


# Another user, and a group that may be common to both.
OTHER_USER = 'nobody'
COMMON_GROUP = 'users'


def is_quiet(path, seconds):
    """Whether no process opens the file for some seconds."""
    libc = ctypes.CDLL(None)
    opened = libc.inotify_init1(os.O_CLOEXEC)
    try:
        assert libc.inotify_add_watch(opened, os.fsencode(path), IN_OPEN) >= 0
        return select.select([opened], [], [], seconds)[0] == []
    finally:
        os.close(opened)


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='flufl-editor-'))
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / 'minutes.txt'
        self.path.write_text('Minutes of May\n')

    def start(self, path=None, **options):
        program = screen.Program([EDITOR, str(path or self.path)], **options)
        self.addCleanup(program.end)
        return program

    def start_editing(self):
        program = self.start()
        wait_for(program.is_editable, 'the first window can edit')
        wait_for(lambda: program.text() == self.path.read_text(), 'the text is shown')
        return program

    def start_stopped(self):
        """A holder that answers nothing, not even this test's questions about its window."""
        program = self.start(env=dict(os.environ, GTK_A11Y='none'))
        self.addCleanup(program.kill)
        wait_for(lambda: len(self.lock_files()) == 2, 'the holder has the document')
        return program

    def start_reading(self, *words):
        program = self.start()
        program.await_words('has this document open', *words)
        self.assertFalse(program.is_editable())
        self.assertEqual(program.text(), self.path.read_text())
        return program

    def lock_files(self):
        return sorted(path.name for path in self.directory.iterdir() if path.name.startswith('.minutes'))

    def picture(self, program, name):
        if PICTURES:
            program.picture(pathlib.Path(PICTURES) / f'editor-{name}.png')

    def change(self, program, text):
        """Type at the beginning of the document."""
        program.keys('key', 'ctrl+Home', 'type', text)
        wait_for(lambda: (program.text() or '').startswith(text), 'the text is typed')

    def save_as(self, program, name):
        program.keys('key', 'ctrl+shift+s')
        self.choose(program, name)

    def choose(self, program, name):
        """Answer the dialog of “Save As”."""
        program.await_words('Name:', 'Cancel')
        program.keys('key', 'ctrl+a', 'type', '--delay', '20', name)
        program.keys('key', 'Return')

    def expire(self):
        """Keep the lock expired, but not yet overdue, until the returned event is set."""
        lock = self.directory / '.minutes.txt.lock'
        enough = threading.Event()

        def keep_expired():
            while True:
                os.utime(lock, (time.time() - 1,) * 2)
                if enough.wait(0.5):
                    break
            os.utime(lock, (time.time() + 120,) * 2)
        thread = threading.Thread(target=keep_expired)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(enough.set)
        return enough


class Windows(Case):
    def test_take_and_free(self):
        holder = self.start_editing()
        self.assertEqual(len(self.lock_files()), 2)
        reader = self.start_reading('In “Editor” on “', 'since', 'Notify Me')
        self.assertNotIn('Take Over', reader.words())
        self.picture(reader, 'taken')
        # The keys of a reader change nothing.
        reader.keys('type', 'x')
        self.change(holder, 'Draft. ')
        holder.keys('key', 'ctrl+s')
        wait_for(lambda: self.path.read_text() == 'Draft. Minutes of May\n', 'it is saved')
        self.assertEqual(reader.text(), 'Minutes of May\n')
        holder.click('Close')
        holder.process.wait(screen.PATIENCE)
        reader.await_words('This document is free now', 'Reload and Edit')
        self.assertEqual(self.lock_files(), [])
        self.picture(reader, 'free')
        reader.click('Reload and Edit')
        wait_for(reader.is_editable, 'the other can edit')
        wait_for(lambda: reader.text() == 'Draft. Minutes of May\n', 'the text is read again')
        wait_for(lambda: 'Reload and Edit' not in reader.buttons(), 'the banner goes')

    def test_reader_is_quiet(self):
        """A window that shows who has the document looks at the lock when it changes, and not in a loop."""
        holder = self.start_editing()
        reader = self.start_reading()
        wait_for(lambda: is_quiet(self.directory / '.minutes.txt.lock', 3), 'nobody looks at the lock for 3 s')
        holder.kill()
        reader.await_words('The program has crashed', 'Take Over')

    def test_wait(self):
        holder = self.start_editing()
        reader = self.start_reading()
        reader.click('Notify Me')
        reader.await_words('Waiting for', 'Stop Waiting')
        self.picture(reader, 'waiting')
        reader.keys('key', 'Escape')
        reader.await_words('has this document open', 'Notify Me')
        reader.click('Notify Me')
        reader.await_words('Waiting for')
        wait_for(lambda: len(self.lock_files()) == 3, 'the waiter has a claim')
        holder.click('Close')
        reader.await_words('It is kept for you for a minute', 'Reload and Edit')
        self.assertFalse(reader.is_editable())
        self.start_reading()
        reader.click('Reload and Edit')
        wait_for(reader.is_editable, 'the waiter can edit')

    def test_wanted(self):
        """A window that has the document shows who waits for it, and saves and gives it up on request."""
        holder = self.start_editing()
        reader = self.start_reading()
        self.change(holder, 'Draft. ')
        self.assertNotIn('Save and Let Go', holder.buttons())
        reader.click('Notify Me')
        holder.await_words(' waits for this document', 'In “Editor” on “', 'since', 'Save and Let Go')
        self.assertTrue(holder.is_editable())
        self.picture(holder, 'wanted')
        reader.click('Stop Waiting')
        wait_for(lambda: 'Save and Let Go' not in holder.buttons(), 'the banner goes')
        reader.click('Notify Me')
        holder.click('Save and Let Go')
        reader.await_words('It is kept for you for a minute', 'Reload and Edit')
        self.assertEqual(self.path.read_text(), 'Draft. Minutes of May\n')
        holder.await_words('has this document open', 'Notify Me')
        self.assertFalse(holder.is_editable())
        reader.click('Reload and Edit')
        wait_for(reader.is_editable, 'the waiter can edit')
        self.assertEqual(reader.text(), 'Draft. Minutes of May\n')

    def test_unsaved_is_not_let_go(self):
        """A document whose text could not be saved stays with its window."""
        holder = self.start_editing()
        reader = self.start_reading()
        self.change(holder, 'Precious. ')
        self.path.unlink()
        os.mkfifo(self.path)  # nobody can open it for writing until somebody reads
        reader.click('Notify Me')
        holder.click('Save and Let Go')
        holder.await_words('Saving…')
        wait_for(lambda: not holder.is_editable(), 'nothing can be typed that is not saved')
        self.assertEqual(len(self.lock_files()), 3)
        os.close(os.open(self.path, os.O_RDONLY))
        holder.await_words('regular file', 'Save and Let Go')
        wait_for(holder.is_editable, 'the text can be edited')
        self.assertEqual(holder.text(), 'Precious. Minutes of May\n')
        self.assertEqual(len(self.lock_files()), 3)
        reader.await_words('Waiting for')
        self.path.unlink()
        holder.click('Save and Let Go')
        reader.await_words('It is kept for you for a minute')
        self.assertEqual(self.path.read_text(), 'Precious. Minutes of May\n')

    def test_take_over(self):
        holder = self.start_editing()
        reader = self.start_reading()
        self.change(holder, 'This is not saved. ')
        holder.kill()
        reader.await_words('had this document open', 'The program has crashed', 'Take Over')
        self.picture(reader, 'crashed')
        reader.click('Take Over')
        wait_for(reader.is_editable, 'the other can edit')
        self.assertEqual(reader.text(), 'Minutes of May\n')
        self.assertEqual(len(self.lock_files()), 2)

    def test_take_over_from_hung(self):
        holder = self.start_stopped()
        reader = self.start_reading()
        holder.stop()
        enough = self.expire()
        reader.await_words('The program does not answer', 'Take Over')
        reader.click('Take Over')
        reader.await_words('Taking over from', 'its lock is broken by', 'Stop')
        self.picture(reader, 'taking-over')
        # The user can think better of it.
        reader.click('Stop')
        reader.await_words('The program does not answer', 'Take Over')
        reader.click('Take Over')
        reader.await_words('Taking over from')
        # If the holder refreshes its lock meanwhile, nothing is taken from it.
        enough.set()
        reader.await_words('Waiting for', 'Stop Waiting')
        self.assertFalse(reader.is_editable())
        reader.click('Stop Waiting')
        reader.await_words('has this document open', 'Notify Me')

    def feed(self):
        """Write the text into the file, which is a pipe that a program may be reading."""
        try:
            pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads
            return
        try:
            os.write(pipe, b'Late.\n')
        except BrokenPipeError:
            pass
        finally:
            os.close(pipe)

    def test_slow_reading(self):
        """While the text is being read under the lock, nothing can be typed that the text would replace."""
        self.path.unlink()
        os.mkfifo(self.path)
        program = self.start()
        program.await_words('Reading…')
        self.assertEqual(len(self.lock_files()), 2)
        self.assertFalse(program.is_editable())
        program.keys('type', 'x')

        def is_read():
            self.feed()
            return program.is_editable()
        wait_for(is_read, 'the text is read, and can be edited')
        # A reading that was given up may have taken a part, so the text was perhaps written twice.
        self.assertEqual(set(program.text().split()), {'Late.'})

    def test_unreadable(self):
        """A text that cannot be read cannot be replaced by an empty one, and others may have the lock."""
        self.path.write_bytes(b'\xff\xfe')
        program = self.start()
        program.await_words('This document cannot be read', 'This is not a text.', 'Try Again')
        self.assertFalse(program.is_editable())
        program.keys('type', 'x', 'key', 'ctrl+s')
        wait_for(lambda: self.lock_files() == [], 'the lock is given up')
        self.assertEqual(self.path.read_bytes(), b'\xff\xfe')
        self.path.write_text('Minutes of June\n')
        program.click('Try Again')
        wait_for(program.is_editable, 'the document can be edited')
        self.assertEqual(program.text(), 'Minutes of June\n')

    def test_failed_save_as(self):
        """If the text cannot be saved under the new name, the window keeps the old name and its lock."""
        program = self.start_editing()
        self.change(program, 'Precious. ')
        locks = self.lock_files()
        with socket.socket(socket.AF_UNIX) as unwritable:
            unwritable.bind(str(self.directory / 'socket.txt'))
        self.save_as(program, 'socket.txt')
        program.click('Replace')
        program.await_words('socket.txt”: ')
        wait_for(lambda: not (self.directory / '.socket.txt.lock').exists(), 'the new lock is given up')
        self.assertEqual(self.lock_files(), locks)
        self.assertTrue(program.is_editable())
        program.keys('key', 'ctrl+s')
        wait_for(lambda: self.path.read_text() == 'Precious. Minutes of May\n', 'it is saved under the old name')

    def test_save_as_the_same(self):
        """A document that this window has is no other document."""
        program = self.start_editing()
        self.change(program, 'Precious. ')
        self.save_as(program, 'minutes.txt')
        program.click('Replace')
        wait_for(lambda: self.path.read_text() == 'Precious. Minutes of May\n', 'it is saved')
        self.assertEqual(len(self.lock_files()), 2)
        self.assertTrue(program.is_editable())

    def test_close_while_saving(self):
        """A window that is closed while the text is being written stays, with its lock, until it is written."""
        program = self.start_editing()
        self.change(program, 'Precious. ')
        self.path.unlink()
        os.mkfifo(self.path)  # nobody can open it for writing until somebody reads
        program.keys('key', 'ctrl+s')
        program.await_words('Saving…')
        program.click('Close')
        program.await_words('Saving before closing…')
        os.close(os.open(self.path, os.O_RDONLY))
        program.await_words('regular file')
        self.assertEqual(program.text(), 'Precious. Minutes of May\n')
        self.assertEqual(len(self.lock_files()), 2)
        self.path.unlink()
        program.keys('key', 'ctrl+s')
        wait_for(lambda: self.path.exists() and self.path.read_text() == 'Precious. Minutes of May\n', 'it is saved')
        program.click('Close')
        program.process.wait(screen.PATIENCE)
        self.assertEqual(self.lock_files(), [])

    def test_close_unsaved(self):
        """A window with a text that is not saved asks before it closes."""
        program = self.start_editing()
        self.change(program, 'Precious. ')
        program.click('Close')
        program.await_words('Save the changes?', 'Discard')
        program.click('Cancel', question='Save the changes?')
        wait_for(lambda: 'Save the changes?' not in program.words(), 'the question goes')
        self.assertEqual(len(self.lock_files()), 2)
        program.click('Close')
        program.click('Discard', question='Save the changes?')
        program.process.wait(screen.PATIENCE)
        self.assertEqual(self.path.read_text(), 'Minutes of May\n')
        self.assertEqual(self.lock_files(), [])

    def test_close_and_save(self):
        program = self.start_editing()
        self.change(program, 'Precious. ')
        program.click('Close')
        program.await_words('Save the changes?', 'Discard')
        program.click('Save', question='Save the changes?')
        program.process.wait(screen.PATIENCE)
        self.assertEqual(self.path.read_text(), 'Precious. Minutes of May\n')
        self.assertEqual(self.lock_files(), [])

    def test_foreign_names(self):
        """A name that another program wrote is shown as it is, and is no markup."""
        program = self.start_editing()
        (self.directory / '.~lock.office.txt#').write_text('Jane & <b>Doe</b>,jane,laptop,24.11.2026 10:20,file:///;')
        self.save_as(program, 'office.txt')
        program.await_words('Jane & <b>Doe</b> seems to have this document open')
        self.assertFalse((self.directory / 'office.txt').exists())
        self.assertEqual(len(self.lock_files()), 2)

    def test_loss_and_save_as(self):
        holder = self.start_editing()
        self.change(holder, 'Precious. ')
        for name in self.lock_files():
            (self.directory / name).unlink()
        rival = self.start_editing()
        holder.keys('key', 'ctrl+s')
        holder.await_words('Somebody else may change this document now', 'Save As…')
        # Neither text is gone.
        self.assertEqual(self.path.read_text(), 'Minutes of May\n')
        self.assertEqual(holder.text(), 'Precious. Minutes of May\n')
        self.assertTrue(holder.is_editable())
        self.picture(holder, 'lost')
        holder.click('Save As…')
        self.choose(holder, 'rescue.txt')
        rescue = self.directory / 'rescue.txt'
        wait_for(lambda: rescue.exists() and rescue.read_text() == 'Precious. Minutes of May\n', 'it is saved')
        holder.await_words('rescue.txt')
        wait_for(lambda: 'Save As…' not in holder.buttons(), 'the banner goes')
        self.assertTrue((self.directory / '.rescue.txt.lock').exists())
        self.assertTrue(rival.is_editable())

    def test_office(self):
        office = self.directory / '.~lock.minutes.txt#'
        office.write_text('Jane Doe,jane,laptop,24.11.2026 10:20,file:///;')
        program = self.start()
        program.await_words('Jane Doe seems to have this document open', 'In “LibreOffice” on “laptop”',
                            'Edit Anyway')
        self.assertFalse(program.is_editable())
        self.picture(program, 'office')
        program.click('Edit Anyway')
        wait_for(program.is_editable, 'the document can be edited')

    def start_other_user(self, **options):
        """The editor of another user, who shares a group and the directory with this one."""
        if os.geteuid() != 0:
            self.skipTest('this needs root, who can start a program as another user')
        if shutil.which('runuser') is None:
            self.skipTest('runuser is not installed')
        runuser = ['runuser', '-u', OTHER_USER, '-G', COMMON_GROUP, '--']
        if subprocess.run([*runuser, 'test', '-x', EDITOR, '-a', '-r', screen.__file__]).returncode != 0:
            self.skipTest(f'the user {OTHER_USER} cannot run the editor and this test, or has no group {COMMON_GROUP}')
        shutil.chown(self.directory, group=COMMON_GROUP)
        self.directory.chmod(0o2770)
        shutil.chown(self.path, group=COMMON_GROUP)
        self.path.chmod(0o660)
        home = tempfile.mkdtemp(prefix='flufl-editor-home-')
        self.addCleanup(shutil.rmtree, home)
        shutil.chown(home, user=OTHER_USER)
        program = screen.Remote([*runuser, sys.executable, '-B', screen.__file__, home, EDITOR, str(self.path)],
                                **options)
        self.addCleanup(program.end)
        return program

    def test_two_users(self):
        """Each of two users sees the other, who is not root, and they take turns."""
        here = pwd.getpwuid(os.geteuid())
        here = here.pw_gecos.split(',')[0] or here.pw_name
        there = pwd.getpwnam(OTHER_USER)
        there = there.pw_gecos.split(',')[0] or there.pw_name
        other = self.start_other_user(umask=0o002)
        wait_for(other.is_editable, 'the other user can edit')
        reader = self.start(umask=0o002)
        reader.await_words(f'{there} has this document open', 'Notify Me')
        reader.click('Notify Me')
        other.await_words(f'{here} waits for this document', 'Save and Let Go')
        other.keys('key', 'ctrl+Home', 'type', 'Theirs. ')
        wait_for(lambda: other.text() == 'Theirs. Minutes of May\n', 'the other user types')
        other.click('Save and Let Go')
        reader.click('Reload and Edit')
        wait_for(reader.is_editable, 'this user can edit')
        self.assertEqual(reader.text(), 'Theirs. Minutes of May\n')
        other.await_words(f'{here} has this document open')
        other.click('Notify Me')
        reader.await_words(f'{there} waits for this document')
        self.change(reader, 'Ours. ')
        reader.click('Save and Let Go')
        other.click('Reload and Edit')
        wait_for(other.is_editable, 'the other user can edit again')
        self.assertEqual(other.text(), 'Ours. Theirs. Minutes of May\n')


class Slow(Case):
    def test_take_over_from_stopped(self):
        """The lock of a process that is stopped expires after two minutes, and is watched for 45 s."""
        holder = self.start_stopped()
        reader = self.start_reading()
        holder.stop()
        reader.await_words('The program does not answer', 'Take Over', patience=120 + screen.PATIENCE)
        reader.click('Take Over')
        wait_for(reader.is_editable, 'the other can edit', 45 + screen.PATIENCE)
        self.assertEqual(reader.text(), 'Minutes of May\n')


if __name__ == '__main__':
    for program in 'Xvfb', 'dbus-run-session', 'xdotool', 'import':
        if shutil.which(program) is None:
            print(f'SKIP: {program} is not installed')
            sys.exit(77)
    session = tempfile.mkdtemp(prefix='flufl-screen-')
    try:
        screen.enter_session(session)
    finally:
        shutil.rmtree(session, ignore_errors=True)
    unittest.main(defaultTest='Windows', argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
