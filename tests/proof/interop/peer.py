# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""peer.py ours|named|flufl|compat LOCK SEPARATOR: a process that has one lock. It reads commands,
one in a line, and answers each with one word.

    acquire     wait for it
    try         acquire it now or not
    release
    refresh     for a thousand seconds
    held        is it? (flufl.lock and flufl_compat refresh it, too)
"""

import importlib
import sys

FOREVER_S = 1000


class Flufl:
    module = 'flufl.lock'

    def __init__(self, path, separator):
        lock = importlib.import_module(self.module)
        self.errors = {
            lock.AlreadyLockedError: 'already-held',
            lock.NotLockedError: 'not-held',
            lock.TimeOutError: 'timed-out',
        }
        self.lock = lock.Lock(path, separator=separator)

    def acquire(self):
        self.lock.lock()

    def try_(self):
        self.lock.lock(timeout=0)

    def release(self):
        self.lock.unlock()

    def refresh(self):
        self.lock.refresh(FOREVER_S)

    def held(self):
        return self.lock.is_locked


class Compat(Flufl):
    module = 'flufl_compat'


class Ours:
    properties = {}

    def __init__(self, path, separator):
        import gi
        gi.require_version('Flufl', '1')
        from gi.repository import Flufl
        self.errors = {
            Flufl.AlreadyHeldError: 'already-held',
            Flufl.NotHeldError: 'not-held',
            Flufl.LostError: 'lost',
            Flufl.TimedOutError: 'timed-out',
        }
        self.not_held = Flufl.LostError, Flufl.NotHeldError
        self.lock = Flufl.Lock(path, separator=separator, **self.properties)

    def acquire(self):
        self.lock.acquire()

    def try_(self):
        self.lock.acquire(0)

    def release(self):
        self.lock.release()

    def refresh(self):
        self.lock.refresh(FOREVER_S * 1000)

    def held(self):
        try:
            return self.lock.check()
        except self.not_held:
            return False


class Named(Ours):
    properties = {'program_name': 'org.example.Éditeur|x/y'}


def main(kind, path, separator):
    peer = {'ours': Ours, 'named': Named, 'flufl': Flufl, 'compat': Compat}[kind](path, separator)
    calls = {
        'acquire': peer.acquire,
        'try': peer.try_,
        'release': peer.release,
        'refresh': peer.refresh,
        'held': peer.held,
    }
    print('ready', flush=True)
    for line in sys.stdin:
        try:
            answer = calls[line.strip()]()
        except tuple(peer.errors) as error:
            print(peer.errors[type(error)], flush=True)
        else:
            print({None: 'done', True: 'yes', False: 'no'}[answer], flush=True)


main(*sys.argv[1:])
