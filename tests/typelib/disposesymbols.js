// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// The symbols of `using` and `await using`, which an old GJS does not have. A module that imports
// this before Flufl shows the override a GJS that has them.

for (const name of ['dispose', 'asyncDispose']) {
  if (Symbol[name] === undefined)
    Object.defineProperty(Symbol, name, {value: Symbol(`Symbol.${name}`)});
}
