// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0

// What makes Flufl pleasant from GJS: `await lock.acquire_async()`, arguments
// that have a usual value may be left out, and `lock.with_lock(work)`.

const {Gio, GLib} = imports.gi;

// GJS would make 0 of Infinity and of NaN, and cut off what is no whole number.
function _checkWhole(name, value) {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`${name}(): ${value} is no whole number of milliseconds` +
      (value === Infinity ? '; for ever is LOCK_TIMEOUT_FOREVER' : ''));
  }
}

// Missing and undefined arguments get their default. What comes after them, a
// callback, is passed on.
function _withDefaults(proto, name, defaults) {
  const method = proto[name];

  proto[name] = function (...args) {
    const filled = defaults.map((value, i) => args[i] ?? value);
    _checkWhole(name, filled[0]);
    return method.call(this, ...filled, ...args.slice(defaults.length));
  };
}

function _isCancelled(error) {
  return error instanceof GLib.Error &&
    error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
}

function _init() {
  const Flufl = this;
  const proto = Flufl.Lock.prototype;
  const defaults = {
    acquire: [Flufl.LOCK_TIMEOUT_DEFAULT, null],
    release: [null],
    refresh: [Flufl.LOCK_LIFETIME_AS_SET, null],
    check: [null],
    query_state: [null],
    query_details: [null],
    break_lock: [Flufl.BreakFlags.NONE, null],
  };

  for (const [name, values] of Object.entries(defaults)) {
    Gio._promisify(proto, `${name}_async`, `${name}_finish`);
    _withDefaults(proto, name, values);
    _withDefaults(proto, `${name}_async`, values);
  }

  // Holds the lock while `work`, which may be async, runs, and resolves to
  // what it returned. Rejects with LOST if the lock was lost meanwhile.
  proto.with_lock = async function (work, timeout_ms, cancellable) {
    if (typeof work !== 'function')
      throw new TypeError('with_lock() needs a function');
    await this.acquire_async(timeout_ms, cancellable);

    let result;
    try {
      result = await work(this);
    } catch (error) {
      // Never hide why the work failed, unless it only says that it was
      // stopped: it may have been by the lock's own cancellable.
      await this.release_async().catch(releaseError => {
        if (_isCancelled(error))
          throw releaseError;
      });
      throw error;
    }

    await this.release_async();
    return result;
  };
}
