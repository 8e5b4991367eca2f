/*
 * The settings of the organisation as somebody who administers it uses them: each page's task is done with the keyboard, against the
 * real server, and the server is asked whether it was. Every page under axe-core, light and dark, from right to left and on a phone;
 * each also as a picture in build/screenshots. An agent sees its own pages alone, and is refused the others by the server too.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { receiverFor } from '../http/receiver.mjs';
import { becomes, worldFor } from './browser.mjs';
import { audit, looking, makeAgent, openInbox, PHONE, violationsOf } from './inbox.mjs';

const world = worldFor({ flags: ['--webhook-allow-private'] });

const ADMIN_PAGES = ['organization', 'widget', 'team', 'tokens', 'webhooks', 'privacy', 'check', 'audit'];
const PAGES = ['organization', 'widget', 'team', 'replies', 'tokens', 'webhooks', 'privacy', 'check', 'audit'];

async function makeOrg(name = 'Acme Shoes') {
    const org = await world.server.org(undefined, '--name', name);
    const owner = await makeAgent(org, 'Ayşe Yılmaz', { role: 'owner' });
    return { org, owner };
}

/** Asks the server as an owner of its own, who is not the one in the browser. */
async function asker(org) {
    const agent = await makeAgent(org, 'Second Owner', { role: 'owner' });
    const browser = await world.server.browser(agent.email, agent.password);
    return browser.with({ 'x-org-key': org.key });
}

async function openPage(t, owner, page, options = {}) {
    const inbox = await openInbox(world, t, owner, { at: `#/settings/${page}`, ...options });
    await inbox.page.locator('.page-title').waitFor();
    await inbox.page.locator('.page .card:not(.bones)').first().waitFor();
    return inbox;
}

/** Goes on by Tab until what has the focus is this. */
async function tabTo(page, locator) {
    await locator.waitFor();
    await becomes(
        async () => {
            if (await locator.evaluate((element) => element === document.activeElement)) return true;
            await page.keyboard.press('Tab');
            return false;
        },
        true,
        'that Tab gets there',
    );
}

const press = async (page, locator, key = 'Enter') => {
    await tabTo(page, locator);
    await page.keyboard.press(key);
};

const type = async (page, locator, text) => {
    await tabTo(page, locator);
    await page.keyboard.press('Control+a');
    await page.keyboard.type(text);
};

/* ---- tasks ---------------------------------------------------------------------------------------------------------------- */

test('somebody is invited by a link that is shown once, gets another role, and is removed', async (t) => {
    const { org, owner } = await makeOrg();
    const inbox = await openPage(t, owner, 'team');
    const { page, dialog } = inbox;
    await press(page, page.getByRole('button', { name: 'Invite somebody' }));
    await dialog.waitFor();
    await page.keyboard.type('Deniz Kaya');
    await type(page, dialog.getByLabel('E-mail address'), 'deniz@example.com');
    await page.keyboard.press('Enter');
    const link = dialog.getByLabel('Link, good once and for seven days');
    const url = new URL(await link.inputValue());
    assert.equal(url.origin, world.server.url);
    assert.match(url.hash, /^#hvl_/);
    await audit(page, 'the link');
    await press(page, dialog.getByRole('button', { name: 'Done' }));
    const row = page.locator('.item', { hasText: 'Deniz Kaya' });
    await row.getByText('Invited').waitFor();
    await world.server.choosePassword(url.hash);

    await press(page, row.getByRole('button', { name: 'What to do with Deniz Kaya' }));
    await page.keyboard.type('a'); // from Agent to Admin
    await page.keyboard.press('Enter');
    await row.locator('.item-role', { hasText: 'Admin' }).waitFor();
    const agents = async () => (await org.agent.getOk('/agents')).agents.map(({ name, role }) => `${name}: ${role}`).sort();
    await becomes(agents, ['Ayşe Yılmaz: owner', 'Deniz Kaya: admin'], 'the team');

    await press(page, row.getByRole('button', { name: 'What to do with Deniz Kaya' }));
    await page.getByRole('menuitem', { name: 'Remove from the team' }).press('Enter');
    await press(page, dialog.getByRole('button', { name: 'Remove from the team' }));
    await row.waitFor({ state: 'detached' });
    await becomes(agents, ['Ayşe Yılmaz: owner'], 'the team');
});

test('a mistake in an invitation is said, and what was typed stays', async (t) => {
    const { owner } = await makeOrg();
    const inbox = await openPage(t, owner, 'team');
    inbox.profile.expectErrors(/status of 4\d\d/);
    const { page, dialog } = inbox;
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    await dialog.getByLabel('Name').fill('Ayşe');
    await dialog.getByLabel('E-mail address').fill(owner.email);
    await dialog.getByRole('button', { name: 'Make the link' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'agent of the organisation already' }).waitFor();
    assert.equal(await dialog.getByLabel('E-mail address').inputValue(), owner.email);
});

test('a token is made, shown once, works, and is revoked', async (t) => {
    const { org, owner } = await makeOrg();
    const inbox = await openPage(t, owner, 'tokens');
    const { page, dialog } = inbox;
    const before = await page.locator('.item').count();
    await press(page, page.getByRole('button', { name: 'New token' }));
    await dialog.waitFor();
    await page.keyboard.type('Nightly report');
    await tabTo(page, dialog.getByRole('radio', { name: 'Read' }));
    await page.keyboard.press('ArrowDown');
    await tabTo(page, dialog.getByLabel('Good for'));
    await dialog.getByLabel('Good for').selectOption('30');
    await press(page, dialog.getByRole('button', { name: 'Make the token' }));
    const token = await dialog.getByLabel('Token', { exact: true }).inputValue();
    assert.match(token, /^hvt_/);
    const program = org.anonymous.with({ authorization: `Bearer ${token}` });
    await program.getOk('/visitors');
    await press(page, dialog.getByRole('button', { name: 'I have kept it' }));
    const row = page.locator('.item', { hasText: 'Nightly report' });
    await row.getByText('Write', { exact: true }).waitFor();
    assert.ok(!(await page.content()).includes(token), 'the token is gone from the page');
    await press(page, row.getByRole('button', { name: 'Revoke Nightly report' }));
    await press(page, dialog.getByRole('button', { name: 'Revoke' }));
    await becomes(() => page.locator('.item').count(), before, 'the tokens');
    assert.equal((await program.get('/visitors')).status, 401);
});

test('the widget’s look is seen as it is typed, saved, and what pages get', async (t) => {
    const { org, owner } = await makeOrg();
    const inbox = await openPage(t, owner, 'widget');
    const { page } = inbox;
    await type(page, page.getByLabel('Title', { exact: true }), 'Acme help');
    await becomes(() => page.locator('.mock-title').textContent(), 'Acme help', 'the preview');
    await type(page, page.getByLabel('Colour as #rrggbb'), '#0f766e');
    await becomes(() => page.locator('.mock-head').evaluate((element) => getComputedStyle(element).backgroundColor), 'rgb(15, 118, 110)', 'its colour');
    await page.getByLabel('Language').selectOption('de');
    await becomes(() => page.locator('.mock-welcome').textContent(), 'Hallo! Wie können wir helfen?', 'its language');
    await press(page, page.locator('.with-preview').getByRole('button', { name: 'Save' }));
    await inbox.says('Saved.');
    const { config } = await org.anonymous.getOk('/api/bootloader');
    assert.deepEqual([config.title, config.color, config.language], ['Acme help', '#0f766e', 'de']);

    const snippet = await page.locator('.paste .snippet').textContent();
    const profile = await world.profile(t);
    const widget = await profile.tab(world.site.put({ embed: 'none', before: snippet }));
    await widget.open();
    await widget.shows();
});

test('websites are listed by their address, and others are refused from then on', async (t) => {
    const { org, owner } = await makeOrg();
    const inbox = await openPage(t, owner, 'widget');
    const { page } = inbox;
    await type(page, page.getByLabel('Address of a website'), 'nonsense of no kind');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'no address' }).waitFor();
    await type(page, page.getByLabel('Address of a website'), 'shop.example/some/page?x=1');
    await page.keyboard.press('Enter');
    await page.locator('.piece', { hasText: 'https://shop.example' }).waitFor();
    const from = (origin) => org.anonymous.with({ origin }).get('/api/bootloader');
    assert.equal((await from('https://shop.example')).status, 200);
    assert.equal((await from('https://elsewhere.example')).status, 403);
    await press(page, page.getByRole('button', { name: 'Remove: https://shop.example' }));
    await page.getByText('Any website can show your chat now').waitFor();
    assert.equal((await from('https://elsewhere.example')).status, 200);
});

test('name, business hours and switches', async (t) => {
    const { org, owner } = await makeOrg();
    const asking = await asker(org);
    const inbox = await openPage(t, owner, 'organization');
    const { page } = inbox;
    await type(page, page.getByLabel('Name', { exact: true }), 'Acme & Sons');
    await page.keyboard.press('Enter');
    await inbox.says('Saved');
    await page.locator('.settings-nav h3', { hasText: 'Acme & Sons' }).waitFor();

    await tabTo(page, page.getByRole('radio', { name: 'Whenever an agent is online' }));
    await page.keyboard.press('ArrowDown');
    await page.getByLabel('Time zone').selectOption('Europe/Istanbul');
    await press(page, page.getByRole('checkbox', { name: 'Saturday' }), 'Space');
    await page.getByLabel('Saturday, from').fill('10:00');
    await page.getByLabel('Saturday, until').fill('14:00');
    await press(page, page.getByRole('button', { name: 'More times on Friday' }));
    await page.getByLabel('Friday, from').last().fill('20:00');
    await page.getByLabel('Friday, until').last().fill('02:00');
    await press(page, page.locator('form', { hasText: 'Business hours' }).getByRole('button', { name: 'Save' }));
    const setting = async (name) => (await asking.getOk('/organization'))[name];
    await becomes(() => setting('businessHours'), 'Europe/Istanbul mon-thu 09:00-18:00, fri 09:00-18:00 20:00-02:00, sat 10:00-14:00', 'the hours');
    await page.reload();
    await becomes(() => page.getByLabel('Friday, until').last().inputValue(), '02:00', 'what is shown of it');

    await press(page, page.getByRole('switch', { name: 'Let visitors write' }), 'Space');
    await becomes(() => setting('writeEnabled'), false, 'the switch');
});

test('a webhook is made, tested, fails, is looked at and tried again', async (t) => {
    const { org, owner } = await makeOrg();
    let status = 410;
    const receiver = await receiverFor(t, { answer: () => status });
    const inbox = await openPage(t, owner, 'webhooks');
    const { page, dialog } = inbox;
    await press(page, page.getByRole('button', { name: 'New webhook' }));
    await dialog.waitFor();
    await page.keyboard.type(`${receiver.url}/hook`);
    await type(page, dialog.getByLabel('What it is for'), 'The CRM');
    await press(page, dialog.getByRole('button', { name: 'Make the webhook' }));
    assert.match(await dialog.getByLabel('Secret').inputValue(), /^whsec_/);
    await audit(page, 'the secret');
    await press(page, dialog.getByRole('button', { name: 'I have kept it' }));

    const visitor = org.visitor();
    await visitor.say(await visitor.converse(), 'Hello');
    await receiver.received(1);
    await press(page, page.getByRole('button', { name: 'The CRM' }));
    const refresh = page.getByRole('button', { name: 'Refresh' });
    await becomes(
        async () => {
            await refresh.click();
            return page.getByText('has answered that it is gone').isVisible();
        },
        true,
        'that it is gone',
    );
    await inbox.shoot('light-webhook-gone');
    await audit(page, 'a webhook that is gone');
    status = 200;
    await press(page, page.getByRole('switch', { name: 'Send deliveries' }), 'Space');
    await inbox.says('The webhook is on');
    await becomes(
        async () => {
            await refresh.click();
            return page.locator('.delivery-delivered').count();
        },
        1,
        'what has arrived',
    );
    await press(page, page.getByRole('button', { name: 'Send a test' }));
    await page.getByText(/Arrived: answered 200/).waitFor();
    await inbox.shoot('light-webhook');
    await press(page, page.getByRole('button', { name: 'What to do with this webhook' }));
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await press(page, dialog.getByRole('button', { name: 'Delete the webhook' }));
    await page.getByText('No webhooks yet').waitFor();
});

test('keeping less is asked about first', async (t) => {
    const { org, owner } = await makeOrg();
    const asking = await asker(org);
    const inbox = await openPage(t, owner, 'privacy');
    const { page, dialog } = inbox;
    await page.getByLabel('Messages older than').selectOption('365');
    await press(page, page.getByRole('button', { name: 'Save' }));
    await dialog.getByText('What is older by then begins to go at once').waitFor();
    await dialog.getByText('Nothing is that old yet.').waitFor();
    await inbox.shoot('light-shorter');
    await audit(page, 'keeping less');
    await press(page, dialog.getByRole('button', { name: 'Save' }));
    await becomes(async () => (await asking.getOk('/organization')).retention.messages, 365, 'the days');
    await tabTo(page, page.getByRole('radio', { name: 'None' }));
    await page.keyboard.press('ArrowDown');
    await becomes(async () => (await asking.getOk('/organization')).addresses, 'truncated', 'the addresses');
});

test('a canned reply is written with a variable, changed, used and deleted, by an agent', async (t) => {
    const { org } = await makeOrg();
    const agent = await makeAgent(org, 'Deniz Kaya');
    const inbox = await openPage(t, agent, 'replies');
    const { page, dialog } = inbox;
    await press(page, page.getByRole('button', { name: 'New reply' }));
    await dialog.waitFor();
    await page.keyboard.type('hello there');
    await type(page, dialog.getByLabel('Text'), 'I am ');
    await press(page, dialog.getByRole('button', { name: '{{agent.name}}' }));
    await dialog.getByText('I am Deniz Kaya').waitFor();
    await audit(page, 'a reply');
    await press(page, dialog.getByRole('button', { name: 'Save' }));
    await page.locator('.item', { hasText: '/hello-there' }).waitFor();
    assert.deepEqual((await org.agent.getOk('/replies')).replies.map(({ shortcut, text }) => [shortcut, text]), [['hello-there', 'I am {{agent.name}}']]);
    await press(page, page.getByRole('button', { name: 'Delete /hello-there' }));
    await press(page, dialog.getByRole('button', { name: 'Delete the reply' }));
    await page.getByText('There are no canned replies yet').waitFor();
});

test('the look at itself finds what is wrong, leads to where it is put right, and finds that it is', async (t) => {
    const { org, owner } = await makeOrg();
    const asking = await asker(org);
    const inbox = await openPage(t, owner, 'check');
    const { page } = inbox;
    const open = page.locator('.finding', { hasText: 'Any website can use your chat' });
    await open.waitFor();
    await page.locator('.finding', { hasText: 'Admins without a second factor' }).getByText(owner.email).waitFor();
    await press(page, open.getByRole('button', { name: 'Put it right' }));
    await page.locator('.page-title', { hasText: 'Chat widget' }).waitFor();
    await asking.request('PATCH', '/organization', { body: { allowedOrigins: ['https://shop.example'] } });
    await page.goBack();
    await page.locator('.in-order', { hasText: 'Only your websites can use the chat' }).waitFor();
    assert.equal(await open.count(), 0);
});

test('the audit log says what was done, finds it, and gives it as a file', async (t) => {
    const { org, owner } = await makeOrg();
    const asking = await asker(org);
    await asking.request('PATCH', '/organization', { body: { name: '=HYPERLINK("x")' } });
    for (let i = 0; i < 110; i++) await asking.request('PATCH', '/organization', { body: { countVisits: i % 2 === 0 } });
    const inbox = await openPage(t, owner, 'audit');
    const { page } = inbox;
    await becomes(() => page.locator('.entry').count(), 100, 'the first page');
    await press(page, page.getByRole('button', { name: 'Load older entries' }));
    await page.getByText(/These are all \d+ entries/).waitFor();
    await type(page, page.getByLabel('Find in what is loaded'), `invited ${owner.email}`);
    await becomes(() => page.locator('.entry-subject').allTextContents(), [owner.email], 'who was invited');
    await page.getByLabel('Find in what is loaded').fill('');
    await page.getByLabel('About what').selectOption('org');
    await becomes(() => page.locator('.entry', { hasText: 'Logged in' }).count(), 0, 'entries about something else');
    const [download] = await Promise.all([page.waitForEvent('download'), press(page, page.getByRole('button', { name: 'CSV' }))]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const csv = Buffer.concat(chunks).toString();
    assert.match(csv, /^at,action,actor,address,subject,detail\r\n/);
    assert.doesNotMatch(csv, /(^|,)"=/m);
});

test('an agent sees its own pages and the canned replies, and the server refuses the rest', async (t) => {
    const { org } = await makeOrg();
    const agent = await makeAgent(org, 'Deniz Kaya');
    const inbox = await openPage(t, agent, 'profile');
    const { page } = inbox;
    await becomes(() => page.locator('.settings-nav a').allTextContents(), ['Profile', 'Security', 'Preferences', 'Canned replies'], 'the pages');
    for (const id of ADMIN_PAGES) {
        await page.goto(`${world.server.url}/inbox#/settings/${id}`);
        await becomes(() => page.locator('.page-title').textContent(), 'Profile', `what is shown for ${id}`);
    }
    const browser = await world.server.browser(agent.email, agent.password);
    const asking = browser.with({ 'x-org-key': org.key });
    for (const path of ['/tokens', '/webhooks', '/audit', '/security']) assert.equal((await asking.get(path)).status, 403, path);
    for (const [method, path, body] of [['PATCH', '/organization', { name: 'x' }], ['POST', '/agents', { name: 'x', email: 'x@example.com', role: 'agent' }]]) {
        assert.equal((await asking.request(method, path, { body })).status, 403, path);
    }
});

/* ---- looks ------------------------------------------------------------------------------------------------------------------ */

async function makeFullOrg() {
    const { org, owner } = await makeOrg();
    const asking = await asker(org);
    await makeAgent(org, 'Deniz Kaya');
    await makeAgent(org, 'Jean-Baptiste de la Rochefoucauld-Montmorency', { role: 'admin', email: 'wolfeschlegelsteinhausenbergerdorff.the.elder@a-very-long-domain-name.example' });
    await asking.post('/agents', { name: 'محمد العربي', email: 'invited@example.com', role: 'agent' });
    for (const [name, scope, days] of [['Nightly report', 'read', 30], ['Shop plug-in that answers for us when nobody is there, since 2021', 'write', 0], ['Deployment', 'admin', 0]]) {
        await asking.post('/tokens', { name, scope, ...(days && { expiresAt: new Date(Date.now() + days * 86_400_000).toISOString() }) });
    }
    for (const [url, description] of [['https://crm.example/hooks/helvino', 'The CRM'], ['https://a-very-long-domain-name-that-goes-on.example/with/a/path/that/is/long/too?and=parameters', null]]) {
        await asking.post('/webhooks', { url, description, events: ['message.created', 'visitor.erased'] });
    }
    const { webhooks } = await asking.getOk('/webhooks');
    await asking.request('PATCH', `/webhooks/${webhooks[1].id}`, { body: { enabled: false } });
    const texts = [
        ['hello', 'Hello {{visitor.email}}, thank you for writing to {{organization.name}}. How can I help?'],
        ['returns', 'You can return everything within 30 days.\n\nhttps://acme.example/returns'],
        ['salam', 'مرحبا، شكرا لتواصلك معنا.'],
    ];
    for (const [shortcut, text] of texts) await asking.post('/replies', { shortcut, text });
    await asking.request('PATCH', '/organization', {
        body: { businessHours: 'Europe/Istanbul mon-thu 09:00-12:00 13:00-18:00, fri 22:00-02:00, sat 10:00-14:00', addresses: 'full', allowedOrigins: ['https://www.acme.example', 'https://shop.acme.example'] },
    });
    return { org, owner };
}

let making;
const fullOnce = () => (making ??= makeFullOrg());

async function tour(t, mode, options = {}) {
    const { owner } = await fullOnce();
    const inbox = await openPage(t, owner, PAGES[0], options);
    const { page } = inbox;
    const problems = [];
    const see = async (name) => {
        await inbox.shoot(`${mode}-settings-${name}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (over > 0) problems.push(`${name} is ${over} px wider than the window`);
        const inside = await page.evaluate(() => {
            const pane = document.querySelector('.page');
            return pane ? pane.scrollWidth - pane.clientWidth : 0;
        });
        if (inside > 0) problems.push(`${name} is ${inside} px wider than its pane`);
        for (const violation of await violationsOf(page)) problems.push(`${name}: ${violation}`);
    };
    for (const id of PAGES) {
        await page.goto(`${world.server.url}/inbox#/settings/${id}`);
        await page.locator('.page .card:not(.bones)').first().waitFor();
        await see(id);
        const add = page.locator('.page-bar .button.primary');
        if (!(await add.count())) continue;
        await add.click();
        await inbox.dialog.waitFor();
        await see(`${id}-new`);
        await page.keyboard.press('Escape');
        await inbox.dialog.waitFor({ state: 'hidden' });
    }
    if (options.isMobile) {
        await page.goto(`${world.server.url}/inbox#/settings`);
        await page.locator('.settings-nav').waitFor();
        await see('list');
    }
    assert.deepEqual(problems, []);
}

const TALL = { viewport: { width: 1440, height: 1300 } };
test('light', (t) => tour(t, 'light', TALL));
test('dark', (t) => tour(t, 'dark', { ...TALL, colorScheme: 'dark' }));
test('from right to left', (t) => tour(t, 'arabic', { ...TALL, locale: 'ar' }));
test('on a phone', (t) => tour(t, 'phone', { ...PHONE, viewport: { width: 390, height: 1100 } }));
test('on the smallest screen that there is', (t) => tour(t, 'narrow', { ...PHONE, viewport: { width: 320, height: 900 } }));
test('in German, which is long', (t) => tour(t, 'german', { locale: 'de', viewport: { width: 1100, height: 1200 } }));

test('the language can be changed on a page, with all of its texts', async (t) => {
    const { owner } = await fullOnce();
    const inbox = await openPage(t, owner, 'tokens', { keep: looking({ theme: 'light', language: 'en' }) });
    const { page } = inbox;
    await page.evaluate(() => {
        localStorage.setItem('helvino_inbox_look', JSON.stringify({ theme: 'light', language: 'tr' }));
        window.dispatchEvent(new StorageEvent('storage'));
    });
    await becomes(() => page.evaluate(() => document.documentElement.lang), 'tr', 'the language');
    await page.getByRole('button', { name: 'Yeni anahtar' }).waitFor();
});
