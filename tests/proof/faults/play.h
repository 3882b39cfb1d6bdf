/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The conditions that must hold after an operation, whatever went wrong in it: no file of
 * another process was touched, no file is left that could be removed, and a newcomer gets the
 * lock as soon as docs/protocol.md says.
 */

#pragma once

#include "matrix.h"
#include "scenes.h"

G_BEGIN_DECLS

typedef struct
{
  const Scene *scene;
  FluflFsKind  kind;
  Stage        stage;
  gboolean     had_lock; /* before the operation … */
  FluflStat    lock;     /* … and its file then */
  char       **names;    /* in the directory then; owned */
  gint64       slowest;  /* the longest wait of a newcomer */
} Play;

const char *fs_kind_name  (FluflFsKind    kind);

/* Sets the stage, with bystanders. */
void     play_open        (Play          *self,
                           const Disk    *disk);
/* To be called when the operation begins. */
void     play_remember    (Play          *self);
/* @holds: whether the operation's process says that it has the lock. */
void     play_judge_lock  (Play          *self,
                           gboolean       holds,
                           Call           call,
                           const Blow    *blow);
/* To be called when all processes except the other have gone. */
void     play_close       (Play          *self,
                           Call           call,
                           const Blow    *blow);

G_END_DECLS
