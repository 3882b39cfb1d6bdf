#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""Puts the examples into their page: a comment “file: PATH” becomes the name and the text of the file.

Usage: examples-page.py TOP PAGE OUTPUT
"""

import pathlib
import re
import sys

FILE = re.compile(r'^<!-- file: (\S+) -->$', re.MULTILINE)
LANGUAGES = {'.c': 'c', '.h': 'c', '.js': 'js', '.py': 'python', '.vala': 'vala'}

top, page, output = map(pathlib.Path, sys.argv[1:])


def show(match):
    path = top / match[1]
    text = path.read_text(encoding='utf-8')
    return f'`{match[1]}`:\n\n```{LANGUAGES[path.suffix]}\n{text}```'


text, n_files = FILE.subn(show, page.read_text(encoding='utf-8'))
if n_files != sum('file:' in line for line in page.read_text(encoding='utf-8').splitlines()):
    sys.exit(f'{page}: a comment that names a file has another form')
output.write_text(text, encoding='utf-8')
