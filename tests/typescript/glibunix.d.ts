// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// A module of later versions of GLib, for which the examples look.

declare module 'gi://GLibUnix' {
  const module: any;
  export default module;
}
