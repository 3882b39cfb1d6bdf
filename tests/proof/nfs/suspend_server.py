# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""suspend_server.py BUILD LOCK...: in the guest of `guest`, serves files to the machine that is
suspended, by the network of GUEST_NET. On client b a waiter for each lock begins when the machine
has acquired the lock, and makes the file in-LOCK when it gets in. The machine is judged by its own
output. When /guest-out/end exists, the waiters that are left must get in."""

import pathlib
import subprocess
import sys
import time

from world import World, wait_until

SERVED = pathlib.Path('/export/sleep')
NETWORK = (
    'modprobe virtio_net && until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done && '
    'ip addr add 10.9.3.1/24 dev eth0 && ip link set eth0 up')
# The other machine boots meanwhile, and sleeps for a minute.
PATIENCE_S = 600


def main(build, names):
    subprocess.run(['timeout', '30', 'sh', '-c', NETWORK], check=True)
    SERVED.mkdir(mode=0o777)
    world = World(build, False)
    waiters = {name: world.peer('b', f'/nfs/4.2/{SERVED.name}/lock-{name}') for name in names}
    waiting, got_in = set(), {}
    world.begin('locks of the machine that is suspended')
    world.say('(the file server is up)')

    def look():
        for name, waiter in waiters.items():
            if name not in waiting and (SERVED / f'lock-{name}').exists():
                waiter.tell('acquire')
                waiting.add(name)
            # The first line is that the process is ready.
            if name in waiting and name not in got_in and waiter.has_answered():
                word, took_s, _ = waiter.answer()
                got_in[name] = word
                (SERVED / f'in-{name}').touch()
                world.say(f'(the other machine has {name}: {word}, after {took_s:.0f} s)')
        time.sleep(0.1)
        return pathlib.Path('/guest-out/end').exists()

    wait_until(look, PATIENCE_S)
    wait_until(lambda: look() and len(got_in) == len(names), must=False)
    for name in names:
        word = got_in.get(name, 'it waits')
        world.check(f'suspend, NFS, {name}: the other machine gets the lock', word == 'held', word)
    world.end_peers()
    return 1 if world.failed else 0


if __name__ == '__main__':
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
