// What is promised of the file that people copy to their server: it needs nothing beside itself, it is hardened, and it
// is small. The empty root is the proof of the first.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const binary = process.env.HELVINO_BIN;
const stripped = `${binary}.stripped`;

const output = (command, ...args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 64 << 20 });

// assert.match would print the whole text, and these texts have megabytes
const assertContains = (text, pattern, what) => assert.ok(pattern.test(text), what);

test("the binary needs no shared library", () => {
  let said;
  try {
    said = execFileSync("ldd", [binary], { encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    said = error.stdout + error.stderr; // ldd fails where there is nothing to list
  }
  assert.match(said, /statically linked|not a dynamic executable/);
  assert.doesNotMatch(output("readelf", "--program-headers", "--wide", binary), /INTERP/);
});

test("the binary is position independent, with full RELRO and no executable stack", () => {
  assert.match(output("readelf", "--file-header", binary), /Type:\s+DYN/);
  const headers = output("readelf", "--program-headers", "--wide", binary);
  assert.match(headers, /GNU_RELRO/);
  assert.match(headers, /GNU_STACK\s.*\sRW\s/);
  assert.match(output("readelf", "--dynamic", "--wide", binary), /BIND_NOW/);
});

test("the binary checks its stack and its buffers", () => {
  const symbols = output("readelf", "--symbols", "--wide", binary);
  assertContains(symbols, /__stack_chk_fail/, "the stack protector is on");
  assertContains(symbols, /__\w+_chk\b/, "_FORTIFY_SOURCE is on");
});

test("asserts are on, in the server and in libh2o", () => {
  assertContains(output("readelf", "--symbols", "--wide", binary), /__assert_fail/, "something asserts");
  const strings = output("readelf", "--string-dump=.rodata", binary);
  assertContains(strings, /a response header must not be able to begin another one/, "libh2o does");
});

test("the stripped binary has at most 10 MB", () => {
  assert.ok(statSync(stripped).size <= 10_000_000, `${statSync(stripped).size} bytes`);
});

async function emptyPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function answerOf(url, child) {
  for (;;) {
    try {
      return await fetch(url);
    } catch (error) {
      // not listening yet, or gone for good
      assert.equal(child.exitCode ?? child.signalCode, null, "the server ended");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test("the binary serves from an empty root with nothing but a data directory", { timeout: 60_000 }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), "helvino-root-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  copyFileSync(stripped, join(root, "helvino"));
  mkdirSync(join(root, "data"));

  const port = await emptyPort();
  const serve = ["/helvino", "serve", "--data", "/data", "--listen", `127.0.0.1:${port}`];
  // Root may change its root; anybody else may where they are root of a user namespace of their own.
  const [command, ...args] =
    process.getuid() === 0 ? ["chroot", root, ...serve] : ["unshare", "--map-root-user", `--root=${root}`, ...serve];
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], env: { PATH: process.env.PATH } });
  const ended = once(child, "exit");
  t.after(() => child.kill("SIGKILL"));

  const answer = await answerOf(`http://127.0.0.1:${port}/health`, child);
  assert.equal(answer.status, 200);
  await answer.arrayBuffer();

  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});
