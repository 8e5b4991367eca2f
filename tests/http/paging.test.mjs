/* Cursors: whoever follows `next` sees everything that was there, once, in order, while others go on writing. */
import assert from 'node:assert/strict';
import test, { before, after } from 'node:test';

import { startServer } from './server.mjs';
import { assertError } from './shapes.mjs';

let server;
before(async () => (server = await startServer()));
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

const ids = (list) => list.map((item) => item.id);
const newestFirst = (list, of) => {
    for (let i = 1; i < list.length; i++) assert.ok(of(list[i]) <= of(list[i - 1]), `${of(list[i])} comes after ${of(list[i - 1])}`);
};

test('every limit from 1 to 100 walks the whole list without a double', async () => {
    const org = await server.org();
    const visitor = org.visitor();
    for (let i = 0; i < 113; i++) await visitor.converse();
    const expected = ids(await org.agent.pages('/conversations', 'conversations', 100));
    assert.equal(new Set(expected).size, 113);
    for (const limit of [1, 2, 3, 7, 50, 56, 57, 99]) {
        for (const caller of [org.agent, visitor]) {
            const walked = await caller.pages('/conversations', 'conversations', limit);
            assert.deepEqual(ids(walked), expected, `limit ${limit}`);
            newestFirst(walked, (conversation) => conversation.updatedAt);
        }
    }
});

test('without a limit a page has 50', async () => {
    const org = await server.org();
    for (let i = 0; i < 51; i++) await org.visitor().converse();
    for (const [path, member] of [['/conversations', 'conversations'], ['/visitors', 'visitors']]) {
        const page = await org.agent.getOk(path);
        assert.equal(page[member].length, 50);
        assert.equal(typeof page.next, 'string');
        const rest = await org.agent.getOk(`${path}?before=${encodeURIComponent(page.next)}`);
        assert.equal(rest[member].length, 1);
        assert.equal(rest.next, null);
    }
});

test('a full last page has no next', async () => {
    const org = await server.org();
    for (let i = 0; i < 10; i++) await org.visitor().converse();
    for (const [path, member] of [['/conversations', 'conversations'], ['/visitors', 'visitors']]) {
        const page = await org.agent.getOk(`${path}?limit=10`);
        assert.equal(page[member].length, 10);
        assert.equal(page.next, null, `${path} promises more and has none`);
    }
});

test('a cursor stays where it is when new conversations come in', async () => {
    const org = await server.org();
    const old = [];
    for (let i = 0; i < 60; i++) old.unshift(await org.visitor().converse());
    const walked = [];
    let cursor = '';
    do {
        const page = await org.agent.getOk(`/conversations?limit=7${cursor}`);
        walked.push(...ids(page.conversations));
        cursor = page.next && `&before=${encodeURIComponent(page.next)}`;
        await org.visitor().converse();
        await org.anonymous.converse();
    } while (cursor);
    assert.deepEqual(walked, old);
});

test('conversations that move to the top while somebody pages are never shown twice', async () => {
    const org = await server.org();
    const visitor = org.visitor();
    const old = [];
    for (let i = 0; i < 40; i++) old.push(await visitor.converse());
    for (const caller of [org.agent, visitor]) {
        const walked = [];
        const moved = new Set();
        let cursor = '';
        do {
            const page = await caller.getOk(`/conversations?limit=6${cursor}`);
            walked.push(...ids(page.conversations));
            cursor = page.next && `&before=${encodeURIComponent(page.next)}`;
            for (const id of [old[0], old[25], walked.at(-1), walked[0]]) {
                await visitor.say(id, 'up');
                moved.add(id);
            }
        } while (cursor);
        assert.equal(new Set(walked).size, walked.length, 'a conversation was shown twice');
        for (const id of old) assert.ok(moved.has(id) || walked.includes(id), 'a conversation that nobody touched was left out');
    }
});

test('visitors who are seen again while somebody pages are never shown twice', async () => {
    const org = await server.org();
    const visitors = Array.from({ length: 40 }, () => org.visitor());
    for (const visitor of visitors) await visitor.converse();
    const walked = [];
    const moved = new Set();
    let cursor = '';
    do {
        const page = await org.agent.getOk(`/visitors?limit=6${cursor}`);
        walked.push(...page.visitors.map((visitor) => visitor.visitorKey));
        cursor = page.next && `&before=${encodeURIComponent(page.next)}`;
        for (const visitor of [visitors[0], visitors[20]]) {
            await visitor.converse();
            moved.add(visitor.key);
        }
        await org.visitor().converse();
    } while (cursor);
    assert.equal(new Set(walked).size, walked.length, 'a visitor was shown twice');
    for (const visitor of visitors) assert.ok(moved.has(visitor.key) || walked.includes(visitor.key), 'a visitor was left out');
});

test('many changes of few conversations do not hide the others (stale entries of the index)', async () => {
    const org = await server.org();
    const quiet = [];
    for (let i = 0; i < 5; i++) quiet.unshift(await org.anonymous.converse());
    const busy = await org.anonymous.converse();
    for (let i = 0; i < 1500; i += 50) await Promise.all(Array.from({ length: 50 }, () => org.anonymous.say(busy, 'again')));
    for (const limit of [1, 2, 5, 100]) assert.deepEqual(ids(await org.agent.pages('/conversations', 'conversations', limit)), [busy, ...quiet]);
});

test('the cursor of one list does not work in another organisation or list as if it were its own', async () => {
    const [one, two] = [await server.org(), await server.org()];
    for (let i = 0; i < 5; i++) {
        await one.visitor().converse();
        await two.visitor().converse();
    }
    const own = ids(await two.agent.pages('/conversations', 'conversations'));
    const ownVisitors = ids(await two.agent.pages('/visitors', 'visitors'));
    for (const [list, member] of [['/conversations', 'conversations'], ['/visitors', 'visitors']]) {
        const { next } = await one.agent.getOk(`${list}?limit=2`);
        for (const [path, name, mine] of [['/conversations', 'conversations', own], ['/visitors', 'visitors', ownVisitors]]) {
            const answer = await two.agent.get(`${path}?before=${encodeURIComponent(next)}`);
            if (answer.status === 400) assertError(answer, 400, 'invalid_query');
            else for (const id of ids(answer.json[name])) assert.ok(mine.includes(id), `a ${member} cursor shows what is not theirs`);
        }
    }
});

test('a damaged cursor gets 400 or a page of one’s own, never anything else', async () => {
    const org = await server.org();
    for (let i = 0; i < 6; i++) await org.visitor().converse();
    const { next } = await org.agent.getOk('/conversations?limit=2');
    const own = new Set(ids(await org.agent.pages('/conversations', 'conversations')));
    const variants = [next.slice(1), next.slice(0, -1), `${next}0`, `0${next}`, next.toUpperCase(), next.split('').reverse().join(''), `${next}%00`, `${next} `, next.repeat(40), '0', '00000000', '-0', '%', '%zz', '%f0%28'];
    for (const variant of variants) {
        for (const path of ['/conversations', '/visitors']) {
            const answer = await org.agent.get(`${path}?before=${variant.replace(/ /g, '+')}`);
            if (answer.status === 200) {
                if (path === '/conversations') for (const id of ids(answer.json.conversations)) assert.ok(own.has(id));
            } else assertError(answer, 400);
        }
    }
});

test('a visitor with more conversations than one looks at still gets the newest ones', async () => {
    const org = await server.org();
    const visitor = org.visitor();
    const made = [];
    for (let i = 0; i < 600; i += 50) made.push(...(await Promise.all(Array.from({ length: 50 }, () => visitor.converse()))));
    const walked = ids(await visitor.pages('/conversations', 'conversations'));
    assert.equal(walked.length, 600);
    assert.deepEqual(new Set(walked), new Set(made));
});
