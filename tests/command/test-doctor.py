# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""“flufl-lock doctor”: the right words for directories of several kinds."""

import ctypes
import json
import os
import shutil
import subprocess
import tempfile

import commandtest
from commandtest import BUSY, CANNOT_CREATE, USAGE, CommandTest

MS_RDONLY = 1
MNT_DETACH = 2


def fs_type(path):
    return subprocess.run(['stat', '-f', '-c', '%T', path], check=True, capture_output=True,
                          text=True).stdout.strip()


class Doctor(CommandTest):
    def examine(self, status, directory, *options, **kwargs):
        """Returns what it says in words, and its JSON; they must be of one mind."""
        before = sorted(os.listdir(directory))
        text = self.assert_run(status, 'doctor', *options, directory, **kwargs).stdout
        report = json.loads(self.assert_run(status, 'doctor', '--json', *options, directory, **kwargs).stdout)
        self.assertEqual(report['usable'], status == 0)
        self.assertEqual(len(text.splitlines()), len(report['examinations']))
        self.assertEqual(sorted(os.listdir(directory)), before)
        return text, {item['name']: item['verdict'] for item in report['examinations']}

    def examine_temporary(self, parent):
        with tempfile.TemporaryDirectory(dir=parent, prefix='flufl-doctor-') as directory:
            return self.examine(0, directory)

    def assert_local(self, text, verdicts, name):
        if 'does not show on which mount' in text:
            self.skipTest('the root of this chroot is no mount, so its file system has no name')
        self.assertIn(f'The file system is {name}', text)
        self.assertIn('Hard links work, and are counted.', text)
        self.assertIn('a waiter gets its lock within milliseconds', text)
        self.assertEqual((verdicts['create'], verdicts['links'], verdicts['lock'], verdicts['death']),
                         ('good',) * 4)
        self.assertNotIn('sticky', verdicts)

    def test_ext4(self):
        if fs_type(tempfile.gettempdir()) != 'ext2/ext3':
            self.skipTest('the directory for temporary files is not on ext4')
        self.assert_local(*self.examine_temporary(None), 'ext')

    def test_tmpfs(self):
        if not os.path.isdir('/dev/shm') or fs_type('/dev/shm') != 'tmpfs':
            self.skipTest('/dev/shm is not a tmpfs')
        self.assert_local(*self.examine_temporary('/dev/shm'), 'tmpfs')

    def test_sticky_directory(self):
        directory = self.dir / 'data.sticky'
        directory.mkdir()
        directory.chmod(0o1777)
        text, verdicts = self.examine(0, directory)
        self.assertEqual((verdicts['sticky'], verdicts['world-writable']), ('note', 'note'))
        self.assertIn('The sticky bit is set', text)

    def test_directory_without_permission(self):
        directory = self.dir / 'data.closed'
        directory.mkdir()
        directory.chmod(0o555)
        kwargs = self.as_another_user() if os.geteuid() == 0 else {}
        text, verdicts = self.examine(CANNOT_CREATE, directory, **kwargs)
        self.assertEqual((verdicts['permissions'], verdicts['create'], verdicts['lock']), ('bad',) * 3)
        self.assertIn('Permission denied', text)

    def test_read_only_mount(self):
        if os.geteuid() != 0:
            self.skipTest('only root may mount')
        directory = self.dir / 'data.mount'
        directory.mkdir()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b'none', os.fsencode(directory), b'tmpfs', MS_RDONLY, None) != 0:
            self.skipTest(f'could not mount a tmpfs: {os.strerror(ctypes.get_errno())}')
        self.addCleanup(libc.umount2, os.fsencode(directory), MNT_DETACH)
        text, verdicts = self.examine(CANNOT_CREATE, directory)
        self.assertEqual((verdicts['mount-option'], verdicts['create']), ('bad', 'bad'))
        self.assertIn('It is mounted read-only.', text)

    def mount(self, program, *args):
        """Returns a directory on which the program has mounted a file system by FUSE."""
        if os.geteuid() != 0 or shutil.which(program) is None or not os.access('/dev/fuse', os.R_OK | os.W_OK):
            self.skipTest(f'{program} is not installed, or may not mount')
        directory = self.dir / 'data.fuse'
        directory.mkdir()
        result = subprocess.run([program, *map(str, args), directory], check=False, capture_output=True,
                                timeout=commandtest.PATIENCE_S)
        if result.returncode != 0:
            self.skipTest(f'{program} does not mount here: {result.stderr}')
        libc = ctypes.CDLL(None)
        self.addCleanup(libc.umount2, os.fsencode(directory), MNT_DETACH)
        return directory

    def test_bindfs(self):
        there = self.dir / 'data.there'
        there.mkdir()
        text, verdicts = self.examine(0, self.mount('bindfs', there))
        self.assertEqual((verdicts['links'], verdicts['lock'], verdicts['death']), ('good', 'good', 'note'))
        self.assertIn('confirms each lock', text)
        self.assertIn('Waiters poll.', text)

    def test_sshfs(self):
        server = '/usr/lib/openssh/sftp-server'
        if not os.path.exists(server):
            self.skipTest(f'{server} is not installed')
        there, ssh = self.dir / 'data.there', self.dir / 'data.ssh'
        there.mkdir()
        ssh.write_text(f'#!/bin/sh\nexec {server}\n', encoding='utf-8')
        ssh.chmod(0o755)
        directory = self.mount('sshfs', '-o', f'ssh_command={ssh}', f'localhost:{there}')
        text, verdicts = self.examine(CANNOT_CREATE, directory)
        self.assertEqual((verdicts['links'], verdicts['lock']), ('bad', 'bad'))
        self.assertIn('sshfs does not show the number of hard links.', text)
        self.assertIn('only programs that set the property “without-links”', text.lower())
        self.assertEqual(verdicts['without-links'], 'note')
        self.assertEqual(os.listdir(there), [])
        text, verdicts = self.examine(0, directory, '--without-links')
        self.assertEqual((verdicts['links'], verdicts['lock'], verdicts['death']), ('note', 'good', 'note'))
        lock = directory / 'data.lock'
        self.assert_run(0, 'run', '--without-links', lock, 'true')
        self.assertIn('the option --without-links', self.assert_run(CANNOT_CREATE, 'run', lock, 'true').stderr)
        token = self.assert_run(0, 'hold', '--without-links', lock).stdout.strip()
        self.assert_run(BUSY, 'run', '--without-links', '-n', lock, 'true')
        self.assertIn(str(lock), self.assert_run(0, 'list', '--without-links', directory).stdout)
        self.assert_run(0, 'release', '--without-links', token)
        self.assertEqual(os.listdir(there), [])

    def test_fat(self):
        if shutil.which('mkfs.vfat') is None:
            self.skipTest('mkfs.vfat is not installed')
        disk = self.dir / 'data.disk'
        with open(disk, 'wb') as file:
            file.truncate(16 << 20)
        subprocess.run(['mkfs.vfat', disk], check=True, capture_output=True)
        directory = self.mount('fusefat', '-o', 'rw+', disk)
        text, verdicts = self.examine(CANNOT_CREATE, directory)
        self.assertEqual((verdicts['names'], verdicts['links'], verdicts['times'], verdicts['lock']),
                         ('bad', 'bad', 'note', 'bad'))
        self.assertIn('There are no hard links here', text)

    def test_file_system_without_files(self):
        text = self.assert_run(CANNOT_CREATE, 'doctor', '/proc').stdout
        self.assertIn('The file system is proc', text)
        self.assertIn('BAD   No file can be made here', text)
        self.assertIn('BAD   No lock can be acquired here.', text)

    def test_relative_and_missing(self):
        self.assertIn('good', self.assert_run(0, 'doctor', '.', cwd=self.dir).stdout)
        self.assert_run(CANNOT_CREATE, 'doctor', self.dir / 'missing')
        (self.dir / 'data.txt').touch()
        self.assertIn('is not a directory', self.assert_run(CANNOT_CREATE, 'doctor', self.dir / 'data.txt').stderr)
        self.assert_run(USAGE, 'doctor')


if __name__ == '__main__':
    commandtest.main()
