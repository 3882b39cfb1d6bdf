/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Coroutines by swapcontext(3), which is quick. The sanitizers and valgrind get to know of them.
 */

#include "coroutine.h"

#include <sys/mman.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif
#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#endif

/* Enough for the protocol, whose largest buffer has the length of a path. */
#define STACK_SIZE (256 * 1024)

struct _Coroutine
{
  ucontext_t  context;
  void      (*body) (gpointer);
  gpointer    user_data;
  void       *stack;
  gsize       size;
#ifdef __SANITIZE_ADDRESS__
  void       *shadow;
#endif
#ifdef __SANITIZE_THREAD__
  void       *fiber;
#endif
#ifdef HAVE_VALGRIND
  unsigned    stack_id;
#endif
};

static Coroutine main_coroutine;
static Coroutine *current = &main_coroutine;

static void
arrive (Coroutine *self G_GNUC_UNUSED)
{
#ifdef __SANITIZE_ADDRESS__
  const void *from;
  gsize size;

  __sanitizer_finish_switch_fiber (self->shadow, &from, &size);
  /* The sanitizer reports the place of the first stack only when that is left. */
  if (main_coroutine.stack == NULL)
    {
      main_coroutine.stack = (void *) from;
      main_coroutine.size = size;
    }
#endif
}

static void
begin (void)
{
  arrive (current);
  current->body (current->user_data);
  g_assert_not_reached ();
}

Coroutine *
coroutine_new (void (*body) (gpointer), gpointer user_data)
{
  Coroutine *self = g_new0 (Coroutine, 1);

  self->body = body;
  self->user_data = user_data;
  self->size = STACK_SIZE;
  self->stack = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (self->stack != MAP_FAILED);
  g_assert_cmpint (getcontext (&self->context), ==, 0);
  self->context.uc_stack.ss_sp = self->stack;
  self->context.uc_stack.ss_size = STACK_SIZE;
  self->context.uc_link = NULL;
  makecontext (&self->context, begin, 0);
#ifdef __SANITIZE_THREAD__
  self->fiber = __tsan_create_fiber (0);
#endif
#ifdef HAVE_VALGRIND
  self->stack_id = VALGRIND_STACK_REGISTER (self->stack, (char *) self->stack + STACK_SIZE);
#endif
  return self;
}

void
coroutine_free (Coroutine *self)
{
  g_assert_true (self != current);
#ifdef HAVE_VALGRIND
  VALGRIND_STACK_DEREGISTER (self->stack_id);
#endif
#ifdef __SANITIZE_THREAD__
  __tsan_destroy_fiber (self->fiber);
#endif
  munmap (self->stack, self->size);
  g_free (self);
}

void
coroutine_switch (Coroutine *to)
{
  Coroutine *from = current;

  current = to != NULL ? to : &main_coroutine;
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber (&from->shadow, current->stack, current->size);
#endif
#ifdef __SANITIZE_THREAD__
  if (main_coroutine.fiber == NULL)
    main_coroutine.fiber = __tsan_get_current_fiber ();
  __tsan_switch_to_fiber (current->fiber, 0);
#endif
  swapcontext (&from->context, &current->context);
  arrive (from);
}
