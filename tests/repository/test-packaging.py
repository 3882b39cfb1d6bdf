#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-packaging.py TOP VERSION ABI: does what the packages repeat agree with where it comes from?

VERSION is that of the project, and ABI that of the shared library. A tarball has no debian/.
"""

import json
import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree

DOAP = '{http://usefulinc.com/ns/doap#}'
RDF = '{http://www.w3.org/1999/02/22-rdf-syntax-ns#}'


def symbols(text):
    """The names in a symbols file, and the releases that brought them."""
    return dict(re.findall(r'^ (\w+)@Base (\S+)$', text, re.MULTILINE))


class Packaging(unittest.TestCase):
    top, version, abi = pathlib.Path(), '', ''

    def read(self, name):
        path = self.top / name
        if name.startswith('debian/') and not (self.top / 'debian').exists():
            self.skipTest('this tree has no debian/, as in a tarball')
        return path.read_text(encoding='utf-8')

    def test_symbols(self):
        listed = [line for line in self.read('tests/lock/abi.list').split('\n')
                  if line and not line.startswith('#')]
        text = self.read('debian/libflufllock-1-0.symbols')
        found = symbols(text)
        self.assertEqual([name for name in listed if name not in found], [],
                         f'debian/libflufllock-1-0.symbols lacks them: add “ NAME@Base {self.version}”')
        self.assertEqual([name for name in found if name not in listed], [])
        self.assertEqual(list(found), sorted(found))
        self.assertEqual(text.count('@Base'), len(found))

    def test_soname(self):
        major = self.abi.split('.')[0]
        self.assertTrue(self.read('debian/libflufllock-1-0.symbols')
                        .startswith(f'libflufllock-1.so.{major} libflufllock-1-{major} '))
        self.assertIn(f'\nPackage: libflufllock-1-{major}\n', self.read('debian/control'))

    def test_versions(self):
        newest = self.read('debian/changelog').partition(')')[0]
        self.assertRegex(newest, rf'^libflufllock \({re.escape(self.version)}-\d+$')
        self.assertIn(f'\nVersion:        {self.version}\n', self.read('packaging/libflufllock.spec'))
        module = json.loads(self.read('packaging/flatpak-module.json'))
        self.assertEqual(module['sources'][0]['tag'], self.version)

    def test_glib(self):
        wanted = re.search(r"glib_req = '(>= [\d.]+)'", self.read('meson.build'))[1]
        self.assertIn(f' libglib2.0-dev ({wanted}),', self.read('debian/control'))
        self.assertIn(f'pkgconfig(gio-2.0) {wanted}\n', self.read('packaging/libflufllock.spec'))

    def test_options(self):
        known = set(re.findall(r"^option\('(\w+)'", self.read('meson_options.txt'), re.MULTILINE))
        for name in 'debian/rules', 'packaging/libflufllock.spec', 'packaging/flatpak-module.json':
            used = set(re.findall(r'-D(\w+)=', self.read(name)))
            self.assertTrue(used)
            self.assertEqual(used - known, set(), name)

    def test_debian_tests(self):
        stanzas = self.read('debian/tests/control')
        named = set(re.findall(r'^Tests: (\w+)$', stanzas, re.MULTILINE))
        self.assertEqual(named, {path.name for path in (self.top / 'debian/tests').iterdir()} - {'control'})

    def test_doap(self):
        root = xml.etree.ElementTree.fromstring(self.read('libflufllock.doap'))
        self.assertEqual(root.tag, f'{DOAP}Project')
        self.assertEqual(root.findtext(f'{DOAP}name'), 'libflufllock')
        licences = {node.get(f'{RDF}resource').rpartition('/')[2] for node in root.findall(f'{DOAP}license')}
        named = re.search(r"license: '([^']*)'", self.read('meson.build'))[1]
        self.assertEqual(licences, set(named.split(' OR ')))


if __name__ == '__main__':
    Packaging.top = pathlib.Path(sys.argv.pop(1))
    Packaging.version, Packaging.abi = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
