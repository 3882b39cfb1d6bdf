# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""nfs.py BUILDDIR OUTPUT ROUNDS: what a lock costs on NFS, in the guest of scripts/test-nfs.

Client a counts its calls to the server. Drivers on both clients hand a lock from a to b.
OUTPUT gets the figures as JSON.
"""

import datetime
import json
import pathlib
import platform
import sys

import contestants
import works

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = '3', '4.2'
EXPORT, MOUNTS = '/export', '/nfs'  # of the server and of its clients
CYCLES = 10
# The seconds for which a waiter has waited at the release, and the hand-offs of each in a round.
# After about two seconds a waiter of this library polls every 0.5 to 1 s.
WAITS = {'short': ((.02, .12), 3), 'long': ((3, 4), 2)}
PATIENCE = 60


def all_contestants(build):
    c = [build / 'benchmarks' / 'bench-driver']
    return [contestants.Contestant('library', c, waits=True, own=True),
            contestants.Contestant('library, linger', c, own=True),
            contestants.Contestant('flufl.lock 8.2', [sys.executable, '-B', HERE / 'driver.py'],
                                   waits=True)]


def on_client(contestant, client):
    """The contestant as a process on that client."""
    return contestants.Contestant(contestant.name, [*world.on(client), *contestant.command])


class Site:
    """A version of NFS. Each contestant has a driver on client a, and one on client b if it can wait."""

    def __init__(self, version, which):
        self.version, self.which = version, which
        self.cycles, self.hand_offs = works.Figures(), works.Figures()
        self.calls = {contestant.name: [] for contestant in which}
        self.pairs = {}
        for contestant in which:
            name = f'bench-{works.slug(contestant.name)}-{version}'
            pathlib.Path(EXPORT, name).mkdir()
            clients = 'ab' if contestant.waits else 'a'
            self.pairs[contestant.name] = [
                on_client(contestant, client).start(f'{MOUNTS}/{version}/{name}') for client in clients]

    def count(self, name, number):
        """The milliseconds, and the calls to the server, of uncontended cycles."""
        driver = self.pairs[name][0]
        driver.ask('cycle 3')  # a kept claim that was long unused is gone: this makes a new one
        counter = world.Counter('a', self.version)
        times = driver.ask(f'cycle {CYCLES}')
        calls = counter.calls()
        self.cycles.add(name, number, [ns / 1e6 for ns in times])
        self.calls[name].append({call: n / CYCLES for call, n in calls.most_common()})

    def hand_off(self, name, wait, number):
        settle, n = WAITS[wait]
        times = [works.hand_off_once(*self.pairs[name], PATIENCE, settle) for _ in range(n)]
        if None in times:
            raise contestants.Failure(f'{name}: no hand-off within {PATIENCE} s')
        self.hand_offs.add(f'{name}, {wait} wait', number, [s * 1000 for s in times])

    def round(self, number):
        for name in works.in_turns(self.pairs, number):
            self.count(name, number)
        waiting = [c.name for c in self.which if c.waits]
        for wait in works.in_turns(WAITS, number):
            for name in works.in_turns(waiting, number):
                self.hand_off(name, wait, number)

    def as_json(self):
        cycles = self.cycles.as_json('ms', 'flufl.lock 8.2')
        for name, calls in self.calls.items():
            cycles['entries'][name]['calls'] = calls
        against = {f'library, {wait} wait': f'flufl.lock 8.2, {wait} wait' for wait in WAITS}
        hand_offs = self.hand_offs.as_json('ms', 'flufl.lock 8.2', against)
        for name, samples in self.hand_offs.samples.items():
            hand_offs['entries'][name]['all'] = [round(sample, 3) for sample in samples]
        return {'cycle': cycles, 'hand-off': hand_offs}

    def end(self):
        for drivers in self.pairs.values():
            for driver in drivers:
                driver.end()


def main(build, output, n_rounds):
    sites = []
    try:
        for version in VERSIONS:
            sites.append(Site(version, all_contestants(pathlib.Path(build))))
        for number in range(int(n_rounds)):
            print(f'Round {number + 1} of {n_rounds} …', file=sys.stderr, flush=True)
            for site in works.in_turns(sites, number):
                site.round(number)
    finally:
        for site in sites:
            site.end()
    pathlib.Path(output).write_text(json.dumps({
        'date': datetime.date.today().isoformat(),
        'kernel': f'{platform.system()} {platform.release()}',
        'emulated': pathlib.Path('/guest-out/accel').read_text(encoding='ascii').strip() == 'tcg',
        'rounds': int(n_rounds),
        'versions': {site.version: site.as_json() for site in sites},
    }, indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    sys.path.insert(0, str(HERE.parent / 'tests' / 'proof' / 'nfs'))
    import world
    main(*sys.argv[1:])
