/*
 * One question to three databases, and what is compared of their answers. The three print the same values differently in
 * a few known ways, and only these are evened out:
 *   - times: PostgreSQL leaves out zeros at the end of the fraction, or all of it;
 *   - booleans: t and f in PostgreSQL, 1 and 0 in SQLite;
 *   - numbers with a fraction: compared within 1e-9 of their size, since PostgreSQL computes with decimals.
 */
import assert from 'node:assert/strict';

import { helvino, run } from '../http/server.mjs';
import { statementsOf } from './dialects.mjs';

/** How NULL is printed where the program lets us choose. Not in any text of the data set. */
export const NOTHING = '\u2205nothing\u2205';

/* ---- reading CSV --------------------------------------------------------------------------------------------- */

/**
 * Rows of fields. A field is a text, or null: one that stands as `nothing`, or with nothing given one that is empty and
 * not quoted.
 */
export function readCsv(text, nothing) {
    const rows = [];
    const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|\n|$)/y;
    for (let row = []; field.lastIndex < text.length; ) {
        const at = field.lastIndex;
        const found = field.exec(text);
        assert.ok(found, `not CSV at ${at}: ${JSON.stringify(text.slice(at, at + 60))}`);
        const [, raw, end] = found;
        if (raw.startsWith('"')) row.push(raw.slice(1, -1).replaceAll('""', '"'));
        else row.push(raw === (nothing ?? '') ? null : raw);
        if (end === ',') {
            if (field.lastIndex === text.length) row.push(nothing === undefined ? null : '');
            else continue;
        }
        rows.push(row);
        row = [];
    }
    return rows;
}

/** The names of the columns, and the rows. Without rows sqlite3 prints not even the names. */
function answerOf(csv, nothing) {
    const [names = [], ...rows] = readCsv(csv, nothing);
    return { names, rows };
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

/** Answers of `helvino dump sql`; `flags` such as --tz come before the question, which goes over standard input. */
export async function askHelvino(data, sql, ...flags) {
    const result = await helvino(['dump', 'sql', '--data', data, '--format', 'csv', '--csv-safe', 'off', ...flags], { input: sql });
    assert.equal(result.code, 0, `helvino: exit ${result.code ?? result.signal}\n${result.stderr}\n${sql}`);
    assert.equal(result.stderr, '', `helvino has something to say of:\n${sql}`);
    return answerOf(result.stdout);
}

/** As an argument, since from its standard input sqlite3 takes a text's CR LF for LF; and no option, whatever it begins with. */
export async function askSqlite(file, sql) {
    const result = await run('sqlite3', ['-batch', '-readonly', '-csv', '-header', '-nullvalue', NOTHING, file, `\n${sql}`]);
    assert.ok(result.code === 0 && result.stderr === '', `sqlite3: ${result.stderr}\n${sql}`);
    return answerOf(result.stdout, NOTHING);
}

/** By COPY, since psql's own output leaves out characters that it takes for none, such as U+10FFFF. */
export async function askPostgres(postgres, sql) {
    const [statement] = statementsOf(sql);
    const result = await postgres.psql([], `COPY (${statement}) TO STDOUT (FORMAT csv, HEADER, NULL '${NOTHING}')`);
    assert.equal(result.code, 0, `PostgreSQL: ${result.stderr}\n${statement}`);
    return answerOf(result.stdout, NOTHING);
}

/* ---- comparing ------------------------------------------------------------------------------------------------ */

const TIME = /^(\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,3}))?$/;
const NUMBER = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;

/** A value of PostgreSQL's as SQLite would print it. `booleans` says for each column whether it holds t and f alone. */
function likeSqlite(value, isBoolean) {
    if (value === null) return null;
    if (isBoolean) return value === 't' ? '1' : '0';
    const time = TIME.exec(value);
    return time ? `${time[1]}.${(time[2] ?? '').padEnd(3, '0')}` : value;
}

export function postgresLikeSqlite({ names, rows }) {
    const booleans = names.map((_, i) => rows.some((row) => row[i] !== null) && rows.every((row) => /^[tf]$/.test(row[i] ?? 't')));
    return { names, rows: rows.map((row) => row.map((value, i) => likeSqlite(value, booleans[i]))) };
}

function sameValue(a, b) {
    if (a === b) return true;
    if (a === null || b === null || !NUMBER.test(a) || !NUMBER.test(b)) return false;
    const [x, y] = [Number(a), Number(b)];
    return Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x), Math.abs(y));
}

const sameRow = (a, b) => a !== undefined && b !== undefined && a.length === b.length && a.every((value, i) => sameValue(value, b[i]));

/** Something to sort rows by that does not depend on how a number is printed. */
function sortKey(row) {
    return JSON.stringify(row.map((value) =>
        value !== null && NUMBER.test(value) && value.includes('.') ? Number(Number(value).toPrecision(9)) : value));
}

function sorted(rows) {
    return rows
        .map((row) => [sortKey(row), row])
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([, row]) => row);
}

const shown = (row) => (row === undefined ? '(no such row)' : JSON.stringify(row).slice(0, 600));

function firstDifference(names, ours, theirs) {
    const count = Math.max(ours.length, theirs.length);
    for (let i = 0; i < count; ++i) {
        if (sameRow(ours[i], theirs[i])) continue;
        const columns = (ours[i] ?? []).flatMap((value, c) => (sameValue(value, theirs[i]?.[c] ?? null) ? [] : [names[c] ?? c]));
        return `row ${i + 1}, column ${columns.join(', ') || '?'}\n    left:  ${shown(ours[i])}\n    right: ${shown(theirs[i])}`;
    }
    return null;
}

/** Values of the named columns alone, in the order of the rows. */
function column(answer, name) {
    const at = answer.names.indexOf(name);
    assert.ok(at >= 0 || answer.rows.length === 0, `there is no column ${name} to be in order by`);
    return answer.rows.map((row) => [row[at]]);
}

/**
 * Fails with a readable difference unless both have the same rows. `order` is 'total' (the same sequence), 'none' (the
 * same rows in any sequence) or a list of column names that both must be in the same order of.
 */
export function assertSameAnswer(left, right, { order = 'total', what, sql }) {
    const fail = (why) => assert.fail(`${what}: ${why}\n\n${sql}\n`);
    if (left.rows.length !== right.rows.length) fail(`${left.rows.length} rows on the left, ${right.rows.length} on the right`);
    const [ours, theirs] = order === 'total' ? [left.rows, right.rows] : [sorted(left.rows), sorted(right.rows)];
    const difference = firstDifference(left.names, ours, theirs);
    if (difference) fail(difference);
    if (order === 'total' || order === 'none') return;
    for (const name of order) {
        const disorder = firstDifference([name], column(left, name), column(right, name));
        if (disorder) fail(`another order by ${name}: ${disorder}`);
    }
}
