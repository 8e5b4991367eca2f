/*
 * Many at once. This file also runs under ThreadSanitizer, so it goes through every path that threads share: writers, readers, touches,
 * rate limits, metrics, the command line beside the server, reload and stop.
 */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { freshVisitorKey, serverFor, startServer } from './server.mjs';
import { assertConversation } from './shapes.mjs';
import { load } from './load.mjs';

describe('visitors', () => {
    test('10,000 creations for 100 visitors over 64 connections make exactly 100 visitors and 10,000 conversations', async (t) => {
        const server = await serverFor(t, { loops: 4 });
        const org = await server.org();
        const keys = Array.from({ length: 100 }, () => freshVisitorKey());
        const answered = [];
        let next = 0;
        let checked = null;
        await load(server.port, 64, { 'X-Org-Key': org.key }, async (client) => {
            for (let n = next++; n < 10_000; n = next++) {
                const key = keys[n % keys.length];
                const answer = await client.post('/conversations', undefined, { 'X-Visitor-Id': key });
                assert.equal(answer?.status, 201, answer?.text);
                answered.push({ key, ...answer.json });
                if (n === 5000) checked = server.cli('check');
            }
        });
        const during = await checked;
        assert.equal(during.code, 0, `check beside a running load: ${during.stdout}${during.stderr}`);

        assert.equal(new Set(answered.map((conversation) => conversation.id)).size, 10_000, 'two creations got one id');
        const visitors = await org.agent.pages('/visitors', 'visitors');
        assert.deepEqual(visitors.map((visitor) => visitor.visitorKey).sort(), [...keys].sort());
        assert.equal(new Set(visitors.map((visitor) => visitor.id)).size, 100);
        for (const visitor of visitors) {
            const own = answered.filter((conversation) => conversation.key === visitor.visitorKey);
            assert.equal(visitor.conversationCount, own.length);
            const times = own.map((conversation) => conversation.createdAt).sort();
            assert.ok(visitor.firstSeenAt <= times[0], 'firstSeenAt is later than a conversation');
            assert.ok(visitor.lastSeenAt >= times.at(-1), 'lastSeenAt is earlier than a conversation');
        }
        const keyOf = new Map(visitors.map((visitor) => [visitor.id, visitor.visitorKey]));
        const listed = new Map((await org.agent.pages('/conversations', 'conversations')).map((conversation) => [conversation.id, conversation]));
        assert.equal(listed.size, 10_000);
        for (const { id, key, createdAt } of answered) {
            assert.equal(keyOf.get(listed.get(id).visitorId), key, 'a conversation has the wrong visitor');
            assert.equal(listed.get(id).createdAt, createdAt);
        }
        const own = await org.visitor(keys[0]).pages('/conversations', 'conversations');
        assert.deepEqual(new Set(own.map((conversation) => conversation.id)), new Set(answered.filter((conversation) => conversation.key === keys[0]).map((conversation) => conversation.id)));
        await server.check();
    });

    test('64 first requests of one visitor at the same moment make one visitor, 50 times over', async (t) => {
        const server = await serverFor(t, { loops: 4 });
        const org = await server.org();
        const keys = Array.from({ length: 50 }, () => freshVisitorKey());
        let arrived = 0;
        let open;
        let gate = new Promise((go) => (open = go));
        await load(server.port, 64, { 'X-Org-Key': org.key }, async (client) => {
            for (const key of keys) {
                if (++arrived === 64) {
                    arrived = 0;
                    open();
                    gate = new Promise((go) => (open = go));
                } else await gate;
                const answer = await client.post('/conversations', undefined, { 'X-Visitor-Id': key });
                assert.equal(answer?.status, 201);
            }
        });
        const visitors = await org.agent.pages('/visitors', 'visitors');
        assert.equal(visitors.length, 50);
        for (const visitor of visitors) assert.equal(visitor.conversationCount, 64);
        await server.check();
    });

    test('the same visitor key in two organisations at once stays two visitors', async (t) => {
        const server = await serverFor(t, { loops: 4 });
        const orgs = [await server.org(), await server.org()];
        const key = freshVisitorKey();
        await load(server.port, 32, { 'X-Visitor-Id': key }, async (client, number) => {
            for (let i = 0; i < 20; i++) assert.equal((await client.post('/conversations', undefined, { 'X-Org-Key': orgs[number % 2].key }))?.status, 201);
        });
        const seen = await Promise.all(orgs.map((org) => org.seen(key)));
        assert.notEqual(seen[0].id, seen[1].id);
        assert.deepEqual(seen.map((visitor) => visitor.conversationCount), [320, 320]);
    });
});

describe('messages', () => {
    test('3,000 messages by 32 writers into one conversation: seq rises, none is lost, readers always see a whole prefix', async (t) => {
        const server = await serverFor(t, { loops: 4 });
        const org = await server.org();
        const visitor = org.visitor();
        const id = await visitor.converse();
        const said = [];
        let next = 0;
        let writing = 32;
        const path = `/conversations/${id}`;
        await load(server.port, 40, { 'X-Org-Key': org.key, 'X-Visitor-Id': visitor.key }, async (client, number) => {
            if (number < 32) {
                let last = 0;
                for (let n = next++; n < 3000; n = next++) {
                    const answer = await client.post(`${path}/messages`, { role: 'user', content: `text ${n} 💬`, clientId: `n${n}` });
                    assert.equal(answer?.status, 201, answer?.text);
                    assert.ok(answer.json.seq > last, 'seq did not rise for one writer');
                    last = answer.json.seq;
                    said.push(answer.json);
                }
                writing--;
                return;
            }
            let [count, after, walked] = [0, 0, 0];
            while (writing > 0) {
                const answered = said.length;
                const answer = await client.get(`${path}?after=${after}&limit=1000`);
                assert.equal(answer?.status, 200);
                const page = answer.json;
                assertConversation(page);
                assert.ok(page.messageCount >= count && page.messageCount >= answered, 'a reader did not see what was answered before it asked');
                walked += page.messages.length;
                if (!page.hasMore) assert.equal(walked, page.messageCount, 'a reader who follows `after` missed or doubled one');
                count = page.messageCount;
                after = page.messages.at(-1)?.seq ?? after;
            }
        });
        const all = [];
        for (let page, after = 0; ; after = all.at(-1).seq) {
            page = await visitor.getOk(`${path}?after=${after}&limit=1000`);
            all.push(...page.messages);
            if (!page.hasMore) break;
        }
        assert.equal(all.length, 3000);
        assert.equal((await visitor.getOk(`${path}?limit=1`)).messageCount, 3000);
        assert.deepEqual(all, said.sort((a, b) => a.seq - b.seq));
        assert.equal(new Set(all.map((message) => message.content)).size, 3000);
        await server.check();
    });

    test('a repeat that races with its original stores one message', async (t) => {
        const server = await serverFor(t, { loops: 4 });
        const org = await server.org();
        const id = await org.anonymous.converse();
        const ids = new Map();
        await load(server.port, 32, { 'X-Org-Key': org.key }, async (client) => {
            for (let n = 0; n < 60; n++) {
                const answer = await client.post(`/conversations/${id}/messages`, { role: 'user', content: `${n}`, clientId: `c${n}` });
                assert.ok([200, 201].includes(answer?.status), answer?.text);
                if (!ids.has(n)) ids.set(n, answer.text);
                assert.equal(answer.text, ids.get(n));
            }
        });
        assert.equal((await org.anonymous.getOk(`/conversations/${id}`)).messageCount, 60);
        await server.check();
    });
});

describe('everything at once', () => {
    test('writers, readers, touches, limits, metrics, the command line, reloads: every answer is a proper one', async (t) => {
        const server = await serverFor(t, { loops: 4, rateLimit: 'on', flags: ['--rate-conversations-address', '100000', '--rate-messages-address', '100000', '--rate-conversations-visitor', '40'] });
        const orgs = [await server.org(), await server.org(), await server.org()];
        const keys = Array.from({ length: 20 }, () => freshVisitorKey());
        const made = new Map(orgs.map((org) => [org.key, []]));
        let stop = false;
        const admin = (async () => {
            for (let i = 0; !stop && i < 10; i++) {
                const key = `temporary-${i}`;
                const temporary = await server.org(key);
                await temporary.visitor().converse();
                await server.cliOk('org', 'update', orgs[0].key, '--widget-title', `Title ${i}`);
                server.signal('SIGHUP');
                await server.cliOk('org', 'delete', key, '--yes');
                await server.check();
            }
        })();
        await load(server.port, 48, {}, async (client, number) => {
            const org = orgs[number % orgs.length];
            const own = made.get(org.key);
            for (let i = 0; i < 60; i++) {
                const key = keys[(number * 7 + i) % keys.length];
                const headers = { 'X-Org-Key': org.key, 'X-Visitor-Id': key };
                const token = { 'X-Org-Key': org.key, Authorization: `Bearer ${org.token}` };
                const created = await client.post('/conversations', undefined, headers);
                assert.ok([201, 429].includes(created?.status), created?.text);
                if (created.status === 201) own.push({ id: created.json.id, key });
                const some = own[(i * 31) % Math.max(own.length, 1)];
                if (!some) continue;
                const visitor = { 'X-Org-Key': org.key, 'X-Visitor-Id': some.key };
                assert.ok([201, 429].includes((await client.post(`/conversations/${some.id}/messages`, { role: 'user', content: 'x' }, visitor))?.status));
                for (const [path, who] of [[`/conversations/${some.id}`, visitor], ['/conversations?limit=5', visitor], ['/conversations?limit=5', token], ['/visitors?limit=5', token], ['/api/bootloader', visitor], ['/health', {}], ['/metrics', {}]]) {
                    const answer = await client.get(path, who);
                    assert.equal(answer?.status, 200, `${path}: ${answer?.status} ${answer?.text}`);
                }
            }
        });
        stop = true;
        await admin;
        for (const org of orgs) {
            const listed = await org.agent.pages('/conversations', 'conversations');
            assert.deepEqual(new Set(listed.map((item) => item.id)), new Set(made.get(org.key).map((item) => item.id)));
        }
        await server.check();
    });

    test('stopping in the middle of it loses nothing that was answered', async (t) => {
        const server = await startServer({ loops: 4 });
        t.after(() => server.remove());
        const org = await server.org();
        const answered = [];
        await load(server.port, 32, { 'X-Org-Key': org.key }, async (client) => {
            for (;;) {
                const answer = await client.post('/conversations', undefined, { 'X-Visitor-Id': 'v_stop' }).catch(() => null);
                if (answer?.status !== 201) return;
                if (answered.push(answer.json.id) === 500) server.signal('SIGTERM');
            }
        });
        assert.deepEqual(await server.ended(), { code: 0, signal: null }, server.log);
        const again = await startServer({ directory: server.directory });
        const kept = new Set((await again.adopt(org).agent.pages('/conversations', 'conversations')).map((item) => item.id));
        for (const id of answered) assert.ok(kept.has(id), 'an answered conversation is gone');
        await again.check();
        await again.stop();
    });
});
