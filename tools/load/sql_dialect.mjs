// Usage: node sql_dialect.mjs functions | node sql_dialect.mjs postgres|sqlite FILE
//
// Prints a report's SQL as the other two databases of sql.sh understand it, without a period and in UTC, or the house
// functions as PostgreSQL's.
import { readFileSync } from 'node:fs';

import { POSTGRES_FUNCTIONS, postgresParameters, sqliteFunctions, sqliteParameters, statementsOf } from '../../tests/sql/dialects.mjs';

const [dialect, file] = process.argv.slice(2);
const values = { tz: 'UTC' };
const WRITERS = {
    postgres: (sql) => postgresParameters(sql, values),
    sqlite: (sql) => sqliteFunctions(sqliteParameters(sql, values)),
};

if (dialect === 'functions') console.log(POSTGRES_FUNCTIONS);
else for (const statement of statementsOf(readFileSync(file, 'utf8'))) console.log(`${WRITERS[dialect](statement)};`);
