// The table by which search reads text is what its script makes of the Unicode data that it names.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const table = readFileSync(fileURLToPath(new URL('../../src/search/fold.h', import.meta.url)), 'utf8');
const version = /Unicode Character Database, version (\S+);/.exec(table)[1];

test('the table of folded letters is the one that its script makes', { skip: process.versions.unicode !== version && `this Node has Unicode ${process.versions.unicode}` }, () => {
    const script = fileURLToPath(new URL('../../tools/unicode/fold.mjs', import.meta.url));
    const done = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
    assert.ok(done.stdout === table, 'tools/unicode/fold.mjs makes another table than src/search/fold.h');
});
