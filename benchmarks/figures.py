# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""figures.py BUILDDIR DIRECTORY…: run the benchmarks and judge. See run."""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import mixed

HERE = pathlib.Path(__file__).resolve().parent
NUMBER = r'\s*([\d.]+)'
PROCESSES = 8, 32, 128
failed = []


def load():
    return f'load {" ".join(f"{n:.1f}" for n in os.getloadavg())}, {os.cpu_count()} processors'


def row(what, figure, asked='', met=None):
    print(f'  {what:34} {figure:58} {asked:24} '
          + {None: '', True: 'met', False: 'NOT MET'}[met], flush=True)


def lines_of(*command):
    result = subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE)
    if result.returncode != 0:
        failed.append(f'{command[0]} ended with status {result.returncode}')
    return result.stdout.splitlines()


def numbers(pattern, line):
    return [float(n) for n in re.search(pattern.replace(' ', r'\s*').replace('#', NUMBER),
                                        line).groups()]


def cycle(bench, directory):
    print('\nAcquire and release, nobody else there')
    p50 = {}
    for line in (lines_of(bench / 'bench-cycle', directory)
                 + lines_of(sys.executable, HERE / 'cycle.py', directory)):
        found = re.match(r'  (\S.*?)\s+p50 +([\d.]+) us +p99 +([\d.]+)', line)
        if found:
            name, p50[found[1]], p99 = found[1], float(found[2]), float(found[3])
            row(name, f'p50 {p50[name]:8.1f} µs   p99 {p99:8.1f} µs')
    ours, linger = p50['library'], p50['library, linger']
    ratio = ours / p50['plain C']
    row('library / plain C', f'{ratio:.2f}', 'at most 1.15', ratio <= 1.15)
    row('linger / plain C, claim kept', f'{linger / p50["plain C, claim kept"]:.2f}')
    ratio = ours / linger
    row('linger is faster than without', f'{ratio:.2f} times', 'at least 3 times', ratio >= 3)
    ratio = p50['filelock.FileLock'] / linger
    row("… and than Python's filelock", f'{ratio:.2f} times', 'faster', ratio > 1)


def hand_off(bench, directory):
    print('\nFrom the release until the next holds; bare: inotify in plain C; hop: and one more thread')
    p50 = {}
    for line in lines_of(bench / 'bench-handoff', directory, 500):
        where, kind = line.split()[:2]
        p50[where, kind], p90, p99 = numbers('p50 # us p90 # us p99 #', line)
        bare = p50[where, 'bare']
        figure = (f'p50 {p50[where, kind]:7.1f} µs  p90 {p90:8.1f}  p99 {p99:8.1f}'
                  f'  {p50[where, kind] / bare:5.2f} × bare')
        asked = '', None
        if kind == 'sync':
            asked = 'at most 2 × bare', p50[where, kind] <= 2 * bare
        elif kind == 'async':
            hop = max(p50[where, 'hop'] - bare, 0)
            asked = (f'at most sync + {hop:.0f} µs',
                     p50[where, kind] <= p50[where, 'sync'] + hop)
        row(f'{where}, {kind}', figure, *asked)


def killed(bench, directory):
    print('\nFrom the SIGKILL of the holder until the next holds')
    for line in lines_of(bench / 'bench-killed', directory, 50):
        kind = line.split()[0]
        if 'p50' in line:
            p50, longest = numbers('p50 # ms longest #', line)
            row(kind, f'p50 {p50:8.3f} ms  longest {longest:8.3f} ms', 'p50 under 100 ms', p50 < 100)
        else:
            row(kind, 'none can be made here')


FIGURES = re.compile(r'([\d.]+)/s +([\d.]+) ms CPU +([\d.]+) fair +([\d.]+) ms longest +(\d+) overlaps')
ROUNDS = 5


def contention(bench, directory, seconds):
    print(f'\nMany processes, sections of 0.1 ms, {ROUNDS} rounds of {seconds:g} s: medians')
    modes = 'plain', 'stopped', 'killed'
    found = {(mode, n): [] for mode in modes for n in PROCESSES}
    # The kinds take turns in rounds, so that a machine that gets slower gets slower for all.
    for _ in range(ROUNDS):
        for n in PROCESSES:
            for mode in modes:
                line, = lines_of(bench / 'bench-contention', directory, n, seconds, mode) or ['']
                figures = FIGURES.search(line)
                if not figures:
                    failed.append(f'{n} processes, {mode}: no figures')
                    return
                found[mode, n].append([float(figure) for figure in figures.groups()])

    def ratio(figure, one, other):
        return statistics.median(a[figure] / b[figure] for a, b in zip(found[one], found[other]))

    for (mode, n), rounds in found.items():
        rate, cpu, fair, longest, _ = map(statistics.median, zip(*rounds))
        row(f'{n} processes, ' + {'plain': 'all run'}.get(mode, f'one {mode}'),
            f'{rate:6.0f}/s {cpu:6.3f} ms CPU  fair {fair:.2f}  longest {longest:6.1f} ms'
            f' (once {max(r[3] for r in rounds):.0f})',
            'fair ≥ .8, < 100 ms' if mode == 'plain' else '',
            fair >= .8 and longest < 100 if mode == 'plain' else None)
    low, *_, high = PROCESSES
    cpu = ratio(1, ('plain', high), ('plain', low))
    row(f'CPU of a hand-off, {high} / {low}', f'{cpu:.2f}', 'at most 1.6', cpu <= 1.6)
    for mode in modes[1:]:
        ratios = [ratio(0, (mode, n), ('plain', n)) for n in PROCESSES]
        row(f'turns with one {mode} / without', '  '.join(f'{r:.2f}' for r in ratios),
            'at least .8', min(ratios) >= .8)


def among_flufl(bench, directory, seconds):
    pauses, kinds, n_runs = (0, 50, 250), ((8, 0), (4, 4)), 4
    print(f'\nWith flufl.lock 8.2, sections of 50 ms and pauses of {pauses}, {seconds:g} s: waits')
    todo = [(pause, *n) for pause in pauses for n in kinds]
    # The processes run at once, since they sleep for most of the time. The longest wait
    # is a matter of luck, so there are several runs.
    runs = [(key, mixed.Run(bench / 'bench-turns', directory, seconds, key[1], key[2], 50, key[0]))
            for _ in range(n_runs) for key in todo]
    waits = {(key, side): mixed.Side(0) for key in todo for side in (0, 1)}
    longest = {key: [] for key in todo}
    for key, run in runs:
        *sides, overlaps = run.finish()
        for side, of in enumerate(sides):
            if of:
                waits[key, side].merge(of)
        longest[key].append(sides[0].waits[-1])
        if overlaps:
            failed.append(f'{key[1]} of flufl.lock and {key[2]} of ours: {overlaps} overlaps')
    for pause, n_flufl, n_ours in todo:
        for side, name in enumerate(('flufl', 'ours')):
            if waits[(pause, n_flufl, n_ours), side].waits:
                row(f'pause {pause}, {n_flufl} flufl + {n_ours} ours: {name}',
                    str(waits[(pause, n_flufl, n_ours), side]))
    for pause in pauses:
        alone, among_ours = (statistics.median(longest[pause, *n]) for n in kinds)
        row(f'pause {pause}: mixed / among themselves',
            f'{among_ours / alone:.2f} by the longest wait, median of {n_runs} runs', 'at most 1',
            among_ours <= alone)


CROWD_ROUNDS = 3
FOREIGN = 50000


def crowd(bench, directory):
    print(f'\nTurns of 1 ms, alone and beside {FOREIGN} foreign names, {CROWD_ROUNDS} rounds: medians')
    cases = (300, 'process'), (100, 'processes')
    took = {(n, how, foreign): [] for n, how in cases for foreign in (0, FOREIGN)}
    for _ in range(CROWD_ROUNDS):
        for n, how, foreign in took:
            line, = lines_of(bench / 'bench-crowd', directory, foreign, n, how) or ['']
            took[n, how, foreign] += numbers('# s # s CPU # threads', line)[:1]
    for n, how in cases:
        alone, beside = (statistics.median(took[n, how, foreign]) for foreign in (0, FOREIGN))
        row(f'{n} waiters, {"one process" if how == "process" else "processes"}',
            f'{alone:.2f} s alone, {beside:.2f} s beside them: {beside / alone:.2f}', 'at most 3',
            beside <= 3 * alone)
    line, = lines_of(bench / 'bench-crowd', directory, 0, 2500, 'process') or ['']
    seconds, cpu, n_threads = numbers('# s # s CPU # threads', line)
    row('2500 waiters, one process', f'{seconds:.2f} s, {cpu:.2f} s CPU, {n_threads:.0f} threads',
        'under 5 s and 20 threads', seconds < 5 and n_threads < 20)


def idle(bench, directory):
    print('\nWaiters that have waited for 30 s, for 20 s in which nothing happens')
    lines = lines_of(bench / 'bench-idle', directory, 30, 20, 1, 1000)
    found = sorted(numbers('# waiters: # ms CPU, # switches', line) for line in lines)
    for n, cpu, switches in found:
        one = found[0][1]
        row(f'{n:.0f} waiters, one process', f'{cpu:.3f} ms CPU, {switches:.0f} switches',
            *(('at most 10 × one', cpu <= 10 * one) if n > 1 else ()))


def objects(build):
    print('\nTen thousand idle objects in one process')
    for line in lines_of(build / 'tests' / 'lock' / 'test-many', '-p', '/many/memory'):
        found = re.search(r'(\d+) bytes for each', line)
        if found:
            row('heap', f'{found[1]} bytes each', 'at most 1024', int(found[1]) <= 1024)


def file_system(directory):
    return subprocess.run(['stat', '-f', '-c', '%T', directory], capture_output=True,
                          text=True).stdout.strip() or '?'


def main(build, *parents):
    seconds = float(os.environ.get('FLUFL_BENCH_SECONDS', 5))
    build = pathlib.Path(build)
    bench = build / 'benchmarks'
    started = time.monotonic()
    for i, parent in enumerate(parents):
        with tempfile.TemporaryDirectory(prefix='flufl-bench-', dir=parent) as directory:
            print(f'\n== {parent}, {file_system(directory)} ({load()})')
            cycle(bench, directory)
            hand_off(bench, directory)
            killed(bench, directory)
            contention(bench, directory, seconds / 2)
            if i == 0:
                crowd(bench, directory)
                idle(bench, directory)
                among_flufl(bench, directory, seconds * 12)
    objects(build)
    print(f'\n{time.monotonic() - started:.0f} s, {load()}')
    if failed:
        sys.exit('\n'.join(failed))


if __name__ == '__main__':
    main(*sys.argv[1:])
