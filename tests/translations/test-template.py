#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-template.py TOP XGETTEXT-ARGUMENT...: are all texts for people marked, and translated?

`po/` has no template: it would change with each line of code. This makes one from the sources, and
compares the translations with it.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import catalogues

TOP = pathlib.Path(sys.argv[1])
ARGUMENTS = sys.argv[2:]
# Languages that a change to a message changes as well. Others may lag behind.
COMPLETE = {'de', 'fr'}
# The quotation marks of each language, with what is inside of them.
QUOTES = {'de': ('„', '“', ''), 'fr': ('«', '»', '\u00a0')}

# Texts of the sources that nobody translates: (a part of the text, the reason).
NOT_FOR_PEOPLE = {
    'Could not change to the directory /: %s': 'it is a debug message',
    'The clock of the file server of “%s” is %.1f s %s this machine\'s. Locks that several machines '
    'share may be broken late, or early if other clocks are wrong, too. Set the clocks.': 'it is a warning of the log',
    'The lock “%s” is released: its last reference was dropped while it was held': 'it is a debug message',
    'The lock “%s” %s': 'it is a debug message',
    '.~lock.': 'it is the beginning of a file name',
    'is acquired after %': 'it is a part of a debug message',
    ' ms%s.': 'it is a part of a debug message',
    ', and the one that was in the way is broken': 'it is a part of a debug message',
    'ahead of': 'it is a part of that warning',
    'is lost after %': 'it is a part of a debug message',
    ' ms.': 'it is a part of a debug message',
    ' ms: it %s.': 'it is a part of a debug message',
    'was not refreshed in time': 'it is a part of a debug message',
    'had expired, and was broken or deleted': 'it is a part of a debug message',
    'was broken or deleted': 'it is a part of a debug message',
    'is broken.': 'it is a part of a debug message',
    'is released after %': 'it is a part of a debug message',
    'libflufllock: no memory to watch over fork(2)': 'it aborts the program',
    'libflufllock: no key to watch over the ends of threads': 'it aborts the program',
    '[flufl] dropped operation': 'it is a name for debuggers',
}
MARK = re.compile(r'(?<![A-Za-z0-9_])(?:_|N_|C_|P_) ?\("')
LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')


def sources():
    """The files that may have messages. Each test may name what it likes."""
    for directory in 'libflufllock', 'command':
        yield from sorted((TOP / directory).rglob('*.[ch]'))


def literals(path):
    text = re.sub(r'/\*.*?\*/|^\s*#.*?$', '', path.read_text(encoding='utf-8'), flags=re.DOTALL | re.MULTILINE)
    for found in LITERALS.findall(text):
        parts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', found)
        yield ''.join(parts).replace('\\n', '\n').replace('\\"', '"')


def is_sentence(text):
    """Words, and not the name of a file, a signal, a type or a line of /proc."""
    return re.search(r'[a-z]{2,} [a-z]{2,}|[a-z]{2,}\.$', text) is not None and not re.search(r'^\w+\.\w$', text)


class Template(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix='flufl-template-') as directory:
            path = pathlib.Path(directory) / 'template.pot'
            cls.messages = catalogues.make_template(TOP, ARGUMENTS, path)

    def test_potfiles(self):
        """The list has each file with messages, and no other, in alphabetical order."""
        listed = [line for line in (TOP / 'po' / 'POTFILES').read_text(encoding='utf-8').splitlines()
                  if line and not line.startswith('#')]
        marked = [path.relative_to(TOP).as_posix() for path in sources()
                  if MARK.search(path.read_text(encoding='utf-8'))]
        self.assertEqual(listed, sorted(marked))
        self.assertGreater(len(listed), 20)

    def test_texts_are_marked(self):
        known = {text for message in self.messages for text in (message.id, message.plural)}
        unused = set(NOT_FOR_PEOPLE)
        for path in sources():
            for text in literals(path):
                if text in NOT_FOR_PEOPLE:
                    unused.discard(text)
                elif is_sentence(text):
                    self.assertIn(text, known, path)
        self.assertEqual(unused, set(), 'these exceptions are not needed any more')

    def test_texts_are_sentences(self):
        """A blank at an end is a sign of a text that is glued to another one."""
        for message in self.messages:
            self.assertEqual(message.id, message.id.strip(), 'this is a part of a text')
            self.assertNotRegex(message.id, r'[.!?] %s$|%\w \w+ %\w$|^%s [a-z]', 'this puts a text together')
            if message.id.count('%d') == 1 and re.search(r'%d (?:[mn]?s|\w+s)\b', message.id):
                self.assertIsNotNone(message.plural, f'{message.id}: a number of something has plural forms')


class Translation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix='flufl-template-') as directory:
            path = pathlib.Path(directory) / 'template.pot'
            cls.template = {message.key for message in catalogues.make_template(TOP, ARGUMENTS, path)}
        cls.languages = [line for line in (TOP / 'po' / 'LINGUAS').read_text(encoding='utf-8').split('\n')
                         if line and not line.startswith('#')]

    def each(self):
        for language in self.languages:
            path = TOP / 'po' / f'{language}.po'
            for message in catalogues.read(path):
                yield language, message

    def test_languages(self):
        """LINGUAS has each translation."""
        self.assertEqual(self.languages, sorted(path.stem for path in (TOP / 'po').glob('*.po')))
        self.assertLessEqual(COMPLETE, set(self.languages))

    def test_checked(self):
        """By msgfmt(1): the head, the conversions, the ends of lines."""
        for language in self.languages:
            result = subprocess.run(['msgfmt', '--check', '-o', '/dev/null', TOP / 'po' / f'{language}.po'],
                                    check=False, capture_output=True, text=True)
            self.assertEqual((result.returncode, result.stderr), (0, ''))

    def test_complete(self):
        for language in COMPLETE:
            path = TOP / 'po' / f'{language}.po'
            messages = catalogues.read(path)
            self.assertEqual({message.key for message in messages}, self.template,
                             f'po/{language}.po: ninja {catalogues.DOMAIN}-update-po, then translate')
            for message in messages:
                self.assertNotIn('fuzzy', message.flags, message.id)
                self.assertTrue(all(message.texts), message.id)
            self.assertNotIn('\n#~', path.read_text(encoding='utf-8'))

    def test_quotation_marks(self):
        for language, message in self.each():
            if language not in QUOTES:
                continue
            opening, closing, blank = QUOTES[language]
            for text in filter(None, message.texts):
                self.assertNotIn('"', text)
                self.assertGreaterEqual(text.count(opening), message.id.count('“'), text)
                self.assertEqual(text.count(opening), text.count(opening + blank), text)
                self.assertEqual(text.count(closing), text.count(blank + closing), text)
                self.assertEqual(text.count(opening), text.count(closing), text)

    def test_what_the_user_types(self):
        """Options, and the names of subcommands and of files, are no words."""
        typed = re.compile(r'(?<![\w-])--?[a-zA-Z][\w-]*|“(?:hold|run|file|lifetime|default-timeout)”|flufl-lock'
                           r'|SIG[A-Z]+|\w+\(\d\)|\bS\b|\bN\b|\bPID\b|\b(?:term|kill|warn)\b')
        for language, message in self.each():
            for text in filter(None, message.texts):
                for word in typed.findall(message.id):
                    self.assertIn(word.strip('“”'), text)

    def test_lines(self):
        """A text of several lines fits into a terminal."""
        for _, message in self.each():
            for text in filter(lambda text: '\n' in text, (message.id, *message.texts)):
                for line in text.split('\n'):
                    self.assertLessEqual(len(line), 80, line)

    def test_times(self):
        """g_date_time_format() returns nothing for a conversion that it does not know."""
        for _, message in self.each():
            if message.context in ('time', 'time-in-sentence'):
                for text in message.texts:
                    self.assertEqual(sorted(re.findall('%.', text)), sorted(re.findall('%.', message.id)))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
