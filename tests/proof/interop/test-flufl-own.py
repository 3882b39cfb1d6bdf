# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-flufl-own.py SOURCE: do the tests and doctests that flufl.lock is published with pass with
flufl_compat in its place?

SOURCE is the unpacked source of flufl.lock, which scripts/test downloads. The tests in EXCLUDED
patch what flufl.lock calls, or write into a lock file. Each must exist and fail: one that passes
does not belong there.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
PATIENCE_S = 900
HERE = pathlib.Path(__file__).resolve().parent

# The library makes its system calls in C. What replaces a function of Python's does not reach them.
EXCLUDED = {
    'tests/test_lock.py::test_read_retries':
        'counts calls of open(), which reads the lock file there',
    'tests/test_lock.py::test_read_unexpected_errors':
        'lets open() fail, which reads the lock file there',
    'tests/test_lock.py::test_is_locked_permission_error':
        'lets os.utime() fail for a lock that is not held; the library does not touch such a lock',
    'tests/test_lock.py::test_details_weird_open_failure':
        'lets open() fail, which reads the lock file there',
    'tests/test_lock.py::test_details_with_corrupt_filename':
        'lets open() return another content',
    'tests/test_lock.py::test_os_link_expected_OSError':
        'lets os.link() fail',
    'tests/test_lock.py::test_os_link_unexpected_OSError':
        'counts calls of os.link()',
    'tests/test_lock.py::test_unexpected_st_nlink':
        'counts calls of os.stat(), which shows another number of links',
    'tests/test_lock.py::test_unlock_with_expected_OSError':
        'counts calls of os.unlink()',
    'tests/test_lock.py::test_unlock_with_unexpected_OSError':
        'lets os.unlink() fail',
    'tests/test_lock.py::test_unlock_unconditionally_with_expected_OSError':
        'counts calls of os.unlink()',
    'tests/test_lock.py::test_unlock_unconditionally_with_unexpected_OSError':
        'lets os.unlink() fail',
    'tests/test_lock.py::test_releasetime_weird_failure':
        'lets the time of os.stat() fail while lock() waits',
    'tests/test_lock.py::test_linkcount_weird_failure':
        'lets the number of links of os.stat() fail',
    'tests/test_lock.py::test_break_lock_with_ununlinkable_winner':
        'counts calls of os.unlink() during a break',
    'docs/using.rst::line:280,column:1':
        'writes the ID of another process into a lock file; the library reports a death with proof only',
}
# The tests and the lines of doctests that flufl.lock 8.2 and 10.0 have, at least.
FEWEST = 100


def can_import(statement):
    result = subprocess.run([sys.executable, '-c', statement], capture_output=True, text=True,
                            timeout=PATIENCE_S)
    return result.stderr.strip().splitlines()[-1] if result.returncode else None


def run_tests(directory):
    """The output, and the outcomes of the tests."""
    outcomes = directory / 'outcomes'
    path = os.pathsep.join([str(HERE), os.environ.get('PYTHONPATH', '')])
    # Doctests are run by Sybil, as conftest.py of flufl.lock has it.
    result = subprocess.run(
        [sys.executable, '-B', '-m', 'pytest', '-q', '-p', 'flufl_alias', '-p', 'no:cacheprovider',
         '-p', 'no:doctest', 'tests', 'docs'],
        cwd=directory, env={**os.environ, 'PYTHONPATH': path, 'FLUFL_OUTCOMES': str(outcomes)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=PATIENCE_S)
    if not outcomes.exists():
        sys.exit(f'pytest ended with {result.returncode}:\n{result.stdout}')
    lines = outcomes.read_text(encoding='utf-8').splitlines()
    return result.stdout, {test: outcome for outcome, test in (line.split(' ', 1) for line in lines)}


def judge(outcomes):
    """What is wrong."""
    for test in EXCLUDED.keys() - outcomes.keys():
        yield f'{test}: it is in EXCLUDED, and does not exist'
    for test, outcome in outcomes.items():
        if test in EXCLUDED and outcome != 'failed':
            yield f'{test}: it is in EXCLUDED, and {outcome}'
        if test not in EXCLUDED and outcome != 'passed':
            yield f'{test}: {outcome}'
    if len(outcomes) < FEWEST:
        yield f'there were only {len(outcomes)} tests'


def main(source):
    source = pathlib.Path(source)
    if not (source / 'conftest.py').exists():
        print(f'the source of {source.name} is missing; scripts/test brings it')
        return SKIP
    for statement in 'import pytest, sybil, psutil', 'import flufl_compat':
        problem = can_import(statement)
        if problem:
            print(f'{statement}: {problem}')
            return SKIP

    with tempfile.TemporaryDirectory(prefix='flufl-own-') as name:
        directory = pathlib.Path(name)
        for part in 'tests', 'docs':
            shutil.copytree(source / part, directory / part)
        shutil.copy(source / 'conftest.py', directory)
        output, outcomes = run_tests(directory)
    wrong = list(judge(outcomes))
    passed = list(outcomes.values()).count('passed')
    print(f'figures: {source.name}: {passed} of its own tests and lines of doctests pass with '
          f'flufl_compat, {len(EXCLUDED)} are excluded')
    if wrong:
        print(output)
        sys.exit('\n'.join(wrong))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
