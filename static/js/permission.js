// Who may do what, so that the page offers only what the server will allow;
// the server decides (classroom/permission.go has the same table).

/** @typedef {import("../types/kelas.d.ts").Role} Role */

/** @type {Record<string, Set<string>>} */
const table = {
  present: new Set(["presenter", "guest"]),
  announce: new Set(["presenter", "guest", "moderator"]),
  deleteAnyChat: new Set(["presenter", "moderator"]),
  deleteAnyFile: new Set(["presenter", "moderator"]),
  handOver: new Set(["presenter", "guest", "moderator"]),
  takeBack: new Set(["presenter", "moderator"]),
  setRole: new Set(["presenter", "moderator"]),
  remove: new Set(["presenter", "moderator"]),
  lock: new Set(["presenter", "moderator"]),
  endClass: new Set(["presenter", "moderator"]),
  seeAttendance: new Set(["presenter", "moderator"]),
  admit: new Set(["presenter", "moderator"]),
  invite: new Set(["presenter", "moderator"]),
};

/**
 * A presenter by hand-over alone ("guest") keeps what its own role may.
 *
 * @param {keyof typeof table} action
 * @param {Role} base the role of the identity
 * @param {Role} role the role at this moment
 */
export function may(action, base, role) {
  const allowed = table[action];
  if (role !== "presenter" || base === "presenter") return allowed.has(role);
  return allowed.has("guest") || allowed.has(base);
}
