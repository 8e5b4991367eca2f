/* Who is there: since when, and on which page; in memory alone, and only where the organisation wants to know. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { adminOrg } from './receiver.mjs';
import { eventually, serverFor } from './server.mjs';
import { assertError } from './shapes.mjs';
import { listen } from './sse.mjs';

const ORIGIN = 'https://shop.example';

async function shop(t, { countVisits = true } = {}) {
    const server = await serverFor(t);
    const org = await adminOrg(server);
    assert.equal((await org.agent.request('PATCH', '/organization', { body: { countVisits } })).status, 200);
    return org;
}

const come = (visitor, page) => listen(visitor, { headers: { origin: ORIGIN, ...(page !== undefined && { 'x-page': page }) } });
const online = (org, more = '') => org.agent.getOk(`/visitors?online=1${more}`);
const there = async (org) => (await online(org)).visitors.map(({ visitorKey }) => visitorKey);

test('who has come last is first, who leaves is gone, and others are nobody’s business', async (t) => {
    const org = await shop(t);
    const other = await adminOrg(org.server);
    const [a, b, c] = [org.visitor(), org.visitor(), org.visitor()];
    assert.deepEqual(await online(org), { visitors: [], next: null, onlineCount: 0 });
    const streams = [];
    for (const visitor of [a, b, c]) streams.push(await come(visitor, `${ORIGIN}/`));
    assert.deepEqual(await there(org), [c, b, a].map(({ key }) => key));
    const limited = await online(org, '&limit=2');
    assert.deepEqual([limited.visitors.length, limited.onlineCount], [2, 3]);
    assert.deepEqual(await there(other), []);
    for (const { onlineSince, online: is } of limited.visitors) {
        assert.equal(is, true);
        assert.ok(Math.abs(Date.now() - Date.parse(onlineSince)) < 60_000);
    }
    streams[1].close();
    await eventually(async () => (await there(org)).length === 2, 'that one has left');
    const gone = await org.agent.getOk(`/visitors/${(await org.seen(b.key)).id}`);
    assert.deepEqual([gone.online, gone.onlineSince, gone.page], [false, null, null]);
    for (const stream of [streams[0], streams[2]]) stream.close();
    await eventually(async () => (await there(org)).length === 0, 'that all have left');
    assertError(await org.agent.get('/visitors?online=2'), 400, 'invalid_query');
    assertError(await a.get('/visitors?online=1'), 401, 'token_required');
});

test('the page is told without its parameters, and going to the next one is the same visit', async (t) => {
    const org = await shop(t);
    const visitor = org.visitor();
    const first = await come(visitor, `${ORIGIN}/shoes?token=secret#top`);
    const [before] = (await online(org)).visitors;
    assert.equal(before.page, `${ORIGIN}/shoes`);
    first.close();
    await eventually(async () => (await there(org)).length === 0, 'that it has left');
    const second = await come(visitor, `${ORIGIN}/cart`);
    const [after] = (await online(org)).visitors;
    assert.deepEqual([after.page, after.onlineSince], [`${ORIGIN}/cart`, before.onlineSince]);
    second.close();
});

test('what is no page of the origin that asks is none', async (t) => {
    const org = await shop(t);
    const pages = ['https://elsewhere.example/', `${ORIGIN}.evil.example/`, ORIGIN, `${ORIGIN}:81/`, 'javascript:alert(1)', `${ORIGIN}/a b`, '', 'x'.repeat(3000)];
    for (const page of pages) {
        const visitor = org.visitor();
        const stream = await come(visitor, page);
        const [{ visitorKey, page: shown }] = (await online(org)).visitors;
        assert.equal(visitorKey, visitor.key);
        assert.equal(shown, null, page);
        stream.close();
        await eventually(async () => (await there(org)).length === 0, 'that it has left');
    }
    const stream = await come(org.visitor(), `${ORIGIN}/${'a'.repeat(3000)}`);
    const [{ page }] = (await online(org)).visitors;
    assert.equal(page.length, 500);
    stream.close();
});

test('where visits are not counted, nothing is told of the page', async (t) => {
    const org = await shop(t, { countVisits: false });
    const stream = await come(org.visitor(), `${ORIGIN}/shoes`);
    const [visitor] = (await online(org)).visitors;
    assert.deepEqual([visitor.online, visitor.page], [true, null]);
    stream.close();
});

test('a page is in no file, no log and no export', async (t) => {
    const org = await shop(t);
    const visitor = org.visitor();
    const stream = await come(visitor, `${ORIGIN}/a-page-that-nobody-keeps`);
    const { id } = (await online(org)).visitors[0];
    const exported = await org.agent.get(`/visitors/${id}/export`);
    assert.ok(!exported.text.includes('a-page-that-nobody-keeps'));
    assert.ok(!org.server.log.includes('a-page-that-nobody-keeps'));
    stream.close();
});
