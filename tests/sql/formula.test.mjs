/*
 * What a visitor types must never become a formula in the spreadsheet of whoever opens a CSV: = + - @, a tab and a
 * line's end do not stand first in a field, unless it was asked for.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe } from 'node:test';

import { helvinoOk, ROOT, temporaryDirectory } from '../http/server.mjs';
import { readCsv } from './compare.mjs';
import { importRows } from './database.mjs';

const AT = '2026-01-31 12:00:00.000';
const DANGEROUS = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0", '+\n', '-', '=', '@', '\r\n=1', '\n'];
const HARMLESS = ['1=1', "'=1", ' =1', '"=1"', 'a\n1', 'a; b', '😀', "''"];
const HIDDEN = ['a\n=1', 'a;=1+1;b', 'a\t@x', 'a\r\n-1']; // where semicolons or tabs separate, these begin a cell
const STARTS_FORMULA = /^[=+\-@\t\r\n]/;
const NUMBER = /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i;

const org = { id: 'corganization00000000000a', key: 'org-of-formulas', name: '=A1', allowedOrigins: null, createdAt: AT, updatedAt: AT,
    widgetTitle: '@title', widgetSubtitle: null, widgetColor: null, widgetPosition: null, widgetLanguage: null, countVisits: false };
const idOf = (kind, i) => `c${kind}${String(i).padStart(23, '0')}`;

function rowsOfFormulas() {
    const visitors = DANGEROUS.map((text, i) => ({ id: idOf('v', i), orgId: org.id, visitorKey: `v_${i}`, firstSeenAt: AT, lastSeenAt: AT,
        userAgent: text, createdAt: AT, updatedAt: AT }));
    const conversations = visitors.map(({ id }, i) => ({ id: idOf('c', i), orgId: org.id, visitorId: id, createdAt: AT, updatedAt: AT,
        messageCount: 2 }));
    const messages = [...DANGEROUS, ...HIDDEN, ...HARMLESS].map((content, i) => ({ id: idOf('m', i), conversationId: idOf('c', i % visitors.length),
        orgId: org.id, role: i < visitors.length ? 'user' : 'assistant', content, timestamp: AT, clientId: null }));
    return { organizations: [org], visitors, conversations, messages };
}

const directory = temporaryDirectory();
const rows = rowsOfFormulas();
const contents = rows.messages.map(({ content }) => content);
const safe = (text) => (STARTS_FORMULA.test(text) ? `'${text}` : text).replaceAll(/([;\t\r\n])(?=[=+\-@])/g, "$1'");
let data;
before(async () => (data = await importRows(rows, directory)));

const cli = (...args) => helvinoOk([...args, '--data', data]);
const ask = async (...args) => readCsv((await cli('dump', 'sql', '--format', 'csv', 'SELECT content FROM messages ORDER BY id', ...args)).stdout);

function assertNoFormula(csv, what) {
    const fields = readCsv(csv).flat().filter((field) => field !== null);
    for (const field of fields) {
        assert.ok(!STARTS_FORMULA.test(field) || NUMBER.test(field), `${what}: a field begins with ${JSON.stringify(field.slice(0, 20))}`);
    }
}

describe('answers in CSV', () => {
    test('a text that would be a formula gets a quotation mark in front, and no other text', async () => {
        assert.deepEqual(await ask(), [['content'], ...contents.map((text) => [safe(text)])]);
    });

    test('as it is with --csv-safe off', async () => {
        assert.deepEqual(await ask('--csv-safe', 'off'), [['content'], ...contents.map((text) => [text])]);
    });

    test('numbers stay numbers', async () => {
        const { stdout } = await cli('dump', 'sql', '--format', 'csv', `SELECT -5 AS a, -1.5 AS b, '-5' AS c, -1e300 AS d, NULL AS e`);
        assert.equal(stdout, `a,b,c,d,e\r\n-5,-1.5,'-5,-1.0e+300,\r\n`);
    });

    test('other columns with texts of visitors, and texts put together', async () => {
        const { stdout } = await cli('dump', 'sql', '--format', 'csv',
            `SELECT v."userAgent", o.name, o."widgetTitle", v."userAgent" || 'x' AS more, SUBSTR(' ' || v."userAgent", 2) AS part,
             CAST(v."userAgent" AS blob) AS bytes FROM visitors v JOIN organizations o ON o.id = v."orgId"`);
        assertNoFormula(stdout, 'visitors');
    });

    test('other forms have the text as it is', async () => {
        const { stdout } = await cli('dump', 'sql', '--format', 'ndjson', 'SELECT content FROM messages ORDER BY id');
        assert.deepEqual(stdout.trimEnd().split('\n').map((line) => JSON.parse(line).content), contents);
    });

    const reports = join(ROOT, 'tools/dump/reports');
    for (const file of readdirSync(reports)) {
        test(`the report ${file.replace(/\.sql$/, '')}`, async () => {
            const visitor = readFileSync(join(reports, file), 'utf8').includes(':visitor') ? ['--visitor', 'v_0'] : [];
            const { stdout } = await cli('dump', 'report', file.replace(/\.sql$/, ''), '--format', 'csv', ...visitor);
            assertNoFormula(stdout, file);
        });
    }
});

describe('exports as CSV', () => {
    const contentOf = (folder) => {
        const [names, ...lines] = readCsv(readFileSync(join(folder, 'messages.csv'), 'utf8'));
        return lines.map((line) => line[names.indexOf('content')]);
    };

    test('keep the text as it is, and say so', async () => {
        const folder = join(directory, 'as-it-is');
        const { stderr } = await cli('dump', 'export', '--format', 'csv', '-o', folder);
        assert.deepEqual(contentOf(folder).sort(), [...contents].sort());
        assert.match(stderr, /formula.*--csv-safe|--csv-safe.*formula/s);
    });

    test('are safe with --csv-safe on', async () => {
        const folder = join(directory, 'safe');
        await cli('dump', 'export', '--format', 'csv', '--csv-safe', 'on', '-o', folder);
        assert.deepEqual(contentOf(folder).sort(), contents.map(safe).sort());
        for (const name of readdirSync(folder).filter((file) => file.endsWith('.csv'))) {
            assertNoFormula(readFileSync(join(folder, name), 'utf8'), name);
        }
    });
});
