/*
 * Imports as somebody does them who moves: from an export of helvino's own, and from the PostgreSQL of what was there before.
 * Nothing is lost without a word, nothing comes twice, and what people linked to goes on working.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { BINARY, Caller, eventually, helvino, helvinoOk, patiently, run, serverFor, temporaryDirectory } from '../http/server.mjs';
import { assertSentence, contentsOf, importRows } from './database.mjs';
import { makeDataset, withWork, writeDataset } from './dataset.mjs';
import { postgresFor } from './postgres.mjs';

const TABLES = ['organizations', 'visitors', 'conversations', 'messages', 'aliases', 'notes'];
const LIMIT = { row: 1_048_576, content: 32_768, agent: 512, shown: 65_536, alias: 64, visitorKey: 80, orgKey: 64, clientId: 64 };

const strace = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getppid:error=EIO', 'true'], { encoding: 'utf8' });
const withoutStrace = strace.error ? 'strace is not installed' : strace.status !== 0 && 'processes cannot be traced here';

/* ---- short ways ----------------------------------------------------------------------------------------------- */

/** The table of counts on standard error: {visitors: {rows, added, updated, present, rejected}}, and erased where something was. */
function countsOf(stderr) {
    const counts = {};
    for (const line of stderr.split('\n')) {
        const [table, ...numbers] = line.split(/\s+/);
        if (![...TABLES, 'erasures'].includes(table) || numbers.length !== 6) continue;
        const [rows, added, updated, present, erased, rejected] = numbers.map(Number);
        counts[table] = { rows, added, updated, present, rejected, ...(erased && { erased }) };
    }
    return counts;
}

/** A place to import into, and what comes of it. */
class Place {
    constructor(directory = temporaryDirectory()) {
        this.directory = directory;
        this.data = join(directory, 'data');
        this.rejectsPath = join(directory, 'rejects.ndjson');
    }
    async import(path, ...flags) {
        const result = await helvino(['import', path, '--data', this.data, '--rejects', this.rejectsPath, ...flags]);
        return { ...result, counts: countsOf(result.stderr) };
    }
    async importOk(path, ...flags) {
        const result = await this.import(path, ...flags);
        assert.equal(result.code, 0, `import ${path}: exit ${result.code ?? result.signal}\n${result.stderr}`);
        assert.equal(result.stdout, '');
        return result;
    }
    get rejects() {
        return readFileSync(this.rejectsPath, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line));
    }
    async export(format = 'ndjson') {
        const path = join(this.directory, `export-${format}-${readdirSync(this.directory).length}`);
        await helvinoOk(['dump', 'export', '--data', this.data, '--format', format, '-o', path]);
        return path;
    }
    async rows(sql) {
        const { stdout } = await helvinoOk(['dump', 'sql', sql, '--data', this.data, '--format', 'ndjson']);
        return stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
    }
    async sequence() {
        return JSON.parse((await helvinoOk(['stat', '--format', 'json', '--data', this.data])).stdout).seq;
    }
    async check() {
        assert.match((await helvinoOk(['check', '--data', this.data])).stdout, /clean/);
    }
}

/** A directory with these files. */
function files(contents) {
    const directory = temporaryDirectory();
    for (const [name, text] of Object.entries(contents)) writeFileSync(join(directory, name), text);
    return directory;
}

function ndjson(...rows) {
    return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** As psql's \copy … CSV HEADER writes it. */
function csv(columns, ...rows) {
    const quoted = (value) => (value === null ? '' : /^$|[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    return [columns.join(','), ...rows.map((row) => row.map(quoted).join(','))].map((line) => `${line}\n`).join('');
}

const ORG_ID = 'cjld2cjxh0000qzrmn831i7rn';
const ORG = { id: ORG_ID, key: 'acme', name: 'Acme', createdAt: '2026-01-01 00:00:00.000', updatedAt: '2026-01-01 00:00:00.000' };
const VISITOR = {
    id: 'cvisitor00000000000000001', orgId: ORG_ID, visitorKey: 'v_one', firstSeenAt: '2026-01-02 00:00:00.000',
    lastSeenAt: '2026-01-03 00:00:00.000', userAgent: null, createdAt: '2026-01-02 00:00:00.000', updatedAt: '2026-01-03 00:00:00.000',
};
const CONVERSATION = {
    id: 'cconversation000000000001', orgId: ORG_ID, visitorId: VISITOR.id, createdAt: '2026-01-02 00:00:00.000',
    updatedAt: '2026-01-02 00:00:00.000',
};
const MESSAGE = {
    id: 'cmessage00000000000000001', conversationId: CONVERSATION.id, orgId: ORG_ID, role: 'user', content: 'hello',
    timestamp: '2026-01-02 00:00:01.000', clientId: null,
};
const NOTE = {
    id: 'cnote00000000000000000001', conversationId: CONVERSATION.id, orgId: ORG_ID, agentId: null, content: 'between us', timestamp: '2026-01-02 00:00:02.000',
};
const WHOLE = {
    'organizations.ndjson': ndjson(ORG), 'visitors.ndjson': ndjson(VISITOR), 'conversations.ndjson': ndjson(CONVERSATION),
    'messages.ndjson': ndjson(MESSAGE),
};

function assertSameFiles(left, right, suffix) {
    for (const table of [...TABLES, 'erasures']) {
        const name = `${table}.${suffix}`;
        assert.ok(readFileSync(join(left, name)).equals(readFileSync(join(right, name))), `${name} differs`);
    }
}

/* ---- exports of our own --------------------------------------------------------------------------------------- */

for (const format of ['ndjson', 'csv']) {
    test(`an ${format} export imported elsewhere and exported again is the same bytes, and once more changes nothing`, async () => {
        const source = new Place();
        await importRows(withWork(makeDataset(11), 11), source.directory);
        const first = await source.export(format), target = new Place();
        const { counts } = await target.importOk(first);
        for (const table of TABLES) {
            assert.ok(counts[table].rows > 0, `the data set has ${table}`);
            // What an old id stands for came with the row that has it.
            assert.equal(counts[table].added + (table === 'aliases' ? counts[table].present : 0), counts[table].rows, table);
        }
        assertSameFiles(first, await target.export(format), format);
        const other = format === 'csv' ? 'ndjson' : 'csv';
        assertSameFiles(await source.export(other), await target.export(other), other);
        await target.check();

        const before = contentsOf(target.data), sequence = await target.sequence();
        const again = (await target.importOk(first)).counts;
        for (const table of TABLES) assert.deepEqual(again[table], { rows: counts[table].rows, added: 0, updated: 0, present: counts[table].rows, rejected: 0 });
        assert.equal(await target.sequence(), sequence);
        assert.deepEqual(contentsOf(target.data), before);
        assert.ok(!existsSync(target.rejectsPath));
    });
}

test('an export that is not what its manifest says is refused before anything is written', async (t) => {
    const source = new Place();
    await importRows(makeDataset(12), source.directory);
    const whole = await source.export();
    const spoil = {
        'a row more, as long as before': (directory) => {
            const path = join(directory, 'visitors.ndjson'), bytes = readFileSync(path);
            bytes[100] = 0x0a;
            writeFileSync(path, bytes);
        },
        'another letter': (directory) => {
            const path = join(directory, 'messages.ndjson'), bytes = readFileSync(path);
            bytes[bytes.indexOf('"content":"') + 11] ^= 1;
            writeFileSync(path, bytes);
        },
        'a row less': (directory) => {
            const path = join(directory, 'visitors.ndjson');
            writeFileSync(path, readFileSync(path, 'utf8').split('\n').slice(1).join('\n'));
        },
        'a file less': (directory) => rmSync(join(directory, 'messages.ndjson')),
        'a newer form': (directory) => edit(directory, (manifest) => (manifest.version = '3.0')),
        'made for a spreadsheet': (directory) => edit(directory, (manifest) => (manifest.csvSafe = true)),
        'no manifest of ours': (directory) => writeFileSync(join(directory, 'manifest.json'), '{"name":"app"}'),
    };
    function edit(directory, change) {
        const path = join(directory, 'manifest.json'), manifest = JSON.parse(readFileSync(path));
        change(manifest);
        writeFileSync(path, JSON.stringify(manifest));
    }
    for (const [what, change] of Object.entries(spoil)) {
        await t.test(what, async () => {
            const directory = join(temporaryDirectory(), 'export'), target = new Place();
            cpSync(whole, directory, { recursive: true });
            change(directory);
            const result = await target.import(directory);
            assert.equal(result.code, 1);
            assertSentence(result, what);
            assert.ok(!existsSync(target.data), 'nothing has been made');
        });
    }
    await t.test('without its manifest it is read for what it is', async () => {
        const directory = join(temporaryDirectory(), 'export'), target = new Place();
        cpSync(whole, directory, { recursive: true });
        rmSync(join(directory, 'manifest.json'));
        await target.importOk(directory);
        assertSameFiles(whole, await target.export(), 'ndjson');
    });
});

test('a newer minor version of an export is read', async () => {
    const directory = files({ ...WHOLE, 'manifest.json': '{"format":"helvino-export","version":"2.7","tables":{},"colour":"new"}' });
    assert.equal((await new Place().importOk(directory)).counts.messages.added, 1);
});

/* ---- PostgreSQL ----------------------------------------------------------------------------------------------- */

test("PostgreSQL's CSV is read as psql writes it", async () => {
    const directory = files({
        // Columns in another order, more of them than are known, and quotes around names.
        'organizations.csv': '\ufeff' + csv(['createdAt', 'plan', 'slug', 'id'], ['2025-05-05 10:00:00', 'gold', 'acme', '7']),
        'visitors.csv': csv(
            ['"id"', 'orgId', 'visitorKey', 'firstSeenAt', 'lastSeenAt', 'userAgent', 'createdAt', 'updatedAt'],
            ['cvisitor00000000000000001', '7', 'v_1', '2026-01-31 23:59:59', '2026-01-31 23:59:59.1', null, '2026-01-31 23:59:59', '2026-01-31 23:59:59.123456'],
            ['cvisitor00000000000000002', '7', 'v_2', '2026-01-31T23:59:59Z', '2026-02-01 02:59:59.999+03', '', '2026-01-31 23:59:59', '2026-02-01 05:29:59.5+05:30'],
        ).replaceAll('""id""', 'id').replaceAll('\n', '\r\n'),
        'conversations.csv': csv(['id', 'visitorId', 'orgId', 'createdAt', 'updatedAt'],
            ['1770313654000-ab12cd34e', 'cvisitor00000000000000001', '7', '2026-02-05 17:47:34', '2026-02-05 17:47:34'],
            ['cconversation000000000001', null, '7', '2026-02-05 17:47:35', '2026-02-05 17:47:35']),
        'messages.csv': csv(['id', 'conversationId', 'orgId', 'role', 'content', 'timestamp'],
            ['m1', '1770313654000-ab12cd34e', '7', 'user', 'a "quoted", text\r\nof lines\n', '2026-02-05 17:48:00'],
            ['m2', '1770313654000-ab12cd34e', '7', 'assistant', '\\N', '2026-02-05 17:48:01']),
    });
    const place = new Place();
    const { counts, stderr } = await place.importOk(directory);
    assert.deepEqual(counts.visitors, { rows: 2, added: 2, updated: 0, present: 0, rejected: 0 });
    assert.match(stderr, /organizations\.csv has columns that are not known here and are passed over: "plan"/);
    assert.deepEqual(await place.rows('SELECT key, name, "createdAt", "updatedAt", "countVisits" FROM organizations'), [
        { key: 'acme', name: 'acme', createdAt: '2025-05-05 10:00:00.000', updatedAt: '2025-05-05 10:00:00.000', countVisits: 0 },
    ]);
    assert.deepEqual(await place.rows('SELECT "visitorKey", "firstSeenAt", "lastSeenAt", "userAgent", "updatedAt" FROM visitors ORDER BY 1'), [
        { visitorKey: 'v_1', firstSeenAt: '2026-01-31 23:59:59.000', lastSeenAt: '2026-01-31 23:59:59.100', userAgent: null, updatedAt: '2026-01-31 23:59:59.123' },
        { visitorKey: 'v_2', firstSeenAt: '2026-01-31 23:59:59.000', lastSeenAt: '2026-01-31 23:59:59.999', userAgent: '', updatedAt: '2026-01-31 23:59:59.500' },
    ]);
    assert.deepEqual(await place.rows('SELECT v."visitorKey", c."messageCount" FROM conversations c LEFT JOIN visitors v ON v.id = c."visitorId" ORDER BY c."createdAt"'), [
        { visitorKey: 'v_1', messageCount: 2 }, { visitorKey: null, messageCount: 0 },
    ]);
    assert.deepEqual((await place.rows('SELECT content FROM messages ORDER BY timestamp')).map((row) => row.content), ['a "quoted", text\r\nof lines\n', '\\N']);
    assert.deepEqual((await place.rows('SELECT alias FROM aliases')).map((row) => row.alias), ['1770313654000-ab12cd34e']);
    const before = contentsOf(place.data);
    const again = (await place.importOk(directory)).counts;
    assert.deepEqual(again.messages, { rows: 2, added: 0, updated: 0, present: 2, rejected: 0 });
    assert.deepEqual(contentsOf(place.data), before);
    await place.check();
});

test('what a real PostgreSQL copies out is what went in', async (t) => {
    const postgres = await postgresFor(t);
    const source = new Place(), target = new Place();
    await importRows(makeDataset(13), source.directory);
    const script = await source.export('sql'), copies = temporaryDirectory();
    await postgres.load('-f', script);
    for (const table of TABLES.slice(0, 4)) {
        const result = await postgres.psql(['-c', `\\copy "${table}" TO '${join(copies, table)}.csv' CSV HEADER`]);
        assert.equal(result.code, 0, result.stderr);
    }
    const { counts } = await target.importOk(copies);
    for (const table of TABLES.slice(0, 4)) assert.equal(counts[table].added, counts[table].rows, table);
    for (const table of TABLES.slice(0, 4)) {
        const sql = `SELECT * FROM ${table} ORDER BY id`;
        assert.deepEqual(await target.rows(sql), await source.rows(sql), table);
    }
    await target.check();
});

test('an old id leads to its conversation, for its visitor alone', async (t) => {
    const OLD = '1770313654000-ab12cd34e';
    const server = await serverFor(t);
    const place = new Place(server.directory);
    await place.importOk(files({
        'organizations.ndjson': ndjson(ORG), 'visitors.ndjson': ndjson(VISITOR, { ...VISITOR, id: 'cvisitor00000000000000002', visitorKey: 'v_two' }),
        'conversations.ndjson': ndjson({ ...CONVERSATION, id: OLD }),
        'messages.ndjson': ndjson({ ...MESSAGE, conversationId: OLD }),
    }));
    const caller = (key) => ({ 'x-org-key': 'acme', 'x-visitor-id': key });
    const hers = new Caller(server, caller('v_one')), his = new Caller(server, caller('v_two'));
    const conversation = await hers.getOk(`/conversations/${OLD}`);
    assert.deepEqual(conversation.messages.map((message) => message.content), ['hello']);
    assert.match(conversation.id, /^c[0-9a-z]{24}$/);
    await hers.say(OLD, 'still here');
    assert.deepEqual((await hers.getOk(`/conversations/${conversation.id}`)).messages.map((message) => message.content), ['hello', 'still here']);
    assert.equal((await his.get(`/conversations/${OLD}`)).status, 404);
    assert.equal((await his.post(`/conversations/${OLD}/messages`, { role: 'user', content: 'mine?' })).status, 404);
});

/* ---- order ---------------------------------------------------------------------------------------------------- */

test('messages that lie in no order are put in order of time, equal times as the file has them, and lines are those of the file', async () => {
    const place = new Place(), rows = [];
    for (let i = 0; i < 300; i++) {
        const second = (i * 7919) % 150, id = `cmessage0000000000000${String(i).padStart(4, '0')}`;
        rows.push({ ...MESSAGE, id, content: `${second} ${i}`, timestamp: `2026-01-02 00:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')}` });
    }
    rows[123].role = 'nobody';
    for (const form of ['ndjson', 'csv']) {
        const columns = Object.keys(MESSAGE);
        const text = form === 'csv' ? csv(columns, ...rows.map((row) => columns.map((column) => row[column]))) : ndjson(...rows);
        const { 'messages.ndjson': _, ...others } = WHOLE;
        const target = new Place(), result = await target.import(files({ ...others, [`messages.${form}`]: text }));
        assert.equal(result.code, 1);
        assert.match(result.stderr, /messages\.\w+ is not in order of time/);
        assert.deepEqual(target.rejects.map(({ file, line }) => ({ file, line })), [{ file: `messages.${form}`, line: form === 'csv' ? 125 : 124 }]);
        const expected = rows.filter((row) => row.role !== 'nobody').map((row) => row.content)
            .sort((a, b) => a.split(' ')[0] - b.split(' ')[0] || a.split(' ')[1] - b.split(' ')[1]);
        assert.deepEqual((await target.rows('SELECT content FROM messages ORDER BY seq')).map((row) => row.content), expected);
    }
    assert.ok(!existsSync(place.data));
});

test('files in order of time, or conversation by conversation, are read as they lie', async () => {
    const second = { ...CONVERSATION, id: 'cconversation000000000002', createdAt: '2026-01-02 00:00:00.001' };
    const message = (n, conversationId, time) => ({ ...MESSAGE, id: `cmessage0000000000000000${n}`, conversationId, timestamp: `2026-01-02 00:00:0${time}` });
    const { 'messages.ndjson': _, ...others } = WHOLE;
    for (const rows of [
        [message(1, second.id, 1), message(2, CONVERSATION.id, 1), message(3, second.id, 2)],
        [message(1, CONVERSATION.id, 5), message(2, CONVERSATION.id, 6), message(3, second.id, 1)],
    ]) {
        const result = await new Place().importOk(files({ ...others, 'conversations.ndjson': ndjson(CONVERSATION, second), 'messages.ndjson': ndjson(...rows) }));
        assert.doesNotMatch(result.stderr, /in order of time/);
        assert.equal(result.counts.messages.added, 3);
    }
});

/* ---- rows that can't be taken --------------------------------------------------------------------------------- */

test('each row that can not be taken has its file, its line and a reason, and the others are taken', async (t) => {
    const long = (length) => 'x'.repeat(length);
    const cases = {
        organizations: [
            [{ ...ORG, id: 'o2', key: 'with space' }, /^key is not 1 to 64 characters/], [{ ...ORG, id: 'o2', key: long(65) }, /^key is not/],
            [{ ...ORG, id: 'o2', key: '' }, /^key is not/], [{ ...ORG, id: 'o2', key: null }, /^key is missing$/],
            [{ ...ORG, id: '', key: 'o2' }, /^id is not an id/], [{ ...ORG, id: long(65), key: 'o2' }, /^id is not an id/],
            [{ ...ORG, id: 'white space', key: 'o2' }, /^id is not an id/], [{ ...ORG, id: 'ünïcode', key: 'o2' }, /^id is not an id/],
            [{ ...ORG, id: 'o2', key: 'o2', name: long(201) }, /^name is longer than 200 bytes/],
            [{ ...ORG, id: 'o2', key: 'o2', name: 'a\nb' }, /^name holds a control character/],
            [{ ...ORG, id: 'o2', key: 'o2', allowedOrigins: 'https://fine.example\nexample.com' }, /^allowedOrigins are not origins.*"example\.com"/],
            [{ ...ORG, id: 'o2', key: 'o2', allowedOrigins: Array.from({ length: 33 }, (_, i) => `https://${i}.example`).join('\n') }, /^allowedOrigins are more than 32/],
            [{ ...ORG, id: 'o2', key: 'o2', widgetColor: 'red' }, /^widgetColor is not/], [{ ...ORG, id: 'o2', key: 'o2', widgetPosition: 'top' }, /^widgetPosition is none of left\|right/],
            [{ ...ORG, id: 'o2', key: 'o2', widgetTitle: long(501) }, /^widgetTitle is longer than 500/],
            [{ ...ORG, id: 'o2', key: 'o2', countVisits: 'perhaps' }, /^countVisits is none of t, f, true and false/],
            [{ ...ORG, key: 'renamed' }, /^an organization of this id has another key here: "acme"/],
        ],
        visitors: [
            [{ ...VISITOR, id: 'v2', visitorKey: 'no-prefix' }, /^visitorKey is not v_ and 1 to 78 characters.*"no-prefix"/],
            [{ ...VISITOR, id: 'v2', visitorKey: `v_${long(79)}` }, /^visitorKey is not/], [{ ...VISITOR, id: 'v2', visitorKey: 'v_' }, /^visitorKey is not/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_a\u0007' }, /^visitorKey is not/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', firstSeenAt: 'yesterday' }, /^firstSeenAt is not a time between 1970 and 9999.*"yesterday"/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', firstSeenAt: '1969-12-31 23:59:59' }, /^firstSeenAt is not a time between/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', lastSeenAt: '10000-01-01 00:00:00' }, /^lastSeenAt is not a time between/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', lastSeenAt: null }, /^lastSeenAt is missing/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', lastSeenAt: '2026-01-01 00:00:00' }, /^lastSeenAt lies before firstSeenAt/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', orgId: 'nowhere' }, /^its organization does not exist \(neither here nor in the file\): c[0-9a-z]{24}$/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', email: 'nobody' }, /^email is not an address of at most 254 bytes: "nobody"/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', email: `${long(250)}@x.org` }, /^email is not an address/],
            [{ ...VISITOR, id: 'v2', visitorKey: 'v_new', blockedAt: 'yes' }, /^blockedAt is not a time/],
            [{ ...VISITOR, visitorKey: 'v_new' }, /^a visitor of this id has another visitorKey here: "v_one"/],
        ],
        conversations: [
            [{ ...CONVERSATION, id: 'c2', visitorId: 'nobody' }, /^its visitor does not exist \(neither here nor in the file\)/],
            [{ ...CONVERSATION, id: 'c2', orgId: 'nowhere' }, /^its organization does not exist/],
            [{ ...CONVERSATION, id: 'c2', createdAt: null }, /^createdAt is missing/],
            [{ ...CONVERSATION, id: 'c2', updatedAt: '2026-02-30 00:00:00' }, /^updatedAt is not a time/],
            [{ ...CONVERSATION, id: 'c2', status: 'closed' }, /^status is none of open, pending, snoozed and resolved: "closed"/],
            [{ ...CONVERSATION, id: 'c2', status: 'snoozed' }, /^it is snoozed, and snoozedUntil is missing/],
            [{ ...CONVERSATION, id: 'c2', status: 'snoozed', snoozedUntil: 'soon' }, /^snoozedUntil is not a time/],
            [{ ...CONVERSATION, id: 'c2', priority: 'asap' }, /^priority is none of low, medium, high and urgent: "asap"/],
            [{ ...CONVERSATION, id: 'c2', tags: 'b\na' }, /^tags are not at most 20 texts/], [{ ...CONVERSATION, id: 'c2', tags: long(41) }, /^tags are not/],
            [{ ...CONVERSATION, visitorId: null }, /^a conversation of this id is another visitor's here: cvisitor/],
        ],
        messages: [
            [{ ...MESSAGE, id: 'm2', role: 'system' }, /^role is neither user nor assistant: "system"/], [{ ...MESSAGE, id: 'm2', role: null }, /^role is missing/],
            [{ ...MESSAGE, id: 'm2', content: '' }, /^content is empty/], [{ ...MESSAGE, id: 'm2', content: null }, /^content is missing/],
            [{ ...MESSAGE, id: 'm2', content: long(LIMIT.content + 1) }, /^content is longer than 32768 bytes/],
            [{ ...MESSAGE, id: 'm2', clientId: 'a b' }, /^clientId is not 1 to 64 visible/], [{ ...MESSAGE, id: 'm2', clientId: long(65) }, /^clientId is not/],
            [{ ...MESSAGE, id: 'm2', clientId: '' }, /^clientId is not/],
            [{ ...MESSAGE, id: 'm2', clientId: 'twice' }, /^another message of this clientId is in its conversation already: cmessage/],
            [{ ...MESSAGE, id: 'm2', timestamp: 'now' }, /^timestamp is not a time/],
            [{ ...MESSAGE, id: 'm2', conversationId: 'cnothere00000000000000001' }, /^its conversation does not exist.*cnothere00000000000000001/],
            [{ ...MESSAGE, id: 'm2', orgId: null, conversationId: 'old-1' }, /^orgId is missing, without which/],
            [{ ...MESSAGE, id: 'm2', orgId: null, conversationId: 'cnothere00000000000000001' }, /^orgId is missing, and its conversation does not exist/],
        ],
        aliases: [
            [{ orgId: ORG_ID, alias: 'old', targetId: 'cnothere00000000000000001' }, /^its conversation or visitor does not exist/],
            [{ orgId: ORG_ID, alias: 'o ld', targetId: CONVERSATION.id }, /^alias is not 1 to 64 visible/],
            [{ orgId: ORG_ID, alias: long(65), targetId: CONVERSATION.id }, /^alias is not/],
            [{ orgId: ORG_ID, alias: 'old', targetId: 'old' }, /^targetId is not an id/],
            [{ orgId: ORG_ID, alias: 'taken', targetId: VISITOR.id }, /^its id stands for something else here already: cconversation/],
        ],
        notes: [
            [{ ...NOTE, id: 'n2', content: '' }, /^content is empty/], [{ ...NOTE, id: 'n2', content: long(16385) }, /^content is longer than 16384 bytes/],
            [{ ...NOTE, id: 'n2', timestamp: null }, /^timestamp is missing/], [{ ...NOTE, id: 'n2', orgId: null }, /^orgId is missing/],
            [{ ...NOTE, id: 'n2', clientId: 'a b' }, /^clientId is not 1 to 64 visible/],
            [{ ...NOTE, id: 'n2', conversationId: 'cnothere00000000000000001' }, /^its conversation does not exist.*cnothere00000000000000001/],
            [{ ...NOTE, id: 'n2', orgId: 'nowhere' }, /^its organization does not exist/],
        ],
    };
    const good = { organizations: ORG, visitors: VISITOR, conversations: CONVERSATION, messages: { ...MESSAGE, clientId: 'twice' }, aliases: { orgId: ORG_ID, alias: 'taken', targetId: CONVERSATION.id }, notes: NOTE };
    for (const form of ['ndjson', 'csv']) {
        await t.test(form, async () => {
            const contents = {};
            for (const table of TABLES) {
                const rows = [good[table], ...cases[table].map(([row]) => row)];
                const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
                contents[`${table}.${form}`] = form === 'csv' ? csv(columns, ...rows.map((row) => columns.map((column) => row[column] ?? null))) : ndjson(...rows);
            }
            const place = new Place(), result = await place.import(files(contents));
            assert.equal(result.code, 1, result.stderr);
            for (const table of TABLES) {
                const expected = cases[table], rejects = place.rejects.filter((reject) => reject.file === `${table}.${form}`);
                assert.deepEqual(result.counts[table], { rows: expected.length + 1, added: 1, updated: 0, present: 0, rejected: expected.length }, `${table}: ${JSON.stringify(rejects, null, 1)}`);
                assert.equal(rejects.length, expected.length);
                const byLine = new Map(rejects.map((reject) => [reject.line, reject]));
                expected.forEach(([row, reason], i) => {
                    const line = rows(form, contents[`${table}.${form}`], i + 1), reject = byLine.get(line.number);
                    assert.ok(reject, `${table}: line ${line.number} of ${[...byLine.keys()]}`);
                    assert.match(reject.reason, reason, JSON.stringify(row).slice(0, 200));
                    assert.equal(reject.row, line.text.slice(0, LIMIT.shown));
                });
            }
            assert.match(result.stderr, /rejected:\n(  1 of organizations: key is missing\n|.*\n)*/);
            assert.match(result.stderr, new RegExp(`${place.rejectsPath} has each with its file, line and reason`));
            await place.check();
        });
    }
    /** The n-th row (from 0) as it lies in the file. */
    function rows(form, text, n) {
        if (form === 'ndjson') return { number: n + 1, text: text.split('\n')[n] };
        let line = 1, at = 0;
        for (let record = -1; ; record++) {
            let end = at, quotes = 0;
            while (text[end] !== '\n' || quotes % 2 !== 0) quotes += text[end++] === '"';
            if (record === n) return { number: line, text: text.slice(at, end) };
            line += text.slice(at, end + 1).split('\n').length - 1;
            at = end + 1;
        }
    }
});

test('a message of a conversation that is there needs no orgId', async () => {
    const { orgId: _, ...message } = MESSAGE, place = new Place();
    await place.importOk(files({ ...WHOLE, 'messages.ndjson': ndjson(message) }));
    assert.deepEqual(await place.rows('SELECT "orgId", content FROM messages'), [{ orgId: ORG_ID, content: 'hello' }]);
});

test('the limits hold at their edges', async () => {
    const place = new Place(), key = `v_${'k'.repeat(LIMIT.visitorKey - 2)}`;
    const directory = files({
        'organizations.ndjson': ndjson({ ...ORG, key: 'k'.repeat(LIMIT.orgKey) }),
        'visitors.ndjson': ndjson({ ...VISITOR, visitorKey: key, userAgent: 'ü'.repeat(LIMIT.agent / 2) }, { ...VISITOR, id: 'i'.repeat(LIMIT.alias), visitorKey: 'v_cut', userAgent: `x${'ü'.repeat(LIMIT.agent / 2)}` }),
        'conversations.ndjson': ndjson(CONVERSATION),
        'messages.ndjson': ndjson({ ...MESSAGE, content: 'ü'.repeat(LIMIT.content / 2), clientId: 'c'.repeat(LIMIT.clientId) }),
    });
    const { stderr } = await place.importOk(directory);
    assert.match(stderr, /1 userAgent texts were cut to 512 bytes/);
    assert.deepEqual((await place.rows('SELECT "userAgent" FROM visitors ORDER BY "visitorKey"')).map((row) => row.userAgent), [`x${'ü'.repeat(LIMIT.agent / 2 - 1)}`, 'ü'.repeat(LIMIT.agent / 2)]);
});

test('a row as long as the limit is read, and a longer one is rejected with its beginning', async () => {
    const row = (length) => {
        const text = JSON.stringify({ ...VISITOR, note: '' });
        return `${text.slice(0, -2)}${'n'.repeat(length - text.length)}"}\n`;
    };
    for (const [length, rejected] of [[LIMIT.row, 0], [LIMIT.row + 1, 1]]) {
        const place = new Place();
        const result = await place.import(files({ 'organizations.ndjson': ndjson(ORG), 'visitors.ndjson': row(length) }));
        assert.equal(result.counts.visitors.rejected, rejected, result.stderr);
        if (!rejected) continue;
        const [reject] = place.rejects;
        assert.equal(reject.reason, 'the row is longer than 1048576 bytes');
        assert.equal(reject.row.length, LIMIT.shown);
    }
});

test('rows that are broken as text are rejected, and reading goes on behind them', async () => {
    const columns = Object.keys(VISITOR), good = (n) => columns.map((column) => ({ ...VISITOR, id: `cvisitor0000000000000000${n}`, visitorKey: `v_${n}` })[column] ?? '').join(',');
    const lines = [columns.join(','), good(1), good(2).replace('v_2', 'v_"2'), good(3).replace('v_3', '"v_3"x'), `${good(4)},more`, 'few,fields', '', good(5).replace('v_5', 'v_\0'), good(6)];
    const bytes = Buffer.concat([Buffer.from(lines.join('\n')), Buffer.from('\n'), Buffer.from(good(7).replace('v_7', 'v_')), Buffer.from([0xff]), Buffer.from(`\n${good(8)}\n"open,\n${good(9)}\n`)]);
    const place = new Place(), result = await place.import(files({ 'organizations.ndjson': ndjson(ORG), 'visitors.csv': bytes }));
    assert.deepEqual(result.counts.visitors, { rows: 10, added: 3, updated: 0, present: 0, rejected: 7 });
    assert.deepEqual(place.rejects.map(({ line, reason }) => [line, reason.replace(/[,:].*/, '')]), [
        [3, 'a quote stands within a field'], [4, 'a quote stands within a field'], [5, 'the number of fields is not the number of columns'],
        [6, 'the number of fields is not the number of columns'], [8, 'the row holds the character NUL'], [10, 'the row is not UTF-8'],
        [12, 'a quote is not closed before the end of the file'],
    ]);
    assert.equal(place.rejects[5].row.at(-1), '\ufffd');
});

test('lines that are not JSON objects are rejected, and reading goes on behind them', async () => {
    const row = JSON.stringify(VISITOR);
    const lines = [row, row.slice(0, -1), '[]', 'null', `${row} ${row}`, '{"id":1}', '', row.replace('v_one', 'v_\\u0000'), row.replace('"v_one"', '["v_one"]'), `${row.slice(0, -1)},"id":"x"}`, 'x'];
    const place = new Place(), result = await place.import(files({ 'organizations.ndjson': ndjson(ORG), 'visitors.ndjson': lines.join('\r\n') }));
    assert.deepEqual(result.counts.visitors, { rows: 10, added: 1, updated: 0, present: 0, rejected: 9 });
    assert.deepEqual(place.rejects.map(({ line }) => line), [2, 3, 4, 5, 6, 8, 9, 10, 11]);
    for (const { line, reason } of place.rejects) assert.match(reason, line === 6 || line === 9 ? /is neither a text nor a boolean nor null/ : /^the line is not one JSON object in UTF-8: "/);
});

test('an older file of rejects is replaced, and stays when nothing is rejected', async () => {
    const place = new Place(), bad = files({ ...WHOLE, 'messages.ndjson': ndjson({ ...MESSAGE, role: 'x' }) });
    assert.doesNotMatch((await place.import(bad)).stderr, /replaced/);
    assert.match((await place.import(bad)).stderr, /it replaced an older file/);
    assert.equal(place.rejects.length, 1);
    assert.match((await place.importOk(files(WHOLE))).stderr, /is of an earlier import/);
    assert.equal(place.rejects.length, 1);
});

test('when the rejects can not be written, the import ends and says so', async () => {
    const place = new Place();
    place.rejectsPath = join(place.directory, 'nowhere', 'rejects');
    const result = await place.import(files({ ...WHOLE, 'messages.ndjson': ndjson({ ...MESSAGE, role: 'x' }) }));
    assert.equal(result.code, 1);
    assert.match(result.stderr, /helvino: .*nowhere\/rejects.* can't be written: No such file or directory/);
});

test('an export that comes back to its own database finds everything there, what the API wrote included', async (t) => {
    const server = await serverFor(t), org = await server.org('acme'), place = new Place(server.directory);
    for (let i = 0; i < 5; i++) {
        const visitor = org.visitor(), conversation = await visitor.converse();
        for (let j = 0; j < 4; j++) await visitor.say(conversation, `message ${j}`, j % 2 ? { clientId: `id-${j}` } : {});
        if (i % 2) await visitor.post('/visitors/me', { email: `visitor-${i}@example.org` });
    }
    const path = await place.export(), sequence = await place.sequence();
    const { counts } = await place.importOk(path);
    assert.equal(counts.messages.rows, 20);
    for (const table of TABLES) assert.equal(counts[table].present, counts[table].rows, table);
    assert.equal(await place.sequence(), sequence);
});

/* ---- files that can't be taken at all ------------------------------------------------------------------------- */

test('what is not there, or not what it should be, is said in a sentence, and no database is made', async (t) => {
    const head = Object.keys(VISITOR).join(',');
    const cases = {
        'nothing to import': [files({ 'readme.txt': '' }), /nothing to import in .*organizations, erasures, visitors, conversations, messages, aliases and notes/],
        'both forms': [files({ 'visitors.csv': head, 'visitors.ndjson': '' }), /there are both .*visitors\.csv and .*visitors\.ndjson/],
        'no such path': ['/nowhere/at/all', /\/nowhere\/at\/all can't be read: No such file/],
        'another name': [join(files({ 'users.csv': head }), 'users.csv'), /does not say by its name/],
        'no HEADER': [files({ 'visitors.csv': 'cvisitor,corg,v_1\n' }), /does not begin with the names of its columns.*\\copy "visitors" TO 'visitors\.csv' CSV HEADER/],
        'an empty file': [files({ 'visitors.csv': '' }), /is empty, without the names/],
        'a missing column': [files({ 'visitors.csv': head.replace('visitorKey', 'key') }), /has no column "visitorKey".*\\copy "visitors"/],
        'a column twice': [files({ 'visitors.csv': `${head},id` }), /names the column "id" twice/],
        'another separator': [files({ 'visitors.csv': head.replaceAll(',', ';') }), /separated by commas/],
        'a directory by that name': [(() => {
            const directory = temporaryDirectory();
            mkdirSync(join(directory, 'visitors.csv'));
            return directory;
        })(), /visitors\.csv can't be read: it is not a file/],
    };
    for (const [what, [path, sentence]] of Object.entries(cases)) {
        await t.test(what, async () => {
            const place = new Place(), result = await place.import(path);
            assert.equal(result.code, 1, result.stderr);
            assertSentence(result, what);
            assert.match(result.stderr, sentence);
            assert.ok(!existsSync(place.data));
        });
    }
});

test('a later import widens what is there, and says so', async () => {
    const place = new Place(), later = '2026-03-01 00:00:00.000';
    await place.importOk(files(WHOLE));
    const { counts } = await place.importOk(files({
        ...WHOLE, 'visitors.ndjson': ndjson({ ...VISITOR, lastSeenAt: later, updatedAt: later }, { ...VISITOR, id: 'cvisitor00000000000000002', visitorKey: 'v_two' }),
        'conversations.ndjson': ndjson({ ...CONVERSATION, updatedAt: later }),
    }));
    assert.deepEqual(counts.visitors, { rows: 2, added: 1, updated: 1, present: 0, rejected: 0 });
    assert.deepEqual(counts.conversations, { rows: 1, added: 0, updated: 1, present: 0, rejected: 0 });
    assert.deepEqual(counts.messages, { rows: 1, added: 0, updated: 0, present: 1, rejected: 0 });
    assert.deepEqual(await place.rows(`SELECT "firstSeenAt", "lastSeenAt" FROM visitors WHERE "visitorKey" = 'v_one'`), [{ firstSeenAt: VISITOR.firstSeenAt, lastSeenAt: later }]);
    await place.check();
});

test('an address comes along, and an older row does not bring back one that was forgotten since', async () => {
    const place = new Place(), row = (email, day) => files({
        ...WHOLE, 'visitors.ndjson': ndjson({ ...VISITOR, email, updatedAt: `2026-03-0${day} 00:00:00.000` }),
    });
    const imported = async (email, day) => {
        await place.importOk(row(email, day));
        return (await place.rows('SELECT email FROM visitors'))[0].email;
    };
    assert.equal(await imported('first@example.org', 2), 'first@example.org');
    assert.equal(await imported('older@example.org', 1), 'first@example.org');
    assert.equal(await imported('', 3), 'first@example.org');
    assert.equal(await imported('newer@example.org', 4), 'newer@example.org');
    await place.check();
});

test('one file by itself is taken, when what it refers to is there', async () => {
    const place = new Place(), directory = files(WHOLE);
    for (const table of TABLES.slice(0, 4)) await place.importOk(join(directory, `${table}.ndjson`));
    assert.equal((await place.rows('SELECT * FROM messages')).length, 1);
});

/* ---- dry runs ------------------------------------------------------------------------------------------------- */

test('a dry run counts what the import then does, and changes nothing', async () => {
    const place = new Place(), temporary = temporaryDirectory(), directory = files({ ...WHOLE, 'aliases.ndjson': ndjson({ orgId: ORG_ID, alias: 'x', targetId: 'y' }) });
    const bigger = join(temporaryDirectory(), 'rows');
    writeDataset(makeDataset(14), bigger);
    await place.import(directory);
    const before = contentsOf(place.data);
    const env = { TMPDIR: temporary };
    const dry = await helvino(['import', bigger, '--dry-run', '--data', place.data, '--rejects', place.rejectsPath], { env });
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stderr, /nothing has been changed\. The import would do this/);
    assert.deepEqual(contentsOf(place.data), before);
    assert.deepEqual(readdirSync(temporary), []);
    assert.deepEqual(countsOf(dry.stderr), (await place.importOk(bigger)).counts);
});

test('a dry run without a database makes none', async () => {
    const place = new Place(), result = await place.importOk(files(WHOLE), '--dry-run');
    assert.equal(result.counts.messages.added, 1);
    assert.ok(!existsSync(place.data));
});

test('a dry run without a place for its copy says so', async () => {
    const place = new Place();
    await place.importOk(files(WHOLE));
    const result = await helvino(['import', files(WHOLE), '--dry-run', '--data', place.data], { env: { TMPDIR: '/nowhere/at/all' } });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /helvino: no directory can be made like .*TMPDIR names another place/);
});

/* ---- beside a server, and ended early ------------------------------------------------------------------------- */

/** Many rows, in a directory. */
async function manyRows() {
    const place = new Place();
    await helvinoOk(['generate', '--org', 'many', '--visitors', '3000', '--data', place.data]);
    return place.export();
}

test('an import goes beside a server that is writing, and neither disturbs the other', async (t) => {
    const server = await serverFor(t), org = await server.org('acme'), source = await manyRows(), place = new Place(server.directory);
    let isDone = false, said = 0;
    const talk = Array.from({ length: 4 }, async () => {
        const visitor = org.visitor(), conversation = await visitor.converse();
        do {
            await visitor.say(conversation, `message ${said++}`);
        } while (!isDone);
    });
    const result = await place.importOk(source).finally(() => (isDone = true));
    await Promise.all(talk);
    for (const table of TABLES) assert.equal(result.counts[table].added, result.counts[table].rows, table);
    assert.equal((await place.rows(`SELECT COUNT(*) AS count FROM messages m JOIN organizations o ON o.id = m."orgId" WHERE o.key = 'acme'`))[0].count, said);
    await server.check();
    const many = await place.rows(`SELECT id FROM organizations WHERE key = 'many'`);
    assert.equal(many.length, 1);
});

for (const [signal, code] of [['SIGINT', 130], ['SIGKILL', null]]) {
    test(`an import that ${signal} ended is continued by the next one`, async () => {
        const source = await manyRows(), place = new Place(), whole = new Place();
        await whole.importOk(source);
        const child = spawn(BINARY, ['import', source, '--data', place.data, '--rejects', place.rejectsPath], { stdio: ['ignore', 'ignore', 'pipe'] });
        let stderr = '';
        child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
        const end = new Promise((done) => child.on('close', done));
        await eventually(() => existsSync(join(place.data, 'data.mdb')) && statSync(join(place.data, 'data.mdb')).size > 1_000_000, 'some rows are there');
        child.kill(signal);
        assert.equal(await patiently(end, 'the end of the import'), code, stderr);
        if (code === 130) {
            assert.match(stderr, /ended early, after \d+ of \d+ rows; what was taken is kept, and the import can be repeated/);
            await place.check();
        }
        await place.importOk(source);
        assertSameFiles(await whole.export(), await place.export(), 'ndjson');
        await place.check();
    });
}

test('a disk that is full ends the import with a sentence, and the next one goes on', { skip: withoutStrace }, async () => {
    const source = await manyRows(), place = new Place();
    await place.importOk(files({ 'organizations.ndjson': ndjson(ORG) }));
    const result = await run('strace', ['-D', '-f', '-qq', '-o', '/dev/null', '-P', join(place.data, 'data.mdb'), '-e', 'trace=pwrite64,writev,pwritev', '-e', 'inject=pwrite64,writev,pwritev:error=ENOSPC:when=60+',
        BINARY, 'import', source, '--data', place.data, '--rejects', place.rejectsPath], { env: { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` } });
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, /helvino: there is no more room for the database in /);
    assert.match(result.stderr, /what was taken is kept, and the import can be repeated/);
    await place.importOk(source);
    await place.check();
});

/* ---- chance --------------------------------------------------------------------------------------------------- */

test('files with random damage never do more than be rejected', async () => {
    const source = new Place();
    await importRows(withWork(makeDataset(15), 15), source.directory);
    let state = 1;
    const random = (limit) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % limit;
    for (const form of ['csv', 'ndjson']) {
        const whole = await source.export(form);
        for (let round = 0; round < 8; round++) {
            const directory = join(temporaryDirectory(), 'damaged'), place = new Place();
            cpSync(whole, directory, { recursive: true });
            rmSync(join(directory, 'manifest.json'));
            for (const table of TABLES) {
                const path = join(directory, `${table}.${form}`), bytes = readFileSync(path);
                const from = form === 'csv' ? bytes.indexOf('\n') + 1 : 0;
                for (let i = 0; i < bytes.length / 500; i++) bytes[from + random(bytes.length - from)] = [0x22, 0x0a, 0x2c, 0, 0xff, 0x7b][random(6)];
                writeFileSync(path, bytes);
            }
            const result = await place.import(directory);
            assert.ok(result.code === 0 || result.code === 1, `${result.signal}\n${result.stderr.slice(-4000)}`);
            assert.doesNotMatch(result.stderr, /Sanitizer|runtime error|assert/i);
            for (const counts of Object.values(result.counts)) assert.equal(counts.rows, counts.added + counts.updated + counts.present + counts.rejected);
            await place.check();
        }
    }
});

test('rows of an organisation that was made here before go to it', async () => {
    const place = new Place();
    await helvinoOk(['org', 'create', 'acme', '--new-database', '--data', place.data]);
    const [before] = await place.rows('SELECT id FROM organizations');
    const { stderr, counts } = await place.importOk(files(WHOLE));
    assert.match(stderr, /note: the organisation acme is here already/);
    assert.equal(counts.organizations.present, 1);
    assert.deepEqual(await place.rows('SELECT DISTINCT "orgId" FROM messages'), [{ orgId: before.id }]);
    const sequence = await place.sequence();
    await place.importOk(files(WHOLE));
    assert.equal(await place.sequence(), sequence, 'a second time changes nothing');
    await place.check();
});

test('two organisations of one file never become one', async () => {
    const place = new Place();
    const { code, counts } = await place.import(files({ ...WHOLE, 'organizations.ndjson': ndjson(ORG, { ...ORG, id: 'o2' }) }));
    assert.equal(code, 1);
    assert.deepEqual(counts.organizations, { rows: 2, added: 1, updated: 0, present: 0, rejected: 1 });
    assert.match(place.rejects[0].reason, /^another organization has its key here, which another row of the file stands for/);
});

test("nobody's conversation is not reached by an id that can be guessed", async () => {
    const place = new Place();
    const conversations = ['17', '1770313654000', '1770313654000-ab12cd34e'].map((id) => ({ ...CONVERSATION, id, visitorId: null }));
    const { stderr } = await place.importOk(files({ ...WHOLE, 'messages.ndjson': '', 'conversations.ndjson': ndjson(...conversations) }));
    assert.match(stderr, /note: 2 conversations of nobody known can't be reached by their old ids/);
    assert.deepEqual(await place.rows('SELECT alias FROM aliases'), [{ alias: '1770313654000-ab12cd34e' }]);
});

/* ---- a dry run that ends early -------------------------------------------------------------------------------- */

/** A dry run beside a database of its own, with something done to its system calls; gives what is left in TMPDIR too. */
async function disturbedDryRun(trace, inject) {
    const source = await manyRows(), place = new Place(), temporary = temporaryDirectory();
    await place.importOk(files({ 'organizations.ndjson': ndjson(ORG) }));
    const before = await place.sequence();
    const result = await run('strace', ['-D', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${trace}`, '-e', `inject=${trace}:${inject}`,
        BINARY, 'import', source, '--dry-run', '--data', place.data, '--rejects', place.rejectsPath], { env: { TMPDIR: temporary, ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` } });
    assert.equal(await place.sequence(), before);
    return { ...result, left: readdirSync(temporary) };
}

/* The copy has everybody's messages. The database's own syncs are the moments. */
for (const [what, trace, inject, ended] of [
    ['Ctrl-C before the copy', 'mkdir', 'signal=SIGINT:when=1', { code: 130 }],
    ['Ctrl-C during the import', 'fdatasync', 'signal=SIGINT:when=1', { code: 130 }],
    ['a second Ctrl-C', 'fdatasync', 'signal=SIGINT:when=1+', { signal: 'SIGINT' }],
    ['a disk that fails', 'fdatasync', 'signal=SIGBUS:when=2', { code: 1 }],
]) {
    test(`${what} leaves nothing of the copy that a dry run makes`, { skip: withoutStrace }, async () => {
        const { code, signal, stderr, left } = await disturbedDryRun(trace, inject);
        assert.deepEqual(left, []);
        assert.deepEqual({ code, signal }, { code: null, signal: null, ...ended }, stderr);
    });
}
