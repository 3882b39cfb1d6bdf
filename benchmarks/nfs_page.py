# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""nfs_page.py [--update-docs] FIGURES OUTPUT: the tables of `scripts/bench --nfs`.

FIGURES is what nfs.py has written. The directory OUTPUT gets nfs.json and nfs.md. --update-docs
writes the figures of “On NFS” in docs/performance.md, and benchmarks/figures-nfs.json.
"""

import argparse
import json
import pathlib
import shutil

import page
import rounds

TOP = pathlib.Path(__file__).resolve().parent.parent
KEPT = TOP / 'benchmarks' / 'figures-nfs.json'
MARKS = ('<!-- scripts/bench --nfs writes from here -->', '<!-- scripts/bench --nfs writes up to here -->')
CALLS = {'library': 7, 'library, linger': 3}
HAND_OFF = .1


def calls_of(entry):
    """The calls to the server of a cycle, the median of the rounds."""
    return rounds.median([sum(calls.values()) for calls in entry['calls']])


def goals(figures):
    """Rows (what, measured, limit). A goal is met up to its limit."""
    found = []
    for version, of in figures['versions'].items():
        for name, limit in CALLS.items():
            found.append((f'calls to the server a cycle, {name}, NFS {version}',
                          calls_of(of['cycle']['entries'][name]), limit))
    for version, of in figures['versions'].items():
        entries = of['hand-off']['entries']
        for name, entry in entries.items():
            if 'against' in entry:
                ours, theirs = (rounds.median(e['all']) for e in (entry, entries[entry['against']]))
                wait = name.rpartition(', ')[2]
                found.append((f"hand-off between clients against flufl.lock's, {wait}, NFS {version}",
                              round(ours / theirs, 3), HAND_OFF))
    return found


def goals_table(figures):
    lines = ['| Goal | Measured | At most | |', '|-|-:|-:|-|']
    for what, measured, limit in goals(figures):
        state = 'met' if measured <= limit else f'**not met**, by {page.number(measured - limit)}'
        lines.append(f'| {what} | {page.number(measured)} | {page.number(limit)} | {state} |')
    return '\n'.join(lines)


def noted(work, note_of):
    """The work with a note for each contestant."""
    return {**work, 'entries': {name: {**entry, 'note': note_of(entry)}
                                for name, entry in work['entries'].items()}}


def calls_text(entry):
    each = ', '.join(f'{call} {page.number(n)}' for call, n in entry['calls'][-1].items())
    return f'{page.number(calls_of(entry))} calls to the server: {each}'


def longest_text(entry):
    return f'one in ten took more than {page.number(rounds.quantile(entry["all"], .9))} ms'


def markdown(figures, with_calls):
    """What the run found. docs/performance.md does not repeat the calls, which docs/nfs.md has."""
    machine = 'an emulated machine, whose milliseconds mean little' if figures['emulated'] \
        else 'a virtual machine'
    parts = [f'Measured on {figures["date"]} in {machine}: kernel {figures["kernel"]}, '
             f'{figures["rounds"]} rounds. The numbers of calls are exact.',
             goals_table(figures)]
    for version, of in figures['versions'].items():
        cycle = noted(of['cycle'], calls_text) if with_calls else of['cycle']
        parts += [f'### An acquisition and a release, NFS {version}', page.table(cycle),
                  f'### From a release on client a until client b holds, NFS {version}',
                  page.table(noted(of['hand-off'], longest_text))]
    return '\n\n'.join(parts) + '\n'


def page_text(figures, text):
    return page.replace(text, markdown(figures, False), MARKS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--update-docs', action='store_true')
    parser.add_argument('figures', type=pathlib.Path)
    parser.add_argument('output', type=pathlib.Path)
    options = parser.parse_args()
    figures = json.loads(options.figures.read_text(encoding='utf-8'))
    options.output.mkdir(parents=True, exist_ok=True)
    shutil.copy(options.figures, options.output / 'nfs.json')
    text = markdown(figures, True)
    (options.output / 'nfs.md').write_text(text, encoding='utf-8')
    if options.update_docs:
        performance = TOP / 'docs' / 'performance.md'
        performance.write_text(page_text(figures, performance.read_text(encoding='utf-8')),
                               encoding='utf-8')
        shutil.copy(options.figures, KEPT)
    print(text)


if __name__ == '__main__':
    main()
