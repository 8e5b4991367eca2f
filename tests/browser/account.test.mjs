/* /account: where links lead that are good once. Its three kinds and its dead state for everybody: axe-core, the keyboard alone,
 * dark, phones; and the secret, which is out of the address before anybody can look over a shoulder. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { Caller, PASSWORD, ROOT, tokenOf } from '../http/server.mjs';
import { becomes, SCREENSHOTS, storageOf, worldFor } from './browser.mjs';

const world = worldFor();
const axeSource = readFileSync(createRequire(join(ROOT, 'widget/package.json')).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

let number = 0;
/** An invitation by the shell: {email, token}. */
async function invite(...flags) {
    const { key } = await world.server.org();
    const email = `new-${++number}@example.com`;
    return { email, key, token: tokenOf(await world.server.cliOk('agent', 'create', email, '--org', key, ...flags)) };
}
async function reset() {
    const { email, token } = await invite();
    await world.server.choosePassword(token);
    return { email, token: tokenOf(await world.server.cliOk('agent', 'reset', email)) };
}

/** The page as its user meets it. */
class Account {
    constructor(page) {
        this.page = page;
        this.heading = page.locator('h1:visible');
        this.error = page.getByRole('alert');
        this.button = page.getByRole('button');
    }
    static async open(profile, token, server = world.server) {
        const { page } = await profile.tab(`${server.url}/account${token === undefined ? '' : `#${token}`}`);
        const account = new Account(page);
        await account.heading.waitFor();
        return account;
    }
    field(label) {
        return this.page.getByLabel(label, { exact: true });
    }
    /** Whoever has chosen a password is logged in, and in the inbox. */
    async isIn() {
        await this.page.waitForURL('**/inbox');
        await this.page.getByRole('button', { name: /^All\b/ }).waitFor();
    }
    /** What has the focus, by its label or its text. */
    focused() {
        return this.page.evaluate(() => (document.activeElement.labels?.[0] ?? document.activeElement).textContent);
    }
    /** What axe could not decide has to be nothing, too; but of forced colours it knows none. */
    async audit(state) {
        await this.page.evaluate(axeSource);
        const { violations, incomplete } = await this.page.evaluate(() =>
            window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
        );
        const found = [...violations, ...(await this.page.evaluate(() => matchMedia('(forced-colors: active)').matches) ? [] : incomplete)].map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`);
        assert.deepEqual(found, [], state);
        const wide = await this.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(wide, false, `${state} scrolls sideways`);
    }
}

for (const [name, options] of [
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['phone', PHONE],
    ['phone-dark', { ...PHONE, colorScheme: 'dark' }],
    ['forced-colors', { forcedColors: 'active' }],
])
    test(`axe-core finds nothing in any kind and state: ${name}`, async (t) => {
        const server = await world.ownServer(t);
        const kinds = {
            setup: (profile) => Account.open(profile, undefined, server).then(async () => Account.open(profile, await server.setupToken(), server)),
            invitation: async (profile) => Account.open(profile, (await invite('--name', 'Ayşe Yılmaz')).token),
            reset: async (profile) => Account.open(profile, (await reset()).token),
            dead: (profile) => Account.open(profile, `hvl_c${'0'.repeat(23)}1_${'A'.repeat(43)}`),
        };
        for (const [kind, open] of Object.entries(kinds)) {
            /* A profile for each: who has chosen a password is logged in. */
            const profile = await world.profile(t, { reducedMotion: 'reduce', ...options });
            profile.expectErrors(/410|400/);
            const account = await open(profile);
            const state = async (label) => {
                await account.audit(`${kind} ${label}`);
                await shoot(account.page, `account-${name}-${kind}${label ? `-${label}` : ''}`);
            };
            await state('');
            if (kind === 'dead') continue;
            await account.button.click();
            await account.error.waitFor();
            await state('mistake');
            if (kind === 'setup') {
                await account.field('Your name').fill('Olga Owner');
                await account.field('E-mail address').fill('olga@example.com');
                await account.field('Its name, as visitors read it').fill('A Shop');
            }
            await account.page.locator('#password').fill(PASSWORD);
            await account.button.click();
            await account.isIn();
        }
    });

async function shoot(page, name) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true, animations: 'disabled' });
}

test('a new server is set up by the keyboard alone, and its owner can log in', async (t) => {
    const server = await world.ownServer(t);
    const profile = await world.profile(t);
    const account = await Account.open(profile, await server.setupToken(), server);
    const { keyboard } = account.page;
    assert.equal(await account.heading.textContent(), 'Set up Helvino');
    assert.equal(await account.focused(), 'Your name');
    for (const text of ['Olga Owner', 'olga@example.com', "Ayşe's Shop & Café"]) {
        await keyboard.type(text);
        await keyboard.press('Tab');
    }
    assert.equal(await account.focused(), 'A short key for it');
    assert.equal(await account.field('A short key for it').inputValue(), 'ayse-s-shop-cafe');
    await keyboard.press('Tab');
    await keyboard.type(PASSWORD);
    await keyboard.press('Enter');
    await account.isIn();
    const browser = await server.browser('olga@example.com');
    assert.deepEqual(browser.session.organizations.map(({ key, name, role }) => [key, name, role]), [['ayse-s-shop-cafe', "Ayşe's Shop & Café", 'owner']]);
});

test('an invitation shows for whom it is, and takes a name and a password', async (t) => {
    const { email, token } = await invite('--name', '<img src=x onerror=alert(1)>');
    const account = await Account.open(await world.profile(t), token);
    assert.equal(await account.heading.textContent(), 'Welcome, <img src=x onerror=alert(1)>');
    assert.equal(await account.field('E-mail address').inputValue(), email);
    assert.equal(await account.field('E-mail address').getAttribute('readonly'), '', 'a password manager has to see it, and nobody to change it');
    assert.equal(await account.field('Password').getAttribute('autocomplete'), 'new-password');
    await account.field('Your name').fill('  As I am called ');
    await account.field('Password').fill(PASSWORD);
    await account.button.click();
    await account.isIn();
    assert.equal((await world.server.browser(email)).session.agent.name, 'As I am called');
});

test('a reset asks for a password and nothing else', async (t) => {
    const { email, token } = await reset();
    const account = await Account.open(await world.profile(t), token);
    assert.equal(await account.heading.textContent(), 'A new password');
    assert.equal(await account.page.locator('input:visible:not([readonly])').count(), 1);
    assert.equal(await account.field('E-mail address').inputValue(), email);
    await account.field('New password').fill('quite another one, which is long');
    await account.button.click();
    await account.isIn();
    await world.server.browser(email, 'quite another one, which is long');
});

test('a mistake is said at its field, which gets the focus; the server\'s own words are said too', async (t) => {
    const { token } = await invite();
    const profile = await world.profile(t);
    profile.expectErrors(/400/);
    const account = await Account.open(profile, token);
    const password = account.field('Password');
    for (const [text, sentence] of [['', 'Please fill this in.'], ['short', 'The password must have at least 10 characters.'], ['şşşşşşşşş', 'The password must have at least 10 characters.']]) {
        await password.fill(text);
        await account.button.click();
        await becomes(() => account.error.textContent(), sentence, 'the error');
        assert.equal(await account.focused(), 'Password');
        assert.equal(await password.getAttribute('aria-invalid'), 'true');
        assert.equal(await password.evaluate((input) => document.getElementById(input.getAttribute('aria-errormessage')).textContent), sentence);
        assert.ok(await account.page.evaluate(() => document.getElementById('password').getBoundingClientRect().bottom < document.getElementById('error').getBoundingClientRect().top));
    }
    await password.fill('aaaaaaaaaaaaaaa');
    await account.button.click();
    await becomes(() => account.error.textContent(), 'The password is too easy to guess; a few words that nobody would put together are better.', 'the error');
    assert.equal(await account.button.isEnabled(), true, 'and it can be tried again');
    await password.fill(PASSWORD);
    await account.button.click();
    await account.isIn();
    assert.equal(await account.error.isVisible(), false);
});

test('what the link says is out of the address at once, in no request\'s URL, and kept nowhere', async (t) => {
    const { token } = await invite();
    const profile = await world.profile(t);
    profile.expectErrors(/410/);
    const account = await Account.open(profile, token);
    assert.equal(account.page.url(), `${world.server.url}/account`);
    assert.equal(await account.page.evaluate(() => document.documentElement.outerHTML.includes('hvl_')), false);
    assert.ok(profile.requests.length > 2);
    for (const { url } of profile.requests.slice(1)) assert.ok(!url.includes('hvl_'), url);
    const { local, session, databases, caches, cookies } = await storageOf(account.page);
    assert.deepEqual([local, session, databases, caches, cookies], [{}, {}, [], [], []]);
    await account.page.reload();
    await becomes(() => account.heading.textContent(), 'This link can’t be used', 'the heading after a reload');
    assert.match(await account.page.locator('main').textContent(), /the part behind # is missing/);
    await account.page.goBack();
    assert.ok(!account.page.url().includes('hvl_'));
    assert.ok(!world.server.log.includes(token), 'the server\'s log has it');
    await world.server.choosePassword(token);
    const dead = await Account.open(profile, token);
    await becomes(() => dead.heading.textContent(), 'This link can’t be used', 'the heading of a link that was used');
    assert.match(await dead.page.locator('main').textContent(), /used already, or has expired; please ask for a new one/);
});

test('another link in the same tab takes the place of the one before', async (t) => {
    const [first, second] = [await invite('--name', 'First'), await invite('--name', 'Second')];
    const account = await Account.open(await world.profile(t), first.token);
    assert.equal(await account.heading.textContent(), 'Welcome, First');
    await account.page.evaluate((hash) => (location.hash = hash), second.token);
    await becomes(() => account.heading.textContent(), 'Welcome, Second', 'the heading');
    assert.equal(account.page.url(), `${world.server.url}/account`);
    await account.field('Password').fill(PASSWORD);
    await account.button.click();
    await account.isIn();
    await world.server.browser(second.email);
    const { status } = await new Caller(world.server, {}).post('/links', { token: first.token });
    assert.equal(status, 200, 'the first link was used in place of the second');
});

test('a server that can\'t be reached is said, and nothing that was typed is lost', async (t) => {
    const { token } = await invite();
    const profile = await world.profile(t);
    profile.expectErrors(/ERR_INTERNET_DISCONNECTED|Failed to load resource/);
    const account = await Account.open(profile, token);
    await account.field('Password').fill(PASSWORD);
    await profile.context.setOffline(true);
    await account.button.click();
    await becomes(() => account.error.textContent(), 'The server can’t be reached; please try again.', 'the error');
    await profile.context.setOffline(false);
    await account.button.click();
    await account.isIn();
});

test('the page is in nobody\'s frame, and loads nothing from elsewhere', async (t) => {
    const profile = await world.profile(t);
    const account = await Account.open(profile, (await invite()).token);
    for (const { url } of profile.requests) assert.ok(url.startsWith(world.server.url), url);
    assert.equal(await account.page.evaluate(() => [...document.querySelectorAll('script')].every(({ src, textContent }) => src && !textContent)), true);
    const { headers } = await new Caller(world.server, {}).get('/account');
    assert.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers['referrer-policy'], 'no-referrer');
});
