# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-snippets.py TOP BUILD LANGUAGES [COMPILER...]: does the code that the pages show work?

Each block of code in README.md, docs/ and the class documentation is run, or compiled where it is
not a program. LANGUAGES is a list, with commas, of the available ones of c, python, js and vala.
Shell blocks are parsed and not run.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

# The program around a fragment of C.
FRAGMENT = '''#include <libflufllock.h>

gboolean fragment (GError **error);

gboolean
fragment (GError **error)
{
%s}
'''
FENCE = re.compile(r'^```(\w+)\n(.*?)^```', re.DOTALL | re.MULTILINE)


def pages():
    yield TOP / 'README.md', lambda text: text
    for page in sorted((TOP / 'docs').glob('*.md')):
        if page.stem in {'tutorial', 'recipes'}:
            continue  # test-lessons.py runs them
        yield page, lambda text: text
    for source in sorted((TOP / 'libflufllock').glob('*.[ch]')):
        # Documentation comments, without their stars.
        yield source, lambda text: re.sub(r'^ \* ?', '', text, flags=re.MULTILINE)


def blocks(*languages):
    for page, read in pages():
        for language, code in FENCE.findall(read(page.read_text(encoding='utf-8'))):
            if language in languages:
                yield f'{page.relative_to(TOP)}: {code.splitlines()[0]}', code


class Snippets(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-snippets-')
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def need(self, language):
        if language not in LANGUAGES:
            self.skipTest(f'{language} programs cannot be made here')

    def run_in(self, *command):
        result = subprocess.run([str(part) for part in command], cwd=self.directory, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(result.returncode, 0, result.stdout)
        return result.stdout

    def run_program(self, *command):
        """Run a program, which must leave only the files that were there before."""
        before = set(self.directory.iterdir())
        output = self.run_in(*command)
        self.assertEqual(set(self.directory.iterdir()), before)
        return output

    def check_each(self, language, check):
        found = list(blocks(language))
        self.assertTrue(found, f'no page has a block of {language}')
        for name, code in found:
            with self.subTest(name):
                check(code)

    def write(self, name, code):
        path = self.directory / name
        path.write_text(code, encoding='utf-8')
        return path

    def compile(self, source, program):
        build = BUILD / 'libflufllock'
        # A function that is shown alone has no caller.
        packages = self.run_in('pkg-config', '--cflags', *(['--libs'] if program else []),
                               'gio-2.0').split()
        self.run_in(*COMPILER, '-Werror', source, *([] if program else ['-c', '-Wno-unused-function']),
                    '-o', self.directory / 'app', '-I', TOP / 'libflufllock', '-I', build,
                    *(['-L', build, '-lflufllock-1'] if program else []), *packages)

    def test_c(self):
        def check(code):
            program = 'int\nmain (' in code
            if not code.startswith('#include'):
                code = FRAGMENT % code
            self.compile(self.write('app.c', code), program)
            if program:
                self.assertIn('It is our turn', self.run_program(self.directory / 'app'))

        self.check_each('c', check)

    def test_python(self):
        def check(code):
            output = self.run_program(sys.executable, '-B', self.write('app.py', code))
            # Some blocks only define functions that others call.
            if 'print(' in code:
                self.assertNotEqual(output, '')

        self.need('python')
        self.check_each('python', check)

    def test_javascript(self):
        def check(code):
            output = self.run_program('gjs', '-m', self.write('app.js', code))
            self.assertIn('It is our turn', output)

        self.need('js')
        self.check_each('js', check)

    def test_vala(self):
        def check(code):
            include = [f'-I{TOP}/libflufllock', f'-I{BUILD}/libflufllock']
            link = [f'-L{BUILD}/libflufllock', '-lflufllock-1']
            to_c = [part for flag in ['-w', *include, *link] for part in ('-X', flag)]
            self.run_in('valac', '--fatal-warnings', f'--vapidir={BUILD}/vapi', '--pkg', 'gio-2.0', '--pkg',
                        'flufllock-1', *to_c, '-o', 'app', self.write('app.vala', code))
            self.assertIn('It is our turn', self.run_program(self.directory / 'app'))

        self.need('vala')
        self.check_each('vala', check)

    def test_shell(self):
        def check(code):
            self.run_in('bash', '-n', self.write('app.sh', code))

        self.check_each('sh', check)

    def test_no_block_is_left_out(self):
        known = {'c', 'python', 'js', 'vala', 'sh'}
        # The projects of docs/installing.md have a test of their own.
        known |= {'meson', 'ini'}
        for page, read in pages():
            for language, _ in FENCE.findall(read(page.read_text(encoding='utf-8'))):
                self.assertIn(language, known, page)


TOP, BUILD = (pathlib.Path(part).resolve() for part in sys.argv[1:3])
LANGUAGES = sys.argv[3].split(',')
COMPILER = sys.argv[4:]

if __name__ == '__main__':
    os.environ['LC_ALL'] = 'C.UTF-8'
    os.environ['LD_LIBRARY_PATH'] = f'{BUILD}/libflufllock:' + os.environ.get('LD_LIBRARY_PATH', '')
    unittest.main(argv=sys.argv[:1])
