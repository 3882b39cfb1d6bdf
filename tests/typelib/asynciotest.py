# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""What the tests of Flufl under asyncio share."""

import asyncio
import os

from locktest import PATIENCE_S, LockTestCase

try:
    from gi.events import GLibEventLoopPolicy
except ImportError:
    GLibEventLoopPolicy = None


class AsyncioTestCase(LockTestCase):
    def run_in_loop(self, work):
        return asyncio.run(work)

    async def until(self, condition):
        for _ in range(PATIENCE_S * 1000):
            if condition():
                return
            await asyncio.sleep(0.001)
        self.fail('waited in vain')

    def waits(self):
        """Whether there is a claim beside the holder's, as a waiter makes it."""
        return len(os.listdir(self.dir)) == 3

    def lose(self, lock=None):
        self.remove_by_hand((lock or self.lock).claim_file.get_path())


class InGLib:
    """The same in a loop of gi.events, which iterates the default main context."""

    handlers_run_in_main_thread = True

    def setUp(self):
        if GLibEventLoopPolicy is None:
            self.skipTest('this PyGObject has no gi.events, which came with 3.50')
        super().setUp()
        policy = GLibEventLoopPolicy()
        asyncio.set_event_loop_policy(policy)
        self.addCleanup(asyncio.set_event_loop_policy, None)
        self.loop = policy.get_event_loop()
        self.addCleanup(self.loop.close)

    def run_in_loop(self, work):
        return self.loop.run_until_complete(work)

    test_loops_in_threads = None
