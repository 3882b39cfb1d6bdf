#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""check.py TOP GIRS TOOLS: does the JavaScript of the examples agree with the GIR and the override?

GIRS is the directory of Flufl-1.gir, and TOOLS one in which npm has installed what package.json
names. ts-for-gir makes declarations of the GIR and of those that it includes. tsc reads the
programs with them, and with the declarations of the override.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

PROGRAMS = ['examples/save.js', 'tools/demo/worker.js', 'tests/typescript/right.js']
WRONG = 'tests/typescript/wrong.js'
# ts-for-gir writes the text of the GIR as comments, unless it is asked not to.
GENERATE = ['ts-for-gir', 'generate', 'Flufl-1', '--ignoreVersionConflicts', '--noComments']


def run(tools, name, *arguments):
    return subprocess.run([tools / 'node_modules/.bin' / name, *arguments], cwd=tools, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def generate(girs, tools):
    """Make the declarations, in the directory types of tools."""
    types = tools / 'types'
    others = subprocess.check_output(['pkg-config', '--variable=girdir', 'gobject-introspection-1.0'], text=True)
    shutil.rmtree(types, ignore_errors=True)
    name, *arguments = GENERATE
    result = run(tools, name, *arguments, '--girDirectories', girs, '--girDirectories', others.strip(),
                 '--outdir', types)
    flufl = types / 'flufl-1.d.ts'
    if result.returncode != 0 or not flufl.exists():
        sys.exit(f'{result.stdout}\nts-for-gir has made no declarations')
    return [types / 'index.d.ts', flufl]


def complaints(top, tools, declarations, programs):
    """Return {(program, line): codes} of what tsc complains of."""
    config = json.loads((top / 'tests/typescript/tsconfig.json').read_text())
    config['files'] = [str(path) for path in [*declarations, *(top / name for name in programs)]]
    (tools / 'tsconfig.json').write_text(json.dumps(config))
    result = run(tools, 'tsc', '--project', tools, '--pretty', 'false')
    found = {}
    for line in result.stdout.splitlines():
        match = re.match(r'(.*)\((\d+),\d+\): error (TS\d+): ', line)
        if match:
            where = (tools / match[1]).resolve(), int(match[2])
            found.setdefault(where, set()).add(match[3])
    if (result.returncode != 0) != bool(found):
        sys.exit(f'{result.stdout}\ntsc has ended with {result.returncode}')
    return found, result.stdout


def marked(path):
    """Return the same of the lines that are wrong on purpose."""
    lines = enumerate(path.read_text(encoding='utf-8').splitlines(), 1)
    return {(path, number): {match[1]} for number, line in lines
            if (match := re.search(r'; // (TS\d+)$', line))}


def main(top, girs, tools):
    declarations = [*generate(girs, tools), top / 'introspection/overrides/gjs/flufl-1-override.d.ts',
                    top / 'tests/typescript/glibunix.d.ts']
    found, output = complaints(top, tools, declarations, PROGRAMS)
    if found:
        sys.exit(f'{output}\nThese programs were to be right.')
    wanted = marked(top / WRONG)
    found, output = complaints(top, tools, declarations, [WRONG])
    if not wanted or found != wanted:
        for where in sorted(wanted.keys() | found.keys()):
            if wanted.get(where) != found.get(where):
                print(f'{where[0].name}:{where[1]}: {wanted.get(where)} was expected, '
                      f'and {found.get(where)} reported', file=sys.stderr)
        sys.exit(f'{output}\nThese complaints were not as expected.')
    print(f'{len(PROGRAMS)} programs agree with the declarations, {len(wanted)} mistakes are found')


if __name__ == '__main__':
    main(*(pathlib.Path(argument).resolve() for argument in sys.argv[1:]))
