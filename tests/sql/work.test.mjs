/* What agents make of conversations, asked in SQL: statuses, assignees, tags, notes, canned replies, who is blocked. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { change, hire, noteOn } from '../http/agents.mjs';
import { helvino, startServer } from '../http/server.mjs';

let server, org, anna, bob;
const ids = {};

before(async () => {
    server = await startServer();
    org = await server.org();
    [anna, bob] = [await hire(org, 'Anna'), await hire(org, 'Bob')];
    for (const name of ['open', 'mine', 'pending', 'snoozed', 'resolved']) ids[name] = await org.visitor().converse();
    await change(anna, ids.mine, { assigneeId: 'me', priority: 'urgent', tags: ['vip', 'billing'] });
    await change(anna, ids.pending, { assigneeId: bob.id, status: 'pending' });
    await change(anna, ids.snoozed, { status: 'snoozed', snoozedUntil: new Date(Date.now() + 86_400_000).toISOString() });
    await change(anna, ids.resolved, { status: 'resolved' });
    await noteOn(anna, ids.mine, 'first note', { clientId: 'n1' });
    await noteOn(bob, ids.mine, 'second note');
    await noteOn(org.agent, ids.open, 'a token’s note');
    for (const shortcut of ['hi', 'bye']) assert.equal((await anna.post('/replies', { shortcut, text: `${shortcut}!` })).status, 201);
});

after(async () => {
    await server?.check();
    server?.remove();
});

async function ask(sql) {
    const result = await helvino(['dump', 'sql', '--data', server.data, '--format', 'ndjson'], { input: sql });
    assert.equal(result.code, 0, `${sql}: ${result.stderr}`);
    return result.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

test('a conversation has its status and whoever takes care of it, for those who ask for the columns', async () => {
    const rows = await ask('SELECT id, status, "assigneeId", priority, tags, "snoozedUntil", "resolvedAt" FROM conversations ORDER BY "createdAt", id');
    const of = (name) => rows.find((row) => row.id === ids[name]);
    assert.deepEqual(Object.keys(ids).map((name) => of(name).status), ['open', 'open', 'pending', 'snoozed', 'resolved']);
    assert.deepEqual([of('mine').assigneeId, of('mine').priority, of('mine').tags], [anna.id, 'urgent', 'billing\nvip']);
    assert.ok(of('snoozed').snoozedUntil !== null && of('open').snoozedUntil === null);
    assert.ok(of('resolved').resolvedAt !== null && of('open').resolvedAt === null);
    assert.deepEqual(await ask('SELECT count(*) AS n FROM conversations WHERE status = \'open\''), [{ n: 2 }]);
    assert.deepEqual(await ask('SELECT status, count(*) AS n FROM conversations WHERE status <> \'resolved\' GROUP BY 1 ORDER BY 1'),
        [{ status: 'open', n: 2 }, { status: 'pending', n: 1 }, { status: 'snoozed', n: 1 }]);
    assert.deepEqual(await ask('SELECT agents.name FROM conversations JOIN agents ON agents.id = conversations."assigneeId" ORDER BY 1'), [{ name: 'Anna' }, { name: 'Bob' }]);
});

test('notes and canned replies are tables, found by every way there is', async () => {
    const notes = await ask('SELECT * FROM notes ORDER BY content');
    assert.deepEqual(notes.map((note) => [note.conversationId, note.agentId, note.content]),
        [[ids.open, null, 'a token’s note'], [ids.mine, anna.id, 'first note'], [ids.mine, bob.id, 'second note']]);
    for (const where of [`id = '${notes[1].id}'`, `"conversationId" = '${ids.mine}' AND "clientId" = 'n1'`, `"agentId" = '${anna.id}'`, `content LIKE 'first%'`])
        assert.deepEqual(await ask(`SELECT content FROM notes WHERE ${where}`), [{ content: 'first note' }], where);
    assert.deepEqual(await ask(`SELECT count(*) AS n FROM notes WHERE "conversationId" = '${ids.pending}'`), [{ n: 0 }]);
    const replies = await ask('SELECT id, shortcut, text FROM replies ORDER BY shortcut');
    assert.deepEqual(replies.map((reply) => [reply.shortcut, reply.text]), [['bye', 'bye!'], ['hi', 'hi!']]);
    assert.deepEqual(await ask(`SELECT shortcut FROM replies WHERE id = '${replies[1].id}'`), [{ shortcut: 'hi' }]);
    assert.deepEqual(await ask(`SELECT count(*) AS n FROM replies JOIN organizations ON organizations.id = replies."orgId" WHERE key = '${org.key}'`), [{ n: 2 }]);
});

test('who is blocked, and what is switched off', async () => {
    const [{ id }] = await ask('SELECT id FROM visitors LIMIT 1');
    assert.equal((await anna.request('PATCH', `/visitors/${id}`, { body: { blocked: true } })).status, 200);
    assert.deepEqual(await ask('SELECT id FROM visitors WHERE "blockedAt" IS NOT NULL'), [{ id }]);
    assert.deepEqual(await ask(`SELECT "writeDisabled", "widgetDisabled", "blockedAnswer" FROM organizations WHERE key = '${org.key}'`).then(([row]) => Object.keys(row)),
        ['writeDisabled', 'widgetDisabled', 'blockedAnswer']);
});
