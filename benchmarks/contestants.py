# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The locks that scripts/bench compares, each with its driver.

A driver does one work for each line that it reads:

    cycle N            acquires and releases N times; answers with N times in ns
    contend N SECONDS  N processes take turns. Each waiter takes its last turn after the end, too.
                       Answers with all turns, the number in the file that each turn adds one to, the
                       turns that began before the end, the fewest and the most of these of a process,
                       the longest wait in µs, and the CPU time in µs
    hold               acquires; answers with the time on the monotonic clock, in ns
    release            releases; answers with the time right before
"""

import os
import pathlib
import select
import signal
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
START = 60  # seconds


class Failure(Exception):
    """A contestant did not do its work."""


class Contestant:
    def __init__(self, name, command, env=None, waits=False, contends=False, own=False,
                 asyncio=False):
        self.name, self.command, self.env = name, [str(part) for part in command], env
        self.waits, self.contends = waits, contends
        self.own = own  # of this library, or a floor: if it fails, so does the run
        self.asyncio = asyncio  # runs in a loop of asyncio, and has cycles only

    def start(self, directory):
        return Driver(self, directory)


class Driver:
    """A driver that runs, in a process group of its own."""

    def __init__(self, contestant, directory):
        self.name = contestant.name
        self.errors = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(
                [*contestant.command, contestant.name, str(directory)], start_new_session=True,
                env=contestant.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=self.errors)
        except OSError as error:
            self.errors.close()
            raise Failure(f'{error.filename}: {error.strerror}') from None
        self.buffer = b''

    def send(self, line):
        try:
            self.process.stdin.write(f'{line}\n'.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(self.last_words()) from None

    def receive(self, timeout):
        """The numbers of the next answer, or None after the timeout."""
        deadline = time.monotonic() + timeout
        while b'\n' not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            if not data:
                raise Failure(self.last_words())
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b'\n')
        return [int(number) for number in line.split()]

    def ask(self, line, timeout=START):
        self.send(line)
        answer = self.receive(timeout)
        if answer is None:
            raise Failure(f'no answer to "{line}" within {timeout:.0f} s')
        return answer

    def last_words(self):
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors='replace').strip().splitlines()
        # Node ends its messages with its version.
        lines = [line for line in lines if 'Error' in line or 'rror:' in line] or lines
        return lines[0].strip() if lines else f'ended with status {self.process.returncode}'

    def kill(self):
        """Kill the driver, and return the time right before."""
        now = time.monotonic_ns()
        self.process.send_signal(signal.SIGKILL)
        return now

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(0 if self.process.poll() is not None else 2)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


FILELOCKS = 'FileLock', 'SoftFileLock', 'StrictSoftFileLock', 'SoftFileLease'


def all_contestants(build, peers):
    """build has this library, and peers what scripts/bench has installed."""
    bench = pathlib.Path(build, 'benchmarks')
    peers = pathlib.Path(peers)
    python = [peers / 'venv' / 'bin' / 'python3', HERE / 'driver.py']
    python10 = [peers / 'venv10' / 'bin' / 'python3', HERE / 'driver.py']
    debian = ['/usr/bin/python3', HERE / 'driver.py']
    node = {**os.environ, 'NODE_PATH': str(peers / 'node_modules')}
    c = [bench / 'bench-driver']
    floors = 'plain C', 'plain C, claim kept', 'two empty hops'
    own = ('library, linger', 'library, heartbeat', 'library, async', 'library, async, linger')
    pygobject = 'PyGObject', 'PyGObject, timeout'
    return [
        Contestant('library', c, waits=True, contends=True, own=True),
        *(Contestant(name, c, own=True) for name in own + floors),
        *(Contestant(name, c, waits=True, contends=True, own=True)
          for name in ('bare flock', 'bare OFD lock')),
        Contestant('Vala', [bench / 'bench-driver-vala'], own=True),
        Contestant('GJS', ['gjs', '-m', HERE / 'driver.js'], own=True),
        *(Contestant(name, debian, own=True) for name in pygobject),
        Contestant('PyGObject, timeout and heartbeat', debian, waits=True, contends=True, own=True),
        Contestant('flufl.lock 8.2', python, waits=True, contends=True),
        Contestant('flufl.lock 10.0', python10, waits=True, contends=True),
        *(Contestant(name, python, waits=True, contends=True) for name in FILELOCKS),
        Contestant('portalocker', python, waits=True, contends=True),
        Contestant('QLockFile', debian, waits=True, contends=True),
        Contestant('proper-lockfile', ['node', HERE / 'driver-node.js'], env=node, waits=True),
        Contestant('PyGObject, async with', debian, own=True, asyncio=True),
        Contestant('two empty to_thread', debian, own=True, asyncio=True),
        Contestant('flufl.lock 8.2 in to_thread', python, asyncio=True),
        *(Contestant(f'Async{name}', python, asyncio=True) for name in FILELOCKS),
    ]


def commands(build, directory):
    """The commands that hold a lock while another runs, from their start to their end."""
    lock = f'{directory}/command.lock'
    return {
        'true alone': ['true'],
        'flufl-lock run': [f'{build}/command/flufl-lock', 'run', lock, '--', 'true'],
        'flock': ['flock', f'{lock}.flock', 'true'],
        'lckdo': ['lckdo', f'{lock}.lckdo', 'true'],
        'dotlockfile': ['dotlockfile', '-l', f'{lock}.dot', 'true'],
        'lockfile': ['sh', '-c', 'lockfile "$0" && true && rm -f "$0"', f'{lock}.procmail'],
    }
