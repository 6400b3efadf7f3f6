// Files on their way to the class by tus: progress, pause, and going on where
// it stopped when the line was lost, after a reload too. No DOM.

import { backoff } from "./backoff.js";
import { Pace } from "./format.js";

/** @typedef {import("../types/kelas.d.ts").Tus} Tus */
/** @typedef {import("../types/kelas.d.ts").TusUpload} TusUpload */

/**
 * @typedef {object} Upload
 * @property {string} id
 * @property {string} name
 * @property {number} size
 * @property {number} done bytes the server has
 * @property {"queued" | "uploading" | "paused" | "waiting" | "failed"} state paused by the person, waiting for the line
 * @property {number} speed bytes in a second
 * @property {number} left seconds, or Infinity
 * @property {string} [code] why it failed
 */

/** @typedef {Upload & {file: File, tus: TusUpload | null, pace: Pace, attempt: number, timer?: ReturnType<typeof setTimeout>}} Running */

const atOnce = 2;
// An acknowledged piece is safe on the server's disk; this much is sent again
// at most.
const piece = 8 << 20;

/**
 * @param {object} options
 * @param {Tus} options.tus
 * @param {string} options.endpoint
 * @param {string} options.csrf
 * @param {(uploads: Upload[]) => void} options.changed
 * @param {(upload: Upload) => void} [options.failed]
 */
export function createUploads({ tus, endpoint, csrf, changed, failed }) {
  /** @type {Map<string, Running>} */
  const all = new Map();
  let counter = 0;

  const tell = () => changed([...all.values()].map(({ id, name, size, done, state, speed, left, code }) => (
    { id, name, size, done, state, speed, left, code }
  )));

  function pump() {
    let running = [...all.values()].filter((u) => u.state === "uploading" || u.state === "waiting").length;
    for (const upload of all.values()) {
      if (running >= atOnce) break;
      if (upload.state !== "queued") continue;
      running++;
      void begin(upload);
    }
    tell();
  }

  /** @param {Running} upload */
  async function begin(upload) {
    upload.state = "uploading";
    upload.code = undefined;
    upload.pace.restart(upload.done, Date.now());
    upload.tus ??= make(upload);
    if (!upload.tus.url) {
      // The same file, chosen again after a reload, goes on where it was.
      const [previous] = await upload.tus.findPreviousUploads().catch(() => []);
      if (!all.has(upload.id) || upload.state !== "uploading") return;
      if (previous) upload.tus.resumeFromPreviousUpload(previous);
    }
    upload.tus.start();
  }

  /** @param {Running} upload */
  function make(upload) {
    return new tus.Upload(upload.file, {
      endpoint,
      chunkSize: piece,
      retryDelays: null, // ours below: for ever, and at once when the line is back
      removeFingerprintOnSuccess: true,
      headers: { "X-CSRF-Token": csrf },
      metadata: { filename: upload.name, filetype: upload.file.type || "application/octet-stream" },
      onProgress: (/** @type {number} */ sent) => {
        upload.done = sent;
        upload.attempt = 0;
        upload.pace.update(sent, Date.now());
        upload.speed = upload.pace.speed;
        upload.left = upload.pace.left(upload.size);
        tell();
      },
      onSuccess: () => {
        all.delete(upload.id); // the class tells everybody of the new file
        pump();
      },
      onError: (/** @type {any} */ error) => onError(upload, error),
    });
  }

  /**
   * @param {Running} upload
   * @param {any} error
   */
  function onError(upload, error) {
    if (!all.has(upload.id) || upload.state === "paused") return;
    const status = error?.originalResponse?.getStatus?.() ?? 0;
    // No answer, or one that says "later": the server still has what it has.
    const transient = status === 0 || status === 409 || status === 423 || status === 429 || status >= 500 && status !== 507;
    upload.speed = 0;
    upload.left = Infinity;
    if (transient) {
      upload.state = "waiting";
      upload.timer = setTimeout(() => again(upload), backoff(upload.attempt++, { base: 1000, max: 20_000 }));
    } else {
      upload.state = "failed";
      upload.code = codeOf(error, status);
      if (status === 404 || status === 410) upload.tus = null; // it expired there: from the start
      failed?.(upload);
      pump();
    }
    tell();
  }

  /** @param {Running} upload */
  function again(upload) {
    clearTimeout(upload.timer);
    if (all.has(upload.id) && upload.state === "waiting") {
      void begin(upload);
      tell();
    }
  }

  return {
    /** @param {Iterable<File>} files */
    add(files) {
      for (const file of files) {
        const id = String(++counter);
        all.set(id, {
          id, file, name: file.name, size: file.size, done: 0, state: "queued", speed: 0, left: Infinity,
          tus: null, pace: new Pace(), attempt: 0,
        });
      }
      pump();
    },

    /** @param {string} id */
    pause(id) {
      const upload = all.get(id);
      if (!upload) return;
      clearTimeout(upload.timer);
      upload.state = "paused";
      upload.speed = 0;
      void upload.tus?.abort().catch(() => {});
      pump();
    },

    /** Goes on, or tries again after a failure. @param {string} id */
    resume(id) {
      const upload = all.get(id);
      if (!upload) return;
      upload.state = "queued";
      pump();
    },

    /** @param {string} id */
    cancel(id) {
      const upload = all.get(id);
      if (!upload) return;
      clearTimeout(upload.timer);
      all.delete(id);
      void upload.tus?.abort(true).catch(() => {});
      pump();
    },

    /** The line is back: no need to wait any longer. */
    lineBack() {
      for (const upload of all.values()) if (upload.state === "waiting") again(upload);
    },

    get busy() {
      return all.size > 0;
    },
  };
}

/**
 * The code of a refusal: the server's JSON, or by its status.
 *
 * @param {any} error
 * @param {number} status
 */
function codeOf(error, status) {
  try {
    const body = JSON.parse(error.originalResponse.getBody());
    const code = body?.error?.code ?? body?.code;
    if (typeof code === "string" && code) return code;
  } catch {
    // Not ours, perhaps a proxy's page.
  }
  const byStatus = {
    401: "noIdentity", 403: "notAllowed", 404: "noSuchUpload", 410: "noSuchUpload", 413: "fileTooLarge",
    415: "fileTypeNotAllowed", 507: "quotaExceeded",
  };
  return byStatus[/** @type {keyof typeof byStatus} */ (status)] ?? "uploadFailed";
}
