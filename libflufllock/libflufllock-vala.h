/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The header for the C that the Vala compiler writes. It looks at the error, and
 * ignores the result of a method that is called for its effect.
 */

#pragma once

#define FLUFL_RESULT_IS_THROWN

#include "libflufllock.h"

#undef FLUFL_RESULT_IS_THROWN
