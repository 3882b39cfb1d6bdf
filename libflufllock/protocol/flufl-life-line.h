/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The flock(2) that a holder keeps on its claim as long as it lives.
 */

#pragma once

#include "flufl-identity.h"
#include "flufl-look.h"

G_BEGIN_DECLS

typedef enum
{
  FLUFL_LIFE_LINE_NONE, /* none that can be seen from here */
  FLUFL_LIFE_LINE_BUSY, /* the holder lives, or a breaker has it */
  FLUFL_LIFE_LINE_ASKED, /* the holder is dead, and others ask whether it is: we do not have it */
  FLUFL_LIFE_LINE_CUT,  /* the holder is dead, and we have it, after TAKE to break */
} FluflLifeLine;

gboolean      flufl_life_line_is_known (FluflSite       *site,
                                        const FluflLook *look);
FluflLifeLine flufl_life_line_try     (FluflSite       *site,
                                       const FluflLook *look,
                                       int              fd,
                                       FluflLine        line);
FluflLiveness flufl_life_line_judge   (FluflSite       *site,
                                       const FluflLook *look,
                                       FluflLifeLine    line);

G_END_DECLS
