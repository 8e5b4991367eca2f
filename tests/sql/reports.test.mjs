/*
 * The figures of every report, worked out by hand from a data set that is small enough to hold in mind: eight
 * conversations at the edges of days, weeks and months, with greetings, silence and people nobody knows. That PostgreSQL
 * and sqlite3 give the same rows is proven in same_rows.test.mjs.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe } from 'node:test';

import { BINARY, helvino, helvinoOk, run, temporaryDirectory } from '../http/server.mjs';
import { assertSentence, importRows } from './database.mjs';

/* ---- the data set ---------------------------------------------------------------------------------------------- */

const idOf = (kind, i) => `c${kind}${String(i).padStart(23, '0')}`;
const rows = { organizations: [], erasures: [], visitors: [], conversations: [], messages: [] };

function organization(key, name) {
    const at = '2026-01-01 00:00:00.000';
    const row = { id: idOf('o', rows.organizations.length), key, name, allowedOrigins: null, createdAt: at, updatedAt: at, widgetTitle: null,
        widgetSubtitle: null, widgetColor: null, widgetPosition: null, widgetLanguage: null, countVisits: false };
    rows.organizations.push(row);
    return row;
}

const whole = (time) => (time.length === 23 ? time : `${time}.000`);

function visitor(org, visitorKey, firstSeen, lastSeen) {
    const [firstSeenAt, lastSeenAt] = [whole(firstSeen), whole(lastSeen)];
    const row = { id: idOf('v', rows.visitors.length), orgId: org.id, visitorKey, firstSeenAt, lastSeenAt, userAgent: null,
        createdAt: firstSeenAt, updatedAt: lastSeenAt };
    rows.visitors.push(row);
    return row;
}

/** Messages are "role time", in order. */
function conversation(org, of, opened, ...messages) {
    const id = idOf('t', rows.conversations.length);
    const said = messages.map((message) => message.split(' ')).map(([role, ...time]) => ({ role, timestamp: whole(time.join(' ')) }));
    rows.conversations.push({ id, orgId: org.id, visitorId: of?.id ?? null, createdAt: whole(opened), updatedAt: said.at(-1)?.timestamp ?? whole(opened),
        messageCount: said.length });
    for (const { role, timestamp } of said) {
        const number = rows.messages.length;
        rows.messages.push({ id: idOf('m', number), conversationId: id, orgId: org.id, role, content: `message ${number}`, timestamp, clientId: null });
    }
}

const shop = organization('shop', 'The Shop');
const blog = organization('blog', 'blog');

// A Monday. She gets an answer and replies; a week later to the second she comes again, and leaves before the answer.
const ann = visitor(shop, 'v_ann', '2026-01-05 10:00:00', '2026-01-12 10:05:00');
conversation(shop, ann, '2026-01-05 10:00:00', 'user 2026-01-05 10:00:10', 'assistant 2026-01-05 10:02:10', 'user 2026-01-05 10:03:00');
conversation(shop, ann, '2026-01-12 10:00:00', 'user 2026-01-12 10:00:30', 'assistant 2026-01-12 10:10:30');
// Across midnight of UTC, behind midnight in Berlin. Nobody answers.
const bob = visitor(shop, 'v_bob', '2026-01-05 23:30:00', '2026-01-06 00:10:00');
conversation(shop, bob, '2026-01-05 23:30:00', 'user 2026-01-05 23:30:00', 'user 2026-01-06 00:10:00');
// Late on a Sunday in UTC, on Monday in Berlin. Greeted, answered, seen again; then a conversation without a word.
const cem = visitor(shop, 'v_cem', '2026-01-11 23:15:00', '2026-01-12 08:00:00');
conversation(shop, cem, '2026-01-11 23:15:00', 'assistant 2026-01-11 23:15:01', 'user 2026-01-11 23:16:00', 'user 2026-01-11 23:17:00',
    'assistant 2026-01-11 23:18:00');
conversation(shop, cem, '2026-01-12 08:00:00');
// Greeted, says nothing, is never seen again.
const dia = visitor(shop, 'v_dia', '2026-01-20 12:00:00', '2026-01-20 12:00:00');
conversation(shop, dia, '2026-01-20 12:00:00', 'assistant 2026-01-20 12:00:05');
// Nobody known: one who replies, one who is answered within the same millisecond.
conversation(shop, null, '2026-01-06 12:00:00', 'user 2026-01-06 12:00:10', 'assistant 2026-01-06 12:00:40', 'user 2026-01-06 12:01:00');
conversation(shop, null, '2026-01-21 09:00:00', 'user 2026-01-21 09:00:00', 'assistant 2026-01-21 09:00:00');
// The last millisecond of January. Greeted, answered, replies, and gets a last word, which is read.
const eve = visitor(shop, 'v_eve', '2026-01-31 23:59:59.999', '2026-02-01 00:05:00');
conversation(shop, eve, '2026-01-31 23:59:59.999', 'assistant 2026-02-01 00:00:10', 'user 2026-02-01 00:01:00', 'assistant 2026-02-01 00:02:00',
    'user 2026-02-01 00:03:00', 'assistant 2026-02-01 00:04:00');
// Erased before any of that: of each only the counts are left.
const erased = (org, i, erasedAt, visitors, conversations, messages, anonymizedConversations) =>
    rows.erasures.push({ orgId: org.id, visitorHash: String(i).padStart(64, '0'), erasedAt, visitors, conversations, messages, anonymizedConversations, receipt: null });
erased(shop, 1, '2026-01-10 12:00:00.000', 1, 2, 9, 0);
erased(shop, 2, '2026-01-31 23:30:00.000', 2, 0, 0, 3);
erased(blog, 1, '2026-03-01 00:00:00.000', 1, 1, 4, 0);
// The same key elsewhere is somebody else.
const other = visitor(blog, 'v_ann', '2026-01-05 09:00:00', '2026-01-05 09:00:30');
conversation(blog, other, '2026-01-05 09:00:00', 'user 2026-01-05 09:00:30');

const directory = temporaryDirectory();
let data, empty;
before(async () => {
    data = await importRows(rows, directory);
    empty = join(temporaryDirectory(), 'data');
    await helvinoOk(['org', 'create', 'nobody-there', '--new-database', '--data', empty]);
});

/* ---- asking ---------------------------------------------------------------------------------------------------- */

async function report(name, ...flags) {
    const { stdout } = await helvinoOk(['dump', 'report', name, '--format', 'json', '--data', data, ...flags]);
    return JSON.parse(stdout);
}

/** The rows of each set as arrays, which compare and read more easily than objects. */
async function figures(name, ...flags) {
    const { sets } = await report(name, ...flags);
    return sets.map((set) => set.rows.map((row) => Object.values(row)));
}

const ofShop = (name, ...flags) => figures(name, '--org', 'shop', ...flags);
const BERLIN = ['--tz', 'Europe/Berlin'];
const WEEK = ['--since', '2026-01-06', '--until', '2026-01-12']; // the whole of the last day is in it
const column = (list, i = 0) => list.map((row) => row[i]);

/* ---- the lists ------------------------------------------------------------------------------------------------- */

describe('lists of visitors', () => {
    test('visitors has everybody who was last seen in the period, the latest first', async () => {
        const [all] = await figures('visitors');
        assert.deepEqual(column(all), ['v_eve', 'v_dia', 'v_ann', 'v_cem', 'v_bob', 'v_ann']);
        assert.deepEqual(all[5], ['v_ann', 'blog', '2026-01-05 09:00:00.000', '2026-01-05 09:00:30.000', null]);
        assert.deepEqual(column((await ofShop('visitors', ...WEEK))[0]), ['v_ann', 'v_cem', 'v_bob']);
    });

    test('times are those of the time zone', async () => {
        const [all] = await ofShop('visitors', '--tz', '+05:45');
        assert.deepEqual(all[0].slice(2, 4), ['2026-02-01 05:44:59.999', '2026-02-01 05:50:00.000']);
    });

    test('a period begins and ends exactly', async () => {
        const visitors = async (...flags) => column((await ofShop('visitors', ...flags))[0]);
        assert.deepEqual(await visitors('--since', '2026-01-20 12:00'), ['v_eve', 'v_dia']);
        assert.deepEqual(await visitors('--since', '2026-01-20 12:00:00.001'), ['v_eve']);
        assert.deepEqual(await visitors('--until', '2026-01-06 00:10'), []);
        assert.deepEqual(await visitors('--until', '2026-01-06 00:10:00.001'), ['v_bob']);
        assert.deepEqual(await visitors('--until', '2026-01-06'), ['v_bob']);
        assert.deepEqual(await visitors('--until', '2026-01-06', '--tz', '+14:00'), ['v_bob'], 'that day ends at 10:00 UTC');
    });

    test('returning-visitors has those seen again, with the days between', async () => {
        const [utc] = await ofShop('returning-visitors');
        assert.deepEqual(utc.map(([key, , , , days, later]) => [key, days, later]),
            [['v_eve', 0, 'yes'], ['v_ann', 7, 'yes'], ['v_cem', 0.36, 'yes'], ['v_bob', 0.03, 'yes']]);
        const [berlin] = await ofShop('returning-visitors', ...BERLIN);
        assert.deepEqual(column(berlin, 5), ['no', 'yes', 'no', 'no']);
    });

    test('conversations-per-visitor counts those opened in the period, none too', async () => {
        const [sizes, each] = await ofShop('conversations-per-visitor');
        assert.deepEqual(sizes.slice(0, 4), [['0', 0, 0], ['1', 3, 60], ['2', 2, 40], ['3', 0, 0]]);
        assert.deepEqual(each.map(([key, , count]) => [key, count]), [['v_ann', 2], ['v_cem', 2], ['v_eve', 1], ['v_dia', 1], ['v_bob', 1]]);
        const [weekSizes, week] = await ofShop('conversations-per-visitor', ...WEEK);
        assert.deepEqual(weekSizes.slice(0, 3), [['0', 1, 33.3], ['1', 1, 33.3], ['2', 1, 33.3]]);
        assert.deepEqual(week.map(([key, , count]) => [key, count]), [['v_cem', 2], ['v_ann', 1], ['v_bob', 0]]);
    });

    test('visitor-history has all conversations of one visitor', async () => {
        const [who, talks] = await ofShop('visitor-history', '--visitor', 'v_ann');
        assert.deepEqual(who, [['v_ann', 'shop', '2026-01-05 10:00:00.000', '2026-01-12 10:05:00.000', 2, null]]);
        assert.deepEqual(talks.map((talk) => talk.slice(1)), [
            ['shop', '2026-01-12 10:00:00.000', 2, 1, 1, '2026-01-12 10:00:30.000', 'message 3', '2026-01-12 10:10:30.000', 'message 4'],
            ['shop', '2026-01-05 10:00:00.000', 3, 2, 1, '2026-01-05 10:00:10.000', 'message 0', '2026-01-05 10:03:00.000', 'message 2'],
        ]);
        const [both] = await figures('visitor-history', '--visitor', 'v_ann');
        assert.deepEqual(column(both, 1), ['blog', 'shop']);
        const [, silent] = await ofShop('visitor-history', '--visitor', 'v_cem');
        assert.deepEqual(silent[0].slice(3), [0, 0, 0, null, null, null, null]);
    });
});

/* ---- figures --------------------------------------------------------------------------------------------------- */

describe('unique visitors', () => {
    test('count once in each day, week and month; days are never summed', async () => {
        const [days, weeks, months] = await ofShop('unique-visitors');
        assert.deepEqual(days, [['2026-01-05', 2, 2, 0], ['2026-01-06', 1, 0, 1], ['2026-01-11', 1, 1, 0], ['2026-01-12', 2, 0, 2],
            ['2026-01-20', 1, 1, 0], ['2026-01-31', 1, 1, 0], ['2026-02-01', 1, 0, 1]]);
        assert.deepEqual(weeks, [['2026-01-05', 3, 3, 0], ['2026-01-12', 2, 0, 2], ['2026-01-19', 1, 1, 0], ['2026-01-26', 1, 1, 0]]);
        assert.deepEqual(months, [['2026-01', 5, 5, 0], ['2026-02', 1, 0, 1]]);
    });

    test('are counted by the days of the time zone', async () => {
        const [days, weeks, months] = await ofShop('unique-visitors', ...BERLIN);
        assert.deepEqual(days, [['2026-01-05', 1, 1, 0], ['2026-01-06', 1, 1, 0], ['2026-01-12', 2, 1, 1], ['2026-01-20', 1, 1, 0],
            ['2026-02-01', 1, 1, 0]]);
        assert.deepEqual(weeks, [['2026-01-05', 2, 2, 0], ['2026-01-12', 2, 1, 1], ['2026-01-19', 1, 1, 0], ['2026-01-26', 1, 1, 0]]);
        assert.deepEqual(months, [['2026-01', 4, 4, 0], ['2026-02', 1, 1, 0]]);
    });

    test('are active when they write in a conversation from before the period', async () => {
        const [days] = await ofShop('unique-visitors', ...WEEK);
        assert.deepEqual(days, [['2026-01-06', 1, 0, 1], ['2026-01-11', 1, 1, 0], ['2026-01-12', 2, 0, 2]]);
        // The conversation began the same day, but before the period did.
        const [sameDay] = await ofShop('unique-visitors', '--since', '2026-02-01 00:02', '--until', '2026-02-01');
        assert.deepEqual(sameDay, [['2026-02-01', 1, 0, 1]]);
        const [reading] = await ofShop('unique-visitors', '--since', '2026-02-01 00:03:01');
        assert.deepEqual(reading, [], 'an answer is no activity of the visitor');
    });
});

test('return-rate counts who came back, in three ways', async () => {
    const [steps, months] = await ofShop('return-rate');
    assert.deepEqual(steps.map((row) => row.slice(1)), [[5, 100], [4, 80], [4, 80], [2, 40]]);
    assert.deepEqual(months, [['2026-01', 5, 4, 80]]);
    const [berlin, berlinMonths] = await ofShop('return-rate', ...BERLIN);
    assert.deepEqual(berlin.map((row) => row.slice(1)), [[5, 100], [4, 80], [1, 20], [2, 40]]);
    assert.deepEqual(berlinMonths, [['2026-01', 4, 1, 25], ['2026-02', 1, 0, 0]]);
    const [ofWeek] = await ofShop('return-rate', '--since', '2026-01-11', '--until', '2026-01-20');
    assert.deepEqual(ofWeek.map((row) => row.slice(1)), [[2, 100], [1, 50], [1, 50], [1, 50]]);
});

test('engagement is over visitors who wrote, with the messages of the period', async () => {
    const [all, sizes] = await ofShop('engagement');
    // ann 3, bob 2, cem 2, eve 2 messages; received 2, 0, 2, 3; in 2, 1, 1, 1 conversations
    assert.deepEqual(all.map((row) => row.slice(1)), [[4, 9, 2.25, 2, 3, 3], [4, 7, 1.75, 2, 3, 3], [4, 5, 1.25, 1, 2, 2]]);
    assert.deepEqual(sizes.slice(0, 4), [['1', 0, 0], ['2', 3, 75], ['3 to 5', 1, 25], ['6 to 10', 0, 0]]);
    const [week] = await ofShop('engagement', ...WEEK);
    // ann 1, bob 1, cem 2
    assert.deepEqual(week[0].slice(1), [3, 4, 1.33, 1, 2, 2]);
});

test('time-to-return is measured between consecutive conversations', async () => {
    const [all, sizes] = await ofShop('time-to-return');
    assert.deepEqual(all, [[2, 88.4, 88.4, 168]]); // 168 hours and 8.75 hours
    assert.deepEqual(column(sizes, 1), [0, 1, 0, 1, 0, 0]);
    // The one before may lie before the period, the one that counts may not.
    assert.deepEqual((await ofShop('time-to-return', '--since', '2026-01-12 09:00'))[0], [[1, 168, 168, 168]]);
    assert.deepEqual((await ofShop('time-to-return', '--until', '2026-01-12 09:00'))[0], [[1, 8.8, 8.8, 8.8]]);
});

test('conversation-depth counts messages of both sides, and of nobody known', async () => {
    const [all, sizes] = await ofShop('conversation-depth');
    // 0 1 2 2 2 3 3 4 5
    assert.deepEqual(all, [[9, 1, 22, 2.44, 2, 5, 5]]);
    assert.deepEqual(sizes.slice(0, 5), [['0', 1, 11.1], ['1', 1, 11.1], ['2', 3, 33.3], ['3 to 5', 4, 44.4], ['6 to 10', 0, 0]]);
    // Opened in the last minute of January, with all that was said in February.
    assert.deepEqual((await ofShop('conversation-depth', '--since', '2026-01-31', '--until', '2026-01-31'))[0], [[1, 0, 5, 5, 5, 5, 5]]);
});

test('drop-off tells how far conversations get, and where they are lost', async () => {
    const [steps, lost] = await ofShop('drop-off');
    assert.deepEqual(steps, [['opened', 9, 100, 100], ['the visitor wrote', 7, 77.8, 77.8], ['answered', 6, 66.7, 85.7],
        ['the visitor replied', 3, 33.3, 50]]);
    assert.deepEqual(lost.map((row) => row.slice(1)), [[2, 22.2], [1, 11.1], [1, 11.1]]);
    const [week, lostInWeek] = await ofShop('drop-off', ...WEEK);
    assert.deepEqual(column(week, 1), [4, 3, 3, 1]);
    assert.deepEqual(column(lostInWeek, 1), [1, 0, 1]);
});

test('erasures tells how much is missing from the other reports', async () => {
    const [months, retention] = await figures('erasures');
    assert.deepEqual(months, [['2026-01', 3, 2, 9, 3], ['2026-03', 1, 1, 4, 0]]);
    assert.deepEqual(retention, []);
    assert.deepEqual((await ofShop('erasures', ...BERLIN))[0], [['2026-01', 1, 2, 9, 0], ['2026-02', 2, 0, 0, 3]]);
    assert.deepEqual((await figures('erasures', '--since', '2026-02-01'))[0], [['2026-03', 1, 1, 4, 0]]);
});

test('retention is a triangle of weeks', async () => {
    const nothing = (count) => Array(count).fill(null);
    const [utc] = await ofShop('retention');
    assert.deepEqual(utc, [['2026-01-05', 3, 100, 66.7, 0, 0, ...nothing(9)], ['2026-01-19', 1, 100, 0, ...nothing(11)],
        ['2026-01-26', 1, 100, ...nothing(12)]]);
    const [berlin] = await ofShop('retention', ...BERLIN);
    assert.deepEqual(berlin, [['2026-01-05', 2, 100, 50, 0, 0, ...nothing(9)], ['2026-01-12', 1, 100, 0, 0, ...nothing(10)],
        ['2026-01-19', 1, 100, 0, ...nothing(11)], ['2026-01-26', 1, 100, ...nothing(12)]]);
    const [one] = await ofShop('retention', '--until', '2026-01-06');
    assert.deepEqual(one, [['2026-01-05', 2, 100, 50, 0, 0, ...nothing(9)]], 'the period chooses cohorts, not what they did');
});

describe('overview', () => {
    const values = async (...flags) => column((await ofShop('overview', ...flags))[0], 2);

    test('has all key figures, all of which agree with the other reports', async () => {
        // Waits for the first answer: 0, 30, 60, 120, 120 and 600 seconds.
        assert.deepEqual(await values(), [5, 5, 4, 80, 5, 1.8, 9, 2, 7, 6, 85.7, 1, 1, 2.4, 2, 1.5, 2.6, 10, 12, 10]);
    });

    test('has those of a period', async () => {
        // Messages of the four conversations opened in it: 2, 4, 0, 3; waits: 600, 120, 30 seconds.
        assert.deepEqual(await values(...WEEK), [3, 1, 1, 100, 3, 1.3, 4, 1, 3, 3, 100, 0, 1, 2.3, 2.5, 2, 4.2, 10, 6, 4]);
        assert.equal((await values(...WEEK, ...BERLIN))[1], 2, 'in Berlin, that week began an hour earlier');
    });

    test('is of all organisations when none is named', async () => {
        const [all] = await figures('overview');
        assert.deepEqual([all[0][2], all[6][2], all[18][2]], [6, 10, 13]);
    });
});

/* ---- around the figures ---------------------------------------------------------------------------------------- */

const listed = async () => JSON.parse((await helvinoOk(['dump', 'report', '--format', 'json'])).stdout);
const needed = ({ parameters }) => parameters.filter(({ required }) => required).flatMap(({ name }) => [`--${name}`, 'v_ann']);

test('the list names every report, and its lines fit 80 columns between words', async () => {
    const { stdout } = await helvinoOk(['dump', 'report']);
    const reports = await listed();
    assert.ok(reports.length >= 12);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.filter((line) => !line.startsWith(' ')).length, 1 + reports.length);
    assert.ok(lines.every((line) => line.length <= 80));
    for (const { name, title, definition, parameters } of reports) {
        assert.ok(stdout.includes(`\n${name} `), `${name} is in the list`);
        assert.ok(stdout.replaceAll(/\s+/g, ' ').includes(` ${name} ${definition.split(/[.\n]/)[0].trim()}`), `${name} has its sentence`);
        assert.ok(title && definition.length > 60 && parameters.length > 0, `${name} says what it is`);
    }
});

test('every report answers on an empty database, without an error and without a division by zero', async () => {
    for (const about of (await listed()).filter((each) => needed(each).length === 0)) {
        const { stdout } = await helvinoOk(['dump', 'report', about.name, '--format', 'json', '--data', empty]);
        for (const { rows: found } of JSON.parse(stdout).sets) {
            for (const value of found.flatMap(Object.values).filter((each) => typeof each === 'number')) assert.equal(value, 0, about.name);
        }
    }
});

test('every report comes in every format', async () => {
    for (const about of await listed()) {
        for (const format of ['table', 'csv', 'json', 'ndjson', 'markdown', 'html']) {
            const result = await helvinoOk(['dump', 'report', about.name, ...needed(about), '--format', format, '--data', data]);
            assert.ok(result.stdout.length > 20, `${about.name} as ${format}`);
            if (format !== 'csv' && format !== 'ndjson') assert.equal(result.stderr, '', `${about.name} as ${format}`);
            assert.ok((result.stdout + result.stderr).includes(about.title), `${about.name} as ${format} has its title`);
        }
    }
});

test('above the figures stand definition, organisation, period and time zone', async () => {
    const { definition, organisation, period, timeZone, sequence } = await report('overview', '--org', 'shop', ...WEEK, ...BERLIN);
    assert.match(definition, /^All key figures/);
    assert.deepEqual([organisation, period, timeZone], ['shop (The Shop)', 'from 2026-01-06 00:00 to before 2026-01-13 00:00', 'Europe/Berlin']);
    assert.ok(sequence > 0);
    assert.deepEqual(await report('visitors').then((all) => [all.organisation, all.period, all.timeZone]), ['all', 'all time', 'UTC']);
    assert.equal((await report('visitors', '--since', '2026-01-06 12:30:15')).period, 'since 2026-01-06 12:30:15');
    assert.equal((await report('visitors', '--until', '2026-01-06T12:30Z', ...BERLIN)).period, 'before 2026-01-06 13:30');
    const { stdout } = await helvinoOk(['dump', 'report', 'overview', '--data', data, '--format', 'table']);
    assert.match(stdout, /^Overview\n[^]*Period +all time\nTime zone +UTC\n/);
});

test('-o writes a file that is whole or not there', async () => {
    const path = join(directory, 'overview.html');
    await helvinoOk(['dump', 'report', 'overview', '--format', 'html', '-o', path, '--data', data]);
    assert.match(readFileSync(path, 'utf8'), /^<!DOCTYPE html>[^]*<\/html>\n$/);
    const missing = join(directory, 'history.csv');
    const result = await helvino(['dump', 'report', 'visitor-history', '--visitor', 'v_nobody', '-o', missing, '--data', data]);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /there is no visitor with that key/);
    assert.ok(!existsSync(missing));
});

test('mistakes on the command line are told, with what would be right', async () => {
    const cases = [
        [['overvew'], 2, /did you mean "overview"\?/],
        [['wether'], 2, /there is no report "wether"; there are .*conversation-depth.*visitors/],
        [['visitor-history'], 2, /needs --visitor KEY/],
        [['overview', '--visitor', 'v_ann'], 2, /has no use for --visitor/],
        [['overview', '--since', 'yesterday'], 2, /--since: "yesterday" is no time/],
        [['overview', '--since', '2026-02-01', '--until', '2026-01-01'], 2, /--since must lie before --until/],
        [['overview', '--tz', 'Europe/Berlln'], 2, /--tz: there is no time zone "Europe\/Berlln"/],
        [['overview', '--org', 'shoop'], 1, /shoop/],
        [['visitors', 'overview'], 2, /one argument too many/],
        [['--since', '30d'], 2, /name a report first/],
        [['--format', 'csv'], 2, /table or json/],
    ];
    for (const [args, code, sentence] of cases) {
        const result = await helvino(['dump', 'report', ...args, '--data', data]);
        assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
        assertSentence(result, args.join(' '));
        assert.match(result.stderr, sentence);
        assert.equal(result.stdout, '');
    }
});

/* ---- house functions and help ---------------------------------------------------------------------------------- */

async function sql(question, ...flags) {
    const { stdout } = await helvinoOk(['dump', 'sql', question, '--format', 'json', '--data', data, ...flags]);
    return Object.values(JSON.parse(stdout)[0]);
}

describe('functions of SQL', () => {
    test('know days, weeks and months of a time zone', async () => {
        const at = (time, zone) => sql(`SELECT local_time('${time}', '${zone}'), local_day('${time}', '${zone}'), local_week('${time}', '${zone}'),
            local_month('${time}', '${zone}')`);
        assert.deepEqual(await at('2025-12-31 23:30:00.000', 'UTC'), ['2025-12-31 23:30:00.000', '2025-12-31', '2025-12-29', '2025-12']);
        assert.deepEqual(await at('2025-12-31 23:30:00.000', 'Europe/Berlin'), ['2026-01-01 00:30:00.000', '2026-01-01', '2025-12-29', '2026-01']);
        assert.deepEqual(await at('2026-01-05 00:00:00.000', 'UTC'), ['2026-01-05 00:00:00.000', '2026-01-05', '2026-01-05', '2026-01']);
        assert.deepEqual(await at('2026-01-04 23:59:59.999', 'UTC'), ['2026-01-04 23:59:59.999', '2026-01-04', '2025-12-29', '2026-01']);
        assert.deepEqual(await at('1969-12-31 23:59:59.999', 'UTC'), ['1969-12-31 23:59:59.999', '1969-12-31', '1969-12-29', '1969-12']);
        // Clocks go forward at 01:00 UTC, and in autumn back at 01:00 UTC.
        assert.deepEqual((await at('2026-03-29 00:59:59.999', 'Europe/Berlin'))[0], '2026-03-29 01:59:59.999');
        assert.deepEqual((await at('2026-03-29 01:00:00.000', 'Europe/Berlin'))[0], '2026-03-29 03:00:00.000');
        assert.deepEqual((await at('2026-10-25 00:59:59.999', 'Europe/Berlin'))[0], '2026-10-25 02:59:59.999');
        assert.deepEqual((await at('2026-10-25 01:00:00.000', 'Europe/Berlin'))[0], '2026-10-25 02:00:00.000');
    });

    test('several zones in one statement do not disturb each other', async () => {
        const question = `SELECT group_concat(local_time(value, zone), ' ') FROM
            (SELECT '2026-07-01 12:00:00.000' AS value UNION ALL SELECT '2026-01-01 12:00:00.000' UNION ALL SELECT '2026-03-29 01:00:00.000'),
            (SELECT 'America/New_York' AS zone UNION ALL SELECT 'Asia/Kathmandu' UNION ALL SELECT '-03:30')`;
        assert.deepEqual((await sql(question))[0].split(/ (?=2026)/).sort(), ['2025', '2026-01-01 07:00:00.000', '2026-01-01 08:30:00.000',
            '2026-01-01 17:45:00.000', '2026-03-28 21:30:00.000', '2026-03-28 21:00:00.000', '2026-03-29 06:45:00.000', '2026-07-01 08:00:00.000',
            '2026-07-01 08:30:00.000', '2026-07-01 17:45:00.000'].slice(1).sort());
    });

    test('measure what lies between', async () => {
        assert.deepEqual(await sql(`SELECT seconds_between('2026-01-05 10:00:00.000', '2026-01-05 10:00:01.250'),
            seconds_between('2026-01-05 10:00:01.000', '2026-01-05 10:00:00.000'), days_between('2026-02-27', '2026-03-02'),
            days_between('2026-03-02', '2024-02-28')`), [1.25, -1, 3, -733]);
    });

    test('take times as SQLite writes them too', async () => {
        assert.deepEqual(await sql(`SELECT local_day('2026-01-05 23:30:00', '+01:00'), local_day('2026-01-05', 'UTC'),
            local_time('2026-01-05T23:30:00Z', 'UTC'), local_day(datetime('2026-01-05 23:00', '+30 minutes'), 'Europe/Berlin')`),
        ['2026-01-06', '2026-01-05', '2026-01-05 23:30:00.000', '2026-01-06']);
    });

    test('give NULL for NULL and for what is no time', async () => {
        const found = await sql(`SELECT local_day(NULL, 'UTC'), local_day('2026-02-30 00:00:00.000', 'UTC'), local_week('soon', 'UTC'),
            local_month(20260105, 'UTC'), local_day('2026-01-05', NULL), seconds_between(NULL, '2026-01-05'), days_between('2026-01-05', 'x'),
            local_time('9999-12-31 23:59:59.999', '+01:00'), local_week('0000-01-01 00:00:00.000', 'UTC')`);
        assert.deepEqual(found, Array(9).fill(null));
    });

    test('refuse a zone that does not exist, even for NULL', async () => {
        for (const zone of ['Nowhere/Town', '../../etc/passwd', '/etc/localtime', '', '+25:00']) {
            const result = await helvino(['dump', 'sql', `SELECT local_day(NULL, '${zone}')`, '--data', data]);
            assert.equal(result.code, 1);
            assert.match(result.stderr, /there is no time zone/);
        }
    });
});

test('the ending of a file says its form, unless --format does', async () => {
    const beginnings = { html: /^<!DOCTYPE html>/, json: /^\{"report":/, md: /^# /, csv: /^visitorKey,|^about,/, data: /^about,/ };
    for (const [ending, beginning] of Object.entries(beginnings)) {
        const path = join(directory, `overview.${ending}`);
        await helvinoOk(['dump', 'report', 'overview', '-o', path, '--data', data]);
        assert.match(readFileSync(path, 'utf8'), beginning);
    }
    const path = join(directory, 'still.html');
    await helvinoOk(['dump', 'report', 'overview', '-o', path, '--format', 'csv', '--data', data]);
    assert.match(readFileSync(path, 'utf8'), beginnings.data);
    const refused = await helvino(['dump', 'sql', 'SELECT 1', '-o', join(directory, 'no.html'), '--data', data]);
    assert.equal(refused.code, 2);
});

describe('help', () => {
    test('about tables has every column, and examples that work', async () => {
        const { stdout } = await helvinoOk(['help', 'tables']);
        for (const table of ['organizations', 'tokens', 'visitors', 'conversations', 'messages', 'aliases']) {
            const described = await helvinoOk(['dump', 'sql', `PRAGMA table_xinfo(${table})`, '--format', 'json', '--data', data]);
            const names = JSON.parse(described.stdout).map(({ name }) => name);
            assert.ok(names.length >= 3);
            assert.match(stdout, new RegExp(`^  ${table}\n${names.map((name) => `    ${name} .*\n`).join('')}\n`, 'm'));
        }
        const examples = stdout.split('\nExamples\n\n')[1].split('\n\n').map((example) => example.trim()).filter(Boolean);
        assert.ok(examples.length >= 3);
        for (const example of examples) {
            const command = example.replace(/^helvino/, BINARY).replace('KEY', 'shop');
            const result = await run('sh', ['-c', command], { env: { HELVINO_DATA: data } });
            assert.equal(result.code, 0, `${example}\n${result.stderr}`);
        }
    });

    test('about reports has every report with its flags', async () => {
        const { stdout } = await helvinoOk(['help', 'reports']);
        const { stdout: markdown } = await helvinoOk(['help', 'reports', '--markdown']);
        for (const { name } of await listed()) {
            assert.match(stdout, new RegExp(`^  ${name}\n    [A-Z][^]*?\n    Flags: --`, 'm'));
            assert.match(markdown, new RegExp(`^\\| \`${name}\` \\| [^|]+ \\| \`--org\``, 'm'));
        }
    });
});
