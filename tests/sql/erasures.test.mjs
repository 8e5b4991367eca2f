/*
 * Whoever was erased stays so: exports and backups from before do not bring them back, and what is known of erasures moves along.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe } from 'node:test';

import { BINARY, helvino, helvinoOk, run, startServer, temporaryDirectory } from '../http/server.mjs';
import { canary, dataOf, foundIn, identity, release, writings } from './canaries.mjs';
import { contentsOf } from './database.mjs';

const strace = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getppid:error=EIO', 'true'], { encoding: 'utf8' });
const withoutStrace = strace.error ? 'strace is not installed' : strace.status !== 0 && 'processes cannot be traced here';

const [hers, his, theirs] = [canary(1), canary(2), canary(3)];
/** Somebody else, elsewhere, under her key. */
const namesake = { ...canary(4), key: hers.key };
/** What must be nowhere once they were erased. */
const GONE = [hers.email, hers.agent, ...writings(hers), ...identity(his)];

/** Before: all are there. After: she was erased, and he, whose conversation stays. Each with exports of both forms and a backup. */
let folder;
const at = (name) => join(folder, name);

before(async () => {
    folder = temporaryDirectory();
    const server = await startServer();
    for (const key of ['acme', 'other']) {
        const org = await server.org(key);
        for (const each of key === 'acme' ? [hers, his, theirs] : [namesake]) await release(org, each);
    }
    await server.stop();
    cpSync(server.data, at('before'), { recursive: true });
    cpSync(server.data, at('after'), { recursive: true });
    for (const [key, flags] of [[hers.key, []], [his.key, ['--conversations', 'anonymize']]]) await helvinoOk(['erase', '--visitor', key, '--org', 'acme', '--yes', ...flags, '--data', at('after')]);
    for (const moment of ['before', 'after']) {
        for (const format of ['ndjson', 'csv']) await helvinoOk(['dump', 'export', '--data', at(moment), '--format', format, '-o', at(`${moment}-${format}`)]);
        await helvinoOk(['backup', at(`${moment}-backup`), '--data', at(moment)]);
    }
    const { stdout } = await helvinoOk(['dump', 'sql', '--format', 'ndjson', 'SELECT * FROM erasures', '--data', at('after')]);
    mkdirSync(at('list'));
    writeFileSync(at('list/erasures.ndjson'), stdout);
});

/** A copy of one of the databases, or a place where none is yet. */
class Place {
    constructor(moment) {
        this.directory = temporaryDirectory();
        this.data = join(this.directory, 'data');
        this.rejects = join(this.directory, 'rejects.ndjson');
        if (moment) cpSync(at(moment), this.data, { recursive: true });
    }
    async import(path, ...flags) {
        const result = await helvinoOk(['import', path, '--data', this.data, '--rejects', this.rejects, ...flags]);
        assert.ok(!existsSync(this.rejects), 'rows were rejected');
        const counts = {};
        for (const line of result.stderr.split('\n')) {
            const [table, ...numbers] = line.split(/\s+/);
            if (numbers.length === 6 && /^\d+$/.test(numbers[0])) counts[table] = { added: Number(numbers[1]), erased: Number(numbers[4]), rejected: Number(numbers[5]) };
        }
        return { ...result, counts };
    }
    async rows(sql) {
        const { stdout } = await helvinoOk(['dump', 'sql', sql, '--data', this.data, '--format', 'ndjson']);
        return stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
    }
    async visitors() {
        return (await this.rows(`SELECT v."visitorKey" k, o.key o FROM visitors v JOIN organizations o ON o.id = v."orgId" ORDER BY 2, 1`)).map(({ k, o }) => `${o} ${k}`);
    }
    async check() {
        assert.match((await helvinoOk(['check', '--data', this.data])).stdout, /^check: clean$/m);
    }
}
const LEFT = [`acme ${theirs.key}`, `other ${hers.key}`];
const ALL = [`acme ${hers.key}`, `acme ${his.key}`, ...LEFT];

describe('an import', () => {
    for (const format of ['ndjson', 'csv']) {
        test(`of ${format} from before the erasure takes all others, and says whom it has left out`, async () => {
            const place = new Place('after');
            const { counts, stderr } = await place.import(at(`before-${format}`));
            assert.deepEqual(await place.visitors(), LEFT);
            assert.deepEqual([counts.visitors, counts.conversations], [{ added: 0, erased: 2, rejected: 0 }, { added: 0, erased: 2, rejected: 0 }]);
            // His conversation is here, without him, and so are its messages.
            assert.deepEqual(counts.messages, { added: 0, erased: 3, rejected: 0 });
            assert.match(stderr, /^helvino: note: 7 rows are of visitors who have been erased here since, and were not taken$/m);
            await place.check();
        });

        test(`of ${format} elsewhere brings along who was erased, and what stayed of it`, async () => {
            const place = new Place();
            const { counts } = await place.import(at(`after-${format}`));
            assert.equal(counts.erasures.added, 2);
            assert.deepEqual(await place.visitors(), LEFT);
            assert.deepEqual(await place.rows('SELECT count(*) n FROM conversations WHERE anonymized AND "visitorId" IS NULL'), [{ n: 1 }]);
            assert.equal((await place.import(at('before-ndjson'))).counts.visitors.erased, 2);
            assert.deepEqual(await place.visitors(), LEFT);
            assert.deepEqual(await place.rows('SELECT * FROM erasures ORDER BY "visitorHash"'), await new Place('after').rows('SELECT * FROM erasures ORDER BY "visitorHash"'));
            await place.check();
        });
    }

    test('erases who is here from an earlier one', async () => {
        const place = new Place('before');
        assert.deepEqual(await place.visitors(), ALL);
        const dry = await place.import(at('after-ndjson'), '--dry-run');
        assert.match(dry.stderr, /2 visitors were erased again/);
        assert.deepEqual(await place.visitors(), ALL, 'a dry run has changed something');
        const { stderr } = await place.import(at('after-ndjson'));
        assert.match(stderr, /^helvino: note: 2 visitors were erased again, with 1 conversation and 3 messages; 1 conversation stays without its visitor, since they were erased where erasures\.ndjson is from$/m);
        assert.deepEqual(await place.visitors(), LEFT);
        await place.check();
        const contents = contentsOf(place.data);
        await place.import(at('after-ndjson'));
        assert.deepEqual(contentsOf(place.data), contents, 'once more changes nothing');
    });

    test('into an organisation that was made here before knows them too, though it has another id', async () => {
        const place = new Place();
        for (const key of ['acme', 'other']) await helvinoOk(['org', 'create', key, '--data', place.data, '--new-database']);
        await place.import(at('after-csv'));
        assert.equal((await place.import(at('before-csv'))).counts.visitors.erased, 2);
        assert.deepEqual(await place.visitors(), LEFT);
        await place.check();
    });

    test('of ids and links of another system leaves out what belongs to them', async () => {
        const place = new Place('after');
        const [{ id: orgId }] = await place.rows("SELECT id FROM organizations WHERE key = 'acme'");
        const directory = temporaryDirectory(), early = '2020-01-01 00:00:00.000';
        const write = (table, ...rows) => writeFileSync(join(directory, `${table}.ndjson`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
        const person = (id, visitorKey) => ({ id, orgId, visitorKey, firstSeenAt: early, lastSeenAt: early });
        write('visitors', person('old-her', hers.key), person('old-new', 'v_new'));
        write('conversations', ...['her', 'new'].map((who) => ({ id: `talk-of-${who}-0123456789`, orgId, visitorId: `old-${who}`, createdAt: early })));
        write('messages', ...['her', 'new'].map((who) => ({ id: `said-by-${who}`, conversationId: `talk-of-${who}-0123456789`, orgId, role: 'user', content: `by ${who}`, timestamp: early })));
        const { counts } = await place.import(directory);
        for (const table of ['visitors', 'conversations', 'messages']) assert.deepEqual(counts[table], { added: 1, erased: 1, rejected: 0 }, table);
        assert.deepEqual(await place.rows(`SELECT content FROM messages WHERE content LIKE 'by %'`), [{ content: 'by new' }]);
        await place.check();
    });

    test('takes whoever came back under the same key since', async () => {
        const place = new Place('after');
        const [{ id: orgId }] = await place.rows("SELECT id FROM organizations WHERE key = 'acme'");
        const directory = temporaryDirectory(), later = '2100-01-01 00:00:00.000';
        writeFileSync(join(directory, 'visitors.ndjson'), JSON.stringify({ id: 'c000000000000000000000009', orgId, visitorKey: hers.key, firstSeenAt: later, lastSeenAt: later, createdAt: later }));
        assert.deepEqual((await place.import(directory)).counts.visitors, { added: 1, erased: 0, rejected: 0 });
    });

    test('rejects what is no erasure, and takes the others', async () => {
        const place = new Place('before');
        const [row] = readFileSync(at('list/erasures.ndjson'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
        const directory = temporaryDirectory();
        const bad = [{ visitorHash: 'x' }, { visitorHash: row.visitorHash.toUpperCase() }, { visitorHash: null }, { erasedAt: null }, { erasedAt: 'yesterday' }, { visitors: -1 }, { messages: 1.5 }, { receipt: 'r' },
            { orgId: 'c000000000000000000000000' }];
        writeFileSync(join(directory, 'erasures.ndjson'), [...bad.map((change) => ({ ...row, ...change })), row].map((each) => `${JSON.stringify(each)}\n`).join(''));
        const result = await helvino(['import', directory, '--data', place.data, '--rejects', place.rejects]);
        assert.equal(result.code, 1);
        const rejects = readFileSync(place.rejects, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
        assert.deepEqual(rejects.map(({ line }) => line), bad.map((_, i) => i + 1));
        assert.equal((await place.rows('SELECT * FROM erasures')).length, 1);
    });
});

test('settings, addresses and what is anonymized move along', async () => {
    const place = new Place('after');
    await helvinoOk(['org', 'update', 'acme', '--retain-visitors', '900', '--retain-messages', '800', '--redact-messages', 'on', '--retain-empty', '7', '--retain-audit', '30', '--retain-erasures', '4000', '--addresses', 'truncated', '--data', place.data]);
    for (const format of ['ndjson', 'csv']) {
        const [path, again] = [1, 2].map((n) => join(place.directory, `${format}-${n}`)), target = new Place();
        await helvinoOk(['dump', 'export', '--data', place.data, '--format', format, '-o', path]);
        await target.import(path);
        await helvinoOk(['dump', 'export', '--data', target.data, '--format', format, '-o', again]);
        for (const name of readdirSync(path).filter((each) => each !== 'manifest.json')) assert.ok(readFileSync(join(path, name)).equals(readFileSync(join(again, name))), name);
    }
});

describe('a restore', () => {
    const restore = (data, ...flags) => helvino(['restore', at('before-backup'), '--data', data, ...flags]);

    test('without a word about erasures has everybody who was in the backup', async () => {
        const place = new Place();
        assert.equal((await restore(place.data)).code, 0);
        assert.deepEqual(await place.visitors(), ALL);
    });

    for (const [what, from] of Object.entries({ 'a data directory': 'after', 'a newer backup': 'after-backup', 'an export as ndjson': 'after-ndjson', 'an export as csv': 'after-csv', 'a list of them': 'list/erasures.ndjson', 'the directory of that list': 'list' })) {
        test(`with ${what} erases again who was erased since`, async () => {
            const place = new Place();
            const { code, stderr } = await restore(place.data, '--erasures', at(from));
            assert.equal(code, 0, stderr);
            assert.match(stderr, /2 visitors were erased again, with 1 conversation and 3 messages; 1 conversation stays without its visitor/);
            assert.deepEqual(readdirSync(place.data), ['data.mdb']);
            assert.deepEqual(foundIn(place.data, GONE), []);
            assert.deepEqual(await place.visitors(), LEFT);
            await place.check();
            assert.equal((await place.import(at('before-ndjson'))).counts.visitors.erased, 2);
        });
    }

    test('with the data of a server that runs', async (t) => {
        const directory = temporaryDirectory();
        cpSync(at('after'), join(directory, 'data'), { recursive: true });
        const server = await startServer({ directory });
        t.after(() => server.remove());
        const place = new Place();
        assert.equal((await restore(place.data, '--erasures', server.data)).code, 0);
        assert.deepEqual(await place.visitors(), LEFT);
        await server.stop();
    });

    test('from standard input, and of a backup that knows of them already', async () => {
        const [piped, newer] = [new Place(), new Place()];
        const input = readFileSync(at('before-backup'));
        assert.equal((await helvino(['restore', '-', '--data', piped.data, '--erasures', at('list')], { input })).code, 0);
        assert.deepEqual(await piped.visitors(), LEFT);
        const { stderr } = await helvinoOk(['restore', at('after-backup'), '--data', newer.data, '--erasures', at('list')]);
        assert.match(stderr, /0 visitors were erased again/);
        assert.deepEqual(await newer.visitors(), LEFT);
    });

    test('that can not read what is known of erasures restores nothing', async () => {
        const spoilt = temporaryDirectory(), cut = temporaryDirectory();
        writeFileSync(join(spoilt, 'erasures.ndjson'), `${readFileSync(at('list/erasures.ndjson'), 'utf8')}{"orgId":"x"}\n`);
        cpSync(at('after-ndjson'), cut, { recursive: true });
        writeFileSync(join(cut, 'erasures.ndjson'), readFileSync(at('after-ndjson/erasures.ndjson'), 'utf8').split('\n')[0]);
        const nothing = temporaryDirectory();
        writeFileSync(join(nothing, 'visitors.ndjson'), '');
        for (const [from, sentence] of [[at('nowhere'), /cannot read \S+nowhere, which --erasures names: No such file/], [temporaryDirectory(), /nothing to import|no table "erasures"/], [nothing, /no table "erasures" in/],
            [join(spoilt, 'erasures.ndjson'), /erasures\.ndjson, line 3: .*; nothing has been restored/], [cut, /erasures\.ndjson has \d+ bytes where/], [at('after-csv/visitors.csv'), /no table "erasures"/], [BINARY, /^helvino: /]]) {
            const place = new Place();
            const { code, stderr } = await restore(place.data, '--erasures', from);
            assert.equal(code, 1, `${from}: ${stderr}`);
            assert.match(stderr, sentence);
            assert.ok(!existsSync(place.data), 'something was made');
        }
    });

    test('that fails half-way leaves nothing', { skip: withoutStrace }, async () => {
        for (const [call, error] of [['write', 'ENOSPC'], ['fsync', 'EIO'], ['renameat2', 'EIO'], ['pwrite64', 'ENOSPC'], ['fdatasync', 'EIO']]) {
            for (let n = 1, survived = false; !survived && n < 40; n++) {
                const place = new Place();
                mkdirSync(place.data);
                const paths = ['', '/data.mdb', '/data.mdb.partial', '/restoring', '/restoring/data.mdb', '/restoring/data.mdb.partial'].flatMap((name) => ['-P', place.data + name]);
                const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` };
                const result = await run('strace', ['-D', '-f', '-qq', '-o', '/dev/null', ...paths, '-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${n}`, BINARY, 'restore', at('before-backup'), '--data', place.data, '--erasures', at('list')], { env });
                survived = result.code === 0;
                if (survived) await place.check();
                else assert.deepEqual(readdirSync(place.data, { recursive: true }), [], `${call} ${n}: ${result.stderr}`);
            }
        }
    });

    test('that is killed at any step never leaves what was erased where a server would use it', { skip: withoutStrace }, async () => {
        let crashes = 0;
        for (const call of ['openat', 'write', 'fsync', 'renameat2', 'unlink', 'rmdir', 'mkdir']) {
            for (let n = 1, survived = false; !survived && n < 60; n++) {
                const place = new Place();
                const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` };
                const paths = call === 'mkdir' ? [] : ['', '/data.mdb', '/data.mdb.partial', '/restoring', '/restoring/data.mdb', '/restoring/data.mdb.partial'].flatMap((name) => ['-P', place.data + name]);
                const result = await run('strace', ['-D', '-f', '-qq', '-o', '/dev/null', ...paths, '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${n}`, BINARY, 'restore', at('before-backup'), '--data', place.data, '--erasures', at('list')], { env });
                survived = result.code === 0;
                crashes += !survived;
                if (existsSync(dataOf(place.data))) {
                    await place.check();
                    assert.deepEqual(await place.visitors(), LEFT);
                    assert.deepEqual(foundIn(place.data, GONE), []);
                    assert.ok(!existsSync(join(place.data, 'restoring')), 'the unpacked backup is still there');
                }
            }
        }
        assert.ok(crashes > 15, `only ${crashes} crashes`);
    });
});
