/* /visitors/me: what a visitor may ask for and do about itself: be known, see itself, take its data along, be erased. */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { eventually, serverFor, startServer } from './server.mjs';
import { assertError, assertExport, assertReceipt, assertSelf, NOBODY } from './shapes.mjs';

let server, org;
before(async () => {
    server = await startServer();
    org = await server.org('acme', '--name', 'Acme Köln');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

const see = (visitor, body, headers) => visitor.post('/visitors/me', body, headers);
async function seeOk(visitor, body, status = 200) {
    const answer = await see(visitor, body);
    assert.equal(answer.status, status, answer.text);
    assertSelf(answer.json);
    return answer.json;
}
const selfOf = async (visitor) => {
    const self = await visitor.getOk('/visitors/me');
    assertSelf(self);
    return self;
};
const erase = (visitor) => visitor.request('DELETE', '/visitors/me');
/** Every page of the export. */
async function exported(visitor) {
    const pages = [];
    let after = '';
    do {
        const page = await visitor.getOk(`/visitors/me/export${after}`);
        assertExport(page);
        pages.push(page);
        after = page.next === null ? null : `?after=${encodeURIComponent(page.next)}`;
    } while (after !== null);
    return pages;
}
const rows = async (on, query) => JSON.parse(await on.cliOk('dump', 'sql', '--format', 'json', query));

describe('being known', () => {
    test('POST makes a visitor with 201, and knows it again with 200', async () => {
        const visitor = org.visitor();
        assertError(await visitor.get('/visitors/me'), 404, 'not_found');
        const answer = await see(visitor, undefined, { 'user-agent': 'browser/1 "x"' });
        assert.equal(answer.status, 201);
        assertSelf(answer.json);
        assert.equal(answer.json.firstSeenAt, answer.json.lastSeenAt);
        assert.deepEqual([answer.json.email, answer.json.conversationCount, answer.json.unreadCount], [null, 0, 0]);
        assert.equal((await seeOk(visitor)).id, answer.json.id);
        assert.equal((await selfOf(visitor)).id, answer.json.id);
        const seen = await org.seen(visitor.key);
        assert.deepEqual([seen.id, seen.userAgent, seen.email], [answer.json.id, 'browser/1 "x"', null]);
    });

    test('it is the visitor that its conversations have', async () => {
        const visitor = org.visitor();
        const { id } = await seeOk(visitor, '{}', 201);
        assert.equal((await visitor.getOk(`/conversations/${await visitor.converse()}`)).visitorId, id);
        assert.equal((await selfOf(visitor)).conversationCount, 1);
        const other = org.visitor();
        const conversation = await other.converse();
        assert.equal((await seeOk(other)).id, (await other.getOk(`/conversations/${conversation}`)).visitorId);
    });

    test('64 at once make one', async () => {
        const visitor = org.visitor();
        const answers = await Promise.all(Array.from({ length: 64 }, () => see(visitor)));
        assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
        assert.equal(new Set(answers.map((answer) => answer.json.id)).size, 1);
    });

    test('being seen again moves lastSeenAt, and costs few commits however often', async () => {
        const visitor = org.visitor();
        const first = await seeOk(visitor, undefined, 201);
        await eventually(async () => (await seeOk(visitor)).lastSeenAt > first.lastSeenAt, 'lastSeenAt moves');
        const seq = async () => (await org.anonymous.getOk('/health')).seq;
        const [start, began] = [await seq(), Date.now()];
        for (let i = 0; i < 200; i++) await seeOk(visitor);
        const moved = (await seq()) - start;
        assert.ok(moved <= (Date.now() - began) / 1000 + 2, `200 visits moved the log by ${moved}`);
    });

    test('an e-mail address is kept, changed, left alone and forgotten', async () => {
        const visitor = org.visitor();
        assert.equal((await seeOk(visitor, { email: 'Ada@Example.org' }, 201)).email, 'Ada@Example.org');
        assert.equal((await seeOk(visitor)).email, 'Ada@Example.org');
        assert.equal((await seeOk(visitor, { other: 1 })).email, 'Ada@Example.org');
        await visitor.converse();
        assert.equal((await selfOf(visitor)).email, 'Ada@Example.org');
        assert.equal((await org.seen(visitor.key)).email, 'Ada@Example.org');
        assert.equal((await seeOk(visitor, { email: 'ada+2@example.org' })).email, 'ada+2@example.org');
        assert.equal((await seeOk(visitor, { email: null })).email, null);
        assert.equal((await selfOf(visitor)).email, null);
        assert.equal((await org.seen(visitor.key)).email, null);
    });

    test('addresses of many forms are taken as they are', async () => {
        const visitor = org.visitor();
        await seeOk(visitor, undefined, 201);
        const longest = `${'a'.repeat(242)}@example.org`;
        for (const email of ['a@b', "o'brien@x.example", 'jörg@köln.example', '用户@例え.jp', '"q\\\\"@x', 'a@[::1]', '<b>@x', longest]) {
            assert.ok(Buffer.byteLength(email) <= 254);
            assert.equal((await seeOk(visitor, { email })).email, email);
            assert.equal((await selfOf(visitor)).email, email);
        }
    });

    test('what is no address gets a sentence and changes nothing', async () => {
        const visitor = org.visitor();
        const bad = ['', 'a', '@', 'a@', '@b', 'a@b@c', 'a b@c', 'a@b ', ' a@b', 'a@b\n', 'a\t@b', 'a\u007f@b', 'a\u0001@b', `${'a'.repeat(243)}@example.org`, `${'ü'.repeat(127)}@x`, 1, true, [], {}, ['a@b']];
        for (const email of bad) assertError(await see(visitor, { email }), 400, 'invalid_field', /"email" must be an e-mail address of at most 254 bytes, or null/);
        for (const body of ['{', '[]', '"a@b"', '{"email":"a@b","email":"a@c"}', '{"email":"a\\u0000@b"}', Buffer.from([0x7b, 0xff, 0x7d]), '{"email":"\\ud800@b"}']) assertError(await see(visitor, body), 400, 'invalid_json');
        assertError(await see(visitor, 'email=a@b', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'unsupported_media_type');
        assertError(await see(visitor, { email: 'a@b', x: 'x'.repeat(5000) }), 413, 'body_too_large');
        assertError(await visitor.get('/visitors/me'), 404, 'not_found');
        await seeOk(visitor, { email: 'a@b.example' }, 201);
        for (const email of bad) assertError(await see(visitor, { email }), 400, 'invalid_field');
        assert.equal((await selfOf(visitor)).email, 'a@b.example');
    });
});

describe('every route about oneself', () => {
    const routes = [['POST', '/visitors/me'], ['GET', '/visitors/me'], ['GET', '/visitors/me/export'], ['DELETE', '/visitors/me']];

    test('needs x-visitor-id, a token alone is not enough', async () => {
        for (const [method, path] of routes)
            for (const caller of [org.anonymous, org.agent]) assertError(await caller.request(method, path), 401, 'visitor_required');
    });

    test('refuses two keys, and a key of another form', async () => {
        const visitor = org.visitor();
        await seeOk(visitor, undefined, 201);
        for (const [method, path] of routes) {
            for (const keys of [[visitor.key, visitor.key], [visitor.key, 'v_other']])
                assertError(await org.anonymous.request(method, path, { headers: { 'x-visitor-id': keys } }), 400, 'invalid_header', /x-visitor-id is there twice/);
            for (const key of ['', 'v_', 'x', 'v_a b']) assertError(await org.anonymous.request(method, path, { headers: { 'x-visitor-id': key } }), 400, 'invalid_header', /x-visitor-id/);
        }
        await selfOf(visitor);
    });

    test('never repeats the key', async () => {
        const visitor = org.visitor();
        await visitor.converse();
        const answers = [];
        for (const [method, path] of routes) answers.push(await visitor.request(method, path));
        for (const answer of answers) {
            assert.equal(answer.status, 200);
            assert.ok(!(JSON.stringify(answer.rawHeaders) + answer.text).includes(visitor.key));
        }
    });
});

describe('the export', () => {
    test('is everything that was written, exactly, as a file to keep', async () => {
        const visitor = org.visitor();
        const texts = ['Hello', '👩‍👩‍👧 "quoted" \\ back', 'line\nline\r\n\ttab', '\u0001\u001f\u007f', '\\u0000 is only text', '</script><!--', '\u2028\u2029', 'مرحبا', '\ufeffbom', 'e\u0301', '\ud83d\ude00'.repeat(50), ' '];
        const conversations = [];
        for (let i = 0; i < 3; i++) {
            const id = await visitor.converse({ 'user-agent': 'browser/7' });
            for (const [n, text] of texts.entries()) {
                if (n % 3 === 2) await org.agent.say(id, text, { role: 'assistant' });
                else await visitor.say(id, text, { clientId: n % 2 ? undefined : `c${i}-${n}` });
            }
            conversations.unshift(await visitor.getOk(`/conversations/${id}`));
        }
        const first = conversations[0];
        const marks = (await visitor.post(`/conversations/${first.id}/read`, { seq: first.messages[3].seq })).json;
        await visitor.converse();
        await seeOk(visitor, { email: 'me@example.org' });
        const answer = await visitor.get('/visitors/me/export');
        assert.equal(answer.headers['content-disposition'], 'attachment; filename="helvino-export.json"');
        assert.match(answer.headers['content-type'], /^application\/json/);
        assert.equal(answer.headers['cache-control'], 'no-store');
        const page = answer.json;
        assertExport(page);
        assert.equal(page.next, null);
        const seen = await org.seen(visitor.key);
        assert.deepEqual(page.organization, { id: page.organization.id, key: 'acme', name: 'Acme Köln' });
        assert.equal(page.organization.id, (await org.anonymous.getOk('/api/bootloader')).org.id);
        for (const member of ['id', 'firstSeenAt', 'email', 'conversationCount']) assert.equal(page.visitor[member], seen[member], member);
        assert.deepEqual([page.visitor.email, page.visitor.conversationCount, page.visitor.userAgent], ['me@example.org', 4, seen.userAgent]);
        assert.deepEqual(page.conversations.slice(1).map((item) => item.messages), conversations.map((item) => item.messages));
        assert.deepEqual(page.conversations[0].messages, []);
        for (const [i, item] of page.conversations.slice(1).entries())
            for (const member of ['id', 'createdAt', 'updatedAt', 'messageCount']) assert.equal(item[member], conversations[i][member]);
        assert.equal(page.conversations[1].visitorReadSeq, marks.visitorReadSeq);
        assert.deepEqual(page.conversations[1].messages.map((message) => message.content), texts);
    });

    test('of a visitor who has written nothing is the visitor alone', async () => {
        const visitor = org.visitor();
        assertError(await visitor.get('/visitors/me/export'), 404, 'not_found');
        await seeOk(visitor, undefined, 201);
        const [page] = await exported(visitor);
        assert.deepEqual(page.conversations, []);
    });

    test('of more than 8 MiB comes in pages, and a conversation that was cut goes on', async (t) => {
        const own = await serverFor(t);
        const shop = await own.org();
        const visitor = shop.visitor();
        const [short, long] = [await visitor.converse(), await visitor.converse()];
        await visitor.say(short, 'the first');
        const texts = Array.from({ length: 600 }, (_, i) => `${i} ${'ab\n"'.repeat(5000)}`);
        for (let i = 0; i < texts.length; i += 20) for (const text of texts.slice(i, i + 20)) await visitor.say(long, text);
        const pages = await exported(visitor);
        assert.ok(pages.length > 1 && pages.length < 6, `${pages.length} pages`);
        const messages = pages.flatMap((page) => page.conversations.filter((item) => item.id === long)).flatMap((item) => item.messages);
        assert.deepEqual(messages.map((message) => message.content), texts);
        assert.deepEqual(pages.at(-1).conversations.at(-1).messages.map((message) => message.content), ['the first']);
        for (const page of pages) assert.equal(new Set(page.conversations.map((item) => item.id)).size, page.conversations.length);
    });

    test('of very many conversations comes in pages too, each once', async (t) => {
        const own = await serverFor(t);
        const shop = await own.org();
        const visitor = shop.visitor();
        const made = [];
        for (let i = 0; i < 2001; i += 69) made.push(...(await Promise.all(Array.from({ length: 69 }, () => visitor.converse()))));
        const pages = await exported(visitor);
        assert.equal(pages.length, 3);
        const ids = pages.flatMap((page) => page.conversations.map((item) => item.id));
        assert.equal(ids.length, made.length);
        assert.deepEqual(new Set(ids), new Set(made));
        const hits = /^helvino_limit_hits_total\{limit="visitor_chain"\} (\d+)$/m.exec((await shop.anonymous.get('/metrics')).text);
        assert.equal(Number(hits[1]), 2);
    });

    test('a cursor that is not from the page before gets a sentence', async () => {
        const [visitor, other] = [org.visitor(), org.visitor()];
        const [own, orphan] = [await visitor.converse(), await org.anonymous.converse()];
        const theirs = await other.converse();
        const bad = ['', 'x', own, `${own}.`, `${own}.-1`, `${own}.x`, `${own}.9223372036854775808`, `.${own}`, `${own}:0`, `${own}.0.0`, `${NOBODY}.0`, `${theirs}.0`, `${orphan}.0`, '%00', '%ff'];
        for (const after of bad) assertError(await visitor.get(`/visitors/me/export?after=${after}`), 400, 'invalid_query', /"after"/);
        assertError(await visitor.get(`/visitors/me/export?after=${own}.0&after=${own}.0`), 400, 'invalid_query', /twice/);
        assert.equal((await visitor.getOk(`/visitors/me/export?after=${own}.0`)).conversations.length, 1);
    });
});

describe('being erased', () => {
    test('takes the visitor, its conversations and messages, gives a receipt, and nothing is left behind', async (t) => {
        const own = await serverFor(t);
        const shop = await own.org();
        const [visitor, neighbour] = [shop.visitor(), shop.visitor()];
        await seeOk(visitor, { email: 'erase.me@example.org' }, 201);
        const ids = [await visitor.converse(), await visitor.converse(), await visitor.converse()];
        const first = await visitor.say(ids[0], 'erase this', { clientId: 'c1' });
        await shop.agent.say(ids[0], 'and this answer', { role: 'assistant' });
        await visitor.say(ids[1], 'and that', { clientId: 'c2' });
        await visitor.post(`/conversations/${ids[0]}/read`, { seq: first.seq });
        const kept = await neighbour.converse();
        await neighbour.say(kept, 'stays');
        const orphan = await shop.anonymous.converse();
        await visitor.say(orphan, 'in a conversation of nobody');
        const { id } = await selfOf(visitor);

        const answer = await erase(visitor);
        assert.equal(answer.status, 200, answer.text);
        assertReceipt(answer.json, 1, 3, 3);
        assert.equal(answer.headers['set-cookie'], undefined, 'there is no cookie without --visitor-cookie');

        for (const path of ['/visitors/me', '/visitors/me/export', ...ids.map((gone) => `/conversations/${gone}`)]) assertError(await visitor.get(path), 404, 'not_found');
        assert.deepEqual(await visitor.getOk('/conversations'), { conversations: [], next: null });
        assert.equal((await visitor.getOk('/api/bootloader')).visitor, null);
        for (const path of [`/visitors/${id}`, ...ids.map((gone) => `/conversations/${gone}`)]) assertError(await shop.agent.get(path), 404, 'not_found');
        assertError(await visitor.post(`/conversations/${ids[0]}/messages`, { role: 'user', content: 'x' }), 404, 'not_found');
        assertError(await shop.agent.post(`/conversations/${ids[0]}/read`, { seq: 1 }), 404, 'not_found');
        assert.deepEqual((await shop.agent.pages('/conversations', 'conversations')).map((item) => item.id).sort(), [kept, orphan].sort());
        assert.deepEqual((await shop.agent.pages('/visitors', 'visitors')).map((item) => item.visitorKey), [neighbour.key]);

        await own.check();
        const list = ids.map((gone) => `'${gone}'`).join(',');
        assert.deepEqual(await rows(own, `SELECT id FROM visitors WHERE id = '${id}' OR "visitorKey" = '${visitor.key}' OR email IS NOT NULL`), []);
        assert.deepEqual(await rows(own, `SELECT id FROM conversations WHERE id IN (${list}) OR "visitorId" = '${id}'`), []);
        assert.deepEqual(await rows(own, `SELECT id FROM messages WHERE "conversationId" IN (${list}) OR content LIKE '%erase%'`), []);
        assert.equal((await neighbour.getOk(`/conversations/${kept}`)).messageCount, 1);

        const line = await own.logged((lines) => lines.find((item) => item.receipt === answer.json.receipt), 'the receipt in the log');
        assert.deepEqual([line.level, line.conversations, line.messages], ['info', 3, 3]);
        for (const secret of [visitor.key, id, 'erase.me']) assert.ok(!own.log.includes(secret), `${secret} is in the log`);
    });

    test('again, and of a visitor who never was, is a receipt of nothing', async () => {
        const visitor = org.visitor();
        const nothing = await erase(visitor);
        assert.equal(nothing.status, 200);
        assertReceipt(nothing.json, 0, 0, 0);
        await visitor.converse();
        assertReceipt((await erase(visitor)).json, 1, 1, 0);
        const again = await erase(visitor);
        assertReceipt(again.json, 0, 0, 0);
        assert.notEqual(again.json.receipt, nothing.json.receipt);
        assert.ok(!server.log.includes(again.json.receipt), 'nothing was erased, and the log says it was');
    });

    test('many times at once, each gets a receipt and one says what went', async () => {
        for (let round = 0; round < 5; round++) {
            const visitor = org.visitor();
            const id = await visitor.converse();
            await visitor.say(id, 'x');
            const answers = await Promise.all(Array.from({ length: 16 }, () => erase(visitor)));
            for (const answer of answers) assert.equal(answer.status, 200, answer.text);
            assert.deepEqual(answers.map((answer) => answer.json.messages).sort(), [...Array(15).fill(0), 1]);
            assert.equal(new Set(answers.map((answer) => answer.json.receipt)).size, 16);
        }
    });

    test('whoever comes back with the same key is another visitor, with nothing of the one before', async () => {
        const visitor = org.visitor();
        await seeOk(visitor, { email: 'a@b.example' }, 201);
        const headers = { 'idempotency-key': 'the-same' };
        const id = await visitor.converse(headers);
        await visitor.say(id, 'before', { clientId: 'c' });
        const before = await selfOf(visitor);
        await erase(visitor);
        const again = await visitor.post('/conversations', undefined, headers);
        assert.equal(again.status, 201, 'the answer to a key of the erased visitor was given again');
        assert.notEqual(again.json.id, id);
        const said = await visitor.say(again.json.id, 'after', { clientId: 'c' });
        const now = await selfOf(visitor);
        assert.notEqual(now.id, before.id);
        assert.deepEqual([now.email, now.conversationCount], [null, 1]);
        assert.ok(now.firstSeenAt >= before.lastSeenAt);
        const [page] = await exported(visitor);
        assert.deepEqual(page.conversations.map((item) => item.messages), [[said]]);
    });

    test('survives a restart and a crash right after the receipt', async (t) => {
        const first = await startServer();
        t.after(() => first.remove());
        const shop = await first.org();
        const visitor = shop.visitor();
        const id = await visitor.converse();
        await visitor.say(id, 'x');
        assertReceipt((await erase(visitor)).json, 1, 1, 1);
        await first.kill();
        const again = await startServer({ directory: first.directory });
        t.after(() => again.stop());
        const back = again.adopt(shop);
        assertError(await back.visitor(visitor.key).get('/visitors/me'), 404, 'not_found');
        assertError(await back.agent.get(`/conversations/${id}`), 404, 'not_found');
        await again.check();
    });

    test('while others write and read, harms nobody', async () => {
        const [leaving, staying] = [org.visitor(), org.visitor()];
        const kept = await staying.converse();
        for (let round = 0; round < 10; round++) {
            const id = await leaving.converse();
            const asks = Array.from({ length: 8 }, (_, i) => [
                leaving.post(`/conversations/${id}/messages`, { role: 'user', content: `m${i}` }),
                leaving.get('/visitors/me'), leaving.get('/visitors/me/export'), leaving.post(`/conversations/${id}/read`, { seq: 1 }), leaving.get('/conversations'), see(leaving),
                staying.say(kept, `round ${round} ${i}`),
                ...(i === 4 ? [erase(leaving)] : []),
            ]).flat();
            for (const answer of await Promise.all(asks)) assert.ok(answer.status === undefined || [200, 201, 404].includes(answer.status), answer.text);
        }
        assert.equal((await staying.getOk(`/conversations/${kept}`)).messageCount, 80);
        await server.check();
    });
});
