// Numbers and times as people of the page's language write them.

/** @param {number} n */
const two = (n) => String(n).padStart(2, "0");

/**
 * 4:05, 1:02:09.
 *
 * @param {number} ms
 */
export function elapsed(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/**
 * The time of day; with the date when it was not today.
 *
 * @param {number} at
 * @param {string} language
 * @param {number} [now]
 */
export function clock(at, language, now = Date.now()) {
  const date = new Date(at);
  const today = date.toDateString() === new Date(now).toDateString();
  return new Intl.DateTimeFormat(language, {
    hour: "2-digit", minute: "2-digit", ...(!today && { day: "numeric", month: "short" }),
  }).format(date);
}

const units = ["B", "kB", "MB", "GB", "TB"];

/**
 * 13 kB, 1.5 MB (1,5 MB in Indonesian).
 *
 * @param {number} bytes
 * @param {string} language
 */
export function size(bytes, language) {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : value >= 9.95 ? 0 : 1;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

/**
 * 850 kbit/s, 1.2 Mbit/s.
 *
 * @param {number} bitsPerSecond
 * @param {string} language
 */
export function bitrate(bitsPerSecond, language) {
  const mega = bitsPerSecond >= 999_500;
  const value = mega ? bitsPerSecond / 1e6 : bitsPerSecond / 1000;
  const text = new Intl.NumberFormat(language, { maximumFractionDigits: mega ? 1 : 0 }).format(value);
  return `${text} ${mega ? "Mbit/s" : "kbit/s"}`;
}

/**
 * How fast something goes and how long it will take, smoothed so that the
 * figures can be read.
 */
export class Pace {
  #at = 0;
  #done = 0;
  #speed = 0;

  /** Starts counting, or starts again after a pause. @param {number} done @param {number} now */
  restart(done, now) {
    this.#at = now;
    this.#done = done;
    this.#speed = 0;
  }

  /**
   * @param {number} done bytes so far
   * @param {number} now ms
   */
  update(done, now) {
    const dt = now - this.#at;
    if (dt < 250) return;
    const speed = Math.max(0, done - this.#done) / (dt / 1000);
    // About five seconds of memory, whatever the rhythm of the updates.
    const weight = this.#speed === 0 ? 1 : 1 - Math.exp(-dt / 5000);
    this.#speed += (speed - this.#speed) * weight;
    this.#at = now;
    this.#done = done;
  }

  /** Bytes in a second. */
  get speed() {
    return this.#speed;
  }

  /** Seconds left, or Infinity. @param {number} total */
  left(total) {
    return this.#speed > 0 ? Math.max(0, total - this.#done) / this.#speed : Infinity;
  }
}
