/* Ids of the old stack: what was imported is reached by them as by its own id, by whoever may reach it and by nobody else. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, after, describe } from 'node:test';

import { freshVisitorKey, startServer } from './server.mjs';
import { assertId, NOBODY } from './shapes.mjs';
import { Wire, requestBytes } from './raw.mjs';

const OLD = '1770313654000-ab12cd34e';
const OLD_VISITOR = 'visitor-7';

let server, shop, rival, owner, other;

async function organizationId(key) {
    return JSON.parse(await server.cliOk('org', 'show', key, '--format', 'json')).id;
}

async function imported(rows) {
    const directory = join(server.directory, `import-${Math.random().toString(36).slice(2)}`);
    mkdirSync(directory);
    for (const [table, objects] of Object.entries(rows)) {
        writeFileSync(join(directory, `${table}.ndjson`), objects.map((object) => JSON.stringify(object) + '\n').join(''));
    }
    await server.cliOk('import', directory);
}

/** What the old stack had: a visitor, and a conversation of two messages. */
function oldRows(orgId, visitorKey, visitorId, conversationId) {
    const [first, last] = ['2026-02-05 17:47:34.000', '2026-02-05 17:50:00.000'];
    const message = (id, role, content, timestamp) => ({ id, conversationId, orgId, role, content, timestamp });
    return {
        visitors: [{ id: visitorId, orgId, visitorKey, firstSeenAt: first, lastSeenAt: last, userAgent: null, createdAt: first, updatedAt: last }],
        conversations: [{ id: conversationId, orgId, visitorId, createdAt: first, updatedAt: last }],
        messages: [message(`${conversationId}-1`, 'user', 'an old question', first), message(`${conversationId}-2`, 'assistant', 'an old answer', last)],
    };
}

before(async () => {
    server = await startServer();
    shop = await server.org('shop');
    rival = await server.org('rival');
    owner = shop.visitor();
    other = shop.visitor();
    await imported(oldRows(await organizationId('shop'), owner.key, OLD_VISITOR, OLD));
    await other.converse();
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

describe('an id of the old stack', () => {
    test('shows its conversation to its visitor and to the organisation, under the id that it has now', async () => {
        for (const caller of [owner, shop.agent]) {
            const conversation = await caller.getOk(`/conversations/${OLD}`);
            assertId(conversation.id);
            assert.deepEqual(conversation, await caller.getOk(`/conversations/${conversation.id}`));
            assert.deepEqual(conversation.messages.map((message) => message.content), ['an old question', 'an old answer']);
            assert.equal(conversation.updatedAt, '2026-02-05T17:50:00.000Z');
            assert.equal((await caller.request('HEAD', `/conversations/${OLD}`)).status, 200);
            const rest = await caller.getOk(`/conversations/${OLD}?after=${conversation.messages[0].seq}&limit=1`);
            assert.deepEqual(rest.messages, conversation.messages.slice(1));
        }
        assert.deepEqual((await owner.pages('/conversations', 'conversations')).map((item) => item.messageCount), [2]);
    });

    test('takes messages for its conversation, once for a clientId', async () => {
        const { id } = await owner.getOk(`/conversations/${OLD}`);
        const message = await owner.say(OLD, 'a new question', { clientId: 'once' });
        assert.equal(message.conversationId, id);
        const again = await owner.post(`/conversations/${id}/messages`, { role: 'user', content: 'a new question', clientId: 'once' });
        assert.deepEqual([again.status, again.json], [200, message]);
        const answer = await shop.agent.say(OLD, 'a new answer', { role: 'assistant' });
        const { messages } = await owner.getOk(`/conversations/${OLD}`);
        assert.deepEqual(messages.slice(-2), [message, answer]);
    });

    test('shows its visitor to the organisation', async () => {
        const visitor = await shop.agent.getOk(`/visitors/${OLD_VISITOR}`);
        assertId(visitor.id);
        assert.equal(visitor.visitorKey, owner.key);
        assert.deepEqual(visitor, await shop.agent.getOk(`/visitors/${visitor.id}`));
        assert.equal((await owner.getOk(`/conversations/${OLD}`)).visitorId, visitor.id);
    });

    test('gives everybody else the same 404 as an id that nothing has, byte for byte', async () => {
        const bytesOf = async (caller, method, path, body) => {
            const wire = await Wire.connect(server.port);
            const headers = { ...caller.headers, ...(body ? { 'Content-Type': 'application/json' } : {}) };
            const answer = await wire.send(requestBytes(method, path, headers, body)).answer({ head: method === 'HEAD' });
            wire.vanish();
            return answer.whole.toString('latin1').replace(/^date: .*\r\n/im, '');
        };
        const { messageCount } = await owner.getOk(`/conversations/${OLD}`);
        const say = JSON.stringify({ role: 'user', content: 'x' });
        const strangers = [other, shop.visitor(), shop.anonymous, rival.visitor(owner.key), rival.agent, rival.anonymous];
        for (const caller of strangers)
            for (const [method, suffix, body] of [['GET', ''], ['HEAD', ''], ['POST', '/messages', say]]) {
                const seen = await bytesOf(caller, method, `/conversations/${OLD}${suffix}`, body);
                assert.match(seen, /^HTTP\/1\.1 404 /);
                assert.equal(seen, await bytesOf(caller, method, `/conversations/${NOBODY}${suffix}`, body));
            }
        assert.equal(await bytesOf(rival.agent, 'GET', `/visitors/${OLD_VISITOR}`), await bytesOf(rival.agent, 'GET', `/visitors/${NOBODY}`));
        assert.equal((await owner.getOk(`/conversations/${OLD}`)).messageCount, messageCount, 'somebody else wrote');
    });

    test('leads nowhere when it is another’s, or no such text at all', async () => {
        const long = 'x'.repeat(65);
        for (const text of [OLD_VISITOR, `${OLD}x`, OLD.slice(0, -1), OLD.toUpperCase(), long, '%20', '%C3%A9', 'a%2Fb']) {
            assert.equal((await shop.agent.get(`/conversations/${text}`)).status, 404, text);
            assert.equal((await shop.agent.post(`/conversations/${text}/messages`, { role: 'user', content: 'x' })).status, 404, text);
        }
        for (const text of [OLD, `${OLD_VISITOR}x`, long, '%20']) assert.equal((await shop.agent.get(`/visitors/${text}`)).status, 404, text);
    });

    test('is each organisation’s own', async () => {
        const visitor = rival.visitor();
        await imported(oldRows(await organizationId('rival'), visitor.key, OLD_VISITOR, OLD));
        const [ours, theirs] = [await owner.getOk(`/conversations/${OLD}`), await visitor.getOk(`/conversations/${OLD}`)];
        assert.notEqual(ours.id, theirs.id);
        assert.notEqual(ours.visitorId, theirs.visitorId);
        assert.equal(theirs.messageCount, 2);
        assert.equal((await rival.agent.getOk(`/visitors/${OLD_VISITOR}`)).visitorKey, visitor.key);
    });
});

test('a visitor who was here before the import is one with the imported one, under each of its ids', async () => {
    const visitor = shop.visitor(freshVisitorKey());
    const here = await visitor.converse();
    const { visitorId } = await visitor.getOk(`/conversations/${here}`);
    const [oldId, oldConversation] = ['cjld2cjxh0000qzrmn831i7rn', '1770313654000-before'];
    await imported(oldRows(await organizationId('shop'), visitor.key, oldId, oldConversation));
    assert.equal((await visitor.getOk(`/conversations/${oldConversation}`)).visitorId, visitorId);
    assert.deepEqual(new Set((await visitor.pages('/conversations', 'conversations')).map((item) => item.visitorId)), new Set([visitorId]));
    for (const id of [oldId, visitorId]) {
        const seen = await shop.agent.getOk(`/visitors/${id}`);
        assert.deepEqual([seen.id, seen.conversationCount, seen.firstSeenAt], [visitorId, 2, '2026-02-05T17:47:34.000Z']);
    }
    assert.equal((await rival.agent.get(`/visitors/${oldId}`)).status, 404);
});
