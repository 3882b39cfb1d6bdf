# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""What scripts/bench measures. Each work takes the run, and returns its figures.

The contestants take turns within each round, in an order that differs from round to round. A
contestant's figures are a list with its median in each round, and the 99th percentile of all.
"""

import contextlib
import os
import pathlib
import random
import re
import subprocess
import tempfile
import time

import contestants
import rounds

FOREIGN = 50000
# After a round that took longer than this in seconds, a contestant has no further round.
LONG = 2.5
SETTLE = .02, .12  # seconds until a waiter sleeps, at whatever moment between its polls


class Figures:
    """Of one work: for each contestant the medians of the rounds, and all samples for the p99."""

    def __init__(self):
        self.medians, self.samples, self.notes = {}, {}, {}

    def add(self, name, number, samples):
        """The samples of a round. A round that failed has None in the list."""
        of = self.medians.setdefault(name, [])
        of += [None] * (number - len(of))
        of.append(rounds.median(samples))
        self.samples.setdefault(name, []).extend(samples)

    def note(self, name, text):
        self.notes[name] = text

    def as_json(self, unit, baseline, against=None):
        """against has the baseline of those contestants that have one of their own."""
        entries = {}
        for name in {**self.medians, **self.notes}:
            entry = entries[name] = {}
            if name in self.medians:
                entry['rounds'] = [m and round(m, 6) for m in self.medians[name]]
                entry['p99'] = round(rounds.quantile(self.samples[name], .99), 6)
                entry['samples'] = len(self.samples[name])
            if name in self.notes:
                entry['note'] = self.notes[name]
            if against and name in against:
                entry['against'] = against[name]
        return {'unit': unit, 'baseline': baseline, 'entries': entries}


def slug(name):
    """A name for a directory."""
    return re.sub(r'\W+', '-', name)


@contextlib.contextmanager
def directory_in(run):
    with tempfile.TemporaryDirectory(prefix='flufl-bench-', dir=run.directory) as place:
        yield pathlib.Path(place)


def in_turns(names, number):
    """The names in the order of a round."""
    names = list(names)
    at = number % len(names) if names else 0
    return names[at:] + names[:at]


@contextlib.contextmanager
def drivers_in(directory, which, shared=False):
    """Start a driver for each contestant, in directories of their own or in one, and end them."""
    found = {}
    try:
        for contestant in which:
            place = directory if shared else directory / slug(contestant.name)
            place.mkdir(exist_ok=True)
            found[contestant.name] = (contestant, contestant.start(place))
        yield found
    finally:
        for _, driver in found.values():
            driver.end()


def cycles(run, figures, number, running, n, suffix=''):
    for name in in_turns(running, number):
        contestant, driver = running[name]
        try:
            times = driver.ask(f'cycle {n}')
        except contestants.Failure as failure:
            run.fail(contestant, failure)
            del running[name]
        else:
            figures.add(name + suffix, number, [t / 1000 for t in times])


def cycles_alone(run, which, n):
    """Acquires and releases, with nobody else there."""
    figures = Figures()
    with directory_in(run) as directory, drivers_in(directory, which) as running:
        for _, driver in list(running.values()):
            with contextlib.suppress(contestants.Failure):
                driver.ask('cycle 20')  # to get warm; what fails here fails below, too
        for number in run.rounds(9, 25):
            cycles(run, figures, number, running, n)
    return figures


def cycle(run):
    which = [c for c in run.present() if not c.asyncio]
    return cycles_alone(run, which, run.scale(40, 200)).as_json('µs', 'library')


def cycle_asyncio(run):
    which = [c for c in run.present() if c.asyncio]
    return cycles_alone(run, which, run.scale(20, 100)).as_json('µs', 'PyGObject, async with')


BESIDE = ('library', 'library, linger', 'flufl.lock 8.2', 'flufl.lock 10.0', 'FileLock',
          'SoftFileLock', 'SoftFileLease', 'QLockFile', 'proper-lockfile')


def beside(run):
    """The same beside foreign names, against the same without them."""
    figures = Figures()
    which = [c for c in run.present() if c.name in BESIDE]
    with directory_in(run) as alone, directory_in(run) as crowded:
        for i in range(FOREIGN):
            os.close(os.open(crowded / f'message-{i}.eml', os.O_CREAT | os.O_WRONLY))
        with drivers_in(alone, which, True) as quiet, drivers_in(crowded, which, True) as busy:
            for number in run.rounds(5, 15):
                for side, suffix in in_turns([(quiet, ', alone'), (busy, '')], number):
                    cycles(run, figures, number, side, run.scale(20, 100), suffix)
    return figures.as_json('µs', None, {c.name: f'{c.name}, alone' for c in which})


def hand_off_once(holder, waiter, patience, settle=SETTLE):
    """Seconds from the release until the waiter holds, or None if it waits for longer."""
    holder.ask('hold')
    waiter.send('hold')
    time.sleep(random.uniform(*settle))
    start, = holder.ask('release')
    got = waiter.receive(patience)
    if got is None:
        return None
    waiter.ask('release')
    return (got[0] - start) / 1e9


HAND_OFF = re.compile(r'(quiet|traffic) +(bare|sync|async) +p50 +([\d.]+) us.*p99 +([\d.]+) us')
HAND_OFF_NAMES = {
    ('quiet', 'bare'): 'bare inotify, short wait',
    ('quiet', 'sync'): 'library, short wait',
    ('quiet', 'async'): 'library, async, short wait',
    ('traffic', 'bare'): 'bare inotify, short wait, busy directory',
    ('traffic', 'sync'): 'library, short wait, busy directory',
    ('traffic', 'async'): 'library, async, short wait, busy directory',
}


def hand_off(run):
    """From the release of a holder until a waiter in another process holds.

    handoff.c has the short waits, of the library beside bare inotify. The longer a process has
    waited, the less of it is left in the caches of the processors, so neither wait is compared
    with the other.
    """
    figures, patience, slow = Figures(), run.scale(10, 60), set()
    which = [c for c in run.present() if c.waits]
    with directory_in(run) as directory, contextlib.ExitStack() as stack:
        pairs = {}
        for contestant in which:
            place = directory / slug(contestant.name)
            place.mkdir()
            pairs[contestant.name] = contestant, [contestant.start(place) for _ in range(2)]
            for driver in pairs[contestant.name][1]:
                stack.callback(driver.end)
        for number in run.rounds(4, 15):
            for line in run.lines_of(run.bench / 'bench-handoff', directory, run.scale(20, 100)):
                found = HAND_OFF.match(line)
                if found:
                    name = HAND_OFF_NAMES[found[1], found[2]]
                    figures.add(name, number, [float(found[3])])
                    figures.samples[name][-1] = float(found[4])  # the p99 of the round
            for name in in_turns(pairs, number):
                contestant, pair = pairs[name]
                if name in slow:
                    continue
                try:
                    began, times = time.monotonic(), []
                    while len(times) < run.scale(8, 40) and time.monotonic() < began + run.scale(.3, 4):
                        took = hand_off_once(*pair, patience)
                        if took is None:
                            raise contestants.Failure(f'no hand-off within {patience} s')
                        times.append(took * 1e6)
                except contestants.Failure as failure:
                    run.fail(contestant, failure)
                    slow.add(name)
                else:
                    figures.add(name, number, times)
                    if time.monotonic() - began > LONG and run.quick:
                        slow.add(name)
    return figures.as_json('µs', 'library',
                           dict.fromkeys(HAND_OFF_NAMES.values(), 'library, short wait'))


def kill_once(contestant, directory, patience):
    """Seconds from SIGKILL of the holder until the waiter holds, or None after the patience."""
    holder, waiter = contestant.start(directory), contestant.start(directory)
    try:
        for request in 'hold', 'release':  # the interpreter of the waiter has started then
            waiter.ask(request)
        holder.ask('hold')
        waiter.send('hold')
        time.sleep(random.uniform(*SETTLE))
        start = holder.kill()
        got = waiter.receive(patience)
        return None if got is None else (got[0] - start) / 1e9
    finally:
        holder.end()
        waiter.end()


def killed(run):
    """From the SIGKILL of a holder until a waiter holds."""
    figures, patience, slow = Figures(), run.scale(1.5, 60), set()
    which = {c.name: c for c in run.present() if c.waits}
    with directory_in(run) as directory:
        for number in run.rounds(2, 10):
            for name in in_turns(which, number):
                place = directory / f'{slug(name)}-{number}'
                place.mkdir()
                if name in slow:
                    continue
                try:
                    took = kill_once(which[name], place, patience)
                except contestants.Failure as failure:
                    run.fail(which[name], failure)
                    slow.add(name)
                    continue
                if took is None:
                    figures.note(name, f'not within {patience} s')
                else:
                    figures.add(name, number, [took * 1000])
                if took is None or took > LONG:
                    slow.add(name)
    return figures.as_json('ms', 'library')


def contention(run, n):
    """Processes that take turns without pauses. Each turn adds one to a number in a file."""
    figures, slow, seconds = Figures(), set(), run.scale(.3, 2)
    cpu, longest, fair, lost = {}, {}, {}, {}
    which = {c.name: c for c in run.present() if c.contends}
    with directory_in(run) as directory, drivers_in(directory, which.values()) as running:
        for number in run.rounds(3, 7):
            for name in in_turns(running, number):
                if name in slow:
                    continue
                began = time.monotonic()
                try:
                    turns, in_file, timely, low, high, wait, used = running[name][1].ask(
                        f'contend {n} {seconds}', seconds + run.scale(20, 300))
                except contestants.Failure as failure:
                    run.fail(which[name], failure, f'{n} processes')
                    slow.add(name)
                    continue
                if timely > 0:
                    figures.add(name, number, [timely / seconds])
                    cpu.setdefault(name, []).append(used / turns)
                    fair.setdefault(name, []).append(low / max(high, 1))
                longest.setdefault(name, []).append(wait / 1000)
                lost[name] = lost.get(name, 0) + turns - in_file
                if time.monotonic() - began > seconds + run.scale(LONG / 2, LONG):
                    slow.add(name)
    for name in longest:
        figures.note(name, f'{rounds.median(cpu.get(name, [0])):.0f} µs CPU a turn, longest wait '
                           f'{max(longest[name]):.0f} ms, fewest/most turns '
                           f'{rounds.median(fair.get(name, [0])):.2f}'
                           + (f', **{lost[name]} turns were not exclusive**' if lost[name] else ''))
        if lost[name] and which[name].own:
            run.failures.append(f'{name}, {n} processes: {lost[name]} turns were not exclusive')
    result = figures.as_json('turns/s', 'library')
    for name, values in cpu.items():
        result['entries'][name]['cpu'] = [round(value, 3) for value in values]
    return result


def command(run):
    """A command that runs `true` while it holds a lock, from its start to its end."""
    figures = Figures()
    with directory_in(run) as directory:
        commands = {name: words for name, words in
                    contestants.commands(run.build, directory).items() if run.has_command(name, words)}
        for number in run.rounds(9, 25):
            for name in in_turns(commands, number):
                times = []
                for _ in range(run.scale(5, 20)):
                    start = time.perf_counter_ns()
                    status = subprocess.run(commands[name], stdin=subprocess.DEVNULL).returncode
                    times.append((time.perf_counter_ns() - start) / 1e6)
                    if status != 0:
                        run.failures.append(f'{name} ended with status {status}')
                figures.add(name, number, times)
    return figures.as_json('ms', 'flufl-lock run')


def tasks_usage(pid):
    """CPU time in µs, and context switches, of the threads of a process."""
    cpu = switches = 0
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        cpu += int((task / 'schedstat').read_text().split()[0]) / 1000
        status = (task / 'status').read_text()
        switches += sum(int(n) for n in re.findall(r'ctxt_switches:\s+(\d+)', status))
    return cpu, switches


def idle(run):
    """Waiters that have waited for a while, and nothing happens. Nobody works here, so the
    contestants need no rounds, and are measured at once."""
    figures, settle, measured = Figures(), run.scale(8, 30), run.scale(8, 20)
    switches = {}
    with directory_in(run) as directory, contextlib.ExitStack() as stack:
        waiters = {}
        for contestant in run.present():
            if not contestant.waits:
                continue
            place = directory / slug(contestant.name)
            place.mkdir()
            holder, waiter = contestant.start(place), contestant.start(place)
            stack.callback(holder.end)
            stack.callback(waiter.end)
            try:
                holder.ask('hold')
                waiter.send('hold')
            except contestants.Failure as failure:
                run.fail(contestant, failure)
            else:
                waiters[contestant.name] = waiter
        many = subprocess.Popen([str(run.bench / 'bench-idle'), str(directory), str(settle),
                                 str(measured), '1000'], text=True, stdout=subprocess.PIPE)
        stack.callback(many.kill)
        time.sleep(settle)
        before = {name: tasks_usage(waiter.process.pid) for name, waiter in waiters.items()}
        time.sleep(measured)
        for name, waiter in waiters.items():
            cpu, switched = tasks_usage(waiter.process.pid)
            figures.add(name, 0, [(cpu - before[name][0]) / measured])
            switches[name] = (switched - before[name][1]) / measured
        out, _ = many.communicate(timeout=120)
        found = re.search(r'1000 waiters: ([\d.]+) ms CPU, (\d+) switches', out)
        if many.returncode != 0 or not found:
            run.failures.append('bench-idle failed')
        else:
            figures.add('library, 1,000 waiters', 0, [float(found[1]) * 1000 / measured])
            switches['library, 1,000 waiters'] = int(found[2]) / measured
    for name, value in switches.items():
        figures.note(name, f'{value:.1f} wake-ups a second')
    return figures.as_json('µs CPU/s', None)


# Works that a quick run leaves out unless it is asked for them.
LONG_WORKS = 'contention-128', 'contention-512'


def works():
    """The works by name: the title and the function."""
    found = {
        'cycle': ('An acquisition and a release, nobody else there', cycle),
        'asyncio': ('An acquisition and a release under asyncio, nobody else there', cycle_asyncio),
        'beside': (f'The same beside {FOREIGN:,} foreign names', beside),
        'hand-off': ('From a release until a waiter holds', hand_off),
        'killed': ('From the SIGKILL of the holder until a waiter holds', killed),
        'command': ('A command under a lock, from its start to its end', command),
        'idle': ('A waiter for which nothing happens', idle),
    }
    for n in 2, 8, 32, 128, 512:
        found[f'contention-{n}'] = (f'Turns of {n} processes', lambda run, n=n: contention(run, n))
    return found
