# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""Locks on a cluster file system that scripts/test-clusters has mounted three times: clients a and b,
and c, whose clock is an hour ahead."""

import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

BUILD = Path(os.environ['FLUFL_BUILD'])
PLACE = Path(os.environ['FLUFL_CLUSTER_DIR'])
A, B, AHEAD = (PLACE / client for client in 'abc')
PEER = str(BUILD / 'tests/proof/nfs/nfs-peer')
STORM = str(BUILD / 'tests/proof/nfs/nfs-storm')
GRACE = 5
SLOP = 10
ATTRIBUTES = 1  # the time for which a client caches them


class Peer:
    """A process with one lock: tests/proof/nfs/peer.c."""

    def __init__(self, path, lifetime=15, before=()):
        self.process = subprocess.Popen([*before, PEER, str(path), str(int(lifetime * 1000)), '|'],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.process.stdout.readline()

    def ask(self, words):
        self.process.stdin.write(words + '\n')
        while True:
            answer = self.process.stdout.readline().split()
            if not answer or answer[0] != 'loss':
                return answer[0] if answer else 'gone'

    def kill(self):
        self.process.kill()
        self.process.wait()
        for pipe in self.process.stdin, self.process.stdout:
            pipe.close()


class Clusters(unittest.TestCase):
    def setUp(self):
        self.number = self.id().rpartition('.')[2]

    def peer(self, client, *arguments, **options):
        peer = Peer(client / f'{self.number}.lock', *arguments, **options)
        self.addCleanup(peer.kill)
        return peer

    def acquired_after(self, client, lifetime=15):
        begun = time.monotonic()
        peer = self.peer(client, lifetime)
        self.assertEqual(peer.ask('acquire 120000'), 'held')
        taken = time.monotonic() - begun
        self.assertEqual(peer.ask('release'), 'done')
        return taken

    def test_killed_holder(self):
        """The lock of a killed process rests for the grace, here and on the other client."""
        for client in A, B:
            holder = self.peer(A)
            self.assertEqual(holder.ask('acquire 60000'), 'held')
            holder.kill()
            taken = self.acquired_after(client)
            print(f'killed holder, client {client.name}: {taken:.1f} s')
            self.assertGreaterEqual(taken, GRACE - ATTRIBUTES)

    def test_orphan(self):
        """A lock file without its claim rests, is recovered, and rests again."""
        holder = self.peer(A)
        self.assertEqual(holder.ask('acquire 60000'), 'held')
        holder.kill()
        claim, = A.glob(f'{self.number}.lock|*')
        claim.unlink()
        taken = self.acquired_after(B)
        print(f'orphan: {taken:.1f} s')
        self.assertGreaterEqual(taken, 2 * GRACE - ATTRIBUTES)

    def test_dead_elsewhere(self):
        """The lock of a process that died on another machine is had when it is overdue."""
        elsewhere = ['unshare', '--pid', '--fork', '--mount-proc', '--uts', '--kill-child']
        holder = self.peer(A, 5, before=elsewhere)
        self.assertEqual(holder.ask('acquire 60000'), 'held')
        time.sleep(10)  # two lifetimes: the heartbeat has refreshed the lock several times
        holder.kill()
        taken = self.acquired_after(B, 5)
        print(f'dead elsewhere: {taken:.1f} s')
        self.assertGreaterEqual(taken, SLOP)

    def test_wrong_clock(self):
        """A client whose clock is an hour ahead breaks no live lock."""
        library, = Path('/usr/lib').glob('*/faketime/libfaketimeMT.so.1')
        ahead = ['unshare', '--pid', '--fork', '--mount-proc', '--uts', '--kill-child', 'env',
                 f'LD_PRELOAD={library}', 'FAKETIME=+1h', 'FAKETIME_DONT_FAKE_MONOTONIC=1']
        holder = self.peer(A)
        self.assertEqual(holder.ask('acquire 60000'), 'held')
        waiter = self.peer(AHEAD, before=ahead)
        self.assertEqual(waiter.ask('acquire 25000'), 'timed-out')
        self.assertEqual(holder.ask('check'), 'yes')
        self.assertEqual(holder.ask('release'), 'done')

    def test_storm(self):
        """Eight processes on two clients, which are killed at times, take turns."""
        place = f'{self.number}.d'
        (A / place).mkdir()
        (A / place / 'ledger').write_text('0\n')
        with tempfile.TemporaryDirectory() as witness:
            (Path(witness) / 'log').touch()

            def start(client, number):
                return subprocess.Popen([STORM, f'{client.name}-{number}', str(client / place), witness, '5000'])

            names = [(client, number) for client in (A, B) for number in range(4)]
            processes = {name: start(*name) for name in names}
            for kill in range(10):
                time.sleep(2)
                name = names[kill % len(names)]
                processes[name].send_signal(signal.SIGKILL)
                processes[name].wait()
                processes[name] = start(*name)
            (Path(witness) / 'stop').touch()
            for process in processes.values():
                self.assertEqual(process.wait(timeout=180), 0)
            lines = (Path(witness) / 'log').read_text().splitlines()
        turns = [line for line in lines if line.startswith('turn')]
        print(f'storm: {len(turns)} turns in 20 s, with 10 killed processes')
        self.assertGreater(len(turns), 20)
        self.assertEqual([line for line in lines if line.startswith(('overlap', 'error'))], [])


if __name__ == '__main__':
    unittest.main()
