# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Other mounts and exports: NFS 4.1, soft mounts, several connections for a mount, root_squash
with a user on each client, and what becomes read-only for a while."""

import contextlib
import os
import pathlib
import subprocess

import read_only
import soft
import users
from check_caches import check_lifetimes
from check_storm import run_storms
from world import client_pid, on, wait_until

SHORT_S, FULL_S = 25, 120
LIFETIMES_S = (5,)
# A client gives up after a few seconds.
SOFT = 'soft,timeo=20,retrans=1'
MOUNTS = {
    '4.1': 'vers=4.1',
    '4.1-soft': f'vers=4.1,{SOFT}',
    '3-soft': f'vers=3,nolock,mountproto=tcp,{SOFT}',
    '4.2-nconnect': 'vers=4.2,nconnect=4',
}


def mounts_of(client):
    """The device and the options of what is mounted on the client, by directory."""
    lines = pathlib.Path(f'/proc/{client_pid(client)}/mounts').read_text().splitlines()
    return {words[1]: (words[0], words[3]) for words in map(str.split, lines)}


def mount(client, device, directory, options):
    subprocess.run([*on(client), 'mount', '-t', 'nfs', '-o', f'proto=tcp,{options}', device, directory],
                   check=True)


def unmount(client, directory):
    command = [*on(client), 'umount', directory]
    # A process that was killed may still have a call of its own.
    wait_until(lambda: subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0)


@contextlib.contextmanager
def mounted(world):
    """Mount all of them on both clients. The connections are those of all mounts of a version, so
    the mount that is to have several of them takes the place of the usual one."""
    for name in MOUNTS:
        os.makedirs(f'/nfs/{name}', exist_ok=True)
    for client in 'ab':
        there = mounts_of(client)
        unmount(client, '/nfs/4.2')
        for name, options in MOUNTS.items():
            device = there['/nfs/3' if name.startswith('3') else '/nfs/4.2'][0]
            mount(client, device, f'/nfs/{name}', options)
    try:
        yield
    finally:
        world.end_peers()
        for client in 'ab':
            device = mounts_of(client)['/nfs/4.1'][0]
            for name in MOUNTS:
                unmount(client, f'/nfs/{name}')
            mount(client, device, '/nfs/4.2', 'vers=4.2')


def has_option(name):
    option = MOUNTS[name].split(',')[-1] if name.endswith('nconnect') else MOUNTS[name].split(',')[0]
    return all(option in mounts_of(client)[f'/nfs/{name}'][1].split(',') for client in 'ab')


def run(world):
    with mounted(world):
        names = []
        for name in MOUNTS:
            if has_option(name):
                names.append(name)
            else:
                world.skip(f'NFS {name}', 'the kernel has not mounted it so')
        run_storms(world, names, ['ours', 'ours'], FULL_S if world.full else SHORT_S)
        check_lifetimes(world, LIFETIMES_S, names)
        world.end_peers()
        soft.run(world, [name for name in names if name.endswith('soft')])
    users.run(world)
    read_only.run(world)
