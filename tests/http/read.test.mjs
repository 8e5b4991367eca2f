/* POST /conversations/:id/read and what it counts: read marks of both sides, and how many answers a visitor has not read. */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { eventually, startServer } from './server.mjs';
import { assertConversation, assertError, assertListed, assertOwn, assertSelf, NOBODY } from './shapes.mjs';

let server, org;
before(async () => {
    server = await startServer();
    org = await server.org('acme');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

const answerTo = (id, text = 'an answer', agent = org.agent) => agent.say(id, text, { role: 'assistant' });
const marksOf = async (caller, id) => {
    const conversation = await caller.getOk(`/conversations/${id}`);
    assertConversation(conversation);
    return [conversation.visitorReadSeq, conversation.agentReadSeq];
};
/** Marks and gives both marks as they were answered. */
async function read(caller, id, seq) {
    const answer = await caller.post(`/conversations/${id}/read`, { seq });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(Object.keys(answer.json), ['conversationId', 'visitorReadSeq', 'agentReadSeq']);
    assert.equal(answer.json.conversationId, id);
    return [answer.json.visitorReadSeq, answer.json.agentReadSeq];
}
const seqNow = async () => (await org.anonymous.getOk('/health')).seq;

describe('read marks', () => {
    test('each side moves its own, and both see both', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        assert.deepEqual(await marksOf(visitor, id), [0, 0]);
        const question = await visitor.say(id, 'a question');
        const reply = await answerTo(id);
        assert.deepEqual(await read(org.agent, id, question.seq), [0, question.seq]);
        assert.deepEqual(await read(visitor, id, reply.seq), [reply.seq, question.seq]);
        for (const caller of [visitor, org.agent]) assert.deepEqual(await marksOf(caller, id), [reply.seq, question.seq]);
        const { conversations } = await org.agent.getOk('/conversations');
        conversations.forEach(assertListed);
        const listed = conversations.find((conversation) => conversation.id === id);
        assert.deepEqual([listed.visitorReadSeq, listed.agentReadSeq], [reply.seq, question.seq]);
    });

    test('only move on, and not beyond the last message', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const said = [];
        for (let i = 0; i < 4; i++) said.push(await answerTo(id, `m${i}`));
        assert.deepEqual(await read(visitor, id, said[2].seq), [said[2].seq, 0]);
        for (const seq of [1, said[0].seq, said[2].seq]) assert.deepEqual(await read(visitor, id, seq), [said[2].seq, 0]);
        assert.deepEqual(await read(visitor, id, Number.MAX_SAFE_INTEGER), [said[3].seq, 0]);
        const answer = await visitor.post(`/conversations/${id}/read`, '{"seq":9223372036854775807}');
        assert.equal(answer.json.visitorReadSeq, said[3].seq);
        for (const seq of [1, said[1].seq]) assert.deepEqual(await read(org.agent, id, seq), [said[3].seq, Math.min(seq, said[3].seq)]);
        assert.deepEqual(await marksOf(org.agent, id), [said[3].seq, said[1].seq]);
    });

    test('a mark is no message: the conversation stays where it is in the lists', async () => {
        const visitor = org.visitor();
        const [first, second] = [await visitor.converse(), await visitor.converse()];
        const said = await answerTo(first);
        await visitor.say(second, 'on top');
        const before = await visitor.getOk(`/conversations/${first}`);
        await read(visitor, first, said.seq);
        assert.deepEqual((await visitor.getOk('/conversations')).conversations.map((item) => item.id), [second, first]);
        assert.equal((await visitor.getOk(`/conversations/${first}`)).updatedAt, before.updatedAt);
    });

    test('a mark that would not move writes nothing', async () => {
        const agent = org.agent;
        const id = await org.visitor().converse();
        const said = await answerTo(id);
        await read(agent, id, said.seq);
        const seq = await seqNow();
        for (let i = 0; i < 50; i++) await read(agent, id, 1 + (i % said.seq));
        await read(agent, id, said.seq + 100);
        assert.equal(await seqNow(), seq);
    });

    test('one that would not move still tells that somebody is there', async () => {
        const shop = await server.org();
        const id = await shop.visitor().converse();
        const online = async () => (await shop.anonymous.getOk('/api/bootloader')).online;
        await read(shop.visitor(), await shop.anonymous.converse(), 1);
        assert.equal(await online(), false, 'a visitor is nobody who answers');
        assert.deepEqual(await read(shop.agent, id, 1), [0, 0]);
        await eventually(online, 'the organisation is online');
    });

    test('in a conversation without messages stay at 0', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        for (const caller of [visitor, org.agent]) assert.deepEqual(await read(caller, id, 17), [0, 0]);
    });

    test('of a conversation without a visitor are moved by whoever knows its id', async () => {
        const id = await org.anonymous.converse();
        const said = await answerTo(id);
        assert.deepEqual(await read(org.anonymous, id, said.seq), [said.seq, 0]);
        assert.deepEqual(await read(org.visitor(), id, said.seq), [said.seq, 0]);
    });

    test('moved by many at once, end at the largest', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const said = [];
        for (let i = 0; i < 20; i++) said.push(await answerTo(id, `m${i}`));
        const shuffled = said.map((message, i) => said[(i * 7) % said.length]);
        await Promise.all(shuffled.flatMap((message) => [read(visitor, id, message.seq), read(org.agent, id, message.seq)]));
        assert.deepEqual(await marksOf(visitor, id), [said.at(-1).seq, said.at(-1).seq]);
    });

    test('survive a restart', async (t) => {
        const first = await startServer();
        t.after(() => first.remove());
        const shop = await first.org();
        const visitor = shop.visitor();
        const id = await visitor.converse();
        const said = await answerTo(id, 'x', shop.agent);
        await read(visitor, id, said.seq);
        await first.stop();
        const again = await startServer({ directory: first.directory });
        t.after(() => again.stop());
        assert.deepEqual(await marksOf(again.adopt(shop).visitor(visitor.key), id), [said.seq, 0]);
    });

    test('a body that is not right gets a sentence and moves nothing', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        await answerTo(id);
        const path = `/conversations/${id}/read`;
        const sentence = /"seq" must be a whole number from 1/;
        for (const seq of [0, -1, 1.5, 1e300, '1', null, true, [], {}, [1]]) assertError(await visitor.post(path, { seq }), 400, 'invalid_field', sentence);
        for (const body of ['{}', '{"Seq":1}', '{"seq":9223372036854775808}', '{"seq":1.0}']) assertError(await visitor.post(path, body), 400, 'invalid_field', sentence);
        for (const body of ['nonsense', '[1]', '1', '{"seq":1', '{"seq":1,"seq":2}', '\ufeff{"seq":1}']) assertError(await visitor.post(path, body), 400, 'invalid_json');
        for (const body of [undefined, '']) assertError(await visitor.post(path, body), 400, 'invalid_json', /must be a JSON object with "seq"/);
        assertError(await visitor.post(path, '{"seq":1}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
        assertError(await visitor.post(path, `{"seq":1,"x":"${'x'.repeat(5000)}"}`), 413, 'body_too_large');
        assertError(await visitor.request('POST', path, { body: '{"seq":1}', headers: { 'x-visitor-id': [visitor.key, visitor.key] } }), 400, 'invalid_header', /x-visitor-id is there twice/);
        assertError(await visitor.get(path), 405, 'method_not_allowed');
        assert.deepEqual(await marksOf(visitor, id), [0, 0]);
    });

    test('somebody else’s conversation, one of another organisation and none at all are 404, and nothing moves', async () => {
        const [owner, rival] = [org.visitor(), await server.org()];
        const id = await owner.converse();
        const said = await answerTo(id);
        for (const caller of [org.visitor(), org.anonymous, rival.visitor(owner.key), rival.agent, rival.anonymous])
            for (const target of [id, NOBODY, 'x']) assertError(await caller.post(`/conversations/${target}/read`, { seq: said.seq }), 404, 'not_found');
        assert.deepEqual(await marksOf(owner, id), [0, 0]);
    });
});

describe('unread answers', () => {
    const unread = async (visitor) => {
        const { conversations } = await visitor.getOk('/conversations');
        conversations.forEach(assertOwn);
        return Object.fromEntries(conversations.map((item) => [item.id, item.unreadCount]));
    };
    const total = async (visitor) => {
        const self = await visitor.getOk('/visitors/me');
        assertSelf(self);
        return self.unreadCount;
    };

    test('are those of the organisation behind the visitor’s mark', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        await visitor.say(id, 'own words are not unread');
        assert.deepEqual([await unread(visitor), await total(visitor)], [{ [id]: 0 }, 0]);
        const first = await answerTo(id);
        await visitor.say(id, 'in between');
        await answerTo(id);
        await org.agent.say(id, 'the organisation in the role of the user', { role: 'user' });
        assert.deepEqual([await unread(visitor), await total(visitor)], [{ [id]: 2 }, 2]);
        await read(visitor, id, first.seq);
        assert.deepEqual([await unread(visitor), await total(visitor)], [{ [id]: 1 }, 1]);
        await read(org.agent, id, Number.MAX_SAFE_INTEGER);
        assert.deepEqual(await unread(visitor), { [id]: 1 }, 'what the organisation has read is not what the visitor has');
        await read(visitor, id, Number.MAX_SAFE_INTEGER);
        assert.deepEqual([await unread(visitor), await total(visitor)], [{ [id]: 0 }, 0]);
    });

    test('are counted for each conversation, and over all of them', async () => {
        const visitor = org.visitor();
        const expected = {};
        for (const number of [3, 0, 1]) {
            const id = await visitor.converse();
            for (let i = 0; i < number; i++) await answerTo(id);
            expected[id] = number;
        }
        assert.deepEqual(await unread(visitor), expected);
        assert.equal(await total(visitor), 4);
    });

    test('are counted up to 100, in one conversation and over all', async () => {
        const visitor = org.visitor();
        const ids = [await visitor.converse(), await visitor.converse()];
        for (let i = 0; i < 60; i++) await Promise.all(ids.map((id) => answerTo(id)));
        assert.deepEqual(Object.values(await unread(visitor)), [60, 60]);
        assert.equal(await total(visitor), 100);
        await Promise.all(Array.from({ length: 41 }, () => answerTo(ids[0])));
        assert.equal((await unread(visitor))[ids[0]], 100);
        assert.equal((await visitor.getOk('/api/bootloader')).visitor.unreadCount, 100);
    });

    test('are not looked for without end: behind 5,000 newer messages none is counted, and /metrics says so', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        await answerTo(id);
        for (let i = 0; i < 4999; i += 100) await Promise.all(Array.from({ length: Math.min(100, 4999 - i) }, () => visitor.say(id, 'x')));
        const hits = async () => Number(/^helvino_limit_hits_total\{limit="unread"\} (\d+)$/m.exec((await org.anonymous.get('/metrics')).text)[1]);
        const before = await hits();
        assert.deepEqual(await unread(visitor), { [id]: 1 });
        assert.equal(await hits(), before);
        await visitor.say(id, 'one more');
        assert.deepEqual(await unread(visitor), { [id]: 0 });
        assert.equal(await hits(), before + 1);
    });

    test('are the visitor’s alone: the organisation’s list has none', async () => {
        const id = await org.visitor().converse();
        await answerTo(id);
        for (const item of (await org.agent.getOk('/conversations')).conversations) assert.ok(!('unreadCount' in item));
    });
});
