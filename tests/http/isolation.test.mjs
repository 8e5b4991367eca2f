/* What is not yours looks exactly like what does not exist, and nothing that is secret comes out anywhere. */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { Caller, startServer } from './server.mjs';
import { assertError, NOBODY } from './shapes.mjs';
import { Wire, requestBytes } from './raw.mjs';

let server, one, two;
before(async () => {
    server = await startServer({ flags: ['--log-level', 'debug'] });
    one = await server.org('one');
    two = await server.org('two');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

/** What only its owner has of a token; it may hold an underscore itself. */
const secretOf = (token) => /^hvt_[^_]+_(.+)$/.exec(token)[1];

/** The whole answer as bytes, without its Date. */
async function bytesOf(caller, method, path, body) {
    const wire = await Wire.connect(server.port);
    const headers = { ...caller.headers, ...(body ? { 'Content-Type': 'application/json' } : {}) };
    const answer = await wire.send(requestBytes(method, path, headers, body)).answer({ head: method === 'HEAD' });
    wire.vanish();
    return answer.whole.toString('latin1').replace(/^date: .*\r\n/im, '');
}

describe('two organisations, two visitors', () => {
    test('whoever is not the owner gets a 404 that is the same, byte for byte, as for an id that nothing has', async () => {
        const [owner, other] = [one.visitor(), one.visitor()];
        const id = await owner.converse();
        await owner.say(id, 'secret');
        await other.converse();
        const orphan = await one.anonymous.converse();
        const visitorId = (await owner.getOk(`/conversations/${id}`)).visitorId;
        const say = JSON.stringify({ role: 'user', content: 'x' });
        const foreign = [
            ['another visitor', other, id], ['nobody', one.anonymous, id], ['a new visitor', one.visitor(), id], ['the same key in another organisation', two.visitor(owner.key), id],
            ['the token of another organisation', two.agent, id], ['nobody of another organisation', two.anonymous, id],
            ['another organisation, a conversation without a visitor', two.anonymous, orphan], ['a token, a conversation without a visitor', two.agent, orphan], ['a visitor of another organisation', two.visitor(), orphan],
            ['a visitor id is no conversation id', one.agent, visitorId],
        ];
        for (const [who, caller, target] of foreign) {
            for (const [method, suffix, body] of [['GET', ''], ['HEAD', ''], ['GET', '?after=0&limit=5'], ['GET', '?before=9'], ['POST', '/messages', say], ['POST', '/read', '{"seq":1}']]) {
                const seen = await bytesOf(caller, method, `/conversations/${target}${suffix}`, body);
                const nothing = await bytesOf(caller, method, `/conversations/${NOBODY}${suffix}`, body);
                assert.match(seen, /^HTTP\/1\.1 404 /, `${who} ${method}`);
                assert.equal(seen, nothing, `${who} ${method} ${suffix}`);
            }
        }
        for (const caller of [two.agent]) {
            const seen = await bytesOf(caller, 'GET', `/visitors/${visitorId}`);
            assert.equal(seen, await bytesOf(caller, 'GET', `/visitors/${NOBODY}`));
            assert.match(seen, /^HTTP\/1\.1 404 /);
        }
        const after = await owner.getOk(`/conversations/${id}`);
        assert.equal(after.messageCount, 1, 'somebody else wrote');
        assert.deepEqual([after.visitorReadSeq, after.agentReadSeq], [0, 0], 'somebody else has read');
        assert.equal((await one.agent.getOk(`/conversations/${orphan}`)).messageCount, 0, 'somebody else wrote');
    });

    test('a bad body to somebody else’s conversation does not tell that it exists', async () => {
        const id = await one.visitor().converse();
        const thief = one.visitor();
        for (const body of ['{', '{}', '{"role":"assistant","content":"x"}', '{"role":"user","content":1}', JSON.stringify({ role: 'user', content: 'x'.repeat(40000) })])
            for (const route of ['messages', 'read']) assert.equal(await bytesOf(thief, 'POST', `/conversations/${id}/${route}`, body), await bytesOf(thief, 'POST', `/conversations/${NOBODY}/${route}`, body));
    });

    test('lists hold only what is one’s own', async () => {
        const [shop, rival] = [await server.org(), await server.org()];
        const mine = new Set();
        const shared = shop.visitor();
        for (let i = 0; i < 10; i++) {
            mine.add(await shop.visitor().converse());
            await rival.visitor().converse();
            mine.add(await shop.visitor(shared.key).converse());
            await rival.visitor(shared.key).converse();
        }
        assert.deepEqual(new Set((await shop.agent.pages('/conversations', 'conversations', 7)).map((item) => item.id)), mine);
        const visitors = await shop.agent.pages('/visitors', 'visitors', 7);
        assert.equal(visitors.length, 11);
        assert.equal(visitors.find((visitor) => visitor.visitorKey === shared.key).conversationCount, 10);
        const rivals = await rival.agent.pages('/visitors', 'visitors');
        assert.equal(visitors.filter((visitor) => rivals.some((other) => other.id === visitor.id)).length, 0);
        for (const item of await rival.visitor(shared.key).pages('/conversations', 'conversations')) assert.ok(!mine.has(item.id));
    });

    test('/visitors/me is whoever sends the key, in its organisation alone', async () => {
        const [owner, other] = [one.visitor(), one.visitor()];
        const id = await owner.converse();
        const said = await owner.say(id, 'mine alone');
        await other.converse();
        const mine = await owner.getOk('/visitors/me');
        const foreign = [['the same key in another organisation', two.visitor(owner.key)], ['an unknown key', one.visitor()]];
        for (const [who, caller] of foreign) {
            for (const [method, path] of [['GET', '/visitors/me'], ['HEAD', '/visitors/me'], ['GET', '/visitors/me/export'], ['GET', `/visitors/me/export?after=${id}.0`]])
                assert.match(await bytesOf(caller, method, path), /^HTTP\/1\.1 404 /, `${who} ${method} ${path}`);
            const gone = await caller.request('DELETE', '/visitors/me');
            assert.deepEqual([gone.json.visitors, gone.json.conversations, gone.json.messages], [0, 0, 0], who);
        }
        const theirs = await other.getOk('/visitors/me/export');
        assert.notEqual(theirs.visitor.id, mine.id);
        assert.ok(!JSON.stringify(theirs).includes(id) && !JSON.stringify(theirs).includes('mine alone'));
        // Another's conversation as a cursor is the same as one that nothing has.
        assert.equal(await bytesOf(other, 'GET', `/visitors/me/export?after=${id}.0`), await bytesOf(other, 'GET', `/visitors/me/export?after=${NOBODY}.0`));
        await other.request('DELETE', '/visitors/me');
        assert.deepEqual((await owner.getOk(`/conversations/${id}`)).messages, [said]);
        assert.equal((await owner.getOk('/visitors/me')).id, mine.id);
    });

    test('a visitor who also sends a token acts with the token, and never beyond its organisation', async () => {
        const owner = one.visitor();
        const id = await owner.converse();
        const both = one.visitor().with({ authorization: `Bearer ${one.token}` });
        assert.equal((await both.getOk(`/conversations/${id}`)).id, id);
        const foreign = two.visitor().with({ authorization: `Bearer ${one.token}` });
        for (const path of [`/conversations/${id}`, '/conversations', '/visitors']) {
            const answer = await foreign.get(path);
            assert.ok([400, 401, 404].includes(answer.status), `${path}: ${answer.status}: a token of one organisation worked with the key of another`);
        }
    });

    test('a token names its organisation by itself', async () => {
        const alone = one.agent.with({ 'x-org-key': undefined });
        const id = await alone.converse();
        await alone.say(id, 'x', { role: 'assistant' });
        assert.equal((await one.agent.getOk(`/conversations/${id}`)).messageCount, 1);
        assertError(await two.agent.get(`/conversations/${id}`), 404, 'not_found');
        assert.equal((await alone.getOk('/api/bootloader')).org.key, 'one');
        for (const path of ['/conversations', '/visitors']) await alone.getOk(path);
    });

    test('a token does not work for another organisation, in any combination', async () => {
        const mixed = two.anonymous.with({ authorization: `Bearer ${one.token}` });
        const id = await two.visitor().converse();
        for (const path of ['/conversations', '/visitors', `/conversations/${id}`]) assertError(await mixed.get(path), 401, 'token_invalid');
        assertError(await mixed.post('/conversations'), 401, 'token_invalid');
        const [, tokenId, secret] = /^hvt_([^_]+)_(.+)$/.exec(one.token);
        const [, otherId] = /^hvt_([^_]+)_(.+)$/.exec(two.token);
        assert.notEqual(tokenId, otherId);
        assertError(await two.anonymous.with({ authorization: `Bearer hvt_${otherId}_${secret}` }).get('/visitors'), 401, 'token_invalid');
    });
});

describe('secrets stay secret', () => {
    test('a visitor key appears in no answer but the organisation’s own /visitors, and in no log line', async () => {
        const visitor = one.visitor('v_canary.of.a.visitor-key-1');
        const content = 'canary of a message text';
        const id = await visitor.converse({ 'idempotency-key': 'canary-idempotency' });
        await visitor.say(id, content, { clientId: 'its-own-client' });
        const visitorId = (await visitor.getOk(`/conversations/${id}`)).visitorId;
        const answers = [];
        for (const caller of [visitor, one.agent, one.anonymous, one.visitor(), two.agent]) {
            for (const path of ['/conversations', `/conversations/${id}`, '/api/bootloader', '/health', '/metrics', '/openapi.json', '/visitors/me', '/visitors/me/export', `/visitors/${NOBODY}`, `/${visitor.key}`, `/conversations/${visitor.key}`, `/conversations?before=${visitor.key}`])
                answers.push(await caller.get(path));
            answers.push(await caller.post(`/conversations/${id}/messages`, { role: 'robot', content }));
            answers.push(await caller.post(`/conversations/${id}/messages`, `{"role":"${visitor.key}"}`));
            answers.push(await caller.post('/conversations', '{', { 'x-visitor-id': `${visitor.key}!` }));
            answers.push(await caller.request('DELETE', `/conversations/${id}`));
        }
        for (const answer of answers) {
            const whole = JSON.stringify(answer.rawHeaders) + answer.text;
            assert.ok(!whole.includes('v_canary'), `the visitor key is in an answer: ${whole}`);
            assert.ok(!whole.includes('hvt_'), 'a token is in an answer');
            assert.ok(!whole.includes('canary-'), `a client's key is in an answer: ${whole}`);
        }
        assert.ok((await one.agent.get('/visitors')).text.includes(visitor.key));
        assert.ok((await one.agent.get(`/visitors/${visitorId}`)).text.includes(visitor.key));
    });

    test('a token that only reads gets no visitor’s key, with which it could write, or erase', async () => {
        const shop = await server.org();
        const reader = new Caller(server, { authorization: `Bearer ${(await server.cliOk('org', 'token', 'create', shop.key, '--scope', 'read')).trim()}` });
        const visitor = shop.visitor('v_canary.of.a.visitor-key-2');
        const id = await visitor.converse();
        await visitor.say(id, 'some words');
        const { visitorId } = await visitor.getOk(`/conversations/${id}`);
        const paths = ['/conversations?include=visitors', '/visitors', `/visitors/${visitorId}`, `/visitors/${visitorId}/export`, `/search?q=${visitorId}`, '/conversations', `/conversations/${id}`, `/conversations/${id}/transcript?format=json`, '/search?q=words'];
        for (const path of paths) {
            assert.ok(!(await reader.get(path)).text.includes('v_canary'), path);
            assert.match((await reader.get(path)).text, new RegExp(`${visitorId}|some words`), path);
        }
        for (const path of ['/conversations?include=visitors', '/visitors', `/visitors/${visitorId}`, `/visitors/${visitorId}/export`, `/search?q=${visitorId}`]) assert.ok((await shop.agent.get(path)).text.includes(visitor.key), path);
        for (const begin of ['v_', 'v_canary', visitor.key]) {
            assert.equal((await shop.agent.getOk(`/search?q=${begin}`)).visitors.length, 1);
            assert.deepEqual((await reader.getOk(`/search?q=${begin}`)).visitors, [], 'a key can be guessed letter by letter');
        }
    });

    test('broken requests that carry secrets leave no trace of them', async () => {
        const secrets = ['GET /conversations HTTP/1.1\r\nHost: x\r\nX-Visitor-Id : v_canary2\r\n\r\n', 'GET /v_canary2 HTTP/1.1\r\n\r\n', 'POST /conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hvt_canary2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
            'GET /conversations?x=v_canary2%zz HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /%00v_canary2 HTTP/1.1\r\nHost: x\r\n\r\n', 'v_canary2\r\n\r\n'];
        for (const bytes of secrets) {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(bytes).answer();
            if (answer) assert.doesNotMatch(answer.whole.toString('latin1'), /canary2/);
            wire.vanish();
        }
    });

    test('the log of everything above names no key, no token, no text', async () => {
        const log = server.log + server.output;
        for (const secret of [one.token, two.token, 'hvt_', 'v_canary', 'canary of a message', 'canary-', 'canary2', 'secret']) assert.ok(!log.includes(secret), `the log holds ${secret}`);
        for (const org of [one, two]) assert.ok(!log.includes(secretOf(org.token)));
    });

    test('the data directory does not hold a token in clear', async () => {
        const { readFileSync, readdirSync, statSync } = await import('node:fs');
        const { join } = await import('node:path');
        for (const name of readdirSync(server.data)) {
            const path = join(server.data, name);
            if (!statSync(path).isFile()) continue;
            const bytes = readFileSync(path);
            for (const org of [one, two]) assert.ok(!bytes.includes(secretOf(org.token)), `${name} holds a token`);
            assert.equal(statSync(path).mode & 0o077, 0, `${name} is open to others`);
        }
        assert.equal(statSync(server.data).mode & 0o077, 0, 'the data directory is open to others');
    });

    test('log lines are JSON objects, one a line', async () => {
        for (const line of server.log.split('\n').slice(0, -1)) assert.doesNotThrow(() => assert.equal(typeof JSON.parse(line), 'object'), line);
    });
});

describe('while the server runs, the command line', () => {
    test('makes an organisation and a token that work at once', async () => {
        const shop = await server.org();
        await shop.visitor().converse();
        assert.equal((await shop.agent.getOk('/visitors')).visitors.length, 1);
    });

    test('revokes a token at once, and only that one', async () => {
        const shop = await server.org();
        const second = await server.token(shop.key);
        await shop.agent.getOk('/visitors');
        await server.cliOk('org', 'token', 'revoke', shop.key, /^hvt_([^_]+)_/.exec(shop.token)[1]);
        assertError(await shop.agent.get('/visitors'), 401, 'token_invalid');
        await shop.anonymous.with({ authorization: `Bearer ${second}` }).getOk('/visitors');
    });

    test('deletes an organisation with all it had, at once, and leaves the others alone', async () => {
        const [shop, neighbour] = [await server.org(), await server.org()];
        const visitor = shop.visitor();
        const id = await visitor.converse();
        await visitor.say(id, 'x');
        const kept = await neighbour.visitor().converse();
        await server.cliOk('org', 'delete', shop.key, '--yes');
        assertError(await visitor.post('/conversations'), 401, 'org_unknown');
        assertError(await visitor.get(`/conversations/${id}`), 401, 'org_unknown');
        assert.equal((await shop.agent.get('/visitors')).status, 401);
        assert.equal((await neighbour.agent.getOk(`/conversations/${kept}`)).id, kept);
        await server.check();
        await server.cliOk('org', 'create', shop.key);
        assert.equal((await shop.agent.get('/visitors')).status, 401, 'a token outlived its organisation');
        assertError(await visitor.get(`/conversations/${id}`), 404, 'not_found');
        await server.check();
    });

    test('makes an organisation once, however many ask at the same time', async () => {
        const results = await Promise.all(Array.from({ length: 8 }, () => server.cli('org', 'create', 'contested')));
        assert.equal(results.filter((result) => result.code === 0).length, 1, results.map((result) => result.stderr).join(''));
        for (const result of results) if (result.code !== 0) assert.match(result.stderr, /exists|already/);
        const tokens = await Promise.all(Array.from({ length: 8 }, () => server.token('contested')));
        assert.equal(new Set(tokens).size, 8);
        for (const token of tokens) await one.anonymous.with({ 'x-org-key': 'contested', authorization: `Bearer ${token}` }).getOk('/visitors');
        await server.check();
    });

    test('stat and check read beside the server', async () => {
        await server.check();
        const counts = await server.counts();
        assert.ok(counts.conversations > 0);
    });
});
