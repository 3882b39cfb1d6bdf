# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""driver.py KIND DIRECTORY: what driver.c does, for the locks of Python.

A lock has its defaults, except that the kinds of PyGObject say what they have. Without a lock that
can be imported, the program ends with a message.
"""

import asyncio
import os
import resource
import sys
import time

NS = 10**9


class Flock:
    """Of filelock and portalocker, which have the same names for acquire and release."""

    def __init__(self, make):
        self.lock = make()

    def acquire(self):
        self.lock.acquire()

    def release(self):
        self.lock.release()

    def cycle(self):
        self.acquire()
        self.release()

    def cycles(self, n):
        times = []
        for _ in range(n):
            start = time.monotonic_ns()
            self.cycle()
            times.append(time.monotonic_ns() - start)
        return times


class Async:
    """Locks in a loop of asyncio. They have cycles only, by `async with` as the documentation of these locks shows it."""

    def __init__(self, make):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.lock = make()

    def cycles(self, n):
        return self.loop.run_until_complete(self.async_cycles(n))

    async def async_cycles(self, n):
        times = []
        for _ in range(n):
            start = time.monotonic_ns()
            async with self.lock:
                pass
            times.append(time.monotonic_ns() - start)
        return times


class InThreads:
    """Two calls in the threads of asyncio, for `async with`. What they return is not used."""

    def __init__(self, enter, leave):
        self.enter, self.leave = enter, leave

    async def __aenter__(self):
        await asyncio.to_thread(self.enter)

    async def __aexit__(self, *_):
        await asyncio.to_thread(self.leave)


class FluflLock(Flock):
    def acquire(self):
        self.lock.lock()

    def release(self):
        self.lock.unlock()


class QLockFile(FluflLock):
    def acquire(self):
        if not self.lock.lock():
            sys.exit('QLockFile does not lock')


class PyGObject(Flock):
    def __init__(self, make, timeout):
        super().__init__(make)
        self.timeout = timeout

    def cycle(self):
        self.lock.acquire(self.timeout)
        self.lock.release()

    def acquire(self):
        self.lock.acquire()


def of_filelock(name, wrapper=Flock):
    def make(directory):
        import filelock
        return wrapper(lambda: getattr(filelock, name)(f'{directory}/{name}'))
    return make


def of_flufl(directory):
    from flufl.lock import Lock
    return FluflLock(lambda: Lock(f'{directory}/flufl'))


def of_portalocker(directory):
    import portalocker
    # Its default is to give up after 5 s.
    return Flock(lambda: portalocker.Lock(f'{directory}/portalocker', timeout=3600))


def of_qt(directory):
    from PyQt5.QtCore import QLockFile as Lock
    return QLockFile(lambda: Lock(f'{directory}/qt'))


def of_pygobject(timeout, heartbeat):
    def make(directory):
        import gi
        gi.require_version('Flufl', '1')
        from gi.repository import Flufl
        chosen = {} if heartbeat else {'heartbeat': Flufl.Heartbeat.NONE}
        return PyGObject(lambda: Flufl.Lock(f'{directory}/x.lock', **chosen), timeout)
    return make


def of_pygobject_async(directory):
    import gi
    gi.require_version('Flufl', '1')
    from gi.repository import Flufl
    return Async(lambda: Flufl.Lock(f'{directory}/async.lock'))


def of_flufl_in_threads(directory):
    from flufl.lock import Lock
    lock = Lock(f'{directory}/flufl')
    return Async(lambda: InThreads(lock.lock, lock.unlock))


def of_empty_threads(_):
    return Async(lambda: InThreads(int, int))


KINDS = {
    'PyGObject': of_pygobject(0, False),
    'PyGObject, timeout': of_pygobject(10000, False),
    'PyGObject, timeout and heartbeat': of_pygobject(10000, True),
    'flufl.lock 8.2': of_flufl,
    'flufl.lock 10.0': of_flufl,
    'portalocker': of_portalocker,
    'QLockFile': of_qt,
    **{name: of_filelock(name)
       for name in ('FileLock', 'SoftFileLock', 'StrictSoftFileLock', 'SoftFileLease')},
    **{f'Async{name}': of_filelock(f'Async{name}', Async)
       for name in ('FileLock', 'SoftFileLock', 'StrictSoftFileLock', 'SoftFileLease')},
    'PyGObject, async with': of_pygobject_async,
    'flufl.lock 8.2 in to_thread': of_flufl_in_threads,
    'two empty to_thread': of_empty_threads,
}


def take_turns(make, directory, counter, start, until):
    """Take turns until a moment. Each adds one to the number in a file, in two calls."""
    lock, turns, timely, longest = make(directory), 0, 0, 0
    time.sleep(max(0, start - time.monotonic_ns()) / NS)
    while (asked := time.monotonic_ns()) < until:
        lock.acquire()
        got = time.monotonic_ns()
        longest = max(longest, got - asked)
        timely += got < until
        number = int.from_bytes(os.pread(counter, 8, 0), 'little')
        os.pwrite(counter, (number + 1).to_bytes(8, 'little'), 0)
        turns += 1
        lock.release()
    return turns, timely, longest


def contend(make, directory, n, seconds):
    counter = os.open(f'{directory}/counter', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.pwrite(counter, bytes(8), 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic_ns() + NS // 5
    reader, writer = os.pipe()
    for _ in range(n):
        if os.fork() == 0:
            try:
                took = take_turns(make, directory, counter, start, start + int(seconds * NS))
                os.write(writer, '{} {} {}\n'.format(*took).encode())
                status = 0
            except BaseException as error:  # the child must not return into the caller
                print(f'{type(error).__name__}: {error}', file=sys.stderr)
                status = 1
            os._exit(status)
    statuses = [os.wait()[1] for _ in range(n)]
    os.close(writer)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if any(statuses):
        sys.exit('a process of the contention failed')
    with open(reader, encoding='ascii') as file:
        turns, timely, longest = zip(*(map(int, line.split()) for line in file))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(sum(turns), int.from_bytes(os.pread(counter, 8, 0), 'little'), sum(timely), min(timely),
          max(timely), max(longest) // 1000, int(cpu * 1e6))
    os.close(counter)


def main(kind, directory):
    make = KINDS[kind]
    lock = make(directory)
    for line in sys.stdin:
        work, *numbers = line.split()
        if work == 'cycle':
            print(*lock.cycles(int(numbers[0])))
        elif work == 'contend':
            contend(make, directory, int(numbers[0]), float(numbers[1]))
        elif work == 'hold':
            lock.acquire()
            print(time.monotonic_ns())
        elif work == 'release':
            start = time.monotonic_ns()
            lock.release()
            print(start)
        sys.stdout.flush()


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except ImportError as error:
        sys.exit(str(error))
