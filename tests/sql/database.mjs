/* A data directory that holds the rows of a data set, and the looks at it that several tests need. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { helvinoOk, temporaryDirectory } from '../http/server.mjs';
import { writeDataset } from './dataset.mjs';

/** Imports rows into a new database; gives its directory. */
export async function importRows(rows, directory = temporaryDirectory()) {
    const [source, data, rejects] = ['source', 'data', 'rejects.ndjson'].map((name) => join(directory, name));
    writeDataset(rows, source);
    await helvinoOk(['import', source, '--data', data, '--rejects', rejects]);
    assert.ok(!existsSync(rejects), `rows were not taken:\n${existsSync(rejects) && readFileSync(rejects, 'utf8').slice(0, 2000)}`);
    return data;
}

/** Every file below with its content, to see that nothing has changed. The lock file's slots come and go. */
export function contentsOf(directory) {
    const contents = {};
    for (const name of readdirSync(directory, { recursive: true }).sort()) {
        const path = join(directory, name);
        if (!lstatSync(path).isFile()) contents[name] = 'no file';
        else contents[name] = name.endsWith('lock.mdb') ? 'the lock file' : createHash('sha256').update(readFileSync(path)).digest('hex');
    }
    return contents;
}

/** Under the sanitizers LMDB is stopped where it trusts a damaged page; elsewhere it goes on to a fault, which has its sentence. */
const LMDB_STOPPED = /^mdb\.c:\d+:\d+: runtime error/m;

/** A sentence on standard error, as people read it: no trace, no sanitizer's report, no assertion but LMDB's, before it. */
export function assertSentence(result, what) {
    if (process.env.HELVINO_MODE === 'asan' && LMDB_STOPPED.test(result.stderr)) return;
    assert.match(result.stderr, /^helvino: [^\n]+\n/m, `${what}: ${result.code ?? result.signal} ${result.stderr.slice(0, 2000)}`);
    assert.doesNotMatch(result.stderr, /Sanitizer|runtime error|core dumped|(?<!mdb\.c:\d+: )Assertion/, `${what}: ${result.stderr.slice(0, 4000)}`);
}
