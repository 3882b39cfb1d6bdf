# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""tally.py [--took SECONDS] TOP LOG...: adds up the results in meson's testlog*.json files.

Prints the figures of the tests, the failures with the last lines of what each printed, the skipped
tests with their reasons, and the time in all. The last line is the sum. Fails if a test failed, if none passed, or if a log is missing.
"""

import argparse
import json
import pathlib
import re
import sys

PASSED = {'OK', 'EXPECTEDFAIL'}
N_LAST_LINES = 12
TAP_SKIP = re.compile(r'# SKIP\b:?\s*(.*)', re.IGNORECASE)


FIGURES = re.compile(r'^(?:# )?figures: (.*)', re.MULTILINE)


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ''


def why_skipped(stdout):
    reason = TAP_SKIP.search(stdout)
    return reason[1] if reason else last_line(stdout)


def skipped_cases(stdout):
    """The cases that a TAP test skipped, while others of it passed."""
    for line in stdout.splitlines():
        if line.lstrip().startswith('ok ') and TAP_SKIP.search(line):
            yield line.strip()


def why_failed(test):
    """The lines of TAP that failed, and the last ones that each stream has besides."""
    stdout = (test.get('stdout') or '').splitlines()
    stderr = (test.get('stderr') or '').splitlines()
    failures = [line for line in stdout[:-N_LAST_LINES] if line.lstrip().startswith('not ok ')]
    return failures[:N_LAST_LINES] + stdout[-N_LAST_LINES:] + stderr[-N_LAST_LINES:]


def duration(seconds):
    return f'{seconds} s' if seconds < 60 else f'{seconds // 60} min {seconds % 60} s'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--took', type=int, metavar='SECONDS')
    parser.add_argument('top', type=pathlib.Path)
    parser.add_argument('logs', type=pathlib.Path, nargs='+', metavar='log')
    arguments = parser.parse_args()
    passed, failed, skipped = 0, 0, 0

    for log in arguments.logs:
        run = log.relative_to(arguments.top)
        place = run.parent.parent if run.parent.name == 'meson-logs' else run.parent
        if not log.exists():
            print(f'FAILED {run}: no test was run')
            failed += 1
            continue
        for line in log.read_text(encoding='utf-8').splitlines():
            test = json.loads(line)
            name = f'{place}: {test["name"]}'
            stdout = test.get('stdout') or ''
            for figures in FIGURES.findall(stdout):
                print(f'FIGURES {name}: {figures}')
            if test['result'] in PASSED:
                passed += 1
                for case in skipped_cases(stdout):
                    print(f'PARTLY SKIPPED {name}: {case}')
            elif test['result'] == 'SKIP':
                skipped += 1
                print(f'SKIPPED {name}: {why_skipped(stdout)}')
            else:
                failed += 1
                print(f'FAILED {name}: {test["result"]}')
                for line in why_failed(test):
                    print(f'    {line.rstrip()}')

    if arguments.took is not None:
        print(f'It took {duration(arguments.took)}.')
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 0 if passed and not failed else 1


if __name__ == '__main__':
    sys.exit(main())
