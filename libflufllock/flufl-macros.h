/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#if !defined (FLUFLLOCK_INSIDE) && !defined (FLUFLLOCK_COMPILATION)
#error "Only <libflufllock.h> can be included directly."
#endif

#include <glib.h>

#if defined (_WIN32) && defined (FLUFLLOCK_COMPILATION)
#define FLUFL_EXPORT __declspec (dllexport) extern
#elif defined (__GNUC__) && defined (FLUFLLOCK_COMPILATION)
#define FLUFL_EXPORT __attribute__ ((visibility ("default"))) extern
#else
#define FLUFL_EXPORT extern
#endif

/* Marks what is public. A later series gets a macro of its own. */
#define FLUFL_AVAILABLE_IN_ALL FLUFL_EXPORT
