#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-untranslated.py PRELOAD CATALOGUES ALL-MESSAGES PROGRAM TOP XGETTEXT-ARGUMENT...: is it translated?

In a language that is made for this test, a text is its English words in brackets, with its number in
the template: ⟦17|The process is alive.⟧. What the programs print must then be brackets, with nothing
but values between them. A text that is put together of others shows brackets in brackets, or words
that are not values. PROGRAM is empty if there is no command, and
CATALOGUES is the directory of those that are installed.
"""

import errno
import json
import os
import pathlib
import pwd
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import catalogues

PRELOAD, CATALOGUES, ALL_MESSAGES, PROGRAM, TOP, *ARGUMENTS = sys.argv[1:]
PATIENCE_S = 60  # a busy machine is slow; what takes longer hangs
LANGUAGE = 'xx'

# What all-messages.c puts into its sentences, and what the command finds here.
VALUES = {'/srv', '/srv/data', '/srv/data.lock', 'dav://kiel/data.lock', 'data.lock', '/srv/data.lock|kiel|4711',
          'x', '|', 'vfat', 'gedit', 'kiel', 'mary', 'Mary Major', 'bob'}
TIME = r'(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?: [A-Z]+)?'
MARK = '\0'  # what stands for a text that was looked at
UNIT = re.compile('⟦([0-9]+)\\|([^⟦⟧]*)⟧')
# The words of GLib's help, which have a catalogue of GLib's, and of the usage of a subcommand.
OF_HELP = {'Usage:', 'Help Options:', 'Application Options:', 'Show help options', '[OPTION…]', '[OPTION?]'}
# Texts of the command that no case below shows: the reason.
RARE = {
    'a failure of the system': ('Could not create a pipe', 'Could not create a socket', 'Could not create a process',
                                'Could not ask the process', 'Could not run', 'The lock could not be released.',
                                'The process that acquires the lock has died.'),
    'another file system': ('Exclusive creation of files does', 'The second creation', 'The file system is',
                            'Names with “|”', 'No file can be made', 'There are no hard links',
                            'A hard link', 'Hard links are made', 'The time of a file',
                            'The clock of the file system is', 'The kernel reports no changes', 'It is mounted',
                            'The library does not treat', 'The library relies on', 'NFS is safe', 'SMB is not', 'rclone is not', 'msdos is not',
                            'FAT has', 'exFAT has', 'This machine makes', 'sshfs does',
                            'With --without-links', 'For flufl-lock this',
                            'The system does not show', 'No lock can be',
                            'The permissions do not', 'BAD',
                            'The kernel reports changes', 'The clock of the file system agrees',
                            'The library treats', 'Hard links work', 'Times of files are kept',
                            'The permissions let'),
    'another machine': ('The process that holds the lock “%s” runs on host',
                        'The process that holds the lock “%s” runs in another container', 'The process that holds the lock “%s” did',
                        'A program with names'),
    'who runs this is not known or has no name': ('User “%s”', '“%s”, process', 'Process %d'),
    'a moment that other tests wait for': ('Waiting.', 'Nothing proves', 'The lock expired', 'The lock is held until',
                                           'A process that may remove the files', 'Could not print the token',
                                           'The process %d, for which the lock',
                                           'The process that held the lock has died', 'The lock “%s” was lost',
                                           'The lock was acquired at %s, and it expired'),
}


def is_value(text):
    return (text in VALUES or re.fullmatch(r'-?[0-9.]+', text) is not None or re.fullmatch(TIME, text) is not None
            or text in {os.strerror(number) for number in errno.errorcode})


class Untranslated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix='flufl-untranslated-')
        cls.addClassCleanup(directory.cleanup)
        top = pathlib.Path(directory.name)
        cls.messages = catalogues.make_template(TOP, ARGUMENTS, top / 'template.pot')
        for number, message in enumerate(cls.messages):
            texts = [message.id] if message.plural is None else [message.id, message.plural]
            message.texts = [f'⟦{number}|{text}⟧' if message.has_words else text for text in texts]
        catalogues.write(cls.messages, top / 'catalogues' / LANGUAGE / 'LC_MESSAGES' / f'{catalogues.DOMAIN}.mo')
        variables = catalogues.make_locale(top / 'locales', f'{LANGUAGE}_XX')
        if variables is None:
            raise unittest.SkipTest('no locale can be made: /usr/lib/locale has no C.UTF-8, and the package '
                                    '“locales” is not installed')
        cls.environment = dict(os.environ, LD_PRELOAD=PRELOAD, FLUFL_TEST_CATALOGUES=str(top / 'catalogues'),
                               TZ='UTC', **variables)
        cls.seen = set()

    def units_of(self, text):
        """The numbers and the words of the texts, and the rest with a mark for each."""
        found = UNIT.findall(text)
        for number, _ in found:
            self.seen.add(int(number))
        return found, UNIT.sub(MARK, text)

    def check_values(self, number, words, is_known):
        """The words must be those of the message, with values."""
        message = self.messages[int(number)]
        for original in filter(None, (message.id, message.plural)):
            pattern = re.sub(r'%[-.0-9]*[a-zA-Z]', '\0', original)
            match = re.fullmatch(re.escape(pattern).replace('\0', '(.*?)').replace('\\\0', '(.*?)'), words, re.DOTALL)
            if match:
                for value in match.groups():
                    self.assertTrue(is_known(value), f'“{value}” is no value in: {words}')
                return
        self.fail(f'This is not message {number}: {words}')

    def missed(self, directory):
        return {message.id for number, message in enumerate(self.messages)
                if message.has_words and number not in self.seen
                and any(place.startswith(directory) for place in ' '.join(message.places).split())}


class Library(Untranslated):
    def test_all(self):
        result = subprocess.run([ALL_MESSAGES], check=True, capture_output=True, text=True, encoding='utf-8',
                                env=self.environment, timeout=PATIENCE_S)
        lines = result.stdout.splitlines()
        self.assertGreater(len(lines), 100)
        for line in lines:
            found, rest = self.units_of(line)
            self.assertRegex(rest, f'^{MARK}( {MARK})*$', line)
            for number, words in found:
                self.check_values(number, words, is_value)
        self.assertEqual(self.missed('libflufllock/'), set(), 'all-messages.c prints no such message')


@unittest.skipIf(PROGRAM == '', 'the command is not built')
class Command(Untranslated):
    """The lines that the command prints."""

    SUBCOMMANDS = 'run', 'hold', 'release', 'refresh', 'status', 'list', 'wait', 'break', 'watch', 'clean', 'doctor'

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-command-')
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.lock = self.dir / 'test.lock'

    def run_it(self, *arguments):
        return subprocess.run([PROGRAM, *map(str, arguments)], check=False, capture_output=True, text=True,
                              encoding='utf-8', env=self.environment, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)

    def is_known(self, text):
        """Whether the text is a value here, where users and hosts are those of this machine."""
        names = {os.uname().nodename, 'flufl-lock', 'true', 'sleep', 'sh', 'a', 'b', 'none', 'what', '-w', '-E', '',
                 'Unknown option --what', *self.SUBCOMMANDS}
        try:
            names |= set(pwd.getpwuid(os.geteuid())[:1])
        except KeyError:
            pass
        return (is_value(text) or text in names or text.startswith(str(self.dir)) or MARK in text)

    def check_line(self, line):
        """Returns the line without its texts and the directory of the case."""
        rest = line
        while UNIT.search(rest):  # the usage of a subcommand is in another text
            found, rest = self.units_of(rest)
            for number, words in found:
                if not words.startswith('The file system is '):  # the values are those of the mount
                    self.check_values(number, words, self.is_known)
        return rest.replace(str(self.dir), '').replace('flufl-lock', '')

    def check(self, *arguments, lines=None):
        """Runs the command. The path of the lock may be before a text."""
        result = self.run_it(*arguments)
        output = (result.stdout + result.stderr).splitlines()
        self.assertEqual(len(output), lines or 1, result)
        for line in output:
            rest = self.check_line(line)
            self.assertRegex(rest, rf'^(: )?(/test\.lock: )?{MARK}( (/test\.lock: )?{MARK})*$', line)
        return result

    def test_help(self):
        """Beside GLib's words there are options and names of subcommands."""
        output = self.run_it('--help').stdout
        for arguments in [[]] + [[name] for name in self.SUBCOMMANDS]:
            output = self.run_it(*arguments, '--help').stdout
            _, rest = self.units_of(output)
            for words in OF_HELP:
                rest = rest.replace(words, '')
            rest = re.sub(r'(?<!\S)-\w\b,?|(?<!\S)--[a-z-]+=?', '', rest)  # options
            for word in rest.split():
                self.assertIn(word, {MARK, 'flufl-lock', *self.SUBCOMMANDS}, output)
            self.assertGreater(rest.count(MARK), 2)

    def test_usage(self):
        for arguments in ([], ['what'], ['run'], ['run', '--what'], ['run', ''], ['run', 'a'], ['status'],
                          ['hold', 'a', 'b'], ['run', '-n', '-w', '1', 'a', 'b'], ['run', '-q', '-v', 'a', 'b'],
                          ['run', '-w', 'x', 'a', 'b'], ['run', '-E', 'x', 'a', 'b'],
                          ['run', '--lifetime', '0', 'a', 'b'], ['run', '--on-lost', 'x', 'a', 'b'],
                          ['run', '-c', 'a', 'b', 'c'], ['hold', '-E', '0', 'a'], ['hold', '--for-pid', '0', 'a'],
                          ['release', 'x'], ['refresh', '--lifetime', '0', 'x'],
                          ['status', '--check', '--json', 'a']):
            with self.subTest(arguments=arguments):
                if '--json' in arguments:
                    self.units_of(self.run_it(*arguments).stderr)
                else:
                    self.check(*arguments)
        self.check('break', '--if-dead', '--force', 'a')

    def hold(self):
        token = self.run_it('hold', self.lock).stdout.strip()
        self.assertRegex(token, '^[-_a-zA-Z0-9]+$')
        self.addCleanup(self.run_it, 'release', token)
        return token

    def test_free(self):
        self.check('status', self.lock)
        self.check('status', self.dir / 'none' / 'test.lock')
        self.check('list', self.dir / 'none')
        self.check('run', '-v', self.lock, 'true')
        self.check('run', self.lock, self.dir / 'none')

    def test_held(self):
        token = self.hold()
        self.check('status', self.lock)
        self.check('run', '-n', self.lock, 'true')
        self.check('run', '-v', '-w', '1', self.lock, 'true', lines=2)
        self.check('wait', '-w', '0', self.lock)
        for option in '--if-dead', '--expired':
            self.check('break', option, self.lock)
        self.check('break', self.lock)
        self.run_it('release', token)
        self.check('release', token)
        other = self.hold()
        self.check('break', '--if-holder', token, self.lock)
        self.run_it('release', other)

    def test_run(self):
        """The token of “run” can be refreshed, and not released."""
        script = f'exec "{PROGRAM}" release "$FLUFL_LOCK_TOKEN"'
        self.check('run', self.lock, 'sh', '-c', script)

    def test_lost(self):
        script = 'rm -f -- "$0"* ; sleep 60'
        self.check('run', '--lifetime', '1', self.lock, 'sh', '-c', script, self.lock)

    def test_full(self):
        if not os.path.exists('/dev/full'):
            self.skipTest('needs /dev/full')
        with open('/dev/full', 'wb') as full:
            result = subprocess.run([PROGRAM, 'status', self.lock], check=False, stdout=full, env=self.environment,
                                    stderr=subprocess.PIPE, text=True, encoding='utf-8', timeout=PATIENCE_S)
        self.assertEqual(self.check_line(result.stderr.strip()), f': {MARK}')

    def test_foreign(self):
        other = self.dir / 'other'
        other.write_text('This is not a lock.', encoding='utf-8')
        self.check('status', other)

    def test_dead(self):
        """The holder is killed. Its lock is left, and then only its claim."""
        token = self.hold()
        pid = json.loads(self.run_it('status', '--json', self.lock).stdout)[0]['pid']
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + PATIENCE_S
        while json.loads(self.run_it('status', '--json', self.lock).stdout)[0]['alive']:
            self.assertLess(time.monotonic(), end, 'the holder does not end')
        self.check('status', self.lock)
        self.check('release', token)
        self.lock.unlink()
        self.check('clean', '--dry-run', self.dir)
        self.check('clean', self.dir)

    def test_watch(self):
        self.hold()
        with subprocess.Popen([PROGRAM, 'watch', self.lock], env=self.environment, stdout=subprocess.PIPE, text=True,
                              encoding='utf-8', stdin=subprocess.DEVNULL) as watch:
            line = watch.stdout.readline()
            watch.terminate()
        self.assertRegex(self.check_line(line.strip()), rf'^{TIME}  /test\.lock: {MARK}( {MARK})*$')

    def test_doctor(self):
        self.dir.chmod(0o1777)
        result = self.run_it('doctor', self.dir)
        self.assertGreater(len(result.stdout.splitlines()), 4, result)
        for line in result.stdout.splitlines():
            self.assertRegex(self.check_line(line), f'^{MARK} +{MARK}$')
        (self.dir / 'file').touch()
        for name in 'none', 'file':
            self.assertEqual(self.check_line(self.run_it('doctor', self.dir / name).stderr.strip()), f': {MARK}')

    def test_zz_all(self):
        """All that the cases before this one have not shown is rare."""
        rare = tuple(beginning for beginnings in RARE.values() for beginning in beginnings)
        self.assertEqual({text for text in self.missed('command/') if not text.startswith(rare)}, set())


class Installed(unittest.TestCase):
    """The catalogues that are installed are found, by the library and by the command."""

    WORDS = {'de': ('Niemand hält die Sperre „/srv/data.lock“.', 'Aufruf: flufl-lock', 'Es fehlt ein Unterbefehl.'),
             'fr': ('Personne ne détient le verrou «\u00a0/srv/data.lock\u00a0».', 'Utilisation\u00a0: flufl-lock',
                    'Il manque une sous-commande.')}

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-locales-')
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def run_it(self, variables, *command, status=0):
        environment = dict(os.environ, LD_PRELOAD=PRELOAD, FLUFL_TEST_CATALOGUES=CATALOGUES, **variables)
        result = subprocess.run(command, check=False, capture_output=True, env=environment, timeout=PATIENCE_S)
        self.assertEqual(result.returncode, status, result)
        return result

    def test_languages(self):
        for language, (in_library, in_help, in_error) in self.WORDS.items():
            variables = catalogues.make_locale(self.dir / language, f'{language}_XX')
            if variables is None:
                self.skipTest('no locale can be made')
            self.assertIn(in_library, self.run_it(variables, ALL_MESSAGES).stdout.decode().splitlines())
            if PROGRAM:
                self.assertIn(in_help, self.run_it(variables, PROGRAM, '--help').stdout.decode())
                self.assertIn(in_error, self.run_it(variables, PROGRAM, status=64).stderr.decode())

    def test_other_locales(self):
        """Numbers are as the locale has them, and words in its character set."""
        if not os.path.exists('/usr/share/i18n/locales/de_DE'):
            self.skipTest('the package “locales” is not installed')
        for charset in 'UTF-8', 'ISO-8859-1':
            path = self.dir / f'de_DE.{charset}'
            subprocess.run(['localedef', '-i', 'de_DE', '-f', charset, path], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if not path.exists():
                self.skipTest('localedef cannot make a locale')
            variables = {'LOCPATH': str(self.dir), 'LC_ALL': path.name, 'LANGUAGE': 'de'}
            self.assertIn('innerhalb von 1,5\u00a0s frei', self.run_it(variables, ALL_MESSAGES).stdout.decode(charset))
            if PROGRAM:
                error = self.run_it(variables, PROGRAM, 'run', '-q', '-v', 'a', 'b', status=64).stderr
                self.assertIn('schließen einander aus', error.decode(charset))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
