/* Lists of any length: in order, without gaps, whatever happens meanwhile. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { modulesOf } from './bundle.mjs';
import { conversation, ListServer, ME, message, nextSeq, OTHER } from './things.mjs';

const [{ makeStore, isUnread }, { makeList, segmentsOf, PLAIN_QUERY }] = await modulesOf(['data/store.ts', 'data/list.ts']);

const ALL = PLAIN_QUERY;
const MINE = { ...PLAIN_QUERY, box: 'mine' };

function listOf(server, query = ALL, store = makeStore()) {
    const stale = [];
    const list = makeList({ query, me: ME, store, ask: server.ask, onStale: (ids) => stale.push(...ids) });
    return { list, store, stale };
}

async function loadAll(list) {
    for (let guard = 0; !list.isComplete.value; guard++) {
        assert.ok(guard < 1000);
        await list.loadMore();
        assert.equal(list.problem.value, null);
    }
}

/** What the list has to be: of what is known, sorted anew. */
function expected(store, query) {
    const segments = segmentsOf(query, ME);
    const placeOf = (each) => segments.findIndex((segment) => segment.has(each));
    const direction = query.order === 'oldest' ? 1 : -1;
    return [...store.conversations()]
        .filter((each) => placeOf(each) >= 0)
        .sort((a, b) => placeOf(a) - placeOf(b) || direction * (a.activitySeq - b.activitySeq))
        .map(({ id }) => id);
}

const read = (each) => ({ ...each, agentReadSeq: each.lastMessage.seq });

describe('what is asked for', () => {
    test('mine, nobody’s, all; by status, tag and priority', () => {
        const [one] = segmentsOf({ ...MINE, unreadFirst: false, statuses: ['open', 'pending'], tag: 'a b', priority: 'high' }, ME);
        assert.deepEqual(one.parameters, { status: 'open,pending', assignee: 'me', tag: 'a b', priority: 'high', order: 'newest' });
        const [all] = segmentsOf({ ...ALL, unreadFirst: false, statuses: ['open', 'pending', 'snoozed', 'resolved'] }, ME);
        assert.deepEqual(all.parameters, { order: 'newest' });
        assert.equal(segmentsOf({ ...ALL, box: 'unassigned' }, ME)[0].parameters.assignee, 'none');
    });

    test('a conversation is in one segment at most, and in the one that the server would list it in', () => {
        const some = [];
        for (const status of ['open', 'pending']) {
            for (const assigneeId of [null, ME, OTHER]) {
                for (const priority of [null, 'low', 'urgent']) {
                    const each = conversation(`s${some.length}`, { status, assigneeId, priority });
                    some.push(each, { ...read(each), id: `${each.id.slice(0, -1)}r` });
                }
            }
        }
        for (const query of [ALL, MINE, { ...ALL, order: 'priority' }, { ...ALL, box: 'unassigned', unreadFirst: false }, { ...ALL, priority: 'none' }]) {
            for (const each of some) {
                const segments = segmentsOf(query, ME).filter((segment) => segment.has(each));
                assert.ok(segments.length <= 1);
                const [{ parameters = {} } = {}] = segments;
                if (parameters.unread !== undefined) assert.equal(parameters.unread === '1', isUnread(each));
                if (parameters.priority !== undefined) assert.equal(parameters.priority, each.priority ?? 'none');
            }
        }
    });
});

describe('a list', () => {
    test('is loaded page by page to its end, unread ones first', async () => {
        const server = new ListServer(Array.from({ length: 450 }, (_, index) => (index % 3 ? read(conversation(`c${index}`)) : conversation(`c${index}`))));
        const { list, store } = listOf(server);
        await list.loadMore();
        assert.equal(list.ids.length, 100);
        await loadAll(list);
        assert.equal(list.ids.length, 450);
        assert.deepEqual(list.ids, expected(store, ALL));
        assert.ok(list.ids.slice(0, 150).every((id) => isUnread(store.conversation(id))));
    });

    for (const query of [{ ...ALL, order: 'oldest' }, { ...ALL, order: 'priority' }, { ...ALL, order: 'priority', unreadFirst: false }]) {
        test(`is in its order: ${query.order}, ${query.unreadFirst ? 'unread first' : 'mixed'}`, async () => {
            const priorities = [null, 'low', 'medium', 'high', 'urgent'];
            const server = new ListServer(
                Array.from({ length: 230 }, (_, index) => {
                    const each = conversation(`o${index}`, { priority: priorities[(index * 7) % 5] });
                    return index % 4 ? read(each) : each;
                }),
            );
            const { list, store } = listOf(server, query);
            await loadAll(list);
            assert.equal(list.ids.length, 230);
            assert.deepEqual(list.ids, expected(store, query));
        });
    }

    test('what is known from elsewhere stays out until everything before it has been asked for', async () => {
        const all = Array.from({ length: 300 }, (_, index) => read(conversation(`k${index}`)));
        const server = new ListServer(all);
        const { list, store } = listOf(server);
        store.putConversation(all[0]); // the oldest
        await list.loadMore();
        assert.equal(list.indexOf(all[0].id), -1);
        await loadAll(list);
        assert.equal(list.ids.at(-1), all[0].id);
        assert.equal(list.indexOf(all[0].id), 299);
    });

    test('news find their place by themselves', async () => {
        const all = Array.from({ length: 150 }, (_, index) => read(conversation(`n${index}`)));
        const { list, store } = listOf(new ListServer(all));
        await list.loadMore();
        store.putConversation(all[3]); // heard of, and far down
        store.putMessage(message(all[3].id));
        assert.equal(list.ids[0], all[3].id);
        const fresh = conversation('fresh');
        store.putConversation(fresh);
        assert.equal(list.ids[0], fresh.id);
        store.putConversation({ ...fresh, seq: nextSeq(), status: 'resolved' });
        assert.equal(list.indexOf(fresh.id), -1);
        store.drop(all[3].id);
        assert.equal(list.indexOf(all[3].id), -1);
    });

    test('the one that somebody looks at stays where it is until they look away', async () => {
        const all = Array.from({ length: 5 }, (_, index) => conversation(`h${index}`));
        const { list, store } = listOf(new ListServer(all));
        await loadAll(list);
        const [, second] = list.ids;
        list.hold(second);
        store.putMarks({ conversationId: second, visitorReadSeq: 0, agentReadSeq: 1e6 });
        assert.equal(list.indexOf(second), 1, 'though it is read');
        store.putConversation({ ...store.conversation(second), seq: nextSeq(), status: 'resolved' });
        assert.equal(list.indexOf(second), 1, 'though it is resolved');
        store.putMessage(message(second));
        assert.equal(list.indexOf(second), 1, 'though it has news');
        list.hold(null);
        assert.equal(list.indexOf(second), -1);
        list.hold(list.ids[0]);
        store.drop(list.ids[0]);
        assert.equal(list.ids.length, 3, 'what is gone is gone');
    });

    test('those that nobody has written in are not in it', async () => {
        const { list } = listOf(new ListServer([conversation('empty', { lastMessage: null }), conversation('full')]));
        await loadAll(list);
        assert.equal(list.ids.length, 1);
    });

    test('says why it could not be had, and goes on from there', async () => {
        const server = new ListServer(Array.from({ length: 150 }, (_, index) => conversation(`f${index}`)));
        const { list } = listOf(server);
        await list.loadMore();
        server.failing = 1;
        await list.loadMore();
        assert.equal(list.problem.value, 'The server is away.');
        assert.equal(list.ids.length, 100);
        await list.loadMore();
        assert.deepEqual([list.problem.value, list.ids.length], [null, 150]);
    });

    test('looking again finds what has left it unheard', async () => {
        const all = Array.from({ length: 20 }, (_, index) => read(conversation(`l${index}`)));
        const server = new ListServer(all);
        const { list, stale } = listOf(server);
        await loadAll(list);
        all[4].status = 'resolved';
        const fresh = conversation('unheard');
        server.conversations.push(fresh);
        await list.lookAgain();
        assert.deepEqual(stale, [all[4].id]);
        assert.equal(list.ids[0], fresh.id);
    });

    test('one that is stopped takes nothing more', async () => {
        const { list, store } = listOf(new ListServer([conversation('s')]));
        const loading = list.loadMore();
        list.stop();
        await loading;
        store.putConversation(conversation('later'));
        assert.deepEqual(list.ids, []);
    });

    test('whatever happens, it is what sorting everything would give', async () => {
        let random = 7;
        const pick = (count) => (random = (random * 48271) % 2147483647) % count;
        const priorities = [null, 'low', 'medium', 'high', 'urgent'];
        for (const query of [ALL, MINE, { ...ALL, order: 'oldest' }, { ...ALL, order: 'priority' }]) {
            const all = Array.from({ length: 120 }, (_, index) => conversation(`r${index}`, { assigneeId: [null, ME, OTHER][pick(3)], priority: priorities[pick(5)] }));
            const { list, store } = listOf(new ListServer(all), query);
            await loadAll(list);
            for (let step = 0; step < 2000; step++) {
                const { id } = all[pick(all.length)];
                const known = store.conversation(id);
                if (!known) continue;
                const deeds = [
                    () => store.putMessage(message(id, { role: pick(2) ? 'user' : 'assistant' })),
                    () => store.putMarks({ conversationId: id, visitorReadSeq: 0, agentReadSeq: known.activitySeq }),
                    () => store.putConversation({ ...known, seq: nextSeq(), status: ['open', 'open', 'pending', 'resolved'][pick(4)] }),
                    () => store.putConversation({ ...known, seq: nextSeq(), assigneeId: [null, ME, OTHER][pick(3)] }),
                    () => store.putConversation({ ...known, seq: nextSeq(), priority: priorities[pick(5)] }),
                    () => list.hold(list.ids[pick(Math.max(1, list.ids.length))] ?? null),
                ];
                deeds[pick(deeds.length)]();
            }
            list.hold(null);
            assert.deepEqual(list.ids, expected(store, query));
            list.ids.forEach((id, index) => assert.equal(list.indexOf(id), index));
        }
    });

    test('a hundred thousand are held, and one that moves costs next to nothing', async () => {
        const store = makeStore();
        const all = Array.from({ length: 100_000 }, (_, index) => read(conversation(`m${index}`)));
        all.forEach(store.putConversation);
        const { list } = listOf(new ListServer([]), ALL, store);
        await loadAll(list);
        assert.equal(list.ids.length, 100_000);
        for (let index = 0; index < 2_000; index++) store.putMessage(message(all[index * 37].id));
        assert.equal(list.ids[0], all[1999 * 37].id);
        assert.deepEqual(list.ids.slice(0, 3), expected(store, ALL).slice(0, 3));
    });
});
