# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The table and the plots of scripts/bench, and docs/performance.md, from figures.json."""

import json
import re
import shutil
import sys

import rounds

BEGIN = '<!-- scripts/bench writes from here -->'
END = '<!-- scripts/bench writes up to here -->'

# (work, what, ours, theirs, limit): the ratio of the medians, round by round.
RATIOS = [
    ('cycle', 'C, against the bare calls', 'library', 'plain C', 1.05),
    ('cycle', 'C with `linger`, against the bare calls', 'library, linger', 'plain C, claim kept', 1.10),
    ('cycle', 'asynchronous, against two empty threads', 'library, async', 'two empty hops', 1.0),
    ('cycle', 'PyGObject, timeout and heartbeat, against flufl.lock', 'PyGObject, timeout and heartbeat',
     'flufl.lock 8.2', .8),
    ('cycle', 'PyGObject, timeout and heartbeat, against FileLock', 'PyGObject, timeout and heartbeat',
     'FileLock', .6),
    ('hand-off', 'hand-off in C, against bare inotify', 'library, short wait',
     'bare inotify, short wait', 1.25),
]
# (work, what, ours, theirs, limit): the difference of the medians, round by round.
DIFFERENCES = [
    ('cycle', 'GJS, beyond C', 'GJS', 'library', 10),
    ('cycle', 'Vala, beyond C', 'Vala', 'library', 2),
    ('hand-off', 'hand-off through PyGObject, beyond C', 'PyGObject, timeout and heartbeat',
     'library', 60),
]


def number(value):
    if value >= 1000:
        return f'{value:,.0f}'
    return f'{value:.3g}' if value < 100 else f'{value:.0f}'


def ratio_text(value):
    return f'{value:.2f}' if value < 100 else number(value)


def microseconds(value):
    return f'{round(value, 1) + 0:.1f}'  # and not -0.0


def spread(quartiles, form=ratio_text):
    low, middle, high = quartiles
    return f'{form(middle)} ({form(low)}–{form(high)})'


def pairs(work, ours, theirs):
    """The medians of two contestants in the rounds that have both."""
    entries = work['entries'] if work else {}
    lists = [entries.get(name, {}).get('rounds', []) for name in (ours, theirs)]
    return [(a, b) for a, b in zip(*lists) if a is not None and b]


def rows(work):
    """The rows of a work's table: name, median, p99, ratio with its quartiles, note."""
    for name, entry in work['entries'].items():
        note = entry.get('note', '')
        medians = [m for m in entry.get('rounds', []) if m is not None]
        if not medians:
            yield name, '', '', '', note
            continue
        against = entry.get('against', work['baseline'])
        found = rounds.ratios(entry['rounds'], work['entries'].get(against, {}).get('rounds', []))
        ratio = ''
        if found and against != name and not name.endswith(', alone'):
            ratio = spread(rounds.quartiles(found))
        few = '' if len(medians) > 1 else 'one round'
        # So few samples have no 99th percentile.
        p99 = number(entry['p99']) if entry['samples'] >= 100 else ''
        yield name, number(rounds.median(medians)), p99, ratio, '; '.join(filter(None, [note, few]))


def table(work):
    """The table of a work, without the columns that are empty."""
    against = work['baseline'] or 'the same alone'
    heads = ('Contestant', f'Median, {work["unit"]}', 'p99', f'Ratio to {against} (quartiles)', 'Notes')
    columns = [(head, rule, cells) for head, rule, *cells
               in zip(heads, ('-', '-:', '-:', '-:', '-'), *rows(work)) if any(cells)]
    heads, rules, *lines = zip(*((head, rule, *cells) for head, rule, cells in columns))
    return '\n'.join(['| ' + ' | '.join(heads) + ' |', '|' + '|'.join(rules) + '|',
                      *('| ' + ' | '.join(line) + ' |' for line in lines)])


def goals(works):
    """Rows (what, measured, limit, met), where met is None without figures."""
    found = []
    for work, what, ours, theirs, limit in RATIOS:
        quartiles = [a / b for a, b in pairs(works.get(work), ours, theirs)]
        found.append((what, rounds.quartiles(quartiles) if quartiles else None, limit, ''))
    for work, what, ours, theirs, limit in DIFFERENCES:
        beyond = [a - b for a, b in pairs(works.get(work), ours, theirs)]
        found.append((what, rounds.quartiles(beyond) if beyond else None, limit, ' µs'))
    cpu = [works.get(f'contention-{n}', {}).get('entries', {}).get('library', {}).get('cpu', [])
           for n in (128, 8)]
    ratios = rounds.ratios(*cpu)
    found.append(('CPU of a turn, 128 processes against 8', rounds.quartiles(ratios) if ratios else None,
                  1.4, ''))
    return [(what, quartiles, limit, unit, None if quartiles is None else quartiles[1] <= limit)
            for what, quartiles, limit, unit in found]


def goals_table(works, busy):
    """The table of the goals. A busy run judges none of them."""
    lines = ['| Goal | Measured (quartiles) | At most | |', '|-|-:|-:|-|']
    for what, quartiles, limit, unit, met in goals(works):
        form = microseconds if unit else ratio_text
        measured = 'not in this run' if quartiles is None else spread(quartiles, form) + unit
        if busy:
            state = ''
        elif met is False:
            state = f'**not met**, by {number(quartiles[1] - limit)}{unit}'
        else:
            state = {True: 'met', None: ''}[met]
        lines.append(f'| {what} | {measured} | {form(limit)}{unit} | {state} |')
    return '\n'.join(lines)


def listed(texts):
    return '\n'.join(f'- {text}' for text in texts)


def markdown(figures, plots):
    """Everything that a run found. plots has the file names of the works' plots."""
    machine = figures['machine']
    parts = []
    if figures['busy']:
        parts += ['**The figures of this run mean nothing**, and only show the form of the tables. '
                  'The script gave these reasons:',
                  listed(figures['busy'])]
    parts += [
        f'Measured on {figures["date"]} in {figures["seconds"]} s'
        f'{", with `--quick`" if figures["quick"] else ""}: {machine["processors"]} processors '
        f'({machine["model"]}), {machine["memory_gib"]} GiB, {machine["system"]}, kernel '
        f'{machine["kernel"]}, file system {machine["file_system"]}.',
        'Versions: ' + ', '.join(' '.join(peer) for peer in figures['peers'].items()) + '.',
    ]
    if figures['missing']:
        parts += ['Missing:', listed(': '.join(peer) for peer in figures['missing'].items())]
    if figures['troubles']:
        parts += ['Without a result:', listed(figures['troubles'])]
    parts += ['In the plots this library is blue, the floors are grey, and the other locks are '
              'yellow. The line at the end of a bar reaches from the lower to the upper quartile of '
              'the rounds.',
              '### Goals', goals_table(figures['works'], figures['busy'])]
    for name, work in figures['works'].items():
        parts += [f'### {work["title"]}']
        if name in plots:
            parts += [f'![{work["title"]}]({plots[name]})']
        parts += [table(work)]
    return '\n\n'.join(parts) + '\n'


def plot(name, work, path, busy):
    """Bars of the medians, with the quartiles of the rounds, on a logarithmic scale."""
    import matplotlib
    matplotlib.use('svg')
    from matplotlib import pyplot
    # The same figures make the same file.
    matplotlib.rcParams['svg.hashsalt'] = name
    matplotlib.rcParams['svg.fonttype'] = 'none'

    bars = [(label, rounds.quartiles([m for m in entry['rounds'] if m is not None]))
            for label, entry in work['entries'].items()
            if any(m is not None for m in entry.get('rounds', []))]
    bars.reverse()
    figure, axes = pyplot.subplots(figsize=(8, 1 + .28 * len(bars)))
    ours = re.compile('library|PyGObject|GJS|Vala|flufl-lock run')
    floor = re.compile('plain|bare|two empty|true alone')
    for at, (label, (low, middle, high)) in enumerate(bars):
        color = '#1c71d8' if ours.match(label) else '#9a9996' if floor.match(label) else '#e5a50a'
        axes.barh(at, middle, color=color, xerr=[[middle - low], [high - middle]], height=.7)
    axes.set_yticks(range(len(bars)), [label for label, _ in bars])
    axes.set_xscale('log')
    axes.set_xlabel(work['unit'])
    axes.set_title(work['title'] + (' (means nothing: the machine was busy)' if busy else ''))
    figure.tight_layout()
    figure.savefig(path, metadata={'Date': None, 'Creator': None})
    pyplot.close(figure)


def plot_name(work):
    return f'performance-{work}.svg'


def write(figures, output):
    """Write figures.json, figures.md and the plots."""
    output.mkdir(exist_ok=True)
    for old in output.glob(plot_name('*')):
        old.unlink()
    (output / 'figures.json').write_text(json.dumps(figures, indent=1, ensure_ascii=False) + '\n',
                                         encoding='utf-8')
    plots = {}
    for name, work in figures['works'].items():
        if any(entry.get('rounds') for entry in work['entries'].values()):
            plots[name] = plot_name(name)
            plot(name, work, output / plots[name], figures['busy'])
    (output / 'figures.md').write_text(markdown(figures, plots), encoding='utf-8')


def replace(text, new, marks=(BEGIN, END)):
    """The page with what is between two marks replaced."""
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError('the page has no marks for the figures')
    return f'{before}{begin}\n\n{new.strip()}\n\n{end}{after}'


PLOTS_OF_THE_PAGE = 'cycle', 'hand-off', 'contention-8'


def page_text(figures, text):
    plots = {name: f'images/{plot_name(name)}' for name in PLOTS_OF_THE_PAGE if name in figures['works']}
    return replace(text, markdown(figures, plots))


def update(output, top):
    """Make docs/performance.md, its plots and benchmarks/figures.json from a run."""
    figures = json.loads((output / 'figures.json').read_text(encoding='utf-8'))
    kept = top / 'benchmarks' / 'figures.json'
    if figures['busy'] and kept.exists() and not json.loads(kept.read_text(encoding='utf-8'))['busy']:
        print('docs/performance.md keeps the figures of a quiet run.', file=sys.stderr)
        return
    missing = [name for name in PLOTS_OF_THE_PAGE if name not in figures['works']]
    if missing:
        print(f'docs/performance.md is kept: the run has no {", ".join(missing)}.', file=sys.stderr)
        return
    page = top / 'docs' / 'performance.md'
    page.write_text(page_text(figures, page.read_text(encoding='utf-8')), encoding='utf-8')
    for name in PLOTS_OF_THE_PAGE:
        shutil.copy(output / plot_name(name), top / 'docs' / 'images' / plot_name(name))
    shutil.copy(output / 'figures.json', kept)
