#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""Runs gi-docgen, and takes the rows for a web site and a repository from its first page.

Up to 2023.1 it has them also where no address is configured, as links to nowhere.
Usage: reference.py OUTPUT-DIRECTORY GI-DOCGEN ARGUMENT…
"""

import pathlib
import re
import subprocess
import sys

EMPTY_ROW = re.compile(r'^\s*<tr><td><em>\w+</em></td><td><a href="" class="external"></a></td></tr>\n',
                       re.MULTILINE)

subprocess.run([*sys.argv[2:], '--output-dir=' + sys.argv[1]], check=True)
index = pathlib.Path(sys.argv[1], 'index.html')
text = EMPTY_ROW.sub('', index.read_text(encoding='utf-8'))
if 'href=""' in text:
    sys.exit(f'{index}: a link to nowhere')
index.write_text(text, encoding='utf-8')

# gi-docgen puts the pictures beside the pages. In the repository they have a directory.
for page in pathlib.Path(sys.argv[1]).glob('*.html'):
    text = page.read_text(encoding='utf-8')
    if ' src="images/' in text:
        page.write_text(text.replace(' src="images/', ' src="'), encoding='utf-8')
