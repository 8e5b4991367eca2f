/*
 * SQL that is written for `helvino dump sql`, made ready for a PostgreSQL and for a plain sqlite3: parameters become
 * literals, and the house functions become functions of PostgreSQL's or expressions of SQLite's own.
 */
import assert from 'node:assert/strict';

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|:[A-Za-z_]\w*|[A-Za-z_]\w*|\s+|[\s\S]/g;

const tokens = (sql) => sql.match(TOKEN) ?? [];
const isComment = (token) => token.startsWith('--') || token.startsWith('/*');

/** The statements of a text, each without its semicolon and without comments. */
export function statementsOf(sql) {
    const statements = [''];
    for (const token of tokens(sql)) {
        if (token === ';') statements.push('');
        else if (!isComment(token)) statements[statements.length - 1] += token;
    }
    return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

/* ---- parameters ----------------------------------------------------------------------------------------------- */

export const literal = (value) => `'${value.replaceAll("'", "''")}'`;

/** PostgreSQL wants to know the type even of a NULL. */
const POSTGRES_TYPES = { ':org': 'text', ':visitor': 'text', ':since': 'timestamp', ':until': 'timestamp', ':tz': 'text' };

function withParameters(sql, values, write) {
    return tokens(sql)
        .map((token) => {
            if (!/^:[a-z]/i.test(token)) return token;
            assert.ok(token in POSTGRES_TYPES, `there is no parameter ${token}`);
            return write(token, values[token.slice(1)] ?? null);
        })
        .join('');
}

export function postgresParameters(sql, values) {
    return withParameters(sql, values, (name, value) => `CAST(${value === null ? 'NULL' : literal(value)} AS ${POSTGRES_TYPES[name]})`);
}

export function sqliteParameters(sql, values) {
    return withParameters(sql, values, (_, value) => (value === null ? 'NULL' : literal(value)));
}

/* ---- house functions ------------------------------------------------------------------------------------------ */

/*
 * A zone is a name or "+03:00"; as text PostgreSQL would read the sign of the latter the other way round. Behind the year
 * 9999 there is no time for us, but one for PostgreSQL.
 */
export const POSTGRES_FUNCTIONS = `
CREATE FUNCTION local_time(at timestamp, zone text) RETURNS timestamp LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN moved < '10000-01-01' THEN moved END
    FROM (SELECT CASE WHEN zone ~ '^[-+]' THEN at + CAST(zone AS interval) ELSE at AT TIME ZONE 'UTC' AT TIME ZONE zone END) AS s(moved) $$;
CREATE FUNCTION local_day(at timestamp, zone text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(local_time(at, zone), 'YYYY-MM-DD') $$;
CREATE FUNCTION local_week(at timestamp, zone text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(date_trunc('week', local_time(at, zone)), 'YYYY-MM-DD') $$;
CREATE FUNCTION local_month(at timestamp, zone text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(local_time(at, zone), 'YYYY-MM') $$;
CREATE FUNCTION seconds_between(earlier timestamp, later timestamp) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(EXTRACT(EPOCH FROM later - earlier) AS double precision) $$;
CREATE FUNCTION days_between(earlier text, later text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(later AS date) - CAST(earlier AS date) $$;
`;

const wholeSeconds = (at) => `CAST(strftime('%s', ${at}) AS INTEGER)`;
const milliseconds = (at) => `CAST(substr(${at}, 21, 3) AS INTEGER)`;

/** In UTC alone. A week's Monday is the first one after six days before. */
const SQLITE_FUNCTIONS = {
    local_time: (at) => `(${at})`,
    local_day: (at) => `substr(${at}, 1, 10)`,
    local_week: (at) => `date(${at}, '-6 days', 'weekday 1')`,
    local_month: (at) => `substr(${at}, 1, 7)`,
    seconds_between: (a, b) =>
        `(${wholeSeconds(b)} - ${wholeSeconds(a)} + (${milliseconds(b)} - ${milliseconds(a)}) / 1000.0)`,
    days_between: (a, b) => `CAST(julianday(${b}) - julianday(${a}) AS INTEGER)`,
};

/** Reads the arguments of a call whose opening parenthesis stands at `at`; gives them and where the call ends. */
function argumentsFrom(list, at) {
    const found = [[]];
    for (let depth = 0; at < list.length; ++at) {
        if (list[at] === '(' && depth++ === 0) continue;
        if (list[at] === ')' && --depth === 0) return { found, end: at };
        if (list[at] === ',' && depth === 1) found.push([]);
        else found[found.length - 1].push(list[at]);
    }
    throw new Error('a call of a house function does not end');
}

function replaceCalls(list) {
    let out = '';
    for (let at = 0; at < list.length; ++at) {
        const write = SQLITE_FUNCTIONS[list[at].toLowerCase()];
        if (write === undefined || list[at + 1] !== '(') {
            out += list[at];
            continue;
        }
        const { found, end } = argumentsFrom(list, at + 1);
        out += write(...found.map((argument) => replaceCalls(argument).trim()));
        at = end;
    }
    return out;
}

export function sqliteFunctions(sql) {
    return replaceCalls(tokens(sql).filter((token) => !isComment(token)));
}
