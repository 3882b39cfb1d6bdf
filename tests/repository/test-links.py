#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-links.py TOP: does each link of the pages lead to a file, and to a heading that exists?

The pages of docs/ link each other as .html, which gi-docgen makes of them. The others link .md.
Links to other sites and to symbols are not followed.
"""

import pathlib
import re
import sys
import unittest

PAGES = ['*.md', 'docs/*.md', 'tests/README.md', 'tests/proof/model/README.md']
CODE = re.compile(r'^```.*?^```', re.DOTALL | re.MULTILINE)
LINK = re.compile(r'\]\(([^)\s]+)\)')
HEADING = re.compile(r'^#+ (.*)$', re.MULTILINE)
ELSEWHERE = re.compile(r'[a-z]+:')


def anchors(text):
    """The anchors that GitLab and gi-docgen give to headings."""
    for heading in HEADING.findall(CODE.sub('', text)):
        shown = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading)
        yield re.sub(r'[-\s]+', '-', re.sub(r'[^\w\s-]', '', shown).strip().lower())


def dead_links(page):
    """Yields each link of the page that leads nowhere, and why."""
    for link in LINK.findall(CODE.sub('', page.read_text(encoding='utf-8'))):
        if ELSEWHERE.match(link):
            continue
        path, _, anchor = link.partition('#')
        target = page.parent / re.sub(r'\.html$', '.md', path) if path else page
        if not target.exists():
            yield link, 'there is no such file'
        elif anchor and anchor not in anchors(target.read_text(encoding='utf-8')):
            yield link, 'there is no such heading'


class Links(unittest.TestCase):
    top = None

    def test_pages(self):
        pages = sorted(page for pattern in PAGES for page in self.top.glob(pattern))
        self.assertGreater(len(pages), 15)
        dead = [f'{page.relative_to(self.top)}: {link}: {why}'
                for page in pages for link, why in dead_links(page)]
        self.assertEqual(dead, [], '\n' + '\n'.join(dead))

    def test_anchors(self):
        text = '# One, *two*\n```\n# no heading\n```\n## `a_b` [c](d.html)\n'
        self.assertEqual(list(anchors(text)), ['one-two', 'a_b-c'])


if __name__ == '__main__':
    Links.top = pathlib.Path(sys.argv.pop(1))
    unittest.main()
