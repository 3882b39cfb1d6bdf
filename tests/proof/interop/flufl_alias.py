# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""A plugin of pytest for test-flufl-own.py: `import flufl.lock` imports flufl_compat, and the
outcome of each test is written to the file FLUFL_OUTCOMES, one in a line."""

import multiprocessing
import os
import sys
import types

import flufl_compat

flufl = types.ModuleType('flufl')
flufl.__path__ = []
flufl.lock = flufl_compat
# Where flufl.lock has its internals.
flufl_compat._lockfile = flufl_compat
sys.modules.update({'flufl': flufl, 'flufl.lock': flufl_compat,
                    'flufl.lock._lockfile': flufl_compat})

worst = {}


def pytest_runtest_logreport(report):
    """A test has a report for its set-up, for itself and for its end."""
    if report.outcome != 'passed' or report.nodeid not in worst:
        worst[report.nodeid] = report.outcome


def pytest_runtest_teardown(item):
    """A test that fails leaves a process that waits for it for ever. The process that a line of a
    doctest starts is for the next lines."""
    if worst.get(item.nodeid) == 'failed' and item.nodeid.startswith('tests/'):
        for process in multiprocessing.active_children():
            process.kill()
            process.join()


def pytest_sessionfinish():
    with open(os.environ['FLUFL_OUTCOMES'], 'w', encoding='utf-8') as file:
        for test, outcome in worst.items():
            print(outcome, test, file=file)
