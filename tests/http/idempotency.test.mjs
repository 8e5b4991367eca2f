/* A client that does not know whether its request arrived may send it again: Idempotency-Key for conversations, clientId for messages. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { before, after, describe } from 'node:test';

import { startServer } from './server.mjs';
import { assertError } from './shapes.mjs';

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

const freshKey = () => randomBytes(12).toString('base64url');

describe('Idempotency-Key', () => {
    test('the same key from the same visitor gives the first answer again, with 200', async () => {
        const [visitor, key] = [org.visitor(), freshKey()];
        const first = await visitor.post('/conversations', undefined, { 'idempotency-key': key });
        assert.equal(first.status, 201);
        for (let i = 0; i < 3; i++) {
            const again = await visitor.post('/conversations', '{}', { 'idempotency-key': key });
            assert.equal(again.status, 200);
            assert.equal(again.text, first.text);
        }
        assert.equal((await org.seen(visitor.key)).conversationCount, 1);
    });

    test('also after the conversation has changed', async () => {
        const [visitor, key] = [org.visitor(), freshKey()];
        const first = await visitor.post('/conversations', undefined, { 'idempotency-key': key });
        await visitor.say(first.json.id, 'x');
        assert.equal((await visitor.post('/conversations', undefined, { 'idempotency-key': key })).text, first.text);
    });

    test('another key, and no key, give a new conversation', async () => {
        const visitor = org.visitor();
        const made = new Set();
        for (const headers of [{ 'idempotency-key': freshKey() }, { 'idempotency-key': freshKey() }, {}, {}]) made.add(await visitor.converse(headers));
        assert.equal(made.size, 4);
    });

    test('another visitor, the organisation, nobody and another organisation each have their own', async () => {
        const key = freshKey();
        const other = await server.org();
        const visitor = org.visitor();
        const callers = [visitor, org.visitor(), org.agent, org.anonymous, other.visitor(visitor.key), other.agent, other.anonymous];
        const made = new Map();
        for (const caller of callers) {
            const answer = await caller.post('/conversations', undefined, { 'idempotency-key': key });
            assert.equal(answer.status, 201, 'somebody else’s answer was given');
            made.set(answer.json.id, caller);
        }
        assert.equal(made.size, callers.length);
        for (const caller of [visitor, org.agent, other.agent]) {
            const again = await caller.post('/conversations', undefined, { 'idempotency-key': key });
            assert.equal(again.status, 200);
            assert.equal(made.get(again.json.id), caller);
        }
    });

    test('keys are told apart by case, by length and by every visible character', async () => {
        const visitor = org.visitor();
        const base = freshKey().slice(0, 10);
        const keys = [base, base.toUpperCase() + 'a', base.toLowerCase() + 'a', `${base}!`, `${base}~`, `"${base}"`, `${base}${'x'.repeat(54)}`, `${base}${'x'.repeat(53)}y`, `${base},${base}`, '!', '~'];
        const made = new Set();
        for (const key of keys) made.add(await visitor.converse({ 'idempotency-key': key }));
        assert.equal(made.size, keys.length);
    });

    test('a key of another form is refused and creates nothing', async () => {
        const visitor = org.visitor();
        for (const key of ['', 'a b', 'x'.repeat(65), 'ü', 'a\tb', '\x7f', 'x'.repeat(1000)]) {
            const answer = await visitor.post('/conversations', undefined, { 'idempotency-key': Buffer.from(key).toString('latin1') }).catch((error) => error);
            if (answer instanceof TypeError) continue; // node:http would not send it; the raw corpus does
            assertError(answer, 400, ['invalid_header', 'bad_request']);
        }
        assert.equal(await org.seen(visitor.key), undefined);
    });

    test('64 requests with one key at once make one conversation', async () => {
        for (let round = 0; round < 5; round++) {
            const [visitor, key] = [org.visitor(), freshKey()];
            const answers = await Promise.all(Array.from({ length: 64 }, () => visitor.post('/conversations', undefined, { 'idempotency-key': key })));
            assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
            assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
            assert.equal(answers.filter((answer) => answer.status === 200).length, 63);
            assert.equal((await org.seen(visitor.key)).conversationCount, 1);
        }
    });

    test('is remembered across a restart', async (t) => {
        const mine = await startServer();
        t.after(() => mine.remove());
        const shop = await mine.org();
        const [visitor, key] = [shop.visitor(), freshKey()];
        const first = await visitor.post('/conversations', undefined, { 'idempotency-key': key });
        await mine.stop();
        const again = await startServer({ directory: mine.directory });
        const answer = await again.adopt(shop).visitor(visitor.key).post('/conversations', undefined, { 'idempotency-key': key });
        assert.equal(answer.status, 200);
        assert.equal(answer.text, first.text);
        await again.check();
        await again.stop();
    });
});

describe('clientId', () => {
    test('the same clientId in a conversation gives the same message again, with 200, and stores nothing', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const body = { role: 'user', content: 'once', clientId: freshKey() };
        const first = await visitor.post(`/conversations/${id}/messages`, body);
        assert.equal(first.status, 201);
        await visitor.say(id, 'in between');
        for (const again of [body, { ...body, content: 'changed' }]) {
            const answer = await visitor.post(`/conversations/${id}/messages`, again);
            assert.equal(answer.status, 200);
            assert.deepEqual(answer.json, first.json);
        }
        const read = await visitor.getOk(`/conversations/${id}`);
        assert.deepEqual(read.messages.map((message) => message.content), ['once', 'in between']);
        assert.equal(read.messageCount, 2);
    });

    test('the same clientId in another conversation is independent', async () => {
        const visitor = org.visitor();
        const clientId = freshKey();
        const other = await server.org();
        const stranger = other.visitor(visitor.key);
        const said = [];
        for (const caller of [visitor, visitor, stranger]) said.push(await caller.say(await caller.converse(), 'x', { clientId }));
        assert.equal(new Set(said.map((message) => message.id)).size, 3);
    });

    test('a message without one has none: not in answers, not in SQL, and the same again is another message', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const said = [await visitor.say(id, 'x'), await visitor.say(id, 'x'), await visitor.say(id, 'x', { clientId: 'given' })];
        assert.equal(new Set(said.map((message) => message.id)).size, said.length);
        for (const messages of [said, (await visitor.getOk(`/conversations/${id}`)).messages]) {
            assert.deepEqual(messages.map((message) => 'clientId' in message), [false, false, true]);
            assert.equal(messages[2].clientId, 'given');
        }
        const query = `SELECT "clientId" FROM messages WHERE "conversationId" = '${id}' ORDER BY seq`;
        const rows = JSON.parse(await server.cliOk('dump', 'sql', '--format', 'json', query));
        assert.deepEqual(rows.map((row) => row.clientId), [null, null, 'given']);
    });

    test('64 posts of one clientId at once store one message', async () => {
        const visitor = org.visitor();
        for (let round = 0; round < 5; round++) {
            const id = await visitor.converse();
            const body = { role: 'user', content: `round ${round}`, clientId: freshKey() };
            const answers = await Promise.all(Array.from({ length: 64 }, () => visitor.post(`/conversations/${id}/messages`, body)));
            assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
            assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
            assert.equal((await visitor.getOk(`/conversations/${id}`)).messageCount, 1);
        }
    });

    test('a clientId cannot be used to read a message of a conversation that is not yours', async () => {
        const [owner, thief] = [org.visitor(), org.visitor()];
        const id = await owner.converse();
        const clientId = freshKey();
        await owner.say(id, 'secret', { clientId });
        await thief.converse();
        const answer = await thief.post(`/conversations/${id}/messages`, { role: 'user', content: 'x', clientId });
        assertError(answer, 404, 'not_found');
    });
});
