// What the parts of the page are given.

/**
 * @typedef {object} Page
 * @property {import("../session.js").Session} session
 * @property {import("./toasts.js").Toasts} toasts
 * @property {(action: Parameters<typeof import("../permission.js").may>[0]) => boolean} may whether this person may do it now
 * @property {(text: string) => void} announce politely to screen readers
 * @property {import("./panel.js").Panel} panel
 * @property {import("./sound.js").Sound} sound
 * @property {import("./check.js").Check} check
 * @property {(target: {id: string, name: string}) => void} writeTo starts a private message
 */

export {};
