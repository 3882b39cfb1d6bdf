# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-subproject.py TOP COMPILERS MESON...: do the projects of docs/installing.md build and run?

The library is their subproject. COMPILERS is c, or vala,c if Vala programs can be built, too. No
network is needed, since the source is in the subprojects' directory already.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = {
    'c': '''
#include <libflufllock.h>

int
main (void)
{
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path ("app.lock");

  return flufl_lock_acquire (lock, 0, NULL, NULL) && flufl_lock_release (lock, NULL, NULL) ? 0 : 1;
}
''',
    'vala': '''
int main () {
  var file_lock = new Flufl.Lock.for_path ("app.lock");
  try {
    file_lock.acquire (0);
    file_lock.release ();
  } catch (Error error) {
    printerr ("%s\\n", error.message);
    return 1;
  }
  return 0;
}
''',
}


def block(kind, start, page='installing.md'):
    """The code of the one block of that kind in the page that begins so."""
    text = (TOP / 'docs' / page).read_text(encoding='utf-8')
    found, = [code for code in re.findall(rf'```{kind}\n(.*?)```', text, re.DOTALL)
              if code.startswith(start)]
    return found


class Subproject(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-subproject-')
        self.addCleanup(directory.cleanup)
        self.top = pathlib.Path(directory.name, 'app')
        self.build = pathlib.Path(directory.name, 'build')
        (self.top / 'subprojects').mkdir(parents=True)
        (self.top / 'subprojects' / 'libflufllock').symlink_to(TOP)
        # An installed library is not the subject.
        self.environment = dict(os.environ)
        for name in 'MESONINTROSPECT', 'CFLAGS', 'LDFLAGS', 'DESTDIR':
            self.environment.pop(name, None)

    def run_here(self, *command):
        result = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, cwd=self.top.parent,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=self.environment)
        self.assertEqual(result.returncode, 0, f'{command}:\n{result.stdout}')
        return result.stdout

    def make(self, language, project, wrap, *options):
        if wrap is not None:
            (self.top / 'subprojects' / 'libflufllock.wrap').write_text(wrap, encoding='utf-8')
        (self.top / 'meson.build').write_text(project, encoding='utf-8')
        (self.top / f'app.{language}').write_text(PROGRAMS[language], encoding='utf-8')
        said = self.run_here(*MESON, 'setup', '--force-fallback-for=flufllock-1', '--wrap-mode=nodownload',
                             self.build, self.top, *options)
        self.assertIn('Executing subproject libflufllock', said)
        self.run_here(*MESON, 'compile', '-C', self.build, '-j', '2')
        self.run_here(self.build / 'app')

    def installed(self):
        self.run_here(*MESON, 'install', '-C', self.build, '--no-rebuild',
                      '--destdir', self.top.parent / 'root')
        return {'/' + str(path.relative_to(self.top.parent / 'root'))
                for path in (self.top.parent / 'root').rglob('*')}

    def test_wrap(self):
        """The wrap file provides the dependency by its name alone."""
        self.make('c', block('meson', "project('app', 'c'"), block('ini', '[wrap-git]'), '--prefix=/usr')
        self.assertIn('/usr/include/flufllock-1/libflufllock-vala.h', self.installed())

    def test_fallback_vala(self):
        """A fallback does without a wrap file, and brings the bindings."""
        if 'vala' not in COMPILERS:
            self.skipTest('no Vala programs can be built')
        project = block('meson', "project('app', 'vala'")
        where = re.search(r'-Dpython_overrides_dir=(\S+)', block('sh', 'meson configure', 'packaging.md')).group(1)
        self.make('vala', project, None, '--prefix=/usr', f'-Dlibflufllock:python_overrides_dir={where}')
        there = [path for path in self.installed() if path.endswith('/Flufl.py')]
        self.assertEqual(there, [f'/usr/{where}/Flufl.py'])
        stubs = pathlib.PurePath('/usr', where).parents[1] / 'gi-stubs'
        self.assertLessEqual({f'{stubs}/py.typed', f'{stubs}/repository/Flufl.pyi'}, self.installed())


if __name__ == '__main__':
    TOP = pathlib.Path(sys.argv[1])
    COMPILERS = sys.argv[2].split(',')
    MESON = sys.argv[3:]
    unittest.main(argv=sys.argv[:1])
