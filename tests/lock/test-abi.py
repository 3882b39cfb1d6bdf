#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""Compares what the shared library exports with what it is meant to.

test-abi.py NM LIBRARY LIST SOURCE...

Every name of the list is exported, no other is, and the C tests use it.
"""

import re
import subprocess
import sys


def exported(nm, library):
    out = subprocess.run([nm, '--dynamic', '--defined-only', '--format=posix', library],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    # A name may carry a version: name@@version.
    return {line.split()[0].split('@')[0] for line in out.splitlines() if line}


def main(nm, library, listed, *sources):
    with open(listed, encoding='utf-8') as file:
        lines = [line.strip() for line in file]
    wanted = [line for line in lines if line and not line.startswith('#')]
    there = exported(nm, library)
    failures = []

    if wanted != sorted(set(wanted)):
        failures.append(f'{listed} is not sorted, or says something twice')
    failures += [f'{name} is listed and not exported' for name in wanted if name not in there]
    failures += [f'{name} is exported and not listed' for name in sorted(there - set(wanted))]

    used = set()
    for source in sources:
        with open(source, encoding='utf-8') as file:
            used.update(re.findall(r'\bflufl_\w+', file.read()))
    # The types are used by their macros.
    failures += [f'{name} is used by no test' for name in wanted
                 if name not in used and not name.endswith('_get_type')]

    for failure in failures:
        print(failure, file=sys.stderr)
    return bool(failures)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
