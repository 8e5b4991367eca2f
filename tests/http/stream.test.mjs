/* GET /stream and typing: who hears what, in which order, and who is refused. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';

import { Caller, eventually, serverFor, startServer } from './server.mjs';
import { assertError, assertListed, assertTold, assertMessage, assertSafeHeaders, NOBODY } from './shapes.mjs';
import { Wire, requestBytes } from './raw.mjs';
import { figure, listen, open } from './sse.mjs';

let server, one, two;
before(async () => {
    server = await startServer();
    one = await server.org('one');
    two = await server.org('two');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

/** Something that all who may hear of anything in the organisation have heard of by the time it is there. */
async function marker(visitor) {
    const id = await visitor.converse();
    return { id, message: await visitor.say(id, 'the end') };
}

describe('what is said', () => {
    test('a visitor hears what is answered, at once and as the API shows it', async () => {
        const visitor = one.visitor();
        const id = await visitor.converse();
        const stream = await listen(visitor);
        const said = await one.agent.say(id, 'line one\nline two\r\n"quoted" \u2028 \u{1F600} data: x\n\nevent: y', { role: 'assistant' });
        const { id: seq, data } = await stream.next('message');
        assertMessage(data);
        assert.deepEqual(data, said);
        assert.equal(seq, said.seq);
        stream.close();
    });

    test('the organisation hears what a visitor says, and that the conversation is new', async () => {
        const stream = await listen(one.agent);
        const visitor = one.visitor();
        const id = await visitor.converse();
        const said = await visitor.say(id, 'hello', { clientId: 'my-own-1' });
        await stream.until(() => stream.messages.some((message) => message.conversationId === id), 'the message');
        const [conversation] = stream.of('conversation').filter((event) => event.data.id === id);
        assertListed(conversation.data);
        assert.equal(conversation.data.visitorId, (await visitor.getOk(`/conversations/${id}`)).visitorId);
        const message = stream.messages.find((each) => each.conversationId === id);
        assert.deepEqual(message, said);
        assert.equal(message.clientId, 'my-own-1');
        stream.close();
    });

    test('two tabs of one visitor hear the same, their own messages too', async () => {
        const visitor = one.visitor();
        const tabs = [await listen(visitor), await listen(visitor)];
        const id = await visitor.converse();
        const said = [await visitor.say(id, 'mine', { clientId: 'tab-1' }), await one.agent.say(id, 'yours', { role: 'assistant' })];
        for (const tab of tabs) {
            await tab.next('message', 2);
            assert.deepEqual(tab.messages, said);
            assert.equal(tab.of('conversation').length, 1);
            tab.close();
        }
    });

    test('a message that is sent again under its clientId is heard once', async () => {
        const visitor = one.visitor();
        const id = await visitor.converse();
        const stream = await listen(visitor);
        const body = { role: 'user', content: 'once', clientId: 'again' };
        for (const status of [201, 200, 200]) assert.equal((await visitor.post(`/conversations/${id}/messages`, body)).status, status);
        const last = await visitor.say(id, 'last');
        await stream.next('message', 2);
        assert.deepEqual(stream.messages.map((message) => message.content), ['once', 'last']);
        assert.equal(stream.lastId, last.seq);
        stream.close();
    });

    test('ids ascend, and those of messages are their numbers', async () => {
        const visitor = one.visitor();
        const streams = [await listen(visitor), await listen(one.agent)];
        const ids = [await visitor.converse(), await visitor.converse()];
        await Promise.all(Array.from({ length: 40 }, (_, n) => visitor.say(ids[n % 2], `${n}`)));
        for (const stream of streams) {
            await stream.until(() => stream.messages.filter((message) => ids.includes(message.conversationId)).length === 40, '40 messages');
            const numbered = stream.events.filter((event) => event.id !== null).map((event) => event.id);
            assert.deepEqual(numbered, [...new Set(numbered)].sort((a, b) => a - b));
            for (const event of stream.of('message')) assert.equal(event.id, event.data.seq);
            stream.close();
        }
    });

    test('read marks are heard by both sides', async () => {
        const visitor = one.visitor();
        const id = await visitor.converse();
        const { seq } = await one.agent.say(id, 'read this', { role: 'assistant' });
        const streams = [await listen(visitor), await listen(one.agent)];
        assert.equal((await visitor.post(`/conversations/${id}/read`, { seq })).status, 200);
        for (const stream of streams) {
            const { data } = await stream.until(() => stream.of('conversation').find((event) => event.data.id === id), 'the mark');
            (stream === streams[0] ? assertTold : assertListed)(data);
            assert.equal(data.visitorReadSeq, seq);
            stream.close();
        }
    });

    test('a conversation without a visitor is heard by its organisation alone', async () => {
        const [agent, visitor] = [await listen(one.agent), await listen(one.visitor())];
        const id = await one.anonymous.converse();
        await one.anonymous.say(id, 'who am I');
        await agent.until(() => agent.messages.some((message) => message.conversationId === id), 'the message');
        const end = await marker(new Caller(server, visitor.caller.headers));
        await visitor.until(() => visitor.messages.some((message) => message.id === end.message.id), 'its own');
        assert.deepEqual(visitor.messages.map((message) => message.conversationId), [end.id]);
        agent.close(), visitor.close();
    });
});

describe('who hears nothing of it', () => {
    test('other visitors, and other organisations with the same visitor key', async () => {
        const visitor = one.visitor();
        const id = await visitor.converse();
        const others = [one.visitor(), two.visitor(visitor.key), two.visitor()];
        const streams = await Promise.all([...others, two.agent].map((caller) => listen(caller)));
        const own = await listen(visitor);
        await visitor.say(id, 'secret');
        await one.agent.say(id, 'secret answer', { role: 'assistant' });
        await one.agent.post(`/conversations/${id}/typing`);
        await one.agent.post(`/conversations/${id}/read`, { seq: 1e9 });
        await own.until(() => own.of('conversation').length === 1 && own.of('typing').length === 1, 'everything');
        const ends = [];
        for (const caller of others) ends.push(await marker(caller));
        for (const [n, stream] of streams.entries()) {
            const expected = n < others.length ? [ends[n]] : ends.slice(1);
            await stream.until(() => stream.messages.length >= expected.length, 'its own');
            assert.deepEqual(stream.messages.map((message) => message.id), expected.map((end) => end.message.id));
            assert.deepEqual(stream.of('conversation').map((event) => event.data.id), expected.map((end) => end.id));
            assert.deepEqual(stream.of('typing'), []);
            assert.ok(!JSON.stringify(stream.events).includes('secret'));
            stream.close();
        }
        own.close();
    });

    test('a gap is as private as what is live: since=0 gives what the caller may read', async () => {
        const [mine, other] = [one.visitor(), one.visitor()];
        const [a, b] = [await marker(mine), await marker(other)];
        const stream = await listen(mine, { since: 0 });
        assert.deepEqual(stream.messages.map((message) => message.id), [a.message.id]);
        const foreign = await listen(two.agent, { since: 0 });
        assert.ok(!JSON.stringify(foreign.events).includes(b.id) && !JSON.stringify(foreign.events).includes(a.id));
        stream.close(), foreign.close();
    });
});

describe('where a stream begins', () => {
    test('without a number with what comes next; the first presence carries the number to resume from', async () => {
        const visitor = one.visitor();
        const { id, message } = await marker(visitor);
        const stream = await listen(visitor);
        assert.equal(stream.retry, 3000);
        assert.deepEqual(stream.beginning.map((event) => event.event), ['presence']);
        assert.ok(stream.events[0].id >= message.seq);
        const said = await visitor.say(id, 'next');
        await stream.next('message');
        assert.deepEqual(stream.messages, [said]);
        stream.close();
    });

    test('Last-Event-ID and ?since= give exactly what came after them, the header first', async () => {
        const visitor = one.visitor();
        const id = await visitor.converse();
        const said = [];
        for (let n = 0; n < 6; n++) said.push(await visitor.say(id, `${n}`));
        for (const [options, rest] of [[{ since: said[1].seq }, 2], [{ lastEventId: said[3].seq }, 4], [{ since: 0, lastEventId: said[4].seq }, 5], [{ since: said[5].seq }, 6]]) {
            const stream = await listen(visitor, options);
            assert.deepEqual(stream.messages, said.slice(rest), JSON.stringify(options));
            assert.deepEqual(stream.of('conversation'), []);
            stream.close();
        }
        const all = await listen(visitor, { since: 0 });
        assert.deepEqual(all.beginning.map((event) => event.event), ['conversation', ...said.map(() => 'message'), 'presence']);
        all.close();
    });

    test('after a gap the organisation is told of marks that have moved, and of nothing else', async () => {
        const visitor = one.visitor();
        const { id, message } = await marker(visitor);
        const stream = await listen(one.agent);
        const since = stream.lastId;
        stream.close();
        assert.equal((await one.agent.post(`/conversations/${id}/read`, { seq: message.seq })).status, 200);
        const again = await listen(one.agent, { since });
        assert.deepEqual(again.beginning.slice(0, -1).map((event) => [event.event, event.data.id, event.data.agentReadSeq]), [['conversation', id, message.seq]]);
        const own = await listen(visitor, { since });
        assert.deepEqual(own.beginning.slice(0, -1).map((event) => [event.event, event.data.id, event.data.agentReadSeq]), [['conversation', id, message.seq]]);
        again.close(), own.close();
    });

    test('a number of another database is answered with a reset to the present', async () => {
        const visitor = one.visitor();
        const { id } = await marker(visitor);
        const { seq } = await one.anonymous.getOk('/health');
        for (const caller of [visitor, one.agent]) {
            const stream = await listen(caller, { lastEventId: seq + 1_000_000 });
            assert.deepEqual(stream.beginning.map((event) => event.event), ['reset', 'presence']);
            const [reset, presence] = stream.events;
            assert.equal(reset.data.seq, reset.id);
            assert.ok(reset.id >= seq && reset.id < seq + 1_000_000);
            assert.equal(presence.id, reset.id);
            const said = await visitor.say(id, 'after the reset');
            await stream.until(() => stream.messages.some((message) => message.id === said.id), 'what comes next');
            stream.close();
        }
    });

    test('what is no number is refused, and nobody is made known', async () => {
        const { visitors } = await server.counts();
        for (const since of ['', 'x', '-1', '1.5', '01x', '9223372036854775808']) {
            assertError(await one.visitor().get(`/stream?since=${since}`), 400, 'invalid_query');
            assertError(await one.agent.get('/stream', { 'last-event-id': since || ' ' }), 400, 'invalid_header');
        }
        assertError(await one.agent.get('/stream?since=1&since=2'), 400, 'invalid_query');
        assert.equal((await server.counts()).visitors, visitors);
    });
});

describe('who may listen', () => {
    test('whoever is nobody, or not let in, is told so', async () => {
        assertError(await one.anonymous.get('/stream'), 401, 'caller_required');
        assertError(await new Caller(server, { 'x-visitor-id': 'v_x' }).get('/stream'), 401, 'org_unknown');
        assertError(await one.agent.get('/stream', { authorization: `Bearer hvt_${NOBODY}_${'A'.repeat(43)}` }), 401, 'token_invalid');
        assertError(await one.visitor('nonsense').get('/stream'), 400, 'invalid_header');
        const strict = await server.org('strict', '--origin', 'https://shop.example');
        assertError(await strict.visitor().get('/stream', { origin: 'https://evil.example' }), 403, 'origin_forbidden');
        const stream = await listen(strict.visitor(), { headers: { origin: 'https://shop.example' } });
        assert.equal(stream.headers['access-control-allow-origin'], 'https://shop.example');
        stream.close();
    });

    test('a token that comes with a visitor key hears what the visitor hears, as long as it is valid', async () => {
        const org = await server.org();
        const [visitor, other] = [org.visitor(), org.visitor()];
        const [id, foreign] = [await visitor.converse(), await other.converse()];
        const stream = await listen(org.agent.with({ 'x-visitor-id': visitor.key }));
        await other.say(foreign, 'not for it');
        const said = await visitor.say(id, 'for it');
        await stream.next('message');
        assert.deepEqual(stream.messages, [said]);
        await server.cliOk('org', 'token', 'revoke', org.key, org.token.slice(4, 29));
        await stream.until(() => stream.over, 'its end');
        assert.ok(stream.ended);
    });

    test('a visitor that nobody knew is known from then on, and hears', async () => {
        const visitor = one.visitor();
        const stream = await listen(visitor);
        assert.ok(await one.seen(visitor.key));
        const { message } = await marker(visitor);
        await stream.next('message');
        assert.deepEqual(stream.messages, [message]);
        stream.close();
    });

    test('the headers keep a stream from being stored or held back', async () => {
        const stream = await listen(one.visitor());
        assertSafeHeaders(stream.headers, 'a stream');
        assert.match(stream.headers['content-type'], /^text\/event-stream/);
        assert.equal(stream.headers['cache-control'], 'no-store');
        assert.equal(stream.headers['x-accel-buffering'], 'no');
        assert.equal(stream.headers['content-length'], undefined);
        stream.close();
    });

    test('HEAD gives the headers, opens nothing and makes nobody known', async () => {
        const { visitors } = await server.counts();
        const answer = await one.visitor().request('HEAD', '/stream');
        assert.equal(answer.status, 200);
        assert.match(answer.headers['content-type'], /^text\/event-stream/);
        assert.equal(answer.text, '');
        assert.equal((await server.counts()).visitors, visitors);
    });

    test('a client of HTTP/1.0 gets the stream as it is, to its end', async () => {
        const visitor = one.visitor();
        const id = await visitor.converse();
        const wire = await Wire.connect(server.port);
        wire.send(requestBytes('GET', '/stream', visitor.headers).toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'));
        const text = () => wire.bytes.toString('utf8');
        await eventually(() => text().includes('event: presence\n'), 'the first presence');
        assert.match(text(), /^HTTP\/1\.[01] 200 /);
        assert.doesNotMatch(text(), /transfer-encoding/i);
        await visitor.say(id, 'old and well');
        await eventually(() => text().includes('old and well'), 'the message');
        const body = text().slice(text().indexOf('\r\n\r\n') + 4);
        assert.match(body, /^retry: 3000\n\nid: [0-9]+\nevent: presence\ndata: \{.*\}\n\nid: [0-9]+\nevent: message\ndata: \{.*\}\n\n$/);
        wire.vanish();
    });

    test('a caller has at most 16 streams, over all loops; one that has gone makes room', async (t) => {
        const wide = await serverFor(t, { loops: 4 });
        const org = await wide.org();
        for (const caller of [org.visitor(), org.agent]) {
            await caller.get('/conversations');
            const tries = await Promise.all(Array.from({ length: 24 }, () => open(caller)));
            const open_ = tries.filter((stream) => stream.status === 200);
            assert.equal(open_.length, 16);
            for (const refused of tries.filter((stream) => stream.status !== 200)) assert.equal(refused.status, 429);
            assertError(await caller.get('/stream'), 429, 'too_many_streams');
            assert.equal((await listen(org.visitor())).status, 200);
            open_[0].close();
            await eventually(async () => {
                const again = await open(caller);
                return again.status === 200 && again;
            }, 'room for another');
        }
        assert.ok((await figure(org, 'helvino_limit_hits_total{limit="streams"}')) >= 18);
    });
});

describe('beginning again without end', () => {
    test('is refused to a visitor after as many times a minute as it may write, and to nobody else', async (t) => {
        const limited = await serverFor(t, { rateLimit: 'on', flags: ['--rate-messages-visitor', '20'] });
        const org = await limited.org();
        const visitor = org.visitor();
        const id = await visitor.converse();
        const begin = async (caller) => {
            const stream = await open(caller);
            stream.close();
            return stream;
        };
        const refused = [];
        for (let n = 0; n < 60 && refused.length === 0; n++) {
            await eventually(async () => (await figure(org, 'helvino_streams')) === 0, 'that the one before is over');
            const stream = await begin(visitor);
            if (stream.status !== 200) refused.push(n, stream.status, stream.headers['retry-after']);
        }
        assert.ok(refused[0] >= 20, `refused at number ${refused[0]}`);
        assert.equal(refused[1], 429);
        assert.match(refused[2], /^[1-9][0-9]*$/);
        assertError(await visitor.get('/stream'), 429, 'rate_limited');
        await visitor.say(id, 'written all the same');
        for (let n = 0; n < 30; n++) {
            await eventually(async () => (await figure(org, 'helvino_streams')) < 8, 'room');
            assert.equal((await begin(org.agent)).status, 200);
        }
        assert.equal((await begin(org.visitor())).status, 200);
    });

    test('is refused to an address too, whatever visitors it makes up', async (t) => {
        const limited = await serverFor(t, { rateLimit: 'on', flags: ['--rate-messages-address', '20'] });
        const org = await limited.org();
        const statuses = [];
        for (let n = 0; n < 60 && !statuses.includes(429); n++) {
            const stream = await open(org.visitor());
            stream.close();
            statuses.push(stream.status);
        }
        assert.ok(statuses.length > 20 && statuses.at(-1) === 429, String(statuses));
        assert.ok((await figure(org, 'helvino_limit_hits_total{limit="rate_address"}')) >= 1);
    });
});

describe('typing', () => {
    test('each side hears the other one type, and nothing of it is kept', async () => {
        const visitor = one.visitor();
        const id = await visitor.converse();
        const [own, agent] = [await listen(visitor), await listen(one.agent)];
        const before_ = await server.counts();
        const type = async (caller, body) => assert.equal((await caller.post(`/conversations/${id}/typing`, body)).status, 204);
        await type(visitor);
        const mine = (stream) => stream.of('typing').filter((event) => event.data.conversationId === id);
        await agent.until(() => mine(agent).length === 1, 'that the visitor types');
        assert.deepEqual(mine(agent)[0], { id: null, event: 'typing', data: { conversationId: id, role: 'user', typing: true } });
        await type(visitor, { typing: false });
        await agent.until(() => mine(agent).length === 2, 'that it has stopped');
        assert.equal(mine(agent)[1].data.typing, false);
        await type(one.agent, { typing: true });
        await own.next('typing');
        assert.deepEqual(own.of('typing'), [{ id: null, event: 'typing', data: { conversationId: id, role: 'assistant', typing: true } }]);
        assert.deepEqual(await server.counts(), before_);
        const again = await listen(visitor, { since: 0 });
        assert.deepEqual(again.of('typing'), []);
        own.close(), agent.close(), again.close();
    });

    test('in a conversation that is not theirs nobody types', async () => {
        const id = await one.visitor().converse();
        for (const caller of [one.visitor(), one.anonymous, two.agent]) assertError(await caller.post(`/conversations/${id}/typing`), 404, 'not_found');
        assertError(await one.agent.post(`/conversations/${NOBODY}/typing`), 404, 'not_found');
    });

    test('a body that says something else is refused', async () => {
        const visitor = one.visitor();
        const id = await visitor.converse();
        for (const typing of ['yes', 1, {}]) assertError(await visitor.post(`/conversations/${id}/typing`, { typing }), 400, 'invalid_field');
        assertError(await visitor.post(`/conversations/${id}/typing`, '['), 400, 'invalid_json');
    });

    test('who types without end is told to wait, and may still write', async (t) => {
        const limited = await serverFor(t, { rateLimit: 'on', flags: ['--rate-messages-visitor', '20'] });
        const org = await limited.org();
        const visitor = org.visitor();
        const id = await visitor.converse();
        const answers = [];
        for (let n = 0; n < 40; n++) answers.push(await visitor.post(`/conversations/${id}/typing`));
        const refused = answers.filter((answer) => answer.status === 429);
        assert.ok(refused.length >= 1 && refused.length <= 20, `${refused.length} of 40 refused`);
        assertError(refused[0], 429, 'rate_limited');
        assert.match(refused[0].headers['retry-after'], /^[1-9][0-9]*$/);
        await visitor.say(id, 'typed long enough');
    });
});

describe('who is there', () => {
    test('a visitor is told at once whether somebody is there, and when that changes', async () => {
        const org = await server.org();
        const stream = await listen(org.visitor());
        assert.deepEqual(stream.events[0].data, { role: 'assistant', online: false, opensAt: null });
        assert.equal((await org.anonymous.getOk('/api/bootloader')).online, false);
        const agents = [await listen(org.agent), await listen(org.agent)];
        assert.deepEqual(agents[0].events[0].data, { role: 'assistant', online: true, opensAt: null });
        assert.deepEqual((await stream.next('presence', 2)).data, { role: 'assistant', online: true, opensAt: null });
        assert.equal((await stream.next('presence', 2)).id, null);
        const late = await listen(org.visitor());
        assert.deepEqual(late.events[0].data, { role: 'assistant', online: true, opensAt: null });
        const streams = await figure(org, 'helvino_streams');
        agents[0].close();
        await eventually(async () => (await figure(org, 'helvino_streams')) < streams, 'that one has gone');
        agents[1].close();
        for (const [each, n] of [[stream, 3], [late, 2]]) {
            assert.deepEqual((await each.next('presence', n)).data, { role: 'assistant', online: false, opensAt: null });
            assert.equal(each.of('presence').length, n, 'one agent of two had gone, and the other was still there');
            each.close();
        }
        await eventually(async () => !(await org.anonymous.getOk('/api/bootloader')).online, 'the bootloader to know it');
    });

    test('whoever answers with a token is there without a stream', async () => {
        for (const act of [
            (org, id) => org.agent.say(id, 'here', { role: 'assistant' }),
            (org, id) => org.agent.post(`/conversations/${id}/typing`),
            async (org, id, visitor) => org.agent.post(`/conversations/${id}/read`, { seq: (await visitor.say(id, 'anybody?')).seq }),
        ]) {
            const org = await server.org();
            const visitor = org.visitor();
            const id = await visitor.converse();
            const stream = await listen(visitor);
            await act(org, id, visitor);
            await stream.until(() => stream.of('presence').at(-1).data.online, 'somebody');
            await eventually(async () => (await org.anonymous.getOk('/api/bootloader')).online, 'the bootloader to know it');
            stream.close();
        }
    });

    test('the organisation hears which visitor has come and gone, once for all its tabs', async () => {
        const org = await server.org();
        const agent = await listen(org.agent);
        const visitor = org.visitor();
        const tabs = [await listen(visitor), await listen(visitor)];
        const { id } = await org.seen(visitor.key);
        const told = () => agent.of('presence').filter((event) => event.data.role === 'user').map((event) => event.data);
        await agent.until(() => told().length === 1, 'that it has come');
        assert.deepEqual(told(), [{ role: 'user', visitorId: id, online: true }]);
        tabs[0].close();
        const other = await listen(org.visitor());
        await agent.until(() => told().length === 2, 'that another one has come');
        assert.deepEqual(told()[1], { role: 'user', visitorId: (await org.seen(other.caller.key)).id, online: true });
        tabs[1].close();
        await agent.until(() => told().length === 3, 'that it has gone');
        assert.deepEqual(told()[2], { role: 'user', visitorId: id, online: false });
        agent.close(), other.close();
    });
});
