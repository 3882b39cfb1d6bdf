# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""What the tests of flufl_compat share."""

import datetime
import subprocess
import sys

from locktest import LockTestCase

from flufl_compat import Lock

SECOND = datetime.timedelta(seconds=1)
# A process that holds the lock until a line comes.
HOLDER = '''
import sys
from flufl_compat import Lock
lock = Lock(sys.argv[1])
lock.lock()
print(lock.claimfile, flush=True)
sys.stdin.readline()
lock.unlock()
'''


class CompatTestCase(LockTestCase):
    """`lock` and `other` of LockTestCase are objects of Flufl itself."""

    def setUp(self):
        super().setUp()
        self.mine = Lock(self.path)
        self.second = Lock(self.path)

    def tearDown(self):
        for lock in self.mine, self.second:
            lock.unlock(unconditionally=True)
        super().tearDown()

    def start_holder(self):
        holder = subprocess.Popen([sys.executable, '-B', '-c', HOLDER, self.path], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def stop():
            holder.kill()
            holder.communicate()
        self.addCleanup(stop)
        self.assertTrue(holder.stdout.readline())
        return holder
