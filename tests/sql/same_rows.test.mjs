/*
 * The same rows as real databases: random data is imported, exported to PostgreSQL and to a file of SQLite's, and the same
 * SQL is asked of all three. What differs between them by nature, and how it is evened out, is said in compare.mjs.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';

import { helvinoOk, ROOT, temporaryDirectory } from '../http/server.mjs';
import { askHelvino, askPostgres, askSqlite, assertSameAnswer, postgresLikeSqlite, readCsv } from './compare.mjs';
import { importRows } from './database.mjs';
import { earlierDataset, makeDataset, Random } from './dataset.mjs';
import { POSTGRES_FUNCTIONS, postgresParameters, sqliteFunctions, sqliteParameters, statementsOf } from './dialects.mjs';
import { Postgres } from './postgres.mjs';
import { Questions } from './questions.mjs';

const SEED = Number(process.env.HELVINO_SEED ?? 3);
const QUERIES = join(ROOT, 'tests/sql/queries');
const REPORTS = join(ROOT, 'tools/dump/reports');
const RANDOM_QUESTIONS = process.env.HELVINO_MODE === 'asan' ? 200 : 600;

/* The three questions of the product's promise, exactly as people write them. */
const PROMISED = {
    'all visitors, the last one first': [`SELECT * FROM visitors ORDER BY "lastSeenAt" DESC;`, ['lastSeenAt']],
    'conversations per visitor': [
        `SELECT v."visitorKey", COUNT(c.id) as conv_count, v."firstSeenAt", v."lastSeenAt"
FROM visitors v LEFT JOIN conversations c ON v.id = c."visitorId" GROUP BY v.id;`,
        'none',
    ],
    'visitors who came back': [`SELECT "visitorKey", "firstSeenAt", "lastSeenAt" FROM visitors WHERE "lastSeenAt" > "firstSeenAt";`, 'none'],
};

const directory = temporaryDirectory();
const data = join(directory, 'data');
const file = join(directory, 'export.sqlite');
const rows = makeDataset(SEED);
const postgres = new Postgres();

async function prepare() {
    await importRows(earlierDataset(rows), directory);
    await importRows(rows, directory);
    const script = join(directory, 'export.sql');
    await helvinoOk(['dump', 'export', '--format', 'sqlite', '-o', file, '--data', data]);
    await helvinoOk(['dump', 'export', '--format', 'sql', '-o', script, '--data', data]);
    await postgres.start();
    await postgres.load('-f', script);
    await postgres.load('-c', `${POSTGRES_FUNCTIONS}; ANALYZE`);
}

before(prepare);
after(() => postgres.stop());

/** `order` as written in a query's file. */
function orderOf(sql, name) {
    const [, words] = /^-- order: (.+)$/m.exec(sql) ?? assert.fail(`${name} does not say its order`);
    return ['total', 'none'].includes(words) ? words : words.split(', ');
}

async function assertSameOnAll(sql, options) {
    const [ours, sqlite, postgreses] = await Promise.all([askHelvino(data, sql), askSqlite(file, sql), askPostgres(postgres, sql)]);
    if (sqlite.rows.length) assert.deepEqual(ours.names, sqlite.names, `${options.what}: names of columns`);
    assert.deepEqual(ours.names, postgreses.names, `${options.what}: names of columns`);
    assertSameAnswer(ours, sqlite, { ...options, sql, what: `${options.what}: helvino (left), sqlite3 (right)` });
    assertSameAnswer(ours, postgresLikeSqlite(postgreses), { ...options, sql, what: `${options.what}: helvino (left), PostgreSQL (right)` });
    return ours;
}

test('the data set has arrived whole', async () => {
    const found = await askHelvino(data, 'SELECT id, content, "timestamp", role FROM messages ORDER BY id');
    const wanted = rows.messages.map(({ id, content, timestamp, role }) => [id, content, timestamp, role]).sort(([a], [b]) => (a < b ? -1 : 1));
    assertSameAnswer(found, { names: found.names, rows: wanted }, { what: 'messages that were imported', sql: '' });
    const agents = await askHelvino(data, 'SELECT "orgId", "visitorKey", "firstSeenAt", "lastSeenAt", "userAgent" FROM visitors');
    const members = rows.visitors.map((row) => [row.orgId, row.visitorKey, row.firstSeenAt, row.lastSeenAt, row.userAgent]);
    assertSameAnswer(agents, { names: agents.names, rows: members }, { what: 'visitors that were imported', sql: '', order: 'none' });
    const depths = await askHelvino(data, 'SELECT "orgId", "createdAt", "updatedAt", "messageCount" FROM conversations');
    const lengths = rows.conversations.map((row) => [row.orgId, row.createdAt, row.updatedAt, String(row.messageCount)]);
    assertSameAnswer(depths, { names: depths.names, rows: lengths }, { what: 'conversations that were imported', sql: '', order: 'none' });
});

describe('the promised questions', () => {
    for (const [what, [sql, order]] of Object.entries(PROMISED)) {
        test(what, async () => {
            const answer = await assertSameOnAll(sql, { what, order });
            assert.ok(answer.rows.length > 100);
        });
    }
});

describe('queries', () => {
    const names = readdirSync(QUERIES).filter((name) => name.endsWith('.sql')).sort();
    assert.ok(names.length >= 40);
    for (const name of names) {
        test(name.slice(0, -4), async () => {
            const sql = readFileSync(join(QUERIES, name), 'utf8');
            await assertSameOnAll(sql, { what: name, order: orderOf(sql, name) });
        });
    }
});

/* ---- reports -------------------------------------------------------------------------------------------------- */

const PERIODS = [
    {},
    { org: 'first' },
    { org: 'nobody-there' },
    { since: '2026-01-05 00:00:00.000' },
    { org: 'second', since: '2025-12-28 23:00:00.000', until: '2026-02-01 00:00:00.000' },
    { since: '2031-01-01 00:00:00.000', until: '2031-02-01 00:00:00.000' },
];
/** Zones whose clocks change, and some that are not whole hours from UTC; for PostgreSQL alone, see dialects.mjs. */
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia', '+05:30', '-03:30'];

function flagsOf({ org, since, until, tz, visitor }) {
    const flags = [];
    if (org) flags.push('--org', org);
    if (since) flags.push('--since', `${since.replace(' ', 'T')}Z`);
    if (until) flags.push('--until', `${until.replace(' ', 'T')}Z`);
    if (tz) flags.push('--tz', tz);
    if (visitor) flags.push('--visitor', visitor);
    return flags;
}

/** What the flags mean to a statement. */
function valuesOf({ org, tz = 'UTC', ...others }) {
    return { ...others, tz, org: org && rows.organizations.find((row) => row.key === org).id };
}

async function assertSameReport(sql, question, what) {
    const values = valuesOf(question);
    const described = `${what} ${flagsOf(question).join(' ')}`;
    const ours = await askHelvino(data, sql, ...flagsOf(question));
    const theirs = await askPostgres(postgres, postgresParameters(sql, values));
    assert.deepEqual(ours.names, theirs.names, `${described}: names of columns`);
    assertSameAnswer(ours, postgresLikeSqlite(theirs), { order: 'none', sql, what: `${described}: helvino (left), PostgreSQL (right)` });
    if (question.tz) return;
    const sqlite = await askSqlite(file, sqliteFunctions(sqliteParameters(sql, values)));
    assertSameAnswer(ours, sqlite, { order: 'none', sql, what: `${described}: helvino (left), sqlite3 (right)` });
}

/** Of tables that no other database has. */
const OF_HELVINO = ['erasures.sql'];

describe('reports', () => {
    for (const name of readdirSync(REPORTS).filter((entry) => entry.endsWith('.sql') && !OF_HELVINO.includes(entry)).sort()) {
        const sql = readFileSync(join(REPORTS, name), 'utf8');
        const visitor = /:visitor\b/.test(sql) ? { visitor: rows.visitors[1].visitorKey } : {};
        statementsOf(sql).forEach((statement, i) => {
            test(`${name.slice(0, -4)}, part ${i + 1}`, async () => {
                for (const period of PERIODS) await assertSameReport(statement, { ...visitor, ...period }, name);
                if (!/:tz\b/.test(statement)) return;
                for (const tz of ZONES) await assertSameReport(statement, { ...visitor, tz }, name);
                await assertSameReport(statement, { ...visitor, org: 'first', since: '2026-01-01 23:00:00.000', tz: 'Europe/Berlin' }, name);
            });
        });
    }
});

/* ---- what only SQLite's SQL can ask ---------------------------------------------------------------------------- */

const OF_SQLITE = [
    // An index of bytes cannot answer for letters of another case.
    `SELECT id FROM visitors WHERE "visitorKey" = 'V_BOTH' COLLATE NOCASE ORDER BY id`,
    `SELECT id FROM visitors WHERE "visitorKey" COLLATE NOCASE IN ('V_1', 'v_both') ORDER BY id`,
    `SELECT id FROM visitors WHERE id = 'CZZZZZZZZZZZZZZZZZZZZZZZZ' COLLATE NOCASE`,
    `SELECT id FROM visitors WHERE id > 'CM' COLLATE NOCASE ORDER BY id`,
    `SELECT "visitorKey" FROM visitors ORDER BY "visitorKey" COLLATE NOCASE DESC, id LIMIT 50`,
    `SELECT id FROM organizations WHERE key = 'FIRST' COLLATE NOCASE`,
    `SELECT a.id, b.id FROM visitors a JOIN visitors b ON a."visitorKey" = b."visitorKey" COLLATE NOCASE AND a.id < b.id ORDER BY 1, 2`,
    // NULL in a column that has a path of its own.
    `SELECT id FROM conversations WHERE "visitorId" IS NULL ORDER BY id`,
    `SELECT id FROM conversations WHERE "visitorId" IS NOT DISTINCT FROM NULL ORDER BY id`,
    `SELECT COUNT(*) FROM conversations c LEFT JOIN visitors v ON v.id IS c."visitorId"`,
    `SELECT id FROM conversations WHERE "visitorId" IS 'czzzzzzzzzzzzzzzzzzzzzzzz' ORDER BY id`,
    // Values of other types, which affinity decides about.
    `SELECT COUNT(*) FROM visitors WHERE "lastSeenAt" > 2026`,
    `SELECT COUNT(*) FROM visitors WHERE "lastSeenAt" > x'32303236'`,
    `SELECT COUNT(*) FROM visitors WHERE "lastSeenAt" < x'00' AND id < x'00' AND "visitorKey" < x'00'`,
    `SELECT COUNT(*) FROM conversations WHERE "messageCount" = '3' OR "messageCount" > '7' OR "messageCount" IN ('1', 2.0)`,
    `SELECT COUNT(*) FROM organizations WHERE "countVisits" = '1' OR "countVisits" IS TRUE`,
    // Texts with a NUL, which no id and no key has.
    `SELECT COUNT(*) FROM visitors WHERE "visitorKey" = 'v_both' || char(0) OR id = 'c000000000000000000000001' || char(0)`,
    `SELECT COUNT(*) FROM visitors WHERE "lastSeenAt" > '2026-01-31' || char(0)`,
    // An empty list, a list of very many, a key that is longer than any.
    `SELECT COUNT(*) FROM visitors WHERE id IN () OR "visitorKey" IN ()`,
    `SELECT COUNT(*) FROM visitors WHERE id IN (SELECT id FROM messages UNION ALL SELECT id FROM visitors)`,
    `SELECT COUNT(*) FROM visitors WHERE "visitorKey" = printf('%.*c', 100000, 'v') OR "visitorKey" = ''`,
    // An index for one side of an OR only, and a condition behind a row's own values.
    `SELECT COUNT(*) FROM visitors v WHERE v.id = 'c000000000000000000000001' OR v."userAgent" IS NULL`,
    `SELECT COUNT(*) FROM visitors v WHERE v.id = v."visitorKey" OR v."orgId" < v.id`,
    // Orders in both directions at once.
    `SELECT id FROM visitors ORDER BY "lastSeenAt" DESC, id ASC`,
    `SELECT id FROM visitors ORDER BY "lastSeenAt", id DESC`,
    `SELECT id FROM conversations ORDER BY "updatedAt" DESC, "createdAt", id`,
    `SELECT MIN("lastSeenAt"), MAX("lastSeenAt"), MIN(id), MAX(id) FROM visitors WHERE "lastSeenAt" < '2026-01-20'`,
    `SELECT "lastSeenAt", id FROM visitors WHERE "lastSeenAt" >= '2026-01-20' AND "lastSeenAt" < '2026-01-20' || '9' ORDER BY "lastSeenAt" DESC, id DESC`,
];

test('questions for which an index must not be trusted', async () => {
    for (const sql of OF_SQLITE) {
        const [ours, theirs] = await Promise.all([askHelvino(data, sql), askSqlite(file, sql)]);
        assertSameAnswer(ours, theirs, { order: 'total', sql, what: 'helvino (left), sqlite3 (right)' });
    }
});

/* ---- what an export does not have ------------------------------------------------------------------------------ */

test('columns that no export has: the place of a message, the last conversation of a visitor', async () => {
    const numbered = await askHelvino(data, `SELECT "conversationId", seq, ordinal, ROW_NUMBER() OVER (PARTITION BY "conversationId" ORDER BY seq) AS n
        FROM messages ORDER BY "conversationId" DESC, seq DESC`);
    assert.equal(numbered.rows.length, rows.messages.length);
    numbered.rows.forEach(([conversation, seq, ordinal, n], i) => {
        assert.equal(ordinal, n);
        const [before, seqBefore] = numbered.rows[i - 1] ?? ['~'];
        assert.ok(before > conversation || (before === conversation && Number(seqBefore) > Number(seq)), 'not in the order that was asked for');
    });
    const longest = numbered.rows.find(([, , ordinal]) => Number(ordinal) > 20)[0];
    for (const [by, sign] of [['seq DESC', -1], ['seq', 1], ['"conversationId" DESC, seq DESC', -1], ['"conversationId", seq', 1], ['"conversationId" DESC, seq', 1]]) {
        const { rows: found } = await askHelvino(data, `SELECT seq FROM messages WHERE "conversationId" = '${longest}' ORDER BY ${by}`);
        const seqs = found.map(([seq]) => Number(seq));
        assert.ok(seqs.length > 20);
        assert.deepEqual(seqs, [...seqs].sort((a, b) => sign * (a - b)), by);
    }
    const last = await askHelvino(data, `SELECT v.id FROM visitors v LEFT JOIN conversations c ON c.id = v."lastConversationId" AND c."visitorId" = v.id
        WHERE v."conversationCount" <> (SELECT COUNT(*) FROM conversations o WHERE o."visitorId" = v.id)
           OR (v."lastConversationId" IS NULL) <> (v."conversationCount" = 0) OR (v."conversationCount" > 0 AND c.id IS NULL)`);
    assert.deepEqual(last.rows, []);
});

/* ---- random questions ----------------------------------------------------------------------------------------- */

test(`${RANDOM_QUESTIONS} random questions, on the exported file`, async () => {
    const tables = {};
    for (const table of ['organizations', 'visitors', 'conversations', 'messages']) {
        const { names, rows: found } = await askSqlite(file, `SELECT * FROM ${table}`);
        tables[table] = found.map((row) => Object.fromEntries(row.map((value, i) => [names[i], value])));
    }
    const questions = new Questions(new Random(SEED), tables);
    let found = 0;
    for (let i = 0; i < RANDOM_QUESTIONS; ++i) {
        const { sql, order } = questions.next();
        const [ours, theirs] = await Promise.all([askHelvino(data, sql), askSqlite(file, sql)]);
        assertSameAnswer(ours, theirs, { order, sql, what: `question ${i} of seed ${SEED}: helvino (left), sqlite3 (right)` });
        if (ours.rows.length > 0) ++found;
    }
    assert.ok(found > RANDOM_QUESTIONS / 3, `only ${found} of the questions found something`);
});
