# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""A screen of its own, and the windows on it, as a screen reader sees them."""

import ast
import functools
import os
import pathlib
import signal
import subprocess
import sys
import time

import gi

gi.require_version('Atspi', '2.0')
from gi.repository import Atspi, GLib  # noqa: E402

# Seconds after which a test that makes no progress has failed.
PATIENCE = int(os.environ.get('FLUFL_TEST_PATIENCE_S', 60))


def enter_session(directory):
    """Run this program again with a display and buses of its own; returns in that run only. The
    display has the number FLUFL_TEST_DISPLAY, or any that is free."""
    if 'FLUFL_TEST_SCREEN' in os.environ:
        return
    server_read, server_write = os.pipe()
    number = os.environ.get('FLUFL_TEST_DISPLAY')
    server = subprocess.Popen(['Xvfb', *([':' + number] if number else []),
                               '-displayfd', str(server_write), '-screen', '0', '640x360x24',
                               '-nolisten', 'tcp', '-noreset', '-ac'], pass_fds=[server_write],
                              stderr=subprocess.DEVNULL)
    os.close(server_write)
    try:
        number = os.read(server_read, 16).decode().strip()
        environment = dict(
            os.environ, FLUFL_TEST_SCREEN='yes', DISPLAY=':' + number, GDK_BACKEND='x11', GSK_RENDERER='cairo',
            GTK_A11Y='atspi', GTK_USE_PORTAL='0', ADW_DISABLE_PORTAL='1', GSETTINGS_BACKEND='memory',
            GTK_THEME='', HOME=directory, XDG_RUNTIME_DIR=directory, XDG_CACHE_HOME=directory + '/cache',
            NO_AT_BRIDGE='0', GIO_USE_VFS='local', GIO_USE_VOLUME_MONITOR='unix', LC_ALL='C.UTF-8')
        for name in ('WAYLAND_DISPLAY', 'DBUS_SESSION_BUS_ADDRESS', 'AT_SPI_BUS_ADDRESS', 'GTK_THEME'):
            environment.pop(name, None)
        status = subprocess.run(['dbus-run-session', '--', sys.executable, '-B', *sys.argv],
                                env=environment).returncode
    finally:
        server.terminate()
        server.wait()
    sys.exit(status)


def wait_for(condition, what, patience=PATIENCE):
    """What `condition` returns, as soon as that is true."""
    end = time.monotonic() + patience
    while True:
        # Events from the bus keep the library's picture of the windows up to date.
        while GLib.MainContext.default().iteration(False):
            pass
        try:
            found = condition()
        except GLib.Error:  # a widget has gone meanwhile
            found = None
        if found:
            return found
        if time.monotonic() > end:
            program = getattr(condition, '__self__', None)
            shown = f'; these are shown: {program.words()}' if program is not None else ''
            raise AssertionError(f'nothing happened for {patience} s: {what}{shown}')
        time.sleep(0.02)


class Program:
    """An application with a window."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, **options)
        self.command = command

    def pid(self):
        return self.process.pid

    def application(self):
        desktop = Atspi.get_desktop(0)
        for i in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(i)
            if child is not None and child.get_process_id() == self.pid():
                child.clear_cache()
                return child
        return None

    def widgets(self):
        """All that is shown, from the top."""
        def walk(node):
            if node is None:
                return
            node.clear_cache()
            states = node.get_state_set()
            if node.get_role() != Atspi.Role.APPLICATION and not states.contains(Atspi.StateType.VISIBLE):
                return
            yield node
            for i in range(node.get_child_count()):
                yield from walk(node.get_child_at_index(i))
        return list(walk(self.application()))

    def words(self):
        """The texts of the labels and buttons that are shown."""
        return [node.get_name() for node in self.widgets()
                if node.get_role() in (Atspi.Role.LABEL, Atspi.Role.PUSH_BUTTON, Atspi.Role.STATIC)]

    def buttons(self, question=None):
        """The buttons by their names: all, or those below the question of a dialog.

        A dialog has each button twice, and shows the first if there is room.
        """
        widgets = self.widgets()
        names = [node.get_name() for node in widgets]
        if question is not None:
            widgets = widgets[names.index(question):] if question in names else []
        return {node.get_name(): node for node in reversed(widgets)
                if node.get_role() == Atspi.Role.PUSH_BUTTON}

    def await_words(self, *parts, patience=PATIENCE):
        """Wait until each of the parts is in a text that is shown."""
        def shown():
            words = self.words()
            return all(any(part in word for word in words) for part in parts) and words
        try:
            return wait_for(shown, f'{parts} are shown', patience)
        except AssertionError as error:
            raise AssertionError(f'{error}; these are: {self.words()}') from None

    def click(self, name, question=None):
        """Press a button: the first of that name, or the first below the question of a dialog.

        Some versions of GTK name a button in a dialog “_Replace Replace” or “Cancel Cancel”.
        """
        def find():
            buttons = self.buttons(question)
            return buttons.get(name) or buttons.get(f'_{name} {name}') or buttons.get(f'{name} {name}')
        button = wait_for(find, f'the button {name}')
        assert Atspi.Action.do_action(button, 0)

    def view(self):
        for node in self.widgets():
            if node.get_role() == Atspi.Role.TEXT and node.get_state_set().contains(Atspi.StateType.MULTI_LINE):
                return node
        return None

    def text(self):
        view = self.view()
        return view and Atspi.Text.get_text(view, 0, Atspi.Text.get_character_count(view))

    def is_editable(self):
        view = self.view()
        return view is not None and view.get_state_set().contains(Atspi.StateType.EDITABLE)

    def window(self):
        return subprocess.run(['xdotool', 'search', '--onlyvisible', '--pid', str(self.pid())],
                              capture_output=True, text=True).stdout.split()

    def keys(self, *keys):
        """Press keys in the window, which gets the focus."""
        windows = wait_for(self.window, 'there is a window')
        subprocess.run(['xdotool', 'windowraise', windows[-1], 'windowfocus', '--sync', windows[-1], *keys],
                       check=True)

    def picture(self, path):
        windows = wait_for(self.window, 'there is a window')
        subprocess.run(['xdotool', 'windowraise', windows[-1]], check=True)
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['import', '-window', windows[-1], '+dither', '-colors', '64', '-strip', 'png8:' + str(path)], check=True)

    def stop(self):
        """Stop the process, which then answers nothing more."""
        self.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: pathlib.Path(f'/proc/{self.pid()}/stat').read_text().rpartition(')')[2].split()[0] == 'T',
                 'the process is stopped')

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()


# The beginning of each answer of serve(). The bus writes to the same pipe.
ANSWER = 'answer: '


class Remote:
    """A program on another screen, such as that of another user. The command runs serve(), below."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={name: value for name, value in os.environ.items()
                                             if name not in ('FLUFL_TEST_SCREEN', 'DISPLAY')}, **options)

    def ask(self, method, *arguments):
        print(repr((method, arguments)), file=self.process.stdin, flush=True)
        answer = next((line for line in self.process.stdout if line.startswith(ANSWER)), None)
        assert answer, f'the other screen has gone: {method}{arguments}'
        error, result = ast.literal_eval(answer.removeprefix(ANSWER))
        if error:
            raise AssertionError(error)
        return result

    def __getattr__(self, method):
        return functools.partial(self.ask, method)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(PATIENCE)


def serve(command):
    """Do with a program what Remote.ask() asks for, until there is nothing more."""
    program = Program(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for line in sys.stdin:
            method, arguments = ast.literal_eval(line)
            error = result = None
            try:
                result = getattr(program, method)(*arguments)
            except AssertionError as failure:
                error = str(failure)
            print(ANSWER + repr((error, result)), flush=True)
    finally:
        program.end()


if __name__ == '__main__':
    enter_session(sys.argv[1])
    serve(sys.argv[2:])
