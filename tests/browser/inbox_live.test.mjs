/*
 * Who is on the site: visitors in browsers of their own come, go from page to page, and leave, while an agent looks. From there to
 * what they have written, and to a conversation that the agent begins.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { becomes, worldFor } from './browser.mjs';
import { makeAgent, openInbox, PHONE, violationsOf } from './inbox.mjs';

const world = worldFor();

async function makeOrg({ countVisits = true } = {}) {
    const org = await world.server.org(undefined, '--name', 'Acme Shoes');
    const owner = await makeAgent(org, 'Ayşe Yılmaz', { role: 'owner' });
    const browser = await world.server.browser(owner.email, owner.password);
    const asking = browser.with({ 'x-org-key': org.key });
    assert.equal((await asking.request('PATCH', '/organization', { body: { countVisits } })).status, 200);
    return { org, owner, asking };
}

const board = (inbox) => inbox.page.locator('.present');
const pages = (inbox) => inbox.page.locator('.present:not(.has-left) .present-page').allTextContents();
const shortOf = (url) => url.replace(/^https?:\/\//, '').replace(/[?#].*/, '').replace(/\/$/, '');

test('a visitor is there as soon as it loads a page, without its parameters, and is gone when it leaves', async (t) => {
    const { org, owner, asking } = await makeOrg();
    const inbox = await openInbox(world, t, owner, { at: '#/visitors' });
    await inbox.page.getByText('Nobody is on the site right now').waitFor();
    const profile = await world.profile(t);
    const url = world.page(org);
    const page = await profile.context.newPage();
    await page.goto(`${url}?token=secret#part`);
    await becomes(() => pages(inbox), [shortOf(url)], 'the page');
    const { visitors: [before], onlineCount } = await asking.getOk('/visitors?online=1');
    assert.equal(onlineCount, 1);
    assert.ok(!before.page.includes('secret'));

    const next = world.page(org, { body: '<h1>Cart</h1>' });
    await page.goto(next);
    await becomes(() => pages(inbox), [shortOf(next)], 'the next page');
    const { visitors: [after] } = await asking.getOk('/visitors?online=1');
    assert.equal(after.onlineSince, before.onlineSince, 'it is one visit');

    await page.close();
    await becomes(() => board(inbox).count(), 0, 'who is there');
    await inbox.page.getByText('Nobody is on the site right now').waitFor();
});

test('an agent begins a conversation with somebody who is there, and the visitor reads it', async (t) => {
    const { org, owner } = await makeOrg();
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    const inbox = await openInbox(world, t, owner, { at: '#/visitors' });
    await board(inbox).locator('a').press('Enter');
    await inbox.page.getByText('None yet.').waitFor();
    await inbox.page.getByRole('button', { name: 'Begin a conversation' }).press('Enter');
    await inbox.input.waitFor();
    await inbox.write('Can I help you with anything?');
    await inbox.delivered('Sent');
    await widget.open();
    await widget.shows('assistant: Can I help you with anything?');
    await widget.write('Yes please');
    await inbox.shows('team: Can I help you with anything?', 'visitor: Yes please');
    await inbox.page.goBack();
    await inbox.page.locator('.present-pane .other', { hasText: 'Yes please' }).click();
    await inbox.shows('team: Can I help you with anything?', 'visitor: Yes please');
});

test('where visits are not counted no page is told, and only who speaks is there', async (t) => {
    const { org, owner, asking } = await makeOrg({ countVisits: false });
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    await widget.open();
    await widget.write('Hello');
    const inbox = await openInbox(world, t, owner, { at: '#/visitors' });
    await becomes(() => board(inbox).count(), 1, 'who is there');
    assert.deepEqual(await pages(inbox), ['']);
    const { visitors: [visitor] } = await asking.getOk('/visitors?online=1');
    assert.equal(visitor.page, null);
    await inbox.page.getByRole('button', { name: 'Show on which page visitors are' }).click();
    await becomes(() => inbox.page.locator('.page-title').textContent(), 'Retention and privacy', 'where that is set');
});

/* ---- looks ---- */

let making;
const fullOnce = () => (making ??= makeOrg());

async function look(t, mode, options) {
    const { org, owner } = await fullOnce();
    const agents = [undefined, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'];
    const streams = [];
    for (const [index, path] of ['/', '/shoes/brown-leather-boots-with-a-very-long-name-that-goes-on-and-on/size-44/reviews', '/cart', ''].entries()) {
        const visitor = org.visitor().with({ ...(agents[index % 2] && { 'user-agent': agents[index % 2] }) });
        if (index % 2) await visitor.post('/visitors/me', { email: index === 1 ? 'wolfeschlegelsteinhausenbergerdorff.the.elder@a-very-long-domain-name.example' : 'deniz@mail.example' });
        if (index === 3) {
            const id = await visitor.converse();
            const { seq } = await visitor.say(id, 'Do you have these in 44?');
            await org.agent.post(`/conversations/${id}/read`, { seq });
        }
        const ending = new AbortController();
        const answer = await fetch(`${world.server.url}/stream`, {
            headers: { ...visitor.headers, origin: 'https://www.acme.example', ...(path && { 'x-page': `https://www.acme.example${path}` }) },
            signal: ending.signal,
        });
        assert.equal(answer.status, 200);
        streams.push(ending);
    }
    t.after(() => streams.forEach((each) => each.abort()));
    const inbox = await openInbox(world, t, owner, { at: '#/visitors', ...options });
    const problems = [];
    const see = async (name) => {
        await inbox.shoot(`${mode}-${name}`);
        const over = await inbox.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (over > 0) problems.push(`${name} is ${over} px wider than the window`);
        for (const violation of await violationsOf(inbox.page)) problems.push(`${name}: ${violation}`);
    };
    await board(inbox).nth(3).waitFor();
    await see('visitors');
    await inbox.page.locator('.present', { hasText: 'deniz@mail.example' }).locator('a').click();
    await inbox.page.locator('.present-pane .other').waitFor();
    await see('visitors-one');
    assert.deepEqual(problems, []);
}

test('light', (t) => look(t, 'light', {}));
test('dark', (t) => look(t, 'dark', { colorScheme: 'dark' }));
test('from right to left', (t) => look(t, 'arabic', { locale: 'ar' }));
test('on a phone', (t) => look(t, 'phone', PHONE));

test('when nobody is there', async (t) => {
    const { owner } = await makeOrg();
    const inbox = await openInbox(world, t, owner, { at: '#/visitors' });
    await inbox.page.getByText('Nobody is on the site right now').waitFor();
    await inbox.shoot('light-visitors-none');
    assert.deepEqual(await violationsOf(inbox.page), []);
});
