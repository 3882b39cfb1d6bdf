# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The command flufl-lock on the mounts: a counter that shells of both clients share, a killed
front, and the words of doctor."""

import pathlib
import subprocess

from world import VERSIONS, on

TURNS = 15
PATIENCE_S = 300
STEP = 'n=$(cat "$0/count"); echo $((n + 1)) >"$0/count"'
LOOP = (f'i=0; while [ $i -lt {TURNS} ]; do i=$((i + 1)); '
        f'"$0" run -q "$1/count.lock" -- sh -c \'{STEP}\' "$1" || exit; done')


def run_on(client, *command):
    return subprocess.run([*on(client), *map(str, command)], capture_output=True, text=True,
                          timeout=PATIENCE_S)


def count(world, program, version):
    place = world.place(version)
    (pathlib.Path('/export') / pathlib.Path(place).name / 'count').write_text('0', encoding='ascii')
    shells = [subprocess.Popen([*on(client), 'sh', '-c', LOOP, program, place]) for client in 'ab']
    good = all([shell.wait(PATIENCE_S) == 0 for shell in shells])
    counted = (pathlib.Path('/export') / pathlib.Path(place).name / 'count').read_text(encoding='ascii').strip()
    world.check(f'shells on both clients, one counter, NFS {version}', good and int(counted) == 2 * TURNS,
                f'{counted} of {2 * TURNS}')


def kill_front(world, program, version):
    place = world.place(version)
    # The waiter gets the lock only after the command has ended.
    script = ('"$0" run "$1/k.lock" sh -c \'echo $$ >"$0/pid"; exec sleep 1000\' "$1" & '
              'until test -s "$1/pid"; do sleep 0.1; done; kill -9 $!; '
              '"$0" run -w 60 "$1/k.lock" sh -c \'! kill -0 $(cat "$0/pid")\' "$1"')
    result = run_on('a', 'sh', '-c', script, program, place)
    world.check(f'the front is killed, NFS {version}', result.returncode == 0, result.stderr.strip())


def doctor(world, program, version):
    result = run_on('a', program, 'doctor', f'/nfs/{version}')
    good = (result.returncode == 0 and 'NFS is safe.' in result.stdout
            and 'Hard links work, and are counted.' in result.stdout and 'Waiters poll' in result.stdout
            and ('NFS 4.0' in result.stdout) == (version == '4.0'))
    world.check(f'the words of doctor, NFS {version}', good, result.stdout if not good else '')


def doctor_of_options(world, program):
    script = ('mkdir -p /run/options && mount -t nfs -o "nocto,soft,vers=4.2" "$1:/" /run/options && '
              '"$0" doctor /run/options; umount /run/options')
    mounts = run_on('a', 'sh', '-c', 'grep " /nfs/4.2 " /proc/mounts').stdout
    result = run_on('a', 'sh', '-c', script, program, mounts.partition(':')[0])
    good = 'mounted with nocto' in result.stdout and 'mounted with soft' in result.stdout
    world.check('the words of doctor about nocto and soft', good, result.stdout if not good else '')


def run(world):
    program = world.build / 'command' / 'flufl-lock'
    if not program.exists():
        world.skip('flufl-lock', 'it was not built')
        return
    for version in VERSIONS if world.full else ['3', '4.2']:
        count(world, program, version)
        kill_front(world, program, version)
        doctor(world, program, version)
    doctor_of_options(world, program)
