#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Processes in several languages take turns at one file.

The file is a ledger: a number per line, the first for all and one for each
process. A turn is to read it, to think for a millisecond, and to write it back
with two numbers one higher, so that two turns at the same time lose one. The
processes do so first without a lock, then with one. What they say they did is
then compared with what the ledger says.

A worker is started as

    worker LEDGER ROW REST [LOCK]

and says `ready`. It is told when to end, in microseconds of the monotonic
clock, takes turns at least once and until then, and says how many it took and
for how many microseconds it waited for the longest. After each turn it rests
REST times as long as that took, but not past the end: flufl.lock looks only now
and then whether the lock is free, so it must be free now and then.
"""

import argparse
import asyncio
import importlib.metadata
import os
import pathlib
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
# Seconds after which a worker that has not answered never will.
PATIENCE_S = 90
MAX_PROCESSES = 100


class DemoError(Exception):
    pass


class DirectoryError(DemoError):
    pass


class WorkerError(DemoError):
    def __init__(self, kind, complaint):
        super().__init__(f'{kind.name}: {complaint}')
        self.kind = kind


class Kind:
    def __init__(self, name, *command):
        self.name = name
        self.command = [str(argument) for argument in command]


def flufl_version():
    try:
        return ' ' + importlib.metadata.version('flufl.lock')
    except importlib.metadata.PackageNotFoundError:
        return ''


def all_kinds(workers):
    return {
        'c': Kind('C', workers / 'worker-c'),
        'python': Kind('Python (PyGObject)', sys.executable, HERE / 'worker.py'),
        'gjs': Kind('JavaScript (GJS)', 'gjs', '-m', HERE / 'worker.js'),
        'vala': Kind('Vala', workers / 'worker-vala'),
        'flufl': Kind(f'Python (flufl.lock{flufl_version()})',
                      sys.executable, HERE / 'worker-flufl.py'),
    }


class Worker:
    def __init__(self, kind, row):
        self.kind = kind
        self.row = row
        self.process = None
        self.stderr = tempfile.TemporaryFile()
        self.turns = 0
        self.longest_wait_s = 0

    async def start(self, *arguments):
        try:
            # The worker has a session of its own, so that Ctrl-C reaches only this process.
            self.process = await asyncio.create_subprocess_exec(
                *self.kind.command, *map(str, arguments), start_new_session=True,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=self.stderr)
        except OSError as error:
            raise WorkerError(self.kind, f'cannot run {self.kind.command[0]}: '
                                         f'{error.strerror}') from None

    async def read_line(self, patience_s):
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), patience_s)
        except asyncio.TimeoutError:
            raise WorkerError(self.kind, 'a process is stuck') from None
        if not line:
            await self.end()
            raise self.failure()
        return line

    async def end(self):
        try:
            await asyncio.wait_for(self.process.wait(), PATIENCE_S)
        except asyncio.TimeoutError:
            raise WorkerError(self.kind, 'a process does not end') from None

    def failure(self):
        self.stderr.seek(0)
        said = self.stderr.read().decode(errors='replace').strip()
        return WorkerError(self.kind, f'a process failed with status {self.process.returncode}: '
                                      f'{said or "it did not say why"}')

    async def ready(self):
        await self.read_line(PATIENCE_S)

    async def work_until(self, end_s):
        self.process.stdin.write(f'{round(end_s * 1e6)}\n'.encode())
        line = await self.read_line(end_s - time.monotonic() + PATIENCE_S)
        turns, longest_wait_usec = line.split()
        self.turns = int(turns)
        self.longest_wait_s = int(longest_wait_usec) / 1e6
        await self.end()
        if self.process.returncode != 0:
            raise self.failure()

    async def stop(self):
        if self.process is not None:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
        self.stderr.close()


async def all_of(coroutines):
    """Waits for all. Fails with one failure of each kind."""
    failures = {}
    for result in await asyncio.gather(*coroutines, return_exceptions=True):
        if isinstance(result, WorkerError):
            failures.setdefault(result.kind, str(result))
        elif isinstance(result, BaseException):
            raise result
    if failures:
        raise DemoError('\n'.join(failures.values()))


class Ledger:
    def __init__(self, path, rows):
        self.path = path
        path.write_text(f'{0:10}\n' * rows)

    def rows(self):
        return [int(line) for line in self.path.read_text().splitlines()]


async def show_progress(ledger, end_s):
    """A line that counts down, on a terminal."""
    if not sys.stdout.isatty():
        return
    try:
        while True:
            left_s = end_s - time.monotonic()
            left = f'{left_s:3.0f} s left' if left_s > 0 else 'the last ones'
            print(f'\r  {left}, the ledger says {ledger.rows()[0]:,} ', end='', flush=True)
            await asyncio.sleep(0.25)
    finally:
        print('\r\033[K', end='', flush=True)


async def run_phase(kinds, processes, ledger, seconds, lock):
    """Run all workers at once. The lock, if any, is a path."""
    workers = [Worker(kind, 0) for kind in kinds for _ in range(processes)]
    progress = None
    try:
        for row, worker in enumerate(workers, 1):
            worker.row = row
        await all_of(worker.start(ledger.path, worker.row, 2 * len(workers),
                                  *([lock] if lock else []))
                     for worker in workers)
        await all_of(worker.ready() for worker in workers)
        end_s = time.monotonic() + seconds
        progress = asyncio.create_task(show_progress(ledger, end_s))
        await all_of(worker.work_until(end_s) for worker in workers)
        return workers
    finally:
        if progress is not None:
            progress.cancel()
            await asyncio.wait([progress])
        await asyncio.gather(*(worker.stop() for worker in workers))


def print_table(kinds, workers, rows):
    widths = [max(len(kind.name) for kind in kinds), 9, 12, 14, 12]

    def print_row(*cells):
        print('  '.join(f'{cell:{"<" if i == 0 else ">"}{width}}'
                        for i, (cell, width) in enumerate(zip(cells, widths))).rstrip())

    def print_sum(name, some, ledger):
        turns = sum(worker.turns for worker in some)
        longest_ms = max(worker.longest_wait_s for worker in some) * 1e3
        print_row(name, len(some), f'{turns:,}', f'{longest_ms:,.1f} ms', f'{turns - ledger:,}')

    print_row('kind', 'processes', 'acquisitions', 'longest wait', 'lost updates')
    for kind in kinds:
        some = [worker for worker in workers if worker.kind is kind]
        print_sum(kind.name, some, sum(rows[worker.row] for worker in some))
    print_row(*('-' * width for width in widths))
    print_sum('all', workers, rows[0])


def lost_updates(workers, rows):
    return sum(worker.turns for worker in workers) - rows[0]


def judge(kinds, workers, rows, directory, ledger):
    """The errors, as sentences."""
    if any(rows[worker.row] != worker.turns for worker in workers) or lost_updates(workers, rows):
        yield 'Updates were lost with the lock.'
    for kind in kinds:
        if not any(worker.turns for worker in workers if worker.kind is kind):
            yield f'{kind.name} did not get the lock once.'
    for name in sorted(os.listdir(directory)):
        if name != ledger.path.name:
            yield f'{name} was left behind.'


async def demonstrate(kinds, processes, directory, seconds):
    rows = 1 + len(kinds) * processes
    names = ', '.join(kind.name for kind in kinds)
    print(f'{rows - 1} processes, {processes} of each kind ({names}),\n'
          f'take turns at a ledger in {directory}.\n')

    without_s = min(max(seconds / 4, 1), 5)
    ledger = Ledger(directory / 'ledger-without-lock', rows)
    print(f'{without_s:g} s without the lock:')
    workers = await run_phase(kinds, processes, ledger, without_s, None)
    turns = sum(worker.turns for worker in workers)
    print(f'{turns:,} updates were made, {lost_updates(workers, ledger.rows()):,} were lost.\n')
    ledger.path.unlink()

    ledger = Ledger(directory / 'ledger', rows)
    print(f'{seconds:g} s with the lock:')
    workers = await run_phase(kinds, processes, ledger, seconds, directory / 'ledger.lock')
    rows = ledger.rows()
    print_table(kinds, workers, rows)

    faults = list(judge(kinds, workers, rows, directory, ledger))
    if faults:
        raise DemoError('\n'.join(faults))
    print('\nNo update was lost, every kind had its turns, and no file is left behind.')


def why_not(directory, error):
    """The reason why no file can be made there, in words."""
    if not os.path.exists(directory):
        return 'it does not exist'
    if not os.path.isdir(directory):
        return 'it is not a directory'
    if isinstance(error, FileNotFoundError): # /proc says so
        return 'no files can be made there'
    if isinstance(error, PermissionError):
        return 'it is not writable'
    return error.strerror


def make_directory(directory):
    """A new one in it, for the ledger and the lock."""
    if directory is None:
        directory = tempfile.gettempdir()
    try:
        os.stat(directory) # '' is no directory, and not the current one either
        return tempfile.TemporaryDirectory(prefix='flufllock-demo-', dir=directory)
    except OSError as error:
        raise DirectoryError(f'demo: the ledger cannot be put into {directory!r}, since '
                             f'{why_not(directory, error)}: choose with --dir a directory '
                             f'in which you may write.') from None


async def run(arguments):
    """The exit status."""
    this, received = asyncio.current_task(), []

    def stop(number):
        if not received:
            this.cancel()
        received.append(number)

    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        asyncio.get_running_loop().add_signal_handler(number, stop, number)

    try:
        with make_directory(arguments.dir) as name:
            await demonstrate(arguments.kinds, arguments.processes,
                              pathlib.Path(name).absolute(), arguments.seconds)
    except asyncio.CancelledError:
        print('Stopped.', file=sys.stderr)
        return 128 + received[0]
    except DirectoryError as error:
        print(error, file=sys.stderr)
        return 2
    except (DemoError, OSError) as error:
        print(f'\n{error}', file=sys.stderr)
        return 1
    return 0


def number(convert, lowest, highest, text):
    try:
        value = convert(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number') from None
    if not lowest <= value <= highest:
        raise argparse.ArgumentTypeError(f'{text} is not between {lowest} and {highest}')
    return value


def number_of_seconds(text):
    return number(float, 0.1, 86400, text)


def number_of_processes(text):
    return number(int, 1, MAX_PROCESSES, text)


def parse_arguments():
    known = ','.join(all_kinds(HERE))
    parser = argparse.ArgumentParser(
        prog='demo', description='Processes in several languages take turns at one file: '
        'first without a lock, then with one.')
    parser.add_argument('--seconds', type=number_of_seconds, default=10, metavar='N',
                        help='how long to run with the lock (%(default)s)')
    parser.add_argument('--dir', metavar='DIR',
                        help='put the file there, on an NFS mount, say (a temporary directory)')
    parser.add_argument('--kinds', default=known, metavar='KIND,...',
                        help='some of %(default)s (all)')
    parser.add_argument('--processes', type=number_of_processes, default=3, metavar='N',
                        help='of each kind (%(default)s)')
    parser.add_argument('--workers', type=pathlib.Path, metavar='DIR',
                        default=HERE.parents[1] / '_build' / 'tools' / 'demo',
                        help='where the built workers are (%(default)s)')
    arguments = parser.parse_args()

    kinds = all_kinds(arguments.workers.absolute())
    asked = list(dict.fromkeys(arguments.kinds.split(',')))
    for name in asked:
        if name not in kinds:
            parser.error(f'argument --kinds: {name!r} is not one of {known}')
    arguments.kinds = [kinds[name] for name in asked]
    return arguments


if __name__ == '__main__':
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(asyncio.run(run(parse_arguments())))
