/*
 * Nobody misses a message and nobody gets one twice, wherever the connection was cut: by the reader at random, by a
 * server that was killed, by a list that has overflowed, or by another process that wrote to the tables.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { describe } from 'node:test';

import { Caller, eventually, patiently, serverFor, startServer } from './server.mjs';
import { figure, listen, open } from './sse.mjs';

/** A caller that goes on with whatever server is there now. */
class Roamer {
    constructor(home, caller) {
        this.home = home;
        this.headers = caller.headers;
    }
    get caller() {
        return new Caller(this.home.server, this.headers);
    }
}

const LOST = /^(ECONNRESET|ECONNREFUSED|EPIPE|UND_ERR_SOCKET)$/;

/** Tries until an answer comes; the clientId makes that safe. */
async function sayForSure(roamer, id, content, role) {
    const clientId = `c-${content}-${role}`;
    while (!roamer.home.failed) {
        try {
            const { caller } = roamer;
            const answer = await caller.request('POST', `/conversations/${id}/messages`, { body: { role, content, clientId }, agent: caller.server.agent });
            if (answer.status === 201 || answer.status === 200) return answer.json;
            assert.equal(answer.status, 503, answer.text);
        } catch (error) {
            if (!LOST.test(error.code ?? '')) throw error;
            await new Promise((wake) => setImmediate(wake));
        }
    }
}

/**
 * Reads until `isDone`, cutting the connection at random and going on with the last id. Gives every message in the order in which
 * it came; a `patient` one stops reading now and then, so that its connection fills.
 */
async function readAll(roamer, isDone, { cuts = true } = {}) {
    const heard = [];
    let last = 0, connections = 0;
    while (!isDone(heard) && !roamer.home.failed) {
        let stream;
        try {
            stream = await open(roamer.caller, randomInt(2) === 0 ? { lastEventId: last } : { since: last });
        } catch (error) {
            if (!LOST.test(error.code ?? '')) throw error;
            await new Promise((wake) => setImmediate(wake));
            continue;
        }
        if (stream.status !== 200) {
            assert.equal(stream.status, 503);
            stream.close();
            continue;
        }
        connections++;
        let left = cuts ? randomInt(1, 60) : Infinity;
        const take = (event) => {
            if (left-- <= 0) return;
            if (event.id !== null) last = event.id;
            if (event.event === 'message') heard.push(event.data);
            assert.notEqual(event.event, 'reset');
        };
        stream.events.forEach(take);
        stream.onEvent = take;
        await patiently(
            new Promise((done) => {
                const look = () => (stream.over || left <= 0 || isDone(heard) || roamer.home.failed ? done() : setTimeout(look, 1));
                look();
            }),
            `the end of a reading at ${last} with ${heard.length} messages`,
        );
        stream.onEvent = () => {};
        stream.close();
    }
    return { heard, connections };
}

function assertExactly(heard, expected, who) {
    const seqs = heard.map((message) => message.seq);
    assert.deepEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b), `${who}: not in order, or twice`);
    assert.deepEqual(seqs, expected.map((message) => message.seq), `${who}: not what was written`);
    assert.deepEqual(heard, expected, who);
}

const bySeq = (a, b) => a.seq - b.seq;

/** Visitors with conversations, written to by all sides at once, while readers come and go. */
async function rush(home, { visitors = 4, conversations = 3, messages = 25, during = async () => {} }) {
    const org = await home.server.org();
    const agent = new Roamer(home, org.agent);
    const parties = [];
    for (let v = 0; v < visitors; v++) {
        const visitor = org.visitor();
        const ids = [];
        for (let c = 0; c < conversations; c++) ids.push(await visitor.converse());
        parties.push({ roamer: new Roamer(home, visitor), ids, said: [] });
    }
    let over = false;
    const writers = parties.flatMap((party) =>
        party.ids.flatMap((id) =>
            ['user', 'assistant'].map(async (role) => {
                for (let n = 0; n < messages; n++) party.said.push(await sayForSure(role === 'user' ? party.roamer : agent, id, `${id}-${n}`, role));
            }),
        ),
    );
    const total = () => parties.flatMap((party) => party.said).sort(bySeq);
    const isDone = (expected) => (heard) => over && heard.length >= expected().length && heard.at(-1)?.seq >= expected().at(-1).seq;
    const readers = [
        ...parties.flatMap((party) => [true, true, false].map((cuts) => [party, readAll(party.roamer, isDone(() => [...party.said].sort(bySeq)), { cuts })])),
        ...[true, true, false].map((cuts) => [null, readAll(agent, isDone(total), { cuts })]),
    ];
    try {
        await Promise.all([...writers, during()]);
    } catch (error) {
        home.failed = true;
        throw error;
    }
    over = true;
    let connections = 0;
    for (const [party, reading] of readers) {
        const result = await reading;
        connections += result.connections;
        assertExactly(result.heard, party === null ? total() : [...party.said].sort(bySeq), party === null ? 'the organisation' : 'a visitor');
    }
    assert.equal(total().length, visitors * conversations * messages * 2);
    assert.ok(connections > readers.length, 'nobody was ever cut off');
    return org;
}

describe('readers that come and go', () => {
    for (const loops of [1, 3]) {
        test(`at random, with ${loops} loops: each one's union is all messages, in order, none twice`, async (t) => {
            const home = { server: await serverFor(t, { loops }) };
            const org = await rush(home, {});
            assert.equal(await figure(org, 'helvino_limit_hits_total{limit="stream_catch_up"}'), 0);
        });
    }

    test('while the server is killed and started again', async (t) => {
        const home = { server: await startServer({ loops: 2 }) };
        t.after(() => home.server.remove());
        await rush(home, {
            messages: 40,
            during: async () => {
                for (let kill = 0; kill < 3; kill++) {
                    const { server } = home;
                    const { seq } = await server.adopt({ key: 'none' }).anonymous.getOk('/health');
                    await eventually(async () => (await server.adopt({ key: 'none' }).anonymous.getOk('/health')).seq > seq + 50, 'some more writes');
                    const { directory } = server;
                    await server.kill();
                    home.server = await startServer({ loops: 2, directory });
                }
            },
        });
        await home.server.check();
        await home.server.stop();
    });
});

describe('what is too much', () => {
    test('5000 events are given again, one more is a reset', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const visitor = org.visitor();
        const ids = [await visitor.converse(), await visitor.converse()];
        const begun = await listen(visitor);
        const since = begun.lastId;
        begun.close();
        const said = [];
        let left = 5000;
        await Promise.all(Array.from({ length: 48 }, async (_, n) => {
            while (left-- > 0) said.push(await visitor.say(ids[n % 2], 'x'));
        }));
        said.sort(bySeq);
        for (const caller of [visitor, org.agent]) {
            const stream = await listen(caller, { since });
            assertExactly(stream.messages, said, 'all of them');
            assert.deepEqual(stream.of('reset'), []);
            stream.close();
        }
        const last = await visitor.say(ids[0], 'one more');
        for (const caller of [visitor, org.agent]) {
            const stream = await listen(caller, { since });
            assert.deepEqual(stream.beginning.map((event) => event.event), ['reset', 'presence']);
            assert.ok(stream.events[0].id >= last.seq);
            const next = await visitor.say(ids[1], 'and on it goes');
            await stream.next('message');
            assert.deepEqual(stream.messages, [next]);
            stream.close();
        }
        assert.equal(await figure(org, 'helvino_limit_hits_total{limit="stream_catch_up"}'), 2);
        assert.equal(await figure(org, 'helvino_stream_resets_total'), 2);
    });

    test('a visitor with more conversations than are looked at is told to reset', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const visitor = org.visitor();
        await visitor.converse();
        const { lastId: since } = await listen(visitor).then((stream) => (stream.close(), stream));
        let left = 1000;
        await Promise.all(Array.from({ length: 32 }, async () => {
            while (left-- > 0) await visitor.converse();
        }));
        const stream = await listen(visitor, { since });
        assert.deepEqual(stream.beginning.map((event) => event.event), ['reset', 'presence']);
        const agent = await listen(org.agent, { since });
        assert.equal(agent.of('conversation').length, 1000);
        stream.close(), agent.close();
        left = 1001; /* an organisation may have twice as many */
        await Promise.all(Array.from({ length: 32 }, async () => {
            while (left-- > 0) await org.anonymous.converse();
        }));
        const late = await listen(org.agent, { since });
        assert.deepEqual(late.beginning.map((event) => event.event), ['reset', 'presence']);
        late.close();
    });
});

describe('a reader that does not read', () => {
    const CONTENT = 'x'.repeat(32_000);

    /** A stream that takes nothing, and far more for it than the system's buffers hold. */
    async function blocked(t, messages) {
        const server = await serverFor(t);
        const org = await server.org();
        const visitor = org.visitor();
        const id = await visitor.converse();
        const stream = await open(visitor, { paused: true });
        const said = [];
        let left = messages;
        await Promise.all(Array.from({ length: 16 }, async () => {
            while (left-- > 0) said.push(await visitor.say(id, CONTENT));
        }));
        return { server, org, visitor, stream, said: said.sort(bySeq) };
    }

    test('what waits for it is bounded, and it loses nothing when it goes on', async (t) => {
        const { org, stream, said } = await blocked(t, 900);
        assert.ok((await figure(org, 'helvino_limit_hits_total{limit="stream_news"}')) >= 1, 'its list has never overflowed');
        stream.response.resume();
        await stream.until(() => stream.messages.length >= said.length, 'all of it');
        assertExactly(stream.messages, said, 'the slow reader');
        stream.close();
    });

    test('it is cut off in the end, and misses nothing when it comes back', async (t) => {
        const { org, visitor, stream, said } = await blocked(t, 700);
        await eventually(async () => (await figure(org, 'helvino_limit_hits_total{limit="stream_stall"}')) === 1, 'that it is cut off');
        await eventually(async () => (await figure(org, 'helvino_streams')) === 0, 'its end');
        stream.response.resume();
        await stream.until(() => stream.over, 'its end');
        assert.ok(stream.messages.length < said.length, 'it was never held up');
        assert.ok(stream.bytes <= 1 << 20, `${stream.bytes} bytes were kept for it`);
        const again = await listen(visitor, { since: stream.lastId ?? said[0].seq - 1 });
        assertExactly([...stream.messages, ...again.messages], said, 'both together');
        again.close();
    });
});

describe('other processes', () => {
    test('what an import brings is heard by whoever listens, in its place', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const visitor = org.visitor();
        const id = await visitor.converse();
        await visitor.say(id, 'here from the beginning');
        const directory = join(server.directory, 'export');
        await server.cliOk('dump', 'export', '--format', 'ndjson', '-o', directory);
        const [row] = readFileSync(join(directory, 'messages.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
        const import_ = async (n) => {
            const path = join(server.directory, `${n}`, 'messages.ndjson');
            mkdirSync(dirname(path));
            writeFileSync(path, `${JSON.stringify({ ...row, id: row.id.slice(0, -1) + 'abc'[n], clientId: `imported-${n}`, content: `imported ${n}` })}\n`);
            await server.cliOk('import', path);
        };
        const streams = [await listen(visitor), await listen(org.agent)];
        await import_(0);
        for (const stream of streams) await stream.next('message'); /* nobody else writes: the server has to look */
        await import_(1);
        await visitor.say(id, 'and here');
        for (const stream of streams) {
            await stream.next('message', 3);
            assertExactly(stream.messages, (await visitor.getOk(`/conversations/${id}`)).messages.slice(1), 'the import and what followed');
            assert.deepEqual(stream.messages.map((message) => message.content), ['imported 0', 'imported 1', 'and here']);
            stream.close();
        }
    });
});
