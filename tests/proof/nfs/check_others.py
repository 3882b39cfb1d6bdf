# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Other file systems that fit on one machine. Where hard links work, the lock works. It works on
FAT and exFAT, too, and elsewhere if it is told that there are no hard links. Otherwise the library
reports that there are none."""

import os
import pathlib
import subprocess
import sys

TURNS = 20
MOUNTS = pathlib.Path(__file__).parent.parent / 'without-links' / 'test-mounts.py'
MOUNTS_S = 280
WORKS, REFUSED = 'held', 'unsupported'


def run_quietly(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def mount_sshfs(there, here):
    # The program that ssh would start at the other end.
    ssh = pathlib.Path('/run/ssh')
    ssh.write_text('#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n')
    ssh.chmod(0o755)
    run_quietly('sshfs', '-o', f'ssh_command={ssh}', f'localhost:{there}', here)


def mount_bindfs(there, here):
    run_quietly('bindfs', there, here)


def mount_9p(there, here):
    # A directory that QEMU shares with the host.
    there = pathlib.Path('/guest-out/9p')
    there.mkdir(exist_ok=True)
    run_quietly('mount', '--bind', there, here)


def mount_disk(there, here, mkfs, *mount):
    disk = pathlib.Path(f'{there}/disk')
    with open(disk, 'wb') as file:
        file.truncate(16 << 20)
    run_quietly(mkfs, disk)
    loop = subprocess.run(['losetup', '--find', '--show', disk], check=True, capture_output=True,
                          text=True).stdout.strip()
    run_quietly(*mount, loop, here)


def mount_exfat_fuse(there, here):
    mount_disk(there, here, 'mkfs.exfat', 'mount.exfat-fuse')


def mount_exfat(there, here):
    mount_disk(there, here, 'mkfs.exfat', 'mount', '-t', 'exfat')


def mount_vfat(there, here):
    mount_disk(there, here, 'mkfs.vfat', 'mount', '-t', 'vfat')


# How it is mounted, what becomes of a lock, the separator, and the property without-links. exFAT
# allows no | in names.
OTHERS = {
    '9p': (mount_9p, WORKS, '|', False),
    'bindfs': (mount_bindfs, WORKS, '|', False),
    'sshfs': (mount_sshfs, REFUSED, '|', False),
    'sshfs, without links': (mount_sshfs, WORKS, '|', True),
    'exfat-fuse': (mount_exfat_fuse, REFUSED, '^', False),
    'exfat-fuse, without links': (mount_exfat_fuse, WORKS, '|', True),
    'vfat': (mount_vfat, WORKS, '|', False),
    'exfat': (mount_exfat, WORKS, '|', False),
}


def check(world, name, mount, wanted, separator, without_links):
    there, here = (f'{parent}/{name.replace(", ", "-").replace(" ", "-")}' for parent in ('/export', '/run'))
    os.mkdir(there)
    os.mkdir(here)
    mount(there, here)
    one, two = (world.peer(None, f'{here}/lock', 15, separator=separator, without_links=without_links) for _ in range(2))
    word = one.ask('acquire 5000')[0]
    detail = word
    good = word == wanted
    if word == WORKS:
        shut_out = two.ask('acquire 0')[0]
        released = one.ask('release')[0]
        detail += f', the other: {shut_out}, release: {released}'
        for peer in one, two:
            peer.tell(f'cycles {TURNS}')
        turns = [peer.answer()[0] for peer in (one, two)]
        detail += f', turns of both: {turns}'
        good = good and (shut_out, released, *turns) == ('timed-out', 'done', 'done', 'done')
    left = [file for file in os.listdir(here) if file.startswith('lock')]
    world.check(f'on {name}', good and not left, f'{detail}, left: {left}')


def run(world):
    for name, how in OTHERS.items():
        try:
            check(world, name, *how)
        except (OSError, subprocess.CalledProcessError) as error:
            world.skip(f'on {name}', f'it could not be mounted: {error}')
        world.end_peers()
    for kind in ('vfat', 'exfat') if world.full else ():
        result = subprocess.run([sys.executable, '-B', MOUNTS, world.programs.parent / 'without-links' / 'mounts-worker',
                                 kind], check=False, capture_output=True, text=True, timeout=MOUNTS_S)
        world.check(f'a storm on {kind}', result.returncode == 0, result.stdout + result.stderr)
