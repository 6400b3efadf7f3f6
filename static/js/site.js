// The pages beside the class page: times in the reader's own zone, links that
// are copied, questions before what cannot be undone. Each works without this
// script too, only less kindly.

const language = document.documentElement.lang;

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const manners = {
  date: { dateStyle: "medium" },
  datetime: { dateStyle: "medium", timeStyle: "short" },
};

for (const node of document.querySelectorAll("time[data-show]")) {
  const time = /** @type {HTMLTimeElement} */ (node);
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  time.textContent = new Intl.DateTimeFormat(language, manners[time.dataset.show ?? "datetime"]).format(at);
  time.title = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" }).format(at);
}

for (const node of document.querySelectorAll("a[data-zone]")) {
  const link = /** @type {HTMLAnchorElement} */ (node);
  const url = new URL(link.href);
  url.searchParams.set("tz", Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC");
  link.href = url.href;
}

// A planned time is chosen and shown by the person's own clock.
for (const node of document.querySelectorAll("input[data-zone]")) {
  /** @type {HTMLInputElement} */ (node).value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
}
for (const node of document.querySelectorAll("input[data-utc]")) {
  const input = /** @type {HTMLInputElement} */ (node);
  const at = new Date(input.dataset.utc ?? "");
  if (Number.isNaN(at.getTime())) continue;
  input.value = new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

for (const node of document.querySelectorAll("form[data-confirm]")) {
  node.addEventListener("submit", (event) => {
    if (!window.confirm(node.getAttribute("data-confirm") ?? "")) event.preventDefault();
  });
}

// A form is sent once: the button rests until the answer comes or the person
// returns to this page.
for (const node of document.querySelectorAll("form:not([data-copy-link])")) {
  node.addEventListener("submit", (event) => {
    const button = /** @type {SubmitEvent} */ (event).submitter;
    if (event.defaultPrevented || !(button instanceof HTMLButtonElement) || button.name) return;
    setTimeout(() => { button.disabled = true; });
    addEventListener("pageshow", () => { button.disabled = false; }, { once: true });
  });
}

// What is shown once is copied by a press, where the browser lets a page do it.
for (const node of document.querySelectorAll("button[data-copy]")) {
  const button = /** @type {HTMLButtonElement} */ (node);
  const words = button.querySelector("span");
  const from = document.getElementById(button.dataset.copy ?? "");
  if (!words || !from || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(from.textContent ?? "");
      words.textContent = button.dataset.copied ?? "";
    } catch {
      getSelection()?.selectAllChildren(from); // to be copied by hand
    }
  });
}

/**
 * Fetches a join link. Browsers let a page write to the clipboard only soon
 * after a press, so where it can the clipboard is given the promise at once.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} button
 */
async function copyLink(form, button) {
  const link = fetchLink(form, button.value);
  if (navigator.clipboard && "write" in navigator.clipboard && window.ClipboardItem) {
    try {
      const blob = link.then((text) => new Blob([text], { type: "text/plain" }));
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
      return;
    } catch { /* the older way below */ }
  }
  const text = await link;
  if (!navigator.clipboard) throw new Error("no clipboard without TLS");
  await navigator.clipboard.writeText(text);
}

/**
 * @param {HTMLFormElement} form
 * @param {string} role
 * @returns {Promise<string>}
 */
async function fetchLink(form, role) {
  const csrf = /** @type {HTMLInputElement} */ (form.elements.namedItem("csrf")).value;
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "X-CSRF-Token": csrf, Accept: "application/json" },
    body: new URLSearchParams({ role }),
  });
  if (!answer.ok) throw new Error(`links: ${answer.status}`);
  return (await answer.json()).url;
}

for (const node of document.querySelectorAll("form[data-copy-link]")) {
  const form = /** @type {HTMLFormElement} */ (node);
  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!(button instanceof HTMLButtonElement) || !navigator.clipboard || button.dataset.byHand) return;
    event.preventDefault();
    const words = button.querySelector("span");
    if (!words || button.dataset.busy) return;
    button.dataset.busy = "yes";
    const before = words.textContent;
    const said = form.dataset.copied ?? "";
    try {
      await copyLink(form, button);
    } catch (error) {
      console.warn(form.dataset.failed, error);
      button.dataset.byHand = "yes";
      form.requestSubmit(button); // the server's page shows the link to copy by hand
      return;
    }
    words.textContent = said;
    const status = document.getElementById("copy-status");
    if (status) status.textContent = said;
    setTimeout(() => {
      words.textContent = before;
      delete button.dataset.busy;
    }, 2500);
  });
}
