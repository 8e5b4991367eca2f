/*
 * Every page and every layer of the inbox under axe-core, light and dark, from right to left, and on a phone; each also as a picture
 * in build/screenshots, to be looked at. What is in them is what is hard to draw: long names, long words, other scripts, HTML.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { becomes, worldFor } from './browser.mjs';
import { audit, Inbox, looking, makeAgent, openInbox, PHONE, preferring, violationsOf } from './inbox.mjs';

const world = worldFor();
const COMPUTER = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const TELEPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';

const SAID = [
    ['Do you have these shoes in 44?', 'Also in brown?'],
    ['Where is my order 1234? https://shop.example/orders/1234'],
    ['Hello'],
    ['Merhaba, iade süresi ne kadar?'],
    ['مرحبا، متى تصل طلبيتي؟'],
    [`${'A very long message that goes on and on. '.repeat(12)}https://shop.example/a/very/long/path/${'x'.repeat(120)}`],
    ['<img src=x onerror=alert(1)><b>bold</b>'],
    ['Are you open on Saturday?'],
    ['Can I pay by invoice?'],
    ['Is this waterproof?'],
    ['Thanks!'],
];

/** Eleven conversations in every state, three agents, canned replies. */
async function makeShop() {
    const org = await world.server.org(undefined, '--name', 'Acme Shoes');
    const ayse = await makeAgent(org, 'Ayşe Yılmaz', { role: 'owner' });
    const deniz = await makeAgent(org, 'Deniz Kaya');
    const long = await makeAgent(org, 'Jean-Baptiste de la Rochefoucauld-Montmorency');
    await org.agent.post('/replies', { shortcut: 'hello', text: 'Hello {{visitor.email}}, thank you for writing to {{organization.name}}. How can I help?' });
    await org.agent.post('/replies', { shortcut: 'hours', text: 'We are here from Monday to Friday, 9 to 18.' });
    await org.agent.post('/replies', { shortcut: 'returns', text: 'You can return everything within 30 days.\n\nhttps://acme.example/returns' });
    const made = [];
    for (const [index, texts] of SAID.entries()) {
        const visitor = org.visitor().with({ 'user-agent': index % 2 ? TELEPHONE : COMPUTER });
        const id = await visitor.converse();
        const email = index === 5 ? 'wolfeschlegelsteinhausenbergerdorff.the.elder@a-very-long-domain-name.example' : `customer${index}@mail.example`;
        if (index % 2) await visitor.post('/visitors/me', { email });
        for (const text of texts) await visitor.say(id, text);
        made.push({ id, visitor });
    }
    const patch = (index, body) => org.agent.request('PATCH', `/conversations/${made[index].id}`, { body });
    await patch(0, { assigneeId: ayse.id, priority: 'high', tags: ['sizes', 'brown'] });
    await patch(1, { assigneeId: deniz.id, tags: ['orders'] });
    await patch(3, { status: 'pending', priority: 'low' });
    await patch(4, { assigneeId: long.id, priority: 'urgent', tags: ['orders', 'vip', 'a tag that is as long as they get: 40 by'] });
    await patch(7, { status: 'snoozed', snoozedUntil: new Date(Date.now() + 7_200_000).toISOString() });
    await patch(8, { assigneeId: ayse.id, priority: 'medium' });
    await patch(10, { status: 'resolved' });
    await org.agent.say(made[0].id, 'Yes, in black and in brown.\nShall I keep a pair for you?', { role: 'assistant' });
    await org.agent.post(`/conversations/${made[0].id}/notes`, { content: 'Stock says 3 pairs left. @Deniz Kaya can you keep one?', mentions: [deniz.id] });
    await made[0].visitor.say(made[0].id, 'Yes please, brown!');
    const { lastMessage } = await org.agent.getOk(`/conversations/${made[8].id}`);
    await org.agent.post(`/conversations/${made[8].id}/read`, { seq: lastMessage.seq });
    return { org, ayse, deniz, ids: made.map(({ id }) => id) };
}

let making;
const shopOnce = () => (making ??= makeShop());

const WIDE = { statuses: ['open', 'pending', 'snoozed', 'resolved'], box: 'all', tag: null, priority: null, order: 'newest', unreadFirst: true };

/** Opens the inbox so, and gives what looks at one screen after the other. */
async function gallery(t, mode, options) {
    const { ayse } = await shopOnce();
    const inbox = await openInbox(world, t, ayse, { keep: preferring(ayse, { query: WIDE }), ...options });
    const { page } = inbox;
    const problems = [];
    return {
        inbox,
        page,
        problems,
        async at(hash) {
            await page.goto(`${world.server.url}/inbox${hash}`);
        },
        async see(name) {
            await inbox.shoot(`${mode}-${name}`);
            const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            if (over > 0) problems.push(`${name} is ${over} px wider than the window`);
            for (const violation of await violationsOf(page)) problems.push(`${name}: ${violation}`);
        },
        /** A layer, by its key; it is closed again. */
        async layer(name, ...keys) {
            await inbox.key(...keys);
            await inbox.dialog.waitFor();
            await this.see(name);
            await page.keyboard.press('Escape');
            await inbox.dialog.waitFor({ state: 'hidden' });
        },
    };
}

async function tour(t, mode, options = {}) {
    const isApart = (options.viewport?.width ?? 1440) <= 1100; // the visitor is a page of its own
    const show = await gallery(t, mode, options);
    const { inbox, page } = show;
    inbox.profile.expectErrors(/status of 404/);
    const { ids } = await shopOnce();
    await inbox.rows.nth(10).waitFor();
    await show.see('list');

    await page.locator('.list-pane [aria-haspopup=dialog]').click();
    await page.locator('.popover').waitFor();
    await show.see('filter');
    await page.keyboard.press('Escape');
    await page.locator('.rail-own').click();
    await page.getByRole('menu').waitFor();
    await show.see('own');
    await page.keyboard.press('Escape');

    await show.at(`#/c/${ids[0]}`);
    await inbox.shows(
        'visitor: Do you have these shoes in 44?',
        'visitor: Also in brown?',
        'team: Yes, in black and in brown.\nShall I keep a pair for you?',
        'note: Stock says 3 pairs left. @Deniz Kaya can you keep one?',
        'visitor: Yes please, brown!',
    );
    await show.see('thread');
    await inbox.input.pressSequentially('/h');
    await page.getByRole('option').first().waitFor();
    await show.see('canned');
    await inbox.input.fill('');
    await inbox.key('n');
    await inbox.input.pressSequentially('Ask @d');
    await page.getByRole('option').first().waitFor();
    await show.see('mention');
    await inbox.input.fill('');
    await inbox.key('r');

    await page.locator('.thread-tools .pill').nth(1).click();
    await page.getByRole('menu').waitFor();
    await show.see('status');
    await page.keyboard.press('Escape');
    await show.layer('palette', 'Control+k');
    await show.layer('help', '?');
    await show.layer('assign', 'a');
    await show.layer('tags', 't');
    await show.layer('priority', 'p');
    await show.layer('snooze', 's');
    await show.layer('search', '/');

    if (isApart) await show.at(`#/c/${ids[0]}/visitor`);
    const pane = inbox.visitor;
    await pane.waitFor();
    if (isApart) await show.see('visitor');
    for (const [name, deed] of [['block', 1], ['erase', 2]]) {
        await pane.locator('.deeds button').nth(deed).click();
        await inbox.dialog.waitFor();
        await page.locator('dialog [aria-busy=true]').waitFor({ state: 'detached' });
        await show.see(name);
        await page.keyboard.press('Escape');
        await inbox.dialog.waitFor({ state: 'hidden' });
    }

    await show.at(`#/c/${ids[5]}`);
    await page.locator('.message-text', { hasText: 'A very long message' }).waitFor();
    await show.see('long');
    await show.at(`#/c/${ids[4]}`);
    await page.locator('.message-text', { hasText: 'مرحبا' }).waitFor();
    await show.see('script');
    await show.at('#/c/nothing-of-this-name');
    await page.locator('.thread-pane .empty').waitFor();
    await show.see('gone');
    for (const name of ['profile', 'security', 'preferences']) {
        await show.at(`#/settings/${name}`);
        await page.locator('.card').first().waitFor();
        await show.see(name);
    }
    assert.deepEqual(show.problems, []);
}

test('light', (t) => tour(t, 'light'));
test('dark', (t) => tour(t, 'dark', { colorScheme: 'dark' }));
test('from right to left', (t) => tour(t, 'arabic', { locale: 'ar' }));
test('on a phone', (t) => tour(t, 'phone', PHONE));
test('on the smallest screen that there is', (t) => tour(t, 'narrow', { ...PHONE, viewport: { width: 320, height: 640 } }));
test('in German, which is long', (t) => tour(t, 'german', { locale: 'de', viewport: { width: 1100, height: 760 } }));

for (const colorScheme of ['light', 'dark']) {
    test(`before anybody has logged in, ${colorScheme}`, async (t) => {
        const { ayse } = await shopOnce();
        const profile = await world.profile(t, { viewport: { width: 1440, height: 900 }, colorScheme });
        profile.expectErrors(/status of 4\d\d/);
        const page = await profile.context.newPage();
        const inbox = new Inbox(page, profile);
        await page.goto(`${world.server.url}/inbox`);
        const see = async (name) => {
            await inbox.shoot(`${colorScheme}-${name}`);
            await audit(page, `${colorScheme}-${name}`);
        };
        await page.getByLabel('E-mail address').fill(ayse.email);
        await page.getByLabel('Password', { exact: true }).fill('not the one');
        await page.getByRole('button', { name: 'Log in' }).click();
        await page.getByRole('alert').waitFor();
        await see('login');
        await page.getByRole('button', { name: 'Forgotten your password?' }).click();
        await page.getByRole('button', { name: 'Send the link' }).waitFor();
        await see('forgotten');
        await page.getByRole('button', { name: 'Send the link' }).click();
        await page.getByRole('button', { name: 'Back to the log-in' }).waitFor();
        await see('forgotten-sent');
    });

    test(`when nothing is there yet, ${colorScheme}`, async (t) => {
        const org = await world.server.org(undefined, '--name', 'A shop that opens tomorrow');
        const owner = await makeAgent(org, 'Ayşe', { role: 'owner' });
        const inbox = await openInbox(world, t, owner, { colorScheme, keep: preferring(owner, { query: { ...WIDE, statuses: ['open'] } }) });
        await inbox.page.getByRole('heading', { name: 'Put the chat on your website' }).waitFor();
        await inbox.shoot(`${colorScheme}-first-steps`);
        await audit(inbox.page, 'first steps');
    });
}

test('the chosen look wins over the system’s, and stays', async (t) => {
    const { ayse } = await shopOnce();
    const inbox = await openInbox(world, t, ayse, { colorScheme: 'light', keep: looking({ theme: 'dark', language: 'fr' }) });
    const { page } = inbox;
    const isDark = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
    await becomes(isDark, 'dark', 'the scheme');
    await becomes(() => page.evaluate(() => document.documentElement.lang), 'fr', 'the language');
    await page.goto(`${world.server.url}/inbox#/settings/preferences`);
    await page.getByRole('radio', { name: 'Clair' }).check();
    await becomes(isDark, 'light', 'the scheme');
    await page.getByLabel('Langue').selectOption('ar');
    await becomes(() => page.evaluate(() => document.documentElement.dir), 'rtl', 'the direction');
    await page.reload();
    await becomes(() => page.evaluate(() => document.documentElement.dir), 'rtl', 'the direction');
    await becomes(isDark, 'light', 'the scheme');
});
