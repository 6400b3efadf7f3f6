// The third-party scripts, by address relative to this one, so that they are
// found under whatever path the static files are served.

/** @returns {Promise<import("../types/kelas.d.ts").Io>} */
export async function loadIo() {
  const module = await import(new URL("../third-party/socket.io.esm.min.js", import.meta.url).href);
  return module.io;
}

/** It comes as a plain script with a global of its own. @returns {Promise<import("../types/kelas.d.ts").Tus>} */
export function loadTus() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../third-party/tus.min.js", import.meta.url).href;
    script.addEventListener("load", () => (window.tus ? resolve(window.tus) : reject(new Error("tus is missing"))));
    script.addEventListener("error", () => reject(new Error("tus did not load")));
    document.head.append(script);
  });
}
