/*
 * Visitors who are blocked, and the switches of an organisation: what is written is not kept and not heard, reading goes on, and
 * whoever is not meant does not notice.
 */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { change, hire } from './agents.mjs';
import { serverFor } from './server.mjs';
import { listen } from './sse.mjs';
import { assertError, assertId, assertMessage, assertSelf, assertTime, assertVisitor, NOBODY } from './shapes.mjs';

async function block(org, visitor, blocked = true) {
    const { id } = await visitor.getOk('/visitors/me');
    const answer = await org.agent.request('PATCH', `/visitors/${id}`, { body: { blocked } });
    assert.equal(answer.status, 200, answer.text);
    assertVisitor(answer.json);
    assert.equal(answer.json.blocked, blocked);
    return answer.json;
}

describe('a blocked visitor', () => {
    test('is answered as if all was well, and nothing of it is kept or heard', async (t) => {
        const server = await serverFor(t), org = await server.org();
        const visitor = org.visitor(), id = await visitor.converse(), said = await visitor.say(id, 'before');
        const answer = await org.agent.say(id, 'an answer', { role: 'assistant' });
        await block(org, visitor);
        const stream = await listen(org.agent), counts = await server.counts(), own = await listen(visitor);
        const begun = await visitor.post('/conversations', undefined, { 'idempotency-key': 'k-1' });
        assert.equal(begun.status, 201);
        assertId(begun.json.id);
        assertTime(begun.json.createdAt);
        for (const target of [id, begun.json.id, NOBODY]) {
            const sent = await visitor.post(`/conversations/${target}/messages`, { role: 'user', content: 'spam "quoted"', clientId: 'm-1' });
            assert.equal(sent.status, 201, sent.text);
            assertMessage(sent.json);
            assert.deepEqual([sent.json.conversationId, sent.json.content, sent.json.clientId], [target, 'spam "quoted"', 'm-1']);
            assert.ok(sent.json.seq > answer.seq);
        }
        const read = await visitor.post(`/conversations/${id}/read`, { seq: answer.seq });
        assert.deepEqual([read.status, read.json], [200, { conversationId: id, visitorReadSeq: answer.seq, agentReadSeq: 0 }]);
        assert.equal((await visitor.post(`/conversations/${id}/typing`, { typing: true })).status, 204);
        const self = await visitor.post('/visitors/me', { email: 'spam@example.org' });
        assert.equal(self.status, 200);
        assertSelf(self.json);
        assert.equal(self.json.email, 'spam@example.org');
        // Reading goes on, and shows what is there.
        const now = await visitor.getOk(`/conversations/${id}`);
        assert.deepEqual([now.messages, now.visitorReadSeq], [[said, answer], 0]);
        assert.equal((await visitor.getOk('/conversations')).conversations.length, 1);
        assert.equal((await visitor.getOk('/visitors/me')).email, null);
        const heard = await org.agent.say(id, 'for all to hear', { role: 'assistant' });
        await own.until(() => own.messages.some((message) => message.id === heard.id), 'the answer');
        await stream.until(() => stream.messages.some((message) => message.id === heard.id), 'the answer');
        assert.deepEqual(stream.messages.map((message) => message.id), [heard.id]);
        assert.deepEqual(stream.of('typing'), []);
        assert.deepEqual(stream.of('conversation'), []);
        const after = await server.counts();
        assert.deepEqual([after.visitors, after.conversations, after.messages - counts.messages], [counts.visitors, counts.conversations, 1]);
        stream.close(), own.close();
        // And back.
        await block(org, visitor, false);
        assertMessage(await visitor.say(id, 'sorry'));
        await server.check();
    });

    test('is told so where the organisation wants it, from the shell or the API', async (t) => {
        const server = await serverFor(t), org = await server.org('acme');
        const boss = await hire(org, 'Boss', 'owner');
        const visitor = org.visitor(), id = await visitor.converse(), { seq } = await org.agent.say(id, 'x', { role: 'assistant' });
        await block(org, visitor);
        const tries = [['POST', '/conversations'], ['POST', `/conversations/${id}/messages`, { role: 'user', content: 'x' }], ['POST', `/conversations/${NOBODY}/messages`, { role: 'user', content: 'x' }],
            ['POST', `/conversations/${id}/read`, { seq }], ['POST', `/conversations/${id}/typing`], ['POST', '/visitors/me', { email: 'a@b.example' }]];
        await server.cliOk('org', 'update', 'acme', '--blocked-answer', 'refuse');
        for (const [method, path, body] of tries) assertError(await visitor.request(method, path, { body }), 403, 'blocked');
        assert.equal((await boss.request('PATCH', '/organization', { body: { blockedAnswer: 'silence' } })).json.blockedAnswer, 'silence');
        for (const [method, path, body] of tries) assert.ok((await visitor.request(method, path, { body })).status < 300, path);
        assertError(await boss.request('PATCH', '/organization', { body: { blockedAnswer: 'shout' } }), 400, 'invalid_field');
    });

    test('may still be written to by the organisation’s side, and erase itself', async (t) => {
        const server = await serverFor(t), org = await server.org();
        const visitor = org.visitor(), id = await visitor.converse();
        await block(org, visitor);
        await org.agent.say(id, 'this is why', { role: 'assistant' });
        const bridge = visitor.with({ authorization: `Bearer ${org.token}` });
        await bridge.say(id, 'brought by a bridge');
        assert.equal((await visitor.request('DELETE', '/visitors/me')).json.conversations, 1);
        await visitor.converse(); // somebody new, to whom nothing is known
    });

    test('is blocked by whoever may write, in its organisation, and the audit log has it', async (t) => {
        const server = await serverFor(t), org = await server.org('acme'), other = await server.org('other');
        const anna = await hire(org, 'Anna'), boss = await hire(org, 'Boss', 'owner'), visitor = org.visitor();
        await visitor.converse();
        const { id } = await visitor.getOk('/visitors/me');
        assertError(await other.agent.request('PATCH', `/visitors/${id}`, { body: { blocked: true } }), 404, 'not_found');
        for (const body of [{}, { blocked: 1 }, { blocked: null }]) assertError(await anna.request('PATCH', `/visitors/${id}`, { body }), 400, 'invalid_field');
        for (const blocked of [true, true, false]) assert.equal((await anna.request('PATCH', `/visitors/${id}`, { body: { blocked } })).json.blocked, blocked);
        const { entries } = await boss.getOk('/audit');
        const ours = entries.filter((entry) => entry.subjectId === id);
        assert.deepEqual(ours.map((entry) => [entry.action, entry.actorId, entry.actorName, entry.address]),
            [['visitor.unblocked', anna.id, anna.email, '127.0.0.1'], ['visitor.blocked', anna.id, anna.email, '127.0.0.1']]);
    });
});

describe('the switch for writing', () => {
    test('refuses what visitors send until it is on again, and nothing else', async (t) => {
        const server = await serverFor(t), org = await server.org('acme');
        const visitor = org.visitor(), id = await visitor.converse(), { seq } = await org.agent.say(id, 'x', { role: 'assistant' });
        await server.cliOk('org', 'update', 'acme', '--write-enabled', 'off');
        const tries = [[visitor, '/conversations'], [org.anonymous, '/conversations'], [visitor, `/conversations/${id}/messages`, { role: 'user', content: 'x' }], [visitor, `/conversations/${id}/read`, { seq }],
            [visitor, `/conversations/${id}/typing`], [org.visitor(), '/visitors/me']];
        for (const [caller, path, body] of tries) {
            const answer = await caller.post(path, body);
            assertError(answer, 503, 'writes_disabled');
            assert.equal(answer.headers['retry-after'], '30');
        }
        assertError(await org.visitor().get('/stream'), 503, 'writes_disabled'); // would make somebody known
        const stream = await listen(visitor);
        const answer = await org.agent.say(id, 'we are back soon', { role: 'assistant' });
        await stream.until(() => stream.messages.some((message) => message.id === answer.id), 'the answer');
        stream.close();
        assert.equal((await visitor.getOk(`/conversations/${id}`)).messages.length, 2);
        assert.equal((await visitor.request('DELETE', '/visitors/me')).status, 200);
        await server.cliOk('org', 'update', 'acme', '--write-enabled', 'on');
        await visitor.converse();
    });

    test('and that for the widget are said by the bootloader, and set by admins alone', async (t) => {
        const server = await serverFor(t), org = await server.org('acme');
        const anna = await hire(org, 'Anna'), boss = await hire(org, 'Boss', 'owner');
        assert.equal((await org.anonymous.getOk('/api/bootloader')).config.enabled, true);
        assertError(await anna.request('PATCH', '/organization', { body: { widgetEnabled: false } }), 403, 'right_forbidden');
        const set = (body) => boss.request('PATCH', '/organization', { body });
        assert.deepEqual([(await set({ widgetEnabled: false })).json.widgetEnabled, (await anna.getOk('/organization')).writeEnabled], [false, true]);
        assert.equal((await org.anonymous.getOk('/api/bootloader')).config.enabled, false);
        await org.visitor().converse(); // the widget alone is off
        assert.equal((await set({ widgetEnabled: true, writeEnabled: false })).json.writeEnabled, false);
        assertError(await org.visitor().post('/conversations'), 503, 'writes_disabled');
        await change(boss, await org.agent.converse(), { status: 'resolved' });
        for (const body of [{ writeEnabled: 1 }, { widgetEnabled: 'off' }]) assertError(await set(body), 400, 'invalid_field');
        const shown = JSON.parse(await server.cliOk('org', 'show', 'acme', '--format', 'json'));
        assert.deepEqual([shown.writeEnabled, shown.widgetEnabled, shown.blockedAnswer], [false, true, 'silence']);
    });
});
