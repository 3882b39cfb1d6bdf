# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""count-words.py TOP: the words of each page, and its sentences of more than 30 words.

A list item and a table's cell are sentences of their own. Code blocks do not count.
"""

import pathlib
import re
import sys

PAGES = ['README.md', 'CONTRIBUTING.md', 'NEWS.md', 'SECURITY.md', 'tests/README.md', 'docs/*.md']
LONG = 30


def sentences(text):
    text = re.sub(r'\A---\n.*?\n---\n|\A(?:[A-Z][\w-]*: .*\n)+', '', text, flags=re.S)
    text = re.sub(r'^ *```.*?^ *```', '\n\n', text, flags=re.S | re.M)
    text = re.sub(r'\]\([^)]*\)', ']', text)  # where a link leads is not read
    text = re.sub(r'^(?:#.*|\s*(?:[-*]|\d+\.) )', r'\n\n', text, flags=re.M)
    text = re.sub(r'(?<!\\)\||^> ', r'\n\n', text, flags=re.M)
    for paragraph in re.split(r'\n\s*\n', text):
        yield from re.split(r'(?<=[.!?:])["”)*]*\s+(?=["“(*`\[]*[A-Z0-9`])', paragraph.strip())


def main(top):
    n_words = n_long = 0
    for pattern in PAGES:
        for page in sorted(pathlib.Path(top).glob(pattern)):
            text = page.read_text(encoding='utf-8')
            words = len(text.split())
            long = [s for s in sentences(text) if len(re.findall(r"[\w`'’-]*\w[\w`'’-]*", s)) > LONG]
            print(f'{words:6} words, {len(long):3} long sentences  {page.relative_to(top)}')
            if '--show' in sys.argv:
                for sentence in long:
                    print('        ' + ' '.join(sentence.split()))
            n_words += words
            n_long += len(long)
    print(f'{n_words} words, {n_long} sentences of more than {LONG} words')


if __name__ == '__main__':
    main(sys.argv[1])
