// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

// What makes Flufl pleasant from GJS: `await lock.acquire_async()`, arguments
// that have a usual value may be left out, `lock.with_lock(work)`, and `using`.

const {Gio, GLib} = imports.gi;

// GJS would convert other values to whole numbers: Infinity to 0, true to 1.
function _checkWhole(name, value) {
  if (typeof value === 'number' && Number.isSafeInteger(value) || typeof value === 'bigint')
    return;
  const message = `${name}: ${String(value)} is not a whole number of milliseconds`;
  if (Number.isInteger(value))
    throw new RangeError(`${name}: ${value} is too large`);
  if (typeof value === 'number') {
    throw new RangeError(message +
      (value === Infinity ? '; for ever is LOCK_TIMEOUT_FOREVER' : ''));
  }
  throw new TypeError(`${name}: ${JSON.stringify(value) ?? String(value)} is not a number`);
}

function _checkRange(name, value, least, most) {
  _checkWhole(name, value);
  if (value < least || value > most)
    throw new RangeError(`${name}: ${value} ms is not between ${least} and ${most} ms`);
}

// Missing and undefined arguments get their default. A callback behind them is
// passed on.
function _withDefaults(proto, name, defaults) {
  const method = proto[name];
  const isDuration = typeof defaults[0] === 'number' && /^(acquire|refresh)/.test(name);

  proto[name] = function (...args) {
    const filled = defaults.map((value, i) => args[i] === undefined ? value : args[i]);
    if (isDuration)
      _checkWhole(`${name}()`, filled[0]);
    return method.call(this, ...filled, ...args.slice(defaults.length));
  };
}

// An operation in both forms. `owner` has its methods: a prototype, or a class.
function _withPromises(owner, name, defaults) {
  Gio._promisify(owner, `${name}_async`, `${name}_finish`);
  _withDefaults(owner, name, defaults);
  _withDefaults(owner, `${name}_async`, defaults);
}

// GJS has each property under three names.
function _spellings(name) {
  return new Set([name, name.replace(/_/g, '-'),
    name.replace(/_(.)/g, (_match, letter) => letter.toUpperCase())]);
}

// A property in milliseconds throws for what is out of its range; C only warns.
function _withRange(proto, name, least, most) {
  const get = proto[`get_${name}`];
  const set = proto[`set_${name}`];
  const setChecked = function (value) {
    _checkRange(name, value, least, most);
    set.call(this, value);
  };

  proto[`set_${name}`] = setChecked;
  for (const spelling of _spellings(name))
    Object.defineProperty(proto, spelling, {get, set: setChecked, configurable: true});
}

// Does so for several properties, which may be arguments of the constructor.
function _withRanges(proto, ranges) {
  const construct = proto._init;

  for (const [name, range] of Object.entries(ranges))
    _withRange(proto, name, ...range);
  proto._init = function (properties = {}, ...args) {
    for (const [name, range] of Object.entries(ranges)) {
      for (const spelling of _spellings(name)) {
        if (properties[spelling] !== undefined)
          _checkRange(name, properties[spelling], ...range);
      }
    }
    return construct.call(this, properties, ...args);
  };
}

// For `using` and `await using`, where this GJS has them. A lock that is neither held nor lost has
// nothing to end. The release of a lost one reports the loss.
function _withDispose(proto) {
  const isOver = lock => !lock.held && lock.dup_lost_error() === null;
  const define = (symbol, value) => {
    if (typeof symbol === 'symbol')
      Object.defineProperty(proto, symbol, {value, writable: true, configurable: true});
  };

  define(Symbol.dispose, function () {
    if (!isOver(this))
      this.release();
  });
  define(Symbol.asyncDispose, async function () {
    if (!isOver(this))
      await this.release_async();
  });
}

function _isCancelled(error) {
  return error instanceof GLib.Error &&
    error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
}

// From an acquisition to the end of its lease. After a loss, other work may have acquired the lock
// with the same object.
class _Scope {
  constructor(lock) {
    this._lock = lock;
    this._lost = lock.dup_lost_cancellable();
    this._loss = null;
    this._handler = lock.connect('lost', (_lock, error) => this._noteLoss(error));
  }

  // The signal comes once for each loss, and the first is that of this scope.
  _noteLoss(error) {
    this._loss ??= error;
  }

  async end() {
    this._lock.disconnect(this._handler);
    if (this._lost.is_cancelled()) {
      throw this._loss ?? this._lock.dup_lost_error() ?? new GLib.Error(imports.gi.Flufl.LockError,
        imports.gi.Flufl.LockError.LOST,
        `The lock “${this._lock.file.get_parse_name()}” was lost, and acquired again since`);
    }
    try {
      await this._lock.release_async();
    } catch (error) {
      // Nobody would release it again.
      if (this._lock.held && !this._lost.is_cancelled())
        this._lock.abandon();
      throw error;
    }
  }
}

function _init() {
  const Flufl = this;
  const proto = Flufl.Lock.prototype;
  const defaults = {
    acquire: [Flufl.LOCK_TIMEOUT_DEFAULT, null],
    release: [null],
    refresh: [Flufl.LOCK_LIFETIME_DEFAULT, null],
    check: [null],
    query_state: [null],
    query_details: [null],
    query_foreign_details: [null],
    break_lock: [Flufl.BreakFlags.NONE, null],
    break_lock_of: [undefined, Flufl.BreakFlags.NONE, null],
    list_waiters: [null],
  };

  const ranges = {
    lifetime: [1, 68 * 365 * 24 * 3600 * 1000],
    default_timeout: [Flufl.LOCK_TIMEOUT_FOREVER, Number.MAX_SAFE_INTEGER],
    waiting_delay: [0, Number.MAX_SAFE_INTEGER / 2],
  };

  _withRanges(proto, ranges);
  _withRanges(Flufl.LockMonitor.prototype, {interval: [10, 2 ** 31 - 1]});
  for (const [name, values] of Object.entries(defaults))
    _withPromises(proto, name, values);
  _withPromises(Flufl.Lock, 'remove_leftovers', [undefined, false, null]);

  _withDispose(proto);

  // Holds the lock while `work`, which may be async, runs, and resolves to
  // what it returned. Rejects with LOST if the lock was lost meanwhile.
  proto.with_lock = async function (work, timeout_ms, cancellable) {
    if (typeof work !== 'function')
      throw new TypeError('with_lock() needs a function');
    await this.acquire_async(timeout_ms, cancellable);
    const scope = new _Scope(this);

    let result;
    try {
      result = await work(this);
    } catch (error) {
      // Never hide why the work failed, unless it only says that it was
      // stopped: it may have been by the lock's own cancellable.
      await scope.end().catch(releaseError => {
        if (_isCancelled(error))
          throw releaseError;
      });
      throw error;
    }

    await scope.end();
    return result;
  };
}
