# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Soft mounts, whose calls fail while the server is away."""

import time

from check_faults import CANCELLED_WITHIN_S, PATIENCE_S, run_quietly

SHORT_LEASE_S, LONG_LEASE_S = 5, 120
# Seconds by which a loss is reported late at most, and by which a waiter gives up late. The waiter
# makes several calls meanwhile, and the client needs some seconds for each.
LOST_LATE_S, GIVES_UP_LATE_S = 1, 60
# Seconds within which a waiter gets the lock once the server is back.
RECOVERED_WITHIN_S = 20


class Away:
    """A lock whose lease ends while the server is away, and one whose lease does not. For the
    first there is a waiter, and for the second one that is cancelled."""

    def __init__(self, world, version):
        self.world, self.name = world, f'server away, NFS {version}'
        short, long = (world.place(version) + '/lock' for _ in range(2))
        self.short, self.long = world.peer('a', short, SHORT_LEASE_S), world.peer('a', long, LONG_LEASE_S)
        self.waiter, self.tired = world.peer('b', short, SHORT_LEASE_S), world.peer('b', long, LONG_LEASE_S)
        self.short.ask('acquire')
        self.long.ask('acquire')
        self.tired.ask('start')
        self.waiter.tell('acquire')

    def judge_away(self, away):
        asked = time.monotonic()
        word, _, heard = self.tired.ask('cancel')
        self.world.check_time(f'{self.name}: an acquisition is cancelled', word == 'cancelled', asked, heard,
                              CANCELLED_WITHIN_S)
        word, _, heard = self.waiter.answer()
        self.world.check_time(f'{self.name}: a waiter gives up', word not in ('held', 'silence'), away, heard,
                              PATIENCE_S + GIVES_UP_LATE_S, f'{word} ')
        lost = self.short.lost_at
        self.world.check_time(f'{self.name}: a lease that ends is a loss at once', lost is not None, away,
                              lost or heard, SHORT_LEASE_S + LOST_LATE_S)
        asked = time.monotonic()
        word, _, heard = self.long.ask('refresh')
        self.world.check_time(f'{self.name}: a refresh fails, and the lock is kept',
                              word not in ('done', 'lost') and self.long.lost_at is None, asked, heard,
                              GIVES_UP_LATE_S, f'{word} ')

    def judge_back(self, back):
        word, _, heard = self.waiter.ask('acquire')
        self.world.check_time(f'{self.name}: then another has the lock', word == 'held', back, heard,
                              RECOVERED_WITHIN_S)
        words = [peer.ask(what)[0] for peer, what in
                 ((self.short, 'release'), (self.long, 'refresh'), (self.long, 'release'),
                  (self.tired, 'acquire'))]
        self.world.check(f'{self.name}: a longer lease outlasts it',
                         words == ['lost', 'done', 'done', 'held'] and self.long.lost_at is None, str(words))


def run(world, versions):
    cases = [Away(world, version) for version in versions]
    time.sleep(1) # until the waiters have looked, and wait; nothing reports that
    away = time.monotonic()
    run_quietly('nfs-server', 'stop')
    try:
        for case in cases:
            case.judge_away(away)
    finally:
        run_quietly('nfs-server', 'start')
    back = time.monotonic()
    for case in cases:
        case.judge_back(back)
    world.end_peers()
