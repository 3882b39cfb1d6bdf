# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-words.py TOP: are the pages and the comments free of the worst habits?

And is each message of the library explained in docs/troubleshooting.md?

Each habit is a pattern with its reason. A line that is right all the same is in ALLOWED, with
the reason.
"""

import pathlib
import re
import sys

HABITS = {
    'a sentence without a noun as its subject: name the holder, waiter, breaker, file or process':
        r'(?:^"?|[.:;] |/?\*+ |\| |(?<!#)# )(?:Who|What|Whoever) (?:may|can|is|are|wants|has|does|do|writes'
        r'|waits|comes|came|was|will|must|needs|asks|looks|shares|ends)\b(?!.*\?)',
    '"so long" that points elsewhere: name the duration or the number':
        r'\b[Ss]o (?:long|many|often|much)\b(?! time that| that)',
    '"also" for "even", or at the wrong place':
        r',? also (?:if|by|in|when|where|on|of|for|those|one|an|the|with|to)\b',
    'a process is an "it"': r'\b(?:he|his|him|himself)\b',
    '"told": files report, show or say':
        r'\b[Tt]ells\b(?! the server)|\b(?:is|are|was|were|be|been|not) told\b(?! to )',
    '"but for": except': r', but for\b|^But for\b',
    '"to be had": available': r'\b(?:to|can) be had\b',
    'a list whose items do not begin lines': r'[,.;] - [`*A-Z]| @\w+: .* @\w+: ',
    '"no lock" for "not a lock"': r'(?<!there )\bis no (?:lock|link|file|directory|guarantee)\b',
}
PAGES = ['README.md', 'CONTRIBUTING.md', 'NEWS.md', 'SECURITY.md', 'tests/README.md', 'docs/*.md']
SOURCES = ['libflufllock/**/*.[ch]', 'command/*.[ch]', 'introspection/**/*.py', 'introspection/**/*.js', 'vapi/*',
           'examples/*', 'tests/**/*.[ch]', 'tests/**/*.py', 'tests/**/*.js', 'tests/**/*.vala',
           'benchmarks/*.[ch]', 'benchmarks/*.py', 'benchmarks/*.js', 'benchmarks/*.vala', 'benchmarks/run', 'scripts/*', 'tools/*',
           '**/meson.build', 'meson_options.txt', '.ci/*', '.gitlab-ci.yml']
COMMENT = re.compile(r'^\s*(?:/?\*|//|#(?!include|define|if|el|end|pragma))|/\*')
# (file, a part of the line): why it is right
ALLOWED = {
    ('docs/languages.md', 'also a `TimeoutError`'): 'it is one as well',
}


# Parts of messages that themselves advise what to do.
ADVICE = {
    'If nothing needs it, remove it, or break the lock by force.',
    'To protect it, use another file as the lock, such as “%s.lock”.',
    'Choose another path for the lock.',
}


def is_heading(line):
    return re.match(r'( \* )?##', line) is not None


def lines(top):
    for pattern in PAGES:
        for page in sorted(top.glob(pattern)):
            for number, line in enumerate(page.read_text(encoding='utf-8').splitlines(), 1):
                yield page.relative_to(top), number, line
    for source in sorted(top.glob('tests/**/*.c')):
        for number, line in enumerate(source.read_text(encoding='utf-8').splitlines(), 1):
            for text in re.findall(r'g_test_(?:summary|message) \(("[^"]*)', line):
                yield source.relative_to(top), number, text
    for pattern in SOURCES:
        for source in sorted(path for path in top.glob(pattern)
                             if path.is_file() and not path.relative_to(top).parts[0].startswith('_build')):
            for number, line in enumerate(source.read_text(encoding='utf-8').splitlines(), 1):
                if COMMENT.search(line):
                    yield source.relative_to(top), number, line


def is_allowed(path, line):
    return any(str(path) == file and part in line for file, part in ALLOWED)


def messages(top):
    """The fixed parts of the messages, between the values that are put into them."""
    code = ''.join(path.read_text(encoding='utf-8')
                   for path in sorted((top / 'libflufllock').glob('flufl-report*.c')))
    code = re.sub(r'"\s*(?:G_GINT64_FORMAT)?\s*"', '', code)  # one string in several parts
    for text in re.findall(r'"((?:[^"\\]|\\.)*)"', code):
        if re.search(r'[a-z]{3} [a-z]{2}', text) and not text.endswith('.h'):
            yield text, [part.strip() for part in re.split(r'%[-.\d]*[sdf]|%', text)]


def unexplained(top):
    page = (top / 'docs' / 'troubleshooting.md').read_text(encoding='utf-8')
    for text, parts in messages(top):
        # The beginning of a part, since some are shortened there.
        beginnings = [part.strip(' .,“”')[:25] for part in parts]
        if text.strip() not in ADVICE and not any(len(part) > 8 and part in page
                                                  for part in beginnings):
            yield text


def main(top):
    habits = [(re.compile(pattern), reason) for reason, pattern in HABITS.items()]
    n_lines = n_found = 0
    for path, number, line in lines(pathlib.Path(top)):
        n_lines += 1
        for pattern, reason in habits:
            if pattern.search(line) and not is_heading(line) and not is_allowed(path, line):
                print(f'{path}:{number}: {line.strip()}\n    {reason}')
                n_found += 1
    for text in unexplained(pathlib.Path(top)):
        print(f'docs/troubleshooting.md does not explain: {text}')
        n_found += 1
    print(f'{n_lines} lines, {n_found} to be written anew')
    # Without any line this would have looked at nothing.
    return 1 if n_found or n_lines < 1000 else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
