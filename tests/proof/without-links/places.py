# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""File systems mounted for a test: a file on a loop device, and servers by ssh, by gvfs and on this
machine, each with two clients. Missing says why one cannot be had here."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

DISK_MB = 32
MOUNT_S = 60


class Missing(Exception):
    pass


def run(*command, **options):
    """Runs a command; what it says on its failure is the reason to skip."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=MOUNT_S, **options).stdout
    except FileNotFoundError as error:
        raise Missing(f'{command[0]} is not installed') from error
    except subprocess.TimeoutExpired as error:
        raise Missing(f'{command[0]} does not end') from error
    except subprocess.CalledProcessError as error:
        raise Missing(f'{command[0]}: {error.stderr.strip().splitlines()[:1] or error}') from error


def find_program(*paths):
    path = next((path for path in paths if os.access(path, os.X_OK)), None)
    if path is None:
        raise Missing(f'there is no {paths[0]}')
    return path


class Disk:
    """A file system in a file, on a loop device."""

    def __init__(self, scratch, mkfs, *mount, small_files_need_space=True):
        if os.geteuid() != 0:
            raise Missing('only root mounts a file')
        self.loop, self.command = None, mount
        self.is_kernels = mount[0] == 'mount'
        self.small_files_need_space = small_files_need_space
        self.image = scratch / 'image'
        with open(self.image, 'wb') as file:
            file.truncate(DISK_MB << 20)
        run(*mkfs.split(), self.image)
        place = scratch / 'disk'
        place.mkdir()
        self.places = [place]
        self.loop = run('losetup', '--find', '--show', self.image).strip()
        try:
            self.mount()
        except Missing:
            run('losetup', '--detach', self.loop)
            raise

    def mount(self):
        run(*self.command, self.loop, self.places[0])

    def unmount_at_once(self):
        """Files that are open stay, and the paths are gone."""
        run('umount', '--lazy', self.places[0])

    def pull_out(self):
        """All that has not been read yet cannot be read any more."""
        os.truncate(self.image, 0)
        run('losetup', '--set-capacity', self.loop)

    def remove(self):
        if os.path.ismount(self.places[0]):
            self.unmount_at_once()
        run('losetup', '--detach', self.loop)


class Clients:
    """One directory, seen through two mounts, as by two clients."""

    def __init__(self, scratch):
        if not os.access('/dev/fuse', os.R_OK | os.W_OK):
            raise Missing('there is no /dev/fuse')
        self.scratch = scratch
        self.there = scratch / 'there'
        self.there.mkdir()
        self.places = []
        try:
            self.set_up()
            for name in 'one', 'two':
                here = scratch / name
                here.mkdir()
                self.places.append(self.mount(here))
        except Missing:
            self.remove()
            raise

    def set_up(self):
        pass


class Sshfs(Clients):
    """sshfs, with the program that ssh would start at the other end in ssh's place."""

    def set_up(self):
        server = find_program('/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server')
        ssh = self.scratch / 'ssh'
        # gvfs asks which ssh this is.
        ssh.write_text(f'#!/bin/sh\n[ "$1" != -V ] || {{ echo OpenSSH_9.2 >&2; exit; }}\nexec {server}\n')
        ssh.chmod(0o755)
        self.options = [f'ssh_command={ssh}']
        self.host = 'localhost'

    def mount(self, here):
        options = [part for option in self.options for part in ('-o', option)]
        run('sshfs', *options, f'{self.host}:{self.there}', here)
        return here

    def remove(self):
        for place in self.places:
            run('fusermount', '-u', '-z', place)


class SshfsDaemon(Sshfs):
    """sshfs through ssh, TCP on the loopback interface, and an sshd of its own."""

    CONFIG = '''
ListenAddress 127.0.0.1
Port {port}
HostKey {dir}/host
PidFile {dir}/pid
AuthorizedKeysFile {dir}/key.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
'''
    sshd = None

    def set_up(self):
        sshd = [find_program('/usr/sbin/sshd')]
        if os.geteuid() == 0 and not os.path.isdir('/run/sshd'):
            # An sshd of root needs this directory, and gets one that nobody else sees.
            sshd = ['unshare', '--mount', '--', 'sh', '-euc',
                    'mount -t tmpfs none /run; mkdir -m 755 /run/sshd; exec "$@"', 'sh', *sshd]
        for name in 'host', 'key':
            run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', self.scratch / name)
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        config = self.scratch / 'sshd_config'
        config.write_text(self.CONFIG.format(port=port, dir=self.scratch))
        self.sshd = subprocess.Popen([*sshd, '-D', '-f', config], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.await_port(port)
        self.host = '127.0.0.1'
        self.options = [f'port={port}', f'IdentityFile={self.scratch}/key', 'IdentitiesOnly=yes',
                        'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes']

    def await_port(self, port):
        end = time.monotonic() + MOUNT_S
        while self.sshd.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 1):
                return
            time.sleep(0.05)
        raise Missing('sshd does not start')

    def remove(self):
        try:
            super().remove()
        finally:
            if self.sshd is not None:
                self.sshd.terminate()
                self.sshd.wait(MOUNT_S)


class Gvfs(Sshfs):
    """gvfs over sftp, each client in a session and on a bus of its own."""

    SESSION = '''
gvfsd --replace & daemon=$!
until busctl --user status org.gtk.vfs.Daemon; do sleep 0.1; done >/dev/null 2>&1
gvfsd-fuse "$XDG_RUNTIME_DIR/gvfs" -f & fuse=$!
until grep -q " $XDG_RUNTIME_DIR/gvfs " /proc/self/mountinfo; do sleep 0.1; done
gio mount "$1" </dev/null && echo mounted
read line
gio mount --unmount "$1" </dev/null
kill $fuse $daemon
'''

    def set_up(self):
        self.sessions = []  # remove() needs it, whatever is missing
        super().set_up()
        for program in 'dbus-run-session', 'gio', 'busctl':
            if shutil.which(program) is None:
                raise Missing(f'{program} is not installed')
        self.path = os.pathsep.join([str(self.scratch), os.environ['PATH'],
                                     os.path.dirname(find_program('/usr/libexec/gvfsd', '/usr/lib/gvfs/gvfsd'))])
        find_program('/usr/libexec/gvfsd-sftp', '/usr/lib/gvfs/gvfsd-sftp')
        find_program('/usr/libexec/gvfsd-fuse', '/usr/lib/gvfs/gvfsd-fuse')

    def mount(self, here):
        (here / 'gvfs').mkdir()
        here.chmod(0o700)
        env = dict(os.environ, PATH=self.path, XDG_RUNTIME_DIR=str(here), GIO_USE_VOLUME_MONITOR='unix')
        session = subprocess.Popen(['timeout', '280', 'dbus-run-session', '--', 'sh', '-c', self.SESSION, 'sh',
                                    f'sftp://localhost{self.there}'],
                                   env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.DEVNULL)
        self.sessions.append((session, here))
        for line in session.stdout:
            if line == 'mounted\n':
                return pathlib.Path(f'{here}/gvfs/sftp:host=localhost{self.there}')
        raise Missing('gvfs does not mount')

    def remove(self):
        for session, here in self.sessions:
            with contextlib.suppress(BrokenPipeError):
                session.stdin.close()
            session.stdout.read()
            session.wait(MOUNT_S)
            # The mount may have outlived its server.
            subprocess.run(['fusermount', '-u', '-z', here / 'gvfs'], check=False, capture_output=True)


class Bindfs(Clients):
    """A directory of this machine, through two processes of FUSE."""

    def mount(self, here):
        run('bindfs', self.there, here)
        return here

    def remove(self):
        for place in self.places:
            run('fusermount', '-u', '-z', place)


class Rclone(Clients):
    """A directory of this machine, through two mounts by rclone."""

    def mount(self, here):
        run('rclone', 'mount', f':local:{self.there}', here, '--daemon', '--config', '/dev/null')
        return here

    def remove(self):
        for place in self.places:
            run('fusermount', '-u', '-z', place)


class Portal(Clients):
    """Flatpak's document portal, on a bus of its own: one directory, as the user and as an application
    see it."""

    APP = 'org.example.App'
    SESSION = '''
"$1/xdg-permission-store" & store=$!
"$1/xdg-document-portal" & portal=$!
until grep -q " $XDG_RUNTIME_DIR/doc " /proc/self/mountinfo; do sleep 0.1; done
/usr/bin/python3 -c "$2" "$3" "$4"
read line
kill $portal $store
'''
    ADD = '''
import os, sys
from gi.repository import Gio, GLib
PORTAL = 'org.freedesktop.portal.Documents'
directory = Gio.UnixFDList.new()
directory.append(os.open(sys.argv[1], os.O_PATH | os.O_DIRECTORY))
arguments = GLib.Variant('(ahusas)', ([0], 8, sys.argv[2], ['read', 'write']))
ids, _ = Gio.bus_get_sync(Gio.BusType.SESSION).call_with_unix_fd_list_sync(
    PORTAL, '/org/freedesktop/portal/documents', PORTAL, 'AddFull', arguments, None, 0, 10000, directory)[0]
print('added', ids[0], flush=True)
'''
    session = None

    def set_up(self):
        if shutil.which('dbus-run-session') is None:
            raise Missing('dbus-run-session is not installed')
        daemons = os.path.dirname(find_program('/usr/libexec/xdg-document-portal'))
        self.home = self.scratch / 'home'
        self.home.mkdir(mode=0o700)
        env = dict(os.environ, XDG_RUNTIME_DIR=str(self.home), XDG_DATA_HOME=str(self.home), HOME=str(self.home))
        self.session = subprocess.Popen(['timeout', '580', 'dbus-run-session', '--', 'sh', '-c', self.SESSION, 'sh',
                                         daemons, self.ADD, self.there, self.APP],
                                        env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL)
        for line in self.session.stdout:
            if line.startswith('added '):
                document = line.split()[1]
                self.views = [self.home / 'doc' / view / document / self.there.name
                              for view in ('', f'by-app/{self.APP}')]
                return
        raise Missing('the document portal takes no directory')

    def mount(self, _here):
        return self.views.pop()

    def remove(self):
        if self.session is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self.session.stdin.close()
        self.session.stdout.read()
        self.session.wait(MOUNT_S)
        # The mount may have outlived its server.
        subprocess.run(['fusermount', '-u', '-z', self.home / 'doc'], check=False, capture_output=True)


# For each kind how to make its place, and whether its locks need the property; None: it is refused.
KINDS = {
    'vfat': (lambda scratch: Disk(scratch, 'mkfs.vfat', 'mount', '-t', 'vfat'), False),
    'exfat': (lambda scratch: Disk(scratch, 'mkfs.exfat', 'mount', '-t', 'exfat'), False),
    'exfat-fuse': (lambda scratch: Disk(scratch, 'mkfs.exfat', 'mount.exfat-fuse'), True),
    'sshfs': (Sshfs, True),
    'sshd': (SshfsDaemon, True),
    'gvfs-sftp': (Gvfs, True),
    'ntfs-3g': (lambda scratch: Disk(scratch, 'mkfs.ntfs --force --quick', 'ntfs-3g',
                                     small_files_need_space=False), False),
    'bindfs': (Bindfs, False),
    'portal': (Portal, False),
    'rclone': (Rclone, None),
}
