# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-bench.py TOP BUILDDIR: does what scripts/bench does without a network still work?

The statistics and the tables are made from figures of the test's own, and two rounds run with the
contestants that are in the build directory. docs/performance.md must be what the script makes of
benchmarks/figures.json and figures-nfs.json, and docs/nfs.md must have the same numbers of calls.
"""

import collections
import json
import pathlib
import re
import sys
import tempfile
import types
import unittest

QUIET = {'busy': .01, 'spin': 1000, 'load': .1}


def figures(entries, busy=()):
    return {
        'date': '2026-01-01', 'quick': True, 'seconds': 9,
        'machine': {'processors': 2, 'model': 'a model', 'memory_gib': 8, 'kernel': 'Linux 6',
                    'system': 'a system', 'file_system': 'tmpfs'},
        'peers': {'filelock': '4.3.1'}, 'missing': {'QLockFile': 'no such package'}, 'troubles': [],
        'busy': list(busy), 'probes': [QUIET],
        'works': {'cycle': {'title': 'A cycle', 'unit': 'µs', 'baseline': 'library',
                            'entries': entries}},
    }


def entry(*rounds, **more):
    longest = max(r for r in rounds if r is not None)
    return {'rounds': list(rounds), 'p99': longest, 'samples': 900, **more}


ENTRIES = {
    'library': entry(40, 20, 10),
    'plain C': entry(20, 20, 10),
    'FileLock': entry(80, None, 40),
    'GJS': entry(70, 50, 40),
    'QLockFile': {'note': 'not within 2 s'},
}


class Statistics(unittest.TestCase):
    def test_quantile(self):
        self.assertEqual(rounds.quantile([3, 1, 2], .5), 2)
        self.assertEqual(rounds.quantile([1, 2], .5), 1.5)
        self.assertEqual(rounds.quantile([7], .99), 7)
        self.assertEqual(rounds.quartiles([1, 2, 3, 4, 5]), [2, 3, 4])

    def test_ratios_are_of_one_round(self):
        self.assertEqual(rounds.ratios([4, 9, None], [2, 3, 1]), [2, 3])
        self.assertEqual(rounds.ratios([4, 9], [2, None]), [2])

    def test_quiet(self):
        self.assertEqual(rounds.verdict([QUIET] * 20, 0), [])
        self.assertEqual(rounds.verdict([QUIET] * 19 + [{**QUIET, 'busy': .9}], 0), [])

    def test_busy(self):
        for probes, stolen in (([{**QUIET, 'busy': .1}] * 20, 0),
                               ([QUIET] * 16 + [{**QUIET, 'busy': .9}] * 4, 0),
                               ([QUIET] * 16 + [{**QUIET, 'spin': 1500}] * 4, 0),
                               ([{**QUIET, 'busy': None}], 0),
                               ([QUIET] * 20, .1)):
            self.assertEqual(len(rounds.verdict(probes, stolen)), 1, (probes, stolen))

    def test_probe(self):
        probe = rounds.probe()
        self.assertGreater(probe['spin'], 0)
        self.assertTrue(0 <= probe['busy'] <= 1, probe)


class Tables(unittest.TestCase):
    def test_rows(self):
        rows = {row[0]: row[1:] for row in page.rows(figures(ENTRIES)['works']['cycle'])}
        self.assertEqual(rows['library'], ('20', '40', '', ''))
        self.assertEqual(rows['plain C'], ('20', '20', '1.00 (0.75–1.00)', ''))
        self.assertEqual(rows['FileLock'], ('60', '80', '3.00 (2.50–3.50)', ''))
        self.assertEqual(rows['QLockFile'], ('', '', '', 'not within 2 s'))

    def test_empty_columns_go(self):
        text = page.table({'unit': 'ms', 'baseline': None, 'entries': {'library': entry(2, 4)}})
        self.assertEqual(text, '| Contestant | Median, ms | p99 |\n|-|-:|-:|\n| library | 3 | 4 |')

    def test_goals(self):
        goals = {what: (quartiles, met) for what, quartiles, _, _, met
                 in page.goals(figures(ENTRIES)['works'])}
        self.assertEqual(goals['C, against the bare calls'], ([1, 1, 1.5], True))
        self.assertEqual(goals['GJS, beyond C'], ([30, 30, 30], False))
        self.assertEqual(goals['Vala, beyond C'], (None, None))
        self.assertIn('**not met**, by 20 µs', page.goals_table(figures(ENTRIES)['works'], []))
        self.assertNotIn('met', page.goals_table(figures(ENTRIES)['works'], ['A reason.']))

    def test_markdown(self):
        text = page.markdown(figures(ENTRIES), {'cycle': 'images/cycle.svg'})
        self.assertIn('- QLockFile: no such package', text)
        self.assertIn('![A cycle](images/cycle.svg)', text)
        self.assertNotIn('mean nothing', text)
        self.assertIn('mean nothing', page.markdown(figures(ENTRIES, ['A reason.']), {}))

    def test_replace(self):
        old = f'before\n{page.BEGIN}\nold\n{page.END}\nafter\n'
        new = page.replace(old, 'new\n')
        self.assertEqual(new, f'before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter\n')
        self.assertEqual(page.replace(new, 'new'), new)
        with self.assertRaises(ValueError):
            page.replace('no marks', 'new')

    def test_page_is_of_its_figures(self):
        kept = json.loads((TOP / 'benchmarks' / 'figures.json').read_text(encoding='utf-8'))
        text = (TOP / 'docs' / 'performance.md').read_text(encoding='utf-8')
        self.assertEqual(page.page_text(kept, text), text)


def nfs_figures(calls, ours, theirs):
    """Of one version of NFS. The lock that lingers makes one call less."""
    def cycles(**counts):
        return {**entry(2.0, 3.0), 'samples': 20, 'calls': [counts, counts]}
    return {
        'date': '2026-01-01', 'kernel': 'Linux 6', 'emulated': True, 'rounds': 2,
        'versions': {'3': {
            'cycle': {'unit': 'ms', 'baseline': 'flufl.lock 8.2', 'entries': {
                'library': cycles(LINK=1, REMOVE=calls - 1), 'library, linger': cycles(LINK=calls - 1),
                'flufl.lock 8.2': cycles(LOOKUP=12)}},
            'hand-off': {'unit': 'ms', 'baseline': 'flufl.lock 8.2', 'entries': {
                'library, short wait': {**entry(*ours), 'all': ours,
                                        'against': 'flufl.lock 8.2, short wait'},
                'flufl.lock 8.2, short wait': {**entry(*theirs), 'all': theirs}}},
        }},
    }


class NfsTables(unittest.TestCase):
    def test_goals(self):
        table = nfs_page.goals_table(nfs_figures(8, [40, 60], [1000, 1000]))
        self.assertEqual([line.split(' | ')[1:] for line in table.splitlines()[2:]], [
            ['8', '7', '**not met**, by 1 |'], ['7', '3', '**not met**, by 4 |'],
            ['0.05', '0.1', 'met |']])
        table = nfs_page.goals_table(nfs_figures(4, [300, 500], [1000, 3000]))
        self.assertEqual([line.split(' | ')[1:] for line in table.splitlines()[2:]], [
            ['4', '7', 'met |'], ['3', '3', 'met |'], ['0.2', '0.1', '**not met**, by 0.1 |']])

    def test_markdown(self):
        figures = nfs_figures(8, [40, 60], [1000, 2000])
        text = nfs_page.markdown(figures, True)
        self.assertIn('milliseconds mean little', text)
        self.assertIn('| library | 2.5 | 1.00 (1.00–1.00) | 8 calls to the server: LINK 1, REMOVE 7 |', text)
        self.assertIn('one in ten took more than 1,900 ms', text)
        self.assertNotIn('REMOVE', nfs_page.markdown(figures, False))
        figures['emulated'] = False
        self.assertNotIn('mean little', nfs_page.markdown(figures, True))


class NfsPages(unittest.TestCase):
    def setUp(self):
        self.kept = json.loads(nfs_page.KEPT.read_text(encoding='utf-8'))

    def test_page_is_of_its_figures(self):
        text = (TOP / 'docs' / 'performance.md').read_text(encoding='utf-8')
        self.assertEqual(nfs_page.page_text(self.kept, text), text)

    def test_calls_are_those_of_the_page(self):
        text = (TOP / 'docs' / 'nfs.md').read_text(encoding='utf-8')
        for name, row in (('library', 'acquire and release, no contention'),
                          ('library, linger', 'acquire and release with `linger`'),
                          ('flufl.lock 8.2', 'acquire and release by flufl.lock')):
            cells = re.search(rf'^\| {re.escape(row)} \| (\d+) \| \d+ \| (\d+) \|$', text, re.M)
            self.assertEqual([round(nfs_page.calls_of(of['cycle']['entries'][name]))
                              for of in self.kept['versions'].values()],
                             [int(cell) for cell in cells.groups()], name)


class Rounds(unittest.TestCase):
    """Two rounds with the contestants of the build directory that need no bindings."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='flufl-bench-')
        self.addCleanup(directory.cleanup)
        self.run_ = bench.Run(types.SimpleNamespace(
            quick=True, tiny=True, build=BUILD, peers=directory.name, directory=directory.name))
        self.run_.all = [c for c in self.run_.all if c.command[0].endswith('/bench-driver')]
        self.run_.all.append(contestants.Contestant('absent', ['/no/such/program'], waits=True))
        self.works = works.works()

    def measure(self, name):
        self.run_.look_around({})
        results = self.run_.measure([name], self.works)
        self.assertEqual(self.run_.failures, [])
        self.assertEqual(list(self.run_.missing), ['absent'])
        self.assertIn('No such file', self.run_.missing['absent'])
        return results[name]['entries']

    def test_cycle(self):
        entries = self.measure('cycle')
        self.assertEqual(set(entries), {c.name for c in self.run_.all} - {'absent'})
        for found in entries.values():
            self.assertEqual(len(found['rounds']), 2)
            self.assertGreater(min(found['rounds']), 0)
        self.assertEqual(len(self.run_.probes), 2)

    def test_contention(self):
        entries = self.measure('contention-2')
        self.assertEqual(set(entries), {'library', 'bare flock', 'bare OFD lock'})

    def test_killed(self):
        self.run_.quick = False  # which waits for long
        self.assertIn('rounds', self.measure('killed')['library'])

    def test_nfs(self):
        """What is done in the guest, in a directory of this machine."""
        nfs.EXPORT = nfs.MOUNTS = self.run_.directory
        nfs.WAITS = {'short': ((.02, .1), 2), 'long': ((.1, .2), 1)}
        nfs.world = types.SimpleNamespace(on=lambda client: ['env'], Counter=lambda client, version:
                                          types.SimpleNamespace(calls=lambda: collections.Counter(LINK=20)))
        pathlib.Path(self.run_.directory, '3').symlink_to('.')
        which = nfs.all_contestants(BUILD)[:2]
        which.append(contestants.Contestant(
            'flufl.lock 8.2', ['sh', '-c', 'exec "$0" library "$2"', *which[0].command], waits=True))
        site = nfs.Site('3', which)
        self.addCleanup(site.end)
        for number in range(2):
            site.round(number)
        figures = {'date': '', 'kernel': '', 'emulated': True, 'rounds': 2,
                   'versions': {'3': site.as_json()}}
        found = figures['versions']['3']
        self.assertEqual(found['cycle']['entries']['library']['calls'], [{'LINK': 2.0}] * 2)
        self.assertEqual(set(found['hand-off']['entries']), {
            f'{name}, {wait} wait' for name in ('library', 'flufl.lock 8.2') for wait in nfs.WAITS})
        self.assertEqual(len(found['hand-off']['entries']['library, short wait']['all']), 4)
        self.assertEqual([measured for _, measured, _ in nfs_page.goals(figures)][:2], [2, 2])
        self.assertIn('2 calls to the server', nfs_page.markdown(figures, True))


if __name__ == '__main__':
    TOP, BUILD = map(pathlib.Path, sys.argv[1:])
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(TOP / 'benchmarks'))
    import bench
    import contestants
    import nfs
    import nfs_page
    import page
    import rounds
    import works
    unittest.main(argv=sys.argv[:1], verbosity=2)
