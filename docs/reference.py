#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""Runs gi-docgen, and mends its first page.

The page gets the text of landing.html, since gi-docgen knows no page for that. The rows for a web site
and a repository are removed: up to 2023.1 gi-docgen writes them even where no address is configured.
Usage: reference.py OUTPUT-DIRECTORY GI-DOCGEN ARGUMENT…
"""

import pathlib
import re
import subprocess
import sys

EMPTY_ROW = re.compile(r'^\s*<tr><td><em>\w+</em></td><td><a href="" class="external"></a></td></tr>\n',
                       re.MULTILINE)
# The description of docs/flufllock.toml.in.
DESCRIPTION = re.compile(r'(<div class="description">\s*)<p>[^<]*</p>\n')

subprocess.run([*sys.argv[2:], '--output-dir=' + sys.argv[1]], check=True)
index = pathlib.Path(sys.argv[1], 'index.html')
text = EMPTY_ROW.sub('', index.read_text(encoding='utf-8'))
if 'href=""' in text:
    sys.exit(f'{index}: a link to nowhere')
landing = pathlib.Path(__file__).with_name('landing.html').read_text(encoding='utf-8')
text, found = DESCRIPTION.subn(lambda match: match[1] + landing, text, count=1)
if not found:
    sys.exit(f'{index}: no description that landing.html could replace')
for target in re.findall(r'(?:href|src)="([^":]+)"', landing):
    if not index.with_name(target).exists():
        sys.exit(f'landing.html: no {target}')
index.write_text(text, encoding='utf-8')

# gi-docgen puts the pictures beside the pages. In the repository they have a directory.
for page in pathlib.Path(sys.argv[1]).glob('*.html'):
    text = page.read_text(encoding='utf-8')
    if ' src="images/' in text:
        page.write_text(text.replace(' src="images/', ' src="'), encoding='utf-8')
