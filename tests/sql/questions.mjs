/*
 * Random questions to one table or a join of two, aimed at the ways that a virtual table can take: bounds on every column
 * that has an index, with values that are there, that are near, and that no such column can hold; orders, limits and
 * aggregates that an index may answer. For databases that know SQLite's rules of comparison.
 */
import { literal } from './dialects.mjs';

const TIMES = ['2026', '2026-01', '2026-01-31', '2026-01-31 00:00', '2026-01-31 00:00:00', '2026-01-31T00:00:00Z', '2026-01-31T00:00:00.000Z',
    '2026-01-31 00:00:00.0', '2026-01-31 00:00:00.0000', '2026-01-31 00:00:00.000 ', ' 2026-01-31 00:00:00.000', '2026-02-30 00:00:00.000',
    '2026-01-31 24:00:00.000', '2026-01-31 23:59:60.000', '2026-13-01 00:00:00.000', '0000-00-00 00:00:00.000', '1969-12-31 23:59:59.999',
    '1970-01-01 00:00:00.000', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.9999', '10000-01-01 00:00:00.000', '-2026', 'x', '', '9', ':'];
const IDS = ['', 'c', 'C', 'd', 'cm', 'cz', 'c000000000000000000000000', 'c000000000000000000000001', 'czzzzzzzzzzzzzzzzzzzzzzzz', '0', '~', '1770313654000'];
const NO_TEXTS = ['NULL', '0', '-1', '1.5', '20260131', '9223372036854775807', '-9223372036854775808', '1e300', "x'63'", "x''", 'TRUE'];

const TABLES = {
    organizations: { id: 'id', key: 'text', createdAt: 'time', countVisits: 'number' },
    visitors: { id: 'id', orgId: 'id', visitorKey: 'text', lastSeenAt: 'time', firstSeenAt: 'time', userAgent: 'text' },
    conversations: { id: 'id', orgId: 'id', visitorId: 'id', updatedAt: 'time', createdAt: 'time', messageCount: 'number' },
    messages: { id: 'id', conversationId: 'id', orgId: 'id', role: 'text', timestamp: 'time' },
};
/** Columns that refer to each other, so that a join finds something. */
const JOINS = [
    ['visitors', 'orgId', 'organizations', 'id'], ['conversations', 'visitorId', 'visitors', 'id'], ['conversations', 'orgId', 'visitors', 'orgId'],
    ['messages', 'conversationId', 'conversations', 'id'], ['visitors', 'visitorKey', 'visitors', 'visitorKey'],
    ['visitors', 'lastSeenAt', 'conversations', 'updatedAt'], ['conversations', 'createdAt', 'visitors', 'lastSeenAt'],
];

const quoted = (name) => `"${name}"`;

export class Questions {
    /** `rows`: what the tables hold, as the databases print it. */
    constructor(random, rows) {
        this.random = random;
        this.rows = rows;
    }

    /** Near an existing value: the next or previous one, a part of it, more than it, in other letters. */
    #near(value) {
        const { random } = this;
        const last = value.charCodeAt(value.length - 1);
        const moved = (by) => value.slice(0, -1) + String.fromCharCode(Math.max(33, last + by));
        return random.pick([moved(1), moved(-1), value.slice(0, 1 + random.below(value.length)), `${value}0`, `${value} `, value.toUpperCase()]);
    }

    value(table, column) {
        const { random } = this;
        const type = TABLES[table][column];
        if (random.chance(0.08)) return random.pick(NO_TEXTS);
        const existing = random.pick(this.rows[table])[column];
        if (type === 'number') return random.chance(0.1) ? `'${existing}'` : String(random.chance(0.7) ? existing : random.below(40));
        if (existing === null || existing === '') return random.chance(0.5) ? 'NULL' : "''";
        if (random.chance(0.55)) return literal(existing);
        if (random.chance(0.5)) return literal(this.#near(existing));
        return literal(random.pick(type === 'time' ? TIMES : IDS));
    }

    #comparison(table, alias) {
        const { random } = this;
        const column = random.pick(Object.keys(TABLES[table]));
        const name = `${alias}.${quoted(column)}`;
        const value = () => this.value(table, column);
        const list = () => Array.from({ length: 1 + random.below(5) }, value).join(', ');
        const collate = random.chance(0.06) ? ' COLLATE NOCASE' : '';
        const operator = random.pick(['=', '=', '<', '<=', '>', '>=', '<>', 'IS', 'IS NOT', '>', '<=']);
        const draw = random.next();
        if (draw < 0.5) return `${name}${collate} ${operator} ${value()}`;
        if (draw < 0.57) return `${value()} ${operator} ${name}${collate}`;
        if (draw < 0.68) return `${name} BETWEEN ${value()} AND ${value()}`;
        if (draw < 0.82) return `${name} ${random.chance(0.2) ? 'NOT IN' : 'IN'} (${list()})`;
        if (draw < 0.87) return `${name} ${random.pick(['LIKE', 'GLOB', 'NOT LIKE'])} ${random.pick(["'c%'", "'cm*'", "'V_B%'", "'2026-01%'", "'v_*'", "'%'", "'*'", 'NULL'])}`;
        if (draw < 0.92) return `${name} IS ${random.pick(['NULL', 'NOT NULL'])}`;
        if (draw < 0.94) return `+${name} ${operator} ${value()}`;
        if (draw < 0.97) return this.#inOtherLetters(table, column, name);
        return `NOT (${name} ${operator} ${value()})`;
    }

    /** What an index of bytes cannot answer. */
    #inOtherLetters(table, column, name) {
        const { random } = this;
        const existing = random.pick(this.rows[table])[column];
        const other = literal(random.chance(0.5) ? String(existing).toUpperCase() : String(existing).toLowerCase());
        return `${name} ${random.pick(['=', '=', 'IN', '>=', '<'])} (${other}) COLLATE NOCASE`;
    }

    #conditions(table, alias) {
        const { random } = this;
        const all = Array.from({ length: random.below(4) }, () => this.#comparison(table, alias));
        if (all.length > 1 && random.chance(0.2)) return [`(${all.join(' OR ')})`];
        return all;
    }

    /** Gives the columns to order by and the words for it. */
    #order(table, alias) {
        const { random } = this;
        const columns = [];
        for (let i = random.below(3); i > 0; --i) {
            const column = random.pick(Object.keys(TABLES[table]));
            if (!columns.includes(column)) columns.push(column);
        }
        const ways = ['', ' DESC', ' DESC', ' ASC', ' DESC NULLS LAST', ' NULLS LAST'];
        const words = columns.map((column) => `${alias}.${quoted(column)}${random.pick(ways)}`);
        return { columns, words };
    }

    /** {sql, order} as assertSameAnswer takes it. */
    #selection(table) {
        const { random } = this;
        const where = this.#conditions(table, 't');
        const { columns, words } = this.#order(table, 't');
        // What is cut off must not depend on which of two equal rows comes first.
        const limited = random.chance(0.3);
        if (limited && !columns.includes('id')) words.push(`t."id"${random.pick(['', ' DESC'])}`);
        const shown = limited || random.chance(0.5) ? Object.keys(TABLES[table]) : [...new Set(['id', ...columns])];
        let sql = `SELECT ${shown.map((name) => `t.${quoted(name)}`).join(', ')} FROM ${table} t`;
        if (where.length) sql += ` WHERE ${where.join(' AND ')}`;
        if (words.length) sql += ` ORDER BY ${words.join(', ')}`;
        if (limited) sql += ` LIMIT ${random.below(30)}${random.chance(0.4) ? ` OFFSET ${random.below(40)}` : ''}`;
        return { sql, order: limited || columns.includes('id') ? 'total' : columns.length ? columns : 'none' };
    }

    #aggregate(table) {
        const { random } = this;
        const column = quoted(random.pick(Object.keys(TABLES[table])));
        const where = this.#conditions(table, 't');
        const tail = where.length ? ` WHERE ${where.join(' AND ')}` : '';
        const sql = random.pick([
            `SELECT COUNT(*), MIN(t.${column}), MAX(t.${column}) FROM ${table} t${tail}`,
            `SELECT MAX(t.${column}) FROM ${table} t${tail}`,
            `SELECT MIN(t.${column}) FROM ${table} t${tail}`,
            `SELECT DISTINCT t.${column} FROM ${table} t${tail}`,
            `SELECT t.${column}, COUNT(*) FROM ${table} t${tail} GROUP BY t.${column}`,
            `SELECT COUNT(*) FROM ${table} t${tail}`,
        ]);
        return { sql, order: 'none' };
    }

    #join() {
        const { random } = this;
        const [left, one, right, other] = random.pick(JOINS);
        const kind = random.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'CROSS JOIN', 'RIGHT JOIN', 'FULL JOIN']);
        const on = [`a.${quoted(one)} = b.${quoted(other)}`, ...(random.chance(0.4) ? [this.#comparison(right, 'b')] : [])];
        const where = [...this.#conditions(left, 'a'), ...(random.chance(0.4) ? [this.#comparison(right, 'b')] : [])];
        if (left === 'visitors' && right === 'visitors') where.push('a.id <> b.id');
        const [a, b] = [`a.${quoted(random.pick(Object.keys(TABLES[left])))}`, `b.${quoted(random.pick(Object.keys(TABLES[right])))}`];
        // Every visitor of an organisation with every conversation of it would be many rows.
        const shown = one === 'orgId' || random.chance(0.2) ? `COUNT(*), COUNT(${a}), MAX(${b})` : `${a}, ${b}`;
        let sql = `SELECT ${shown} FROM ${left} a ${kind} ${right} b ON ${on.join(' AND ')}`;
        if (where.length) sql += ` WHERE ${where.join(' AND ')}`;
        return { sql, order: 'none' };
    }

    #correlated() {
        const { random } = this;
        const [inner, one, outer, other] = random.pick(JOINS);
        const extra = random.chance(0.5) ? ` AND ${this.#comparison(inner, 'a')}` : '';
        const where = this.#conditions(outer, 'b');
        const test = random.pick(['EXISTS', 'NOT EXISTS']);
        where.push(`${test} (SELECT 1 FROM ${inner} a WHERE a.${quoted(one)} ${random.pick(['=', '=', '<', '>='])} b.${quoted(other)}${extra})`);
        return { sql: `SELECT b.id FROM ${outer} b WHERE ${where.join(' AND ')}`, order: 'none' };
    }

    next() {
        const { random } = this;
        const draw = random.next();
        const table = random.pick(Object.keys(TABLES).slice(random.chance(0.9) ? 1 : 0));
        if (draw < 0.6) return this.#selection(table);
        if (draw < 0.75) return this.#aggregate(table);
        if (draw < 0.88) return this.#join();
        return this.#correlated();
    }
}
