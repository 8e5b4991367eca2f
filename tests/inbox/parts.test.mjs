/* The small parts: addresses behind '#', drafts, preferences, canned replies, who is told, what is asked one by one. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { modulesOf } from './bundle.mjs';
import { conversation, ME, message, note, OTHER } from './things.mjs';

const [routes, { makeDrafts }, { makeKeep, read, keyOf }, { makePrefs }, { matching }, { concerns }, { makeWanted }, { makeTyping }, { fileNameOf }] = await modulesOf([
    'data/routes.ts',
    'data/drafts.ts',
    'data/keep.ts',
    'data/prefs.ts',
    'data/replies.ts',
    'data/news.ts',
    'data/wanted.ts',
    'data/typing.ts',
    'data/api.ts',
]);

function memory(entries = {}) {
    const map = new Map(Object.entries(entries));
    return { get: (key) => map.get(key) ?? null, set: (key, value) => map.set(key, value), remove: (key) => map.delete(key), keys: () => [...map.keys()], map };
}

describe('where one is', () => {
    for (const [hash, route] of [
        ['#/', { name: 'inbox', id: null, visitor: false }],
        ['#/c/cabc', { name: 'inbox', id: 'cabc', visitor: false }],
        ['#/c/cabc/visitor', { name: 'inbox', id: 'cabc', visitor: true }],
        ['#/c/a%2Fb', { name: 'inbox', id: 'a/b', visitor: false }],
        ['#/visitors', { name: 'visitors', id: null }],
        ['#/visitors/cabc', { name: 'visitors', id: 'cabc' }],
        ['#/settings', { name: 'settings', page: null }],
        ['#/settings/security', { name: 'settings', page: 'security' }],
    ]) {
        test(`${hash} there and back`, () => {
            assert.deepEqual(routes.parseRoute(hash), route);
            assert.equal(routes.formatRoute(route), hash);
        });
    }
    test('anything else is the list', () => {
        for (const hash of ['', '#', '#/c', '#/c/', '#nonsense', '#/c//visitor', '#//']) assert.deepEqual(routes.parseRoute(hash), routes.INBOX, hash);
        assert.deepEqual(routes.parseRoute('#/c/%E0%A4%A'), { name: 'inbox', id: '%E0%A4%A', visitor: false });
    });
});

describe('drafts', () => {
    test('a reply and a note are two texts, kept by conversation, and gone when both are empty', () => {
        const keep = memory();
        const drafts = makeDrafts(keep, 'org', 'agent');
        drafts.set('a', { reply: 'hello' });
        drafts.set('a', { note: 'ask her', mode: 'note' });
        drafts.set('b', { reply: 'other' });
        const { reply, note: noted, mode } = drafts.get('a');
        assert.deepEqual([reply, noted, mode], ['hello', 'ask her', 'note']);
        assert.deepEqual([drafts.has('a'), drafts.has('b'), drafts.has('c')], [true, true, false]);
        assert.equal(makeDrafts(keep, 'org', 'somebody else').has('a'), false);
        drafts.set('a', { reply: '', note: '' });
        assert.equal(keep.map.size, 1);
    });
    test('those that there are can be listened to', () => {
        const keep = memory();
        makeDrafts(keep, 'org', 'agent').set('old', { note: 'from before' });
        const { all, set } = makeDrafts(keep, 'org', 'agent');
        assert.deepEqual([...all.peek()], ['old']);
        set('new', { reply: 'h' });
        const before = all.peek();
        set('new', { reply: 'hello' });
        assert.equal(all.peek(), before, 'nothing to redraw for each letter');
        set('old', { note: ' ' });
        assert.deepEqual([...all.peek()], ['new']);
    });
    test('what was left for a month is gone', () => {
        const keep = memory({ [keyOf('draft', 'org', 'agent', 'a')]: JSON.stringify({ reply: 'old', at: Date.now() - 31 * 86_400_000 }) });
        makeDrafts(keep, 'org', 'agent');
        assert.equal(keep.map.size, 0);
    });
});

describe('what is kept', () => {
    test('what is not understood is not there', () => {
        const plain = { a: 1 };
        for (const text of ['', 'nonsense', '[]', 'null', '7', '"x"']) assert.deepEqual(read(memory({ key: text }), 'key', plain), plain);
        assert.deepEqual(read(memory({ key: '{"a":2}' }), 'key', plain), { a: 2 });
    });
    test('without a storage it is in memory', () => {
        const keep = makeKeep();
        keep.set('helvino_inbox_x', '1');
        assert.equal(keep.get('helvino_inbox_x'), '1');
        assert.deepEqual(keep.keys(), ['helvino_inbox_x']);
        keep.remove('helvino_inbox_x');
        assert.equal(keep.get('helvino_inbox_x'), null);
    });
    test('preferences from before a new one came have its plain value', () => {
        const keep = memory({ [keyOf('prefs', 'a')]: '{"sound":false}' });
        const prefs = makePrefs(keep, 'a');
        assert.deepEqual([prefs.value.value.sound, prefs.value.value.sendKey], [false, 'enter']);
        prefs.set({ sendKey: 'modifier' });
        assert.deepEqual(JSON.parse(keep.get(keyOf('prefs', 'a'))).sendKey, 'modifier');
        keep.set(keyOf('prefs', 'a'), '{"sound":true}');
        prefs.readAgain();
        assert.deepEqual([prefs.value.value.sound, prefs.value.value.sendKey], [true, 'enter']);
    });
});

test('canned replies: the beginning of the shortcut first, then any part, then the text', () => {
    const all = [
        { shortcut: 'thanks', text: 'Thank you' },
        { shortcut: 'hours', text: 'Mon to Fri' },
        { shortcut: 'our-shops', text: 'Here' },
        { shortcut: 'bye', text: 'Until our next talk' },
    ];
    assert.deepEqual(matching(all, 'our').map(({ shortcut }) => shortcut), ['our-shops', 'hours', 'bye']);
    assert.deepEqual(matching(all, '').map(({ shortcut }) => shortcut), ['bye', 'hours', 'our-shops', 'thanks']);
    assert.deepEqual(matching(all, 'nothing'), []);
});

test('whom news concern', () => {
    const mine = conversation('a', { assigneeId: ME });
    const theirs = conversation('b', { assigneeId: OTHER });
    const nobodys = conversation('c');
    const said = (of) => ({ kind: 'message', entry: message(of.id) });
    for (const [of, all, own, none] of [
        [mine, true, true, false],
        [nobodys, true, true, false],
        [theirs, true, false, false],
        [undefined, true, false, false],
    ]) {
        const news = said(of ?? theirs);
        assert.deepEqual(['all', 'mine', 'none'].map((notify) => concerns(news, of, ME, notify)), [all, own, none]);
    }
    const mention = { kind: 'note', entry: note(theirs.id, { mentions: [ME] }) };
    assert.equal(concerns(mention, theirs, ME, 'none'), true);
    assert.equal(concerns({ kind: 'note', entry: note(mine.id) }, mine, ME, 'all'), false);
    assert.equal(concerns({ kind: 'note', entry: note(mine.id, { mentions: [ME], agentId: ME }) }, mine, ME, 'all'), false);
});

test('what is asked one by one: each once at a time, a few at once, and again when it failed', async () => {
    const open = [];
    const want = makeWanted((id) => new Promise((done, fail) => open.push({ id, done, fail })));
    for (const id of ['a', 'b', 'a', 'c', 'd', 'd']) want(id);
    assert.deepEqual(open.map(({ id }) => id), ['a', 'b', 'c']);
    open[0].fail(new Error());
    open[1].done();
    await new Promise(setImmediate);
    assert.deepEqual(open.map(({ id }) => id), ['a', 'b', 'c', 'd']);
    want('a');
    assert.equal(open.at(-1).id, 'a');
});

test('who doesn’t say again that they type has stopped', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const typing = makeTyping();
    typing.set('a', undefined, true);
    typing.set('a', OTHER, true);
    assert.deepEqual([typing.visitor('a'), typing.agents('a')], [true, [OTHER]]);
    t.mock.timers.tick(4000);
    typing.set('a', OTHER, true);
    t.mock.timers.tick(4000);
    assert.deepEqual([typing.visitor('a'), typing.agents('a')], [false, [OTHER]]);
    typing.set('a', OTHER, false);
    assert.deepEqual(typing.agents('a'), []);
});

test('the name of a file is the server’s', () => {
    assert.equal(fileNameOf('attachment; filename="transcript-c1.txt"'), 'transcript-c1.txt');
    assert.equal(fileNameOf(null), null);
});
