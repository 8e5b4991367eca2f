/* GET /visitors, GET /visitors/:id, GET /api/bootloader, and how a visit is remembered: firstSeenAt, lastSeenAt, userAgent. */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { eventually, freshVisitorKey, startServer } from './server.mjs';
import { assertError, assertId, assertTime, assertVisitor, NOBODY } from './shapes.mjs';

let server, org;
before(async () => {
    server = await startServer();
    org = await server.org('acme', '--name', 'Acme Köln GmbH');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

/** Does `act` until lastSeenAt of the visitor is later than it was. */
function movesLastSeen(visitor, act, what) {
    return eventually(async () => {
        visitor.before ??= (await org.seen(visitor.key)).lastSeenAt;
        await act();
        const { lastSeenAt } = await org.seen(visitor.key);
        if (lastSeenAt <= visitor.before) return false;
        visitor.before = lastSeenAt;
        return true;
    }, `${what} moves lastSeenAt`);
}

describe('looking at visitors', () => {
    test('only the organisation may', async () => {
        const visitor = org.visitor();
        const id = (await visitor.getOk(`/conversations/${await visitor.converse()}`)).visitorId;
        for (const caller of [visitor, org.anonymous, org.visitor()]) {
            assertError(await caller.get('/visitors'), 401, 'token_required');
            assertError(await caller.get(`/visitors/${id}`), 401, 'token_required');
            assertError(await caller.get(`/visitors/${NOBODY}`), 401, 'token_required');
        }
    });

    test('gives each visitor with all members, newest seen first', async () => {
        const shop = await server.org();
        assert.deepEqual(await shop.agent.getOk('/visitors'), { visitors: [], next: null });
        const [one, two, three] = [shop.visitor(), shop.visitor(), shop.visitor()];
        for (const visitor of [one, two, three, one]) {
            const before = Date.now();
            while (Date.now() === before);
            await visitor.converse();
        }
        const list = await shop.agent.getOk('/visitors');
        assert.deepEqual(Object.keys(list).sort(), ['next', 'visitors']);
        list.visitors.forEach(assertVisitor);
        assert.deepEqual(list.visitors.map((visitor) => visitor.visitorKey), [one.key, three.key, two.key]);
        assert.deepEqual(list.visitors.map((visitor) => visitor.conversationCount), [2, 1, 1]);
        for (const visitor of list.visitors) assert.deepEqual(await shop.agent.getOk(`/visitors/${visitor.id}`), visitor);
    });

    test('an unknown id, and a conversation’s id, get 404', async () => {
        const conversation = await org.anonymous.converse();
        for (const id of [NOBODY, conversation, 'x', '0', org.key]) assertError(await org.agent.get(`/visitors/${id}`), 404, 'not_found');
    });

    test('limit and cursor that make no sense get 400', async () => {
        for (const query of ['limit=0', 'limit=101', 'limit=x', 'before=x', 'before=%00', 'before=*'])
            assertError(await org.agent.get(`/visitors?${query}`), 400, 'invalid_query');
    });
});

describe('a visit is remembered', () => {
    test('firstSeenAt is set once, lastSeenAt by every new conversation', async () => {
        const visitor = org.visitor();
        const { createdAt } = (await visitor.post('/conversations')).json;
        const first = await org.seen(visitor.key);
        assert.equal(first.firstSeenAt, first.lastSeenAt);
        assert.equal(first.firstSeenAt, createdAt);
        await movesLastSeen(visitor, () => visitor.converse(), 'a conversation');
        assert.equal((await org.seen(visitor.key)).firstSeenAt, first.firstSeenAt);
        assert.equal((await org.seen(visitor.key)).id, first.id);
    });

    test('a message moves lastSeenAt', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        await movesLastSeen(visitor, () => visitor.say(id, 'x'), 'a message');
        const said = await visitor.say(id, 'y');
        assert.ok((await org.seen(visitor.key)).lastSeenAt <= said.timestamp);
    });

    test('reads move lastSeenAt too: a conversation, the list, the bootloader', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        await movesLastSeen(visitor, () => visitor.getOk(`/conversations/${id}`), 'reading a conversation');
        await movesLastSeen(visitor, () => visitor.getOk('/conversations'), 'listing');
        await movesLastSeen(visitor, () => visitor.getOk('/api/bootloader'), 'the bootloader');
        await movesLastSeen(visitor, () => visitor.request('HEAD', `/conversations/${id}`), 'HEAD');
        assert.equal((await org.seen(visitor.key)).conversationCount, 1);
    });

    test("the organisation's own reads do not", async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const earlier = await org.seen(visitor.key);
        for (let i = 0; i < 5; i++) {
            await org.agent.getOk(`/conversations/${id}`);
            await org.agent.getOk(`/visitors/${earlier.id}`);
            await org.agent.say(id, 'x', { role: 'assistant' });
        }
        await movesLastSeen(org.visitorForClock ??= await warm(), () => org.visitorForClock.getOk('/conversations'), 'another visitor');
        assert.deepEqual(await org.seen(visitor.key), earlier);
    });

    test('many reads in one second cost at most a few commits', async () => {
        const visitor = org.visitor();
        await visitor.converse();
        const seq = async () => (await org.anonymous.getOk('/health')).seq;
        const [start, began] = [await seq(), Date.now()];
        for (let i = 0; i < 300; i++) await visitor.getOk('/conversations');
        const seconds = (Date.now() - began) / 1000;
        const moved = (await seq()) - start;
        assert.ok(moved <= seconds + 2, `300 reads in ${seconds} s moved the log by ${moved}`);
    });

    test('reads with a key that nobody has create no visitor', async () => {
        const earlier = (await server.counts()).visitors;
        const stranger = org.visitor();
        assert.deepEqual(await stranger.getOk('/conversations'), { conversations: [], next: null });
        await stranger.getOk('/api/bootloader');
        await movesLastSeen(org.visitorForClock ??= await warm(), () => org.visitorForClock.getOk('/conversations'), 'another visitor');
        assert.equal((await server.counts()).visitors, earlier);
        assert.equal(await org.seen(stranger.key), undefined);
    });

    test('userAgent is the one of the newest conversation, kept as sent', async () => {
        const visitor = org.visitor();
        const agentOf = async () => (await org.seen(visitor.key)).userAgent;
        const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "quoted" \\ <b>';
        await visitor.converse({ 'user-agent': chrome });
        assert.equal(await agentOf(), chrome);
        await visitor.converse({ 'user-agent': 'second/2' });
        assert.equal(await agentOf(), 'second/2');
    });

    test('a visitor without a User-Agent has null or the last one, and a very long one is cut', async () => {
        const silent = org.visitor();
        await silent.converse();
        assert.ok([null, ''].includes((await org.seen(silent.key)).userAgent) || typeof (await org.seen(silent.key)).userAgent === 'string');
        const chatty = org.visitor();
        await chatty.converse({ 'user-agent': 'A'.repeat(4000) });
        assert.equal((await org.seen(chatty.key)).userAgent, 'A'.repeat(512));
    });

    test('a User-Agent that is not UTF-8 does no harm', async () => {
        const visitor = org.visitor();
        const answer = await visitor.post('/conversations', undefined, { 'user-agent': 'caf\xe9 \xff' });
        if (answer.status === 201) {
            const { userAgent } = await org.seen(visitor.key);
            assert.ok(userAgent === null || typeof userAgent === 'string');
        } else assertError(answer, 400, 'invalid_header');
    });
});

async function warm() {
    const visitor = org.visitor(freshVisitorKey());
    await visitor.converse();
    return visitor;
}

describe('the bootloader', () => {
    test('tells a widget about its organisation', async () => {
        for (const caller of [org.anonymous, org.visitor()]) {
            const boot = await caller.getOk('/api/bootloader');
            assert.deepEqual(Object.keys(boot).sort(), ['config', 'ok', 'online', 'opensAt', 'org', 'timestamp', 'visitor']);
            assert.equal(boot.ok, true);
            assert.deepEqual(Object.keys(boot.org).sort(), ['id', 'key', 'name']);
            assertId(boot.org.id);
            assert.equal(boot.org.key, 'acme');
            assert.equal(boot.org.name, 'Acme Köln GmbH');
            assertTime(boot.timestamp);
            assert.equal(typeof boot.online, 'boolean');
            assert.equal(boot.opensAt, null);
            assert.equal(boot.visitor, null);
            assert.equal(boot.config.visitorCookie, false);
            assert.deepEqual(Object.keys(boot.config).sort(), ['color', 'countVisits', 'enabled', 'language', 'position', 'subtitle', 'title', 'visitorCookie']);
        }
    });

    test('tells whether somebody is there: who has just answered is', async () => {
        const [shop, quiet] = [await server.org(), await server.org()];
        const online = async (one) => (await one.anonymous.getOk('/api/bootloader')).online;
        const id = await shop.visitor().converse();
        assert.equal(await online(shop), false);
        await shop.agent.say(id, 'hello', { role: 'assistant' });
        await eventually(() => online(shop), 'the organisation is online');
        assert.equal(await online(quiet), false);
    });

    test('tells a visitor who comes back how much it has and has not read', async () => {
        const visitor = org.visitor();
        const loaded = async (caller = visitor) => (await caller.getOk('/api/bootloader')).visitor;
        assert.equal(await loaded(), null);
        assert.equal(await org.seen(visitor.key), undefined, 'loading a page made a visitor');
        await visitor.post('/visitors/me');
        assert.deepEqual(await loaded(), { conversationCount: 0, unreadCount: 0 });
        const ids = [await visitor.converse(), await visitor.converse()];
        for (const id of ids) await org.agent.say(id, 'an answer', { role: 'assistant' });
        const last = await org.agent.say(ids[0], 'another', { role: 'assistant' });
        await visitor.say(ids[1], 'a question');
        assert.deepEqual(await loaded(), { conversationCount: 2, unreadCount: 3 });
        assert.equal((await visitor.post(`/conversations/${ids[0]}/read`, { seq: last.seq })).status, 200);
        assert.deepEqual(await loaded(), { conversationCount: 2, unreadCount: 1 });
        assert.equal(await loaded((await server.org()).visitor(visitor.key)), null);
    });

    test('shows what the organisation has set, at once and exactly', async () => {
        const shop = await server.org();
        const defaults = (await shop.anonymous.getOk('/api/bootloader')).config;
        assert.match(defaults.color, /^#[0-9a-f]{6}$/i);
        assert.ok(['left', 'right'].includes(defaults.position));
        assert.ok(['auto', 'en', 'tr', 'de', 'fr', 'es', 'ar'].includes(defaults.language));
        assert.equal(typeof defaults.countVisits, 'boolean');
        const title = 'Merhaba 👋 "sorun" </script>';
        await server.cliOk('org', 'update', shop.key, '--widget-title', title, '--widget-subtitle', 'مرحبا', '--widget-color', '#12aBcd',
            '--widget-position', 'left', '--widget-language', 'tr', '--count-visits', defaults.countVisits ? 'off' : 'on');
        const { config } = await shop.anonymous.getOk('/api/bootloader');
        assert.equal(config.title, title);
        assert.equal(config.subtitle, 'مرحبا');
        assert.equal(config.color.toLowerCase(), '#12abcd');
        assert.equal(config.position, 'left');
        assert.equal(config.language, 'tr');
        assert.equal(config.countVisits, !defaults.countVisits);
    });

    test('needs an organisation', async () => {
        assertError(await org.anonymous.with({ 'x-org-key': undefined }).get('/api/bootloader'), 401, 'org_unknown');
        assertError(await org.anonymous.with({ 'x-org-key': 'nobody' }).get('/api/bootloader'), 401, 'org_unknown');
        const ok = await org.anonymous.with({ 'x-org-key': undefined, 'x-site-id': org.key }).getOk('/api/bootloader');
        assert.equal(ok.org.key, org.key);
    });
});
