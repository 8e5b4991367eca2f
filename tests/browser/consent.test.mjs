/* What is kept in the browser and for how long: the consent dial, forgetting, the visitor's own export, the cookie. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { answer, becomes, onlyConversation, storageOf, transcripts, worldFor } from './browser.mjs';

const world = worldFor();
const NOTHING = { local: {}, session: {}, databases: [], caches: [], workers: 0, cookies: [] };
const ID = 'helvino_visitor_id';

/** Where the widget keeps something: {local: [keys], session: [keys]}; anything else than the two fails. */
async function kept(page) {
    const { local, session, ...rest } = await storageOf(page);
    assert.deepEqual(rest, { databases: [], caches: [], workers: 0, cookies: [] });
    for (const key of [...Object.keys(local), ...Object.keys(session)]) assert.match(key, /^helvino_/);
    return { local, session };
}

async function talk(widget, text = 'hello') {
    await widget.open();
    await widget.write(text);
    await widget.shows(`user: ${text}`);
    await widget.delivered('Sent');
}

test('by default the id is in localStorage, and nothing is anywhere else', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.launcher.waitFor();
    const key = await widget.visitorId();
    const before = await kept(widget.page);
    assert.equal(before.local[ID], key);
    assert.deepEqual(before.session, {});
    await talk(widget);
    const { local, session } = await kept(widget.page);
    assert.equal(local[ID], key);
    assert.deepEqual(session, {});
    assert.ok(!JSON.stringify(local).includes('hello'), 'a message that was sent is no longer kept in the browser');
});

test('consent "none" keeps nothing, and a reload is another visitor', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org, { attributes: 'data-consent="none"' }));
    await widget.launcher.waitFor();
    assert.deepEqual(await widget.storage(), NOTHING);
    await talk(widget);
    assert.deepEqual(await widget.storage(), NOTHING);
    const key = await widget.visitorId();
    await widget.page.reload();
    await widget.launcher.waitFor();
    assert.notEqual(await widget.visitorId(), key);
    assert.deepEqual(await widget.storage(), NOTHING);
});

test('consent "session" lasts as long as the tab: over reloads, not over to another tab', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const url = world.page(org, { embed: 'one', attributes: 'data-consent="session"' });
    const widget = await profile.tab(url);
    await talk(widget);
    const key = await widget.visitorId();
    const { local, session } = await kept(widget.page);
    assert.deepEqual(local, {});
    assert.equal(session[ID], key);
    await widget.page.reload();
    await widget.open();
    await widget.shows('user: hello');
    assert.equal(await widget.visitorId(), key);
    const other = await profile.tab(url);
    await other.launcher.waitFor();
    assert.notEqual(await other.visitorId(), key);
});

test('turning the dial moves what is kept, at once, and the visitor stays the same until the page is left', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const url = world.page(org, { attributes: 'data-consent="none"' });
    const widget = await profile.tab(url);
    await talk(widget);
    const key = await widget.visitorId();
    const turn = (level) => widget.page.evaluate((to) => window.Helvino.consent(to), level);

    await turn('session');
    await becomes(async () => (await kept(widget.page)).session[ID], key, 'the id in sessionStorage');
    assert.deepEqual((await kept(widget.page)).local, {});

    await turn('persistent');
    await becomes(async () => (await kept(widget.page)).local[ID], key, 'the id in localStorage');
    assert.deepEqual((await kept(widget.page)).session, {});

    await turn('none');
    await becomes(() => widget.storage(), NOTHING, 'what is kept');
    assert.equal(await widget.visitorId(), key);
    await widget.write('still here');
    await widget.shows('user: hello', 'user: still here');
    await widget.delivered('Sent');
    assert.deepEqual(await widget.storage(), NOTHING);
    assert.deepEqual(await transcripts(org), [['user: hello', 'user: still here']]);

    const refused = await widget.page.evaluate(() => window.Helvino.consent('everything'));
    assert.deepEqual(await widget.storage(), NOTHING, `an unknown level changes nothing (${refused})`);
});

test('what waits to be sent is kept as consent allows', async (t) => {
    const org = await world.server.org();
    for (const level of ['none', 'session', 'persistent']) {
        const profile = await world.profile(t);
        profile.expectErrors(/net::ERR_/);
        const widget = await profile.tab(world.page(org, { attributes: `data-consent="${level}"` }));
        await widget.open();
        await profile.context.setOffline(true);
        await widget.write(`secret ${level}`);
        await widget.shows(`user: secret ${level}`);
        const { local, session } = await kept(widget.page);
        assert.equal(JSON.stringify(local).includes('secret'), level === 'persistent', level);
        assert.equal(JSON.stringify(session).includes('secret'), level === 'session', level);
        await profile.context.setOffline(false);
        await widget.delivered('Sent');
        await becomes(async () => JSON.stringify(await widget.storage()).includes('secret'), false, 'that it is kept');
    }
});

test('a level that the page sets before the script comes counts, in each of its forms', async (t) => {
    const org = await world.server.org();
    for (const script of ['window.HELVINO_CONSENT = "none"', 'window.Helvino = { q: [["consent", "none"]] }']) {
        const widget = await (await world.profile(t)).tab(world.page(org, { before: `<script>${script}</script>` }));
        await widget.launcher.waitFor();
        await talk(widget);
        assert.deepEqual(await widget.storage(), NOTHING, script);
    }
});

test('forget me asks for the word, erases everything on the server and in every tab, and shows the receipt', async (t) => {
    const server = await world.ownServer(t);
    const org = await server.org();
    const profile = await world.profile(t);
    const url = world.page(org, { base: server.url });
    const [widget, other] = [await profile.tab(url), await profile.tab(url)];
    await talk(widget, 'remember the canary');
    await answer(org, await onlyConversation(org), 'which canary?');
    await other.open();
    await other.shows('user: remember the canary', 'assistant: which canary?');
    await widget.shows('user: remember the canary', 'assistant: which canary?');
    await widget.page.evaluate(() => window.Helvino.on('forget', () => (document.title = 'forgotten')));
    const key = await widget.visitorId();
    const bystander = org.visitor();
    await bystander.say(await bystander.converse(), 'I stay');

    await widget.chooseForget();
    await widget.shoot('forget');
    assert.equal(await widget.forgetButton.isEnabled(), false);
    await widget.forgetWord.fill('something');
    assert.equal(await widget.forgetButton.isEnabled(), false);
    await widget.page.keyboard.press('Escape');
    await widget.forgetDialog.waitFor({ state: 'hidden' });
    assert.ok(await org.seen(key), 'Escape erases nothing');

    await widget.forget();
    await widget.shoot('receipt');
    const receipt = await widget.receipt.inputValue();
    assert.match(receipt, /Receipt: \w{8,}/);
    assert.match(receipt, /Visitors: 1\nConversations: 1\nMessages: 2$/);
    await widget.page.getByRole('button', { name: 'Done' }).click();
    await widget.input.waitFor();
    assert.equal(await org.seen(key), undefined);
    assert.deepEqual(await transcripts(org), [['user: I stay']]);
    for (const tab of [widget, other]) {
        await tab.shows();
        await becomes(async () => (await tab.visitorId()) !== key, true, 'that the id is another one');
        const { local, session } = await kept(tab.page);
        assert.ok(!JSON.stringify([local, session]).includes(key.slice(2)), 'the old id is gone from the browser');
    }
    await becomes(() => widget.page.title(), 'forgotten', 'that the page was told');
    assert.equal((await org.agent.getOk('/visitors')).visitors.length, 1, 'who is forgotten is no new visitor, as long as nothing is written');
    for (const table of ['visitors', 'conversations', 'messages']) {
        const rows = await server.cliOk('dump', 'sql', `select * from ${table}`, '--format', 'ndjson');
        assert.equal(rows.trim().split('\n').length, 1, `${table}: ${rows}`);
        assert.ok(!rows.includes('canary') && !rows.includes(key), rows);
    }
    await server.check();

    await widget.page.reload();
    await widget.launcher.waitFor();
    assert.equal(await org.seen(await widget.visitorId()), undefined, 'a reload makes no new visitor');
    await talk(widget, 'somebody new');
    assert.deepEqual((await transcripts(org)).flat(), ['user: I stay', 'user: somebody new']);
});

test('while the answer to "forget me" is long in coming, another tab says nothing as that visitor', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    const url = world.page(org, { base: relay.url });
    const [widget, other] = [await profile.tab(url), await profile.tab()];
    await talk(widget);
    await other.page.clock.install();
    await other.page.goto(url);
    await other.launcher.waitFor();
    const key = await other.visitorId();
    relay.rule = ({ method }) => (method === 'DELETE' ? 'hold' : 'pass');
    const receipt = widget.page.evaluate(() => window.Helvino.forget());
    await becomes(() => relay.held.length, 1, 'the answers that wait');

    await other.open();
    await other.write('is anybody there?');
    await other.page.clock.fastForward(25_000);
    await other.page.evaluate((base) => fetch(`${base}/health`).then((answer) => answer.text()), relay.url);
    relay.release();
    assert.equal((await receipt).visitors, 1);
    await becomes(async () => (await other.visitorId()) === key, false, 'that the other tab is the same visitor');
    await other.write('hello from nobody');
    await other.delivered('Sent');
    assert.equal(await org.seen(key), undefined);
    assert.deepEqual(await transcripts(org), [['user: hello from nobody']]);
});

test('a chat that is destroyed while it is being forgotten does not begin again, and leads no other tab', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    const url = world.page(org, { base: relay.url });
    const widget = await profile.tab(url);
    await talk(widget);
    const key = await widget.visitorId();
    relay.rule = ({ method }) => (method === 'DELETE' ? 'hold' : 'pass');
    await widget.page.evaluate(() => void window.Helvino.forget());
    await becomes(() => relay.held.length, 1, 'the answers that wait');
    await widget.page.evaluate(() => window.Helvino.destroy());
    relay.release();
    await becomes(async () => (await widget.storage()).local[ID] === key, false, 'that the visitor is kept');
    const other = await profile.tab(url);
    await other.open();
    await other.write('hello again');
    await other.delivered('Sent');
    await answer(org, await onlyConversation(org), 'welcome');
    await other.shows('user: hello again', 'assistant: welcome');
});

test('Helvino.forget() does the same without the dialog', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await talk(widget);
    const key = await widget.visitorId();
    await widget.page.evaluate(() => window.Helvino.forget());
    await becomes(() => org.seen(key), undefined, 'the visitor in the list');
    assert.deepEqual(await transcripts(org), []);
    assert.notEqual(await widget.visitorId(), key);
    assert.ok(!JSON.stringify(await widget.storage()).includes(key));
});

test('the download is what the server exports of the visitor, whole', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await talk(widget, 'keep “this” — 😀');
    await answer(org, await onlyConversation(org), 'kept');
    await widget.shows('user: keep “this” — 😀', 'assistant: kept');
    const [download] = await Promise.all([widget.page.waitForEvent('download'), widget.choose('Download my data')]);
    assert.match(download.suggestedFilename(), /\.json$/);
    const saved = JSON.parse(await readFile(await download.path(), 'utf8'));
    const page = await org.visitor(await widget.visitorId()).getOk('/visitors/me/export');
    assert.deepEqual(
        saved.conversations.map(({ messages }) => messages.map(({ role, content }) => `${role}: ${content}`)),
        [['user: keep “this” — 😀', 'assistant: kept']],
    );
    for (const { visitor } of [page, saved]) delete visitor.lastSeenAt, delete visitor.updatedAt; // asking and reading move them
    for (const member of ['organization', 'visitor', 'conversations']) assert.deepEqual(saved[member], page[member], member);
});

test('with the visitor cookie the identity outlives storage that the browser cleared', async (t) => {
    const server = await world.ownServer(t, { flags: ['--visitor-cookie', 'on'] });
    const org = await server.org(undefined, '--origin', world.site.url);
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org, { base: server.url }));
    await talk(widget);
    const key = await widget.visitorId();
    const [cookie] = (await widget.storage()).cookies;
    assert.equal(cookie?.name, `${ID}_${org.key}`);
    assert.equal(cookie.value, key);
    assert.equal(cookie.httpOnly, true);
    assert.match(cookie.sameSite, /Lax|Strict/);
    await widget.page.evaluate(() => localStorage.clear());
    await widget.page.reload();
    await becomes(() => widget.visitorId(), key, 'the id');
    await widget.open();
    await widget.shows('user: hello');
    assert.equal((await org.agent.getOk('/visitors')).visitors.length, 1);

    await widget.page.evaluate(() => window.Helvino.forget());
    await becomes(async () => (await widget.storage()).cookies.some(({ value }) => value === key), false, 'that the cookie has the old id');
    assert.equal(await org.seen(key), undefined);
});

test('without consent to persistence there is no cookie either', async (t) => {
    const server = await world.ownServer(t, { flags: ['--visitor-cookie', 'on'] });
    const org = await server.org(undefined, '--origin', world.site.url);
    for (const level of ['none', 'session']) {
        const profile = await world.profile(t);
        const widget = await profile.tab(world.page(org, { base: server.url, attributes: `data-consent="${level}"` }));
        await talk(widget);
        assert.deepEqual((await widget.storage()).cookies, []);
    }
});

test('a page of a foreign origin is refused without noise', async (t) => {
    const org = await world.server.org(undefined, '--origin', 'https://shop.example');
    const profile = await world.profile(t);
    profile.expectErrors(/Failed to load resource|blocked by CORS policy/); // Chromium's own
    const before = `<script>window.noise = []; onerror = (text) => void noise.push(String(text));
        addEventListener('unhandledrejection', ({ reason }) => noise.push(String(reason)));</script>`;
    const widget = await profile.tab(world.page(org, { before }));
    await becomes(() => profile.requestsTo('/api/bootloader') > 0, true, 'that the server was asked');
    await widget.page.waitForLoadState('load');
    assert.deepEqual(await widget.page.evaluate(() => window.noise), []);
    assert.equal(await widget.launcher.isVisible(), false);
    await widget.page.evaluate(() => window.Helvino.open());
    assert.deepEqual(await widget.page.evaluate(() => window.noise), []);
    assert.deepEqual((await org.agent.getOk('/visitors')).visitors, []);
});

test('a page of an allowed origin gets its chat', async (t) => {
    const org = await world.server.org(undefined, '--origin', 'https://shop.example', '--origin', world.site.url);
    const widget = await (await world.profile(t)).tab(world.page(org));
    await talk(widget);
    await answer(org, await onlyConversation(org), 'welcome');
    await widget.shows('user: hello', 'assistant: welcome');
});
