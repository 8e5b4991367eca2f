/*
 * kill -9 under load: what was answered is there, exactly, and the database is clean. HELVINO_KILL_ROUNDS sets the number of
 * rounds (20).
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';

import { startServer } from '../http/server.mjs';
import { load } from '../http/load.mjs';

const ROUNDS = Number(process.env.HELVINO_KILL_ROUNDS ?? 20);
const CONNECTIONS = 32;
const KEYS = Array.from({ length: 40 }, (_, n) => `v_kill-${n}`);

/** Writes on every connection until the server is gone; gives what was answered and what was asked without an answer. */
async function writeUntilKilled(server, org, round) {
    const kept = [];
    const open = [];
    const killAt = randomInt(300, 1500);
    let answers = 0;
    const count = () => {
        if (++answers === killAt) server.signal('SIGKILL');
    };
    await load(server.port, CONNECTIONS, { 'X-Org-Key': org.key }, async (client, number) => {
        for (let n = 0; ; n++) {
            const key = KEYS[(number + n) % KEYS.length];
            const idempotency = `r${round}-${number}-${n}`;
            const created = await client.post('/conversations', undefined, { 'X-Visitor-Id': key, 'Idempotency-Key': idempotency }).catch(() => null);
            if (!created) return open.push({ key, idempotency });
            assert.equal(created.status, 201, created.text);
            const conversation = { key, idempotency, text: created.text, ...created.json, messages: [] };
            kept.push(conversation);
            count();
            for (let m = 0; m < 3; m++) {
                const body = { role: 'user', content: `${idempotency}/${m} — “${'é😀'.repeat(m * 20)}”\r\n`, clientId: `m${m}` };
                const said = await client.post(`/conversations/${conversation.id}/messages`, body, { 'X-Visitor-Id': key }).catch(() => null);
                if (!said) return (conversation.open = body);
                assert.equal(said.status, 201, said.text);
                assert.equal(said.json.content, body.content);
                conversation.messages.push(said.json);
                count();
            }
        }
    });
    await server.ended();
    return { kept, open };
}

async function verify(server, org, conversations) {
    const rest = [...conversations];
    await load(server.port, 8, { 'X-Org-Key': org.key, Authorization: `Bearer ${org.token}` }, async (client) => {
        for (let conversation; (conversation = rest.pop()); ) {
            const answer = await client.get(`/conversations/${conversation.id}`);
            assert.equal(answer?.status, 200, `an answered conversation is gone: ${answer?.text}`);
            const stored = answer.json;
            assert.equal(stored.createdAt, conversation.createdAt);
            assert.deepEqual(stored.messages.slice(0, conversation.messages.length), conversation.messages);
            const extra = stored.messages.slice(conversation.messages.length);
            assert.ok(extra.length <= (conversation.open ? 1 : 0), 'a message that nobody sent');
            if (extra.length) assert.equal(extra[0].content, conversation.open.content);
        }
    });
}

test(`${ROUNDS} times kill -9 under load from ${CONNECTIONS} connections: everything answered is there, and check is clean`, async (t) => {
    let server = await startServer();
    t.after(async () => {
        if (!server.exited) await server.kill();
        server.remove();
    });
    const org = await server.org();
    const all = [];
    let lastSeq = 0;
    for (let round = 0; round < ROUNDS; round++) {
        const { kept, open } = await writeUntilKilled(server, org, round);
        server = await startServer({ directory: server.directory });
        await server.check();
        await verify(server, org, kept);

        // Whoever got no answer asks again, and nothing is there twice.
        for (const { key, idempotency } of open) {
            const again = await server.adopt(org).visitor(key).post('/conversations', undefined, { 'idempotency-key': idempotency });
            assert.ok([200, 201].includes(again.status), again.text);
            kept.push({ key, idempotency, text: again.text, ...again.json, messages: [] });
        }
        for (const conversation of kept.slice(-CONNECTIONS)) {
            const visitor = server.adopt(org).visitor(conversation.key);
            const again = await visitor.post('/conversations', undefined, { 'idempotency-key': conversation.idempotency });
            assert.equal(again.status, 200);
            assert.equal(again.text, conversation.text, 'an Idempotency-Key was forgotten');
        }
        for (const conversation of kept.filter((conversation) => conversation.open)) {
            const visitor = server.adopt(org).visitor(conversation.key);
            const said = await visitor.post(`/conversations/${conversation.id}/messages`, conversation.open);
            assert.ok([200, 201].includes(said.status), said.text);
            conversation.messages.push(said.json);
            delete conversation.open;
            assert.ok(said.json.seq > 0);
        }
        for (const conversation of kept) for (const message of conversation.messages) lastSeq = Math.max(lastSeq, message.seq);
        all.push(...kept);
    }
    await verify(server, org, all);
    const listed = await server.adopt(org).agent.pages('/conversations', 'conversations');
    assert.deepEqual(new Set(listed.map((item) => item.id)), new Set(all.map((item) => item.id)), 'there is a conversation that nobody made, or one is missing');
    assert.equal(listed.length, all.length);
    for (const visitor of await server.adopt(org).agent.pages('/visitors', 'visitors'))
        assert.equal(visitor.conversationCount, all.filter((item) => item.key === visitor.visitorKey).length);
    assert.ok((await server.adopt(org).anonymous.getOk('/health')).seq >= lastSeq);
    await server.check();
    await server.stop();
});

test('kill -9 while organisations are made, deleted and filled leaves a clean database', async (t) => {
    let server = await startServer();
    t.after(async () => {
        if (!server.exited) await server.kill();
        server.remove();
    });
    const keeper = await server.org('keeper');
    for (let round = 0; round < Math.min(ROUNDS, 5); round++) {
        const doomed = await server.org(`doomed-${round}`);
        await load(server.port, 16, { 'X-Org-Key': doomed.key }, async (client, number) => {
            for (let i = 0; i < 40; i++) {
                const visitor = { 'X-Visitor-Id': `v_${number}-${i}` };
                const created = await client.post('/conversations', undefined, visitor);
                await client.post(`/conversations/${created.json.id}/messages`, { role: 'user', content: 'x'.repeat(500) }, visitor);
            }
        });
        const kept = await server.adopt(keeper).visitor().converse();
        const killAt = randomInt(1, 400);
        let answers = 0;
        const deleting = server.cli('org', 'delete', doomed.key, '--yes');
        await load(server.port, 8, { 'X-Org-Key': keeper.key }, async (client) => {
            while (await client.post('/conversations').catch(() => null)) if (++answers === killAt) server.signal('SIGKILL');
        });
        await server.ended();
        await deleting;
        server = await startServer({ directory: server.directory });
        await server.check();
        assert.equal((await server.adopt(keeper).agent.getOk(`/conversations/${kept}`)).id, kept);
    }
    await server.stop();
});
