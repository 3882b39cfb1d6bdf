# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""What the tests of translations share: the messages of a catalogue, and a locale for them."""

import ast
import os
import pathlib
import re
import subprocess
import sys

DOMAIN = 'flufllock-1'


class Message:
    """texts: the translation, or its plural forms. flags: such as “fuzzy”."""

    def __init__(self, block):
        fields, flags = {}, set()
        for line in block.splitlines():
            word, _, rest = line.partition(' ')
            if line.startswith('#,'):
                flags |= {flag.strip() for flag in line[2:].split(',')}
            elif line.startswith('"'):
                fields[last] += ast.literal_eval(line)
            elif not line.startswith('#'):
                last = word
                fields[last] = ast.literal_eval(rest)
        self.flags = flags
        self.context = fields.get('msgctxt')
        self.id = fields['msgid']
        self.plural = fields.get('msgid_plural')
        self.texts = [text for word, text in sorted(fields.items()) if word.startswith('msgstr')]
        self.places = re.findall(r'^#: (.*)', block, re.MULTILINE)

    @property
    def key(self):
        return self.context, self.id, self.plural

    @property
    def has_words(self):
        """Not only values and their order."""
        return re.search('[A-Za-z]', re.sub(r'%[-.0-9]*[a-zA-Z]', '', self.id)) is not None


def read(path):
    """The messages of a catalogue, without its head."""
    text = pathlib.Path(path).read_text(encoding='utf-8')
    blocks = [block for block in re.split(r'\n\s*\n', text) if re.search('^msgid', block, re.MULTILINE)]
    return [message for message in map(Message, blocks) if message.id]


def make_template(top, arguments, path):
    """What xgettext(1) finds in the files of POTFILES."""
    subprocess.run(['xgettext', '-D', top, '-f', pathlib.Path(top) / 'po' / 'POTFILES', '-o', path, *arguments],
                   check=True)
    return read(path)


def quote(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n') + '"'


def write(messages, path):
    """Makes the catalogue that programs read. The texts of the messages need not be right."""
    parts = ['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n'
             'Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n']
    for message in messages:
        lines = []
        if message.context is not None:
            lines.append('msgctxt ' + quote(message.context))
        lines.append('msgid ' + quote(message.id))
        if message.plural is not None:
            lines.append('msgid_plural ' + quote(message.plural))
            lines += [f'msgstr[{i}] {quote(text)}' for i, text in enumerate(message.texts)]
        else:
            lines.append('msgstr ' + quote(message.texts[0]))
        parts.append('\n'.join(lines) + '\n')
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(['msgfmt', '-o', path, '-'], input='\n'.join(parts), text=True, encoding='utf-8', check=True)


def make_locale(directory, name):
    """Makes a locale that the C library takes for one of its own. The variables for it, or None.

    Where C.UTF-8 is the only locale of a system, it has all that is needed but the name: gettext(3)
    translates nothing in a locale that is named C.
    """
    directory.mkdir(parents=True, exist_ok=True)
    variables = {'LOCPATH': str(directory), 'LC_ALL': name + '.UTF-8', 'LANGUAGE': name.split('_', maxsplit=1)[0]}
    for original in 'C.utf8', 'C.UTF-8':
        if os.path.isdir(f'/usr/lib/locale/{original}'):
            for spelling in 'utf8', 'UTF-8':
                (directory / f'{name}.{spelling}').symlink_to(f'/usr/lib/locale/{original}')
            break
    else:
        # A source of the package “locales”, if it is installed.
        subprocess.run(['sh', '-c', 'localedef -i de_DE -f UTF-8 "$0" 2>&1', directory / f'{name}.UTF-8'],
                       check=False, stdout=subprocess.DEVNULL)
    script = 'import locale; locale.setlocale(locale.LC_ALL, "")'
    works = subprocess.run([sys.executable, '-c', script], check=False, stderr=subprocess.DEVNULL,
                           env=dict(os.environ, **variables)).returncode == 0
    return variables if works else None
