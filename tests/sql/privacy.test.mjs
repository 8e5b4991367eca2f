/*
 * What the README promises of privacy, looked for in the bytes of the files themselves: whatever way something has gone, it is in
 * no backup, and after `helvino compact` nowhere in the data directory.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe } from 'node:test';

import { helvino, helvinoOk, startServer, temporaryDirectory } from '../http/server.mjs';
import { canary, foundIn, identity, release, traces, writings } from './canaries.mjs';

let original; // a data directory with visitors of two organisations, all of them there
const acme = [], other = [];

before(async () => {
    const server = await startServer({ flags: ['--trusted-proxies', '127.0.0.1'] });
    for (const [key, list, first] of [['acme', acme, 100], ['other', other, 200]]) {
        const org = await server.org(key);
        await server.cliOk('org', 'update', key, '--addresses', 'full');
        for (let n = first; n < first + 30; n++) {
            const address = `203.0.113.${n}`;
            await release(org, canary(n), { 'x-forwarded-for': address });
            list.push({ ...canary(n), address });
        }
    }
    await server.stop();
    original = server.data;
    assert.deepEqual(foundIn(original, [...acme, ...other].flatMap(traces)), [...acme, ...other].flatMap(traces));
});

/** A copy to do something to; `cli` runs on it. */
function place() {
    const directory = temporaryDirectory(), data = join(directory, 'data');
    cpSync(original, data, { recursive: true });
    return { directory, data, cli: (...words) => helvinoOk([...words, '--data', data]) };
}

/** Nothing of `gone` is in a backup, nor in the directory once it is compacted, and all of `stays` is in both. */
async function assertGone({ directory, data, cli }, gone, stays) {
    const backups = join(directory, 'backups');
    mkdirSync(backups);
    await cli('backup', join(backups, 'backup'));
    await cli('compact');
    for (const [where, files] of [['the backup', backups], ['the data', data]]) {
        assert.deepEqual(foundIn(files, gone), [], where);
        assert.deepEqual(foundIn(files, stays), stays, where);
    }
    assert.match((await cli('check')).stdout, /^check: clean$/m);
}

const addresses = (list) => list.map(({ address }) => address);

describe('no byte is left', () => {
    test('of whoever was erased', async () => {
        const here = place();
        for (const { key } of acme.slice(0, 15)) await here.cli('erase', '--visitor', key, '--org', 'acme', '--yes');
        await assertGone(here, acme.slice(0, 15).flatMap(traces), [...acme.slice(15), ...other].flatMap(traces));
    });

    test('of who somebody was whose conversations stay', async () => {
        const here = place();
        for (const { key } of acme) await here.cli('erase', '--visitor', key, '--org', 'acme', '--conversations', 'anonymize', '--yes');
        await assertGone(here, acme.flatMap(identity), [...acme.flatMap(writings), ...other.flatMap(traces)]);
        const shown = (await here.cli('dump', 'sql', '--format', 'ndjson', 'SELECT count(*) n FROM conversations WHERE anonymized AND "visitorId" IS NULL')).stdout;
        assert.equal(shown, '{"n":30}\n');
    });

    test('of an organisation that was deleted', async () => {
        const here = place();
        await here.cli('org', 'delete', 'acme', '--yes');
        await assertGone(here, acme.flatMap(traces), other.flatMap(traces));
    });

    test('of addresses that are not to be kept any more', async () => {
        const here = place();
        const all = addresses([...acme, ...other]);
        assert.deepEqual(foundIn(here.data, all), all);
        for (const key of ['acme', 'other']) await here.cli('org', 'update', key, '--addresses', 'none');
        await here.cli('retention');
        await assertGone(here, all, [...acme, ...other].flatMap(traces));
    });

    test('of what is as old as nobody wants it any more', async (t) => {
        const aged = await agedBy2Days();
        for (const [what, flags, gone, stays] of [
            ['texts that are redacted', ['--retain-messages', '1', '--redact-messages', 'on'], acme.flatMap(writings), acme.flatMap(identity)],
            ['messages', ['--retain-messages', '1'], acme.flatMap(writings), acme.flatMap(identity)],
            ['visitors', ['--retain-visitors', '1'], acme.flatMap(traces), []],
        ]) {
            await t.test(what, async () => {
                const directory = temporaryDirectory(), data = join(directory, 'data');
                cpSync(aged, data, { recursive: true });
                const here = { directory, data, cli: (...words) => helvinoOk([...words, '--data', data]) };
                await here.cli('org', 'update', 'acme', ...flags);
                await here.cli('retention');
                await assertGone(here, gone, [...stays, ...other.flatMap(traces)]);
            });
        }
    });
});

/** The same as if it had been written two days ago: an export whose times are moved, imported elsewhere. */
async function agedBy2Days() {
    const directory = temporaryDirectory(), path = join(directory, 'export'), data = join(directory, 'data');
    await helvinoOk(['dump', 'export', '--data', original, '-o', path]);
    rmSync(join(path, 'manifest.json'));
    const earlier = (time) => new Date(Date.parse(`${time.replace(' ', 'T')}Z`) - 2 * 86_400_000).toISOString().replace('T', ' ').replace('Z', '');
    for (const name of readdirSync(path)) {
        const text = readFileSync(join(path, name), 'utf8');
        writeFileSync(join(path, name), text.replace(/"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})"/g, (_, time) => `"${earlier(time)}"`));
    }
    await helvinoOk(['import', path, '--data', data, '--rejects', join(directory, 'rejects')]);
    return data;
}

test('a backup from before the erasure still has all of it, until it is restored with what is known since', async () => {
    const here = place(), backup = join(here.directory, 'backup');
    await here.cli('backup', backup);
    const gone = acme.slice(0, 10), anonymized = acme.slice(10, 12);
    for (const { key } of gone) await here.cli('erase', '--visitor', key, '--org', 'acme', '--yes');
    for (const { key } of anonymized) await here.cli('erase', '--visitor', key, '--org', 'acme', '--conversations', 'anonymize', '--yes');
    const restored = join(here.directory, 'restored');
    const { stderr } = await helvinoOk(['restore', backup, '--data', restored, '--erasures', here.data]);
    assert.match(stderr, /^helvino: 12 visitors were erased again, with 10 conversations and 30 messages; 2 conversations stay without their visitor$/m);
    assert.deepEqual(foundIn(restored, [...gone.flatMap(traces), ...anonymized.flatMap(identity)]), []);
    const stays = [...acme.slice(12), ...other].flatMap(traces).concat(anonymized.flatMap(writings));
    assert.deepEqual(foundIn(restored, stays), stays);
    assert.match((await helvinoOk(['check', '--data', restored])).stdout, /^check: clean$/m);
});

test('an answer to an access request holds nobody else', async () => {
    for (const { key, address, ...rest } of acme.slice(0, 3)) {
        const { stdout } = await helvinoOk(['export', '--visitor', key, '--org', 'acme', '--data', original]);
        assert.equal(JSON.parse(stdout).visitor.address, address);
        for (const trace of traces({ key, ...rest }).filter((each) => !each.includes('\n'))) assert.ok(stdout.includes(trace), trace);
        for (const each of [...acme, ...other].filter((each) => each.key !== key)) assert.ok(!stdout.includes(each.key) && !stdout.includes(each.email));
    }
    assert.equal((await helvino(['export', '--visitor', 'v_nobody', '--org', 'acme', '--data', original])).code, 1);
});
