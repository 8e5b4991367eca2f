/* Business hours: out of them nobody is there, whoever is; and visitors learn when somebody will be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { serverFor } from './server.mjs';
import { listen } from './sse.mjs';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const HOUR_MS = 3_600_000;

const clock = (date) => `${String(date.getUTCHours()).padStart(2, '0')}:00`;

/** An hour of this week's: from so many hours from now on, as a business hour of UTC and as the moment when it begins. */
function hourFromNow(hours) {
    const from = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS + hours * HOUR_MS);
    const to = new Date(from.getTime() + HOUR_MS);
    return { text: `UTC ${DAYS[from.getUTCDay()]} ${clock(from)}-${clock(to)}`, at: from.toISOString() };
}

const isPresence = (online) => ({ event, data }) => event === 'presence' && data.role === 'assistant' && data.online === online;

test('out of business hours nobody is there, and visitors are told until when', async (t) => {
    const server = await serverFor(t);
    const org = await server.org();
    const visitor = org.visitor();
    const agent = await listen(org.agent);
    const stream = await listen(visitor);
    const told = (online) => stream.until(() => isPresence(online)(stream.events.filter(({ event }) => event === 'presence').at(-1)), `online: ${online}`);
    await told(true);
    const later = hourFromNow(3);
    await server.cliOk('org', 'update', org.key, '--business-hours', later.text);
    await told(false);
    assert.equal(stream.events.filter(isPresence(false)).at(-1).data.opensAt, later.at);
    const away = await visitor.getOk('/api/bootloader');
    assert.deepEqual([away.online, away.opensAt], [false, later.at]);
    const late = await listen(org.visitor());
    await late.until(() => late.events.some(isPresence(false)), 'the first word');
    assert.equal(late.events.find(isPresence(false)).data.opensAt, later.at);
    /* Within the hours whoever is there is there again. */
    await server.cliOk('org', 'update', org.key, '--business-hours', 'UTC mon-sun 00:00-24:00');
    await told(true);
    assert.equal(stream.events.filter(isPresence(true)).at(-1).data.opensAt, null);
    const back = await visitor.getOk('/api/bootloader');
    assert.deepEqual([back.online, back.opensAt], [true, null]);
    for (const each of [agent, stream, late]) each.close();
});

test('the hours are those of their time zone', async (t) => {
    const server = await serverFor(t);
    const org = await server.org();
    const agent = await listen(org.agent);
    const visitor = org.visitor();
    const stream = await listen(visitor);
    const moment = new Date(Date.now() + 24 * HOUR_MS);
    const local = new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Tokyo', weekday: 'short', hour: '2-digit', hourCycle: 'h23' }).formatToParts(moment);
    const part = (type) => local.find((each) => each.type === type).value;
    const hour = Number(part('hour'));
    const day = part('weekday').toLowerCase();
    const pad = (number) => String(number).padStart(2, '0');
    await server.cliOk('org', 'update', org.key, '--business-hours', `Asia/Tokyo ${day} ${pad(hour)}:00-${hour === 23 ? '24:00' : `${pad(hour + 1)}:00`}`);
    await stream.until(() => stream.events.some(isPresence(false)), 'that it is closed');
    const { opensAt } = stream.events.findLast(isPresence(false)).data;
    assert.equal(new Date(opensAt).getTime(), Math.floor(moment.getTime() / HOUR_MS) * HOUR_MS);
    for (const each of [agent, stream]) each.close();
});
