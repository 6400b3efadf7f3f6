// Files: drop anywhere or press; what is on its way; what is there.

import { arrange, byId, el, icon, setText } from "./dom.js";
import { clock, elapsed, size } from "../format.js";
import { faultText, language, onLanguage, t } from "../i18n.js";
import { createUploads } from "../uploads.js";
import { ask } from "./dialogs.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../../types/kelas.d.ts").FileView} FileView */
/** @typedef {import("../uploads.js").Upload} Upload */

const icons = [
  [/^image\//, "file-earmark-image"], [/^video\//, "file-earmark-play"], [/^audio\//, "file-earmark-music"],
  [/pdf$/, "file-earmark-pdf"], [/zip|compressed|tar|rar|7z/, "file-earmark-zip"],
  [/sheet|excel|csv/, "file-earmark-spreadsheet"], [/presentation|powerpoint/, "file-earmark-slides"],
  [/word|document|rtf/, "file-earmark-word"], [/^text\//, "file-earmark-text"],
];

/** @param {string} type */
const iconOf = (type) => /** @type {string} */ (icons.find(([pattern]) => /** @type {RegExp} */ (pattern).test(type))?.[1] ?? "file-earmark");

/** @param {Page} page @param {import("../../types/kelas.d.ts").Tus} tus */
export function mountFiles(page, tus) {
  const { session } = page;
  const { config, store } = session;
  const input = /** @type {HTMLInputElement} */ (byId("file-input"));
  const list = byId("file-list");
  const uploadList = byId("upload-list");
  /** @type {Map<string, {node: HTMLElement, look: string}>} */
  const rows = new Map();
  /** @type {Map<string, HTMLElement>} */
  const uploadRows = new Map();
  /** @type {Upload[]} */
  let current = [];

  const uploads = createUploads({
    tus, endpoint: config.urls.uploads, csrf: config.csrf,
    changed: (now) => {
      current = now;
      renderUploads();
    },
    failed: (upload) => page.toasts.show({
      key: `upload:${upload.id}`, kind: "fault", title: t("files.failedTitle", { name: upload.name }),
      text: faultText({ code: upload.code ?? "uploadFailed" }),
    }),
  });

  /** @param {Iterable<File>} files */
  function add(files) {
    /** @type {File[]} */
    const good = [];
    for (const file of files) {
      const code = file.size === 0 ? "fileEmpty" : file.size > config.limits.fileMaxSize ? "fileTooLarge" : "";
      if (!code) good.push(file);
      else {
        page.toasts.show({
          key: `upload:${file.name}`, kind: "fault", title: t("files.failedTitle", { name: file.name }),
          text: `${faultText({ code })} ${t("files.limit", { size: size(config.limits.fileMaxSize, language()) })}`,
        });
      }
    }
    if (!good.length) return;
    page.panel.reveal("files");
    uploads.add(good);
  }

  function renderUploads() {
    const ids = new Set(current.map((u) => u.id));
    for (const id of uploadRows.keys()) if (!ids.has(id)) uploadRows.delete(id);
    arrange(uploadList, current.map((upload) => {
      let node = uploadRows.get(upload.id);
      if (!node) uploadRows.set(upload.id, (node = makeUpload(upload)));
      updateUpload(node, upload);
      return node;
    }));
    renderEmpty();
  }

  /** @param {Upload} upload */
  function makeUpload(upload) {
    const tool = (/** @type {string} */ name, /** @type {string} */ picture, /** @type {() => void} */ run) => el("button", {
      attrs: { type: "button" }, data: { tool: name }, on: { click: run },
    }, icon(picture));
    return el("li", { class: "k-upload", data: { testid: "upload-row" } },
      icon("cloud-arrow-up"),
      el("div", {}, el("span", { class: "k-file-name", text: upload.name, title: upload.name }), el("div", { class: "k-file-about" })),
      el("div", { class: "k-file-tools" },
        tool("pause", "pause-fill", () => uploads.pause(upload.id)),
        tool("resume", "play-fill", () => uploads.resume(upload.id)),
        tool("retry", "arrow-clockwise", () => uploads.resume(upload.id)),
        tool("cancel", "x-lg", () => uploads.cancel(upload.id))),
      el("progress", { attrs: { max: String(upload.size), "aria-label": t("files.progress", { name: upload.name }) } }));
  }

  /** @param {HTMLElement} node @param {Upload} upload */
  function updateUpload(node, upload) {
    const lang = language();
    node.dataset.state = upload.state;
    const progress = /** @type {HTMLProgressElement} */ (node.querySelector("progress"));
    progress.value = upload.done;
    const percent = Math.floor((upload.done / upload.size) * 100);
    /** @type {Record<Upload["state"], string>} */
    const words = {
      queued: t("files.queued"),
      uploading: [
        `${percent}% · ${size(upload.done, lang)} / ${size(upload.size, lang)}`,
        upload.speed > 0 && `${size(upload.speed, lang)}/s`,
        Number.isFinite(upload.left) && upload.left < 86_400 && t("files.left", { time: elapsed(upload.left * 1000) }),
      ].filter(Boolean).join(" · "),
      paused: t("files.paused", { percent }),
      waiting: t("files.waiting", { percent }),
      failed: faultText({ code: upload.code ?? "uploadFailed" }),
    };
    setText(/** @type {HTMLElement} */ (node.querySelector(".k-file-about")), words[upload.state]);
    const shown = {
      pause: upload.state === "uploading" || upload.state === "waiting", resume: upload.state === "paused",
      retry: upload.state === "failed", cancel: true,
    };
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (node.querySelectorAll("[data-tool]"))) {
      const name = /** @type {keyof typeof shown} */ (button.dataset.tool);
      button.hidden = !shown[name];
      button.title = t(`files.${name}`);
      button.setAttribute("aria-label", `${t(`files.${name}`)}: ${upload.name}`);
    }
  }

  function render() {
    const { files, you } = store.get();
    const newestFirst = [...files.values()].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
    for (const id of rows.keys()) if (!files.has(id)) rows.delete(id);
    arrange(list, newestFirst.map((file) => {
      const look = [file.id, you?.id, you?.role, language()].join("|");
      const known = rows.get(file.id);
      if (known?.look === look) return known.node;
      const node = makeFile(file);
      rows.set(file.id, { node, look });
      return node;
    }));
    setText(byId("files-hint"), t("files.hint", { size: size(config.limits.fileMaxSize, language()) }));
    renderEmpty();
  }

  function renderEmpty() {
    byId("files-empty").hidden = current.length > 0 || store.get().files.size > 0 || !store.get().joined;
  }

  /** @param {FileView} file */
  function makeFile(file) {
    const own = file.owner.id === store.get().you?.id;
    const name = el("a", { class: "k-file-name", text: file.name, title: file.name });
    name.href = file.url;
    name.download = file.name;
    const download = el("a", { title: t("files.download"), attrs: { "aria-label": `${t("files.download")}: ${file.name}` } }, icon("download"));
    download.href = file.url;
    download.download = file.name;
    const tool = (/** @type {string} */ key, /** @type {string} */ picture, /** @type {() => void} */ run) => el("button", {
      title: t(key), attrs: { type: "button", "aria-label": `${t(key)}: ${file.name}`, "data-testid": key.replace(".", "-") }, on: { click: run },
    }, icon(picture));
    return el("li", { class: "k-file", data: { testid: "file-row", file: file.id, ...(file.hash && { hash: file.hash }) } },
      icon(iconOf(file.type)),
      el("div", {}, name, el("div", { class: "k-file-about", text: `${size(file.size, language())} · ${own ? t("files.byYou") : file.owner.name} · ${clock(file.at, language())}` })),
      el("div", { class: "k-file-tools" },
        file.previewUrl && tool("files.preview", "eye", () => preview(file)),
        download,
        (own || page.may("deleteAnyFile")) && tool("files.delete", "trash3", () => void remove(file))));
  }

  /** @param {FileView} file */
  async function remove(file) {
    const yes = await ask({ title: t("files.deleteTitle", { name: file.name }), text: t("files.deleteText"), yes: t("files.delete"), danger: true });
    if (yes) void session.actions.ask("fileDelete", { id: file.id });
  }

  // --- preview

  const dialog = /** @type {HTMLDialogElement} */ (byId("preview"));

  /** @param {FileView} file */
  function preview(file) {
    const body = byId("preview-body");
    setText(byId("preview-title"), file.name);
    const download = /** @type {HTMLAnchorElement} */ (byId("preview-download"));
    download.href = file.url;
    download.download = file.name;
    const failed = () => body.replaceChildren(el("div", { class: "k-pane-empty" }, icon("eye-slash"), el("p", { text: t("files.previewFailed") })));
    if (file.type.startsWith("image/")) {
      const image = el("img", { attrs: { alt: file.name }, on: { error: failed } });
      image.src = file.previewUrl ?? "";
      body.replaceChildren(image);
    } else {
      // Chromium shows no PDF in a frame with the sandbox attribute, though it
      // does under the sandbox that the answer's own policy may ask for; its
      // viewer is a process apart. Anything else gets the attribute.
      const pdf = file.type === "application/pdf";
      const frame = el("iframe", { title: file.name, attrs: { ...(!pdf && { sandbox: "" }), referrerpolicy: "no-referrer" } });
      frame.src = file.previewUrl ?? "";
      body.replaceChildren(frame);
    }
    dialog.showModal();
  }
  byId("preview-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => byId("preview-body").replaceChildren());

  // --- choosing and dropping

  input.addEventListener("change", () => {
    add(input.files ?? []);
    input.value = ""; // the same file may be chosen again
  });
  const drop = byId("drop");
  let depth = 0;
  const hasFiles = (/** @type {DragEvent} */ e) => e.dataTransfer?.types.includes("Files") ?? false;
  window.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth++;
    drop.hidden = false;
  });
  window.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    drop.hidden = depth === 0;
  });
  window.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
  window.addEventListener("drop", (event) => {
    depth = 0;
    drop.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    add(event.dataTransfer?.files ?? []);
  });
  byId("chat-input").addEventListener("paste", (event) => {
    const files = /** @type {ClipboardEvent} */ (event).clipboardData?.files;
    if (files?.length) {
      event.preventDefault();
      add(files);
    }
  });

  session.news.on("file", (/** @type {FileView} */ file) => {
    if (file.owner.id === store.get().you?.id) return;
    page.panel.news("files");
    page.announce(t("files.spoken", { name: file.owner.name, file: file.name }));
  });
  session.news.on("joined", () => uploads.lineBack());
  window.addEventListener("online", () => uploads.lineBack());
  store.watch(["files", "you", "joined"], render);
  onLanguage(() => { render(); renderUploads(); });

  return { get busy() { return uploads.busy; } };
}
