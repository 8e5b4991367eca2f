/* Changing, and taking back. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { modulesOf } from './bundle.mjs';
import { conversation, ListServer, ME, nextSeq, OTHER } from './things.mjs';

const [{ makeStore }, { makeActs, inverseOf, isStill }] = await modulesOf(['data/store.ts', 'data/acts.ts']);

function world(...conversations) {
    const server = new ListServer(structuredClone(conversations));
    const store = makeStore();
    conversations.forEach(store.putConversation);
    return { server, store, acts: makeActs(store, server.ask), ids: conversations.map(({ id }) => id) };
}

const shown = (store, id, ...members) => members.map((member) => store.conversation(id)[member]);

describe('what undoes a change', () => {
    const now = Date.parse('2026-06-01T12:00:00.000Z');
    const plain = conversation('a', { tags: ['x'], priority: 'low', assigneeId: OTHER });
    for (const [change, back] of [
        [{ status: 'resolved' }, { status: 'open' }],
        [{ assigneeId: ME, ifAssigneeId: OTHER }, { assigneeId: OTHER }],
        [{ priority: null }, { priority: 'low' }],
        [{ addTags: ['x', 'y'] }, { removeTags: ['y'] }],
        [{ removeTags: ['x', 'z'] }, { addTags: ['x'] }],
        [{ addTags: ['x'] }, {}],
        [{ tags: ['n'] }, { tags: ['x'] }],
        [{ status: 'snoozed', snoozedUntil: '2026-07-01T00:00:00.000Z' }, { status: 'open' }],
    ]) {
        test(`${JSON.stringify(change)} by ${JSON.stringify(back)}`, () => assert.deepEqual(inverseOf(plain, change, now), back));
    }

    test('a snooze comes back unless its time is over', () => {
        const later = conversation('b', { status: 'snoozed', snoozedUntil: '2026-07-01T00:00:00.000Z' });
        assert.deepEqual(inverseOf(later, { status: 'open' }, now), { status: 'snoozed', snoozedUntil: '2026-07-01T00:00:00.000Z' });
        assert.deepEqual(inverseOf({ ...later, snoozedUntil: '2026-05-01T00:00:00.000Z' }, { status: 'open' }, now), { status: 'open' });
    });

    test('is only right as long as nobody has changed the same', () => {
        const is = conversation('c', { status: 'resolved', tags: ['y'] });
        assert.equal(isStill(is, { status: 'resolved', addTags: ['y'] }), true);
        assert.equal(isStill(is, { status: 'pending' }), false);
        assert.equal(isStill(is, { removeTags: ['y'] }), false);
        assert.equal(isStill(is, { tags: ['y'] }), true);
        assert.equal(isStill(is, { tags: [] }), false);
    });
});

describe('one', () => {
    test('is shown at once, and taken back', async () => {
        const { store, acts, ids: [id], server } = world(conversation('a'));
        const running = acts.run({ ids: [id], change: { status: 'resolved' } });
        assert.deepEqual(shown(store, id, 'status'), ['resolved']);
        assert.deepEqual(await running, { done: [id], failed: [] });
        assert.equal(server.conversations[0].status, 'resolved');
        const undone = await acts.undo();
        assert.deepEqual(undone.done, [id]);
        assert.deepEqual(shown(store, id, 'status'), ['open']);
        assert.equal(server.conversations[0].status, 'open');
        assert.equal(await acts.undo(), null);
    });

    test('that somebody else has taken stays with them', async () => {
        const { store, acts, ids: [id], server } = world(conversation('a'));
        server.change(id, { assigneeId: OTHER });
        const { done, failed } = await acts.run({ ids: [id], change: { assigneeId: ME, ifAssigneeId: null } });
        assert.deepEqual([done, failed[0].code], [[], 'taken']);
        assert.deepEqual(shown(store, id, 'assigneeId'), [null], 'until the server’s word comes');
        assert.equal(acts.canUndo(), false);
    });

    test('is not taken back when somebody has changed it meanwhile', async () => {
        const { store, acts, ids: [id], server } = world(conversation('a'));
        await acts.run({ ids: [id], change: { status: 'resolved' } });
        store.putConversation(server.change(id, { status: 'pending' }));
        const { done, failed } = await acts.undo();
        assert.deepEqual([done, failed[0].code], [[], 'changed']);
        assert.equal(server.conversations[0].status, 'pending');
    });

    test('without an answer it is as before', async () => {
        const { store, acts, ids: [id], server } = world(conversation('a'));
        server.failing = 1;
        const { failed } = await acts.run({ ids: [id], change: { status: 'resolved' } });
        assert.equal(failed[0].message, 'The server is away.');
        assert.deepEqual(shown(store, id, 'status'), ['open']);
    });
});

describe('many', () => {
    test('are changed a hundred at a time, and each taken back to what it was', async () => {
        const all = Array.from({ length: 250 }, (_, index) => conversation(`m${index}`, { assigneeId: [null, ME, OTHER][index % 3], status: index % 2 ? 'open' : 'pending' }));
        const { store, acts, ids, server } = world(...all);
        const outcome = await acts.run({ ids, change: { status: 'resolved', assigneeId: ME } });
        assert.equal(outcome.done.length, 250);
        assert.equal(server.asked.length, 3);
        for (const id of ids) assert.deepEqual(shown(store, id, 'status', 'assigneeId'), ['resolved', ME]);
        await acts.undo();
        all.forEach(({ id, status, assigneeId }) => {
            assert.deepEqual(shown(store, id, 'status', 'assigneeId'), [status, assigneeId]);
            const kept = server.conversations.find((each) => each.id === id);
            assert.deepEqual([kept.status, kept.assigneeId], [status, assigneeId]);
        });
    });

    test('those that fail are told, the others are done', async () => {
        const [a, b] = [conversation('a'), conversation('b')];
        const { store, acts, server } = world(a, b);
        server.conversations.shift();
        const { done, failed } = await acts.run({ ids: [a.id, b.id], change: { status: 'resolved' } });
        assert.deepEqual([done, failed.map(({ id, code }) => [id, code])], [[b.id], [[a.id, 'not_found']]]);
        assert.deepEqual([...shown(store, a.id, 'status'), ...shown(store, b.id, 'status')], ['open', 'resolved']);
    });

    test('an older picture that comes late does not undo them', async () => {
        const [a, b] = [conversation('a'), conversation('b')];
        const { store, acts } = world(a, b);
        await acts.run({ ids: [a.id, b.id], change: { status: 'resolved' } });
        store.putConversation({ ...a, seq: nextSeq(), status: 'pending' });
        assert.deepEqual(shown(store, a.id, 'status'), ['pending'], 'a newer one does');
    });
});

test('the last steps are taken back one after the other', async () => {
    const { store, acts, ids: [id] } = world(conversation('a'));
    await acts.run({ ids: [id], change: { priority: 'high' } });
    await acts.run({ ids: [id], change: { addTags: ['x'] } });
    await acts.undo();
    assert.deepEqual(shown(store, id, 'priority', 'tags'), ['high', []]);
    await acts.undo();
    assert.deepEqual(shown(store, id, 'priority', 'tags'), [null, []]);
});
