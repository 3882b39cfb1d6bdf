# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The editor of examples/gtk/ in a window on each client, with one document. A window shows the
holder of the document, and makes it editable once it is free."""

import contextlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

from users import SHARED, can_run, introduce
from world import APART, GRACE_S, HERE, SLOP_S, on

VERSION = '4.2'
SCREEN = HERE.parent.parent / 'gtk' / 'screen.py'
# Seconds: a program starts within this time, even on an emulated machine, and a lock expires.
PATIENCE_S = 400
# Seconds by which a window shows something late at most: the program and the test need some, since
# the test reads the whole window each time.
LATE_S = 20
COUNTED = 'counted from when it was allowed, '
# Each client has an X server of its own, and both have one directory /tmp.
DISPLAYS = {'a': 71, 'b': 72}


class Windows:
    """The windows of both users."""

    def __init__(self, world, screen, stack):
        self.world, self.screen, self.stack = world, screen, stack
        self.editor = world.build / 'examples' / 'editor'
        place = world.place(VERSION, SHARED)
        self.path = f'{place}/minutes.txt'
        self.file = pathlib.Path('/export', pathlib.Path(place).name, 'minutes.txt')
        self.lock = self.file.with_name('.minutes.txt.lock')
        self.file.write_text('Minutes of May\n')
        self.file.chmod(0o660)
        os.chown(self.file, -1, SHARED.group)

    def open(self, client):
        """Open the document in a new window."""
        home = tempfile.mkdtemp(prefix=f'flufl-editor-{client}-', dir='/run')
        self.stack.callback(shutil.rmtree, home, ignore_errors=True)
        os.chown(home, SHARED.users['ab'.index(client)], SHARED.group)
        # The users are on machines that do not see each other's processes.
        command = [*on(client), *APART, *SHARED.before(client),
                   'env', f'FLUFL_TEST_DISPLAY={DISPLAYS[client]}', f'FLUFL_TEST_PATIENCE_S={PATIENCE_S}',
                   sys.executable, '-B', str(SCREEN), home, str(self.editor), self.path]
        window = self.screen.Remote(command, stderr=self.world.complaints)
        self.stack.callback(window.end)
        return window

    def wait_for(self, condition, what):
        return self.screen.wait_for(condition, what, PATIENCE_S)

    def await_editing(self, window, text):
        self.wait_for(window.is_editable, 'the text can be edited')
        self.wait_for(lambda: window.text() == text, 'the text is shown')

    def look(self, window):
        """How long a look at the window takes, which is a part of all times."""
        begun = time.monotonic()
        window.words()
        return f'a look at the window takes {time.monotonic() - begun:.1f} s; '

    def check_words(self, name, window, *words):
        shown = window.await_words(*words)
        self.world.check(f'editor: {name}', not window.is_editable(),
                         ' / '.join(dict.fromkeys(filter(None, shown))))

    def type(self, window, text):
        window.keys('key', 'ctrl+Home', 'type', text)
        self.wait_for(lambda: (window.text() or '').startswith(text), 'the text is typed')


def check_free(windows):
    """The first is closed. Returns the window of the second."""
    ann = windows.open('a')
    windows.await_editing(ann, 'Minutes of May\n')
    bob = windows.open('b')
    windows.check_words('the other reads, and its banner names the holder', bob, 'Ann has this document open',
                        'In “Editor” on “client-a”, since', 'Notify Me')
    windows.type(ann, 'Draft. ')
    ann.keys('key', 'ctrl+s')
    windows.wait_for(lambda: windows.file.read_text() == 'Draft. Minutes of May\n', 'it is saved')
    ann.click('Close')
    windows.wait_for(lambda: not windows.lock.exists(), 'the lock is released')
    begun = time.monotonic()
    windows.check_words('the other sees that the document is free', bob, 'This document is free now',
                        'Reload and Edit')
    windows.world.check_time('editor: soon after the release', True, begun, time.monotonic(), LATE_S,
                             windows.look(bob))
    ann.end()
    bob.click('Reload and Edit')
    windows.await_editing(bob, 'Draft. Minutes of May\n')
    windows.world.check('editor: the other edits what the first has saved', True)
    return bob


def check_let_go(windows, bob):
    """The first asks the second to let go. Returns the new window of the first."""
    ann = windows.open('a')
    windows.check_words('now the first reads', ann, 'Bob has this document open',
                        'In “Editor” on “client-b”, since', 'Notify Me')
    ann.click('Notify Me')
    bob.await_words('Ann waits for this document', 'In “Editor” on “client-a”', 'Save and Let Go')
    bob.click('Save and Let Go')
    windows.check_words('the waiter sees that the document is kept for it', ann,
                        'It is kept for you for a minute', 'Reload and Edit')
    ann.click('Reload and Edit')
    windows.await_editing(ann, 'Draft. Minutes of May\n')
    windows.check_words('the window that let go reads', bob, 'Ann has this document open', 'Notify Me')
    return ann


def kill(windows, window):
    """Kill the program that has the document. Returns when its lock expires."""
    window.kill()
    return time.monotonic() + windows.lock.stat().st_mtime - time.time()


def check_take_over(windows, ann, bob):
    """The first is killed, and the other takes over."""
    over = kill(windows, ann)
    windows.check_words('the other may take over', bob, 'Ann had this document open',
                        'The program does not answer', 'Take Over')
    windows.world.check_time('editor: soon after the lock has expired', True, over, time.monotonic(), LATE_S)
    bob.click('Take Over')
    windows.await_editing(bob, 'Draft. Minutes of May\n')
    windows.world.check_time('editor: the other has taken over', True, over + SLOP_S, time.monotonic(),
                             GRACE_S + LATE_S, COUNTED)
    ann.end()


def check_wait(windows, bob):
    """The second is killed while the first waits."""
    ann = windows.open('a')
    ann.await_words('Bob has this document open', 'Notify Me')
    ann.click('Notify Me')
    ann.await_words('Waiting for', 'Stop Waiting')
    over = kill(windows, bob)
    ann.await_words('It is kept for you for a minute', 'Reload and Edit')
    windows.world.check_time('editor: a waiter gets the document of a program that was killed', True,
                             over + SLOP_S, time.monotonic(), LATE_S, COUNTED)
    ann.click('Reload and Edit')
    windows.await_editing(ann, 'Draft. Minutes of May\n')
    windows.world.check('editor: and edits it', True)


def run(world):
    editor = world.build / 'examples' / 'editor'
    missing = [program for program in ('Xvfb', 'dbus-run-session', 'xdotool')
               if shutil.which(program) is None]
    if not editor.exists() or missing:
        world.skip('editor', f'not installed: {missing}' if missing else 'it was not built')
        return
    sys.path.append(str(SCREEN.parent))
    try:
        import screen
    except (ImportError, ValueError) as error:
        world.skip('editor', f'this Python has no AT-SPI: {error}')
        return
    introduce()
    if not can_run(editor):
        world.skip('editor', 'users other than root cannot read the build directory')
        return
    with contextlib.ExitStack() as stack:
        windows = Windows(world, screen, stack)
        bob = check_free(windows)
        ann = check_let_go(windows, bob)
        check_take_over(windows, ann, bob)
        check_wait(windows, bob)
