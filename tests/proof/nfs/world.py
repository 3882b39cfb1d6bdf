# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The parts that the checks in the guest share: its clients, processes on them that have a
lock, counts of the calls by each mount, and the numbers of passed and failed checks."""

import collections
import dataclasses
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = '3', '4.0', '4.2'
# Seconds after which a process that has not answered never will.
PATIENCE_S = 120
# The slop of both libraries, and the grace of this one, in seconds.
SLOP_S = 10
GRACE_S = 5
# Put before a command to give it process ids of its own, as on another machine. The clients have
# one kernel, and would otherwise know of each other's dead processes.
APART = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
STOOD_STILL = 'this machine stood still, and the holder lost its lock'


def client_pid(client):
    return int(pathlib.Path('/run/client', client).read_text())


def on(client):
    """The words to put before a command to run it on that client."""
    return ['nsenter', '-t', str(client_pid(client)), '-m', '-n', '-u', '--'] if client else []


@dataclasses.dataclass(frozen=True)
class People:
    """Who the processes are, and the directory in which they meet. Without users they are root."""

    name: str = ''
    users: tuple = () # the user of client a, and that of client b
    group: int = 0
    mode: int = 0o777

    def before(self, client):
        """The words to put before a command of the client's user."""
        if not self.users:
            return []
        user = self.users['ab'.index(client)]
        return ['setpriv', f'--reuid={user}', f'--regid={self.group}', '--clear-groups',
                'sh', '-c', 'umask 002; exec "$@"', 'sh']

    def __str__(self):
        return f', {self.name}' if self.name else ''


ROOTS = People()


def wait_until(condition, patience_s=PATIENCE_S, must=True):
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            if must:
                raise TimeoutError('what was waited for did not happen')
            return
        time.sleep(0.02)


class Stalls:
    """The times for which this machine stood still. A thread for each processor ticks, and
    notes when it is late: the host of a virtual machine may stop a single processor."""

    TICK_S = 0.02
    # Seconds by which any thread is late now and then.
    USUAL_S = 0.02

    def __init__(self):
        self._late = {processor: [] for processor in os.sched_getaffinity(0)}
        for each in self._late.items():
            threading.Thread(target=self._tick, args=each, daemon=True).start()

    def _tick(self, processor, late):
        os.sched_setaffinity(0, {processor}) # of this thread
        due = time.monotonic()
        while True:
            due += self.TICK_S
            time.sleep(max(due - time.monotonic(), 0))
            now = time.monotonic()
            if now - due > self.USUAL_S:
                late.append((due, now))
                due = now

    def between(self, begin, end):
        """The seconds between `begin` and `end` for which a processor stood still."""
        return max(sum(max(min(until, end) - max(since, begin), 0) for since, until in list(late))
                   for late in self._late.values())


class World:
    # Seconds of silence after which a line shows that the checks go on.
    SILENCE_S = 20

    def __init__(self, build, full):
        self.build = build
        self.programs = build / 'tests' / 'proof' / 'nfs'
        self.full = full
        self.stalls = Stalls()
        self.passed = self.failed = self.skipped = 0
        # Most messages of the processes are expected. The others show what was wrong.
        self.complaints = open('/guest-out/complaints.log', 'w')
        self._log = open('/guest-out/testlog.json', 'w')
        self._places = 0
        self._peers = []
        self._doing, self._since = 'start', time.monotonic()
        self._said = self._since
        threading.Thread(target=self._tell_that_it_goes_on, daemon=True).start()

    def _print(self, line):
        self._said = time.monotonic()
        print(line, flush=True)

    def _tell_that_it_goes_on(self):
        while True:
            time.sleep(1)
            now = time.monotonic()
            if now - self._said >= self.SILENCE_S:
                self.say(f'({self._doing}: for {now - self._since:.0f} s)')

    def say(self, text):
        self._print(f'     {text}')

    def begin(self, name):
        self._doing, self._since = name, time.monotonic()
        self.say(f'({name}: begins)')

    def end(self):
        self.say(f'({self._doing}: {time.monotonic() - self._since:.0f} s)')

    def _note(self, name, result, text):
        """Log the result as meson does, for scripts/tally.py."""
        print(json.dumps({'name': name, 'result': result, 'stdout': text}), file=self._log, flush=True)

    def check(self, name, good, detail=''):
        self._note(name, 'OK' if good else 'FAIL', '')
        if good:
            self.passed += 1
        else:
            self.failed += 1
        self._print(f'{"PASS" if good else "FAIL"} {name}{": " if detail else ""}{detail}')

    def check_time(self, name, good, begin, end, most, detail='', earliest=None):
        """Check that what began and ended then took at most `most` seconds, without those for
        which the machine stood still. It must not end before the time `earliest`, which is `begin`
        by default."""
        took, still = end - begin, self.stalls.between(begin, end)
        self.check(name, good and (begin if earliest is None else earliest) <= end and took <= most + still,
                   f'{detail}after {took:.2f} s' + (f', of which the machine stood still for {still:.2f}'
                                            if still else ''))

    def skip(self, name, why):
        self._note(name, 'SKIP', why)
        self.skipped += 1
        self._print(f'SKIP {name}: {why}')

    def place(self, version, people=ROOTS):
        """Make a new directory, and return its path on the clients."""
        self._places += 1
        name = f'place-{self._places}'
        os.mkdir(f'/export/{name}')
        os.chown(f'/export/{name}', 0, people.group)
        os.chmod(f'/export/{name}', people.mode)
        return f'/nfs/{version}/{name}'

    def peer(self, *arguments, **options):
        peer = Peer(self, *arguments, **options)
        self._peers.append(peer)
        return peer

    def end_peers(self):
        for peer in self._peers:
            peer.kill()
        self._peers.clear()


def judge_live(world, name, holder, waiter, detail=''):
    """Check that the waiter does not get in while the holder is alive and refreshes. If the
    machine stood still for too long, the holder must know of its loss before the waiter gets in."""
    got_in = waiter.has_answered()
    if holder.lost_at is None:
        world.check(name, not got_in, detail)
        return not got_in
    if got_in and waiter.peek()[2] < holder.lost_at:
        world.check(name, False, 'the waiter got in before the holder knew that it had lost')
    else:
        skip_lost(world, name, holder)
    return False


def skip_lost(world, name, holder):
    """Skip the check of a holder that lost its lock, and fail it if the machine went on."""
    still = world.stalls.between(holder.lost_at - 2 * holder.lifetime_s, holder.lost_at)
    if still > holder.lifetime_s / 10:
        world.skip(name, f'{STOOD_STILL}: {still:.2f} s')
    else:
        world.check(name, False, f'lost, and the machine stood still for {still:.2f} s only')


def files_in(place):
    """The names of the files in a place, as the server has them."""
    return sorted(os.listdir('/export/' + pathlib.Path(place).name))


class Peer:
    """A process on a client with one lock. The kind is `ours` or `flufl`. Its messages go to the
    file `words`, or to those of all processes."""

    def __init__(self, world, client, lock, lifetime_s=15, kind='ours', linger=False, without_links=False,
                 separator='|', environment=(), before=(), words=None):
        if kind == 'ours':
            command = [world.programs / 'nfs-peer', lock, str(int(lifetime_s * 1000)),
                       separator, *(['linger'] if linger else []),
                       *(['without-links'] if without_links else [])]
        else:
            command = [sys.executable, HERE.parent / 'interop' / 'peer.py', 'flufl', lock, separator]
        environment = dict(environment)
        if environment:
            environment['LD_PRELOAD'] = str(world.programs / 'nfs-preload.so')
        self.process = subprocess.Popen(
            [*on(client), *before, 'env', *(f'{key}={value}' for key, value in environment.items()),
             *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words or world.complaints, text=True,
            bufsize=1)
        self.lifetime_s = lifetime_s
        self.lost_at = None
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._is_ready = False

    def _read(self):
        for line in self.process.stdout:
            word, _, ms = line.strip().partition(' ')
            if word == 'loss':
                self.lost_at = time.monotonic()
            else:
                self._lines.put((word, float(ms or 0) / 1000, time.monotonic()))
        self._lines.put(('dead', 0, time.monotonic()))

    def tell(self, command):
        if not self._is_ready: # only now, so that many can start together
            self._is_ready = self.answer()[0] == 'ready'
        self.process.stdin.write(command + '\n')

    def answer(self, patience_s=PATIENCE_S):
        """The word, the seconds that the command took, and the time at which the answer came."""
        try:
            return self._lines.get(timeout=patience_s)
        except queue.Empty:
            return 'silence', patience_s, time.monotonic()

    def has_answered(self):
        return not self._lines.empty()

    def ask(self, command, patience_s=PATIENCE_S):
        self.tell(command)
        return self.answer(patience_s)

    def peek(self):
        return self._lines.queue[0]

    def end(self):
        """End the process as a program ends that has done its work."""
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Counter:
    """The calls to the server that a mount has made since the counter was made."""

    def __init__(self, client, version):
        self._path = f'/proc/{client_pid(client)}/mountstats'
        self._where = f' mounted on /nfs/{version} '
        self._before = self._read()

    def _read(self):
        calls = collections.Counter()
        here = counting = False
        for line in pathlib.Path(self._path).read_text().splitlines():
            if line.startswith('device '):
                here, counting = self._where in line, False
            elif here and 'per-op statistics' in line:
                counting = True
            elif here and counting and ':' in line:
                name, _, numbers = line.partition(':')
                calls[name.strip()] = int(numbers.split()[0])
        return calls

    def calls(self):
        return self._read() - self._before


def describe(calls, per=1):
    names = ', '.join(f'{name} {n / per:.3g}' for name, n in calls.most_common())
    return f'{sum(calls.values()) / per:.1f} ({names})'
