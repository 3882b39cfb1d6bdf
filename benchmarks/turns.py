# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""turns.py LOCK SECTION PAUSE UNTIL: what turns.c does, with flufl.lock."""

import datetime
import sys
import time

from flufl.lock import Lock, TimeOutError


def main(path, section, rest, until):
    section, rest, until = float(section) / 1000, float(rest) / 1000, float(until)
    # Its claim ages while it waits: one that won after its lifetime would be
    # broken by the others at once.
    lock = Lock(path, lifetime=datetime.timedelta(hours=1))

    while (asked := time.monotonic()) < until:
        try:
            lock.lock(timeout=datetime.timedelta(seconds=until - asked))
        except TimeOutError:
            print(f'{asked:.6f}')
            break
        got = time.monotonic()
        time.sleep(section)
        print(f'{asked:.6f} {got:.6f} {time.monotonic():.6f}')
        lock.unlock()
        time.sleep(rest)


if __name__ == '__main__':
    main(*sys.argv[1:])
