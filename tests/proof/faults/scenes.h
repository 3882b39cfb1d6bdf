/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The situations of a process that locks, by the steps of the protocol. Each scene is a state of
 * the directory, and the operation of the process in it.
 */

#pragma once

#include "disks.h"

#include "protocol-util.h"

G_BEGIN_DECLS

#define KIND(kind) (1u << (kind))
#define ANY_KIND (KIND (FLUFL_FS_LOCAL) | KIND (FLUFL_FS_NFS) | KIND (FLUFL_FS_OTHER))

typedef struct
{
  const Disk  *disk;
  Proc         p;         /* the process of the scene */
  Proc         other;     /* another process, which makes no faults */
  gboolean     believes;  /* p has the lock, as far as it knows */
  gboolean     guarded;   /* what is at the lock file is not p's to remove */
  FluflOutcome outcome;   /* of p's last step */
  int          errsv;     /* the error of that step */
  gboolean     act_by_force; /* the operation removes whatever is there */
  gboolean     disturbed; /* others delete files, so that any process may fail */
  /* Called between two tries of p; NULL: a second passes. */
  void       (*wait)       (void);
  /* Called before p gives back what it has, and once it has got it. */
  void       (*leaving)    (void);
  void       (*holding)    (void);
} Stage;

typedef enum
{
  SCENE_PLAIN,
  SCENE_PATIENT, /* p gets the lock if the fault passes */
  SCENE_LEAVES,  /* p may leave files of others */
  SCENE_BLANK,   /* the lock is known by its claim's name alone */
} SceneTrait;

typedef struct
{
  const char *name;
  guint       kinds;  /* of file systems, as KIND() */
  void      (*prepare) (Stage *self);
  void      (*act)     (Stage *self);
  SceneTrait  trait;
} Scene;

extern const Scene scenes[];
extern const guint n_scenes;
const Scene *scene_find (const char     *name);

void stage_open    (Stage               *self,
                    const Disk          *disk,
                    const FluflSyscalls *sys,
                    FluflFsKind          kind);
void stage_close   (Stage               *self);
/* Whether p's claim is the lock. */
gboolean stage_p_has_it (Stage          *self);
/* p gives back its lock and its kept claim, as a process that ends well does. */
void stage_leave   (Stage               *self);

/* Tries of @proc a second apart, or as @stage says. */
FluflOutcome proc_try (Proc             *proc,
                       Stage            *stage,
                       int               tries);

G_END_DECLS
