/* Being told: notifications of the system, once in the whole browser, for whom they concern; and an inbox on a phone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { becomes, worldFor } from './browser.mjs';
import { makeAgent, openInbox, PHONE, preferring } from './inbox.mjs';

const world = worldFor();

const QUERY = { box: 'all', statuses: ['open'], tag: null, priority: null, order: 'newest', unreadFirst: false };

async function team(names = ['Ayşe', 'Deniz']) {
    const org = await world.server.org(undefined, '--name', 'Shoe shop');
    const agents = [];
    for (const name of names) agents.push(await makeAgent(org, name));
    return { org, agents };
}

/** The system's notifications, which no browser without a screen shows: what it is given is kept. */
function recordNotifications() {
    window.notified = [];
    window.Notification = class {
        static permission = 'granted';
        static requestPermission = async () => 'granted';
        constructor(title, { body, tag }) {
            window.notified.push(this);
            Object.assign(this, { title, body, tag });
        }
        close() {}
    };
}

async function openTold(t, agent, prefs, options = {}) {
    const profile = options.profile ?? (await world.profile(t, { viewport: { width: 1440, height: 900 } }));
    if (!options.profile) await profile.context.addInitScript(recordNotifications);
    if (!options.profile) {
        const answer = await profile.context.request.post(`${world.server.url}/session`, { data: { email: agent.email, password: agent.password } });
        assert.equal(answer.status(), 201);
        await profile.context.addInitScript(
            (kept) => {
                if (location.protocol === 'about:' || localStorage.getItem('begun')) return;
                for (const [key, value] of Object.entries({ begun: '1', helvino_inbox_in: '1', ...kept })) localStorage.setItem(key, value);
            },
            preferring(agent, { query: QUERY, sound: false, ...prefs }),
        );
    }
    return openInbox(world, t, agent, { profile, at: options.at ?? '' });
}

const told = async (...inboxes) => {
    const all = await Promise.all(inboxes.map(({ page }) => page.evaluate(() => window.notified.map(({ title, body }) => `${title}: ${body}`))));
    return all.flat();
};

async function write(org, text, { email } = {}) {
    const visitor = org.visitor();
    if (email) await visitor.post('/visitors/me', { email });
    const id = await visitor.converse();
    await visitor.say(id, text);
    return { id, visitor, say: (next) => visitor.say(id, next) };
}

test('the system tells of what nobody looks at, and leads there', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    const inbox = await openTold(t, ayse, { desktop: true }, { at: '#/settings/profile' });
    const one = await write(org, 'Where is my order?', { email: 'zeynep@example.com' });
    await becomes(() => told(inbox), ['zeynep@example.com: Where is my order?'], 'what was told');
    await inbox.page.evaluate(() => window.notified[0].onclick());
    await inbox.shows('visitor: Where is my order?');
    await one.say('Hello?'); // somebody looks at it
    await inbox.shows('visitor: Where is my order?', 'visitor: Hello?');
    await write(org, 'Another one');
    await becomes(async () => (await told(inbox)).length, 2, 'how many were told');
    assert.match((await told(inbox))[1], /^Visitor \w{4}: Another one$/);
});

test('without what was said, where others see the screen', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    const inbox = await openTold(t, ayse, { desktop: true, preview: false });
    await write(org, 'My password is 1234', { email: 'zeynep@example.com' });
    await becomes(() => told(inbox), ['zeynep@example.com: '], 'what was told');
});

test('only of what concerns one: mine and nobody’s, or mentions alone', async (t) => {
    const { org, agents: [ayse, deniz] } = await team();
    const theirs = await write(org, 'first');
    await org.agent.request('PATCH', `/conversations/${theirs.id}`, { body: { assigneeId: deniz.id } });
    const mine = await openTold(t, ayse, { desktop: true, notify: 'mine' });
    const quiet = await openTold(t, deniz, { desktop: true, notify: 'none' });
    await mine.row('first').waitFor();
    await quiet.row('first').waitFor();
    await theirs.say('for Deniz');
    await org.agent.post(`/conversations/${theirs.id}/notes`, { content: '@Deniz look', mentions: [deniz.id] });
    await becomes(() => told(quiet), ['Program has mentioned you: @Deniz look'], 'what Deniz was told');
    await write(org, 'for anybody', { email: 'zeynep@example.com' });
    await becomes(() => told(mine), ['zeynep@example.com: for anybody'], 'what Ayşe was told');
    assert.equal((await told(quiet)).length, 1);
});

test('once, however many tabs there are', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    const first = await openTold(t, ayse, { desktop: true });
    const tabs = [first];
    for (let count = 1; count < 4; count++) tabs.push(await openTold(t, ayse, {}, { profile: first.profile }));
    await write(org, 'one', { email: 'a@example.com' });
    for (const tab of tabs) await tab.row('one').waitFor();
    await becomes(() => told(...tabs), ['a@example.com: one'], 'what was told');
    await write(org, 'two', { email: 'b@example.com' });
    await becomes(() => told(...tabs), ['a@example.com: one', 'b@example.com: two'], 'what was told');
});

test('switched on in the preferences, where the browser is asked', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    const inbox = await openTold(t, ayse, {}, { at: '#/settings/preferences' });
    const { page } = inbox;
    await page.getByLabel('Desktop notifications').check();
    await write(org, 'but of this', { email: 'a@example.com' });
    await becomes(() => told(inbox), ['a@example.com: but of this'], 'what was told');
});

test('the title and the rail count what is unread, until somebody reads it anywhere', async (t) => {
    const { org, agents: [ayse, deniz] } = await team();
    const a = await openTold(t, ayse, {}, { at: '#/settings/profile' });
    const one = await write(org, 'one');
    await write(org, 'two');
    await becomes(() => a.page.title(), '(2) Shoe shop · Helvino', 'the title');
    await a.page.getByRole('link', { name: 'Inbox 2 unread' }).waitFor();
    const d = await openTold(t, deniz, {}, { at: `#/c/${one.id}` });
    await d.shows('visitor: one');
    await becomes(() => a.page.title(), '(1) Shoe shop · Helvino', 'the title');
});

test('on a phone: list, conversation, visitor, each a page of its own, and the way back', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    const one = await write(org, 'Do you have these in 44?', { email: 'zeynep@example.com' });
    await write(org, 'Are you open?');
    const inbox = await openInbox(world, t, ayse, { ...PHONE, keep: preferring(ayse, { query: QUERY }) });
    const { page } = inbox;
    await inbox.listed('Are you open?', 'Do you have these in 44?');
    assert.equal(await inbox.thread.isVisible(), false);
    await inbox.row('Do you have these').locator('.row-link').tap();
    await inbox.shows('visitor: Do you have these in 44?');
    assert.equal(await inbox.list.isVisible(), false);
    assert.equal(await inbox.visitor.isVisible(), false);
    await inbox.input.tap();
    await inbox.input.pressSequentially('Yes,');
    await inbox.input.press('Enter'); // a phone's keyboard has no Shift for it
    await inbox.input.pressSequentially('we do.');
    await page.getByRole('button', { name: 'Send', exact: true }).tap();
    await inbox.shows('visitor: Do you have these in 44?', 'team: Yes,\nwe do.');
    await inbox.delivered('Sent');
    const { bottom } = await inbox.input.evaluate((element) => element.getBoundingClientRect());
    assert.ok(bottom < 844, 'the composer is in sight');
    assert.ok((await inbox.input.evaluate((element) => parseFloat(getComputedStyle(element).fontSize))) >= 16, 'which no phone zooms into');
    await page.getByRole('button', { name: 'Visitor’s details' }).tap();
    await inbox.visitor.getByText('zeynep@example.com').first().waitFor();
    assert.equal(await inbox.thread.isVisible(), false);
    await page.getByRole('button', { name: 'Back to the conversation' }).tap();
    await page.getByRole('button', { name: 'Resolve' }).tap();
    await inbox.says('Resolved');
    await becomes(async () => (await org.agent.getOk(`/conversations/${one.id}`)).status, 'resolved', 'the status');
    await page.goBack();
    await inbox.shows('visitor: Do you have these in 44?', 'team: Yes,\nwe do.');
    await page.getByRole('button', { name: 'Back to the list' }).tap();
    await inbox.listed('Are you open?');
    await page.getByRole('link', { name: 'Settings' }).tap();
    await page.getByRole('link', { name: 'Preferences' }).tap();
    await page.getByRole('heading', { name: 'Notifications' }).waitFor();
    await page.locator('.page .back').tap();
    await page.getByRole('link', { name: 'Profile' }).waitFor();
});
