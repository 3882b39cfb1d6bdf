# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""bench.py: measures the works, and writes figures.json, figures.md and plots. See scripts/bench."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import contestants
import page
import rounds
import works
from figures import file_system

BUSY_STATUS = 3


class Run:
    def __init__(self, options):
        self.quick, self.build = options.quick, pathlib.Path(options.build)
        self.bench, self.directory = self.build / 'benchmarks', options.directory
        self.tiny = options.tiny
        self.all = contestants.all_contestants(options.build, options.peers)
        self.missing, self.failures, self.probes = {}, [], []

    def scale(self, quick, full):
        return quick if self.quick else full

    def rounds(self, quick, full):
        """The numbers of the rounds. Before each one, looks what others do."""
        for number in range(2 if self.tiny else self.scale(quick, full)):
            self.probes.append(rounds.probe())
            yield number

    def look_around(self, reasons):
        """Find out which contestants there are. The reasons are those of scripts/bench."""
        for contestant in self.all:
            with tempfile.TemporaryDirectory(prefix='flufl-bench-', dir=self.directory) as place:
                try:
                    driver = contestant.start(place)
                    try:
                        driver.ask('cycle 2')
                    finally:
                        driver.end()
                except contestants.Failure as failure:
                    self.missing[contestant.name] = reasons.get(contestant.name, str(failure))
                    if contestant.own:
                        self.failures.append(f'{contestant.name}: {failure}')

    def present(self):
        return [c for c in self.all if c.name not in self.missing]

    def has_command(self, name, words):
        program = 'lockfile' if name == 'lockfile' else words[0]
        if shutil.which(program) is None:
            self.missing[name] = f'there is no program {program}'
            return False
        return True

    def fail(self, contestant, failure, where=''):
        text = ', '.join(filter(None, [contestant.name, where])) + f': {failure}'
        print(f'  {text}', file=sys.stderr, flush=True)
        self.troubles.append(text)
        if contestant.own:
            self.failures.append(text)

    def lines_of(self, *command):
        result = subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE)
        if result.returncode != 0:
            self.failures.append(f'{command[0]} ended with status {result.returncode}')
        return result.stdout.splitlines()

    def measure(self, names, all_works):
        self.troubles, results = [], {}
        ticks = rounds.processor_ticks()
        for name in names:
            title, work = all_works[name]
            began = time.monotonic()
            print(f'{title} …', file=sys.stderr, flush=True)
            results[name] = {'title': title, **work(self)}
            results[name]['seconds'] = round(time.monotonic() - began, 1)
        after = rounds.processor_ticks()
        self.stolen = (after[2] - ticks[2]) / max(1, after[0] - ticks[0])
        return results


def first_match(path, pattern):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text(encoding='utf-8'), re.MULTILINE)
    except OSError:
        return '?'
    return found[1].strip() if found else '?'


def machine(directory):
    return {
        'processors': os.cpu_count(),
        'model': first_match('/proc/cpuinfo', r'^model name\s*:(.*)'),
        'memory_gib': round(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30),
        'kernel': f'{platform.system()} {platform.release()}',
        'system': first_match('/etc/os-release', r'^PRETTY_NAME="?([^"\n]*)'),
        'file_system': file_system(directory),
    }


def parse(arguments, all_names):
    parser = argparse.ArgumentParser(prog='bench.py')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--tiny', action='store_true')
    parser.add_argument('--only', action='append')
    parser.add_argument('--dir', dest='directory', required=True)
    parser.add_argument('--build', required=True)
    parser.add_argument('--peers', required=True)
    parser.add_argument('--output', required=True)
    parser.add_argument('--update-docs', action='store_true')
    options = parser.parse_args(arguments)
    unknown = set(options.only or ()) - set(all_names)
    if unknown:
        parser.error(f'there is no work {", ".join(sorted(unknown))}: there are {", ".join(all_names)}')
    return options


def main(arguments):
    # So that the drivers end, and the directories are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    all_works = works.works()
    options = parse(arguments, all_works)
    output = pathlib.Path(options.output)
    began = time.monotonic()
    run = Run(options)
    reasons = json.loads(pathlib.Path(options.peers, 'missing.json').read_text(encoding='utf-8'))
    run.look_around(reasons)
    whole = [name for name in all_works if not (options.quick and name in works.LONG_WORKS)]
    results = run.measure(options.only or whole, all_works)
    verdict = rounds.verdict(run.probes, run.stolen) if run.probes else ['No work has rounds.']
    if options.only or options.tiny:
        verdict.append('The run was not whole.')
    figures = {
        'date': datetime.date.today().isoformat(),
        'quick': options.quick,
        'seconds': round(time.monotonic() - began),
        'machine': machine(options.directory),
        'peers': json.loads(pathlib.Path(options.peers, 'versions.json').read_text(encoding='utf-8')),
        'missing': run.missing,
        'troubles': run.troubles,
        'busy': verdict,
        'probes': run.probes,
        'works': results,
    }
    page.write(figures, output)
    if options.update_docs:
        page.update(output, pathlib.Path(__file__).resolve().parent.parent)
    print((output / 'figures.md').read_text(encoding='utf-8'))
    for failure in run.failures:
        print(f'FAILED: {failure}', file=sys.stderr)
    for reason in verdict:
        print(f'NOT QUIET: {reason}', file=sys.stderr)
    return 1 if run.failures else BUSY_STATUS if verdict else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
