/*
 * Conversations as agents work on them: each change is what was asked for and no more, of two who want the same one has it, lists
 * and counts agree with what is there, and what is another organisation's is not there.
 */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';

import { change, hire, noteOn } from './agents.mjs';
import { eventually, serverFor, startServer } from './server.mjs';
import { listen } from './sse.mjs';
import { assertConversation, assertError, assertId, assertListed, assertTime, NOBODY } from './shapes.mjs';

let server, acme, other, anna, bob;

before(async () => {
    server = await startServer();
    acme = await server.org('acme');
    other = await server.org('other');
    anna = await hire(acme, 'Anna');
    bob = await hire(acme, 'Bob');
});

after(async () => {
    if (server && !server.exited) await server.stop();
    server?.remove();
});

const patch = (caller, id, body) => caller.request('PATCH', `/conversations/${id}`, { body });
const inMs = (ms) => new Date(Date.now() + ms).toISOString();

describe('a change', () => {
    test('is what was asked for, and leaves the rest as it is', async () => {
        const id = await acme.visitor().converse();
        let now = await acme.agent.getOk(`/conversations/${id}`);
        assertConversation(now);
        assert.deepEqual([now.status, now.assigneeId, now.priority, now.tags, now.snoozedUntil, now.resolvedAt], ['open', null, null, [], null, null]);
        now = await change(anna, id, { priority: 'high', addTags: ['vip', 'billing'], assigneeId: 'me' });
        assertListed(now);
        assert.deepEqual([now.status, now.assigneeId, now.priority, now.tags], ['open', anna.id, 'high', ['billing', 'vip']]);
        now = await change(acme.agent, id, { status: 'pending', removeTags: ['billing', 'unknown'], addTags: ['Ärger'] });
        assert.deepEqual([now.status, now.assigneeId, now.priority, now.tags], ['pending', anna.id, 'high', ['vip', 'Ärger']]);
        const until = inMs(3_600_000);
        now = await change(bob, id, { snoozedUntil: until });
        assert.deepEqual([now.status, now.snoozedUntil], ['snoozed', until]);
        now = await change(bob, id, { status: 'resolved', assigneeId: null, priority: 'none', tags: [] });
        assertTime(now.resolvedAt);
        assert.deepEqual([now.status, now.snoozedUntil, now.assigneeId, now.priority, now.tags], ['resolved', null, null, null, []]);
        const again = await change(bob, id, { status: 'resolved' });
        assert.equal(again.resolvedAt, now.resolvedAt, 'it was resolved already');
        now = await change(bob, id, { status: 'open', priority: null });
        assert.equal(now.resolvedAt, null);
    });

    test('that is none is refused with a sentence, and changes nothing', async () => {
        const id = await acme.visitor().converse();
        const before = await acme.agent.getOk(`/conversations/${id}`);
        const wrong = [
            {}, { status: 'closed' }, { status: 1 }, { status: null }, { status: 'snoozed' }, { status: 'open', snoozedUntil: inMs(5000) }, { snoozedUntil: inMs(-1000) },
            { snoozedUntil: inMs(400 * 86_400_000) }, { snoozedUntil: 'tomorrow' }, { assigneeId: 7 }, { assigneeId: 'somebody' }, { priority: 'asap' }, { priority: 3 },
            { tags: 'vip' }, { tags: [''] }, { tags: [' vip'] }, { tags: ['a\nb'] }, { tags: ['x'.repeat(41)] }, { addTags: [7] }, { tags: ['a'], addTags: ['b'] },
            { addTags: ['b'], tags: ['a'] }, { tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }, { unknown: true },
        ];
        for (const body of wrong) assertError(await patch(anna, id, body), 400, 'invalid_field');
        assertError(await patch(anna, id, '{'), 400, 'invalid_json');
        assertError(await anna.request('PATCH', `/conversations/${id}`), 400, 'invalid_json');
        assertError(await patch(acme.agent, id, { assigneeId: 'me' }), 400, 'invalid_field'); // a token is nobody
        assert.deepEqual(await acme.agent.getOk(`/conversations/${id}`), before);
    });

    test('keeps to twenty tags', async () => {
        const id = await acme.visitor().converse();
        await change(anna, id, { tags: Array.from({ length: 20 }, (_, i) => `tag ${i}`) });
        assertError(await patch(anna, id, { addTags: ['one more'] }), 409, 'limit_reached');
        assert.equal((await change(anna, id, { addTags: ['one more'], removeTags: ['tag 3'] })).tags.length, 20);
    });

    test('assigns only agents of the organisation', async () => {
        const id = await acme.visitor().converse(), stranger = await hire(other, 'Stranger');
        for (const assigneeId of [stranger.id, NOBODY, id]) assertError(await patch(anna, id, { assigneeId }), 409, 'assignee_unknown');
        assert.equal((await change(anna, id, { assigneeId: bob.id })).assigneeId, bob.id);
    });

    test('of what is another organisation’s, or is not there, finds nothing', async () => {
        const id = await acme.visitor().converse(), stranger = await hire(other, 'Nobody');
        for (const caller of [stranger, other.agent])
            for (const target of [id, NOBODY]) {
                assertError(await patch(caller, target, { status: 'resolved' }), 404, 'not_found');
                assertError(await caller.post(`/conversations/${target}/notes`, { content: 'x' }), 404, 'not_found');
                assertError(await caller.get(`/conversations/${target}/transcript`), 404, 'not_found');
            }
        assert.equal((await acme.agent.getOk(`/conversations/${id}`)).status, 'open');
    });

    test('needs the right to write, and no visitor has it', async () => {
        const visitor = acme.visitor(), id = await visitor.converse();
        const reader = acme.anonymous.with({ authorization: `Bearer ${(await server.cliOk('org', 'token', 'create', 'acme', '--scope', 'read')).trim()}` });
        for (const [caller, status, code] of [[visitor, 401, 'token_required'], [acme.anonymous, 401, 'token_required'], [reader, 403, 'right_forbidden']]) {
            assertError(await patch(caller, id, { status: 'resolved' }), status, code);
            assertError(await caller.post('/conversations/bulk', { ids: [id], change: { status: 'resolved' } }), status, code);
            assertError(await caller.post(`/conversations/${id}/notes`, { content: 'x' }), status, code);
            assertError(await caller.post('/replies', { shortcut: 'x', text: 'x' }), status, code);
            assertError(await caller.request('PATCH', `/visitors/${NOBODY}`, { body: { blocked: true } }), status, code);
        }
        await reader.getOk('/conversations/counts');
        await reader.getOk('/replies');
        for (const path of ['/conversations/counts', '/replies', `/replies/${NOBODY}/text`]) assertError(await visitor.get(path), 401, 'token_required');
    });
});

describe('two who want the same one', () => {
    test('one has it, and the other hears so', async () => {
        for (let round = 0; round < 25; round++) {
            const id = await acme.visitor().converse();
            const answers = await Promise.all([anna, bob].map((agent) => patch(agent, id, { assigneeId: 'me', ifAssigneeId: null })));
            const [won] = answers.filter((answer) => answer.status === 200), [lost] = answers.filter((answer) => answer.status !== 200);
            assert.ok(won && lost, answers.map((answer) => answer.status).join());
            assertError(lost, 409, 'taken');
            assert.equal((await acme.agent.getOk(`/conversations/${id}`)).assigneeId, won.json.assigneeId);
            assert.equal(won.json.assigneeId, won === answers[0] ? anna.id : bob.id);
        }
    });

    test('and whoever has it can be asked to hand it over', async () => {
        const id = await acme.visitor().converse();
        await change(anna, id, { assigneeId: 'me' });
        assertError(await patch(bob, id, { assigneeId: 'me', ifAssigneeId: bob.id }), 409, 'taken');
        await change(bob, id, { assigneeId: 'me', ifAssigneeId: anna.id });
        assert.equal((await change(anna, id, { ifAssigneeId: bob.id, priority: 'low' })).assigneeId, bob.id);
    });
});

describe('what puts a conversation back', () => {
    test('its visitor’s word opens it; an answer does not', async () => {
        const visitor = acme.visitor(), id = await visitor.converse();
        for (const aside of [{ status: 'resolved' }, { snoozedUntil: inMs(3_600_000) }]) {
            await change(anna, id, aside);
            await anna.say(id, 'one more thing', { role: 'assistant' });
            assert.notEqual((await acme.agent.getOk(`/conversations/${id}`)).status, 'open');
            await visitor.say(id, 'wait');
            assert.equal((await acme.agent.getOk(`/conversations/${id}`)).status, 'open');
        }
        await change(anna, id, { status: 'pending' });
        await visitor.say(id, 'and?');
        assert.equal((await acme.agent.getOk(`/conversations/${id}`)).status, 'pending');
    });

    test('a snooze that is over opens it, and whoever listens hears so', async () => {
        const id = await acme.visitor().converse(), stream = await listen(anna);
        await change(anna, id, { snoozedUntil: inMs(50) });
        const { data } = await stream.until(() => stream.of('conversation').findLast((event) => event.data.id === id && event.data.status === 'open'), 'its waking');
        assertListed(data);
        assert.equal(data.snoozedUntil, null);
        stream.close();
    });

    test('an agent who leaves loses what is not resolved, and the rest once it is opened', async () => {
        const cem = await hire(acme, `Cem`);
        const visitor = acme.visitor(), [open, resolved] = [await visitor.converse(), await visitor.converse()];
        for (const id of [open, resolved]) await change(cem, id, { assigneeId: 'me' });
        await change(cem, resolved, { status: 'resolved' });
        await server.cliOk('agent', 'remove', cem.email, '--org', 'acme');
        await eventually(async () => (await acme.agent.getOk(`/conversations/${open}`)).assigneeId === null, 'nobody has it');
        assert.equal((await acme.agent.getOk(`/conversations/${resolved}`)).assigneeId, cem.id, 'who had it then');
        await visitor.say(resolved, 'again');
        assert.equal((await acme.agent.getOk(`/conversations/${resolved}`)).assigneeId, null);
    });
});

describe('many at once', () => {
    test('are changed each by itself, and each says what became of it', async () => {
        const ids = [];
        for (let i = 0; i < 60; i++) ids.push(await acme.visitor().converse());
        const foreign = await other.visitor().converse();
        await change(anna, ids[7], { tags: Array.from({ length: 20 }, (_, i) => `t${i}`) });
        const all = [...ids, foreign, NOBODY, 'no id', ids[0], 7];
        const answer = await bob.post('/conversations/bulk', { ids: all, change: { status: 'resolved', assigneeId: 'me', addTags: ['swept'] } });
        assert.equal(answer.status, 200, answer.text);
        const { results } = answer.json;
        assert.deepEqual(results.map((result) => result.id), all.map((id) => (/^c[0-9a-z]{24}$/.test(id) ? id : '?'.repeat(25))));
        results.forEach((result, i) => {
            if (i === 7) return assert.deepEqual([result.ok, result.code], [false, 'limit_reached']);
            if (all[i] === ids[0] || i < 60) return assert.deepEqual(Object.keys(result), ['id', 'ok']);
            assert.deepEqual([result.ok, result.code], [false, 'not_found']);
            assert.match(result.error, /^[A-Z].*\.$/);
        });
        for (const [i, id] of ids.entries()) {
            const { status, assigneeId, tags } = await acme.agent.getOk(`/conversations/${id}`);
            assert.deepEqual([status, assigneeId, tags.includes('swept')], i === 7 ? ['open', null, false] : ['resolved', bob.id, true]);
        }
        assert.equal((await other.agent.getOk(`/conversations/${foreign}`)).status, 'open');
    });

    test('have a limit, and a change that is none changes none of them', async () => {
        const id = await acme.visitor().converse();
        const bulk = (body) => anna.post('/conversations/bulk', body);
        const fine = { status: 'resolved' };
        for (const body of [{ ids: [], change: fine }, { ids: Array(101).fill(id), change: fine }, { ids: id, change: fine }, { change: fine }, { ids: [id] }, { ids: [id], change: {} },
            { ids: [id], change: { status: 'gone' } }, { ids: [id], change: [] }])
            assertError(await bulk(body), 400, 'invalid_field');
        assert.equal((await acme.agent.getOk(`/conversations/${id}`)).status, 'open');
        assert.equal((await bulk({ ids: Array(100).fill(id), change: fine })).json.results.filter((result) => result.ok).length, 100);
        assert.deepEqual((await bulk({ ids: ['x'], change: fine })).json.results.map((result) => result.code), ['not_found']);
    });
});

describe('lists', () => {
    let shop, dana, ids;
    const STATUSES = ['open', 'open', 'pending', 'snoozed', 'resolved'];

    before(async () => {
        shop = await server.org('shop');
        dana = await hire(shop, 'Dana');
        ids = [];
        for (let i = 0; i < 40; i++) {
            const visitor = shop.visitor(), id = await visitor.converse();
            const status = STATUSES[i % 5];
            await change(dana, id, {
                ...(status === 'snoozed' ? { snoozedUntil: inMs(3_600_000) } : { status }),
                assigneeId: i % 3 === 0 ? 'me' : null, priority: ['none', 'low', 'urgent'][i % 3], tags: i % 4 === 0 ? ['vip', 'x'] : [],
            });
            ids.push(id);
        }
        for (const i of [5, 30, 11]) await shop.agent.say(ids[i], 'news', { role: 'assistant' });
    });

    /** Follows `next`, whatever it finds on a page. */
    async function all(caller, query, limit = 100) {
        const found = [];
        for (let before = ''; ; ) {
            const page = await caller.getOk(`/conversations?limit=${limit}${query}${before}`);
            assert.ok(page.conversations.length <= limit);
            page.conversations.forEach(assertListed);
            found.push(...page.conversations);
            if (page.next === null) return found;
            before = `&before=${page.next}`;
        }
    }

    test('hold what is asked for, in the order of activity, on pages of any length', async () => {
        const everything = await all(shop.agent, '');
        assert.equal(everything.length, 40);
        const cases = [
            ['&status=open', (c) => c.status === 'open'], ['&status=pending', (c) => c.status === 'pending'], ['&status=snoozed', (c) => c.status === 'snoozed'],
            ['&status=resolved', (c) => c.status === 'resolved'], ['&status=open,snoozed', (c) => ['open', 'snoozed'].includes(c.status)],
            ['&status=open,resolved', (c) => ['open', 'resolved'].includes(c.status)], ['&assignee=me', (c) => c.assigneeId === dana.id], ['&assignee=none', (c) => c.assigneeId === null],
            [`&assignee=${dana.id}&status=open`, (c) => c.assigneeId === dana.id && c.status === 'open'], ['&assignee=none&status=open,pending', (c) => c.assigneeId === null && c.status !== 'resolved' && c.status !== 'snoozed'],
            ['&tag=vip', (c) => c.tags.includes('vip')], ['&tag=vi', () => false], ['&tag=vip&status=open', (c) => c.tags.includes('vip') && c.status === 'open'],
            ['&priority=urgent', (c) => c.priority === 'urgent'], ['&priority=none&status=open', (c) => c.priority === null && c.status === 'open'],
            [`&assignee=${NOBODY}`, () => false], [`&assignee=${NOBODY}&status=open`, () => false],
        ];
        for (const [query, holds] of cases)
            for (const limit of [1, 3, 100]) {
                const found = (await all(dana, query, limit)).map((c) => c.id);
                assert.deepEqual(found, everything.filter(holds).map((c) => c.id), `${query} by ${limit}`);
            }
    });

    test('refuse what they don’t know', async () => {
        for (const query of ['status=closed', 'status=', 'status=open,,pending', 'assignee=x', 'priority=asap', 'visitor=x'])
            assertError(await dana.get(`/conversations?${query}`), 400, 'invalid_query');
        assertError(await shop.agent.get('/conversations?assignee=me'), 401, 'session_required');
    });

    test('give one visitor’s to the organisation’s side', async () => {
        const visitor = shop.visitor(), mine = [await visitor.converse(), await visitor.converse()];
        const { id } = await visitor.getOk('/visitors/me');
        assert.deepEqual((await dana.getOk(`/conversations?visitor=${id}`)).conversations.map((c) => c.id), mine.toReversed());
        assert.deepEqual((await dana.getOk(`/conversations?visitor=${id}&status=resolved`)).conversations, []);
        assertError(await other.agent.get(`/conversations?visitor=${id}`), 404, 'not_found');
        const stranger = shop.visitor();
        await stranger.converse();
        assert.equal((await stranger.getOk(`/conversations?visitor=${id}&status=resolved`)).conversations.length, 1, 'a visitor has its own, whatever it asks for');
        for (const done of [...mine, (await stranger.getOk('/conversations')).conversations[0].id]) await change(dana, done, { status: 'resolved' });
    });

    test('are counted as they are long', async () => {
        const counts = await dana.getOk('/conversations/counts');
        const count = async (query) => (await all(dana, query)).length;
        assert.deepEqual(counts, {
            open: await count('&status=open'), unassigned: await count('&status=open&assignee=none'), mine: await count('&status=open&assignee=me'),
            pending: await count('&status=pending'), snoozed: await count('&status=snoozed'), max: 10000,
        });
        assert.ok(!('mine' in (await shop.agent.getOk('/conversations/counts'))), 'a token has none of its own');
    });
});

describe('a long list', () => {
    test('of hundreds that are open is the same by either way, and pages to its end', async (t) => {
        const crowded = await serverFor(t, { rateLimit: 'off' });
        await crowded.cliOk('generate', '--visitors', '400', '--conversations', '3000', '--messages', '9000', '--org', 'crowd');
        const token = await crowded.token('crowd');
        const crowd = crowded.adopt({ key: 'crowd', token });
        const everything = await crowd.agent.pages('/conversations', 'conversations');
        assert.equal(everything.length, 3000);
        const ids = (list) => list.map((c) => c.id);
        const follow = async (query) => {
            const found = [];
            for (let next = ''; next !== null; ) {
                const page = await crowd.agent.getOk(`/conversations?limit=100&${query}${next === '' ? '' : `&before=${next}`}`);
                found.push(...page.conversations);
                next = page.next;
            }
            return found;
        };
        for (const status of ['open', 'resolved']) assert.deepEqual(ids(await follow(`status=${status}`)), ids(everything.filter((c) => c.status === status)), status);
        // Most are open now: the other way.
        const resolved = everything.filter((c) => c.status === 'resolved');
        for (let at = 0; at < resolved.length; at += 100)
            await crowd.agent.post('/conversations/bulk', { ids: ids(resolved.slice(at, at + 100)), change: { status: 'open' } });
        assert.deepEqual(ids(await follow('status=open')), ids(everything));
        assert.deepEqual(await follow('status=open&tag=none'), []);
        assert.equal((await crowd.agent.getOk('/conversations/counts')).open, 3000);
        await crowded.check();
    });
});

describe('notes', () => {
    test('stand between the messages for the organisation’s side alone', async () => {
        const visitor = acme.visitor(), id = await visitor.converse();
        const first = await visitor.say(id, 'one');
        const note = await noteOn(anna, id, 'she called before\nask @ her', { clientId: 'n-1' });
        assertId(note.id);
        assertTime(note.timestamp);
        assert.deepEqual({ ...note, id: 0, timestamp: 0 }, { id: 0, conversationId: id, agentId: anna.id, content: 'she called before\nask @ her', mentions: [], timestamp: 0, seq: note.seq, clientId: 'n-1' });
        const second = await anna.say(id, 'two', { role: 'assistant' });
        assert.equal(second.agentId, anna.id);
        assert.ok(first.seq < note.seq && note.seq < second.seq);
        const seen = await acme.agent.getOk(`/conversations/${id}`);
        assertConversation(seen);
        assert.deepEqual([seen.messages, seen.notes, seen.messageCount, seen.lastMessage], [[first, second], [note], 2, second]);
        const own = await visitor.getOk(`/conversations/${id}`);
        assertConversation(own);
        assert.ok(!('notes' in own) && !('status' in own) && !('agentId' in own.messages[1]));
    });

    test('are given once for a clientId', async () => {
        const id = await acme.visitor().converse();
        const note = await noteOn(anna, id, 'first', { clientId: 'n-1' });
        const again = await anna.post(`/conversations/${id}/notes`, { content: 'second', clientId: 'n-1' });
        assert.deepEqual([again.status, again.json], [200, note]);
        const many = await Promise.all(Array.from({ length: 10 }, () => bob.post(`/conversations/${id}/notes`, { content: 'at once', clientId: 'n-2' })));
        assert.deepEqual(many.map((answer) => answer.status).sort(), [...Array(9).fill(200), 201]);
        assert.equal((await acme.agent.getOk(`/conversations/${id}`)).notes.length, 2);
    });

    test('mention agents of the organisation, by a list or in the text', async () => {
        const id = await acme.visitor().converse(), stranger = await hire(other, 'Foreign');
        const note = await noteOn(anna, id, `@${bob.id} look, and @${stranger.id} not, mail@${anna.id}`, { mentions: [anna.id, bob.id, NOBODY] });
        assert.deepEqual(note.mentions, [anna.id, bob.id]);
        for (const mentions of ['x', [7], ['nobody'], Array(21).fill(bob.id)]) assertError(await anna.post(`/conversations/${id}/notes`, { content: 'x', mentions }), 400, 'invalid_field');
    });

    test('have limits', async () => {
        const id = await acme.visitor().converse();
        for (const body of [{}, { content: '' }, { content: 7 }, { content: 'x', clientId: 'a b' }]) assertError(await anna.post(`/conversations/${id}/notes`, body), 400, 'invalid_field');
        assertError(await anna.post(`/conversations/${id}/notes`, { content: 'ü'.repeat(8193) }), 413, 'body_too_large');
        await noteOn(anna, id, 'ü'.repeat(8192));
        await noteOn(anna, id, '\u0001'.repeat(16384));
    });

    test('and messages make pages of one sequence, from either end', async () => {
        const visitor = acme.visitor(), id = await visitor.converse(), all = [];
        for (let i = 0; i < 60; i++) all.push(i % 3 === 1 || i > 50 ? await noteOn(anna, id, `note ${i}`) : await visitor.say(id, `message ${i}`));
        const merged = (page) => [...page.messages, ...page.notes].sort((a, b) => a.seq - b.seq);
        for (const limit of [1, 7, 60, 200]) {
            const forward = [];
            for (let after = 0, more = true; more; ) {
                const page = await anna.getOk(`/conversations/${id}?after=${after}&limit=${limit}`), entries = merged(page);
                assert.ok(entries.length <= limit);
                assertConversation(page);
                forward.push(...entries);
                after = entries.at(-1)?.seq ?? after;
                more = page.hasMore;
            }
            assert.deepEqual(forward.map((entry) => entry.content), all.map((entry) => entry.content), `forwards by ${limit}`);
            const backward = [];
            for (let before = all.at(-1).seq + 1, more = true; more; ) {
                const page = await anna.getOk(`/conversations/${id}?before=${before}&limit=${limit}`), entries = merged(page);
                assertConversation(page);
                backward.unshift(...entries);
                before = entries[0]?.seq ?? before;
                more = page.hasMore;
            }
            assert.deepEqual(backward.map((entry) => entry.content), all.map((entry) => entry.content), `backwards by ${limit}`);
        }
        const own = await visitor.getOk(`/conversations/${id}?limit=1000`);
        assert.equal(own.messages.length, own.messageCount);
        assert.ok(!JSON.stringify(own).includes('note '));
    });
});

describe('canned replies', () => {
    const replies = async (caller) => (await caller.getOk('/replies')).replies;

    test('are made, found, changed and removed', async () => {
        const made = await anna.post('/replies', { shortcut: 'hi', text: 'Hello {{visitor.email}}' });
        assert.equal(made.status, 201, made.text);
        const reply = made.json;
        assertId(reply.id);
        assert.deepEqual(await bob.getOk(`/replies/${reply.id}`), reply);
        assert.deepEqual(await replies(acme.agent), [reply]);
        assertError(await bob.post('/replies', { shortcut: 'hi', text: 'x' }), 409, 'conflict');
        const changed = await bob.request('PATCH', `/replies/${reply.id}`, { body: { text: 'Hello!' } });
        assert.deepEqual([changed.status, changed.json.text, changed.json.shortcut, changed.json.createdAt], [200, 'Hello!', 'hi', reply.createdAt]);
        const second = (await bob.post('/replies', { shortcut: 'hi2', text: 'x' })).json;
        assertError(await bob.request('PATCH', `/replies/${second.id}`, { body: { shortcut: 'hi' } }), 409, 'conflict');
        for (const path of [`/replies/${reply.id}`, `/replies/${reply.id}/text`]) assertError(await other.agent.get(path), 404, 'not_found');
        assertError(await other.agent.request('DELETE', `/replies/${reply.id}`), 404, 'not_found');
        assert.deepEqual(await replies(other.agent), []);
        for (const { id } of [reply, second]) assert.equal((await anna.request('DELETE', `/replies/${id}`)).status, 204);
        assertError(await anna.request('DELETE', `/replies/${reply.id}`), 404, 'not_found');
        assertError(await anna.get('/replies/x'), 404, 'not_found');
    });

    test('are filled in, and what is unknown stays to be seen', async () => {
        const visitor = acme.visitor(), id = await visitor.converse();
        await visitor.post('/visitors/me', { email: 'jane@example.org' });
        const text = 'Hi {{ visitor.email }}, {{agent.name}} of {{organization.name}} ({{organization.key}}) here: {{conversation.id}} {{{agent.name}}} {{nobody.knows}} {{}} {{ {{visitor.id}} {{agent.email}} {{open';
        const { id: reply } = (await anna.post('/replies', { shortcut: 'filled', text })).json;
        const visitorId = (await visitor.getOk('/visitors/me')).id;
        const filled = await anna.getOk(`/replies/${reply}/text?conversation=${id}`);
        assert.equal(filled.text, `Hi jane@example.org, Anna of acme (acme) here: ${id} {Anna} {{nobody.knows}} {{}} {{ ${visitorId} ${anna.email} {{open`);
        assert.deepEqual(filled.unfilled, ['nobody.knows', '']);
        const unfilled = await acme.agent.getOk(`/replies/${reply}/text`);
        assert.deepEqual(unfilled.unfilled, ['visitor.email', 'agent.name', 'conversation.id', 'agent.name', 'nobody.knows', '', 'visitor.id', 'agent.email']);
        assert.ok(unfilled.text.startsWith('Hi {{ visitor.email }}, {{agent.name}} of acme'));
        const foreign = await other.visitor().converse();
        assertError(await anna.get(`/replies/${reply}/text?conversation=${foreign}`), 404, 'not_found');
        assertError(await anna.get(`/replies/${reply}/text?conversation=x`), 400, 'invalid_query');
        await anna.request('DELETE', `/replies/${reply}`);
    });

    test('have limits', async () => {
        for (const body of [{}, { shortcut: 'x' }, { text: 'x' }, { shortcut: '', text: 'x' }, { shortcut: 'a b', text: 'x' }, { shortcut: 'x'.repeat(41), text: 'x' }, { shortcut: 'x', text: '' }, { shortcut: 7, text: 'x' }])
            assertError(await anna.post('/replies', body), 400, 'invalid_field');
        assertError(await anna.post('/replies', { shortcut: 'x', text: 'x'.repeat(8193) }), 413, 'body_too_large');
        const shop = await server.org('replies');
        const long = 'x'.repeat(8192);
        for (let i = 0; i < 500; i++) assert.equal((await shop.agent.post('/replies', { shortcut: `r${i}`, text: long })).status, 201);
        assertError(await shop.agent.post('/replies', { shortcut: 'more', text: 'x' }), 409, 'limit_reached');
        const shortcuts = [];
        for (let after = ''; after !== null; ) {
            const page = await shop.agent.getOk(`/replies${after === '' ? '' : `?after=${after}`}`);
            shortcuts.push(...page.replies.map((reply) => reply.shortcut));
            after = page.next;
        }
        /* Each once; those of one millisecond in any order. */
        const number = (shortcut) => Number(shortcut.slice(1));
        assert.deepEqual(shortcuts.sort((a, b) => number(a) - number(b)), Array.from({ length: 500 }, (_, i) => `r${i}`));
    });
});
