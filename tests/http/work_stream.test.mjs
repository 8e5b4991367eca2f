/*
 * What agents do is heard by the others at once, and by whoever was away once it is back: over cuts, a server that was killed, and
 * another process; nothing twice that is a message or a note, and nothing lost. No visitor hears of it.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test, { describe } from 'node:test';

import { adoptAgent, change, hire, noteOn } from './agents.mjs';
import { eventually, serverFor, startServer } from './server.mjs';
import { listen, open } from './sse.mjs';
import { assertListed, assertTold } from './shapes.mjs';

/** The last that a stream has told of the conversation, and what it has told of it in all. */
function told(stream, id) {
    return stream.of('conversation').filter((event) => event.data.id === id);
}

describe('at once', () => {
    test('agents hear of changes and notes as the API shows them, the visitor of neither', async (t) => {
        const server = await serverFor(t), org = await server.org();
        const anna = await hire(org, 'Anna'), bob = await hire(org, 'Bob'), visitor = org.visitor(), id = await visitor.converse();
        const streams = { anna: await listen(anna), bob: await listen(bob), token: await listen(org.agent), visitor: await listen(visitor) };
        const changed = await change(anna, id, { assigneeId: 'me', priority: 'urgent', addTags: ['vip'] });
        const note = await noteOn(anna, id, 'canary');
        const answer = await anna.say(id, 'hello', { role: 'assistant' });
        for (const who of ['anna', 'bob', 'token']) {
            const stream = streams[who];
            const heard = await stream.until(() => stream.of('note')[0], 'the note');
            assert.deepEqual(heard.data, note);
            assert.equal(heard.id, note.seq);
            await stream.until(() => stream.messages.some((message) => message.id === answer.id), 'the answer');
            assert.equal(stream.messages.at(-1).agentId, anna.id);
            const last = told(stream, id).at(-1).data;
            assertListed(last);
            assert.deepEqual([last.assigneeId, last.priority, last.tags], [anna.id, 'urgent', changed.tags]);
        }
        await streams.visitor.until(() => streams.visitor.messages.length === 1, 'the answer');
        assert.deepEqual(told(streams.visitor, id), []);
        assert.deepEqual([...new Set(streams.visitor.events.map((event) => event.event))].sort(), ['message', 'presence']);
        for (const stream of Object.values(streams)) stream.close();
    });

    test('a visitor’s word that opens a conversation comes with the conversation, under one number', async (t) => {
        const server = await serverFor(t), org = await server.org();
        const anna = await hire(org, 'Anna'), visitor = org.visitor(), id = await visitor.converse();
        await change(anna, id, { status: 'resolved' });
        const [stream, own] = [await listen(anna), await listen(visitor)];
        const said = await visitor.say(id, 'again');
        await stream.until(() => stream.messages.some((message) => message.id === said.id), 'the word');
        const [work, message] = stream.events.slice(-2);
        assert.deepEqual([work.event, work.id, work.data.status, work.data.lastMessage.id], ['conversation', null, 'open', said.id]);
        assert.deepEqual([message.event, message.id], ['message', said.seq]);
        await own.until(() => own.messages.length === 1, 'its own word');
        assert.deepEqual(told(own, id), []);
        stream.close(), own.close();
    });

    test('who types and who is there has a name for the others, and none for visitors', async (t) => {
        const server = await serverFor(t), org = await server.org();
        const anna = await hire(org, 'Anna'), bob = await hire(org, 'Bob'), visitor = org.visitor(), id = await visitor.converse();
        const [own, listener] = [await listen(visitor), await listen(anna)];
        const online = async (agent) => (await anna.getOk('/agents')).agents.find((each) => each.id === agent.id).online;
        assert.equal(await online(anna), true);
        const bobs = await listen(bob);
        const here = await listener.until(() => listener.of('presence').find((event) => event.data.agentId === bob.id), 'Bob');
        assert.deepEqual([here.id, here.data], [null, { role: 'assistant', agentId: bob.id, online: true }]);
        assert.equal(await online(bob), true);
        await bob.post(`/conversations/${id}/typing`, { typing: true });
        await anna.post(`/conversations/${id}/typing`, { typing: true });
        const typing = await listener.next('typing');
        assert.deepEqual(typing.data, { conversationId: id, role: 'assistant', agentId: bob.id, typing: true });
        assert.deepEqual((await bobs.next('typing')).data.agentId, anna.id);
        assert.deepEqual((await own.next('typing')).data, { conversationId: id, role: 'assistant', typing: true });
        await visitor.post(`/conversations/${id}/typing`, { typing: true });
        await listener.until(() => listener.of('typing').some((event) => event.data.role === 'user'), 'the visitor types');
        assert.ok(!listener.of('typing').some((event) => event.data.agentId === anna.id), 'nobody is told of its own typing');
        assert.ok(!JSON.stringify(own.events).includes('agentId'));
        for (const stream of [own, listener, bobs]) stream.close();
    });

    test('who only works is there for a while as well', async (t) => {
        const server = await serverFor(t), org = await server.org();
        const anna = await hire(org, 'Anna'), id = await org.visitor().converse();
        const online = async () => (await org.agent.getOk('/agents')).agents[0].online;
        assert.equal(await online(), false);
        await change(anna, id, { priority: 'low' });
        await eventually(online, 'Anna is there');
    });
});

describe('after a gap', () => {
    test('what was changed and noted meanwhile is told in order, once', async (t) => {
        const server = await serverFor(t), org = await server.org();
        const anna = await hire(org, 'Anna'), visitor = org.visitor(), ids = [await visitor.converse(), await visitor.converse(), await org.visitor().converse()];
        const first = await listen(anna);
        await noteOn(anna, ids[0], 'before');
        await first.until(() => first.of('note').length === 1, 'the first note');
        const since = first.lastId;
        first.close();
        const notes = [await noteOn(anna, ids[0], 'one'), await noteOn(anna, ids[1], 'two')];
        await change(anna, ids[1], { status: 'resolved' });
        await change(anna, ids[0], { tags: ['a'] });
        notes.push(await noteOn(anna, ids[0], 'three'));
        const said = await visitor.say(ids[1], 'and again');
        await change(anna, ids[2], { status: 'pending' });
        for (const options of [{ since }, { lastEventId: since }]) {
            const stream = await listen(anna, options);
            const heard = stream.beginning;
            assert.deepEqual(heard.filter((event) => event.event === 'note').map((event) => event.data), notes);
            assert.deepEqual(heard.filter((event) => event.event === 'message').map((event) => event.data.id), [said.id]);
            const numbers = heard.filter((event) => event.id !== null).map((event) => event.id);
            assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
            assert.equal(new Set(numbers).size >= numbers.length - 1, true, 'the presence alone may repeat a number');
            const state = Object.fromEntries(ids.map((id) => [id, told(stream, id).at(-1).data]));
            assert.deepEqual([state[ids[0]].tags, state[ids[1]].status, state[ids[2]].status], [['a'], 'open', 'pending']);
            stream.close();
        }
        const own = await listen(visitor, { since });
        assert.deepEqual([...new Set(own.beginning.map((event) => event.event))].sort(), ['message', 'presence']);
        own.close();
    });

    test('over a server that is killed and one that is stopped', async () => {
        let server = await startServer();
        try {
            const org = await server.org();
            let anna = await hire(org, 'Anna');
            const id = await org.visitor().converse();
            let stream = await listen(anna);
            const expected = [];
            const heard = [];
            for (const end of ['kill', 'stop']) {
                expected.push(await noteOn(anna, id, `before the ${end}`));
                await stream.until(() => stream.of('note').some((event) => event.data.seq === expected.at(-1).seq), 'the note');
                const since = stream.lastId;
                heard.push(...stream.of('note').map((event) => event.data));
                stream.close();
                expected.push(await noteOn(anna, id, `nobody listens to ${end}`));
                await change(anna, id, { status: end === 'kill' ? 'pending' : 'resolved' });
                await server[end]();
                server = await startServer({ directory: server.directory });
                anna = adoptAgent(server, anna);
                stream = await listen(anna, { since });
                assert.equal(told(stream, id).at(-1).data.status, end === 'kill' ? 'pending' : 'resolved');
            }
            heard.push(...stream.of('note').map((event) => event.data));
            assert.deepEqual(heard, expected);
            stream.close();
            await server.check();
        } finally {
            await server.stop();
            server.remove();
        }
    });

    test('whoever is cut off at random hears of every note and message once, and ends with what is true', async (t) => {
        const server = await serverFor(t), org = await server.org();
        const anna = await hire(org, 'Anna'), visitors = Array.from({ length: 4 }, () => org.visitor());
        const ids = await Promise.all(visitors.map((visitor) => visitor.converse()));
        const written = [];
        let isOver = false;
        const work = (async () => {
            for (let i = 0; i < 400; i++) {
                const at = randomInt(4), id = ids[at];
                switch (randomInt(4)) {
                    case 0: written.push((await noteOn(anna, id, `note ${i}`)).seq); break;
                    case 1: written.push((await visitors[at].say(id, `message ${i}`)).seq); break;
                    case 2: await change(anna, id, { status: ['open', 'pending', 'resolved'][randomInt(3)] }); break;
                    default: await change(anna, id, { tags: [`t${i}`], priority: ['low', 'high', null][randomInt(3)] });
                }
            }
            isOver = true;
        })();
        const heard = [], state = new Map();
        for (let since = 0, isDone = false; !isDone; ) {
            const stream = await open(org.agent, { since });
            stream.onEvent = ({ event, data }) => {
                if (event === 'note' || event === 'message') heard.push(data.seq);
                if (event === 'conversation') state.set(data.id, data);
            };
            for (const { event, data } of stream.events.splice(0)) {
                if (event === 'note' || event === 'message') heard.push(data.seq);
                if (event === 'conversation') state.set(data.id, data);
            }
            const most = 1 + randomInt(60);
            await stream.until(() => stream.events.length > most || (isOver && written.every((seq) => heard.includes(seq))), 'some events');
            stream.close();
            since = stream.lastId ?? since;
            isDone = isOver && written.every((seq) => heard.includes(seq));
        }
        await work;
        assert.deepEqual(heard, [...new Set(written)].sort((a, b) => a - b));
        // A last look: what was changed after the last note is told too.
        const last = await listen(org.agent, { since: 0 });
        for (const id of ids) {
            const { messages, notes, hasMore, ...now } = await anna.getOk(`/conversations/${id}`);
            assert.deepEqual(told(last, id).at(-1).data, now);
        }
        last.close();
    });

    test('who has been erased is told to the organisation’s side alone', async (t) => {
        const server = await serverFor(t), org = await server.org('acme'), visitor = org.visitor(), kept = org.visitor();
        const [id, other] = [await visitor.converse(), await kept.converse()];
        const [{ visitorId }, { visitorId: keptId }] = [await org.agent.getOk(`/conversations/${id}`), await org.agent.getOk(`/conversations/${other}`)];
        const witness = org.visitor();
        await witness.converse();
        const [stream, own] = [await listen(org.agent), await listen(witness)];
        assert.equal((await visitor.request('DELETE', '/visitors/me')).status, 200);
        await stream.until(() => stream.of('erased').length === 1, 'the first');
        const admin = org.agent.with({ authorization: `Bearer ${(await server.cliOk('org', 'token', 'create', 'acme', '--scope', 'admin')).trim()}` });
        assert.equal((await admin.request('DELETE', `/visitors/${keptId}?conversations=anonymize`)).status, 200);
        await stream.until(() => stream.of('erased').length === 2, 'the second');
        assert.deepEqual(stream.of('erased').map(({ id, data }) => [id, data]), [
            [null, { visitorId, conversations: 'deleted' }],
            [null, { visitorId: keptId, conversations: 'anonymized' }],
        ]);
        await witness.say((await witness.getOk('/conversations')).conversations[0].id, 'me');
        await own.until(() => own.messages.length === 1, 'its own');
        assert.deepEqual(own.of('erased'), []);
        stream.close(), own.close();
    });

    test('another process’s notes and states are told too', async (t) => {
        const server = await serverFor(t), org = await server.org('acme'), visitor = org.visitor(), id = await visitor.converse();
        await noteOn(org.agent, id, 'first');
        await change(org.agent, id, { status: 'pending' });
        const { mkdtempSync, writeFileSync } = await import('node:fs');
        const { join } = await import('node:path');
        const { tmpdir } = await import('node:os');
        const directory = mkdtempSync(join(tmpdir(), 'helvino-notes-'));
        const { orgId } = JSON.parse((await server.cliOk('dump', 'sql', '--format', 'ndjson', `SELECT "orgId" FROM conversations WHERE id = '${id}'`)).split('\n')[0]);
        writeFileSync(join(directory, 'notes.ndjson'), `${JSON.stringify({ id: `c${'7'.repeat(24)}`, conversationId: id, orgId, content: 'from elsewhere', timestamp: '2026-01-01 00:00:00' })}\n`);
        const [stream, own] = [await listen(org.agent), await listen(visitor)];
        await server.cliOk('import', directory, '--rejects', join(directory, 'rejects'));
        const { data } = await stream.until(() => stream.of('note').find((event) => event.data.content === 'from elsewhere'), 'the note');
        assert.equal(data.agentId, null);
        await visitor.say(id, 'me');
        await own.until(() => own.messages.length === 1, 'its own');
        assert.deepEqual(own.of('note'), []);
        for (const event of own.of('conversation')) assertTold(event.data);
        stream.close(), own.close();
    });
});
