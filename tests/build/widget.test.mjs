// What is promised of the widget's files: what they weigh, and that the same sources give the same bytes.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { budget } from "../../widget/size.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

for (const { name, bytes, max } of budget) {
  test(`the widget's ${name}: at most ${max} bytes of gzip`, () => {
    assert.ok(bytes > 0);
    assert.ok(bytes <= max, `${bytes} bytes`);
  });
}

test("another build of the same sources gives the same bytes", (t) => {
  const elsewhere = mkdtempSync(join(tmpdir(), "helvino-widget-"));
  t.after(() => rmSync(elsewhere, { recursive: true, force: true }));
  const isSource = (path) => !path.startsWith(join(root, "widget/node_modules"));
  cpSync(join(root, "widget"), join(elsewhere, "widget"), { recursive: true, filter: isSource });
  symlinkSync(join(root, "widget/node_modules"), join(elsewhere, "widget/node_modules"));
  execFileSync("node", [join(elsewhere, "widget/build.mjs")], { stdio: "pipe" });

  const [first, second] = [root, elsewhere].map((folder) => join(folder, "build/widget"));
  const names = readdirSync(second).sort();
  assert.ok(names.includes("embed.js.br"));
  assert.deepEqual(readdirSync(first).filter((name) => name !== "sources").sort(), names);
  for (const name of names) {
    assert.ok(readFileSync(join(first, name)).equals(readFileSync(join(second, name))), name);
  }
});
