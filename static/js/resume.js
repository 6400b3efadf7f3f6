// What a tab remembers of itself: its session, and that it was live a moment
// ago, so that a reload does not end a class.

const liveWindow = 30_000;

/**
 * The session's token, kept by this tab alone. A duplicated tab starts with a
 * copy of it; a lock finds out that another tab still uses it.
 *
 * @param {string} classId
 * @returns {Promise<{load(): string, save(token: string): void}>}
 */
export async function tabSession(classId) {
  const key = `kelas.session.${classId}`;
  let token = read(key);
  if (token && !(await claim(token))) {
    token = "";
    rememberLive(classId, null); // the other tab is the one that is live
  }
  return {
    load: () => token,
    save: (next) => {
      if (next === token) return;
      token = next;
      write(key, next);
      void claim(next);
    },
  };
}

/** Holds the token's lock for as long as this page lives. @param {string} token @returns {Promise<boolean>} */
function claim(token) {
  if (!navigator.locks) return Promise.resolve(true); // without https: one token, two tabs, the newer wins
  return new Promise((resolve) => {
    const name = `kelas.session.${token}`;
    const hold = (/** @type {Lock | null} */ lock) => {
      resolve(Boolean(lock));
      return lock ? new Promise(() => {}) : undefined;
    };
    navigator.locks.request(name, { ifAvailable: true }, hold).catch(() => resolve(true));
  });
}

/** @typedef {{mic: boolean, camera: boolean, screen: boolean}} WasLive */

/** @param {string} classId @param {WasLive | null} live null forgets it */
export function rememberLive(classId, live) {
  const key = `kelas.live.${classId}`;
  if (live) write(key, JSON.stringify({ ...live, at: Date.now() }));
  else write(key, "");
}

/**
 * What this tab was sending a moment ago, or null.
 *
 * @param {string} classId
 * @returns {WasLive | null}
 */
export function wasLive(classId) {
  try {
    const live = JSON.parse(read(`kelas.live.${classId}`) || "null");
    return live && Date.now() - live.at < liveWindow ? live : null;
  } catch {
    return null;
  }
}

const qualities = ["automatic", "low", "soundOnly"];
const qualityKey = "kelas.quality";

/** The picture quality that a person chose, in all tabs and classes of this browser. */
export const qualityWish = {
  /** @returns {import("../types/kelas.d.ts").Quality} */
  load() {
    try {
      const kept = localStorage.getItem(qualityKey) ?? "";
      return qualities.includes(kept) ? /** @type {any} */ (kept) : "automatic";
    } catch {
      return "automatic";
    }
  },
  /** @param {import("../types/kelas.d.ts").Quality} quality */
  save(quality) {
    try {
      localStorage.setItem(qualityKey, quality);
    } catch {
      // Chosen again next time, then.
    }
  },
};

/** @param {string} key */
function read(key) {
  try {
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key @param {string} value */
function write(key, value) {
  try {
    if (value) sessionStorage.setItem(key, value);
    else sessionStorage.removeItem(key);
  } catch {
    // A browser that keeps nothing joins anew after a reload.
  }
}
