/* POST /conversations, GET /conversations, GET /conversations/:id: what their callers are promised. */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { freshVisitorKey, startServer } from './server.mjs';
import { assertConversation, assertError, assertId, assertListed, assertMessage, assertOwn, assertTime, NOBODY } from './shapes.mjs';

let server, org;
before(async () => {
    server = await startServer();
    org = await server.org('acme');
});
after(async () => {
    await server.stop();
    server.remove();
});

describe('creating a conversation', () => {
    test('answers 201 with the id and the time of creation, and nothing else', async () => {
        const answer = await org.visitor().post('/conversations');
        assert.equal(answer.status, 201);
        assert.match(answer.headers['content-type'], /^application\/json/);
        assert.deepEqual(Object.keys(answer.json).sort(), ['createdAt', 'id']);
        assertId(answer.json.id);
        assertTime(answer.json.createdAt);
        assert.ok(Math.abs(Date.now() - Date.parse(answer.json.createdAt)) < 600_000, 'the time is not now');
    });

    test('links the conversation to its visitor, who is made at the first one and reused at the next', async () => {
        const visitor = org.visitor();
        const first = await visitor.converse();
        const second = await visitor.converse();
        const [a, b] = [await visitor.getOk(`/conversations/${first}`), await visitor.getOk(`/conversations/${second}`)];
        assertId(a.visitorId);
        assert.equal(a.visitorId, b.visitorId);
        const seen = await org.seen(visitor.key);
        assert.equal(seen.id, a.visitorId);
        assert.equal(seen.conversationCount, 2);
    });

    test('gives another visitor another identity', async () => {
        const [one, two] = [org.visitor(), org.visitor()];
        const a = await one.getOk(`/conversations/${await one.converse()}`);
        const b = await two.getOk(`/conversations/${await two.converse()}`);
        assert.notEqual(a.visitorId, b.visitorId);
    });

    test('without x-visitor-id leaves visitorId null and creates no visitor', async () => {
        const earlier = (await server.counts()).visitors;
        const id = await org.anonymous.converse();
        assert.equal((await org.anonymous.getOk(`/conversations/${id}`)).visitorId, null);
        assert.equal((await server.counts()).visitors, earlier);
    });

    test('takes an absent body, an empty one or JSON, with or without a Content-Type', async () => {
        const visitor = org.visitor();
        const ways = [
            { body: undefined },
            { body: '' },
            { body: '', headers: { 'content-type': null } },
            { body: undefined, headers: { 'content-type': 'application/json' } },
            { body: '{}' },
            { body: '{}', headers: { 'content-type': null } },
            { body: '{"anything":[1,2,{"x":null}]}' },
            { body: '{}', headers: { 'content-type': 'application/json; charset=utf-8' } },
            { body: '{}', headers: { 'content-type': 'application/json;charset=UTF-8' } },
            { body: '{}', headers: { 'content-type': 'Application/JSON' } },
            { body: ' \r\n\t{ } \n' },
        ];
        for (const way of ways) {
            const answer = await visitor.request('POST', '/conversations', way);
            assert.equal(answer.status, 201, `${JSON.stringify(way)}: ${answer.text}`);
        }
        assert.equal((await org.seen(visitor.key)).conversationCount, ways.length);
    });

    test("works from a browser's fetch, with and without a body", async () => {
        const headers = { 'x-org-key': org.key, 'x-visitor-id': freshVisitorKey() };
        for (const init of [{}, { body: '' }, { body: '{}', headers: { 'content-type': 'application/json' } }]) {
            const answer = await fetch(`${server.url}/conversations`, {
                method: 'POST',
                ...init,
                headers: { ...headers, ...init.headers },
            });
            assert.equal(answer.status, 201, await answer.clone().text());
            assertId((await answer.json()).id);
        }
    });

    test('refuses a body that is not JSON, and creates nothing', async () => {
        const visitor = org.visitor();
        for (const body of ['nonsense', '{', '{"a":1}x', "{'a':1}", '\ufeff{}', '{"a":1,"a":2}', Buffer.from([0x7b, 0xff, 0x7d])]) {
            assertError(await visitor.post('/conversations', body), 400, 'invalid_json');
        }
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/json']) {
            assertError(await visitor.post('/conversations', '{}', { 'content-type': type }), 415, 'unsupported_media_type');
        }
        assert.equal(await org.seen(visitor.key), undefined);
    });

    test('x-site-id is another name for x-org-key', async () => {
        const headers = { 'x-org-key': undefined, 'x-site-id': org.key };
        const id = await org.visitor().with(headers).converse();
        assert.equal((await org.agent.getOk(`/conversations/${id}`)).id, id);
        await org.visitor().with({ 'x-site-id': org.key }).converse();
        assertError(await org.visitor().with({ 'x-site-id': 'another' }).post('/conversations'), 400, 'invalid_header');
    });

    test('a token may create a conversation too', async () => {
        const id = await org.agent.converse();
        assert.equal((await org.agent.getOk(`/conversations/${id}`)).visitorId, null);
    });

    test('visitor keys of every allowed form work', async () => {
        const base = freshVisitorKey();
        const keys = [`v_${base.slice(-1)}`, `v_${'x'.repeat(78)}`, 'v_A.b-C_9', 'v_..', 'v_-', 'v___', `${base}.-_Z`];
        for (const key of keys) {
            const visitor = org.visitor(key);
            const id = await visitor.converse();
            assert.equal((await visitor.getOk(`/conversations/${id}`)).id, id);
        }
        const seen = (await org.agent.pages('/visitors', 'visitors')).map((visitor) => visitor.visitorKey);
        for (const key of keys) assert.ok(seen.includes(key), `no visitor ${key}`);
    });

    test('visitor keys are told apart by case and by every character', async () => {
        const base = freshVisitorKey();
        const keys = [`${base}a`, `${base}A`, `${base}a.`, `${base}a-`, `${base}a_`, `${base}`];
        const ids = new Set();
        for (const key of keys) {
            const visitor = org.visitor(key);
            ids.add((await visitor.getOk(`/conversations/${await visitor.converse()}`)).visitorId);
        }
        assert.equal(ids.size, keys.length);
    });

    test('a visitor key of another form is refused with a sentence and changes nothing', async () => {
        const earlier = await server.counts();
        const bad = ['', 'v_', 'x_abc', 'V_abc', 'vabc', 'v_a b', 'v_a/b', 'v_ä', 'v_a,v_b', `v_${'x'.repeat(79)}`, 'v_a%20', 'v_a;b', 'v_"a"'];
        for (const key of bad) {
            for (const [method, path] of [['POST', '/conversations'], ['GET', '/conversations'], ['GET', '/api/bootloader']]) {
                const answer = await org.anonymous.request(method, path, { headers: { 'x-visitor-id': Buffer.from(key).toString('latin1') } });
                const { error } = assertError(answer, 400, 'invalid_header', /x-visitor-id/);
                if (key.length > 8) assert.ok(!error.includes(key), 'the sentence repeats the key');
            }
        }
        assert.deepEqual(await server.counts(), earlier);
    });

    test('an organisation key that is missing or unknown gets 401, a malformed one an error, and nothing is created', async () => {
        const earlier = await server.counts();
        for (const key of [undefined, 'nobody', org.key.toUpperCase(), `${org.key}x`, org.key.slice(1)]) {
            assertError(await org.visitor().with({ 'x-org-key': key }).post('/conversations'), 401, 'org_unknown');
        }
        for (const key of ['', 'a b', 'x'.repeat(65), 'a/b', '*']) {
            const answer = await org.visitor().with({ 'x-org-key': key }).post('/conversations');
            assertError(answer, [400, 401], ['invalid_header', 'org_unknown']);
        }
        assert.deepEqual(await server.counts(), earlier);
    });
});

describe('reading one conversation', () => {
    test('gives its messages in order with all their members', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const empty = await visitor.getOk(`/conversations/${id}`);
        assertConversation(empty);
        assert.deepEqual(empty.messages, []);
        assert.equal(empty.messageCount, 0);
        assert.equal(empty.lastMessage, null);
        assert.equal(empty.hasMore, false);

        const said = [];
        for (let i = 0; i < 5; i++) {
            const caller = i % 2 ? org.agent : visitor;
            said.push(await caller.say(id, `message ${i}`, { role: i % 2 ? 'assistant' : 'user' }));
        }
        for (const caller of [visitor, org.agent]) {
            const conversation = await caller.getOk(`/conversations/${id}`);
            assertConversation(conversation);
            assert.deepEqual(conversation.messages, said);
            assert.equal(conversation.messageCount, 5);
            assert.deepEqual(conversation.lastMessage, said.at(-1));
            assert.equal(conversation.updatedAt, said.at(-1).timestamp);
            assert.equal(conversation.createdAt, empty.createdAt);
        }
    });

    test('?after= gives only later messages, ?limit= the first of them, and hasMore tells the rest', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const said = [];
        for (let i = 0; i < 7; i++) said.push(await visitor.say(id, `m${i}`));

        const read = (query) => visitor.getOk(`/conversations/${id}${query}`);
        assert.deepEqual((await read(`?after=${said[2].seq}`)).messages, said.slice(3));
        assert.deepEqual((await read(`?after=${said[6].seq}`)).messages, []);
        assert.deepEqual((await read('?after=0')).messages, said);
        assert.deepEqual((await read(`?after=${said[1].seq + 0}&limit=2`)).messages, said.slice(2, 4));
        assert.deepEqual((await read(`?after=${Number.MAX_SAFE_INTEGER}`)).messages, []);
        assert.equal((await read('?limit=6')).hasMore, true);
        assert.equal((await read('?limit=7')).hasMore, false);
        assert.equal((await read('?limit=1000')).hasMore, false);
        assert.equal((await read(`?after=${said[0].seq}&limit=5`)).hasMore, true);
        assert.equal((await read('?limit=1')).messageCount, 7, 'messageCount counts all messages, not the page');

        const walked = [];
        for (let page, after = 0; (page = await read(`?after=${after}&limit=3`)); after = page.messages.at(-1).seq) {
            walked.push(...page.messages);
            if (!page.hasMore) break;
        }
        assert.deepEqual(walked, said);
    });

    test('?before= gives the last messages before, in order, and hasMore tells whether there are earlier ones', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        await org.visitor().say(await org.anonymous.converse(), 'a neighbour');
        const said = [];
        for (let i = 0; i < 7; i++) said.push(await visitor.say(id, `m${i}`, { clientId: `c${i}` }));
        await org.visitor().say(await org.anonymous.converse(), 'a neighbour');

        const read = async (query) => {
            const answer = await visitor.getOk(`/conversations/${id}${query}`);
            assertConversation(answer);
            return [answer.messages, answer.hasMore];
        };
        const end = Number.MAX_SAFE_INTEGER;
        assert.deepEqual(await read(`?before=${end}`), [said, false]);
        assert.deepEqual(await read('?before=9223372036854775807'), [said, false]);
        assert.deepEqual(await read(`?before=${end}&limit=3`), [said.slice(4), true]);
        assert.deepEqual(await read(`?before=${end}&limit=7`), [said, false]);
        assert.deepEqual(await read(`?before=${end}&limit=6`), [said.slice(1), true]);
        assert.deepEqual(await read(`?before=${said[4].seq}&limit=2`), [said.slice(2, 4), true]);
        assert.deepEqual(await read(`?before=${said[4].seq}&limit=4`), [said.slice(0, 4), false]);
        assert.deepEqual(await read(`?before=${said[0].seq}`), [[], false]);
        assert.deepEqual(await read('?before=1'), [[], false]);
        assert.deepEqual(await read(`?limit=1&before=${said[0].seq + 1}`), [[said[0]], false]);
        const empty = await visitor.converse();
        assert.deepEqual((await visitor.getOk(`/conversations/${empty}?before=${end}`)).messages, []);
    });

    test('?before= and ?after= exclude each other', async () => {
        const id = await org.anonymous.converse();
        for (const query of ['before=5&after=1', 'after=0&before=1', 'before=1&after=0&limit=2'])
            assertError(await org.anonymous.get(`/conversations/${id}?${query}`), 400, 'invalid_query', /"after" and "before" exclude/);
    });

    test('walking back meets every message once, long ones too', async () => {
        const id = await org.anonymous.converse();
        const texts = Array.from({ length: 75 }, (_, i) => `${i} ${'ü\n'.repeat(i % 2 ? 10_900 : 1)}`);
        for (const text of texts) await org.anonymous.say(id, text);
        const walked = [];
        let pages = 0;
        for (let before = Number.MAX_SAFE_INTEGER; ; ++pages) {
            const page = await org.anonymous.getOk(`/conversations/${id}?before=${before}&limit=1000`);
            assertConversation(page);
            assert.ok(page.messages.length > 0, 'an empty page in the middle');
            walked.unshift(...page.messages.map((message) => message.content));
            before = page.messages[0].seq;
            if (!page.hasMore) break;
        }
        assert.deepEqual(walked, texts);
        assert.ok(pages > 0, 'one page took it all, so nothing ended early');
    });

    test('a message comes with the clientId that its sender gave it, and without one where none was given', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const ids = ['!', '~'.repeat(64), '"\\</script>', 'cjld2cjxh0000qzrmn831i7rn', undefined];
        for (const clientId of ids) assert.equal((await visitor.say(id, 'x', { clientId })).clientId, clientId);
        for (const query of ['', '?before=9007199254740991']) {
            const { messages, lastMessage } = await org.agent.getOk(`/conversations/${id}${query}`);
            assert.deepEqual(messages.map((message) => message.clientId), ids);
            assert.ok(!('clientId' in lastMessage));
        }
    });

    test('a long conversation comes in pages of 200, completely', async () => {
        const id = await org.anonymous.converse();
        await Promise.all(Array.from({ length: 450 }, (_, i) => org.anonymous.say(id, `message number ${i}`)));
        const first = await org.anonymous.getOk(`/conversations/${id}`);
        assertConversation(first);
        assert.equal(first.messages.length, 200);
        assert.equal(first.hasMore, true);
        assert.equal(first.messageCount, 450);
        const second = await org.anonymous.getOk(`/conversations/${id}?after=${first.messages.at(-1).seq}`);
        const third = await org.anonymous.getOk(`/conversations/${id}?after=${second.messages.at(-1).seq}`);
        assert.equal(third.hasMore, false);
        const all = [...first.messages, ...second.messages, ...third.messages].map((message) => message.content);
        assert.equal(new Set(all).size, 450);
        const whole = await org.anonymous.getOk(`/conversations/${id}?limit=1000`);
        assert.deepEqual(whole.messages.map((message) => message.content), all);
    });

    test('long messages end a page early, and none is missed', async () => {
        const id = await org.anonymous.converse();
        const long = 'ü'.repeat(16384);
        for (let i = 0; i < 70; i++) await org.anonymous.say(id, long.slice(0, -4) + String(i).padStart(4, '0'));
        const seen = [];
        for (let after = 0; ; ) {
            const page = await org.anonymous.getOk(`/conversations/${id}?limit=1000&after=${after}`);
            assert.ok(page.messages.length > 0, 'an empty page in the middle');
            seen.push(...page.messages.map((message) => Number(message.content.slice(-4))));
            after = page.messages.at(-1).seq;
            if (!page.hasMore) break;
        }
        assert.deepEqual(seen, Array.from({ length: 70 }, (_, i) => i));
    });

    test('parameters that make no sense get 400 with a sentence naming them', async () => {
        const id = await org.anonymous.converse();
        for (const name of ['limit', 'after', 'before']) {
            const bad = ['', '-1', 'abc', '1.5', '1e2', '0x10', ' 1', '+1', '%31%00', '99999999999999999999999', '१'];
            if (name === 'limit') bad.push('0', '1001');
            if (name === 'before') bad.push('0', '9223372036854775808');
            for (const value of bad) {
                const answer = await org.anonymous.get(`/conversations/${id}?${name}=${encodeURI(value).replaceAll('%25', '%')}`);
                assertError(answer, 400, 'invalid_query', new RegExp(name));
            }
        }
    });

    test('an id that does not exist, or is no id at all, gets 404', async () => {
        for (const id of [NOBODY, 'x', '1', 'c', `${NOBODY}0`, NOBODY.toUpperCase(), NOBODY.slice(1), '..', '%2e%2e', 'c%00', 'null', "';--"]) {
            for (const caller of [org.anonymous, org.visitor(), org.agent]) {
                const answer = await caller.get(`/conversations/${id}`);
                assertError(answer, id.includes('%') ? [404, 400] : 404);
            }
        }
    });
});

describe('listing conversations', () => {
    test('a visitor sees only their own, newest activity first', async () => {
        const visitor = org.visitor();
        assert.deepEqual(await visitor.getOk('/conversations'), { conversations: [], next: null });
        const ids = [await visitor.converse(), await visitor.converse(), await visitor.converse()];
        await org.visitor().converse();
        await org.anonymous.converse();
        const said = await visitor.say(ids[0], 'this one moves to the top');

        const list = await visitor.getOk('/conversations');
        assert.deepEqual(Object.keys(list).sort(), ['conversations', 'next']);
        list.conversations.forEach(assertOwn);
        assert.deepEqual(list.conversations.map((conversation) => conversation.id), [ids[0], ids[2], ids[1]]);
        assert.deepEqual(list.conversations[0].lastMessage, said);
        assert.equal(list.conversations[0].messageCount, 1);
        assert.equal(list.conversations[0].updatedAt, said.timestamp);
        assert.equal(new Set(list.conversations.map((conversation) => conversation.visitorId)).size, 1);
        assert.equal(list.next, null);
    });

    test('a token sees all of its organisation, newest activity first', async () => {
        const quiet = await server.org();
        const callers = [quiet.visitor(), quiet.visitor(), quiet.anonymous, quiet.agent];
        const ids = [];
        for (const caller of callers) ids.push(await caller.converse());
        await org.visitor().converse();
        const said = await quiet.agent.say(ids[1], 'hello', { role: 'assistant' });
        const { conversations } = await quiet.agent.getOk('/conversations');
        conversations.forEach(assertListed);
        assert.deepEqual(conversations.map((conversation) => conversation.id), [ids[1], ids[3], ids[2], ids[0]]);
        assertMessage(conversations[0].lastMessage);
        assert.deepEqual(conversations[0].lastMessage, said);
    });

    test('needs a visitor or a token', async () => {
        assertError(await org.anonymous.get('/conversations'), 401, 'caller_required');
    });

    test('a wrong token is refused even when a visitor is named', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const [, secret] = /^hvt_[^_]+_(.+)$/.exec(org.token);
        const flipped = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A');
        const tokens = ['hvt_x', 'x', org.token.slice(0, -1), `${org.token}x`, org.token.replace(secret, flipped), org.token.toUpperCase()];
        for (const token of tokens) {
            for (const path of ['/conversations', `/conversations/${id}`, '/visitors']) {
                assertError(await visitor.with({ authorization: `Bearer ${token}` }).get(path), 401, 'token_invalid');
            }
        }
        for (const authorization of ['Bearer', 'Bearer ', `Basic ${org.token}`, org.token, `Bearer  ${org.token} x`]) {
            assertError(await org.anonymous.with({ authorization }).get('/visitors'), [400, 401]);
        }
    });

    test('limit and cursor that make no sense get 400', async () => {
        for (const caller of [org.visitor(), org.agent]) {
            for (const query of ['limit=0', 'limit=101', 'limit=-5', 'limit=ten', 'limit=', 'limit=1.0', 'before=nonsense', 'before=%00', `before=${'9'.repeat(300)}`, 'before=-1', 'before=%ff%fe']) {
                assertError(await caller.get(`/conversations?${query}`), 400, 'invalid_query');
            }
        }
    });
});
