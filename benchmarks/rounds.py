# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The statistics of scripts/bench, and whether the machine was quiet."""

import pathlib
import time

SPINS = 200000
WINDOW = 0.2  # seconds
# A run is quiet if it stays within all of these.
BUSY_USUAL = 0.05   # what others use of the processors, at the median
BUSY_MUCH = 0.25    # what others use at a bad moment,
BUSY_OFTEN = 0.1    # and the part of the moments that may be bad
SLOWER = 1.2        # the same work at its 9th decile, against its fastest
STOLEN = 0.01       # of the run, by the host of a virtual machine


def quantile(values, part):
    """The value below which the part of the values lies, between two neighbours if need be."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * part
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(values):
    return quantile(values, .5)


def ratios(ones, others):
    """The ratio of two contestants in each round that has both. A round without one has None."""
    return [a / b for a, b in zip(ones, others) if a is not None and b]


def quartiles(values):
    return [quantile(values, part) for part in (.25, .5, .75)]


def processor_ticks():
    """All, idle and stolen ticks of the processors."""
    with open('/proc/stat', encoding='ascii') as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4], ticks[7]


def spin():
    start = time.perf_counter_ns()
    for _ in range(SPINS):
        pass
    return time.perf_counter_ns() - start


def probe():
    """What others do between two rounds, while every process of the run waits."""
    before = processor_ticks()
    time.sleep(WINDOW)
    after = processor_ticks()
    total = after[0] - before[0]
    return {
        # The idle time of a processor may seem to go back a little.
        'busy': max(0, 1 - (after[1] - before[1]) / total) if total > 0 else None,
        'spin': min(spin() for _ in range(3)),
        'load': float(pathlib.Path('/proc/loadavg').read_text(encoding='ascii').split()[0]),
    }


def verdict(probes, stolen):
    """The reasons for which the figures mean nothing. A quiet run has none."""
    reasons = []
    busy = [probe['busy'] for probe in probes if probe['busy'] is not None]
    if not busy:
        return ['The system does not show how busy its processors are.']
    usual = median(busy)
    if usual > BUSY_USUAL:
        reasons.append(f'Between rounds other programs used {usual:.0%} of the processors, the median of '
                       f'{len(busy)} moments. The limit is {BUSY_USUAL:.0%}.')
    much = sum(part > BUSY_MUCH for part in busy) / len(busy)
    if much > BUSY_OFTEN:
        reasons.append(f'At {much:.0%} of {len(busy)} moments between rounds other programs used more than '
                       f'{BUSY_MUCH:.0%} of the processors. The limit is {BUSY_OFTEN:.0%} of the moments.')
    spins = [probe['spin'] for probe in probes]
    slower = quantile(spins, .9) / min(spins)
    if slower > SLOWER:
        reasons.append(f'A fixed loop is run between rounds. One run in ten took at least {slower:.2f} '
                       f'times as long as the fastest. The limit is {SLOWER:.2f} times.')
    if stolen > STOLEN:
        reasons.append(f'The host of this virtual machine took {stolen:.1%} of the time. '
                       f'The limit is {STOLEN:.0%}.')
    return reasons
