# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Compares the GIR with the tests of each language, and with the headers.

The test of each language must use everything in the GIR. The GIR must contain
everything in the public headers, and nothing else.
"""

import argparse
import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'

# (language, kind, name): why the language's test does not use it.
EXCEPTIONS = {('python', 'property', 'lock'): 'only the constructor takes it'}

# function: why only C has it.
ONLY_C = dict.fromkeys(
    ('flufl_lock_guard_new', 'flufl_lock_guard_release', 'flufl_lock_guard_free'),
    'a scope ends at once in C only; others have with, with_lock() and finally')


def is_introspectable(element):
    return element.get('introspectable') != '0'


def public_items(namespace):
    """Yield (kind, type or None, name) for all that a language can reach."""
    for element in namespace:
        tag = element.tag.removeprefix(CORE)
        name = element.get('name')
        if not is_introspectable(element) or element.get(GLIB + 'is-gtype-struct-for'):
            continue
        if tag in ('constant', 'function'):
            # A function that moved is there under its new name too.
            if element.get('moved-to') is None:
                yield tag, None, name
        elif tag in ('class', 'record', 'enumeration', 'bitfield'):
            for member in filter(is_introspectable, element):
                kind = member.tag.removeprefix(CORE).removeprefix(GLIB)
                # Languages call these functions for their programs.
                if tag == 'record' and member.get('name') in ('ref', 'unref'):
                    continue
                if kind in ('constructor', 'method', 'function', 'property', 'signal', 'member'):
                    yield kind, name, member.get('name')
        elif tag != 'docsection':
            raise AssertionError(f'what is the language to do with {tag} {name}?')


def python_pattern(kind, type_name, name):
    snake = name.replace('-', '_')
    return {
        'constant': rf'Flufl\.{name}\b',
        'constructor': rf'Flufl\.{type_name}\.{name}\(',
        'function': rf'Flufl\.({type_name}\.)?([a-z_]+_)?{name}\(',
        'member': rf'Flufl\.{type_name}\.{name.upper()}\b',
        'method': rf'\.{name}\b',
        'property': rf'\.props\.{snake}\b',
        'signal': rf"\.connect\('{name}'",
    }[kind]


def gjs_pattern(kind, type_name, name):
    if kind == 'property':
        return rf'\.{name.replace("-", "_")}\b(?!\()'
    if kind == 'method':
        return rf'\.{name}\('
    return python_pattern(kind, type_name, name)


def vala_pattern(kind, type_name, name):
    if kind == 'constructor':
        named = name.removeprefix('new').replace('_', '.', 1)
        return rf'new Flufl\.{type_name}{named} \('
    if kind in ('method', 'function') and name.endswith('_finish'):
        started = name.replace('_finish', '_async')
        return rf'yield [\w.]+\.{started} \(|\.{started}\.end \('
    if kind == 'method':
        return rf'\.{name}( \(|\.begin \()'
    if kind == 'property':
        return rf'\.{name.replace("-", "_")}\b(?! \()'
    if kind == 'signal':
        return rf'\.{name}\.connect \('
    if kind == 'function':
        scope = rf'{type_name}\.' if type_name else ''
        return rf'Flufl\.{scope}{name} \('
    return python_pattern(kind, type_name, name)


PATTERNS = {'python': python_pattern, 'gjs': gjs_pattern, 'vala': vala_pattern}


class Coverage(unittest.TestCase):
    def setUp(self):
        self.namespace = ElementTree.parse(ARGS.gir).find(CORE + 'namespace')
        self.headers = '\n'.join(path.read_text() for path in ARGS.headers)

    def test_items(self):
        """The rest of this file means nothing if the GIR is not understood."""
        items = set(public_items(self.namespace))
        for item in (('constant', None, 'LOCK_TIMEOUT_FOREVER'),
                     ('constructor', 'Lock', 'new_for_path'),
                     ('function', 'LockError', 'quark'),
                     ('member', 'BreakFlags', 'force'),
                     ('method', 'LockDetails', 'get_pid'),
                     ('property', 'Lock', 'default-timeout'),
                     ('signal', 'Lock', 'lost')):
            self.assertIn(item, items)

    def check_language(self, language, paths):
        source = '\n'.join(path.read_text() for path in paths)
        missing = [f'{kind} {type_name or "Flufl"}.{name}'
                   for kind, type_name, name in public_items(self.namespace)
                   if (language, kind, name) not in EXCEPTIONS
                   and not re.search(PATTERNS[language](kind, type_name, name), source)]
        self.assertEqual(missing, [], f'{paths[0].name} does not use all')

    def test_python(self):
        self.check_language('python', ARGS.python)

    def test_gjs(self):
        self.check_language('gjs', ARGS.gjs)

    def test_vala(self):
        self.check_language('vala', ARGS.vala)

    def test_nothing_private(self):
        """All C names of the GIR are in the public headers."""
        for element in self.namespace.iter():
            if element.get(GLIB + 'is-gtype-struct-for'):
                continue
            for name in (element.get(C + 'identifier'), element.get(GLIB + 'get-type'),
                         element.get(C + 'type') if element.get('name') else None):
                if name is not None and re.match('flufl', name, re.IGNORECASE):
                    self.assertRegex(self.headers, rf'\b{name}\b')
            self.assertNotRegex(element.get('name', ''), 'private|^_')

    def test_nothing_missing(self):
        """All public functions of the headers are in the GIR."""
        declared = set(re.findall(r'^\w[\w \t*]*?\b(flufl_\w+)\s*\(', self.headers, re.MULTILINE))
        self.assertIn('flufl_lock_acquire', declared)
        self.assertIn('flufl_lock_state_get_type', declared)
        offered = {element.get(attribute)
                   for element in self.namespace.iter() if is_introspectable(element)
                   for attribute in (C + 'identifier', GLIB + 'get-type')}
        self.assertEqual(declared - offered, ONLY_C.keys())


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('gir')
    for language in PATTERNS:
        parser.add_argument('--' + language, type=pathlib.Path, nargs='+', required=True)
    parser.add_argument('--headers', type=pathlib.Path, nargs='+', required=True)
    ARGS = parser.parse_args()
    unittest.main(argv=sys.argv[:1])
