/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#define FLUFLLOCK_INSIDE

#include "flufl-enum-types.h"
#include "flufl-enums.h"
#include "flufl-error.h"
#include "flufl-lock-details.h"
#include "flufl-lock-guard.h"
#include "flufl-lock-monitor.h"
#include "flufl-lock.h"
#include "flufl-macros.h"
#include "flufl-operation.h"
#include "flufl-version.h"

#undef FLUFLLOCK_INSIDE
