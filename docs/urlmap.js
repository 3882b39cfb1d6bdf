// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

baseURLs = [
  [ 'GLib', 'https://docs.gtk.org/glib/' ],
  [ 'GObject', 'https://docs.gtk.org/gobject/' ],
  [ 'Gio', 'https://docs.gtk.org/gio/' ],
]
