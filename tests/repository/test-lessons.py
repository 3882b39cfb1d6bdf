# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-lessons.py TOP BUILD LANGUAGES [COMPILER...]: do the tutorial and the recipes do what they say?

The blocks of docs/tutorial.md and docs/recipes.md are run as they are written. Only the directory
/net/shared of the recipes is replaced by a directory of the test. LANGUAGES is a list, with commas, of
the available ones of c, python, js, vala and command.
"""

import configparser
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import unittest

FENCE = re.compile(r'^```(\w+)\n(.*?)^```', re.DOTALL | re.MULTILINE)
RUNS = 12  # of each program of the tutorial, at once
LIMIT = 120  # seconds, for any one process


def blocks(page, title):
    """Return the blocks of one section, as pairs of language and code."""
    text = (TOP / 'docs' / page).read_text(encoding='utf-8')
    section = text.split(f'\n## {title}\n')[1].split('\n## ')[0]
    return FENCE.findall(section)


class Lesson(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-lessons-')
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def need(self, language):
        if language not in LANGUAGES:
            self.skipTest(f'there is no {language} here')

    def write(self, name, code, mode=0o644):
        path = self.directory / name
        path.write_text(code.replace('/net/shared', str(self.directory)), encoding='utf-8')
        path.chmod(mode)
        return path

    def start(self, *command, **options):
        process = subprocess.Popen([str(part) for part in command], cwd=self.directory, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   **options)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def finish(self, process, status=0):
        out, err = process.communicate('', timeout=LIMIT)
        self.assertEqual(process.returncode, status, out + err)
        return out, err

    def run_in(self, *command, status=0, **options):
        return self.finish(self.start(*command, **options), status)

    def names(self):
        return {path.name for path in self.directory.iterdir()}


class Tutorial(Lesson):
    """Each program of the tutorial loses no addition when it runs several times at once."""

    def only(self, title, language):
        found = [code for name, code in blocks('tutorial.md', title) if name == language]
        self.assertEqual(len(found), 1, title)
        return found[0]

    def check(self, *command):
        before = self.names()
        for process in [self.start(*command) for _ in range(RUNS)]:
            self.finish(process)
        self.assertEqual((self.directory / 'count.txt').read_text(), f'{RUNS}\n')
        self.assertEqual(self.names(), before | {'count.txt'})

    def test_python(self):
        self.need('python')
        self.write('count.py', self.only('Python', 'python'))
        self.check(sys.executable, '-B', 'count.py')

    def test_shell(self):
        self.need('command')
        self.write('count.sh', self.only('Shell', 'sh'))
        self.check('sh', 'count.sh')

    def test_c(self):
        self.need('c')
        source = self.write('count.c', self.only('C', 'c'))
        packages, _ = self.run_in('pkg-config', '--cflags', '--libs', 'gio-2.0')
        self.run_in(*COMPILER, '-Werror', source, '-o', 'count', f'-I{TOP}/libflufllock',
                    f'-I{BUILD}/libflufllock', f'-L{BUILD}/libflufllock', '-lflufllock-1', *packages.split())
        self.check('./count')

    def test_vala(self):
        self.need('vala')
        flags = ['-w', f'-I{TOP}/libflufllock', f'-I{BUILD}/libflufllock', f'-L{BUILD}/libflufllock',
                 '-lflufllock-1']
        self.write('count.vala', self.only('Vala', 'vala'))
        self.run_in('valac', '--fatal-warnings', f'--vapidir={BUILD}/vapi', '--pkg', 'gio-2.0', '--pkg',
                    'flufllock-1', *(part for flag in flags for part in ('-X', flag)), '-o', 'count',
                    'count.vala')
        self.check('./count')

    def test_gjs(self):
        self.need('js')
        self.write('count.js', self.only('GJS', 'js'))
        self.check('gjs', '-m', 'count.js')

    def test_all_at_once(self):
        """Programs in different languages exclude each other."""
        self.need('python')
        self.need('command')
        self.write('count.py', self.only('Python', 'python'))
        self.write('count.sh', self.only('Shell', 'sh'))
        processes = [self.start(*command) for _ in range(RUNS // 2)
                     for command in ((sys.executable, '-B', 'count.py'), ('sh', 'count.sh'))]
        for process in processes:
            self.finish(process)
        self.assertEqual((self.directory / 'count.txt').read_text(), f'{RUNS}\n')


class Recipes(Lesson):
    def recipe(self, title, language, which=0):
        return [code for name, code in blocks('recipes.md', title) if name == language][which]

    def test_read_only(self):
        """The second one that opens a document gets it read-only, and a sentence about the first."""
        self.need('python')
        self.write('open.py', self.recipe('Open a file read-only if somebody has it', 'python'))
        self.write('minutes.txt', 'Agenda\n')
        before = self.names()
        first = self.start(sys.executable, '-B', '-u', 'open.py', 'minutes.txt')
        self.assertEqual(first.stdout.readline(), 'can be edited\n')
        out, err = self.run_in(sys.executable, '-B', '-u', 'open.py', 'minutes.txt')
        self.assertEqual(out, 'read-only\n')
        self.assertIn('minutes.txt', err)
        self.finish(first)
        out, _ = self.run_in(sys.executable, '-B', '-u', 'open.py', 'minutes.txt')
        self.assertEqual(out, 'can be edited\n')
        # A lock is not possible at all without its directory.
        out, err = self.run_in(sys.executable, '-B', '-u', 'open.py', 'none/minutes.txt')
        self.assertEqual(out, 'can be edited\n')
        self.assertNotEqual(err, '')
        self.assertEqual(self.names(), before)

    def test_one_instance(self):
        """The second instance ends, and names the machine of the first."""
        self.need('python')
        self.write('notes.py', self.recipe('One instance per home directory on NFS', 'python'))
        env = {**os.environ, 'XDG_STATE_HOME': str(self.directory)}
        first = self.start(sys.executable, '-B', '-u', 'notes.py', env=env)
        self.assertEqual(first.stdout.readline(), 'Notes runs.\n')
        _, err = self.run_in(sys.executable, '-B', 'notes.py', env=env, status=1)
        self.assertIn('Notes already runs. The lock', err)
        self.assertIn('with “Notes”', err)
        self.finish(first)
        self.assertEqual(list((self.directory / 'org.example.Notes').iterdir()), [])

    def test_lost(self):
        """Work goes on while the lock is held, and no step begins after the lock is lost."""
        self.need('python')
        code = self.recipe('Stop working when the lock is lost', 'python')
        self.write('steps.py', code)
        out, _ = self.run_in(sys.executable, '-B', 'steps.py')
        self.assertEqual(out, 'read\nconvert\nwrite\n')
        broken = code.replace('            print(step)\n', '            print(step)\n            lock.break_lock(Flufl.BreakFlags.FORCE) if step == "convert" else None\n')
        self.assertNotEqual(broken, code)
        self.write('broken.py', broken.replace("lock.break_lock(", "Flufl.Lock.new_beside('data.json').break_lock("))
        out, _ = self.run_in(sys.executable, '-B', 'broken.py')
        self.assertTrue(out.startswith('read\nconvert\n'), out)
        self.assertIn('Nothing more was changed.', out)

    def test_cron(self):
        """One of several jobs works, and the others end with 0. With a date, it works once a day."""
        self.need('command')
        title = 'A job of cron on three machines'
        self.write('nightly', '#!/bin/sh\necho done >>log\n[ ! -e slow ] || { echo begun; cat; }\n', 0o755)
        self.write('slow', '')
        self.write('job.sh', self.recipe(title, 'sh'))
        first = self.start('sh', 'job.sh')
        self.assertEqual(first.stdout.readline(), 'begun\n')
        for _ in range(2):
            self.assertEqual(self.run_in('sh', 'job.sh'), ('', ''))
        self.finish(first)
        self.assertEqual((self.directory / 'log').read_text(), 'done\n')

        (self.directory / 'slow').unlink()
        self.write('once.sh', self.recipe(title, 'sh', 1))
        for _ in range(3):
            self.run_in('sh', 'once.sh')
        self.assertEqual((self.directory / 'log').read_text(), 'done\ndone\n')

    def test_steps(self):
        """A script holds a lock from one step to the next, and nothing is left after it."""
        self.need('command')
        for name in ('build', 'publish'):
            self.write(name, f'#!/bin/sh\nflufl-lock status --check deploy.lock >/dev/null; echo {name} $?\n', 0o755)
        self.write('deploy.sh', self.recipe('Several steps of a script under one lock', 'sh'))
        before = self.names()
        out, _ = self.run_in('sh', 'deploy.sh')
        self.assertEqual(out, 'build 75\npublish 75\n')
        self.assertEqual(self.names(), before)

    def test_unit(self):
        """One service of two runs. When it is stopped, the other takes over."""
        self.need('command')
        parser = configparser.RawConfigParser()
        parser.optionxform = str
        parser.read_string(self.recipe('A service on one machine of several', 'ini'))
        service = parser['Service']
        command = shlex.split(service['ExecStart'].replace('/usr/bin/flufl-lock', 'flufl-lock')
                              .replace('/net/shared', str(self.directory)))
        self.write('worker', '#!/bin/sh\necho works\nexec cat\n', 0o755)
        env = {**os.environ, 'PATH': f'{self.directory}:{os.environ["PATH"]}'}
        first = self.start(*command, env=env)
        self.assertEqual(first.stdout.readline(), 'works\n')
        second = self.start(*command, env=env)
        first.send_signal(signal.SIGTERM)
        first.wait(timeout=LIMIT)
        self.assertEqual(first.returncode, int(service['SuccessExitStatus']))
        self.assertEqual(second.stdout.readline(), 'works\n')
        self.finish(second)

    def test_doctor(self):
        self.need('command')
        self.write('doctor.sh', self.recipe('Before you rely on a directory', 'sh'))
        out, _ = self.run_in('sh', 'doctor.sh')
        self.assertIn('A lock can be acquired and released here.', out)

    def test_every_recipe_is_tried(self):
        text = (TOP / 'docs/recipes.md').read_text(encoding='utf-8')
        tried = pathlib.Path(__file__).read_text(encoding='utf-8')
        for section in text.split('\n## ')[1:]:
            title = section.splitlines()[0]
            if FENCE.search(section):
                self.assertIn(f"'{title}'", tried)


TOP, BUILD = (pathlib.Path(part).resolve() for part in sys.argv[1:3])
LANGUAGES = sys.argv[3].split(',')
COMPILER = sys.argv[4:]

if __name__ == '__main__':
    os.environ['LC_ALL'] = 'C.UTF-8'
    os.environ['LD_LIBRARY_PATH'] = f'{BUILD}/libflufllock:' + os.environ.get('LD_LIBRARY_PATH', '')
    os.environ['PATH'] = f'{BUILD}/command:' + os.environ['PATH']
    unittest.main(argv=sys.argv[:1])
