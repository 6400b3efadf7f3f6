/**
 * How long to wait before attempt n (0, 1, 2 ...): doubling up to max, then
 * spread over the upper half, so that a class that lost its server does not
 * come back in one instant.
 *
 * @param {number} attempt
 * @param {{base?: number, max?: number, random?: () => number}} [options] milliseconds
 */
export function backoff(attempt, { base = 500, max = 15000, random = Math.random } = {}) {
  const full = Math.min(max, base * 2 ** Math.min(attempt, 30));
  return Math.round(full / 2 + (full / 2) * random());
}
