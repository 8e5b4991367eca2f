/*
 * Exports as somebody holds them who leaves, keeps a copy, or has to answer an access request: every row and every character is
 * there in each form, nobody else's is, and an export that did not succeed leaves nothing.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';

import { BINARY, helvino, run, startServer, temporaryDirectory } from '../http/server.mjs';

const FORMATS = ['ndjson', 'csv', 'sql', 'sqlite'];
const TABLES = ['organizations', 'erasures', 'visitors', 'conversations', 'messages', 'aliases', 'notes'];
/** What PostgreSQL and SQLite get. */
const SQL_TABLES = ['organizations', 'visitors', 'conversations', 'messages'];
const ORDER = { organizations: 'id', visitors: 'id', conversations: 'id', messages: '"conversationId", seq', aliases: '"orgId", alias', erasures: '"orgId", "visitorHash"', notes: '"conversationId", seq' };

/** What breaks quoting, escaping and line ends. */
const NASTY = [
    'plain', '"', '""', "'", ',', ';', 'a,b\nc', '\n', '\r', '\r\n', 'ends with CR\r', '\t', '\\', '\\\\', '\\n', '\\N', 'NULL', 'null', ' ', '  spaces  ',
    '\\.', 'before\n\\.\nbehind', '\u0001\u001f\u007f', '\b\f\v', '😀👩‍👩‍👧', 'שלום עולם', '\u202eevil\u202c', 'é é', '\ufeff', '\u2028\u2029', '</script>',
    '=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '{"a":[1]}', "'); DROP TABLE messages; --", '$$', ':org', '%s%n', '0', 'f', 't', '-- x', '/* x */',
    'x'.repeat(32768), '"\n'.repeat(16384), '\\'.repeat(32768), 'ü'.repeat(16384),
];

const strace = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getppid:error=EIO', 'true'], { encoding: 'utf8' });
const withoutStrace = strace.error ? 'strace is not installed' : strace.status !== 0 && 'processes cannot be traced here';

let server, acme, other, folder, hers, sharedKey;
let number = 0;

/** A place where nothing is yet. */
function fresh() {
    return join(folder, `export-${++number}`);
}

function exported(format, ...flags) {
    const path = fresh();
    return server.cli('dump', 'export', '--format', format, '-o', path, ...flags).then((result) => {
        assert.equal(result.code, 0, result.stderr);
        assert.equal(result.stdout, '');
        return { path, stderr: result.stderr, manifest: JSON.parse(readFileSync(format === 'ndjson' || format === 'csv' ? join(path, 'manifest.json') : `${path}.manifest.json`)) };
    });
}

/** Every file of an export, as bytes. */
function filesOf(path) {
    const files = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path, `${path}.manifest.json`];
    return files.map((file) => ({ file, bytes: readFileSync(file) }));
}

function sha256(bytes) {
    return createHash('sha256').update(bytes).digest('hex');
}

/* ---- reading what was written --------------------------------------------------------------------------------- */

function readNdjson(path, table) {
    const text = readFileSync(join(path, `${table}.ndjson`), 'utf8');
    assert.ok(text === '' || text.endsWith('\n'));
    return text.split('\n').slice(0, -1).map((line) => JSON.parse(line));
}

/** Fields of RFC 4180; one without quotes and without anything is null. */
function parseCsv(text) {
    const rows = [];
    let row = [];
    for (let at = 0; at < text.length; ) {
        let field = null;
        if (text[at] === '"') {
            let end = at + 1;
            while (text[end] !== '"' || text[end + 1] === '"') {
                assert.ok(end < text.length, 'a field is not closed');
                end += text[end] === '"' ? 2 : 1;
            }
            field = text.slice(at + 1, end).replaceAll('""', '"');
            at = end + 1;
        } else {
            let end = at;
            while (!',\n'.includes(text[end])) end++;
            if (end !== at) field = text.slice(at, end);
            at = end;
        }
        row.push(field);
        assert.ok(text[at] === ',' || text[at] === '\n', `a field ends with ${JSON.stringify(text.slice(at, at + 5))}`);
        if (text[at++] === '\n') rows.push(row.splice(0));
    }
    return rows;
}

function readCsv(path, table) {
    const [head, ...rows] = parseCsv(readFileSync(join(path, `${table}.csv`), 'utf8'));
    return rows.map((row) => {
        assert.equal(row.length, head.length);
        return Object.fromEntries(head.map((name, i) => [name, typed(name, row[i])]));
    });
}

const BOOLEANS = ['countVisits', 'redactMessages', 'anonymized'];
const NUMBERS = ['messageCount', 'retainVisitorsDays', 'retainMessagesDays', 'retainEmptyDays', 'retainAuditDays', 'retainErasuresDays', 'visitors',
    'conversations', 'messages', 'anonymizedConversations'];

/** A row with numbers for booleans, as SQLite has them, as ndjson has it. */
function withBooleans(row) {
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, BOOLEANS.includes(name) ? value === 1 : value]));
}

/** A value as ndjson has it. */
function typed(name, text) {
    if (BOOLEANS.includes(name)) return text === 't' ? true : text === 'f' ? false : text;
    return NUMBERS.includes(name) ? Number(text) : text;
}

const UNESCAPED = { b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r', '\\': '\\' };

/** The rows of one COPY of the script, by PostgreSQL's rules. */
function readCopy(script, table) {
    const [, columns, data] = script.match(new RegExp(`^COPY "${table}" \\(([^)]*)\\) FROM stdin;\n((?:[^\n]*\n)*?)\\\\\\.\n`, 'm'));
    const names = columns.split(', ').map((name) => name.slice(1, -1));
    return data.split('\n').slice(0, -1).map((line) => {
        const fields = line.split('\t');
        assert.equal(fields.length, names.length);
        const values = fields.map((field) => (field === '\\N' ? null : field.replace(/\\(.)/gs, (_, letter) => UNESCAPED[letter])));
        return Object.fromEntries(names.map((name, i) => [name, typed(name, values[i])]));
    });
}

async function sqlite(path, sql) {
    const result = await run('sqlite3', ['-bail', '-json', path, sql]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout === '' ? [] : JSON.parse(result.stdout);
}

/** What SQL says about the table, with exactly these columns. */
async function queried(table, columns, where = 'TRUE') {
    const names = columns.map((name) => `"${name}"`).join(', ');
    const answer = await server.cliOk('dump', 'sql', '--format', 'ndjson', `SELECT ${names} FROM ${table} WHERE ${where} ORDER BY ${ORDER[table]}`);
    const rows = answer.split('\n').slice(0, -1).map((line) => JSON.parse(line));
    return rows.map(withBooleans);
}

const COLUMNS = {
    organizations: ['id', 'key', 'name', 'allowedOrigins', 'createdAt', 'updatedAt', 'widgetTitle', 'widgetSubtitle', 'widgetColor', 'widgetPosition',
        'widgetLanguage', 'countVisits', 'retainVisitorsDays', 'retainMessagesDays', 'redactMessages', 'retainEmptyDays', 'retainAuditDays',
        'retainErasuresDays', 'addresses'],
    erasures: ['orgId', 'visitorHash', 'erasedAt', 'visitors', 'conversations', 'messages', 'anonymizedConversations', 'receipt'],
    visitors: ['id', 'orgId', 'visitorKey', 'firstSeenAt', 'lastSeenAt', 'userAgent', 'createdAt', 'updatedAt', 'email', 'address', 'blockedAt'],
    conversations: ['id', 'orgId', 'visitorId', 'createdAt', 'anonymized', 'snoozedUntil', 'priority', 'tags', 'resolvedAt', 'updatedAt', 'messageCount', 'status'],
    messages: ['id', 'conversationId', 'orgId', 'role', 'content', 'timestamp', 'clientId'],
    aliases: ['orgId', 'alias', 'targetId'],
    notes: ['id', 'conversationId', 'orgId', 'agentId', 'content', 'timestamp', 'clientId'],
};

/** What only an export that is meant to be imported has. */
const INTERNAL = ['blockedAt', 'status', 'snoozedUntil', 'priority', 'tags', 'resolvedAt'];
const CARRIED = ['clientId', 'email', 'address', 'anonymized', 'retainVisitorsDays', 'retainMessagesDays', 'redactMessages', 'retainEmptyDays',
    'retainAuditDays', 'retainErasuresDays', 'addresses', ...INTERNAL];

async function assertRows(read, table, columns, where) {
    const rows = await read(table);
    const expected = await queried(table, columns, where);
    assert.equal(rows.length, expected.length, `rows of ${table}`);
    rows.forEach((row, i) => assert.deepEqual(Object.entries(row), Object.entries(expected[i]), `row ${i} of ${table}`));
    return rows.length;
}

/* ---- the data ------------------------------------------------------------------------------------------------- */

/** One visitor with conversations whose every text holds the canary. */
async function inhabit(org, key, canary, conversations) {
    const visitor = org.visitor(key).with({ 'user-agent': `Agent ${canary}` });
    const ids = [];
    for (let i = 0; i < conversations; i++) {
        const id = await visitor.converse();
        await visitor.say(id, `${canary} asks`, { clientId: `client-${canary}-${i}` });
        await org.agent.say(id, `${canary} is answered`, { role: 'assistant' });
        await org.agent.request('PATCH', `/conversations/${id}`, { body: { addTags: [`tagged as ${canary}`], priority: 'high' } });
        await org.agent.post(`/conversations/${id}/notes`, { content: `a note on ${canary}`, clientId: `note-${canary}` });
        ids.push(id);
    }
    await org.agent.request('PATCH', `/conversations/${ids[0]}`, { body: { status: 'resolved', priority: 'high', addTags: ['vip', 'late, again'] } });
    await visitor.post('/visitors/me', { email: `${canary}@example.org` });
    return { key, canary, ids };
}

before(async () => {
    folder = temporaryDirectory();
    server = await startServer();
    acme = await server.org('acme', '--name', 'Acme, "Inc" \\ Söhne', '--origin', 'https://a.example', '--origin', 'https://b.example');
    other = await server.org('other', '--name', 'canary-org-other');
    sharedKey = 'v_shared-between-two';
    hers = await inhabit(acme, 'v_hers', 'canary-hers', 3);
    await inhabit(acme, 'v_his', 'canary-his', 2);
    await inhabit(acme, 'v with spaces, "quotes"', 'canary-spaces', 1).catch(() => {}); // a key that the API may refuse
    await inhabit(acme, sharedKey, 'canary-shared-acme', 1);
    await inhabit(other, sharedKey, 'canary-shared-other', 1);
    await inhabit(other, 'v_theirs', 'canary-theirs', 2);
    const talker = acme.visitor('v_talker');
    const long = await talker.converse();
    for (const content of NASTY) await talker.say(long, content);
    await acme.agent.converse(); // of nobody, without messages
    await acme.visitor('v_silent').converse();
    for (const [org, flags] of [[acme, []], [other, []], [acme, ['--conversations', 'anonymize']]]) {
        await inhabit(org, 'v_erased', 'canary-erased', 1);
        await server.cliOk('erase', '--visitor', 'v_erased', '--org', org.key, '--yes', ...flags);
    }
    await server.cliOk('org', 'update', 'acme', '--addresses', 'full', '--retain-visitors', '900', '--retain-erasures', '3650', '--redact-messages', 'on');
    await inhabit(acme, 'v_located', 'canary-located', 1);
    await server.cliOk('org', 'update', 'acme', '--widget-title', '=cmd|"/c calc"', '--widget-subtitle', '', '--count-visits', 'on');
});

after(async () => {
    if (server && !server.exited) await server.stop();
    server?.remove();
});

/* ---- every row, every character --------------------------------------------------------------------------------- */

describe('an export holds what SQL shows', () => {
    test('as ndjson', async () => {
        const { path } = await exported('ndjson');
        for (const table of TABLES) await assertRows((name) => readNdjson(path, name), table, COLUMNS[table]);
        const contents = readNdjson(path, 'messages').map((row) => row.content);
        for (const text of NASTY) assert.ok(contents.includes(text), `${JSON.stringify(text.slice(0, 40))} is missing`);
    });

    test('as csv', async () => {
        const { path, stderr } = await exported('csv');
        for (const table of TABLES) await assertRows((name) => readCsv(path, name), table, COLUMNS[table]);
        assert.match(stderr, /^helvino: text that begins with = \+ - @ is kept as it is.*--csv-safe on/m);
    });

    test('as a script for PostgreSQL, the same in a file and on standard output', async () => {
        const { path } = await exported('sql');
        const script = readFileSync(path, 'utf8');
        for (const table of SQL_TABLES)
            await assertRows((name) => readCopy(script, name), table, COLUMNS[table].filter((name) => !CARRIED.includes(name)));
        assert.match(script, /^BEGIN;$[^]*^COMMIT;$[^]*^ANALYZE "messages";$/m);
        assert.doesNotMatch(script, /aliases|erasures|clientId|email|secretHash|a note on|"status"/);
        const streamed = await server.cli('dump', 'export', '--format', 'sql', '-o', '-');
        assert.equal(streamed.code, 0);
        assert.equal(streamed.stdout, script);
        assert.match(streamed.stderr, /there is no manifest/);
    });

    test('as a SQLite file, which is sound and has the schema', async () => {
        const { path } = await exported('sqlite');
        for (const table of SQL_TABLES) {
            const columns = COLUMNS[table].filter((name) => !CARRIED.includes(name));
            const rows = await sqlite(path, `SELECT * FROM ${table} ORDER BY rowid`);
            await assertRows(() => rows.map(withBooleans), table, columns);
        }
        assert.deepEqual(await sqlite(path, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
        assert.deepEqual(await sqlite(path, 'PRAGMA foreign_key_check'), []);
        assert.deepEqual(await sqlite(path, 'PRAGMA application_id'), [{ application_id: 0x48656c76 }]);
        const indexes = await sqlite(path, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name");
        assert.deepEqual(indexes.map((row) => row.name), ['conversations_orgId_updatedAt_idx', 'conversations_visitorId_idx', 'messages_conversationId_idx',
            'organizations_key_key', 'visitors_orgId_lastSeenAt_idx', 'visitors_orgId_visitorKey_key']);
        const references = await sqlite(path, `SELECT m.name || '.' || f."from" || '>' || f."table" AS it, on_delete FROM sqlite_schema m,
            pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY it`);
        assert.deepEqual(references.map((row) => `${row.it} ${row.on_delete}`), ['conversations.orgId>organizations RESTRICT',
            'conversations.visitorId>visitors SET NULL', 'messages.conversationId>conversations RESTRICT', 'messages.orgId>organizations RESTRICT',
            'visitors.orgId>organizations RESTRICT']);
    });

    test('equal data give equal bytes', async () => {
        for (const format of FORMATS) {
            const [first, second] = [await exported(format), await exported(format)];
            const digests = ({ path }) => filesOf(path).filter(({ file }) => !file.endsWith('manifest.json')).map(({ bytes }) => sha256(bytes));
            assert.deepEqual(digests(first), digests(second), format);
        }
    });
});

/* ---- the manifest ------------------------------------------------------------------------------------------------ */

describe('the manifest', () => {
    test('has the counts, lengths and checksums of what lies beside it', async () => {
        for (const format of FORMATS) {
            const { path, manifest, stderr } = await exported(format);
            assert.equal(manifest.format, 'helvino-export');
            assert.equal(manifest.version, '2.0');
            assert.equal(manifest.kind, format);
            assert.equal(manifest.sequence, JSON.parse(await server.cliOk('stat', '--format', 'json')).seq);
            assert.deepEqual([manifest.organisation, manifest.visitor, manifest.csvSafe], [null, null, false]);
            const inDirectory = format === 'ndjson' || format === 'csv';
            assert.deepEqual(Object.keys(manifest.tables), inDirectory ? TABLES : SQL_TABLES);
            const described = inDirectory ? Object.values(manifest.tables).map((table) => [join(path, table.file), table]) : [[path, manifest]];
            for (const [file, { bytes, sha256: digest }] of described) {
                const content = readFileSync(file);
                assert.deepEqual([bytes, digest], [content.length, sha256(content)], file);
            }
            let rows = 0;
            for (const [table, entry] of Object.entries(manifest.tables)) {
                assert.equal(entry.rows, (await queried(table, [COLUMNS[table][0]])).length, table);
                rows += entry.rows;
            }
            assert.ok(stderr.endsWith(`sequence ${manifest.sequence}: ${path}\n`) && stderr.includes(`${rows} rows in `), stderr);
        }
    });

    test('and the rows are for the eyes of whoever made them', async () => {
        for (const format of FORMATS) {
            const { path } = await exported(format);
            if (statSync(path).isDirectory()) assert.equal(statSync(path).mode & 0o777, 0o700);
            for (const { file } of filesOf(path)) assert.equal(statSync(file).mode & 0o777, 0o600, file);
        }
    });
});

/* ---- a part of it ------------------------------------------------------------------------------------------------ */

describe('one visitor', () => {
    const conversationIds = () => hers.ids.map((id) => `'${id}'`).join(', ');

    test('has the rows of that visitor, and not a byte of anybody else', async () => {
        for (const format of FORMATS) {
            const { path, manifest } = await exported(format, '--visitor', hers.key);
            assert.deepEqual([manifest.organisation, manifest.visitor], ['acme', hers.key]);
            assert.deepEqual(SQL_TABLES.map((table) => manifest.tables[table].rows), [1, 1, 3, 6]);
            assert.equal(manifest.tables.erasures?.rows ?? 0, 0, 'they are of others');
            for (const { file, bytes } of filesOf(path)) {
                const strangers = bytes.toString('latin1').match(/canary-(?!hers)[a-z-]+|v_(?!hers)[a-z-]+/g);
                assert.deepEqual(strangers, null, file);
                assert.ok(!/a note on|tagged as|"priority"|blockedAt/.test(bytes.toString('latin1')), `${file} holds what the visitor was never meant to see`);
            }
        }
        const { path } = await exported('ndjson', '--visitor', hers.key);
        await assertRows((name) => readNdjson(path, name), 'organizations', COLUMNS.organizations, "key = 'acme'");
        const seen = (table) => COLUMNS[table].filter((name) => !INTERNAL.includes(name));
        await assertRows((name) => readNdjson(path, name), 'visitors', seen('visitors'), `"visitorKey" = '${hers.key}'`);
        await assertRows((name) => readNdjson(path, name), 'conversations', seen('conversations'), `id IN (${conversationIds()})`);
        await assertRows((name) => readNdjson(path, name), 'messages', COLUMNS.messages, `"conversationId" IN (${conversationIds()})`);
    });

    test('who has said nothing has a whole export too', async () => {
        const { path, manifest } = await exported('sqlite', '--visitor', 'v_silent');
        assert.deepEqual(Object.values(manifest.tables).map((table) => table.rows), [1, 1, 1, 0]);
        assert.deepEqual(await sqlite(path, 'SELECT "messageCount" FROM conversations'), [{ messageCount: 0 }]);
    });

    test('has the old ids that lead to its rows, and no others', async () => {
        const mine = await inhabit(acme, 'v_old', 'canary-old', 1);
        const visitors = await queried('visitors', ['id', 'orgId'], `"visitorKey" IN ('${mine.key}', 'v_his') AND "orgId" IN (SELECT id FROM organizations)`);
        assert.equal(visitors.length, 2);
        const directory = fresh();
        mkdirSync(directory);
        const lines = visitors.map(({ id, orgId }, i) => `177031365400${i}-ab12cd34e,${orgId},${id},2026-01-01 00:00:00.00${i},2026-01-01 00:00:00.00${i}\n`);
        writeFileSync(join(directory, 'conversations.csv'), `id,orgId,visitorId,createdAt,updatedAt\n${lines.join('')}`);
        await server.cliOk('import', directory, '--rejects', join(directory, 'rejects.ndjson'));
        assert.equal((await queried('aliases', COLUMNS.aliases)).length, 2);
        for (const key of [mine.key, 'v_his']) {
            const { path } = await exported('ndjson', '--visitor', key);
            const conversations = readNdjson(path, 'conversations').map((row) => row.id);
            const aliases = readNdjson(path, 'aliases');
            assert.equal(aliases.length, 1);
            assert.ok(conversations.includes(aliases[0].targetId));
        }
        const whole = await exported('csv', '--org', 'acme');
        await assertRows((name) => readCsv(whole.path, name), 'aliases', COLUMNS.aliases);
        assert.deepEqual(readNdjson((await exported('ndjson', '--org', 'other')).path, 'aliases'), []);
    });

    test('of two organisations has to be chosen', async () => {
        const path = fresh();
        const refused = await server.cli('dump', 'export', '-o', path, '--visitor', sharedKey);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /^helvino: several organisations have a visitor "v_shared-between-two"; choose one with --org: acme, other\n$/);
        assert.ok(!existsSync(path));
        for (const org of ['acme', 'other']) {
            const chosen = await exported('ndjson', '--visitor', sharedKey, '--org', org);
            const contents = readNdjson(chosen.path, 'messages').map((row) => row.content);
            assert.deepEqual(contents, [`canary-shared-${org} asks`, `canary-shared-${org} is answered`]);
            assert.deepEqual(readNdjson(chosen.path, 'organizations').map((row) => row.key), [org]);
        }
    });
});

test('one organisation has its rows and nothing of another', async () => {
    const [{ id }] = await queried('organizations', ['id'], "key = 'acme'");
    for (const format of FORMATS) {
        const { path } = await exported(format, '--org', 'acme');
        for (const { file, bytes } of filesOf(path)) assert.ok(!/canary-(org-other|shared-other|theirs)/.test(bytes.toString('latin1')), file);
    }
    const { path, manifest } = await exported('ndjson', '--org', 'acme');
    assert.equal(manifest.organisation, 'acme');
    await assertRows((name) => readNdjson(path, name), 'organizations', COLUMNS.organizations, "key = 'acme'");
    for (const table of TABLES.slice(1)) await assertRows((name) => readNdjson(path, name), table, COLUMNS[table], `"orgId" = '${id}'`);
});

test('an organisation that was deleted is in no export', async () => {
    const gone = await server.org('gone', '--name', 'canary-gone');
    await inhabit(gone, 'v_gone', 'canary-gone', 1);
    await server.cliOk('org', 'delete', 'gone', '--yes');
    const { path } = await exported('ndjson');
    for (const { file, bytes } of filesOf(path)) assert.ok(!bytes.includes('canary-gone'), file);
});

/* ---- spreadsheets ------------------------------------------------------------------------------------------------ */

test('--csv-safe on takes the danger out of formulas, and says that this is not for import', async () => {
    const { path, manifest, stderr } = await exported('csv', '--csv-safe', 'on');
    assert.equal(manifest.csvSafe, true);
    assert.match(stderr, /not for import/);
    const texts = readCsv(path, 'messages').map((row) => row.content);
    for (const text of ['=1+1', '+1', '-1', '@SUM(A1)']) {
        assert.ok(texts.includes(`'${text}`), text);
        assert.ok(!texts.includes(text), text);
    }
    assert.ok(texts.includes('plain'));
    assert.equal(readCsv(path, 'organizations').find((row) => row.key === 'acme').widgetTitle, '\'=cmd|"/c calc"');
});

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

describe('nothing is overwritten or guessed', () => {
    async function refused(code, sentence, ...args) {
        const result = await server.cli('dump', 'export', ...args);
        assert.equal(result.code, code, result.stderr);
        assert.equal(result.stdout, '');
        assert.match(result.stderr, /^helvino: [^\n]+\n$/);
        assert.match(result.stderr, sentence);
    }

    test('a directory with something in it', async () => {
        const path = fresh();
        mkdirSync(path);
        writeFileSync(join(path, 'visitors.ndjson'), 'mine');
        await refused(1, /is not empty/, '-o', path);
        assert.equal(readFileSync(join(path, 'visitors.ndjson'), 'utf8'), 'mine');
        assert.deepEqual(readdirSync(path), ['visitors.ndjson']);
    });

    test('an empty directory is taken', async () => {
        const path = fresh();
        mkdirSync(path);
        const result = await server.cli('dump', 'export', '-o', path);
        assert.equal(result.code, 0, result.stderr);
        assert.equal(readdirSync(path).length, TABLES.length + 1);
    });

    test('a file where a directory should be, and the other way round', async () => {
        const path = fresh();
        writeFileSync(path, 'mine');
        await refused(1, /goes into a directory/, '-o', path);
        for (const format of ['sql', 'sqlite']) await refused(1, /is there already/, '--format', format, '-o', path);
        assert.equal(readFileSync(path, 'utf8'), 'mine');
        await refused(1, /is there already/, '--format', 'sql', '-o', folder);
    });

    test('a manifest of another export', async () => {
        const path = fresh();
        writeFileSync(`${path}.manifest.json`, 'mine');
        await refused(1, /manifest\.json is there already/, '--format', 'sqlite', '-o', path);
        assert.ok(!existsSync(path));
    });

    test('a place that cannot be made', async () => {
        const path = join(fresh(), 'deeper');
        await refused(1, /can't be made: No such file or directory/, '-o', path);
        for (const format of ['sql', 'sqlite']) await refused(1, /No such file or directory/, '--format', format, '-o', path);
    });

    test('no place, or standard output for what does not fit there', async () => {
        await refused(2, /name a directory with --output/);
        await refused(2, /name a file with --output/, '--format', 'sql');
        await refused(2, /several files.*dump sql/, '-o', '-');
        await refused(2, /several files.*dump sql/, '--format', 'csv', '-o', '-');
        await refused(2, /a database file/, '--format', 'sqlite', '-o', '-');
    });

    test('an organisation or a visitor that is not there', async () => {
        const path = fresh();
        await refused(1, /there is no organisation "nobody"/, '-o', path, '--org', 'nobody');
        await refused(1, /there is no visitor "v_nobody"/, '-o', path, '--visitor', 'v_nobody');
        await refused(1, /the organisation "other" has no visitor "v_hers"/, '-o', path, '--visitor', 'v_hers', '--org', 'other');
        assert.ok(!existsSync(path));
    });
});

/* ---- an export that does not succeed leaves nothing ----------------------------------------------------------------- */

describe('what goes wrong leaves nothing behind', () => {
    /** Runs an export in a folder of its own, which must be as empty afterwards. */
    async function assertNothing(format, code, sentence, wrap, data = server.data, ...flags) {
        const place = fresh();
        mkdirSync(place);
        const [program, ...args] = wrap([BINARY, 'dump', 'export', '--data', data, '--format', format, '-o', join(place, 'out'), ...flags]);
        const result = await run(program, args);
        assert.equal(result.code, code, `${format}: ${result.stderr}`);
        assert.match(result.stderr, sentence, format);
        assert.deepEqual(readdirSync(place), [], format);
    }

    test('when the disk is full', async () => {
        const limited = (command) => ['bash', '-c', 'ulimit -f 64; trap "" XFSZ; exec "$@"', 'bash', ...command];
        for (const format of FORMATS) await assertNothing(format, 1, /^helvino: .*was not written: (File too large|database or disk is full|disk I\/O error)\n$/, limited);
    });

    test('when a record is damaged', async () => {
        const data = join(fresh(), 'data');
        const copied = join(data, 'data.mdb');
        cpSync(server.data, data, { recursive: true });
        const bytes = readFileSync(copied);
        for (let at = bytes.indexOf('canary-his asks'); at >= 0; at = bytes.indexOf('canary-his asks', at + 1)) bytes.write('CANARY', at);
        writeFileSync(copied, bytes);
        for (const format of FORMATS) await assertNothing(format, 1, /a record of messages is damaged, so there is no export/, (command) => command, data);
        const { code } = await helvino(['dump', 'export', '--data', data, '-o', fresh(), '--visitor', hers.key]);
        assert.equal(code, 0, 'a visitor whose records are sound can have them');
    });

    /* Between the first table and the next: the first file is on the disk by then. The search for leaks can't be traced. */
    const injected = (what) => (command) => ['env', `ASAN_OPTIONS=${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0`, 'strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync', '-e', `inject=fsync:${what}:when=1`, ...command];

    test('after Ctrl-C', { skip: withoutStrace }, async () => {
        for (const format of ['ndjson', 'csv']) await assertNothing(format, 130, /^$/, injected('signal=INT'));
    });

    test('after --max-age', { skip: withoutStrace }, async () => {
        for (const format of ['ndjson', 'csv'])
            await assertNothing(format, 1, /^helvino: [^\n]*--max-age[^\n]*\n$/, injected('delay_exit=1500000'), server.data, '--max-age', '1');
    });

    test('a reader that goes away is no reason for a sentence', async () => {
        const line = '"$0" dump export --data "$1" --format sql -o - | head -c 100 >/dev/null; echo "${PIPESTATUS[0]}"';
        const result = await run('bash', ['-c', line, BINARY, server.data]);
        assert.equal(result.stdout, '0\n');
        assert.equal(result.stderr, '');
    });
});
