// The page's state: one plain object, replaced key by key, and listeners that
// name the keys they read.

/**
 * @template {object} T
 * @param {T} initial
 * @param {(flush: () => void) => void} [schedule] when listeners run; once for many changes
 */
export function createStore(initial, schedule = queueMicrotask) {
  let state = { ...initial };
  /** @type {Set<{keys: Set<keyof T>, listener: (state: T) => void}>} */
  const listeners = new Set();
  /** @type {Set<keyof T>} */
  let changed = new Set();
  let scheduled = false;

  function flush() {
    scheduled = false;
    const keys = changed;
    changed = new Set();
    for (const entry of [...listeners]) {
      if (!listeners.has(entry) || ![...keys].some((key) => entry.keys.has(key))) continue;
      try {
        entry.listener(state);
      } catch (error) {
        console.error(error);
      }
    }
  }

  return {
    /** @returns {Readonly<T>} */
    get: () => state,

    /** @param {Partial<T>} patch keys that are equal already do not count as changed */
    set(patch) {
      let any = false;
      for (const key of /** @type {(keyof T)[]} */ (Object.keys(patch))) {
        if (Object.is(state[key], patch[key])) continue;
        changed.add(key);
        any = true;
      }
      if (!any) return;
      state = { ...state, ...patch };
      if (scheduled) return;
      scheduled = true;
      schedule(flush);
    },

    /**
     * @param {(keyof T)[]} keys
     * @param {(state: T) => void} listener called now and after each change of a key
     * @returns {() => void} stops
     */
    watch(keys, listener) {
      const entry = { keys: new Set(keys), listener };
      listeners.add(entry);
      listener(state);
      return () => void listeners.delete(entry);
    },
  };
}
