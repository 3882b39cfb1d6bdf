#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""Compares the types of all that is public, as the GIR has them, with what they are meant to be.

test-abi-types.py GIR LIST NAMES            compare, and try whether a change would be noticed
test-abi-types.py --accept GIR LIST         write the list anew

LIST is abi-types.list, and NAMES abi.list, whose names the GIR must have.
"""

import copy
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'

HEAD = '''\
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
#
# The types of all that is public. `ninja -C _build accept-abi` writes this file.
# An entry never goes, and none of its lines changes, within one major version.
# Where no transfer is said, it is none.
'''
ACCEPT = '''
If that is meant, `ninja -C _build accept-abi` writes it to the list. What is new is there to stay.
What is gone or has changed breaks programs: it wants a new major version of the library, as
docs/releasing.md says of abi_version.'''

# What a release changes.
VARIABLE = {'FLUFL_MAJOR_VERSION', 'FLUFL_MINOR_VERSION', 'FLUFL_MICRO_VERSION', 'FLUFL_VERSION_S'}


def words(*parts):
    return ', '.join(part for part in parts if part)


def type_of(element):
    """In words: what the languages call it, and what C calls it."""
    array = element.find(CORE + 'array')
    if array is not None:
        return words(f'array of {type_of(array)}', array.get(C + 'type'),
                     array.get('length') and f'length in argument {array.get("length")}',
                     array.get('zero-terminated') == '1' and 'zero-terminated',
                     array.get('fixed-size') and f'of {array.get("fixed-size")}')
    found = element.find(CORE + 'type')
    if found is None:
        return '...'
    inner = [type_of_one(item) for item in found.findall(CORE + 'type')]
    return type_of_one(found) + (f' of {" and ".join(inner)}' if inner else '')


def type_of_one(found):
    name, c_name = found.get('name'), found.get(C + 'type')
    return name if c_name in (None, name) else f'{name} ({c_name})'


def value_of(element):
    """Of an argument, of what is returned, or of a property: the type and whose it is."""
    transfer = element.get('transfer-ownership', 'none')
    direction = element.get('direction', 'in')
    return words(type_of(element),
                 transfer != 'none' and f'transfer {transfer}',
                 direction != 'in' and direction,
                 element.get('caller-allocates') == '1' and 'caller-allocates',
                 element.get('nullable') == '1' and 'nullable',
                 element.get('optional') == '1' and 'optional',
                 element.get('scope') and f'scope {element.get("scope")}',
                 element.get('closure') and f'closure {element.get("closure")}',
                 element.get('destroy') and f'destroy {element.get("destroy")}')


def lines_of_call(element):
    yield 'returns', value_of(element.find(CORE + 'return-value'))
    for argument in element.iterfind(f'{CORE}parameters/*'):
        yield f'argument {argument.get("name")}', value_of(argument)


def lines_of_property(element):
    yield 'type', value_of(element)
    yield 'flags', words(element.get('readable', '1') == '1' and 'readable',
                         element.get('writable') == '1' and 'writable',
                         element.get('construct') == '1' and 'construct',
                         element.get('construct-only') == '1' and 'construct-only')


def entries(namespace):
    """Yield (what it is called, its lines) for all that a program can use."""
    for element in namespace:
        tag, c_name = element.tag.removeprefix(CORE), element.get(C + 'type')
        if element.get(GLIB + 'is-gtype-struct-for'):
            continue
        if tag == 'function' and element.get('moved-to') is None:
            yield element.get(C + 'identifier'), [('is', 'function'), *lines_of_call(element)]
        elif tag == 'constant':
            value = [] if c_name in VARIABLE else [('value', element.get('value'))]
            yield c_name, [('is', 'constant'), ('type', type_of(element)), *value]
        elif tag in ('enumeration', 'bitfield'):
            yield c_name, [('is', tag), *((member.get(C + 'identifier'), member.get('value'))
                                          for member in element.iterfind(CORE + 'member'))]
        elif tag in ('class', 'record', 'interface', 'union', 'callback', 'alias'):
            yield c_name, [('is', words(tag, element.get('final') == '1' and 'final',
                                        element.get('abstract') == '1' and 'abstract')),
                           *([('parent', element.get('parent'))] if element.get('parent') else [])]
        for member in element:
            kind, name = member.tag.removeprefix(CORE).removeprefix(GLIB), member.get('name')
            if kind in ('constructor', 'method', 'function') and member.get('moved-to') is None:
                yield member.get(C + 'identifier'), [
                    ('is', words(f'{kind} of {element.get("name")}', member.get('throws') == '1' and 'throws')),
                    *lines_of_call(member)]
            elif kind == 'property':
                yield f'{c_name}:{name}', [('is', 'property'), *lines_of_property(member)]
            elif kind == 'signal':
                yield f'{c_name}::{name}', [('is', words('signal', f'run {member.get("when")}')),
                                            *lines_of_call(member)]


def in_words(listed, there):
    """What has changed from the list to what there is."""
    for name in sorted(set(listed) | set(there)):
        if name not in there:
            yield f'{name} is gone'
        elif name not in listed:
            yield f'{name} is new, and not listed'
        else:
            old, new = dict(listed[name]), dict(there[name])
            for key in [*old, *(key for key in new if key not in old)]:
                if key not in new:
                    yield f'{name}: {key} is gone; it was {old[key]}'
                elif key not in old:
                    yield f'{name}: {key} is new: {new[key]}'
                elif old[key] != new[key]:
                    yield f'{name}: {key} was {old[key]}, and is {new[key]}'
            if old.keys() == new.keys() and list(old) != list(new):
                yield f'{name}: the order was {words(*old)}, and is {words(*new)}'


def read(path):
    """The list: a name, and below it a line for each thing to know of it."""
    result, name = {}, None
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.startswith('    '):
                result[name].append(tuple(line.strip().split(' = ', 1)))
            elif line.strip() and not line.startswith('#'):
                name = line.strip()
                result[name] = []
    return result


def text_of(there):
    return '\n'.join([HEAD] + [f'{name}\n' + ''.join(f'    {key} = {value}\n' for key, value in lines)
                               for name, lines in sorted(there.items())])


class Types(unittest.TestCase):
    def test_types(self):
        changes = list(in_words(read(LIST), dict(entries(NAMESPACE))))
        if changes:
            self.fail('\n'.join(['', *changes, ACCEPT]))

    def test_names(self):
        """Each exported name has its types here, or makes one."""
        with open(NAMES, encoding='utf-8') as file:
            exported = {line.strip() for line in file if line.startswith('flufl_')}
        there = {name for name, _ in entries(NAMESPACE) if name.startswith('flufl_')}
        there |= {element.get(GLIB + 'get-type') for element in NAMESPACE if element.get(GLIB + 'get-type')}
        self.assertEqual(exported, there)


class Changes(unittest.TestCase):
    """What would be said of a change, tried on a copy."""

    def setUp(self):
        self.namespace = copy.deepcopy(NAMESPACE)
        self.before = dict(entries(NAMESPACE))

    def call(self, name):
        element, = (found for found in self.namespace.iter() if found.get(C + 'identifier') == name)
        return element

    def argument(self, function, name):
        element, = (found for found in self.call(function).iterfind(f'{CORE}parameters/*')
                    if found.get('name') == name)
        return element

    def member(self, kind, name):
        element, = self.namespace.iterfind(f'{CORE}class/{kind}[@name="{name}"]')
        return element

    def says(self, *expected):
        self.assertEqual(list(in_words(self.before, dict(entries(self.namespace)))), list(expected))

    def test_nothing(self):
        self.says()

    def test_argument_type(self):
        found = self.argument('flufl_lock_acquire', 'timeout_ms').find(CORE + 'type')
        found.set('name', 'gint')
        found.set(C + 'type', 'int')
        self.says('flufl_lock_acquire: argument timeout_ms was gint64, and is gint (int)')

    def test_argument_c_type(self):
        """That only C sees."""
        self.argument('flufl_lock_new_for_path', 'path').find(CORE + 'type').set(C + 'type', 'char*')
        self.says('flufl_lock_new_for_path: argument path was filename (const char*), '
                  'and is filename (char*)')

    def test_argument_transfer(self):
        self.argument('flufl_lock_new', 'file').set('transfer-ownership', 'full')
        self.says('flufl_lock_new: argument file was Gio.File (GFile*), '
                  'and is Gio.File (GFile*), transfer full')

    def test_argument_nullable(self):
        del self.argument('flufl_lock_check', 'cancellable').attrib['nullable']
        self.says('flufl_lock_check: argument cancellable was Gio.Cancellable (GCancellable*), nullable, '
                  'and is Gio.Cancellable (GCancellable*)')

    def test_argument_direction(self):
        self.argument('flufl_lock_get_retry_errnos', 'n_errnos').set('direction', 'inout')
        self.says('flufl_lock_get_retry_errnos: argument n_errnos was gsize (gsize*), transfer full, out, '
                  'and is gsize (gsize*), transfer full, inout')

    def test_argument_new(self):
        parameters = self.call('flufl_lock_check').find(CORE + 'parameters')
        parameters.append(copy.deepcopy(self.argument('flufl_lock_acquire', 'timeout_ms')))
        self.says('flufl_lock_check: argument timeout_ms is new: gint64')

    def test_argument_order(self):
        parameters = self.call('flufl_lock_acquire').find(CORE + 'parameters')
        first = self.argument('flufl_lock_acquire', 'timeout_ms')
        parameters.remove(first)
        parameters.append(first)
        self.says('flufl_lock_acquire: the order was is, returns, argument self, argument timeout_ms, '
                  'argument cancellable, and is is, returns, argument self, argument cancellable, '
                  'argument timeout_ms')

    def test_array(self):
        """Of its elements, too."""
        array = self.call('flufl_lock_get_retry_errnos').find(f'{CORE}return-value/{CORE}array')
        array.find(CORE + 'type').set('name', 'guint')
        changes = list(in_words(self.before, dict(entries(self.namespace))))
        self.assertEqual(len(changes), 1)
        self.assertIn('is array of guint (int), int*', changes[0])

    def test_return(self):
        self.call('flufl_lock_get_file').find(CORE + 'return-value').set('transfer-ownership', 'full')
        self.says('flufl_lock_get_file: returns was Gio.File (GFile*), '
                  'and is Gio.File (GFile*), transfer full')

    def test_throws(self):
        del self.call('flufl_lock_check').attrib['throws']
        self.says('flufl_lock_check: is was method of Lock, throws, and is method of Lock')

    def test_gone_and_new(self):
        self.call('flufl_lock_check').set(C + 'identifier', 'flufl_lock_test')
        self.says('flufl_lock_check is gone', 'flufl_lock_test is new, and not listed')

    def test_property(self):
        self.member(CORE + 'property', 'lifetime').set('construct-only', '1')
        self.member(CORE + 'property', 'linger').find(CORE + 'type').set('name', 'gint')
        self.says('FluflLock:lifetime: flags was readable, writable, '
                  'and is readable, writable, construct-only',
                  'FluflLock:linger: type was gboolean, and is gint (gboolean)')

    def test_signal(self):
        signal = self.member(GLIB + 'signal', 'lost')
        signal.find(f'{CORE}parameters/{CORE}parameter/{CORE}type').set('name', 'utf8')
        self.says('FluflLock::lost: argument error was GLib.Error, and is utf8')

    def test_enum(self):
        self.call('FLUFL_LOCK_STATE_OURS').set('value', '9')
        self.says('FluflLockState: FLUFL_LOCK_STATE_OURS was 2, and is 9')

    def test_constant(self):
        element, = self.namespace.iterfind(f'{CORE}constant[@name="LOCK_TIMEOUT_DEFAULT"]')
        element.set('value', '-3')
        self.says('FLUFL_LOCK_TIMEOUT_DEFAULT: value was -2, and is -3')

    def test_parent(self):
        self.namespace.find(CORE + 'class').set('parent', 'GObject.InitiallyUnowned')
        self.says('FluflLock: parent was GObject.Object, and is GObject.InitiallyUnowned')

    def test_read(self):
        """What is written is read again."""
        with tempfile.NamedTemporaryFile('w', encoding='utf-8') as file:
            file.write(text_of(self.before))
            file.flush()
            self.assertEqual(read(file.name), self.before)


if __name__ == '__main__':
    accept = sys.argv[1] == '--accept'
    GIR, LIST, *rest = sys.argv[2 if accept else 1:]
    NAMESPACE = ElementTree.parse(GIR).find(CORE + 'namespace')
    if accept:
        now = dict(entries(NAMESPACE))
        try:
            print(*in_words(read(LIST), now), sep='\n')
        except FileNotFoundError:
            pass
        with open(LIST, 'w', encoding='utf-8') as file:
            file.write(text_of(now))
    else:
        NAMES, = rest
        unittest.main(argv=sys.argv[:1])
