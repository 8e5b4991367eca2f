/* What agents do has limits too: each holds, says where to go on, and is counted. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { change } from './agents.mjs';
import { load } from './load.mjs';
import { Caller, eventually, serverFor } from './server.mjs';
import { assertError } from './shapes.mjs';

async function hits(server, limit) {
    const { text } = await new Caller(server, {}).get('/metrics');
    return Number(new RegExp(`^helvino_limit_hits_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(text)[1]);
}

test('a badge counts up to 10,000', { timeout: 120_000 }, async (t) => {
    const server = await serverFor(t), org = await server.org();
    await load(server.port, 32, { 'x-org-key': org.key }, async (client, number) => {
        for (let i = number; i < 9_999; i += 32) assert.equal((await client.post('/conversations')).status, 201);
    });
    const counts = () => org.agent.getOk('/conversations/counts');
    assert.deepEqual(await counts(), { open: 9999, unassigned: 9999, pending: 0, snoozed: 0, max: 10000 });
    assert.equal(await hits(server, 'work_count'), 0);
    const ids = [];
    for (let i = 0; i < 11; i++) ids.push(await org.visitor().converse());
    assert.deepEqual(await counts(), { open: 10000, unassigned: 10000, pending: 0, snoozed: 0, max: 10000 });
    assert.equal(await hits(server, 'work_count'), 2);
    for (const id of ids) await change(org.agent, id, { status: 'pending' });
    assert.deepEqual(await counts(), { open: 9999, unassigned: 9999, pending: 11, snoozed: 0, max: 10000 });
});

test('an organisation’s agents change as much a minute as it may write messages, whatever it is', async (t) => {
    const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-messages-org', '12'] });
    const [org, other] = [await server.org(), await server.org()];
    const [id, another] = [await org.anonymous.converse(), await other.anonymous.converse()];
    const acts = [
        (i) => org.agent.request('PATCH', `/conversations/${id}`, { body: { addTags: [`t${i % 20}`] } }),
        (i) => org.agent.post(`/conversations/${id}/notes`, { content: `note ${i}` }),
        (i) => org.agent.post('/conversations/bulk', { ids: [id], change: { priority: i % 2 ? 'low' : 'high' } }),
        (i) => org.agent.post('/replies', { shortcut: `r${i}`, text: 'x' }),
    ];
    let passed = 0, answer;
    for (; passed < 60; passed++) {
        answer = await acts[passed % acts.length](passed);
        if (answer.status === 429) break;
        assert.ok([200, 201].includes(answer.status), `${answer.status} ${answer.text}`);
    }
    assert.ok(passed >= 12 && passed < 30, `${passed} passed`);
    assertError(answer, 429, 'rate_limited');
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    assert.ok((await hits(server, 'rate_org')) >= 1);
    await change(other.agent, another, { status: 'resolved' });
    await org.agent.getOk('/conversations?status=open');
    await org.agent.say(id, 'answers go on', { role: 'assistant' });
    const wait_ms = Number(answer.headers['retry-after']) * 1000, began = Date.now();
    await eventually(() => Date.now() - began >= wait_ms, 'the time that Retry-After names');
    await change(org.agent, id, { status: 'resolved' });
});
