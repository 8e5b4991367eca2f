/*
 * `helvino compact`: no byte of what was erased is left in the data file, nobody can use it meanwhile, and a crash at any step
 * leaves the old file or the new one.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe } from 'node:test';

import { BINARY, helvino, helvinoOk, patiently, run, startServer, temporaryDirectory } from '../http/server.mjs';
import { canary, dataOf, found, release, traces } from './canaries.mjs';

const strace = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getppid:error=EIO', 'true'], { encoding: 'utf8' });
const withoutStrace = strace.error ? 'strace is not installed' : strace.status !== 0 && 'processes cannot be traced here';

let original; // a data directory in which half of what was written has been erased
const kept = [], erased = [];

before(async () => {
    const server = await startServer();
    const org = await server.org('acme');
    for (let n = 100; n < 200; n++) {
        await release(org, canary(n));
        (n % 2 ? kept : erased).push(canary(n));
    }
    for (const { key } of erased) assert.equal((await org.visitor(key).request('DELETE', '/visitors/me')).status, 200);
    await server.stop();
    original = server.data;
});

function copyOfOriginal() {
    const data = join(temporaryDirectory(), 'data');
    cpSync(original, data, { recursive: true });
    return data;
}

async function dumpOf(data) {
    const rows = [];
    for (const table of ['visitors', 'conversations', 'messages']) rows.push((await helvinoOk(['dump', 'sql', '--format', 'ndjson', `SELECT * FROM ${table} ORDER BY id`, '--data', data])).stdout);
    return rows.join('');
}

async function assertSound(data, rows) {
    assert.match((await helvinoOk(['check', '--data', data])).stdout, /^check: clean$/m);
    assert.equal(await dumpOf(data), rows);
}

describe('what was erased', () => {
    test('is in the file until it is compacted, and then nowhere in the directory', async () => {
        const data = copyOfOriginal();
        const rows = await dumpOf(data);
        const gone = erased.flatMap(traces);
        assert.ok(gone.filter((trace) => found(dataOf(data), trace)).length > gone.length / 4, 'erasing alone leaves bytes, or this test shows nothing');
        const { stderr, stdout } = await helvinoOk(['compact', '--data', data]);
        assert.equal(stdout, '');
        assert.match(stderr, /^helvino: \S+ \(it was [0-9.]+ \w+\): [0-9.]+ \w+, sequence number \d+, \d+ rows, verified\n$/);
        for (const name of readdirSync(data)) for (const trace of gone) assert.ok(!found(join(data, name), trace), `${trace} is in ${name}`);
        for (const trace of kept.flatMap(traces)) assert.ok(found(dataOf(data), trace), `${trace} is gone`);
        assert.ok(statSync(dataOf(data)).size < statSync(dataOf(original)).size);
        assert.equal(statSync(dataOf(data)).mode & 0o777, 0o600);
        await assertSound(data, rows);
        await helvinoOk(['compact', '--data', data]);
        await assertSound(data, rows);
    });

    test('is in no backup', async () => {
        const backup = join(temporaryDirectory(), 'backup');
        await helvinoOk(['backup', backup, '--data', original]);
        for (const trace of erased.flatMap(traces)) assert.ok(!found(backup, trace), trace);
        for (const trace of kept.flatMap(traces)) assert.ok(found(backup, trace), trace);
    });

    test('a server goes on where it was', async (t) => {
        const directory = temporaryDirectory();
        const data = join(directory, 'data');
        cpSync(original, data, { recursive: true });
        await helvinoOk(['compact', '--data', data]);
        const server = await startServer({ directory });
        t.after(() => server.remove());
        const visitor = new (await import('../http/server.mjs')).Caller(server, { 'x-org-key': 'acme', 'x-visitor-id': kept[0].key });
        const [{ id }] = (await visitor.getOk('/conversations')).conversations;
        assert.deepEqual((await visitor.getOk(`/conversations/${id}`)).messages.map((message) => message.content), kept[0].texts);
        for (let n = 0; n < 50; n++) await visitor.say(id, `more ${n}`);
        await server.check();
        await server.stop();
    });
});

describe('nobody else has the database open', () => {
    const refused = async (data, pattern) => {
        const before = readFileSync(dataOf(data));
        const result = await helvino(['compact', '--data', data]);
        assert.equal(result.code, 1);
        assert.match(result.stderr, /^helvino: .*\n$/);
        assert.match(result.stderr, pattern);
        assert.ok(before.equals(readFileSync(dataOf(data))) && !existsSync(`${dataOf(data)}.partial`));
    };

    test('a running server is told of', async (t) => {
        const server = await startServer();
        t.after(() => server.remove());
        await server.org('acme');
        await refused(server.data, /a helvino server is using .*; stop it first, and start it again afterwards/);
        await server.stop();
        await helvinoOk(['compact', '--data', server.data]);
    });

    /** Another process with a lock like that of whoever opens the data (shared) or replaces it. */
    async function locked(t, kind, path) {
        const child = spawn('flock', [kind, path, 'sh', '-c', 'echo has it; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
        t.after(() => child.kill());
        await patiently(new Promise((done) => child.stdout.once('data', done)), 'the lock');
        return () => {
            const ended = new Promise((done) => child.once('close', done));
            child.stdin.end('\n');
            return ended;
        };
    }

    test('another command that reads or writes is told of', async (t) => {
        const data = copyOfOriginal();
        const unlock = await locked(t, '-s', dataOf(data));
        await refused(data, /another command of helvino is using .*; let it end first/);
        await unlock();
        await helvinoOk(['compact', '--data', data]);
    });

    test('and whoever comes meanwhile is sent away', async (t) => {
        const data = copyOfOriginal();
        const unlock = await locked(t, '-x', dataOf(data));
        for (const words of [['stat'], ['check'], ['org', 'list'], ['org', 'create', 'late'], ['dump', 'sql', 'SELECT 1 FROM visitors'], ['backup', join(temporaryDirectory(), 'b')], ['serve', '--listen', 'http://127.0.0.1:0']]) {
            const result = await helvino([...words, '--data', data]);
            assert.equal(result.code, 1, words.join(' '));
            assert.match(result.stderr, /is being compacted; try again when that has ended/, words.join(' '));
        }
        await unlock();
        await helvinoOk(['stat', '--data', data]);
    });

    test('a directory without a database, a file, and somebody who may not write are refused', async () => {
        const backup = join(temporaryDirectory(), 'backup');
        await helvinoOk(['backup', backup, '--data', original]);
        assert.match((await helvino(['compact', '--data', temporaryDirectory()])).stderr, /there is no database/);
        assert.match((await helvino(['compact', '--data', backup])).stderr, /is a file; this needs a directory/);
        assert.match((await helvino(['compact', 'more', '--data', original])).stderr, /^helvino: /);
    });
});

test('a damaged database stays as it is', async () => {
    const data = copyOfOriginal();
    const bytes = readFileSync(dataOf(data));
    bytes[bytes.indexOf(kept[3].texts[0].slice(0, 24))] ^= 1;
    writeFileSync(dataOf(data), bytes);
    const result = await helvino(['compact', '--data', data]);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /the copy is not sound, so it was not kept; nothing has changed/);
    assert.ok(bytes.equals(readFileSync(dataOf(data))) && !existsSync(`${dataOf(data)}.partial`));
});

test('a copy that an upgrade has kept is named', async () => {
    const data = copyOfOriginal();
    writeFileSync(`${dataOf(data)}.format-1`, 'older');
    assert.match((await helvinoOk(['compact', '--data', data])).stderr, /note: \S+data\.mdb\.format-1 is a copy from before an upgrade.*delete it/);
});

test('no room for the copy: a sentence, and nothing has changed', { skip: withoutStrace }, async () => {
    const data = copyOfOriginal();
    const before = readFileSync(dataOf(data));
    const result = await run('strace', ['-D', '-f', '-qq', '-o', '/dev/null', '-P', `${dataOf(data)}.partial`, '-e', 'inject=write:error=ENOSPC', BINARY, 'compact', '--data', data]);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^helvino: the copy failed: No space left on device; nothing has changed\./);
    assert.ok(before.equals(readFileSync(dataOf(data))) && !existsSync(`${dataOf(data)}.partial`));
});

test('a crash at any step leaves a whole database, and the next run ends it', { skip: withoutStrace }, async () => {
    const rows = await dumpOf(original);
    let crashes = 0;
    for (const call of ['openat', 'flock', 'write', 'fsync', 'rename', 'renameat2', 'close', 'munmap']) {
        for (let n = 1, survived = false; !survived && n < 60; n++) {
            const data = copyOfOriginal();
            const paths = ['-P', data, '-P', dataOf(data), '-P', `${dataOf(data)}.partial`];
            const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` };
            const result = await run('strace', ['-D', '-f', '-qq', '-o', '/dev/null', ...(call === 'munmap' ? [] : paths), '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${n}`, BINARY, 'compact', '--data', data], { env });
            survived = result.code === 0;
            crashes += !survived;
            await assertSound(data, rows);
            await helvinoOk(['compact', '--data', data]);
            assert.ok(!existsSync(`${dataOf(data)}.partial`));
            for (const trace of traces(erased[0])) assert.ok(!found(dataOf(data), trace));
        }
    }
    assert.ok(crashes > 12, `only ${crashes} crashes`);
});
