/*
 * What an organisation does for a visitor who asks for it: hand out what is kept, erase it with or without the conversations,
 * keep no more of an address than it wants to; and what it does by itself, when things have become old.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { before, after, describe } from 'node:test';

import { BINARY, Caller, eventually, helvino, helvinoOk, ROOT, run, serverFor, startServer, temporaryDirectory } from './server.mjs';
import { assertError, assertExport, assertPreview, assertReceipt, NOBODY } from './shapes.mjs';
import { open } from './sse.mjs';

let server, org, other;
before(async () => {
    server = await startServer();
    org = await withScopes(await server.org('acme', '--name', 'Acme'));
    other = await withScopes(await server.org('other'));
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

/** The organisation with callers of every scope. */
async function withScopes(shop) {
    for (const scope of ['read', 'admin']) {
        const token = (await shop.server.cliOk('org', 'token', 'create', shop.key, '--scope', scope)).trim();
        shop[scope] = new Caller(shop.server, { 'x-org-key': shop.key, authorization: `Bearer ${token}` });
    }
    return shop;
}

const idOf = async (visitor) => (await visitor.getOk('/visitors/me')).id;
const erase = (caller, id, query = '') => caller.request('DELETE', `/visitors/${id}${query}`);
const rows = async (on, query) => JSON.parse(await on.cliOk('dump', 'sql', '--format', 'json', query));

/** A visitor with `count` conversations of two messages each, and its conversations' ids. */
async function inhabit(shop, count = 2, visitor = shop.visitor()) {
    const ids = [];
    for (let i = 0; i < count; i++) {
        const id = await visitor.converse();
        await visitor.say(id, `question ${i}`);
        await shop.agent.say(id, `answer ${i}`, { role: 'assistant' });
        ids.push(id);
    }
    return { visitor, ids, id: count ? await idOf(visitor) : undefined };
}

/** What is left of an export of the organisation without what only its own side sees. */
function asTheVisitor({ exportedAt, visitor: { visitorKey, blockedAt, ...visitor }, conversations, ...page }) {
    const own = ({ status, snoozedUntil, resolvedAt, assigneeId, priority, tags, notes, ...conversation }) => conversation;
    return { ...page, visitor, conversations: conversations.map(own) };
}

describe('an access request', () => {
    test('gives the organisation what the visitor itself would get, and its key', async () => {
        const { visitor, id } = await inhabit(org);
        await visitor.post('/visitors/me', { email: 'ada@example.org' });
        const own = await visitor.getOk('/visitors/me/export');
        const answer = await org.agent.get(`/visitors/${id}/export`);
        assert.equal(answer.headers['content-disposition'], 'attachment; filename="helvino-export.json"');
        const page = answer.json;
        assertExport(page, visitor.key);
        assert.equal(page.visitor.visitorKey, visitor.key);
        assert.deepEqual(asTheVisitor(page), asTheVisitor(own));
        const { visitorKey, ...withoutKey } = page.visitor;
        assert.deepEqual((await org.read.getOk(`/visitors/${id}/export`)).visitor, withoutKey, 'a token that only reads');
    });

    test('has what was noted about the visitor, which the visitor itself does not get', async () => {
        const { visitor, ids, id } = await inhabit(org, 2);
        await org.agent.post(`/conversations/${ids[0]}/notes`, { content: 'seems to be in a hurry' });
        await org.agent.post(`/conversations/${ids[1]}/notes`, { content: 'pays late' });
        assert.equal((await org.agent.request('PATCH', `/conversations/${ids[0]}`, { body: { tags: ['vip'], priority: 'high' } })).status, 200);
        assert.equal((await org.agent.request('PATCH', `/visitors/${id}`, { body: { blocked: true } })).status, 200);
        const page = await org.agent.getOk(`/visitors/${id}/export`);
        assert.deepEqual(page.conversations.map(({ notes, tags }) => [notes.map(({ content }) => content), tags]), [
            [['pays late'], []],
            [['seems to be in a hurry'], ['vip']],
        ]);
        assert.ok(page.visitor.blockedAt);
        assert.doesNotMatch((await visitor.get('/visitors/me/export')).text, /hurry|pays late|vip|blocked|high/);
        const shell = JSON.parse(await server.cliOk('export', '--visitor', visitor.key, '--org', 'acme'));
        assert.deepEqual(shell.conversations, page.conversations);
    });

    test('comes in the same pages', async (t) => {
        const own = await serverFor(t);
        const shop = await own.org();
        const { visitor, ids, id } = await inhabit(shop, 1);
        for (let i = 0; i < 600; i++) await visitor.say(ids[0], `${i} ${'x'.repeat(20000)}`);
        const pages = async (caller, path) => {
            const all = [];
            for (let after = ''; after !== null; after = all.at(-1).next && `?after=${all.at(-1).next}`) all.push(await caller.getOk(path + after));
            return all.map((page) => ({ next: page.next, conversations: asTheVisitor(page).conversations }));
        };
        const hers = await pages(shop.agent, `/visitors/${id}/export`);
        assert.ok(hers.length > 1);
        assert.deepEqual(hers, await pages(visitor, '/visitors/me/export'));
    });

    test('is for the organisation alone', async () => {
        const { visitor, id } = await inhabit(org, 1);
        for (const caller of [other.agent, other.admin]) {
            const foreign = await caller.get(`/visitors/${id}/export`);
            assert.equal(assertError(foreign, 404, 'not_found').error, (await caller.get(`/visitors/${NOBODY}/export`)).json.error);
        }
        for (const caller of [visitor, org.anonymous]) assertError(await caller.get(`/visitors/${id}/export`), 401, 'token_required');
        const { ids: [theirs] } = await inhabit(org, 1);
        for (const place of [`${theirs}.0`, `${NOBODY}.0`, 'x', '']) assertError(await org.agent.get(`/visitors/${id}/export?after=${place}`), 400, 'invalid_query', /"after"/);
    });

    test('from the shell is the same in one document', async () => {
        const { visitor, id } = await inhabit(org, 3);
        const page = await org.agent.getOk(`/visitors/${id}/export`);
        const out = JSON.parse(await server.cliOk('export', '--visitor', visitor.key, '--org', 'acme'));
        const timeless = (document) => ({ ...document, exportedAt: null, visitor: { ...document.visitor, lastSeenAt: null, updatedAt: null } });
        assert.deepEqual(timeless(out), timeless(page));
        assert.equal((await server.cli('export', '--visitor', visitor.key)).code, 2);
        assert.equal((await server.cli('export', '--visitor', visitor.key, '--org', 'other')).code, 1);
        assert.match((await server.cli('export', '--visitor', visitor.key, '--org', 'nowhere')).stderr, /^helvino: there is no organisation "nowhere"/);
    });

    test('from the shell has no pages, however much there is', async (t) => {
        const own = await serverFor(t);
        const shop = await own.org();
        const { visitor, ids } = await inhabit(shop, 1);
        const texts = Array.from({ length: 600 }, (_, i) => `${i} ${'ü"\n'.repeat(5000)}`);
        for (const text of texts) await visitor.say(ids[0], text);
        const out = JSON.parse(await own.cliOk('export', '--visitor', visitor.key, '--org', shop.key));
        assert.equal(out.next, null);
        assert.deepEqual(out.conversations[0].messages.slice(2).map((message) => message.content), texts);
    });
});

describe('erasing a visitor', () => {
    test('takes an admin, a preview tells what would go, and a receipt what went', async () => {
        const { visitor, ids, id } = await inhabit(org, 3);
        for (const caller of [org.read, org.agent]) for (const query of ['', '?preview=1']) assertError(await erase(caller, id, query), 403, 'right_forbidden');
        for (const caller of [visitor, org.anonymous]) assertError(await erase(caller, id), 401, 'token_required');
        for (const query of ['?preview=2', '?preview=', '?conversations=keep', '?conversations=', '?preview=1&preview=1']) assertError(await erase(org.admin, id, query), 400, 'invalid_query');
        for (let i = 0; i < 2; i++) {
            assertPreview((await erase(org.admin, id, '?preview=1')).json, 3, 6);
            assertPreview((await erase(org.admin, id, '?preview=1&conversations=anonymize')).json, 0, 0, 3);
        }
        assert.equal((await visitor.getOk('/conversations')).conversations.length, 3, 'a preview changes nothing');
        const answer = await erase(org.admin, id);
        assert.equal(answer.status, 200);
        assertReceipt(answer.json, 1, 3, 6);
        assertError(await erase(org.admin, id), 404, 'not_found');
        assertError(await erase(org.admin, id, '?preview=1'), 404, 'not_found');
        for (const caller of [org.agent, visitor]) for (const gone of ids) assertError(await caller.get(`/conversations/${gone}`), 404, 'not_found');
        assertError(await org.agent.get(`/visitors/${id}`), 404, 'not_found');
        const line = await server.logged((lines) => lines.find((item) => item.receipt === answer.json.receipt), 'the receipt in the log');
        assert.deepEqual([line.conversations, line.messages, line.anonymized], [3, 6, 0]);
        assert.ok(!server.log.includes(visitor.key) && !server.log.includes(id), 'the log names whom nobody is to know any more');
    });

    test('of another organisation is the same as of nobody', async () => {
        const { visitor, id } = await inhabit(org, 1);
        for (const query of ['', '?preview=1', '?conversations=anonymize']) {
            const [foreign, nobody] = [await erase(other.admin, id, query), await erase(other.admin, NOBODY, query)];
            assertError(foreign, 404, 'not_found');
            assert.equal(foreign.text, nobody.text);
        }
        assert.equal(await idOf(visitor), id);
    });

    test('is kept as a hash and counts, of which nobody is found who was erased', async () => {
        const { visitor, id } = await inhabit(org, 2);
        const { receipt, erasedAt } = (await erase(org.admin, id)).json;
        const [row] = await rows(server, `SELECT * FROM erasures WHERE receipt = '${receipt}'`);
        assert.match(row.visitorHash, /^[0-9a-f]{64}$/);
        assert.deepEqual([row.visitors, row.conversations, row.messages, row.anonymizedConversations], [1, 2, 4, 0]);
        assert.equal(`${row.erasedAt.replace(' ', 'T')}Z`, erasedAt);
        assert.ok(!JSON.stringify(row).includes(visitor.key) && !JSON.stringify(row).includes(id));
        // Under the same key there is somebody else by now, who is counted along when it goes too.
        await visitor.converse();
        const second = (await visitor.request('DELETE', '/visitors/me')).json;
        const [now] = await rows(server, `SELECT * FROM erasures WHERE "visitorHash" = '${row.visitorHash}'`);
        assert.deepEqual([now.visitors, now.conversations, now.messages, now.receipt], [2, 3, 4, second.receipt]);
    });

    test('by the organisation is in its audit log, with the receipt; by the visitor it is nobody else’s act', async () => {
        const [one, two] = [await inhabit(org, 1), await inhabit(org, 1)];
        const { receipt } = (await erase(org.admin, one.id)).json;
        const own = (await two.visitor.request('DELETE', '/visitors/me')).json.receipt;
        const acts = await rows(server, `SELECT * FROM audit WHERE action = 'visitor.erased' AND "subjectId" IN ('${receipt}', '${own}')`);
        assert.equal(acts.length, 1);
        assert.deepEqual([acts[0].subjectId, acts[0].detail], [receipt, 'conversations: 1, messages: 2, anonymized: 0']);
        assert.ok(acts[0].actorId !== null && acts[0].subjectName === null);
    });

    test('tells its open streams that it is over', async () => {
        const { visitor, id, ids } = await inhabit(org, 1);
        const stream = await (await open(visitor)).ready();
        await erase(org.admin, id);
        await stream.end();
        assertError(await visitor.get(`/conversations/${ids[0]}`), 404, 'not_found');
    });

    test('by two at once happens once', async () => {
        for (let round = 0; round < 5; round++) {
            const { visitor, id } = await inhabit(org, 2);
            const answers = await Promise.all([...Array.from({ length: 8 }, () => erase(org.admin, id)), ...Array.from({ length: 8 }, () => visitor.request('DELETE', '/visitors/me'))]);
            const receipts = answers.filter((answer) => answer.status === 200 && answer.json.visitors === 1);
            assert.equal(receipts.length, 1, 'it was erased once');
            assertReceipt(receipts[0].json, 1, 2, 4);
            for (const answer of answers.slice(0, 8)) assert.ok(answer.status === 200 || answer.status === 404, answer.text);
            for (const answer of answers.slice(8)) assert.equal(answer.status, 200, answer.text);
        }
    });

    test('while others write, and while it writes itself, leaves all of it or nothing', async () => {
        const neighbours = await Promise.all(Array.from({ length: 4 }, () => inhabit(org, 1)));
        for (let round = 0; round < 5; round++) {
            const { visitor, id, ids } = await inhabit(org, 2);
            const hers = Array.from({ length: 12 }, (_, i) => visitor.post(`/conversations/${ids[i % 2]}/messages`, { role: 'user', content: `late ${i}` }));
            const theirs = neighbours.flatMap((each) => Array.from({ length: 6 }, (_, i) => each.visitor.say(each.ids[0], `${round} ${i}`)));
            const anonymizes = round % 2 === 1;
            const { json } = await erase(org.admin, id, anonymizes ? '?conversations=anonymize' : '');
            const said = (await Promise.all(hers)).filter((answer) => answer.status === 201).length;
            await Promise.all(theirs);
            assert.equal(json.visitors, 1);
            for (const answer of await Promise.all(hers)) assert.ok([201, 404].includes(answer.status), answer.text);
            if (anonymizes) assert.equal(json.anonymizedConversations, 2);
            else assert.ok(json.messages >= 4 + said, `${json.messages} messages went, of 4 and ${said} that were taken meanwhile`);
            const list = ids.map((each) => `'${each}'`).join(',');
            assert.deepEqual(await rows(server, `SELECT id FROM visitors WHERE id = '${id}' UNION SELECT id FROM conversations WHERE "visitorId" = '${id}'`), []);
            if (!anonymizes) assert.deepEqual(await rows(server, `SELECT id FROM messages WHERE "conversationId" IN (${list}) UNION SELECT id FROM conversations WHERE id IN (${list})`), []);
        }
        for (const each of neighbours) assert.equal((await each.visitor.getOk(`/conversations/${each.ids[0]}`)).messageCount, 2 + 5 * 6);
    });
});

describe('conversations that stay without their visitor', () => {
    test('keep their text and are the organisation’s alone', async () => {
        const { visitor, ids, id } = await inhabit(org, 2);
        const before = await Promise.all(ids.map((each) => org.agent.getOk(`/conversations/${each}`)));
        assertReceipt((await erase(org.admin, id, '?conversations=anonymize')).json, 1, 0, 0, 2);
        assertError(await org.agent.get(`/visitors/${id}`), 404, 'not_found');
        for (const [i, each] of ids.entries()) {
            const now = await org.agent.getOk(`/conversations/${each}`);
            assert.deepEqual(now, { ...before[i], visitorId: null, anonymized: true });
        }
        const listed = await org.agent.pages('/conversations', 'conversations');
        for (const each of ids) assert.equal(listed.find((item) => item.id === each).anonymized, true);
        await org.agent.say(ids[0], 'a last note', { role: 'assistant' });
        assert.equal((await org.agent.getOk(`/conversations/${ids[0]}`)).messageCount, 3);
    });

    test('are 404 to everybody else, whatever they try', async () => {
        const { visitor, ids, id } = await inhabit(org, 1);
        await erase(org.admin, id, '?conversations=anonymize');
        await visitor.converse(); // the same key again is another visitor
        const say = { role: 'user', content: 'x' };
        for (const caller of [visitor, org.anonymous, org.visitor(), other.agent, other.admin, other.anonymous]) {
            const attempts = (target) => [caller.get(`/conversations/${target}`), caller.request('HEAD', `/conversations/${target}`), caller.post(`/conversations/${target}/messages`, say),
                caller.post(`/conversations/${target}/read`, { seq: 1 }), caller.post(`/conversations/${target}/typing`)];
            const [seen, nothing] = [await Promise.all(attempts(ids[0])), await Promise.all(attempts(NOBODY))];
            for (const [i, answer] of seen.entries()) {
                assert.equal(answer.status, 404);
                assert.equal(answer.text, nothing[i].text);
            }
        }
        for (const caller of [visitor, org.visitor()]) assert.ok(!(await caller.get('/conversations')).text.includes(ids[0]));
        assert.ok(!(await visitor.get('/visitors/me/export')).text.includes(ids[0]));
        assertError(await visitor.get(`/visitors/me/export?after=${ids[0]}.0`), 400, 'invalid_query');
        assert.equal((await org.agent.getOk(`/conversations/${ids[0]}`)).messageCount, 2, 'somebody wrote');
    });

    test('one of nobody known stays open to whoever knows its id', async () => {
        const orphan = await org.anonymous.converse();
        assert.equal((await org.anonymous.getOk(`/conversations/${orphan}`)).anonymized, undefined);
    });

    test('an old answer is not given again, and the key may begin anew', async () => {
        const visitor = org.visitor(), headers = { 'idempotency-key': 'once' };
        const id = await visitor.converse(headers);
        await erase(org.admin, await idOf(visitor), '?conversations=anonymize');
        const again = await visitor.post('/conversations', undefined, headers);
        assert.equal(again.status, 201);
        assert.notEqual(again.json.id, id);
    });

    test('may be wished by the visitor itself', async () => {
        const { visitor, ids } = await inhabit(org, 1);
        assertPreview((await visitor.request('DELETE', '/visitors/me?preview=1')).json, 1, 2);
        assertReceipt((await visitor.request('DELETE', '/visitors/me?conversations=anonymize')).json, 1, 0, 0, 1);
        assert.equal((await org.agent.getOk(`/conversations/${ids[0]}`)).anonymized, true);
        assertError(await visitor.request('DELETE', '/visitors/me?preview=1'), 404, 'not_found');
    });

    test('from the shell too', async () => {
        const { visitor, ids } = await inhabit(org, 2);
        const flags = ['--visitor', visitor.key, '--org', 'acme'];
        assert.equal((await server.cli('erase', ...flags)).code, 2, 'only with --yes');
        assert.equal(await server.cliOk('erase', ...flags, '--preview'), 'would erase 1 visitor, 2 conversations and 4 messages\n');
        assert.equal(await server.cliOk('erase', ...flags, '--preview', '--conversations', 'anonymize'), 'would erase 1 visitor, and leave 2 conversations with 4 messages without it\n');
        const receipt = await server.cliOk('erase', ...flags, '--conversations', 'anonymize', '--yes');
        assert.match(receipt, /^receipt c[0-9a-z]{24}\nerased at \S+: 1 visitor, 0 conversations, 0 messages; 2 conversations stay without it\n$/);
        assert.equal((await org.agent.getOk(`/conversations/${ids[1]}`)).anonymized, true);
        const gone = await server.cli('erase', ...flags, '--yes');
        assert.deepEqual([gone.code, gone.stdout], [1, '']);
        assert.match(gone.stderr, /^helvino: the organisation "acme" has no visitor of this key\n$/);
    });
});

describe('network addresses', () => {
    test('are not kept, unless the organisation asks for it, and then as much of them', async (t) => {
        const own = await serverFor(t, { flags: ['--trusted-proxies', '127.0.0.1'] });
        const shop = await withScopes(await own.org());
        const from = async (address, visitor = shop.visitor()) => {
            const headers = { 'x-forwarded-for': address };
            const id = await visitor.converse(headers);
            await visitor.post(`/conversations/${id}/messages`, { role: 'user', content: 'x' }, headers);
            await visitor.post('/visitors/me', {}, headers);
            return { visitor, seen: (await shop.seen(visitor.key)).address };
        };
        assert.equal((await from('203.0.113.77')).seen, null);
        assert.deepEqual((await shop.admin.request('PATCH', '/organization', { body: { addresses: 'full' } })).json.addresses, 'full');
        const full = await from('203.0.113.77');
        assert.equal(full.seen, '203.0.113.77');
        assert.equal((await from('2001:db8:1:2::3', full.visitor)).seen, '2001:db8:1:2::3', 'it is the last one');
        const [page] = [await shop.agent.getOk(`/visitors/${await idOf(full.visitor)}/export`)];
        assert.equal(page.visitor.address, '2001:db8:1:2::3');
        await own.cliOk('org', 'update', shop.key, '--addresses', 'truncated');
        assert.equal((await from('203.0.113.77')).seen, '203.0.113.0/24');
        assert.equal((await from('2001:db8:1:2::3')).seen, '2001:db8:1::/48');
        await eventually(async () => (await shop.seen(full.visitor.key)).address === '2001:db8:1::/48', 'what was kept before is cut too');
        await shop.admin.request('PATCH', '/organization', { body: { addresses: 'none' } });
        await eventually(async () => (await shop.agent.pages('/visitors', 'visitors')).every((visitor) => visitor.address === null), 'all are forgotten');
        assert.equal((await from('203.0.113.77')).seen, null);
        assert.ok(!own.log.includes('203.0.113.77'));
        await own.check();
    });

    test('of whoever answers are nobody’s', async (t) => {
        const own = await serverFor(t);
        const shop = await own.org();
        await own.cliOk('org', 'update', shop.key, '--addresses', 'full');
        const { visitor } = await inhabit(shop, 1);
        assert.equal((await shop.seen(visitor.key)).address, '127.0.0.1');
        const quiet = shop.visitor();
        await new Caller(own, { ...quiet.headers, ...shop.agent.headers }).post('/visitors/me');
        assert.equal((await shop.seen(quiet.key)).address, null, 'the organisation asked in its name');
    });
});

describe('retention', () => {
    const day = (n) => new Date(Date.UTC(2024, 0, n)).toISOString().replace('T', ' ').replace('Z', '');
    /** Rows of 2024: visitors who were there until then, with two messages each. */
    async function importOld(own, shop, count) {
        const directory = temporaryDirectory();
        const [{ id: orgId }] = await rows(own, `SELECT id FROM organizations WHERE key = '${shop.key}'`);
        const id = (kind, n) => `c${kind}${String(n).padStart(23, '0')}`;
        const tables = { visitors: [], conversations: [], messages: [] };
        for (let n = 0; n < count; n++) {
            tables.visitors.push({ id: id('v', n), orgId, visitorKey: `v_old-${n}`, firstSeenAt: day(1), lastSeenAt: day(2), userAgent: 'old', createdAt: day(1), updatedAt: day(2), email: null });
            tables.conversations.push({ id: id('t', n), orgId, visitorId: id('v', n), createdAt: day(1), updatedAt: day(2) });
            for (const m of [1, 2]) tables.messages.push({ id: id('m', 2 * n + m), conversationId: id('t', n), orgId, role: 'user', content: `old ${n}.${m}`, timestamp: day(m), clientId: null });
        }
        for (const [table, list] of Object.entries(tables)) writeFileSync(join(directory, `${table}.ndjson`), list.map((row) => `${JSON.stringify(row)}\n`).join(''));
        await own.cliOk('import', directory, '--rejects', join(directory, 'rejects'));
    }
    const removed = async (shop, kind) => Number(new RegExp(`^helvino_retention_removed_total\\{kind="${kind}"\\} (\\d+)$`, 'm').exec((await shop.anonymous.get('/metrics')).text)[1]);

    test('is among the settings, off until it is set, and refuses what it can not keep', async () => {
        const shop = await withScopes(await server.org());
        const settings = await shop.read.getOk('/organization');
        assert.deepEqual(settings.retention, { visitors: 0, messages: 0, redactMessages: false, empty: 0, audit: 365, erasures: 0, lastRun: null });
        assert.equal(settings.addresses, 'none');
        const patch = (body) => shop.admin.request('PATCH', '/organization', { body });
        const wish = { visitors: 90, messages: 30, redactMessages: true, empty: 7, audit: 30, erasures: 3650 };
        assert.deepEqual((await patch({ retention: wish })).json.retention, { ...wish, lastRun: null });
        assert.deepEqual((await patch({ retention: { visitors: 0 }, name: 'Shop' })).json.retention, { ...wish, visitors: 0, lastRun: null });
        for (const retention of [1, [], 'x', { visitors: -1 }, { visitors: 1.5 }, { visitors: '90' }, { visitors: 36501 }, { redactMessages: 1 }, { empty: true }]) assertError(await patch({ retention }), 400, 'invalid_field');
        for (const addresses of ['some', 1, '', 'FULL']) assertError(await patch({ addresses }), 400, 'invalid_field', /"addresses"/);
        assertError(await shop.agent.request('PATCH', '/organization', { body: { retention: wish } }), 403, 'right_forbidden');
        assert.match(await server.cliOk('org', 'show', shop.key), /^keep messages +30 days, then redact them$/m);
        await server.cliOk('org', 'update', shop.key, '--retain-messages', '0', '--redact-messages', 'off', '--retain-empty', '0', '--retain-erasures', '0', '--retain-audit', '0');
        assert.deepEqual((await shop.read.getOk('/organization')).retention, { ...settings.retention });
        const refused = await server.cli('org', 'update', shop.key, '--retain-visitors', '36501');
        assert.equal(refused.code, 2);
    });

    test('can be tried with other settings, and then nothing has gone', async (t) => {
        const own = await serverFor(t);
        const shop = await withScopes(await own.org());
        await importOld(own, shop, 40);
        await inhabit(shop, 2);
        const would = (query = '') => shop.admin.getOk(`/retention/preview${query}`);
        const nothing = { visitors: 0, conversations: 0, messages: 0, redacted: 0, others: 0, complete: true };
        assert.deepEqual(await would(), nothing);
        const { visitors, conversations, messages, complete } = await would('?visitors=90');
        assert.deepEqual({ visitors, conversations, messages, complete }, { visitors: 40, conversations: 40, messages: 80, complete: true });
        assert.deepEqual(await would('?messages=90'), { ...nothing, messages: 80 });
        assert.deepEqual(await would('?messages=90&redactMessages=1'), { ...nothing, redacted: 80 });
        assert.deepEqual(await would('?visitors=36500&messages=36500&empty=36500'), nothing);
        assert.equal((await shop.agent.pages('/visitors', 'visitors')).length, 41);
        assert.equal((await shop.admin.getOk('/organization')).retention.lastRun, null);
        for (const query of ['?visitors=-1', '?messages=36501', '?redactMessages=2', '?empty=x']) assertError(await shop.admin.get(`/retention/preview${query}`), 400, 'invalid_query');
        assertError(await shop.agent.get('/retention/preview'), 403, 'right_forbidden');
        const other = await withScopes(await own.org());
        assert.deepEqual(await other.admin.getOk('/retention/preview?visitors=1'), nothing);
    });

    test('goes by itself beside all that is written, and says what it has done', async (t) => {
        const own = await serverFor(t);
        const shop = await withScopes(await own.org());
        await importOld(own, shop, 500);
        const { visitor, ids } = await inhabit(shop, 2);
        const dry = await own.cliOk('retention', '--dry-run');
        assert.match(dry, new RegExp(`^${shop.key} +0 +0 +0 +0 +0$`, 'm'), 'nothing is set');
        await own.cliOk('org', 'update', shop.key, '--retain-visitors', '90');
        let written = 0;
        await eventually(async () => {
            await visitor.say(ids[0], `while it goes ${written++}`);
            return (await shop.agent.getOk('/organization')).retention.lastRun?.endedAt;
        }, 'the run is over');
        const { lastRun } = (await shop.agent.getOk('/organization')).retention;
        const counts = { visitors: 500, conversations: 500, messages: 1000, redacted: 0, others: 0 };
        assert.deepEqual([lastRun.removed, lastRun.removedInAll], [counts, counts]);
        assert.ok(lastRun.beganAt <= lastRun.endedAt);
        for (const [kind, count] of Object.entries(counts)) assert.equal(await removed(shop, kind), count, kind);
        assert.deepEqual((await shop.agent.pages('/visitors', 'visitors')).map((each) => each.visitorKey), [visitor.key]);
        assert.equal((await shop.agent.pages('/conversations', 'conversations')).length, 2);
        assert.equal((await visitor.getOk(`/conversations/${ids[0]}`)).messageCount, 2 + written);
        assert.deepEqual(await rows(own, 'SELECT visitors, messages FROM retention_runs'), [{ visitors: 500, messages: 1000 }]);
        assert.deepEqual(await rows(own, 'SELECT * FROM erasures'), [], 'nobody asked to be erased');
        await own.check();
    });

    test('of messages leaves the younger ones, counted alike everywhere', async (t) => {
        const own = await serverFor(t);
        const shop = await own.org();
        await importOld(own, shop, 3);
        const [conversation] = await shop.agent.pages('/conversations', 'conversations');
        const visitor = shop.visitor((await shop.agent.getOk(`/visitors/${conversation.visitorId}`)).visitorKey);
        const young = await visitor.say(conversation.id, 'young');
        await own.cliOk('org', 'update', shop.key, '--retain-messages', '90');
        await eventually(async () => (await visitor.getOk(`/conversations/${conversation.id}`)).messageCount === 1, 'the old ones go');
        assert.deepEqual((await visitor.getOk(`/conversations/${conversation.id}`)).messages, [young]);
        await eventually(async () => (await rows(own, 'SELECT id FROM messages')).length === 1, 'and those of the others');
        const path = join(temporaryDirectory(), 'export');
        await own.cliOk('dump', 'export', '-o', path);
        const exported = readFileSync(join(path, 'conversations.ndjson'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line).messageCount);
        const asked = (await rows(own, 'SELECT "messageCount" n FROM conversations ORDER BY id')).map(({ n }) => n);
        assert.deepEqual(exported, asked);
        assert.deepEqual(asked.sort(), [0, 0, 1]);
        assert.equal((await visitor.getOk('/visitors/me/export')).conversations[0].messageCount, 1);
        await own.check();
    });

    test('from the shell: what would go, and then it goes', async (t) => {
        const own = await serverFor(t);
        const shop = await own.org(), second = await own.org();
        await importOld(own, shop, 20);
        await own.stop();
        const cli = (...words) => helvinoOk([...words, '--data', own.data]);
        await cli('org', 'update', shop.key, '--retain-messages', '30', '--redact-messages', 'on', '--retain-empty', '30');
        const line = (out, key = shop.key) => out.stdout.split('\n').find((each) => each.startsWith(key)).split(/\s+/).slice(1, 6).map(Number);
        const dry = await cli('retention', '--dry-run');
        assert.match(dry.stderr, /a dry run: nothing has been changed/);
        assert.deepEqual(line(dry), [0, 0, 0, 40, 0]);
        assert.deepEqual(line(await cli('retention', '--dry-run')), [0, 0, 0, 40, 0], 'the first one changed something');
        assert.deepEqual(line(await cli('retention', '--org', second.key), second.key), [0, 0, 0, 0, 0]);
        assert.deepEqual(line(await cli('retention')), [0, 0, 0, 40, 0]);
        assert.deepEqual(line(await cli('retention')), [0, 0, 0, 0, 0]);
        const texts = (await cli('dump', 'sql', '--format', 'ndjson', 'SELECT DISTINCT content FROM messages')).stdout;
        assert.equal(texts, '{"content":"[redacted]"}\n');
        await cli('org', 'update', shop.key, '--redact-messages', 'off');
        assert.deepEqual(line(await cli('retention', '--dry-run')), [0, 0, 40, 0, 0]);
        const done = line(await cli('retention'));
        assert.equal(done[2], 40);
        assert.equal((await cli('dump', 'sql', '--format', 'ndjson', 'SELECT count(*) n FROM messages')).stdout, '{"n":0}\n');
        assert.match((await cli('check')).stdout, /clean/);
        const missing = await helvino(['retention', '--org', 'nowhere', '--data', own.data]);
        assert.equal(missing.code, 1);
    });
});

describe('the README', () => {
    test('shows commands for privacy that work', async (t) => {
        const own = await serverFor(t);
        const shop = await withScopes(await own.org('demo'));
        const visitors = [shop.visitor('v_alice'), shop.visitor('v_bob'), shop.visitor()];
        for (const visitor of visitors) await inhabit(shop, 2, visitor);
        await visitors[0].post('/visitors/me', { email: 'alice@example.com' });
        const directory = temporaryDirectory();
        await own.cliOk('backup', join(directory, 'helvino-2026-01-31'));
        const [, section] = readFileSync(join(ROOT, 'README.md'), 'utf8').match(/^## Privacy and the GDPR\n([^]*?)^## /m);
        const blocks = [...section.matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block.replaceAll('/mnt/elsewhere', directory).replaceAll('/var/lib/helvino', own.data));
        assert.equal(blocks.length, 5);
        const env = {
            PATH: `${dirname(BINARY)}:${process.env.PATH}`, HELVINO_DATA: own.data, BASE: own.url, ID: await idOf(visitors[2]), AUTH: `authorization: ${shop.admin.headers.authorization}`,
        };
        const script = async (block) => {
            const result = await run('bash', ['-c', `set -euo pipefail\nsystemctl() { :; }\nsudo() { shift 2; "$@"; }\n${block}`], { env, cwd: directory });
            assert.equal(result.code, 0, `${block}\n${result.stderr}`);
            return result;
        };
        const [shell, http, settings, list, compact] = blocks;
        assert.match((await script(shell)).stdout, /v_alice[^]*would erase 1 visitor, 2 conversations and 4 messages\nreceipt c[^]*2 conversations stay without it/);
        assert.equal(JSON.parse(readFileSync(join(directory, 'alice.json'))).visitor.email, 'alice@example.com');
        const answers = (await script(http)).stdout;
        assert.match(answers, /^\{"visitors":1,"conversations":2,"messages":4,"anonymizedConversations":0,"complete":true\}\{"receipt":/);
        assert.equal(JSON.parse(readFileSync(join(directory, 'visitor.json'))).conversations.length, 2);
        assert.match((await script(settings)).stdout, /keep messages +365 days, then redact them/);
        assert.match((await script(list)).stderr, /3 visitors were erased again, with 4 conversations and 8 messages; 2 conversations stay/);
        await own.stop();
        assert.match((await script(compact)).stderr, /verified/);
        const check = await helvino(['check', '--data', join(directory, 'restored')]);
        assert.match(check.stdout, /^check: clean$/m);
    });
});
