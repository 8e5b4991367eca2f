/* Getting in and out: password, second factor, sessions that end, several organisations, and the first minutes of a new server. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';

import { becomes, worldFor } from './browser.mjs';
import { DESKTOP, Inbox, makeAgent, openInbox, PASSWORD } from './inbox.mjs';

const world = worldFor();

/** The code that an authenticator app shows (RFC 6238). */
function totp(secret, at = Date.now()) {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
    const bits = [...secret.replace(/\s/g, '')].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
    const digest = createHmac('sha1', key).update(counter).digest();
    const offset = digest.at(-1) & 15;
    return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

async function loginPage(t, options = {}) {
    const profile = await world.profile(t, { ...DESKTOP, ...options });
    profile.expectErrors(/status of 4\d\d/);
    const page = await profile.context.newPage();
    await page.goto(`${world.server.url}/inbox${options.at ?? ''}`);
    const inbox = new Inbox(page, profile);
    await page.getByLabel('E-mail address').waitFor();
    return {
        page,
        profile,
        inbox,
        async logIn(email, password = PASSWORD) {
            await page.getByLabel('E-mail address').fill(email);
            await page.getByLabel('Password', { exact: true }).fill(password);
            await page.getByRole('button', { name: 'Log in' }).click();
        },
    };
}

test('with a wrong password, with the right one, over a reload, and out again', async (t) => {
    const org = await world.server.org();
    const ayse = await makeAgent(org, 'Ayşe');
    const { page, inbox, logIn, profile } = await loginPage(t, { at: '#/settings/profile' });
    assert.equal(profile.requestsTo('/session'), 0, 'nobody is asked for before somebody has logged in');
    await logIn(ayse.email, 'wrong password');
    await page.getByRole('alert').getByText('The e-mail address or the password is not right.').waitFor();
    await logIn(ayse.email);
    await page.getByLabel('Your name').waitFor(); // where one wanted to be
    await page.reload();
    await page.getByLabel('Your name').waitFor();
    await page.locator('.rail-own').click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.getByText('You are logged out.').waitFor();
    await page.reload();
    await page.getByText('Welcome back.').waitFor();
    assert.equal(await inbox.rail.count(), 0);
});

test('who fails too often has to wait, and sees for how long', async (t) => {
    const org = await world.server.org();
    const { email } = await makeAgent(org, 'Somebody');
    const { page, logIn } = await loginPage(t);
    for (let i = 0; i < 5; i++) {
        await logIn(email, `wrong ${i}`);
        await becomes(() => page.getByRole('button', { name: 'Log in' }).isEnabled(), true, 'the button');
    }
    await logIn(email, 'wrong again');
    await page.getByText(/Too many failed log-ins.*\(\d+ s\)/).waitFor();
    await becomes(() => page.getByRole('button', { name: 'Log in' }).isEnabled(), true, 'the button, after a while');
});

test('the second factor: switched on with a QR code, asked for, by a code and by a recovery code, switched off', async (t) => {
    const org = await world.server.org();
    const ayse = await makeAgent(org, 'Ayşe');
    const inbox = await openInbox(world, t, ayse, { at: '#/settings/security' });
    const { page, dialog } = inbox;
    inbox.profile.expectErrors(/status of 40\d/);
    await page.getByRole('button', { name: 'Switch on…' }).click();
    await dialog.getByRole('img', { name: /QR code/ }).waitFor();
    const secret = await dialog.locator('code').textContent();
    await inbox.shoot('light-second-factor');
    await dialog.getByLabel('The code that it shows').fill('000000');
    await dialog.getByLabel('Your password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Switch on' }).click();
    await dialog.getByText('The code is not right').waitFor();
    await dialog.getByLabel('The code that it shows').fill(totp(secret));
    await dialog.getByRole('button', { name: 'Switch on' }).click();
    await dialog.getByText('The second factor is on.').waitFor();
    const codes = await dialog.locator('.codes code').allTextContents();
    assert.equal(new Set(codes).size, 10);
    await inbox.shoot('light-recovery-codes');
    await dialog.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByText('10 recovery codes are left.').waitFor();

    const other = await loginPage(t);
    await other.logIn(ayse.email);
    await other.page.getByLabel('Code').fill(totp(secret, Date.now() + 30_000)); // the next one: each is good once
    await other.inbox.rail.waitFor();
    const third = await loginPage(t);
    await third.logIn(ayse.email);
    await third.page.getByLabel('Code').fill('123456');
    await third.page.getByText('The code is not right').waitFor();
    await third.page.getByRole('button', { name: 'Use a recovery code instead' }).click();
    await third.page.getByLabel('Recovery code').fill(codes[0].toLowerCase());
    await third.page.getByRole('button', { name: 'Log in' }).click();
    await third.inbox.rail.waitFor();

    await page.reload();
    await page.getByText('9 recovery codes are left.').waitFor();
    await page.getByRole('button', { name: 'Switch off…' }).click();
    await dialog.getByLabel(/recovery code/).fill(codes[1]);
    await dialog.getByLabel('Your password').fill('wrong');
    await dialog.getByRole('button', { name: 'Switch off' }).click();
    await dialog.getByText('The password is not right.').waitFor();
    await dialog.getByLabel('Your password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Switch off' }).click();
    await page.getByText('The second factor is off.').first().waitFor();
});

test('sessions are listed, and ended: by oneself elsewhere, and then one is asked to log in and comes back', async (t) => {
    const org = await world.server.org();
    const ayse = await makeAgent(org, 'Ayşe');
    const visitor = org.visitor();
    const id = await visitor.converse();
    await visitor.say(id, 'hello');
    const one = await openInbox(world, t, ayse, { at: `#/c/${id}` });
    one.profile.expectErrors(/status of 401/);
    await one.input.fill('half a sentence');
    const two = await openInbox(world, t, ayse, { at: '#/settings/security' });
    await becomes(() => two.page.locator('.session').count(), 2, 'the sessions');
    await two.page.getByRole('button', { name: 'End', exact: true }).click();
    await becomes(() => two.page.locator('.session').count(), 1, 'the sessions');
    await one.page.getByText('Your session has ended.').waitFor();
    await one.page.getByLabel('E-mail address').fill(ayse.email);
    await one.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await one.page.getByRole('button', { name: 'Log in' }).click();
    await one.shows('visitor: hello');
    assert.equal(await one.input.inputValue(), 'half a sentence');
});

test('log-out in one tab is log-out in all', async (t) => {
    const org = await world.server.org();
    const ayse = await makeAgent(org, 'Ayşe');
    const one = await openInbox(world, t, ayse);
    const two = await openInbox(world, t, ayse, { profile: one.profile });
    one.profile.expectErrors(/status of 401/);
    await one.page.locator('.rail-own').click();
    await one.page.getByRole('menuitem', { name: 'Log out' }).click();
    for (const { page } of [one, two]) await page.getByText('You are logged out.').waitFor();
});

test('a forgotten password: whoever runs the server makes a link, when it sends no mail', async (t) => {
    const { page } = await loginPage(t);
    await page.getByLabel('E-mail address').fill('ayse@acme.example');
    await page.getByRole('button', { name: 'Forgotten your password?' }).click();
    await page.getByRole('button', { name: 'Send the link' }).click();
    const said = page.getByText('helvino agent reset ayse@acme.example').or(page.getByText('If ayse@acme.example belongs'));
    await said.waitFor();
    await page.getByRole('button', { name: 'Back to the log-in' }).click();
    assert.equal(await page.getByLabel('E-mail address').inputValue(), 'ayse@acme.example');
});

test('of several organisations one is chosen, remembered, and changed', async (t) => {
    const [shop, bakery] = [await world.server.org(undefined, '--name', 'Shoe shop'), await world.server.org(undefined, '--name', 'Bakery')];
    const ayse = await makeAgent(shop, 'Ayşe', { role: 'owner' });
    await world.server.cliOk('agent', 'create', ayse.email, '--org', bakery.key);
    for (const org of [shop, bakery]) {
        const visitor = org.visitor();
        await visitor.say(await visitor.converse(), org === shop ? 'shoes?' : 'bread?');
    }
    const { page, inbox, logIn } = await loginPage(t);
    await logIn(ayse.email);
    await page.getByRole('button', { name: /Shoe shop/ }).waitFor();
    await inbox.shoot('light-organizations');
    await page.getByRole('button', { name: /Bakery/ }).click();
    await inbox.box('All').click();
    await inbox.listed('bread?');
    await page.reload();
    await inbox.listed('bread?');
    await page.locator('.rail-own').click();
    await page.getByRole('menuitemradio', { name: 'Shoe shop' }).click();
    await inbox.listed('shoes?');
    await becomes(() => page.title(), '(1) Shoe shop · Helvino', 'the title');
});

test('who is in no organisation is told what to do', async (t) => {
    const org = await world.server.org();
    const ayse = await makeAgent(org, 'Ayşe');
    await world.server.cliOk('agent', 'remove', ayse.email, '--org', org.key);
    const { page, logIn } = await loginPage(t);
    await logIn(ayse.email);
    await page.getByText('You are in no organisation').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('You are logged out.').waitFor();
});

test('profile: name and password', async (t) => {
    const org = await world.server.org();
    const ayse = await makeAgent(org, 'Ayşe');
    const inbox = await openInbox(world, t, ayse, { at: '#/settings/profile' });
    const { page } = inbox;
    inbox.profile.expectErrors(/status of 40\d/);
    await page.getByLabel('Your name').fill('Ayşe Yılmaz');
    await page.getByRole('button', { name: 'Save' }).click();
    await inbox.says('Saved');
    await becomes(async () => (await org.agent.getOk('/agents')).agents[0].name, 'Ayşe Yılmaz', 'the name');
    await page.getByLabel('Old password').fill('wrong');
    await page.getByLabel('New password').fill('short');
    const change = page.getByRole('button', { name: 'Change the password' });
    await change.click();
    await page.getByText('must have at least 10 characters').waitFor();
    await page.getByLabel('New password').fill('another one that nobody knows');
    await change.click();
    await page.getByText('The password is not right.').waitFor();
    await page.getByLabel('Old password').fill(PASSWORD);
    await change.click();
    await inbox.says('The password is changed');
    const { logIn, inbox: other } = await loginPage(t);
    await logIn(ayse.email, 'another one that nobody knows');
    await other.rail.waitFor();
});

test('a new server: the printed link, set-up, the inbox, a visitor, the first answer', async (t) => {
    const server = await world.ownServer(t);
    const { url } = await server.logged((lines) => lines.find((line) => /nobody can log in yet/.test(line.event)), 'the link');
    const profile = await world.profile(t, DESKTOP);
    const page = await profile.context.newPage();
    await page.goto(new URL(url).pathname.length > 1 ? `${server.url}${new URL(url).pathname}${new URL(url).hash}` : url);
    await page.getByLabel('Your name').fill('Ayşe');
    await page.getByLabel('E-mail address').fill('ayse@shoes.example');
    await page.getByLabel('Its name, as visitors read it').fill('Shoe shop');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Set it up' }).click();
    const inbox = new Inbox(page, profile);
    await inbox.rail.waitFor(); // at once, without logging in again
    await page.getByRole('heading', { name: 'Put the chat on your website' }).or(page.getByRole('button', { name: 'Put the chat on your website' })).first().click();
    const snippet = await page.locator('.snippet:visible').textContent();
    await inbox.shoot('light-first');
    const site = await (await world.profile(t)).tab(world.site.put({ embed: 'none', body: `<h1>Shoes</h1>${snippet}` }));
    await site.open();
    await site.write('Are you there?');
    await inbox.open('Are you there?');
    await inbox.write('Yes!');
    await site.shows('user: Are you there?', 'assistant: Yes!');
});
