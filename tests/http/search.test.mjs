/* GET /search: what was written is found by its words, with its place in the text as numbers; what was erased is not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';

import { load } from './load.mjs';
import { ROOT, eventually, run, startServer } from './server.mjs';
import { assertError, assertHit, assertId, assertVisitor } from './shapes.mjs';

let server, org;
before(async () => {
    server = await startServer();
    org = await server.org('acme');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

async function found(text, parameters = {}, caller = org.agent) {
    const query = new URLSearchParams({ q: text, ...parameters });
    const answer = await caller.getOk(`/search?${query}`);
    const names = ['messages', 'visitors', 'next', 'complete', ...(answer.complete ? [] : ['indexedSeq'])];
    assert.deepEqual(Object.keys(answer), names);
    answer.messages.forEach(assertHit);
    answer.visitors.forEach(assertVisitor);
    return answer;
}
const contents = async (text, parameters) =>
    (await found(text, { kind: 'messages', ...parameters })).messages.map(({ message }) => message.content);
/** The words that a hit's numbers mark. */
const marked = ({ snippet }) => snippet.matches.map(({ start, length }) => snippet.text.slice(start, start + length));
const refused = async (query, status = 400, caller = org.agent) =>
    assertError(await caller.get(`/search${query}`), status, status === 400 ? 'invalid_query' : undefined);

describe('messages', () => {
    test('are found by the visitor\'s words and by the answer\'s, newest first, with where they are', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const question = await visitor.say(id, 'When will the Turquoise parcel arrive?');
        const answer = await org.agent.say(id, 'The turquoise one arrives tomorrow', { role: 'assistant' });
        const { messages, next, complete } = await found('turquoise ', { kind: 'messages' });
        assert.deepEqual(messages.map(({ message }) => message), [answer, question]);
        assert.equal(messages[0].conversationId, id);
        assert.equal(messages[0].visitorId, (await org.seen(visitor.key)).id);
        assert.equal(next, null);
        assert.equal(complete, true);
        assert.deepEqual(await contents('turquoise parcel'), [question.content]);
        assert.deepEqual(await contents('turq'), [answer.content, question.content]);
        assert.deepEqual(await contents('turq parcel '), []);
        assert.deepEqual(await contents('"turquoise parcel arrive"'), [question.content]);
        assert.deepEqual(await contents('turquoise nothing'), []);
    });

    test('of nobody known have no visitor', async () => {
        const id = await org.anonymous.converse();
        await org.anonymous.say(id, 'an anonymous hippopotamus');
        assert.equal((await found('hippopotamus')).messages[0].visitorId, null);
    });

    test('are found in every language as people type', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const texts = {
            'İstanbul\'a kargo kaç gün?': ['istanbul', 'ISTANBUL', 'ıstanbul kac'],
            'Die Größe passt nicht, Herr Müller': ['grosse', 'GRÖSSE', 'muller'],
            'où est ma commande déjà payée': ['ou est deja', 'payee'],
            '¿Cuándo llega mi niño?': ['cuando', 'nino'],
            'أين طلبي؟ شُكْراً': ['اين', 'شكرا'],
            '東京都に送ってください': ['東京', '京都に', '送'],
            'thanks 👍🏽 a lot': ['👍'],
        };
        for (const text of Object.keys(texts)) await visitor.say(id, text);
        for (const [text, questions] of Object.entries(texts))
            for (const question of questions) assert.ok((await contents(question)).includes(text), `"${question}" does not find "${text}"`);
    });

    test('bring a snippet whose numbers count as JavaScript does, and no markup', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const before = '👩‍💻 İğneler, größer — '.repeat(40);
        const content = `${before}<b>crimson</b> & "Crimson" 日本語 ${'x '.repeat(400)} crimson`;
        await visitor.say(id, content);
        const [hit] = (await found('crimson ')).messages;
        assert.equal(hit.message.content, content);
        const { text, start } = hit.snippet;
        assert.equal(text, content.slice(start, start + text.length));
        assert.ok(start > 0 && Buffer.byteLength(text) <= 240);
        assert.deepEqual(marked(hit), ['crimson', 'Crimson']);
        assert.deepEqual(marked((await found('grösser igneler ')).messages[0])[0], 'İğneler');
        assert.deepEqual(marked((await found('日本')).messages.find(({ message }) => message.content === content)), ['日本']);
        assert.deepEqual(marked((await found('"<b>crimson</b> & crimson"')).messages[0]), ['b>crimson</b> & "Crimson']);
    });

    test('come page by page', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const said = [];
        for (let i = 0; i < 25; i++) said.unshift((await visitor.say(id, `vermilion ${i}`)).content);
        assert.equal((await contents('vermilion')).length, 20, 'of 20 without a limit');
        const all = [];
        for (let before; before !== null; ) {
            const page = await found('vermilion', { limit: 7, kind: 'messages', ...(before && { before }) });
            assert.ok(page.messages.length <= 7);
            all.push(...page.messages.map(({ message }) => message.content));
            before = page.next;
        }
        assert.deepEqual(all, said);
        assert.deepEqual(await contents('vermilion', { limit: 100 }), said);
    });

    test('are found while they wait to be indexed and afterwards, also after a restart', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const steps = async () => Number(/^helvino_search_steps_total (\d+)$/m.exec((await org.anonymous.get('/metrics')).text)[1]);
        await load(server.port, 8, { 'x-org-key': 'acme', 'x-visitor-id': visitor.key }, async (client, number) => {
            for (let i = 0; i < 40; i++)
                assert.equal((await client.post(`/conversations/${id}/messages`, { role: 'user', content: `indigo ${number}-${i}` }))?.status, 201);
        });
        assert.equal((await contents('indigo', { limit: 100 })).length, 100);
        await eventually(async () => (await server.counts()).search_segments > 0, 'the first segment');
        assert.ok((await steps()) > 0);
        let count = 0;
        for (let before; before !== null; ) {
            const page = await found('indigo', { limit: 100, kind: 'messages', ...(before && { before }) });
            count += page.messages.length;
            before = page.next;
        }
        assert.equal(count, 320);
        assert.deepEqual(await contents('"indigo 3-39"'), ['indigo 3-39']);
        await server.stop();
        server = await startServer({ directory: server.directory });
        org = server.adopt(org);
        assert.deepEqual(await contents('"indigo 3-39"'), ['indigo 3-39']);
        await server.check();
    });
});

describe('visitors', () => {
    const see = async (visitor, email) => assert.equal((await visitor.post('/visitors/me', { email })).status, 201);
    const keysOf = async (text, parameters) =>
        (await found(text, { kind: 'visitors', ...parameters })).visitors.map((visitor) => visitor.visitorKey);

    test('are found by the parts of their addresses and by beginnings, until they give another', async () => {
        const anna = org.visitor();
        const annette = org.visitor();
        await see(anna, 'Anna.Karénina+shop@mail.example.org');
        await see(annette, 'annette@karenina.example');
        for (const text of ['anna ', 'karenina shop', 'anna.karenina+shop@mail.example.org', 'shop@mail.ex'])
            assert.deepEqual(await keysOf(text), [anna.key], text);
        for (const text of ['ann', 'karenina', 'KARENINA ex']) assert.deepEqual((await keysOf(text)).sort(), [anna.key, annette.key].sort(), text);
        assert.deepEqual(await keysOf('anna karenina@mail'), []);
        assert.equal((await annette.post('/visitors/me', { email: 'other@example.net' })).status, 200);
        assert.deepEqual(await keysOf('annette'), []);
        assert.deepEqual(await keysOf('other@example.net'), [annette.key]);
        assert.equal((await annette.post('/visitors/me', { email: null })).status, 200);
        assert.deepEqual(await keysOf('other'), []);
    });

    test('are found by key, its beginning, and id', async () => {
        const keys = ['v_search-a1', 'v_search-a2', 'v_search-b1'];
        for (const key of keys) await org.visitor(key).converse();
        assert.deepEqual(await keysOf('v_search-a1'), [keys[0]]);
        assert.deepEqual(await keysOf('v_search-'), keys);
        assert.deepEqual(await keysOf('v_search-c'), []);
        const { id } = await org.seen(keys[2]);
        assert.deepEqual(await keysOf(id), [keys[2]]);
        const first = await found('v_search-', { kind: 'visitors', limit: 2 });
        assert.deepEqual(first.visitors.map((visitor) => visitor.visitorKey), keys.slice(0, 2));
        assert.deepEqual(await keysOf('v_search-', { before: first.next }), [keys[2]]);
    });

    test('come page by page, each once, the newest first', async () => {
        const keys = [];
        for (let i = 0; i < 23; i++) {
            const visitor = org.visitor();
            await see(visitor, `ochre${i % 3 ? '' : '.ochres'}@ochre${i}.example`);
            keys.push(visitor.key);
        }
        const all = [];
        for (let before; before !== null; ) {
            const page = await found('ochre', { kind: 'visitors', limit: 5, ...(before && { before }) });
            all.push(...page.visitors.map((visitor) => visitor.visitorKey));
            before = page.next;
        }
        assert.deepEqual([...all].sort(), [...keys].sort());
        assert.equal((await keysOf('ochre ', { limit: 100 })).length, 23);
    });

    test('and messages come together unless one kind is asked for', async () => {
        const visitor = org.visitor();
        await see(visitor, 'mauve@example.org');
        await visitor.say(await visitor.converse(), 'mauve, please');
        await visitor.say(await visitor.converse(), 'or mauve');
        for (const parameters of [{}, { kind: 'all' }]) {
            const both = await found('mauve', parameters);
            assert.deepEqual([both.messages.length, both.visitors.length], [2, 1]);
        }
        assert.deepEqual((await found('mauve', { kind: 'messages' })).visitors, []);
        assert.deepEqual((await found('mauve', { kind: 'visitors' })).messages, []);
        const page = await found('mauve', { limit: 1 });
        assert.deepEqual([page.messages.length, page.visitors.length], [1, 1]);
        const second = await found('mauve', { limit: 1, before: page.next });
        assert.deepEqual([second.messages.length, second.visitors.length], [1, 0]);
    });
});

describe('nobody', () => {
    test('sees what belongs to another organisation', async () => {
        const other = await server.org('other');
        const visitor = other.visitor();
        const id = await visitor.converse();
        await visitor.say(id, 'a burgundy secret');
        await visitor.post('/visitors/me', { email: 'burgundy@example.org' });
        for (const text of ['burgundy', (await other.seen(visitor.key)).id, visitor.key]) {
            const { messages, visitors } = await found(text);
            assert.deepEqual([messages, visitors], [[], []], text);
        }
        assert.equal((await found('burgundy', {}, other.agent)).messages.length, 1);
    });

    test('searches without a token', async () => {
        for (const caller of [org.anonymous, org.visitor()]) await refused('?q=anything', 401, caller);
    });

    test('finds a visitor that was erased, nor a word of it', async () => {
        const visitor = org.visitor();
        const id = await visitor.converse();
        const segments = (await server.counts()).search_segments;
        for (let i = 0; i < 300; i++) await visitor.say(id, `chartreuse ${i}`);
        await visitor.post('/visitors/me', { email: 'chartreuse@example.org' });
        await eventually(async () => (await server.counts()).search_segments !== segments, 'another segment');
        const { id: visitorId } = await org.seen(visitor.key);
        assert.equal((await found('chartreuse')).messages.length, 20);
        assert.equal((await visitor.request('DELETE', '/visitors/me')).status, 200);
        for (const text of ['chartreuse', visitor.key, visitorId]) {
            const { messages, visitors, next } = await found(text);
            assert.deepEqual([messages, visitors, next], [[], [], null], text);
        }
        await server.check();
    });
});

describe('a question', () => {
    test('that can\'t be answered is refused with a sentence', async () => {
        for (const query of ['', '?q=', '?q=%20', '?q=...', '?q=%22%22', `?q=${'a'.repeat(257)}`, `?q=${'a+'.repeat(17)}`, '?q=%ff', '?q=a&q=b'])
            await refused(query);
        for (const query of ['kind=none', 'kind=', 'limit=0', 'limit=101', 'before=x', 'before=0', 'kind=visitors&before=%20', 'kind=visitors&before=@@'])
            await refused(`?q=word&${query}`);
    });

    test('may write a blank as a plus, as forms do', async () => {
        const visitor = org.visitor();
        await visitor.say(await visitor.converse(), 'sepia and umber');
        for (const query of ['sepia+umber', 'sepia%20umber', 'umber+sepia+', '%22sepia+and+umber%22'])
            assert.equal((await org.agent.getOk(`/search?q=${query}`)).messages.length, 1, query);
    });

    test('that asks for much work is answered in part, goes on, and is counted', async () => {
        const id = await org.anonymous.converse();
        const counted = async () => Number(/limit="search"} (\d+)/.exec((await org.anonymous.get('/metrics')).text)[1]);
        const before = await counted();
        const wanted = await org.anonymous.say(id, 'teal magenta');
        await load(server.port, 8, { 'x-org-key': 'acme' }, async (client) => {
            for (let i = 0; i < 275; i++)
                assert.equal((await client.post(`/conversations/${id}/messages`, { role: 'user', content: 'teal and magenta' }))?.status, 201);
        });
        await eventually(async () => (await found('nothing')).complete, 'an index that has all');
        let page = await found('"teal magenta"', { kind: 'messages' });
        assert.deepEqual(page.messages, []);
        assert.notEqual(page.next, null);
        assert.ok((await counted()) > before);
        page = await found('"teal magenta"', { kind: 'messages', before: page.next });
        assert.deepEqual(page.messages.map(({ message }) => message.seq), [wanted.seq]);
        assert.equal(page.next, null);
    });
});

test('the README shows commands that work', async () => {
    const visitor = org.visitor('v_alice');
    const id = await visitor.converse();
    await visitor.post('/visitors/me', { email: 'anna@example.org' });
    await org.agent.say(id, 'Hi! How can I help?', { role: 'assistant' });
    const [, block] = readFileSync(join(ROOT, 'README.md'), 'utf8').split('## Search\n')[1].match(/```sh\n([\s\S]*?)```/);
    const env = { BASE: server.url, AUTH: `authorization: Bearer ${org.token}` };
    const result = await run('bash', ['-c', `set -euo pipefail\n${block}`], { env });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout.match(/"text": "Hi! How can I help\?"/g).length, 2);
    assert.match(result.stdout, /"start": 8,\s+"length": 10/);
    assert.match(result.stdout, /"email": "anna@example.org"/);
    assert.ok(result.stdout.trim().endsWith(`"${(await org.seen('v_alice')).id}"`));
});

test('ids that a hit brings lead to the conversation and the visitor', async () => {
    const visitor = org.visitor();
    await visitor.say(await visitor.converse(), 'cerulean');
    const [hit] = (await found('cerulean')).messages;
    assertId(hit.conversationId);
    const { messages } = await org.agent.getOk(`/conversations/${hit.conversationId}`);
    assert.deepEqual(messages[0], hit.message);
    assert.equal((await org.agent.getOk(`/visitors/${hit.visitorId}`)).visitorKey, visitor.key);
});
