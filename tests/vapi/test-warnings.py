# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Compiles Vala programs to C, with warnings as errors: test-warnings.py VALAC VAPIDIR PROGRAM [-- PROGRAM]...

A program is one source file or more.

Programs with a mistake, for which the compiler must warn, show that it reads the vapi.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

# What a program says: what the compiler answers.
MISTAKES = {
    'lock_it.acquire (0);': 'unhandled error `GLib.Error',
    'lock_it.with_lock ();': 'does not exist in the context of `Flufl.Lock',
    'lock_it.held = true;': 'read-only',
    'lock_it.lifetime = "15 s";': 'Cannot convert from `string',
    'string name = lock_it.file;': 'Cannot convert from `GLib.File',
}


class Warnings(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-vala-')
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def compile(self, *sources):
        return subprocess.run([VALAC, '--ccode', '--fatal-warnings', '--directory', self.dir,
                               '--vapidir', VAPIDIR, '--pkg', 'gio-2.0', '--pkg', 'flufllock-1',
                               '--pkg', 'posix', *sources],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def write(self, statement):
        path = self.dir / 'app.vala'
        path.write_text(f'void main () {{\n  var lock_it = new Flufl.Lock.for_path ("x.lock");\n'
                        f'  {statement}\n}}\n')
        return path

    def test_programs(self):
        for program in PROGRAMS:
            with self.subTest(program):
                result = self.compile(*program)
                self.assertEqual((result.returncode, result.stdout), (0, ''))

    def test_sample(self):
        """The usual values may be left out, and nullable results are known."""
        result = self.compile(self.write('''try {
    lock_it.acquire (Flufl.LOCK_TIMEOUT_DEFAULT);
    lock_it.refresh ();
    File? claim = lock_it.claim_file;
    assert (claim != null);
    lock_it.release ();
    lock_it.break_lock ();
  } catch (Flufl.LockError.TIMED_OUT error) {
    printerr ("%s\\n", error.message);
  } catch (Error error) {
    printerr ("%s\\n", error.message);
  }'''))
        self.assertEqual((result.returncode, result.stdout), (0, ''))

    def test_mistakes(self):
        for statement, answer in MISTAKES.items():
            with self.subTest(statement):
                result = self.compile(self.write(statement))
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(answer, result.stdout)


if __name__ == '__main__':
    VALAC, VAPIDIR, *arguments = sys.argv[1:]
    PROGRAMS = [[]]
    for argument in arguments:
        if argument == '--':
            PROGRAMS.append([])
        else:
            PROGRAMS[-1].append(argument)
    unittest.main(argv=sys.argv[:1])
