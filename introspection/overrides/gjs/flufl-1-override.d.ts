// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// What the override for GJS adds to the declarations that ts-for-gir makes from the GIR: arguments
// that have a usual value may be left out. Durations are whole milliseconds.

declare module 'gi://Flufl?version=1' {
  import type Gio from 'gi://Gio?version=2.0';

  export namespace Flufl {
    interface Lock {
      acquire(timeout_ms?: bigint | number, cancellable?: Gio.Cancellable | null): boolean;
      acquire_async(timeout_ms?: bigint | number,
        cancellable?: Gio.Cancellable | null): Promise<boolean>;
      release(cancellable?: Gio.Cancellable | null): boolean;
      release_async(cancellable?: Gio.Cancellable | null): Promise<boolean>;
      refresh(lifetime_ms?: bigint | number, cancellable?: Gio.Cancellable | null): boolean;
      refresh_async(lifetime_ms?: bigint | number,
        cancellable?: Gio.Cancellable | null): Promise<boolean>;
      check(cancellable?: Gio.Cancellable | null): boolean;
      check_async(cancellable?: Gio.Cancellable | null): Promise<boolean>;
      query_state(cancellable?: Gio.Cancellable | null): LockState;
      query_state_async(cancellable?: Gio.Cancellable | null): Promise<LockState>;
      query_details(cancellable?: Gio.Cancellable | null): LockDetails;
      query_details_async(cancellable?: Gio.Cancellable | null): Promise<LockDetails>;
      query_foreign_details(cancellable?: Gio.Cancellable | null): LockDetails;
      query_foreign_details_async(cancellable?: Gio.Cancellable | null): Promise<LockDetails>;
      break_lock(flags?: BreakFlags, cancellable?: Gio.Cancellable | null): boolean;
      break_lock_async(flags?: BreakFlags,
        cancellable?: Gio.Cancellable | null): Promise<boolean>;
      break_lock_of(details: LockDetails, flags?: BreakFlags,
        cancellable?: Gio.Cancellable | null): boolean;
      break_lock_of_async(details: LockDetails, flags?: BreakFlags,
        cancellable?: Gio.Cancellable | null): Promise<boolean>;
      list_waiters(cancellable?: Gio.Cancellable | null): LockDetails[];
      list_waiters_async(cancellable?: Gio.Cancellable | null): Promise<LockDetails[]>;

      // Holds the lock while `work` runs, and resolves to what it returned.
      with_lock<T>(work: (lock: this) => T | PromiseLike<T>, timeout_ms?: bigint | number,
        cancellable?: Gio.Cancellable | null): Promise<T>;

      // Only where GJS has the symbols.
      [Symbol.dispose](): void;
      [Symbol.asyncDispose](): Promise<void>;
    }
  }
}
