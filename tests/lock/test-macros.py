#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""Compiles small programs that the macros of the headers warn of, and ones that they do not.

test-macros.py LIST UNINSTALLED COMPILER...

LIST is abi.list, and UNINSTALLED the directory of the pkg-config file for the library as it was
built. Nothing is linked.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

SKIP = 77

# The functions whose result must be looked at, each in a call that ignores it.
RESULTS = {
    'flufl_lock_new': '(file)',
    'flufl_lock_new_for_path': '("x.lock")',
    'flufl_lock_new_beside': '(file)',
    'flufl_lock_acquire': '(lock, 0, NULL, NULL)',
    'flufl_lock_acquire_finish': '(lock, result, NULL)',
    'flufl_lock_refresh': '(lock, -1, NULL, NULL)',
    'flufl_lock_refresh_finish': '(lock, result, NULL)',
    'flufl_lock_check': '(lock, NULL, NULL)',
    'flufl_lock_check_finish': '(lock, result, NULL)',
    'flufl_lock_guard_new': '(lock, 0, NULL, NULL)',
    'flufl_operation_new': '(lock, FLUFL_OPERATION_KIND_CHECK, 0, NULL)',
    'flufl_operation_run': '(operation, -1, 0)',
}
# Some of those whose result may be ignored.
NO_RESULTS = {
    'flufl_lock_release': '(lock, NULL, NULL)',
    'flufl_lock_release_finish': '(lock, result, NULL)',
    'flufl_lock_query_state': '(lock, NULL, NULL)',
    'flufl_lock_break_lock': '(lock, FLUFL_BREAK_NONE, NULL, NULL)',
}

OLDER = '-DFLUFL_VERSION_MAX_ALLOWED=0'
WINDOWS = '-D_WIN32'


def names():
    with open(LIST, encoding='utf-8') as file:
        return [line.strip() for line in file if line.startswith('flufl_')]


def compiler(*arguments, source, header='libflufllock.h'):
    result = subprocess.run([*COMPILER, '-std=gnu11', '-x', 'c', *FLAGS, *arguments, '-'],
                            input=f'#include <{header}>\n{source}\n',
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=dict(os.environ, LC_ALL='C'))
    return result.returncode, result.stdout, result.stderr


def calls(functions):
    lines = [f'  {name} {arguments};' for name, arguments in functions.items()]
    return '\n'.join(['void use (FluflLock *lock, GFile *file, GAsyncResult *result,',
                      '          FluflOperation *operation);',
                      'void use (FluflLock *lock, GFile *file, GAsyncResult *result,',
                      '          FluflOperation *operation)', '{', *lines, '}'])


def addresses():
    uses = ''.join(f'  (GCallback) {name},\n' for name in names())
    return f'GCallback all[] = {{\n{uses}}};'


class Macros(unittest.TestCase):
    def compile(self, *arguments, **keywords):
        # GCC does not look for unused results if it only checks the syntax.
        status, _, errors = compiler('-S', '-o', os.devnull, '-Wall', '-Wundef', *arguments, **keywords)
        self.assertEqual(status, 0, errors)
        return errors

    def preprocess(self, *arguments, source=''):
        """The declarations, each in one line."""
        status, text, errors = compiler('-E', '-P', *arguments, source=source)
        self.assertEqual(status, 0, errors)
        return re.sub(r'\s+', ' ', text).replace(';', ';\n')

    def evaluate(self, *expressions, arguments=()):
        source = '\n'.join(f'G_STATIC_ASSERT ({expression});' for expression in expressions)
        self.assertEqual(self.compile(*arguments, source=source), '')

    def test_quiet(self):
        """A program that says nothing of versions is warned of none."""
        self.assertEqual(self.compile(source=addresses()), '')
        self.assertEqual(self.compile('-DFLUFL_VERSION_MAX_ALLOWED=FLUFL_VERSION_0_1', source=addresses()), '')
        self.assertEqual(self.compile('-DFLUFL_VERSION_MIN_REQUIRED=FLUFL_VERSION_0_1', source=addresses()), '')

    def test_not_available(self):
        """Whoever allows no series as new as this is warned of each function."""
        self.assertEqual(self.compile(OLDER, source=''), '', 'that is nobody who uses none')
        errors = self.compile(OLDER, source=addresses())
        for name in names():
            self.assertRegex(errors, rf"\W{name}\W+ is deprecated: Not available before 0\.1\b")

    def test_compiling_the_library(self):
        """Static libraries and their tests declare the same."""
        self.assertEqual(self.compile('-DFLUFLLOCK_COMPILATION', source=addresses()), '')

    def test_deprecated(self):
        """A deprecated function is warned of from that series on, not before."""
        source = ('FLUFL_DEPRECATED_IN_0_1 void went (void);\n'
                  'FLUFL_DEPRECATED_IN_0_1_FOR (other) void moved (void);\n'
                  'GCallback all[] = { went, moved };')
        warned = self.compile(source=source)
        self.assertRegex(warned, r'\Wwent\W+ is deprecated')
        self.assertRegex(warned, r"\Wmoved\W+ is deprecated: Use 'other' instead")
        self.assertRegex(self.compile('-DFLUFL_VERSION_MIN_REQUIRED=FLUFL_VERSION_0_1', source=source),
                         'went')
        self.assertEqual(self.compile('-DFLUFL_VERSION_MIN_REQUIRED=0', source=source), '')
        self.assertEqual(self.compile(OLDER, source=source), '')
        self.assertEqual(self.compile('-DFLUFL_DISABLE_DEPRECATION_WARNINGS', source=source), '')

    def test_order(self):
        """What is required at least is not newer than what is allowed at most."""
        status, _, errors = compiler('-fsyntax-only', OLDER,
                                     '-DFLUFL_VERSION_MIN_REQUIRED=FLUFL_VERSION_0_1', source='')
        self.assertNotEqual(status, 0)
        self.assertIn('FLUFL_VERSION_MAX_ALLOWED must be >= FLUFL_VERSION_MIN_REQUIRED', errors)

    def test_numbers(self):
        self.evaluate('FLUFL_VERSION_0_1 == G_ENCODE_VERSION (0, 1)',
                      'FLUFL_VERSION_MAX_ALLOWED >= FLUFL_VERSION_0_1',
                      'FLUFL_VERSION_MAX_ALLOWED == '
                      'G_ENCODE_VERSION (FLUFL_MAJOR_VERSION, FLUFL_MINOR_VERSION)',
                      'FLUFL_VERSION_MIN_REQUIRED == FLUFL_VERSION_MAX_ALLOWED')
        self.evaluate('FLUFL_VERSION_MIN_REQUIRED == 0', arguments=[OLDER])

    def test_check_version(self):
        here = 'FLUFL_MAJOR_VERSION + {}, FLUFL_MINOR_VERSION + {}, FLUFL_MICRO_VERSION + {}'
        checks = []
        for there, differences in ((True, [(0, 0, 0), (-1, 0, 0), (-1, 9, 9), (0, -1, 9)]),
                                   (False, [(0, 0, 1), (0, 1, -9), (1, -9, -9)])):
            for difference in differences:
                check = f'FLUFL_CHECK_VERSION ({here.format(*difference)})'
                checks.append(check if there else f'!{check}')
        self.evaluate(*checks)

    def test_results(self):
        """A lock must not be believed to be held because nobody looked."""
        errors = self.compile(source=calls(RESULTS))
        for name in RESULTS:
            # GCC names the function, and clang shows the line below.
            self.assertRegex(errors, rf'ignoring return value of .*(\n.*)?\b{name}\b')
        self.assertEqual(errors.count('-Wunused-result]'), len(RESULTS))
        self.assertEqual(self.compile(source=calls(NO_RESULTS)), '')

    def test_results_vala(self):
        """Vala throws errors, and ignores results."""
        self.assertEqual(self.compile(source=calls(RESULTS), header='libflufllock-vala.h'), '')

    def check_exports(self, text, before):
        for name in names():
            self.assertRegex(text, rf'(?m)^ ?{before} [^()]*\b{name} ?\(', name)

    def test_windows(self):
        """A DLL exports, its users import, and a static library does neither."""
        self.check_exports(self.preprocess(WINDOWS), r'(?!.*dllexport).*__declspec ?\(dllimport\) extern')
        self.check_exports(self.preprocess(WINDOWS, '-DFLUFLLOCK_COMPILATION'),
                           r'(?!.*dllimport).*__declspec ?\(dllexport\) extern')
        text = self.preprocess(WINDOWS, '-DFLUFLLOCK_STATIC_COMPILATION')
        self.assertEqual([line for line in text.splitlines() if '__declspec' in line and 'flufl' in line], [])

    def test_elsewhere(self):
        """What is public is so for -fvisibility=hidden, too."""
        for arguments in [], ['-DFLUFLLOCK_COMPILATION'], [OLDER]:
            self.check_exports(self.preprocess(*arguments),
                               r'.*__attribute__ ?\(\(visibility ?\("default"\)\)\) extern')

    def test_direct(self):
        """Only the one header is for programs."""
        status, _, errors = compiler('-fsyntax-only', source='', header='flufl-macros.h')
        self.assertNotEqual(status, 0)
        self.assertIn('Only <libflufllock.h> can be included directly.', errors)


if __name__ == '__main__':
    LIST, UNINSTALLED, *COMPILER = sys.argv[1:]
    if shutil.which('pkg-config') is None:
        print('pkg-config is not installed')
        sys.exit(SKIP)
    # Users have no build directory, but their flags are these otherwise.
    FLAGS = subprocess.run(
        ['pkg-config', '--cflags', 'flufllock-1'], check=True, stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, PKG_CONFIG_PATH=UNINSTALLED)).stdout.split()
    unittest.main(argv=sys.argv[:1])
