# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Durations as Python has them, converted to the milliseconds of Flufl."""

import datetime
import math
import operator

from gi.module import get_introspection_module
from gi.repository import GLib

Flufl = get_introspection_module('Flufl')

_MILLISECOND = datetime.timedelta(milliseconds=1)
# Each look-up in the module GLib takes longer than the rest of a conversion.
_MIN, _MAX = GLib.MININT64, GLib.MAXINT64


def to_ms(duration):
    """Give whole milliseconds; a timedelta is rounded up."""
    if isinstance(duration, datetime.timedelta):
        # The rest of a deadline that is just past must not become -1, which is for ever.
        if duration < datetime.timedelta(0):
            raise ValueError('a duration cannot be negative')
        whole, rest = divmod(duration, _MILLISECOND)
        return whole + bool(rest)
    if isinstance(duration, float) and math.isinf(duration):
        raise ValueError('a duration is finite; a timeout of None is for ever')
    # A float most often means seconds, as elsewhere in Python. A bool means whether
    # to wait, as in threading.Lock.acquire().
    try:
        if isinstance(duration, bool):
            raise TypeError
        duration_ms = operator.index(duration)
    except TypeError:
        raise TypeError('a duration is whole milliseconds, or a timedelta, not '
                        + type(duration).__name__) from None
    if not _MIN <= duration_ms <= _MAX:
        raise OverflowError('a duration of so many milliseconds does not fit in 64 bits')
    return duration_ms


def from_ms(duration_ms):
    """Give a timedelta, the longest if milliseconds can be more than that."""
    try:
        return datetime.timedelta(milliseconds=duration_ms)
    except OverflowError:
        return datetime.timedelta.max


def in_range(name, value, owner=Flufl.Lock):
    """Give the value if the property can have it."""
    spec = owner.find_property(name)
    if not spec.minimum <= value <= spec.maximum:
        raise ValueError('a {} of {} ms is not between {} and {} ms'.format(
            name, value, spec.minimum, spec.maximum))
    return value


def none_to_ms(timeout):
    return Flufl.LOCK_TIMEOUT_FOREVER if timeout is None else to_ms(timeout)


def timeout_to_ms(timeout, least=Flufl.LOCK_TIMEOUT_DEFAULT):
    timeout_ms = none_to_ms(timeout)
    if timeout_ms < least:
        default = ', and -2 the default timeout' if least == Flufl.LOCK_TIMEOUT_DEFAULT else ''
        raise ValueError(f'a timeout of {timeout_ms} ms is negative: -1 or None is for ever{default}')
    return timeout_ms


def lifetime_to_ms(lifetime):
    lifetime_ms = in_range('lifetime', to_ms(lifetime))
    # flufl.lock takes seconds.
    if lifetime_ms < 1000 and not isinstance(lifetime, datetime.timedelta):
        raise ValueError('a lifetime of {0} is {0} ms, less than a second; if that is meant, '
                         'write timedelta(milliseconds={0}), or else timedelta(seconds={0})'
                         .format(lifetime_ms))
    return lifetime_ms


def new_lifetime_to_ms(lifetime):
    if not isinstance(lifetime, datetime.timedelta) and to_ms(lifetime) == Flufl.LOCK_LIFETIME_DEFAULT:
        return Flufl.LOCK_LIFETIME_DEFAULT
    return lifetime_to_ms(lifetime)


def default_timeout_to_ms(timeout):
    return in_range('default-timeout', none_to_ms(timeout))
