#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-rooms.py TOP: does each room of the library include and link only what it may?

The law is the table "Rooms" of CONTRIBUTING.md. Doors between rooms open one way: from the face
to waiting to protocol and watching, and from all of them to process.
"""

import os
import pathlib
import re
import sys
import tempfile
import unittest

LIBRARY = 'libflufllock'
FACE = ''

# The rooms that each room may see. The face is the directory of the library itself.
BELOW = {
    'process': set(),
    'protocol': {'process'},
    'watching': {'process'},
    'waiting': {'process', 'protocol', 'watching'},
    FACE: {'process', 'protocol', 'watching', 'waiting'},
}

# GLib's libraries that each room includes, and the dependencies that Meson gives it.
GLIB = {
    'process': {'glib'},
    'protocol': {'glib'},
    'watching': {'glib'},
    'waiting': {'glib', 'gobject', 'gio'},
    FACE: {'glib', 'gobject', 'gio'},
}
LINKS = {
    'process': {'glib_dep', 'threads_dep'},
    # The second one is for the boot of Windows.
    'protocol': {'glib_dep', 'ntdll_dep'},
    'watching': {'glib_dep'},
    'waiting': {'glib_dep', 'gio_dep'},
    FACE: {'glib_dep', 'gio_dep', 'threads_dep', 'intl_dep'},
}

# The headers of the system. Each room may include the first ones, which name no resource.
HARMLESS = {'errno.h', 'limits.h', 'stdint.h', 'stdlib.h', 'string.h'}
SYSTEM = {
    'process': {'pthread.h'},
    # The calls, flags and structures of the system are those of the table.
    'protocol': set(),
    'watching': {'sys/inotify.h', 'sys/stat.h', 'unistd.h'},
    # The room has no files. It uses them through the table.
    'waiting': {'poll.h', 'pthread.h', 'sys/eventfd.h', 'sys/timerfd.h', 'time.h', 'unistd.h'},
    FACE: {'pthread.h', 'unistd.h'},
}

# file: (what it includes beyond that, why)
BEYOND = {
    'protocol/flufl-syscalls.c': (
        {'dirent.h', 'fcntl.h', 'signal.h', 'stdio.h', 'sys/file.h', 'sys/random.h', 'sys/stat.h',
         'sys/sysmacros.h', 'time.h', 'unistd.h'},
        'it is the table of system calls'),
    'protocol/flufl-fs-kind.c': ({'fcntl.h', 'sys/stat.h', 'sys/sysmacros.h', 'sys/vfs.h', 'unistd.h'},
                                 'the kind of a file system is a number of the kernel'),
    'protocol/flufl-fs-kind-bsd.c': ({'sys/mount.h', 'sys/param.h', 'sys/statvfs.h'},
                                     'the kernel names the file system of a mount'),
    'protocol/flufl-process-facts-bsd.c': (
        {'sys/param.h', 'sys/proc.h', 'sys/sysctl.h', 'sys/types.h', 'sys/user.h', 'unistd.h'},
        'the kernel says which process this is'),
    'protocol/flufl-syscalls-windows.c': ({'windows.h', 'winternl.h'}, 'it is the table of system calls'),
    'flufl-words.c': ({'libintl.h'}, 'it finds the catalogues of translations'),
    'process/flufl-thread.c': ({'signal.h'}, 'signals do not reach its threads'),
    'process/flufl-user.c': ({'pwd.h'}, 'the system knows the names of users'),
    'process/flufl-path-windows.c': ({'windows.h'}, 'the system compares names'),
    'protocol/flufl-fs-kind-windows.c': ({'windows.h'}, 'the system knows its volumes'),
    'protocol/flufl-process-facts-windows.c': ({'windows.h', 'winternl.h'},
                                               'the kernel says which process this is'),
    'waiting/flufl-engine-poll-windows.c': ({'windows.h'}, 'it waits for events'),
    'watching/flufl-watch-windows.c': ({'windows.h'}, 'the kernel reports changes and ends'),
    'protocol/flufl-process-facts.c': ({'sys/auxv.h', 'sys/stat.h', 'unistd.h'},
                                       'the kernel says which process this is'),
    'protocol/flufl-identity.c': ({'unistd.h'}, 'it asks for the number of its own process'),
    'watching/flufl-watch-kqueue.c': ({'fcntl.h', 'sys/event.h', 'sys/types.h', 'time.h'},
                                      'a file is open while kqueue(2) watches it'),
    'waiting/flufl-engine-poll.c': ({'fcntl.h'}, 'its descriptors are pipes, which have flags'),
}

# file: (the header that declares what is in it, why it has none of its own)
PARTS = {
    'flufl-call-lease.c': ('flufl-call.h', 'what calls do with a lease'),
    'flufl-call-until.c': ('flufl-call-private.h', 'a way to run a call'),
    'flufl-heart.c': ('flufl-lease.h', 'the heart is that of a lease'),
    'flufl-lease-end.c': ('flufl-lease-private.h', 'a part of the lease'),
    'flufl-lease-kept.c': ('flufl-lease-private.h', 'a part of the lease'),
    'flufl-lease-loss.c': ('flufl-lease-private.h', 'a part of the lease'),
    'flufl-lock-abandon.c': ('flufl-lock-private.h', 'a part of FluflLock'),
    'flufl-lock-break.c': ('flufl-call.h', 'a part of FluflLock'),
    'flufl-lock-accessors.c': ('flufl-lock-private.h', 'a part of FluflLock'),
    'flufl-lock-claims.c': ('flufl-call.h', 'a part of FluflLock'),
    'flufl-lock-acquire.c': ('flufl-call.h', 'a part of FluflLock'),
    'flufl-lock-foreign.c': ('flufl-call.h', 'a part of FluflLock'),
    'flufl-lock-lost.c': ('flufl-lock-private.h', 'a part of FluflLock'),
    'flufl-lock-monitor-accessors.c': ('flufl-lock-monitor-private.h', 'a part of the monitor'),
    'flufl-lock-properties.c': ('flufl-lock-private.h', 'a part of FluflLock'),
    'flufl-lock-query.c': ('flufl-call.h', 'a part of FluflLock'),
    'flufl-lock-release.c': ('flufl-call.h', 'a part of FluflLock'),
    'flufl-lock-wanted.c': ('flufl-lock-private.h', 'a part of FluflLock'),
    'flufl-report-obstacle.c': ('flufl-report-private.h', 'a part of the reports'),
    'protocol/flufl-exclusive.c': ('flufl-claim-steps.h', 'a table of steps'),
    'protocol/flufl-exclusive-break.c': ('flufl-claim-steps.h', 'a table of steps'),
    'protocol/flufl-claim-linger.c': ('flufl-claim-private.h', 'a step of a claim'),
    'protocol/flufl-claim-release.c': ('flufl-claim-private.h', 'a step of a claim'),
    'protocol/flufl-claim-sight.c': ('flufl-claim-private.h', 'a step of a claim'),
    'protocol/flufl-claim-touch.c': ('flufl-claim-private.h', 'a step of a claim'),
    'protocol/flufl-fs-kind-bsd.c': ('flufl-fs-kind.h', 'it is for other systems'),
    'protocol/flufl-process-facts-bsd.c': ('flufl-process-facts.h', 'it is for other systems'),
    'protocol/flufl-fs-kind-windows.c': ('flufl-fs-kind.h', 'it is for another system'),
    'process/flufl-path-windows.c': ('flufl-path.h', 'it is for another system'),
    'process/flufl-user-windows.c': ('flufl-user.h', 'it is for another system'),
    'protocol/flufl-process-facts-windows.c': ('flufl-process-facts.h', 'it is for another system'),
    'protocol/flufl-syscalls-windows.c': ('flufl-syscalls.h', 'it is for another system'),
    'waiting/flufl-engine-poll-windows.c': ('flufl-engine-private.h', 'a part of the engine'),
    'waiting/flufl-engine-poll.c': ('flufl-engine-private.h', 'a part of the engine'),
    'waiting/flufl-acquire-gap.c': ('flufl-acquire-private.h', 'a step of a wait'),
    'waiting/flufl-acquire-order.c': ('flufl-acquire-private.h', 'a step of a wait'),
    'waiting/flufl-acquire-quiet.c': ('flufl-acquire-private.h', 'a step of a wait'),
    'waiting/flufl-acquire-turn.c': ('flufl-acquire-private.h', 'a step of a wait'),
    'waiting/flufl-acquire-time.c': ('flufl-acquire-private.h', 'a step of a wait'),
    'watching/flufl-watch-kqueue.c': ('flufl-watch.h', 'one of several watchers that do the same'),
    'watching/flufl-watch-none.c': ('flufl-watch.h', 'one of several watchers that do the same'),
    'watching/flufl-watch-windows.c': ('flufl-watch.h', 'one of several watchers that do the same'),
}

# The files that the build makes, and their rooms; None is for all.
GENERATED = {'config.h': None, 'flufl-version.h': FACE, 'flufl-enum-types.h': FACE}


def title(room):
    return room or 'the face'


def glib_part(header):
    """The library of GLib's to which a header belongs, or None."""
    if header.startswith('gio/'):
        return 'gio'
    if re.match(r'glib-object\.h$|gobject/', header):
        return 'gobject'
    if re.match(r'glib(-unix|-printf)?\.h$|glib/|gmodule\.h$', header):
        return 'glib'
    return None


class Law:
    def __init__(self, top, beyond, parts):
        self.top, self.beyond, self.parts = top, beyond, parts
        self.library = top / LIBRARY
        self.rooms = {}
        for path in sorted(self.library.rglob('*')):
            if path.is_file():
                room = path.parent.relative_to(self.library).as_posix()
                self.rooms.setdefault('' if room == '.' else room, []).append(path)
        self.headers = {path.name: room for room, paths in self.rooms.items()
                        for path in paths if path.suffix == '.h'}
        self.headers.update(GENERATED)

    def complaints(self):
        yield from self.of_table()
        for room, paths in self.rooms.items():
            if room not in BELOW:
                yield f'{LIBRARY}/{room} is no room: {paths[0].name}'
                continue
            for path in paths:
                name = path.relative_to(self.library).as_posix()
                text = path.read_text(encoding='utf-8')
                if path.suffix in ('.c', '.h'):
                    yield from self.of_source(room, name, text)
                elif path.name == 'meson.build':
                    yield from self.of_meson(room, name, text)
        for name in {*self.beyond, *self.parts}:
            if not (self.library / name).exists():
                yield f'{name} has an exception, and is gone'

    def of_table(self):
        """CONTRIBUTING.md has a row for each room."""
        text = (self.top / 'CONTRIBUTING.md').read_text(encoding='utf-8')
        rows = {name.rstrip('/') for name in re.findall(rf'^\| `{LIBRARY}/([\w/]*)` \|', text, re.MULTILINE)}
        for room in sorted(rows ^ BELOW.keys()):
            yield f'{title(room)}: a row of CONTRIBUTING.md or a rule of this test is missing'

    def of_source(self, room, name, text):
        includes = re.findall(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]*)[>"]', text, re.MULTILINE)
        used = set()
        for bracket, header in includes:
            beyond = self.beyond.get(name, (set(), ''))[0]
            base = os.path.basename(header)
            if base in self.headers:
                yield from self.of_own(room, name, header, self.headers[base])
            elif bracket == '"':
                yield f'{name} includes {header}, which is nowhere'
            elif header in beyond:
                used.add(header)
            elif glib_part(header) is not None:
                if glib_part(header) not in GLIB[room]:
                    yield f'{name} includes {header}, and {title(room)} must not use {glib_part(header)}'
            elif header not in HARMLESS | SYSTEM[room]:
                yield f'{name} includes {header}, which {title(room)} has no use for'
        for header in sorted(self.beyond.get(name, (set(), ''))[0] - used):
            yield f'{name} has an exception for {header}, and does not need it'
        if re.search(r'^[ \t]*#[ \t]*include[ \t]+[^<" \t]', text, re.MULTILINE):
            yield f'{name} includes what cannot be read here'
        for call in sorted(set(re.findall(r'\bg_weak_ref_\w+(?= \()', text))):
            yield f'{name} calls {call}(), in which a program can hang: see flufl-tie-private.h'
        if name.endswith('.c'):
            yield from self.of_its_header(name, {os.path.basename(header) for _, header in includes})

    def of_own(self, room, name, header, its_room):
        """Of a header of the library: where it is, and the way there."""
        if its_room is not None and its_room != room and its_room not in BELOW[room]:
            yield f'{name} includes {header}, and no door leads from {title(room)} to {title(its_room)}'
            return
        for step in header.split('/')[:-1]:
            if step in BELOW and step != room and step not in BELOW[room]:
                yield f'{name} includes {header}, and no door leads from {title(room)} to {step}'
                return
        if its_room is not None and '/' in header:
            there = os.path.normpath(os.path.join(LIBRARY, os.path.dirname(name), header))
            if there != os.path.normpath(os.path.join(LIBRARY, its_room, os.path.basename(header))):
                yield f'{name} includes {header}, which is not there but in {title(its_room)}'

    def of_its_header(self, name, included):
        stem = pathlib.PurePath(name).stem
        own = {f'{stem}.h', f'{stem}-private.h'}
        if name in self.parts:
            if own & self.headers.keys():
                yield f'{name} has a header of its own, and an exception for having none'
            elif self.parts[name][0] not in included:
                yield f'{name} does not include {self.parts[name][0]}, which declares what is in it'
        elif not own & included:
            yield f'{name} does not include a header of its own, {stem}.h'

    def of_meson(self, room, name, text):
        text = re.sub(r'#.*', '', text)
        allowed = set(LINKS[room])
        for other in {room, *BELOW[room]} - {FACE}:
            allowed |= {f'{other}_{kind}' for kind in ('lib', 'dep')}
        if room == FACE:
            allowed |= {'core_lib', 'core_dep', 'lib_dep'}
        for word in sorted(set(re.findall(r"(?<!['\w])\w+_(?:lib|dep)\b(?!')", text)) - allowed):
            yield f'{name} names {word}, and {title(room)} must not link it'
        if room != FACE:
            for call in re.findall(r'\b(dependency|find_library|link_args|subproject)\b', text):
                yield f'{name} uses {call}: what a room links has a name that this test knows'
            for where in re.findall(r'include_directories\s*\(([^)]*)\)', text):
                if where.strip() != "'.'":
                    yield f'{name} has include_directories ({where.strip()}), which leads to another room'


class Tree(unittest.TestCase):
    """A tree that keeps the law passes, and each tree that does not fails."""

    GOOD = {
        'CONTRIBUTING.md': ''.join(f'| `{LIBRARY}/{room}/` | | | |\n'.replace('//', '/') for room in BELOW),
        f'{LIBRARY}/flufl-lock.c': '#include "config.h"\n#include "flufl-lock.h"\n#include "flufl-engine.h"\n'
                                   '#include "flufl-claim.h"\n#include "flufl-process.h"\n',
        f'{LIBRARY}/flufl-lock.h': '#include <gio/gio.h>\n#include "flufl-version.h"\n',
        f'{LIBRARY}/meson.build': "core_lib = static_library('c', dependencies: waiting_dep)\n",
        f'{LIBRARY}/waiting/flufl-engine.c': '#include "flufl-engine.h"\n#include "flufl-watch.h"\n'
                                             '#include "../protocol/flufl-claim.h"\n',
        f'{LIBRARY}/waiting/flufl-engine.h': '#include <gio/gio.h>\n#include <poll.h>\n',
        f'{LIBRARY}/waiting/flufl-turn.c': '#include "flufl-engine.h"\n',
        f'{LIBRARY}/waiting/meson.build': "waiting_lib = static_library('w',\n"
                                          "    dependencies: [protocol_dep, watching_dep, gio_dep])\n",
        f'{LIBRARY}/protocol/flufl-claim.c': '#include "flufl-claim.h"\n#include "flufl-process.h"\n',
        f'{LIBRARY}/protocol/flufl-claim.h': '#include <glib.h>\n',
        f'{LIBRARY}/protocol/meson.build': "protocol_lib = static_library('p', 'protocol_dep',\n"
                                           "    include_directories: [lib_inc, include_directories('.')],\n"
                                           "    dependencies: [glib_dep, process_dep]) # not gio_dep\n",
        f'{LIBRARY}/watching/flufl-watch.c': '#include "flufl-watch.h"\n#include <gio/gio.h>\n',
        f'{LIBRARY}/watching/flufl-watch.h': '#include <glib.h>\n',
        f'{LIBRARY}/process/flufl-process.c': '#include "flufl-process.h"\n#include <pthread.h>\n',
        f'{LIBRARY}/process/flufl-process.h': '#include <glib.h>\n',
    }
    BEYOND = {'watching/flufl-watch.c': ({'gio/gio.h'}, 'it is tried')}
    PARTS = {'waiting/flufl-turn.c': ('flufl-engine.h', 'it is tried')}

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-rooms-')
        self.addCleanup(directory.cleanup)
        self.top = pathlib.Path(directory.name)
        for name, text in self.GOOD.items():
            self.write(name, text)

    def write(self, name, text):
        (self.top / name).parent.mkdir(parents=True, exist_ok=True)
        (self.top / name).write_text(text, encoding='utf-8')

    def plant(self, name, text):
        name = f'{LIBRARY}/{name}'
        self.write(name, (self.top / name).read_text(encoding='utf-8') + text)

    def says(self, *expected):
        self.assertEqual(list(Law(self.top, self.BEYOND, self.PARTS).complaints()), list(expected))

    def test_good(self):
        self.says()

    def test_weak_reference(self):
        self.plant('flufl-lock.c', '/* Not g_weak_ref_get(). */\nobject = g_weak_ref_get (&self->object);\n')
        self.says('flufl-lock.c calls g_weak_ref_get(), in which a program can hang: '
                  'see flufl-tie-private.h')

    def test_includes_upwards(self):
        """Through each door that does not open."""
        headers = {FACE: 'flufl-lock.h', 'waiting': 'flufl-engine.h', 'protocol': 'flufl-claim.h',
                   'watching': 'flufl-watch.h', 'process': 'flufl-process.h'}
        for room in BELOW:
            for other in BELOW.keys() - BELOW[room] - {room}:
                with self.subTest(room=room, other=other):
                    self.setUp()
                    name = f'{room}/{headers[room]}'.lstrip('/')
                    self.plant(name, f'#include "{headers[other]}"\n')
                    self.says(f'{name} includes {headers[other]}, and no door leads from '
                              f'{title(room)} to {title(other)}')

    def test_includes_generated_header_of_the_face(self):
        self.plant('protocol/flufl-claim.c', '#  include <flufl-version.h>\n')
        self.says('protocol/flufl-claim.c includes flufl-version.h, '
                  'and no door leads from protocol to the face')

    def test_includes_by_path(self):
        self.plant('watching/flufl-watch.h', '#include "../protocol/flufl-claim.h"\n')
        self.says('watching/flufl-watch.h includes ../protocol/flufl-claim.h, '
                  'and no door leads from watching to protocol')

    def test_includes_through_another_room(self):
        """The header may be included, and the way to it leads through a room that may not."""
        self.plant('watching/flufl-watch.h', '#include "../protocol/../process/flufl-process.h"\n')
        self.says('watching/flufl-watch.h includes ../protocol/../process/flufl-process.h, '
                  'and no door leads from watching to protocol')

    def test_includes_what_is_elsewhere(self):
        self.plant('waiting/flufl-engine.h', '#include "../watching/flufl-process.h"\n')
        self.says('waiting/flufl-engine.h includes ../watching/flufl-process.h, '
                  'which is not there but in process')

    def test_includes_what_is_nowhere(self):
        self.plant('waiting/flufl-engine.h', '#include "flufl-nothing.h"\n')
        self.says('waiting/flufl-engine.h includes flufl-nothing.h, which is nowhere')

    def test_includes_a_macro(self):
        self.plant('waiting/flufl-engine.h', '#include HEADER\n')
        self.says('waiting/flufl-engine.h includes what cannot be read here')

    def test_glib(self):
        for name, header, part in (('process/flufl-process.h', 'glib-object.h', 'gobject'),
                                   ('protocol/flufl-claim.c', 'gio/gio.h', 'gio'),
                                   ('protocol/flufl-claim.h', 'gobject/gobject.h', 'gobject'),
                                   ('watching/flufl-watch.h', 'gio/gunixinputstream.h', 'gio')):
            with self.subTest(name=name):
                self.setUp()
                self.plant(name, f'#include <{header}>\n')
                room = name.split('/')[0]
                self.says(f'{name} includes {header}, and {room} must not use {part}')

    def test_system(self):
        """A clock of its own, a directory of its own."""
        self.plant('protocol/flufl-claim.c', '#include <time.h>\n')
        self.plant('waiting/flufl-engine.c', '#include <dirent.h>\n')
        self.says('protocol/flufl-claim.c includes time.h, which protocol has no use for',
                  'waiting/flufl-engine.c includes dirent.h, which waiting has no use for')

    def test_links_upwards(self):
        for room in BELOW.keys() - {FACE}:
            for other in BELOW.keys() - BELOW[room] - {room, FACE}:
                for kind in 'dep', 'lib':
                    with self.subTest(room=room, other=other, kind=kind):
                        self.setUp()
                        self.write(f'{LIBRARY}/{room}/meson.build', f'x = [glib_dep, {other}_{kind}]\n')
                        self.says(f'{room}/meson.build names {other}_{kind}, and {room} must not link it')

    def test_links_the_face(self):
        self.plant('waiting/meson.build', 'x = declare_dependency(link_with: core_lib, dependencies: lib_dep)\n')
        self.says('waiting/meson.build names core_lib, and waiting must not link it',
                  'waiting/meson.build names lib_dep, and waiting must not link it')

    def test_links_gio(self):
        self.plant('protocol/meson.build', 'x = declare_dependency(dependencies: gio_dep)\n')
        self.says('protocol/meson.build names gio_dep, and protocol must not link it')

    def test_links_what_has_no_name(self):
        self.plant('protocol/meson.build', "x = dependency('gio-2.0')\n")
        self.plant('waiting/meson.build', "x = cc.find_library('m')\n")
        self.says("protocol/meson.build uses dependency: what a room links has a name that this test knows",
                  "waiting/meson.build uses find_library: what a room links has a name that this test knows")

    def test_looks_into_another_room(self):
        self.plant('protocol/meson.build', "x = include_directories('../waiting')\n")
        self.says("protocol/meson.build has include_directories ('../waiting'), which leads to another room")

    def test_no_header_of_its_own(self):
        self.write(f'{LIBRARY}/waiting/flufl-new.c', '#include "config.h"\n#include "flufl-engine.h"\n')
        self.says('waiting/flufl-new.c does not include a header of its own, flufl-new.h')

    def test_part_of_nothing(self):
        self.write(f'{LIBRARY}/waiting/flufl-turn.c', '#include "flufl-watch.h"\n')
        self.says('waiting/flufl-turn.c does not include flufl-engine.h, which declares what is in it')

    def test_exceptions_that_nobody_needs(self):
        self.write(f'{LIBRARY}/waiting/flufl-turn.h', '')
        self.write(f'{LIBRARY}/watching/flufl-watch.c', '#include "flufl-watch.h"\n')
        self.says('waiting/flufl-turn.c has a header of its own, and an exception for having none',
                  'watching/flufl-watch.c has an exception for gio/gio.h, and does not need it')

    def test_exceptions_for_what_is_gone(self):
        (self.top / LIBRARY / 'waiting' / 'flufl-turn.c').unlink()
        self.says('waiting/flufl-turn.c has an exception, and is gone')

    def test_new_room(self):
        self.write(f'{LIBRARY}/attic/flufl-old.c', '')
        self.says(f'{LIBRARY}/attic is no room: flufl-old.c')

    def test_table(self):
        text = self.GOOD['CONTRIBUTING.md'].replace('watching', 'attic')
        self.write('CONTRIBUTING.md', text)
        self.says('attic: a row of CONTRIBUTING.md or a rule of this test is missing',
                  'watching: a row of CONTRIBUTING.md or a rule of this test is missing')


class Library(unittest.TestCase):
    def test_law(self):
        complaints = list(Law(TOP, BEYOND, PARTS).complaints())
        if complaints:
            self.fail('\n'.join(['', *complaints]))

    def test_is_read(self):
        """A library that is not found would keep the law, too."""
        law = Law(TOP, BEYOND, PARTS)
        self.assertEqual(law.rooms.keys(), BELOW.keys())
        for paths in law.rooms.values():
            self.assertEqual({path.suffix for path in paths} & {'.c', '.h', '.build'}, {'.c', '.h', '.build'})


if __name__ == '__main__':
    TOP = pathlib.Path(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
