/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#if !defined (FLUFLLOCK_INSIDE) && !defined (FLUFLLOCK_COMPILATION)
#error "Only <libflufllock.h> can be included directly."
#endif

#include <glib.h>

#include "flufl-version.h"

/* A DLL exports what is marked so, and its users import it. A program that is
 * linked with the static library on Windows defines
 * FLUFLLOCK_STATIC_COMPILATION; the pkg-config file does that for it. */
#if (defined (_WIN32) || defined (__CYGWIN__)) && !defined (FLUFLLOCK_STATIC_COMPILATION)
#ifdef FLUFLLOCK_COMPILATION
#define FLUFL_EXPORT __declspec (dllexport) extern
#else
#define FLUFL_EXPORT __declspec (dllimport) extern
#endif
#elif defined (__GNUC__)
#define FLUFL_EXPORT __attribute__ ((visibility ("default"))) extern
#else
#define FLUFL_EXPORT extern
#endif

/**
 * FLUFL_ENCODE_VERSION: (skip)
 * @major: the major version
 * @minor: the minor version
 *
 * A series of the library, in a form that the preprocessor can compare.
 *
 * Since: 0.1
 */
#define FLUFL_ENCODE_VERSION(major, minor) ((major) << 16 | (minor) << 8)

/**
 * FLUFL_VERSION_0_1: (skip)
 *
 * The 0.1 series of the library, in a form that the preprocessor can compare.
 *
 * Since: 0.1
 */
#define FLUFL_VERSION_0_1 (FLUFL_ENCODE_VERSION (0, 1))

/* The series of these headers. */
#define FLUFL_VERSION_CUR_STABLE (FLUFL_ENCODE_VERSION (FLUFL_MAJOR_VERSION, FLUFL_MINOR_VERSION))

/**
 * FLUFL_VERSION_MIN_REQUIRED: (skip)
 *
 * The oldest series that a program works with.
 *
 * A program may define it, before it includes the header, as one of the macros
 * `FLUFL_VERSION_0_1` and so on. The compiler warns of what was deprecated in
 * that series or before. It does not warn of what was deprecated later, because
 * the program cannot use the replacement yet.
 *
 * It is `FLUFL_VERSION_MAX_ALLOWED` if only that is defined, and otherwise the
 * series of the headers.
 *
 * Since: 0.1
 */
#ifndef FLUFL_VERSION_MIN_REQUIRED
#ifdef FLUFL_VERSION_MAX_ALLOWED
#define FLUFL_VERSION_MIN_REQUIRED (FLUFL_VERSION_MAX_ALLOWED)
#else
#define FLUFL_VERSION_MIN_REQUIRED (FLUFL_VERSION_CUR_STABLE)
#endif
#endif

/**
 * FLUFL_VERSION_MAX_ALLOWED: (skip)
 *
 * The newest series whose symbols a program uses.
 *
 * A program may define it, before it includes the header, as one of the macros
 * `FLUFL_VERSION_0_1` and so on. The compiler warns where the program uses what
 * came later.
 *
 * It is the series of the headers unless a program defines it.
 *
 * Since: 0.1
 */
#ifndef FLUFL_VERSION_MAX_ALLOWED
#define FLUFL_VERSION_MAX_ALLOWED (FLUFL_VERSION_CUR_STABLE)
#endif

#if FLUFL_VERSION_MAX_ALLOWED < FLUFL_VERSION_MIN_REQUIRED
#error "FLUFL_VERSION_MAX_ALLOWED must be >= FLUFL_VERSION_MIN_REQUIRED"
#endif

/* Each public declaration says since when it is there. A series that adds or
 * deprecates symbols has a block like that of 0.1. A program that wants no
 * warnings of deprecated symbols defines FLUFL_DISABLE_DEPRECATION_WARNINGS. */
#define FLUFL_AVAILABLE_IN_ALL FLUFL_EXPORT

#if FLUFL_VERSION_MAX_ALLOWED < FLUFL_VERSION_0_1
#define FLUFL_AVAILABLE_IN_0_1 G_UNAVAILABLE (0, 1) FLUFL_EXPORT
#else
#define FLUFL_AVAILABLE_IN_0_1 FLUFL_EXPORT
#endif

/**
 * FLUFL_DEPRECATED_IN_0_1_FOR: (skip)
 * @function: what to use instead
 *
 * Marks the declaration of a symbol that the 0.1 series deprecated.
 *
 * Since: 0.1
 */
#if FLUFL_VERSION_MIN_REQUIRED >= FLUFL_VERSION_0_1 && !defined (FLUFL_DISABLE_DEPRECATION_WARNINGS)
#define FLUFL_DEPRECATED_IN_0_1 G_DEPRECATED FLUFL_EXPORT
#define FLUFL_DEPRECATED_IN_0_1_FOR(function) G_DEPRECATED_FOR (function) FLUFL_EXPORT
#else
#define FLUFL_DEPRECATED_IN_0_1 FLUFL_EXPORT
#define FLUFL_DEPRECATED_IN_0_1_FOR(function) FLUFL_EXPORT
#endif

/* Marks the functions whose result says that a lock is held, and those that
 * make an object. Who ignores it may work without a lock. A language that
 * throws an error instead ignores it rightly: see libflufllock-vala.h. */
#ifdef FLUFL_RESULT_IS_THROWN
#define FLUFL_WARN_UNUSED_RESULT
#else
#define FLUFL_WARN_UNUSED_RESULT G_GNUC_WARN_UNUSED_RESULT
#endif
