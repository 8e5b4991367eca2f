/*
 * Nothing but reading: what would write, open or load something is refused with a sentence and leaves every file as it
 * is. And how a question is asked and ended: mistakes, several statements, files, Ctrl-C, broken pipes, --max-age.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe } from 'node:test';

import { BINARY, helvino, helvinoOk, patiently, run, temporaryDirectory } from '../http/server.mjs';
import { assertSentence, contentsOf, importRows } from './database.mjs';
import { makeDataset } from './dataset.mjs';

const ENDLESS = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT';

const directory = temporaryDirectory();
const elsewhere = join(directory, 'elsewhere'); // where the questions are asked from
const rows = makeDataset(7);
let data;
before(async () => {
    mkdirSync(elsewhere);
    data = await importRows(rows, directory);
});

const ask = (sql, ...args) => helvino(['dump', 'sql', '--data', data, '--format', 'csv', ...args], { input: sql, cwd: elsewhere });
async function askOk(sql, ...args) {
    const result = await ask(sql, ...args);
    assert.equal(result.code, 0, `${sql}: ${result.stderr}`);
    return result.stdout;
}

function assertFailure(result, sentence) {
    assert.equal(result.code, 1, `${result.signal} ${result.stderr}`);
    assertSentence(result, 'the question');
    assert.match(result.stderr, sentence);
}

/* ---- only reading --------------------------------------------------------------------------------------------- */

const WRITING = [
    `ATTACH 'stolen.sqlite' AS other`, `ATTACH ':memory:' AS other`, `ATTACH '' AS other`, `DETACH main`,
    `INSERT INTO visitors (id) VALUES ('c1')`, `INSERT INTO visitors SELECT * FROM visitors`, `REPLACE INTO messages (id) VALUES ('c1')`,
    `UPDATE visitors SET "visitorKey" = 'v_x'`, `DELETE FROM messages`, `DELETE FROM organizations WHERE 0`,
    `WITH x AS (SELECT 1) DELETE FROM conversations`, `INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 0, 'CREATE TABLE x (a)')`,
    `CREATE TABLE x (a)`, `CREATE TABLE x AS SELECT * FROM messages`, `CREATE TEMP TABLE x (a)`, `CREATE VIEW x AS SELECT 1`,
    `CREATE TEMP VIEW x AS SELECT 1`, `CREATE INDEX x ON visitors (id)`, `CREATE VIRTUAL TABLE x USING visitors`,
    `CREATE VIRTUAL TABLE x USING fts5(a)`, `CREATE TRIGGER x AFTER INSERT ON visitors BEGIN SELECT 1; END`,
    `CREATE TEMP TRIGGER x INSTEAD OF DELETE ON visitors BEGIN SELECT 1; END`,
    `DROP TABLE visitors`, `DROP TABLE IF EXISTS messages`, `ALTER TABLE visitors RENAME TO guests`, `ALTER TABLE visitors ADD COLUMN x`,
    `PRAGMA journal_mode = DELETE`, `PRAGMA writable_schema = ON`, `PRAGMA temp_store_directory = '.'`, `PRAGMA user_version = 3`,
    `PRAGMA query_only = OFF`, `PRAGMA trusted_schema = ON`, `PRAGMA cache_size = 1000000`, `PRAGMA hard_heap_limit = 1`,
    `PRAGMA data_store_directory = '.'`, `PRAGMA mmap_size = 100000000`, `PRAGMA incremental_vacuum`, `PRAGMA wal_checkpoint`,
    `VACUUM`, `VACUUM INTO 'stolen.sqlite'`, `ANALYZE`,
    `BEGIN`, `BEGIN IMMEDIATE`, `BEGIN EXCLUSIVE`, `COMMIT`, `SAVEPOINT x`,
    `SELECT load_extension('./evil.so')`, `SELECT readfile('/etc/passwd')`, `SELECT writefile('written', 'x')`, `SELECT edit('x')`,
    `SELECT fts3_tokenizer('simple')`, `SELECT * FROM pragma_journal_mode`, `SELECT * FROM fsdir('/')`, `SELECT * FROM dbstat`,
    `SELECT * FROM sqlite_dbpage`, `SELECT * FROM pragma_writable_schema`,
];

test('what is not reading is refused with a sentence, and changes no file', async () => {
    const before = contentsOf(directory);
    writeFileSync(join(elsewhere, 'evil.so'), '');
    for (const sql of WRITING) {
        const result = await ask(sql);
        assert.equal(result.code, 1, `${sql}: ${result.code ?? result.signal} ${result.stdout.slice(0, 200)}`);
        assert.equal(result.stdout, '', sql);
        assertSentence(result, sql);
    }
    assert.deepEqual(readdirSync(elsewhere), ['evil.so']);
    const { 'elsewhere/evil.so': _, ...after } = contentsOf(directory);
    assert.deepEqual(after, before);
});

test('all that reads has its answer, and changes no file either', async () => {
    const before = contentsOf(data);
    for (const sql of ['EXPLAIN SELECT * FROM visitors', 'EXPLAIN QUERY PLAN SELECT * FROM visitors WHERE id = 1', 'VALUES (1), (2)',
        'PRAGMA table_info(visitors)', 'PRAGMA table_list', "SELECT json_extract('{\"a\": 5}', '$.a')", "SELECT date('now')",
        'SELECT * FROM sqlite_schema', 'SELECT * FROM tokens', 'SELECT * FROM aliases', `SELECT * FROM json_each('[1, 2]')`, `SELECT name FROM pragma_table_info('visitors')`]) {
        assert.equal((await ask(sql)).code, 0, sql);
    }
    assert.deepEqual(contentsOf(data), before);
});

test('no secret of a token can be asked for', async () => {
    const { stdout } = await helvinoOk(['org', 'token', 'create', 'first', '--data', data]);
    const names = (await askOk('SELECT * FROM tokens')).split('\r\n')[0];
    assert.equal(names, 'id,orgId,name,createdAt,scope,expiresAt,lastUsedAt');
    assertFailure(await ask('SELECT "secretHash" FROM tokens'), /no such column/);
    assert.ok(!(await askOk('SELECT * FROM tokens')).includes(stdout.trim().split('_')[2]));
});

/* ---- mistakes ------------------------------------------------------------------------------------------------- */

describe('mistakes', () => {
    test('a misspelt name in double quotes is an error and not a text', async () => {
        assertFailure(await ask('SELECT "visitorKye" FROM visitors'), /no such column: visitorKye/);
        assertFailure(await ask('SELECT id FROM visitors WHERE "visitorKye" = 1'), /no such column/);
        assertFailure(await ask('SELECT id FROM visitors GROUP BY "nothing"'), /no such column/);
        assertFailure(await ask('SELECT id FROM "guests"'), /no such table: guests/);
    });

    /** The character that the caret stands under, in the line above it. */
    const pointedAt = ({ stderr }) => {
        const [line, caret] = stderr.trimEnd().split('\n').slice(-2);
        assert.match(caret, /^ *\^$/);
        return [...line].slice(caret.length - 1).join('');
    };

    test('a caret stands under the mistake', async () => {
        assert.ok(pointedAt(await ask('SELECT id FRM visitors')).startsWith('visitors'));
        assert.ok(pointedAt(await ask('SELECT id,\n       nowhere\nFROM visitors')).startsWith('nowhere'));
        assert.ok(pointedAt(await ask(`SELECT '😀é', nowhere FROM visitors`)).startsWith('nowhere'));
        assert.ok(pointedAt(await ask(`SELECT ${'1 + '.repeat(500)} nowhere + ${'1 + '.repeat(300)} 1 FROM visitors`)).startsWith('nowhere'));
        assert.ok(pointedAt(await ask('SELECT 1; SELECT nowhere FROM visitors')).startsWith('nowhere'));
    });

    test('functions, parameters and errors while it runs', async () => {
        assertFailure(await ask('SELECT nonsense(1)'), /no such function: nonsense/);
        assertFailure(await ask('SELECT :nonsense'), /no parameter :nonsense/);
        assertFailure(await ask('SELECT ?1'), /no parameter/);
        assertFailure(await ask(`SELECT abs(-9223372036854775808)`), /integer overflow/);
        assertFailure(await ask(`SELECT local_day("lastSeenAt", 'Nowhere/Town') FROM visitors`), /Nowhere/);
    });
});

/* ---- how it is asked ------------------------------------------------------------------------------------------ */

describe('where the question comes from and the answer goes', () => {
    const COUNT = `SELECT COUNT(*) AS n FROM visitors`;
    const counted = `n\r\n${rows.visitors.length}\r\n`;

    test('as an argument, over standard input, from a file', async () => {
        const path = join(directory, 'question.sql');
        writeFileSync(path, `-- how many\n${COUNT};\n`);
        assert.equal((await helvinoOk(['dump', 'sql', COUNT, '--data', data])).stdout, counted);
        assert.equal(await askOk(COUNT), counted);
        assert.equal(await askOk('', '-f', path), counted);
        assert.equal(await askOk('', '--file', path), counted);
        assert.equal(await askOk(COUNT, '-f', '-'), counted);
        assert.equal(await askOk(COUNT, '-'), counted);
    });

    test('into a file that appears when it is whole', async () => {
        const path = join(directory, 'answer.csv');
        assert.equal(await askOk(COUNT, '-o', path), '');
        assert.equal(readFileSync(path, 'utf8'), counted);
        assertFailure(await ask(`${COUNT}; SELECT nowhere`, '-o', join(directory, 'never.csv')), /no such column/);
        assert.ok(!readdirSync(directory).some((name) => name.startsWith('never')));
        assertFailure(await ask(COUNT, '-o', join(directory, 'no/such/folder.csv')), /folder\.csv/);
    });

    test('several statements, one answer after the other', async () => {
        assert.equal(await askOk('SELECT 1 AS a; ; /* nothing */ SELECT 2 AS b;;\n-- end'), 'a\r\n1\r\n\r\nb\r\n2\r\n');
        const result = await ask('SELECT 1 AS a; SELECT nowhere');
        assertFailure(result, /no such column/);
        assert.equal(result.stdout, 'a\r\n1\r\n');
    });

    test('no question: nothing, or a sentence', async () => {
        for (const nothing of ['', ';', '-- a comment', '/* open']) {
            const result = await ask(nothing);
            assert.ok(result.code === 0 ? result.stdout === '' : /^helvino: /.test(result.stderr), JSON.stringify(nothing));
        }
        assertFailure(await ask('', '-f', join(directory, 'no-such-file.sql')), /no-such-file\.sql/);
        assertFailure(await ask('', '-f', directory), /.+/);
        assertFailure(await ask('SELECT 1;\0SELECT 2'), /NUL/);
    });

    test('mistakes in flags: exit code 2', async () => {
        for (const args of [['--format', 'xml'], ['--since', 'yesterday'], ['--tz', 'Nowhere/Town'], ['--max-age', 'x'], ['--nonsense'],
            ['--format', 'html'], ['SELECT 1', 'SELECT 2'], ['-f', 'x', 'SELECT 1']]) {
            const result = await helvino(['dump', 'sql', '--data', data, ...args], { input: 'SELECT 1' });
            assert.equal(result.code, 2, `${args.join(' ')}: ${result.stderr}`);
            assert.equal(result.stdout, '');
        }
        assertFailure(await ask('SELECT :org', '--org', 'nowhere'), /nowhere/);
        const unused = await ask('SELECT count(*) FROM visitors', '--org', 'second');
        assert.equal(unused.code, 2, 'everybody would be counted');
        assert.match(unused.stderr, /--org has no effect, since the question has no :org in it/);
        assertFailure(await ask('-- nothing but a comment'), /there is no question in the text/);
    });
});

/* ---- how it ends ---------------------------------------------------------------------------------------------- */

/** A question under way: its process, and its end. */
function asking(sql, ...args) {
    const child = spawn(BINARY, ['dump', 'sql', sql, '--data', data, '--format', 'csv', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const end = patiently(new Promise((done) => child.on('close', (code, signal) => done({ code, signal, stderr }))), sql);
    return { child, end };
}

/** The first rows of an endless answer: it runs, and its snapshot is open. */
const runs = ({ child }) => new Promise((done) => child.stdout.once('data', done));

describe('ending early', () => {
    test('Ctrl-C ends a question that gives no row, and says nothing', async () => {
        const question = asking(`SELECT 1 AS ready; ${ENDLESS} COUNT(*) FROM n`);
        const { child } = question;
        // The first answer may still lie in a buffer; what shows that the question runs is the time it takes.
        const ticks = () => Number(readFileSync(`/proc/${child.pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ')[11]);
        while (ticks() < 5) await new Promise((wake) => setTimeout(wake, 5));
        child.kill('SIGINT');
        assert.deepEqual(await question.end, { code: 130, signal: null, stderr: '' });
    });

    test('Ctrl-C ends one that gives rows without end, read or not read', async () => {
        for (const isRead of [true, false]) {
            const question = asking(`${ENDLESS} x FROM n`);
            await runs(question);
            if (isRead) question.child.stdout.resume();
            else question.child.stdout.pause();
            question.child.kill('SIGINT');
            if (!isRead) setImmediate(() => question.child.stdout.resume());
            assert.deepEqual(await question.end, { code: 130, signal: null, stderr: '' });
        }
    });

    test('a reader that goes away ends it quietly', async () => {
        const question = asking(`${ENDLESS} x FROM n`);
        await runs(question);
        question.child.stdout.destroy();
        assert.deepEqual(await question.end, { code: 0, signal: null, stderr: '' });
        const piped = await run('bash', ['-c', `"$0" dump sql "$1" --data "$2" | head -n 1; echo "\${PIPESTATUS[0]}"`, BINARY,
            'SELECT content FROM messages, visitors', data]);
        assert.deepEqual([piped.stdout.split('\n').slice(0, 2), piped.stderr], [['content\r', '0'], '']);
    });

    test('--max-age ends it with a sentence, with rows and without', async () => {
        for (const sql of [`${ENDLESS} COUNT(*) FROM n`, `${ENDLESS} x FROM n`, `SELECT COUNT(*) FROM messages a, messages b, messages c, messages d`]) {
            const question = asking(sql, '--max-age', '1');
            question.child.stdout.resume();
            assertFailure(await question.end, /--max-age/);
        }
    });

    test('an answer that can be given in time is given', async () => {
        assert.equal(await askOk('SELECT 1 AS a', '--max-age', '3600'), 'a\r\n1\r\n');
    });

    test('a full device is told', async (t) => {
        if (!existsSync('/dev/full')) return t.skip('there is no /dev/full');
        const result = await run('bash', ['-c', '"$0" dump sql "SELECT * FROM messages" --data "$1" > /dev/full', BINARY, data]);
        assertFailure(result, /No space left/);
    });
});

test('200 questions, answered, mistaken, interrupted and killed, leave no reader behind', async () => {
    const readers = async () => JSON.parse((await helvinoOk(['stat', '--format', 'json', '--data', data])).stdout).readers;
    const before = await readers();
    const endings = [
        async () => ask('SELECT COUNT(*) FROM messages'),
        async () => ask('SELECT nowhere'),
        async (signal) => {
            const question = asking(`${ENDLESS} x FROM n`);
            await runs(question);
            question.child.kill(signal);
            question.child.stdout.destroy();
            await question.end;
        },
    ];
    for (let i = 0; i < 200; ++i) await endings[i % 3](['SIGINT', 'SIGTERM', 'SIGKILL'][Math.floor(i / 3) % 3]);
    assert.equal(await readers(), before);
});
