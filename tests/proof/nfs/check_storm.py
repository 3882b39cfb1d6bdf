# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Processes on both clients take turns at a ledger, and are killed and started again at
random. No two of them are ever inside together, and no update is lost. Without a common
lock the check sees violations at once."""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

from world import HERE, ROOTS, VERSIONS, on, wait_until

SHORT_S, FULL_S = 25, 300
KILL_EVERY_S = 4
# Milliseconds: short, so that a dead holder does not cost the whole run.
LIFETIME_MS = {'ours': 5000, 'flufl': 15000, 'apart': 5000}
PATIENCE_S = 90
CONTROL_S = 60


class Storm:
    def __init__(self, world, version, kinds, people=ROOTS):
        self.world, self.version, self.kinds, self.people = world, version, kinds, people
        self.place = world.place(version, people)
        self.witness = pathlib.Path(f'/dev/shm/witness-{pathlib.Path(self.place).name}')
        self.witness.mkdir()
        (self.witness / 'log').touch()
        ledger = pathlib.Path('/export', pathlib.Path(self.place).name, 'ledger')
        ledger.write_text(f'{0:10}\n')
        os.chown(ledger, -1, people.group)
        for path in self.witness, self.witness / 'log', ledger:
            path.chmod(0o777)
        self.workers = {}
        self.kills = 0
        for client in 'ab':
            for number, kind in enumerate(kinds):
                self.start(f'{client}-{kind}-{number}')

    def start(self, name):
        client, kind, _ = name.split('-')
        program = ([sys.executable, HERE / 'storm.py'] if kind == 'flufl'
                   else [self.world.programs / 'nfs-storm'])
        self.workers[name] = subprocess.Popen(
            [*on(client), *self.people.before(client), *program, name, self.place, self.witness, str(LIFETIME_MS[kind])])

    def kill_one(self):
        name = random.choice(list(self.workers))
        self.workers[name].kill()
        self.workers[name].wait()
        self.kills += 1
        self.start(name)

    def end(self):
        (self.witness / 'stop').touch()
        give_up = time.monotonic() + PATIENCE_S
        stuck = []
        for name, worker in self.workers.items():
            try:
                worker.wait(max(give_up - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                stuck.append(name)
                worker.kill()
                worker.wait()
        return stuck

    def lines(self):
        return (self.witness / 'log').read_text().splitlines()

    def overlaps(self):
        return sum(line.startswith('overlap') for line in self.lines())

    def judge(self, seconds, stuck):
        lines = self.lines()
        turns = [line.split()[1:] for line in lines if line.startswith('turn ')]
        wrong = [line for line in lines if not line.startswith('turn ')]
        numbers = [int(number) for _, number in turns]
        lost = sum(after <= before for before, after in zip(numbers, numbers[1:]))
        # A process that is killed may have written without a report.
        unsaid = max(numbers, default=0) - len(numbers) + lost
        hand_offs = sum(one[0] != two[0] for one, two in zip(turns, turns[1:]))
        crossings = sum(one[0][0] != two[0][0] for one, two in zip(turns, turns[1:]))
        shares = ', '.join(f'{name} {sum(turn[0] == name for turn in turns)}'
                           for name in sorted(self.workers))
        files = os.listdir('/export/' + pathlib.Path(self.place).name)
        left = [name for name in files if name == 'lock']
        claims = sum('|T' in name for name in files)
        name = f'storm, NFS {self.version}{self.people}, {" and ".join(dict.fromkeys(self.kinds))}'
        good = (not wrong and not lost and not stuck and not left and unsaid <= self.kills
                and crossings > 0)
        self.world.check(
            name, good, f'{len(turns)} turns, {hand_offs / seconds:.1f} hand-offs a second '
            f'({crossings / seconds:.1f} between clients), {self.kills} killed, '
            f'{self.overlaps()} overlaps, {lost} lost updates, '
            f'{claims} claims of the killed are left')
        self.world.say(shares)
        for complaint in [*wrong[:5], *(f'{name} is stuck' for name in stuck),
                          *(f'{name} is left' for name in left)]:
            self.world.say(complaint)
        shutil.rmtree(self.witness)


def check_control(world):
    """The check finds violations where there is no common lock."""
    storms = [Storm(world, version, ['apart', 'apart']) for version in VERSIONS]
    wait_until(lambda: all(storm.overlaps() for storm in storms), CONTROL_S, must=False)
    for storm in storms:
        storm.end()
        world.check(f'a storm without a common lock is seen, NFS {storm.version}', storm.overlaps() > 0)
        shutil.rmtree(storm.witness)


def run_storms(world, versions, kinds, seconds, people=ROOTS, kills=True):
    storms = [Storm(world, version, kinds, people) for version in versions]
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        time.sleep(KILL_EVERY_S)
        for storm in storms if kills else ():
            storm.kill_one()
    stuck = [storm.end() for storm in storms]
    took = time.monotonic() - start
    for storm, who in zip(storms, stuck):
        storm.judge(took, who)


def run(world):
    random.seed()
    check_control(world)
    seconds = FULL_S if world.full else SHORT_S
    for kinds in (['ours', 'ours'], ['ours', 'flufl']) if world.full else [['ours', 'ours', 'flufl']]:
        run_storms(world, VERSIONS, kinds, seconds)
