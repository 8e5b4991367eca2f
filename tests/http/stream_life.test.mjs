/* How a stream lives and ends: silence, a right that is withdrawn, an erased visitor, a server that stops. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { eventually, serverFor, startServer } from './server.mjs';
import { assertError } from './shapes.mjs';
import { Wire, requestBytes } from './raw.mjs';
import { figure, listen, open } from './sse.mjs';

/** The stream ends in good order, and the other one, which stays, still hears. */
async function endsAlone(stream, other, speak) {
    await stream.until(() => stream.over, 'its end');
    assert.ok(stream.ended, `${stream.error}`);
    const said = await speak();
    await other.until(() => other.messages.some((message) => message.id === said.id), 'what is said afterwards');
    other.close();
}

describe('a right that is withdrawn ends what it has begun', () => {
    test('a token is revoked', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const second = org.agent.with({ authorization: `Bearer ${await server.token(org.key)}` });
        const visitor = org.visitor();
        const id = await visitor.converse();
        const [stream, other] = [await listen(org.agent), await listen(second)];
        await server.cliOk('org', 'token', 'revoke', org.key, org.token.slice(4, 29));
        await endsAlone(stream, other, () => visitor.say(id, 'still here'));
        assertError(await org.agent.get('/stream'), 401, 'token_invalid');
    });

    test('the page is taken off the list of origins', async (t) => {
        const server = await serverFor(t);
        const org = await server.org('shop', '--origin', 'https://old.example', '--origin', 'https://new.example');
        const [visitor, other] = [org.visitor(), org.visitor()];
        const stream = await listen(visitor, { headers: { origin: 'https://old.example' } });
        const kept = await listen(other, { headers: { origin: 'https://new.example' } });
        const bare = await listen(other);
        await server.cliOk('org', 'update', 'shop', '--origin', 'https://new.example');
        const id = await other.converse();
        await endsAlone(stream, kept, () => other.say(id, 'still here'));
        await bare.next('message');
        bare.close();
    });

    test('an organisation that let any page in begins to list some', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const visitor = org.visitor();
        const id = await visitor.converse();
        const [stream, other] = [await listen(visitor, { headers: { origin: 'https://anywhere.example' } }), await listen(visitor)];
        await server.cliOk('org', 'update', org.key, '--origin', 'https://new.example');
        await endsAlone(stream, other, () => visitor.say(id, 'still here'));
    });

    test('the organisation is deleted', async (t) => {
        const server = await serverFor(t);
        const [org, neighbour] = [await server.org(), await server.org()];
        const visitor = neighbour.visitor();
        const id = await visitor.converse();
        const streams = [await listen(org.agent), await listen(org.visitor())];
        const other = await listen(neighbour.agent);
        await server.cliOk('org', 'delete', org.key, '--yes');
        await streams[0].until(() => streams[0].over, 'its end');
        assert.ok(streams[0].ended);
        await endsAlone(streams[1], other, () => visitor.say(id, 'still here'));
    });

    test('the visitor is erased: all its tabs, and nobody else', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const [visitor, bystander] = [org.visitor(), org.visitor()];
        const id = await visitor.converse();
        await visitor.say(id, 'forget me');
        const streams = [await listen(visitor), await listen(visitor)];
        const [other, agent] = [await listen(bystander), await listen(org.agent)];
        assert.equal((await visitor.request('DELETE', '/visitors/me')).status, 200);
        await streams[0].until(() => streams[0].over, 'its end');
        assert.ok(streams[0].ended);
        const next = await bystander.converse();
        await endsAlone(streams[1], other, () => bystander.say(next, 'still here'));
        await agent.until(() => agent.messages.length === 1, 'the bystander');
        agent.close();
        /* What it was told of before is gone from every gap too. */
        const again = await listen(org.agent, { since: 0 });
        assert.ok(!JSON.stringify(again.events).includes(id));
        again.close();
    });
});

describe('silence', () => {
    test('after 15 seconds of it comes a comment, and the stream goes on', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const visitor = org.visitor();
        const id = await visitor.converse();
        const streams = [await listen(visitor), await listen(org.agent)];
        for (const stream of streams) await stream.until(() => stream.comments >= 1, 'a comment');
        const said = await visitor.say(id, 'not silent any more');
        for (const stream of streams) {
            await stream.next('message');
            assert.deepEqual(stream.messages, [said]);
            stream.close();
        }
    });
});

describe('clients that go', () => {
    test('leave nothing behind, in whatever way they went', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const agent = await listen(org.agent);
        for (const how of ['vanish', 'half', 'talk']) {
            const visitor = org.visitor();
            const wire = await Wire.connect(server.port);
            wire.send(requestBytes('GET', '/stream', visitor.headers));
            await eventually(() => wire.bytes.includes('event: presence\n'), 'the first presence');
            if (how === 'vanish') wire.vanish();
            if (how === 'half') wire.socket.end();
            if (how === 'talk') wire.send(Buffer.alloc(1 << 20, 'x'));
            await eventually(async () => (await figure(org, 'helvino_streams')) === 1, `the end after ${how}`);
            const { id } = await org.seen(visitor.key);
            await agent.until(() => agent.of('presence').some(({ data }) => data.visitorId === id && !data.online), 'that it has gone');
            wire.vanish();
        }
        agent.close();
        await eventually(async () => (await figure(org, 'helvino_streams')) === 0, 'the end of the last');
    });

    test('hundreds that come and go at once are counted right in the end', async (t) => {
        const server = await serverFor(t, { loops: 3 });
        const org = await server.org();
        const agent = await listen(org.agent);
        const callers = Array.from({ length: 60 }, () => org.visitor());
        await Promise.all(callers.flatMap((caller) => [1, 2, 3, 4].map(async (n) => {
            for (let round = 0; round < 3; round++) {
                const stream = await open(caller);
                assert.equal(stream.status, 200);
                if ((n + round) % 2 === 0) await stream.ready();
                stream.close();
            }
        })));
        await eventually(async () => (await figure(org, 'helvino_streams')) === 1, 'that all have gone');
        const kept = await listen(callers[0]);
        const { id } = await org.seen(callers[0].key);
        const listed = async () => (await org.agent.pages('/visitors', 'visitors')).filter(({ online }) => online).map((visitor) => visitor.id);
        assert.deepEqual(await listed(), [id]);
        const heard = () => {
            const now = new Map();
            for (const { data } of agent.of('presence')) if (data.role === 'user') now.set(data.visitorId, data.online);
            return [...now].filter(([, on]) => on).map(([visitor]) => visitor);
        };
        await agent.until(() => heard().length === 1 && heard()[0] === id, 'that one is left');
        kept.close(), agent.close();
    });
});

describe('a server that stops', () => {
    for (const signal of ['SIGTERM', 'SIGINT']) {
        test(`${signal} ends all streams in good order and the process well, before its deadline`, async (t) => {
            const server = await startServer({ loops: 2 });
            t.after(() => server.remove());
            const org = await server.org();
            const visitor = org.visitor();
            const streams = await Promise.all(Array.from({ length: 12 }, (_, n) => listen(n % 2 ? org.agent : visitor)));
            streams.push(await open(org.visitor(), { paused: true }));
            const id = await visitor.converse();
            const said = await Promise.all(Array.from({ length: 20 }, (_, n) => visitor.say(id, `${n}`)));
            server.signal(signal);
            assert.deepEqual(await server.ended(), { code: 0, signal: null }, server.log);
            streams.at(-1).response.resume();
            for (const stream of streams) {
                await stream.until(() => stream.over, 'its end');
                assert.ok(stream.ended, `${stream.error}`);
            }
            assert.doesNotMatch(server.log, /cut off|deadline/i);
            const again = await startServer({ directory: server.directory });
            t.after(() => again.remove());
            for (const stream of streams.slice(0, 12)) {
                const rest = await listen(again.adopt(org).agent, { since: stream.lastId });
                const heard = [...stream.messages, ...rest.messages].map((message) => message.seq);
                assert.deepEqual(heard, said.map((message) => message.seq).sort((a, b) => a - b));
                rest.close();
            }
            await again.stop();
        });
    }
});
