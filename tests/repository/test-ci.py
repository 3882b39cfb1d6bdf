#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-ci.py TOP: do the scripts, parts and options that .gitlab-ci.yml names exist?

Nothing here runs GitLab. A lane must be marked in a comment as run or never run, and one that has
never run must not fail a pipeline.
"""

import os
import pathlib
import re
import sys
import unittest

try:
    import yaml
except ImportError:
    print('this Python has no yaml module (Debian: python3-yaml)')
    sys.exit(77)

FILE = '.gitlab-ci.yml'
KEYWORDS = {'stages', 'default', 'variables', 'workflow', 'include'}
NEVER_RUN = 'never run'
RUN = 'Its script has run'


class Lanes:
    def __init__(self, top, text):
        self.top, self.text = top, text
        self.file = yaml.safe_load(text)
        self.templates = {name for name in self.file if name.startswith('.')}
        self.jobs = {name: job for name, job in self.file.items()
                     if name not in KEYWORDS and not name.startswith('.')}

    def comment(self, job):
        """The comment right above a job."""
        found = re.search(rf'((?:^#.*\n)+){re.escape(job)}:$', self.text, re.MULTILINE)
        return re.sub(r'\n# ?', ' ', found[1]) if found else ''

    def parts(self, script):
        """What the script accepts besides options."""
        found = re.search(r'^(?:parts|targets)=\(([^)]*)\)', script.read_text(encoding='utf-8'), re.MULTILINE)
        return set(found[1].split()) if found else set()

    def of_call(self, words):
        script = self.top / words[0]
        if not os.access(script, os.X_OK):
            yield f'{words[0]} is not an executable file'
            return
        for word in words[1:]:
            if word.startswith('-'):
                if not re.search(rf'^ *{re.escape(word)}\)', script.read_text(encoding='utf-8'), re.MULTILINE):
                    yield f'{words[0]} has no option {word}'
            elif word not in self.parts(script):
                yield f'{words[0]} has no part {word}'

    def of_job(self, name, job):
        for base in [job.get('extends', [])] if isinstance(job.get('extends'), str) else job.get('extends', []):
            if base not in self.templates:
                yield f'{base} does not exist'
        if job.get('stage') not in self.file['stages']:
            yield f'the stage {job.get("stage")} does not exist'
        if not job.get('script'):
            yield 'it has no script'
        for line in job.get('script', []):
            for call in re.findall(r'scripts/\S+(?: [^;&|\n]*)?', line):
                yield from self.of_call(call.split())
        comment = self.comment(name)
        if NEVER_RUN in comment:
            if job.get('allow_failure') is not True:
                yield 'it has never run, and may fail a pipeline'
        elif RUN not in comment:
            yield f'no comment says “{RUN}” or “{NEVER_RUN}”'

    def complaints(self):
        if not self.jobs:
            yield 'there is no lane'
        if '://' in self.text:
            yield 'an address is not a matter of this file'
        for name, job in self.jobs.items():
            for complaint in self.of_job(name, job):
                yield f'{name}: {complaint}'


class Test(unittest.TestCase):
    top = pathlib.Path()

    def setUp(self):
        self.text = (self.top / FILE).read_text(encoding='utf-8')

    def test_file(self):
        self.assertEqual(list(Lanes(self.top, self.text).complaints()), [])

    def change(self, old, new, complaint):
        self.assertIn(old, self.text)
        changed = Lanes(self.top, self.text.replace(old, new, 1))
        self.assertIn(complaint, list(changed.complaints()))

    def test_script(self):
        self.change('scripts/test-windows', 'scripts/test-dos',
                    'windows-wine: scripts/test-dos is not an executable file')
        self.change('scripts/test-windows', 'scripts/lib.sh',
                    'windows-wine: scripts/lib.sh is not an executable file')

    def test_part(self):
        self.change('check coverage', 'check covering', 'coverage: scripts/check has no part covering')
        self.change('clang lto both', 'clang lto all', 'compilers: scripts/elsewhere has no part all')
        self.change('netbsd openbsd', 'netbsd haiku', 'cross: scripts/cross has no part haiku')

    def test_option(self):
        self.change('test --quick', 'test --soon', 'debian-13: scripts/test has no option --soon')

    def test_stage_and_template(self):
        self.change('stage: quick', 'stage: slow', 'words: the stage slow does not exist')
        self.change('extends: .debian', 'extends: .ubuntu', 'words: .ubuntu does not exist')

    def test_comment(self):
        self.change('# Its script has run on Debian 12.\nwords:', 'words:',
                    f'words: no comment says “{RUN}” or “{NEVER_RUN}”')
        self.change('  stage: test\n  allow_failure: true', '  stage: test',
                    'debian-13: it has never run, and may fail a pipeline')


if __name__ == '__main__':
    Test.top = pathlib.Path(sys.argv.pop(1))
    unittest.main()
