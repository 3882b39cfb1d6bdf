/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The marks of texts for translators. The project has no gettext yet: whole sentences are marked, so
 * that it is a step of this file.
 */

#pragma once

#define _(text) (text)
#define N_(text) (text)
