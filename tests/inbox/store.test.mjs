/* What is known only moves forward, in whatever order it comes. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { modulesOf } from './bundle.mjs';
import { conversation, ME, message, nextSeq, note, OTHER } from './things.mjs';

const [{ makeStore, isUnread, inserted, applied }] = await modulesOf(['data/store.ts']);

/** Every order of the tasks. */
function* orders(tasks) {
    if (tasks.length < 2) return yield tasks;
    for (const task of tasks) for (const rest of orders(tasks.filter((each) => each !== task))) yield [task, ...rest];
}

const page = (of, { messages = [], notes = [], hasMore = false } = {}) => ({ ...of, messages, notes, hasMore });

describe('a conversation', () => {
    test('is the newest picture of it, whichever comes last', () => {
        const first = conversation('a');
        const said = message(first.id);
        const pictures = [
            first,
            { ...first, seq: nextSeq(), status: 'pending' },
            { ...first, seq: nextSeq(), status: 'resolved', assigneeId: ME, tags: ['x'] },
        ];
        for (const order of orders([...pictures.map((each) => (store) => store.putConversation(each)), (store) => store.putMessage(said)])) {
            const store = makeStore();
            store.putConversation(first);
            order.forEach((put) => put(store));
            const { status, assigneeId, tags, lastMessage, activitySeq } = store.conversation(first.id);
            assert.deepEqual([status, assigneeId, tags, lastMessage.seq, activitySeq], ['resolved', ME, ['x'], said.seq, said.seq]);
        }
    });

    test('a message that is heard before an older change does not hide it', () => {
        const store = makeStore();
        const first = conversation('a');
        store.putConversation(first);
        const changed = { ...first, seq: nextSeq(), status: 'snoozed' };
        store.putMessage(message(first.id));
        store.putConversation(changed);
        assert.equal(store.conversation(first.id).status, 'snoozed');
    });

    test('read marks only move on', () => {
        const store = makeStore();
        const first = conversation('a');
        store.putConversation(first);
        store.putMarks({ conversationId: first.id, visitorReadSeq: 0, agentReadSeq: first.lastMessage.seq });
        store.putConversation(first);
        assert.equal(isUnread(store.conversation(first.id)), false);
        store.putMarks({ conversationId: first.id, visitorReadSeq: 3, agentReadSeq: 1 });
        assert.deepEqual([store.conversation(first.id).visitorReadSeq, store.conversation(first.id).agentReadSeq], [3, first.lastMessage.seq]);
    });

    test('is unread when its last word is the visitor’s and nobody has read it', () => {
        const first = conversation('a');
        assert.equal(isUnread(first), true);
        assert.equal(isUnread({ ...first, agentReadSeq: first.lastMessage.seq }), false);
        assert.equal(isUnread({ ...first, lastMessage: { ...first.lastMessage, role: 'assistant' } }), false);
        assert.equal(isUnread(conversation('b', { lastMessage: null })), false);
    });

    test('that is not known has to be asked for', () => {
        const store = makeStore();
        assert.equal(store.putMessage(message('cunknown')), false);
    });

    test('that was erased does not come back with an answer that was on its way', () => {
        const store = makeStore();
        const first = conversation('a');
        store.putConversation(first);
        store.dropVisitor(first.visitorId);
        store.putConversation(first);
        assert.equal(store.conversation(first.id), undefined);
        assert.equal(store.putMessage(message(first.id)), true, 'and is not asked for');
    });

    test('whose visitor alone was erased stays, and is nobody’s, whatever is still on its way', () => {
        const store = makeStore();
        const first = conversation('a');
        store.putConversation(first);
        store.dropVisitor(first.visitorId, true);
        assert.equal(store.conversation(first.id).visitorId, null);
        store.putConversation(first);
        assert.equal(store.conversation(first.id).visitorId, null);
        store.putConversation({ ...first, visitorId: null, seq: first.seq + 1, status: 'resolved' });
        assert.equal(store.conversation(first.id).status, 'resolved');
    });

    test('keeps only the beginning of a long last message, for lists of many thousands', () => {
        const store = makeStore();
        const first = conversation('a', { lastMessage: { content: 'x'.repeat(5000) } });
        store.putConversation(first);
        assert.equal(store.conversation(first.id).lastMessage.content.length, 300);
    });
});

describe('a change under way', () => {
    test('is shown at once, over whatever the server says, and is gone when it is taken back', () => {
        const store = makeStore();
        const first = conversation('a');
        store.putConversation(first);
        const off = store.overlay(first.id, { status: 'resolved', assigneeId: ME });
        const offTags = store.overlay(first.id, { addTags: ['x'] });
        store.putConversation({ ...first, seq: nextSeq(), priority: 'high' });
        const { status, assigneeId, tags, priority } = store.conversation(first.id);
        assert.deepEqual([status, assigneeId, tags, priority], ['resolved', ME, ['x'], 'high']);
        off();
        assert.deepEqual([store.conversation(first.id).status, store.conversation(first.id).tags], ['open', ['x']]);
        offTags();
        assert.deepEqual(store.conversation(first.id).tags, []);
    });

    test('a snooze that ends any other way has no time any more', () => {
        const snoozed = conversation('a', { status: 'snoozed', snoozedUntil: '2026-01-01T00:00:00.000Z' });
        assert.equal(applied(snoozed, { status: 'open' }).snoozedUntil, null);
        assert.equal(applied(snoozed, { assigneeId: ME }).snoozedUntil, '2026-01-01T00:00:00.000Z');
        const again = applied(conversation('b'), { snoozedUntil: '2027-01-01T00:00:00.000Z' });
        assert.deepEqual([again.status, again.snoozedUntil], ['snoozed', '2027-01-01T00:00:00.000Z']);
    });
});

describe('a thread', () => {
    test('has messages and notes in one order, each once', () => {
        const store = makeStore();
        const first = conversation('a');
        const said = [first.lastMessage, message(first.id), message(first.id, { role: 'assistant', agentId: OTHER })];
        const noted = [note(first.id)];
        store.putPage(page(first, { messages: said, notes: noted, hasMore: true }), 'before');
        store.putMessage(said[1]);
        store.putNote(noted[0]);
        const later = message(first.id);
        store.putMessage(later);
        const { entries, hasEarlier } = store.thread(first.id);
        assert.deepEqual(entries.map(({ seq }) => seq), [...said, ...noted, later].map(({ seq }) => seq).sort((a, b) => a - b));
        assert.equal(hasEarlier, true);
    });

    test('that was not asked for yet has no pieces of it', () => {
        const store = makeStore();
        const first = conversation('a');
        store.putConversation(first);
        store.putMessage(message(first.id));
        assert.deepEqual(store.thread(first.id), { entries: [], isLoaded: false, hasEarlier: false });
    });

    test('earlier pages come in front, later ones behind', () => {
        const first = conversation('a');
        const all = Array.from({ length: 6 }, () => message(first.id));
        const store = makeStore();
        store.putPage(page(first, { messages: all.slice(2, 4), hasMore: true }), 'before');
        store.putPage(page(first, { messages: all.slice(0, 2), hasMore: false }), 'before');
        store.putPage(page(first, { messages: all.slice(4) }), 'after');
        assert.deepEqual(store.thread(first.id).entries.map(({ seq }) => seq), all.map(({ seq }) => seq));
        assert.equal(store.thread(first.id).hasEarlier, false);
    });

    test('those that were looked at longest ago are forgotten', () => {
        const store = makeStore();
        const all = Array.from({ length: 50 }, (_, index) => conversation(`t${index}`));
        for (const each of all) store.putPage(page(each, { messages: [each.lastMessage] }), 'before');
        assert.equal(store.thread(all[0].id).isLoaded, false);
        assert.equal(store.thread(all[49].id).isLoaded, true);
        assert.ok(store.conversation(all[0].id), 'the conversation itself stays');
    });

    test('putting in keeps what is there when nothing is new', () => {
        const entries = [message('c'), message('c')];
        assert.equal(inserted(entries, []), entries);
        assert.deepEqual(inserted(entries, [entries[0]]), entries);
    });
});

test('who listens hears of a conversation when its visitor becomes known, or comes and goes', () => {
    const store = makeStore();
    const first = conversation('a');
    const heard = [];
    store.putConversation(first);
    const off = store.onChange((id) => heard.push(id));
    store.putVisitor({ id: first.visitorId, email: null, online: false });
    store.setOnline(first.visitorId, true);
    store.setOnline(first.visitorId, true);
    assert.deepEqual(heard, [first.id, first.id]);
    assert.equal(store.visitor(first.visitorId).online, true);
    off();
    store.putConversation(first);
    assert.equal(heard.length, 2);
});
