// Both languages have the same words, and every key that a script or the class
// page names is there.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

const here = import.meta.dirname;
const json = async (/** @type {string} */ lang) => (
  /** @type {Record<string, string>} */ (JSON.parse(await readFile(join(here, `../i18n/class.${lang}.json`), "utf8")))
);
const en = await json("en");
const id = await json("id");
const areas = "class|chat|people|files|live|check|net|quality|error";

async function sources() {
  const templates = join(here, "../../templates");
  const files = [
    ...(await readdir(here)).filter((f) => f.endsWith(".js")).map((f) => join(here, f)),
    ...(await readdir(join(here, "ui"))).filter((f) => f.endsWith(".js")).map((f) => join(here, "ui", f)),
    ...(await readdir(templates)).filter((f) => /^class(_\w+)?\.html$/.test(f)).map((f) => join(templates, f)),
  ];
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(file, "utf8") })));
}

/** @param {string} text */
const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

test("both languages have the same keys, none empty", () => {
  assert.deepEqual(Object.keys(id).sort(), Object.keys(en).sort());
  for (const [key, text] of [...Object.entries(en), ...Object.entries(id)]) assert.ok(text.trim(), key);
});

test("both languages fill in the same values", () => {
  for (const key of Object.keys(en)) assert.deepEqual(placeholders(id[key]), placeholders(en[key]), key);
});

test("nothing was left untranslated", () => {
  // The few words that both languages share.
  const same = new Set(["class.live", "class.panelToggle", "chat.spoken", "people.role.moderator"]);
  for (const key of Object.keys(en)) if (!same.has(key)) assert.notEqual(id[key], en[key], key);
});

test("every key that is used exists", async () => {
  const used = new RegExp(`["'](?:${areas})\\.[A-Za-z0-9.-]+["']`, "g");
  let count = 0;
  for (const { file, text } of await sources()) {
    for (const [quoted] of text.matchAll(used)) {
      const key = quoted.slice(1, -1);
      count++;
      assert.ok(key in en || `${key}.other` in en, `${file}: ${key}`);
    }
  }
  assert.ok(count > 200, `found only ${count} keys: the search is broken`);
});

test("every key that is put together exists", async () => {
  const composed = new RegExp(`\`((?:${areas})\\.)\\$\\{[^}]*\\}([^\`]*)\`|\`((?:${areas})\\.[\\w.]*)\\$\\{`, "g");
  const prefixes = new Set();
  for (const { text } of await sources()) {
    for (const match of text.matchAll(composed)) prefixes.add(match[1] ?? match[3]);
  }
  assert.ok(prefixes.size > 8);
  for (const prefix of prefixes) assert.ok(Object.keys(en).some((key) => key.startsWith(prefix)), prefix);
});

test("every key is used somewhere", async () => {
  const all = (await sources()).map((s) => s.text).join("\n");
  const dynamic = /^(error\.|people\.(here|away|lost|role|nowRole)|live\.(gone|ceased)|net\.(path|layer|paused)\.|class\.(key|invite)\.|check\.(camera|mic|speaker)N|files\.(pause|resume|retry|cancel))/;
  for (const key of Object.keys(en)) {
    if (dynamic.test(key)) continue;
    assert.ok(all.includes(`"${key.replace(/\.(one|other)$/, "")}"`), `nobody says ${key}`);
  }
});

test("every fault code of the server has its sentence", async () => {
  const table = await readFile(join(here, "../../signaling/fault/table.go"), "utf8");
  const codes = [...table.matchAll(/(?:entry|later)\([\w.]+, "(\w+)"/g)].map((m) => m[1]);
  assert.ok(codes.length > 40);
  assert.deepEqual(codes.filter((code) => !(`error.${code}` in en)), []);
});
