/* GET /conversations as an inbox asks for it: unread or not, from either end, with the visitors beside; and the number by which two
 * pictures of a conversation are told apart. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { startServer } from './server.mjs';
import { assertError } from './shapes.mjs';

let server;
before(async () => void (server = await startServer()));
after(async () => {
    await server.stop();
    server.remove();
});

/** Conversations in which a visitor has written their names, oldest first. */
async function conversations(org, names) {
    const ids = {};
    for (const name of names) {
        const visitor = org.visitor();
        ids[name] = await visitor.converse();
        await visitor.say(ids[name], name);
    }
    return ids;
}

/** What the visitor said first in each of a list, following `next`. */
async function names(org, query, { limit = 2, cursor = 'before' } = {}) {
    const found = [];
    let next = null;
    do {
        const page = await org.agent.getOk(`/conversations?limit=${limit}&${query}${next === null ? '' : `&${cursor}=${next}`}`);
        assert.ok(page.conversations.length <= limit);
        for (const { id } of page.conversations) found.push((await org.agent.getOk(`/conversations/${id}`)).messages[0].content);
        ({ next } = page);
    } while (next !== null);
    return found;
}

const readAll = async (org, id) => {
    const { lastMessage } = await org.agent.getOk(`/conversations/${id}`);
    const answer = await org.agent.post(`/conversations/${id}/read`, { seq: lastMessage.seq });
    assert.equal(answer.status, 200);
};

for (const [way, query] of [
    ['of all', ''],
    ['of those that are not resolved', '&status=open,pending,snoozed'],
]) {
    test(`unread or not, ${way}: what a visitor said last and nobody has read`, async () => {
        const org = await server.org();
        const ids = await conversations(org, ['a', 'b', 'c', 'd', 'e']);
        await org.anonymous.converse(); // nobody has said anything
        await readAll(org, ids.b);
        await org.agent.say(ids.d, 'answered', { role: 'assistant' });
        assert.deepEqual(await names(org, `unread=1${query}`), ['e', 'c', 'a']);
        const { conversations: others } = await org.agent.getOk(`/conversations?unread=0${query}`);
        assert.equal(others.length, 3);
        assert.deepEqual(others.filter(({ lastMessage }) => lastMessage).map(({ id }) => id), [ids.d, ids.b]);
    });

    test(`from either end, ${way}, page by page`, async () => {
        const org = await server.org();
        const ids = await conversations(org, ['a', 'b', 'c', 'd', 'e']);
        assert.deepEqual(await names(org, `order=newest${query}`), ['e', 'd', 'c', 'b', 'a']);
        assert.deepEqual(await names(org, `order=oldest${query}`, { cursor: 'after' }), ['a', 'b', 'c', 'd', 'e']);
        await org.agent.say(ids.a, 'again', { role: 'assistant' });
        assert.deepEqual(await names(org, `order=oldest${query}`, { cursor: 'after' }), ['b', 'c', 'd', 'e', 'a']);
        assert.deepEqual(await names(org, `order=oldest&unread=1${query}`, { cursor: 'after' }), ['b', 'c', 'd', 'e']);
    });
}

test('of one visitor too', async () => {
    const org = await server.org();
    const visitor = org.visitor();
    const ids = [];
    for (const text of ['a', 'b', 'c']) {
        ids.push(await visitor.converse());
        await visitor.say(ids.at(-1), text);
    }
    const { id } = await org.seen(visitor.key);
    await readAll(org, ids[1]);
    assert.deepEqual(await names(org, `visitor=${id}&order=oldest`, { cursor: 'after' }), ['a', 'b', 'c']);
    assert.deepEqual(await names(org, `visitor=${id}&unread=1`), ['c', 'a']);
});

test('whose they are, each once, and only of this page', async () => {
    const org = await server.org();
    const [one, two] = [org.visitor(), org.visitor()];
    for (const visitor of [one, two, two]) await visitor.say(await visitor.converse(), 'hello');
    await org.anonymous.converse();
    const { visitors } = await org.agent.getOk('/conversations?include=visitors&order=oldest');
    for (const visitor of visitors) assert.deepEqual(visitor, await org.agent.getOk(`/visitors/${visitor.id}`));
    assert.deepEqual(visitors.map(({ visitorKey }) => visitorKey).sort(), [one.key, two.key].sort());
    const page = await org.agent.getOk('/conversations?include=visitors&order=oldest&limit=1');
    assert.deepEqual(page.visitors.map(({ visitorKey }) => visitorKey), [one.key]);
    const own = await org.agent.getOk(`/conversations?include=visitors&visitor=${(await org.seen(two.key)).id}`);
    assert.deepEqual(own.visitors.map(({ visitorKey }) => visitorKey), [two.key]);
    assert.equal((await org.agent.getOk('/conversations')).visitors, undefined);
});

test('a visitor gets none of it: its own list, newest first, without anybody’s key', async () => {
    const org = await server.org();
    const visitor = org.visitor();
    for (const text of ['a', 'b']) await visitor.say(await visitor.converse(), text);
    const { conversations: own, visitors } = await visitor.getOk('/conversations?order=oldest&unread=0&include=visitors');
    assert.deepEqual(own.map(({ lastMessage }) => lastMessage.content), ['b', 'a']);
    assert.equal(visitors, undefined);
    for (const member of ['seq', 'activitySeq']) assert.equal(own[0][member], undefined);
});

test('what is no order, no answer to unread and nothing to include is refused', async () => {
    const org = await server.org();
    for (const query of ['order=up', 'order=', 'unread=2', 'unread=yes', 'include=everything', 'order=oldest&after=x'])
        assertError(await org.agent.get(`/conversations?${query}`), 400, 'invalid_query');
});

test('every change of a conversation gives it a larger number', async () => {
    const org = await server.org();
    const visitor = org.visitor();
    const id = await visitor.converse();
    let last = 0;
    const grows = async (what) => {
        const { seq, activitySeq } = await org.agent.getOk(`/conversations/${id}`);
        assert.ok(seq > last, what);
        assert.ok(activitySeq <= seq, what);
        last = seq;
        return activitySeq;
    };
    await grows('it is there');
    const message = await visitor.say(id, 'hello');
    assert.equal(await grows('a message'), message.seq);
    await readAll(org, id);
    assert.equal(await grows('a read mark'), message.seq);
    assert.equal((await org.agent.request('PATCH', `/conversations/${id}`, { body: { status: 'pending' } })).json.seq > last, true);
    assert.equal(await grows('a status'), message.seq);
    assert.equal((await org.agent.post(`/conversations/${id}/notes`, { content: 'a note' })).status, 201);
    assert.equal(await grows('a note'), message.seq);
    await org.agent.say(id, 'an answer', { role: 'assistant' });
    await grows('an answer');
});
