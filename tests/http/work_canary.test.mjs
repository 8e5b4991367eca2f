/*
 * A visitor sees nothing of what agents do among themselves: canary texts in notes, tags, replies and names are in no answer that
 * any route gives to a visitor, in no event of its stream, and in no line of the log; and neither is the word for any of it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { change, hire, noteOn } from './agents.mjs';
import { ROOT, startServer } from './server.mjs';
import { listen } from './sse.mjs';

let server, org, anna, visitor, id, orphan, visitorId, reply, note;
let number = 0;

before(async () => {
    server = await startServer();
    org = await server.org('acme');
    anna = await hire(org, 'Canary-Name');
    visitor = org.visitor();
    id = await visitor.converse();
    orphan = await org.anonymous.converse();
    visitorId = (await visitor.getOk('/visitors/me')).id;
});

after(async () => {
    if (server && !server.exited) await server.stop();
    server?.remove();
});

/** Everything that the organisation's side can do to a conversation, with canaries. */
async function work() {
    for (const target of [id, orphan]) {
        await anna.say(target, 'an answer', { role: 'assistant' });
        note = await noteOn(anna, target, 'canary-note', { mentions: [anna.id], clientId: `canary-client-${++number}` });
        await change(anna, target, { assigneeId: 'me', tags: ['canary-tag'], priority: 'urgent' });
        await change(anna, target, { snoozedUntil: new Date(Date.now() + 3_600_000).toISOString() });
        await anna.post(`/conversations/${target}/typing`, { typing: true });
        await anna.post(`/conversations/${target}/read`, { seq: note.seq });
    }
    reply ??= (await anna.post('/replies', { shortcut: 'canary-shortcut', text: 'canary-reply' })).json;
}

/** The routes of the table, so that a new one can't be forgotten. */
function routes() {
    const table = readFileSync(join(ROOT, 'src/api/routes.def'), 'utf8');
    return [...table.matchAll(/^ROUTE\((GET|POST|PUT|PATCH|DELETE), "([^"]+)", ([A-Z]+)/gm)].map(([, method, pattern, who]) => ({ method, pattern, who }));
}

const SECRETS = /canary|urgent|snoozed|assignee|priority|"tags"|"notes?"|"status"|agentId|mentions|resolvedAt/i;

test('in no answer to a visitor, whatever it asks for', async () => {
    await work();
    let asked = 0;
    for (const { method, pattern } of routes()) {
        if (['/stream', '/openapi.json'].includes(pattern) || /embed|widget|demo|account|inbox/.test(pattern)) continue; // no data, or asked for below
        if (method === 'DELETE' && pattern === '/visitors/me') continue; // comes last
        for (const target of new Set([id, orphan, visitorId, reply.id, note.id, anna.id])) {
            const path = pattern.replace(':id', target);
            for (const query of ['', '?format=json', '?format=html', '?limit=100&status=snoozed&assignee=none&tag=canary-tag', `?visitor=${visitorId}`, `?conversation=${id}&after=0`]) {
                for (const caller of [visitor, org.anonymous, org.visitor()]) {
                    const body = method === 'GET' ? undefined : pattern.endsWith('/messages') ? { role: 'user', content: 'hello' } : pattern.endsWith('/read') ? { seq: 1 } : {};
                    const answer = await caller.request(method, path + query, { body });
                    const whole = JSON.stringify(answer.rawHeaders) + answer.text;
                    // A refusal may name what it does not take.
                    if (answer.status < 400) assert.doesNotMatch(whole, SECRETS, `${method} ${path}${query} ${answer.status}`);
                    else assert.doesNotMatch(whole, /canary/i, `${method} ${path}${query} ${answer.status}`);
                    asked++;
                }
                if (method !== 'GET' || !pattern.includes(':id')) break;
            }
            if (!pattern.includes(':id')) break;
        }
    }
    assert.ok(asked > 200, `only ${asked} were asked`);
});

test('in no event of its stream, live or after a gap', async () => {
    const live = await listen(visitor);
    await work();
    await visitor.say(id, 'opens it again');
    await work();
    await anna.post(`/conversations/${id}/messages`, { role: 'assistant', content: 'the end' });
    await live.until(() => live.messages.some((message) => message.content === 'the end'), 'the last answer');
    const late = await listen(visitor, { since: 0 });
    for (const stream of [live, late]) {
        assert.ok(stream.messages.length > 2);
        assert.doesNotMatch(JSON.stringify(stream.events), SECRETS);
        stream.close();
    }
    // What the organisation heard meanwhile is all there, so the words above are the right ones.
    const ours = await listen(org.agent, { since: 0 });
    for (const word of ['canary-note', 'canary-tag', 'urgent', 'snoozed', 'agentId', 'mentions']) assert.ok(JSON.stringify(ours.events).includes(word), word);
    ours.close();
});

test('in no line of the log', async () => {
    assert.doesNotMatch(server.log + server.output, /canary/i);
});

test('and what is erased takes notes along', async () => {
    const receipt = await visitor.request('DELETE', '/visitors/me');
    assert.equal(receipt.status, 200);
    const rows = await server.cliOk('dump', 'sql', '--format', 'ndjson', `SELECT count(*) AS count FROM notes WHERE "conversationId" = '${id}'`);
    assert.equal(rows, '{"count":0}\n');
    await server.check();
});
