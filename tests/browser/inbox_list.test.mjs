/* The list: filters, order, many at once, undo, and a hundred thousand of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { becomes, worldFor } from './browser.mjs';
import { makeAgent, openInbox, preferring } from './inbox.mjs';

const world = worldFor();

/** An organisation with an agent, and conversations by what was said in them, oldest first. */
async function shop(texts, names = ['Ayşe']) {
    const org = await world.server.org(undefined, '--name', 'Shoe shop');
    const agents = [];
    for (const name of names) agents.push(await makeAgent(org, name));
    const ids = {};
    for (const text of texts) {
        const visitor = org.visitor();
        ids[text] = await visitor.converse();
        await visitor.say(ids[text], text);
    }
    const patch = async (text, body) => {
        const answer = await org.agent.request('PATCH', `/conversations/${ids[text]}`, { body });
        assert.equal(answer.status, 200, answer.text);
    };
    const read = async (text) => {
        const { lastMessage } = await org.agent.getOk(`/conversations/${ids[text]}`);
        await org.agent.post(`/conversations/${ids[text]}/read`, { seq: lastMessage.seq });
    };
    return { org, agents, ids, patch, read };
}

const open = (t, agent, query = {}, more = {}) =>
    openInbox(world, t, agent, {
        keep: preferring(agent, { query: { box: 'all', statuses: ['open'], tag: null, priority: null, order: 'newest', unreadFirst: true, ...query } }),
        ...more,
    });

const status = async (org, id) => (await org.agent.getOk(`/conversations/${id}`)).status;

test('mine, unassigned, all; by status, tag and priority; each filter can be taken away', async (t) => {
    const { agents: [ayse], patch } = await shop(['a', 'b', 'c', 'd', 'e']);
    await patch('a', { assigneeId: ayse.id });
    await patch('b', { status: 'pending', tags: ['orders'] });
    await patch('c', { priority: 'high', tags: ['orders', 'vip'] });
    await patch('d', { status: 'resolved' });
    const inbox = await open(t, ayse);
    const { page } = inbox;
    await inbox.listed('e', 'c', 'a');
    await inbox.box('Mine').click();
    await inbox.listed('a');
    await inbox.box('Unassigned').click();
    await inbox.listed('e', 'c');
    await inbox.box('All').click();
    const filter = page.getByRole('button', { name: 'Filter and order' });
    await filter.click();
    await page.getByRole('checkbox', { name: 'Pending' }).check();
    await inbox.listed('e', 'c', 'b', 'a');
    await page.getByLabel('Tag').selectOption('orders');
    await inbox.listed('c', 'b');
    await page.getByLabel('Priority').selectOption('high');
    await inbox.listed('c');
    await page.keyboard.press('Escape');
    await becomes(() => page.locator('.chip').allTextContents(), ['Open, Pending', '#orders', 'High'], 'the filters');
    await page.reload();
    await inbox.listed('c');
    for (const name of ['High', '#orders']) await page.getByRole('button', { name: `Remove the filter: ${name}` }).click();
    await inbox.listed('e', 'c', 'b', 'a');
    await filter.click();
    await page.getByRole('checkbox', { name: 'Resolved' }).check();
    await inbox.listed('e', 'd', 'c', 'b', 'a');
    await page.getByRole('button', { name: 'Reset' }).click();
    await inbox.listed('e', 'c', 'a');
});

test('unread at the top, newest or oldest first, most urgent first', async (t) => {
    const { agents: [ayse], patch, read } = await shop(['a', 'b', 'c', 'd']);
    for (const text of ['b', 'd']) await read(text);
    await patch('a', { priority: 'urgent' });
    await patch('d', { priority: 'urgent' });
    const inbox = await open(t, ayse);
    const { page } = inbox;
    await inbox.listed('c', 'a', 'd', 'b');
    await page.getByRole('button', { name: 'Filter and order' }).click();
    await page.getByRole('radio', { name: 'Longest waiting first' }).check();
    await inbox.listed('a', 'c', 'b', 'd');
    await page.getByRole('radio', { name: 'Most urgent first' }).check();
    await inbox.listed('a', 'd', 'c', 'b');
    await page.getByRole('checkbox', { name: 'Unread at the top' }).uncheck();
    await inbox.listed('d', 'a', 'c', 'b');
    await page.getByRole('radio', { name: 'Newest first' }).check();
    await inbox.listed('d', 'c', 'b', 'a');
});

test('the one that is open stays where it is while it is read and while it has news', async (t) => {
    const { org, agents: [ayse], ids } = await shop(['a', 'b', 'c']);
    const inbox = await open(t, ayse);
    await inbox.open('b');
    await becomes(() => inbox.row('b').evaluate((row) => row.classList.contains('is-unread')), false, 'that it is read');
    await inbox.listed('c', 'b', 'a');
    await org.agent.say(ids.b, 'from a program', { role: 'assistant' });
    await inbox.listed('c', 'from a program', 'a');
    await inbox.key('Escape');
    await inbox.listed('c', 'a', 'from a program');
});

test('many at once: ticked with the mouse and a range, resolved, tagged, snoozed, assigned, and taken back', async (t) => {
    const texts = ['a', 'b', 'c', 'd', 'e', 'f'];
    const { org, agents: [ayse], ids, patch } = await shop(texts);
    await patch('c', { status: 'pending' });
    const inbox = await open(t, ayse, { statuses: ['open', 'pending'] });
    const { page } = inbox;
    await inbox.listed('f', 'e', 'd', 'c', 'b', 'a');
    await inbox.row('e').locator('.row-tick').click();
    await inbox.row('b').locator('.row-tick').click({ modifiers: ['Shift'] });
    await page.getByText('4 selected').waitFor();
    await inbox.shoot('light-bulk');
    await page.getByRole('toolbar').getByRole('button', { name: 'Resolve' }).click();
    await inbox.says('Resolved · 4 conversations');
    await inbox.listed('f', 'a');
    for (const text of ['b', 'c', 'd', 'e']) assert.equal(await status(org, ids[text]), 'resolved');
    await page.getByRole('button', { name: /^Undo/ }).click();
    await inbox.says('Undone');
    await inbox.listed('f', 'e', 'd', 'c', 'b', 'a');
    assert.deepEqual([await status(org, ids.b), await status(org, ids.c)], ['open', 'pending']);

    await inbox.row('f').locator('.row-link').focus();
    await page.keyboard.press('Control+a');
    await page.getByText('6 selected').waitFor();
    await page.getByRole('toolbar').getByRole('button', { name: 'Assign' }).click();
    await inbox.choice('Ayşe').click();
    await inbox.says('Assigned to you · 6 conversations');
    await becomes(() => inbox.box('Mine').textContent(), 'Mine5', 'the count');
    await inbox.key('Control+z');
    await becomes(() => inbox.box('Mine').textContent(), 'Mine0', 'the count');

    await inbox.row('a').locator('.row-tick').click();
    await inbox.row('f').locator('.row-tick').click();
    await inbox.key('t');
    await inbox.dialog.getByRole('combobox').fill('shoes');
    await page.keyboard.press('Enter');
    await inbox.says('Tagged “shoes” · 2 conversations');
    await page.keyboard.press('Escape');
    await becomes(() => inbox.row('a').locator('.tag').allTextContents(), ['shoes'], 'the tags');
    await inbox.key('s');
    await inbox.choice('In an hour').click();
    await inbox.says(/Snoozed until .* · 2 conversations/);
    await inbox.listed('e', 'd', 'c', 'b');
    await inbox.key('z');
    await inbox.listed('f', 'e', 'd', 'c', 'b', 'a');
});

test('undo leaves alone what somebody else has changed meanwhile', async (t) => {
    const { org, agents: [ayse], ids, patch } = await shop(['a', 'b']);
    const inbox = await open(t, ayse, { statuses: ['open', 'pending', 'resolved'] });
    await inbox.open('a');
    await inbox.key('e');
    await inbox.says('Resolved');
    await patch('a', { status: 'pending' });
    await inbox.row('a').getByText('Pending').waitFor();
    await inbox.key('Control+z');
    await inbox.says('Somebody has changed it');
    assert.equal(await status(org, ids.a), 'pending');
});

test('nothing there: what to do next', async (t) => {
    const { agents: [ayse] } = await shop(['a', 'b']);
    const inbox = await open(t, ayse, { box: 'mine' });
    await inbox.page.getByText('Nothing is assigned to you').waitFor();
    await inbox.shoot('light-empty-mine');
    await inbox.page.getByRole('button', { name: 'See 2 unassigned conversations' }).click();
    await inbox.listed('b', 'a');
    await inbox.page.getByRole('button', { name: 'Filter and order' }).click();
    await inbox.page.getByRole('checkbox', { name: 'Snoozed' }).check();
    await inbox.page.getByRole('checkbox', { name: 'Open' }).uncheck();
    await inbox.page.getByText('No matching conversations').waitFor();
});

test('who scrolls far down stays there while news come in above', async (t) => {
    const texts = Array.from({ length: 60 }, (_, index) => `number ${index}`);
    const { org, agents: [ayse] } = await shop(texts);
    const inbox = await open(t, ayse);
    await inbox.row('number 59').waitFor();
    const scroller = inbox.page.locator('.list-scroll');
    await scroller.evaluate((element) => (element.scrollTop = 1500));
    const seen = inbox.row('number 30');
    await seen.waitFor();
    const before = await seen.boundingBox();
    for (let index = 0; index < 3; index++) {
        const visitor = org.visitor();
        await visitor.say(await visitor.converse(), `news ${index}`);
    }
    await becomes(() => inbox.box('All').textContent(), 'All63', 'the count');
    await becomes(async () => Math.round((await seen.boundingBox()).y), Math.round(before.y), 'where it is');
    await scroller.evaluate((element) => (element.scrollTop = 0));
    await inbox.row('news 2').waitFor();
});

/* A hundred thousand take a minute and a half: HELVINO_CONVERSATIONS=100000 node --test tests/browser/inbox_list.test.mjs */
const MANY = Number(process.env.HELVINO_CONVERSATIONS ?? 20_000);

test(`${MANY} conversations, scrolled to the last: a few dozen rows at any time`, { timeout: 600_000 }, async (t) => {
    const server = await world.ownServer(t);
    await server.stop();
    await server.cliOk('generate', '--visitors', `${MANY * 0.3}`, '--conversations', `${MANY}`, '--messages', `${MANY * 2.5}`);
    const again = await world.startAgain(t, server);
    const org = { ...again.adopt({ key: 'generated', token: await again.token('generated') }), server: again };
    const ayse = await makeAgent(again.adopt(org), 'Ayşe');
    const inbox = await open(t, ayse, { statuses: ['open', 'pending', 'snoozed', 'resolved'], unreadFirst: false }, { base: again.url });
    const { page } = inbox;
    const scroller = page.locator('.list-scroll');
    await inbox.rows.first().waitFor();
    const listed = async () => {
        let [count, cursor] = [0, null];
        do {
            const answer = await again.adopt(org).agent.getOk(`/conversations?limit=100${cursor ? `&before=${cursor}` : ''}`);
            count += answer.conversations.filter(({ lastMessage }) => lastMessage).length;
            cursor = answer.next;
        } while (cursor);
        return count;
    };
    const total = await listed();
    // As fast as somebody drags: how long a frame takes is told, not asserted.
    const frames = await scroller.evaluate(async (element) => {
        const times = [];
        let [last, most] = [performance.now(), 0];
        for (let step = 0; step < 240; step++) {
            element.scrollTop += 700;
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            times.push(now - last);
            last = now;
            most = Math.max(most, element.querySelectorAll('.row').length);
        }
        times.sort((a, b) => a - b);
        return { median: times[120], p95: times[228], worst: times.at(-1), most };
    });
    t.diagnostic(`frames while dragging: median ${frames.median.toFixed(1)} ms, 95 % ${frames.p95.toFixed(1)} ms, worst ${frames.worst.toFixed(1)} ms`);
    assert.ok(frames.most < 80, `${frames.most} rows at a time`);
    // And to the very end.
    for (let before = 0; ; ) {
        await scroller.evaluate((element) => (element.scrollTop = element.scrollHeight));
        const now = await scroller.evaluate((element) => element.scrollHeight);
        if (now === before && (await page.locator('.list-progress.is-busy').count()) === 0) {
            const isDone = await inbox.rows.last().evaluate((row) => row.getAttribute('aria-setsize') !== '-1');
            if (isDone) break;
        }
        before = now;
        await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await becomes(async () => Number(await inbox.rows.first().getAttribute('aria-setsize')), total, 'how many there are');
    await page.locator(`.row[aria-posinset="${total}"]`).waitFor();
    const deep = await scroller.evaluate(async (element) => {
        const times = [];
        let last = performance.now();
        for (let step = 0; step < 240; step++) {
            element.scrollTop -= 5000;
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            times.push(now - last);
            last = now;
        }
        times.sort((a, b) => a - b);
        const box = element.getBoundingClientRect();
        const covered = [...element.querySelectorAll('.row')].filter((row) => row.getBoundingClientRect().bottom > box.top && row.getBoundingClientRect().top < box.bottom);
        return { median: times[120], p95: times[228], worst: times.at(-1), covered: covered.length, wanted: Math.floor(box.height / covered[0].offsetHeight) };
    });
    t.diagnostic(`frames with all of them: median ${deep.median.toFixed(1)} ms, 95 % ${deep.p95.toFixed(1)} ms, worst ${deep.worst.toFixed(1)} ms`);
    assert.ok(deep.covered >= deep.wanted, 'rows wherever one looks');
    // News still find their place at once.
    const visitor = again.adopt(org).visitor();
    await visitor.say(await visitor.converse(), 'the newest of all');
    await scroller.evaluate((element) => (element.scrollTop = 0));
    await inbox.row('the newest of all').waitFor();
    await inbox.open('the newest of all');
});
