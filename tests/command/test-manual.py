# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-manual.py PROGRAM TOP: do the manual page and the completions have what the program has?"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(sys.argv.pop(2))

import commandtest  # noqa: E402
from commandtest import CommandTest  # noqa: E402

COMMAND = TOP / 'command'
MANUAL = COMMAND / 'flufl-lock.1'
BASH = COMMAND / 'completions' / 'flufl-lock.bash'
ZSH = COMMAND / 'completions' / '_flufl-lock'
FISH = COMMAND / 'completions' / 'flufl-lock.fish'


class Manual(CommandTest):
    def subcommands(self):
        text = self.assert_run(0, '--help').stdout
        return re.findall(r'^  ([a-z]+) ', text, re.MULTILINE)

    def options(self, subcommand):
        """The long options and the letters that --help shows."""
        text = self.assert_run(0, subcommand, '--help').stdout
        return set(re.findall(r'^  (?:-\w, )?--([a-z-]+)', text, re.MULTILINE)), \
            set(re.findall(r'^  -(\w), ', text, re.MULTILINE))

    def in_bash(self, *words):
        bash = shutil.which('bash')
        if bash is None:
            self.skipTest('bash is not installed')
        script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _flufl_lock; printf "%s\\n" "${COMPREPLY[@]}"'
        return set(subprocess.run([bash, '-c', script, BASH, 'flufl-lock', *words], check=True,
                                  capture_output=True, text=True).stdout.split())

    def test_subcommands(self):
        subcommands = self.subcommands()
        self.assertIn('run', subcommands)
        self.assertEqual(self.in_bash(''), {*subcommands, '--help', '--version'})
        manual = MANUAL.read_text(encoding='utf-8')
        for subcommand in subcommands:
            self.assertIn(f'\n.Ss {subcommand}\n', manual)
            self.assertIn(f"'{subcommand}:", ZSH.read_text(encoding='utf-8'))
            self.assertIn(f' -a {subcommand} ', FISH.read_text(encoding='utf-8'))

    def test_options(self):
        manual = MANUAL.read_text(encoding='utf-8')
        synopses = manual.partition('.Sh DESCRIPTION')[0].split('.Nm\n')
        for subcommand in self.subcommands():
            names, letters = self.options(subcommand)
            self.assertEqual(self.in_bash(subcommand, '-'),
                             {f'--{name}' for name in names} | {f'-{letter}' for letter in letters})
            synopsis = ''.join(part for part in synopses if part.startswith(f'.Cm {subcommand}\n'))
            for name in names - {'help'}:
                self.assertIn(f'Fl -{name}', manual, subcommand)
                self.assertIn(f'--{name}', ZSH.read_text(encoding='utf-8'))
                self.assertRegex(FISH.read_text(encoding='utf-8'), rf'-l {name}\b')
            shown = set(re.findall(r'Fl -([a-z][a-z-]*)', synopsis))
            self.assertLessEqual(shown, names, subcommand)
            self.assertLessEqual({'json'} & names, shown, subcommand)

    def test_statuses(self):
        manual = MANUAL.read_text(encoding='utf-8')
        header = (COMMAND / 'exits.h').read_text(encoding='utf-8')
        for number in re.findall(r'^  EXIT_\w+ = (\d+),', header, re.MULTILINE):
            if number != '128':
                self.assertIn(f'.It {number}\n', manual)

    def test_page_is_well_formed(self):
        checked = False
        if shutil.which('mandoc'):
            result = subprocess.run(['mandoc', '-Tlint', '-Wwarning', MANUAL], check=False,
                                    capture_output=True, text=True)
            self.assertEqual(result.stdout, '')
            checked = True
        if shutil.which('man') and shutil.which('groff'):
            result = subprocess.run(['man', '--warnings', '-l', '-Tutf8', MANUAL], check=True,
                                    capture_output=True, text=True, env=dict(os.environ, MANPAGER='cat'))
            self.assertEqual(result.stderr, '')
            checked = True
        if not checked:
            self.skipTest('neither mandoc nor man with groff is installed')

    def test_completions_are_well_formed(self):
        for shell, path in ('bash', BASH), ('zsh', ZSH), ('fish', FISH):
            with self.subTest(shell=shell):
                if shutil.which(shell) is None:
                    self.skipTest(f'{shell} is not installed')
                subprocess.run([shell, '-n', path], check=True)


if __name__ == '__main__':
    commandtest.main()
