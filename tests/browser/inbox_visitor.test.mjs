/* The visitor beside the conversation, what can be done about it, and finding what was said. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { becomes, worldFor } from './browser.mjs';
import { makeAgent, openInbox, preferring } from './inbox.mjs';

const world = worldFor();
const QUERY = { box: 'all', statuses: ['open'], tag: null, priority: null, order: 'newest', unreadFirst: false };

async function shop({ role = 'admin' } = {}) {
    const org = await world.server.org(undefined, '--name', 'Shoe shop');
    const ayse = await makeAgent(org, 'Ayşe', { role });
    const zeynep = org.visitor();
    await zeynep.post('/visitors/me', { email: 'zeynep@example.com' });
    const ids = [];
    for (const text of ['Where is my order?', 'Do you have these in brown?']) {
        ids.push(await zeynep.converse());
        await zeynep.say(ids.at(-1), text);
    }
    const other = org.visitor();
    const otherId = await other.converse();
    await other.say(otherId, 'Are you open?');
    const open = (t, at, more = {}) => openInbox(world, t, ayse, { at, keep: preferring(ayse, { query: QUERY }), ...more });
    const visitorId = (await org.agent.getOk(`/conversations/${ids[0]}`)).visitorId;
    return { org, ayse, zeynep, ids, otherId, visitorId, open };
}

test('who it is, and what else it has written', async (t) => {
    const { ids, open } = await shop();
    const inbox = await open(t, `#/c/${ids[1]}`);
    await inbox.shows('visitor: Do you have these in brown?');
    await inbox.visitor.getByRole('link', { name: 'zeynep@example.com' }).waitFor();
    await becomes(() => inbox.visitor.locator('.fact', { hasText: 'Conversations' }).textContent(), 'Conversations2', 'how many');
    await inbox.visitor.getByRole('link', { name: /Where is my order/ }).click();
    await inbox.shows('visitor: Where is my order?');
});

test('everything that is kept, as a file', async (t) => {
    const { ids, open } = await shop();
    const inbox = await open(t, `#/c/${ids[1]}`);
    const [download] = await Promise.all([inbox.page.waitForEvent('download'), inbox.visitor.getByRole('button', { name: 'Export all data' }).click()]);
    assert.match(download.suggestedFilename(), /\.json$/);
    const kept = readFileSync(await download.path(), 'utf8');
    for (const text of ['zeynep@example.com', 'Where is my order?', 'Do you have these in brown?']) assert.ok(kept.includes(text), text);
    assert.ok(!kept.includes('Are you open?'));
});

test('blocked: nothing that it writes is kept; unblocked, it is again', async (t) => {
    const { org, zeynep, ids, open } = await shop();
    const inbox = await open(t, `#/c/${ids[1]}`);
    const { page, visitor, dialog } = inbox;
    await visitor.getByRole('button', { name: 'Block…' }).click();
    await dialog.getByRole('button', { name: 'Block', exact: true }).click();
    await inbox.says('Blocked');
    await visitor.getByText('This visitor is blocked.').waitFor();
    await page.getByText('it can read you, but not answer').waitFor();
    await zeynep.post(`/conversations/${ids[1]}/messages`, { content: 'Buy cheap shoes' });
    await visitor.getByRole('button', { name: 'Unblock' }).click();
    await inbox.says('Unblocked');
    await zeynep.say(ids[1], 'Sorry');
    await inbox.shows('visitor: Do you have these in brown?', 'visitor: Sorry');
    assert.equal((await org.agent.getOk(`/conversations/${ids[1]}`)).messages.length, 2);
});

test('erased: first what would go, then a word to type, then a receipt', async (t) => {
    const { org, ids, otherId, visitorId, open } = await shop();
    const inbox = await open(t, `#/c/${ids[1]}`);
    inbox.profile.expectErrors(/status of 404/);
    const { page, visitor, dialog } = inbox;
    await visitor.getByRole('button', { name: 'Erase…' }).click();
    await dialog.getByText('visitors: 1, conversations: 2, messages: 2').waitFor();
    const sure = dialog.getByRole('button', { name: 'Erase for good' });
    assert.equal(await sure.isDisabled(), true);
    await inbox.shoot('light-erase-preview');
    await dialog.getByLabel('To confirm, type ERASE').fill('erase');
    await sure.click();
    await dialog.getByText('Keep the receipt').waitFor();
    const receipt = await dialog.locator('code').textContent();
    assert.match(receipt, /\w{10,}/);
    await inbox.shoot('light-erased');
    await dialog.getByRole('button', { name: 'Done' }).click();
    await inbox.listed('Are you open?');
    assert.equal((await org.agent.get(`/visitors/${visitorId}`)).status, 404);
    assert.equal((await org.agent.get(`/conversations/${ids[0]}`)).status, 404);
    await page.goto(`${world.server.url}/inbox#/c/${ids[0]}`);
    await page.getByText('This conversation is not there').waitFor();
    await inbox.row('Are you open?').locator('.row-link').click();
    await inbox.shows('visitor: Are you open?');
    assert.ok(otherId);
});

test('the visitor alone is erased: conversations stay, and are nobody’s', async (t) => {
    const { org, ids, visitorId, open } = await shop();
    const inbox = await open(t, `#/c/${ids[1]}`);
    const { visitor, dialog } = inbox;
    await visitor.getByRole('button', { name: 'Erase…' }).click();
    await dialog.getByText('conversations: 2').waitFor();
    await dialog.getByRole('radio', { name: /The visitor alone/ }).check();
    await dialog.getByText('2 conversations stay, without a name.').waitFor();
    await dialog.getByLabel('To confirm, type ERASE').fill('ERASE');
    await dialog.getByRole('button', { name: 'Erase for good' }).click();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await inbox.row('Do you have these in brown?').waitFor();
    await inbox.row('Do you have these in brown?').locator('.row-name', { hasText: 'Unknown visitor' }).waitFor();
    assert.equal((await org.agent.get(`/visitors/${visitorId}`)).status, 404);
    assert.equal((await org.agent.getOk(`/conversations/${ids[0]}`)).visitorId, null);
});

test('whom somebody else erases, or who erases itself, is gone from the list at once', async (t) => {
    const { ids, zeynep, open } = await shop({ role: 'agent' });
    const inbox = await open(t, `#/c/${ids[1]}`);
    inbox.profile.expectErrors(/status of 404/);
    await inbox.listed('Are you open?', 'Do you have these in brown?', 'Where is my order?');
    assert.equal((await zeynep.request('DELETE', '/visitors/me')).status, 200);
    await inbox.listed('Are you open?');
    await inbox.page.getByText('This conversation is not there').waitFor();
});

test('who is no admin erases nobody', async (t) => {
    const { ids, open } = await shop({ role: 'agent' });
    const inbox = await open(t, `#/c/${ids[1]}`);
    await inbox.visitor.getByRole('button', { name: 'Block…' }).waitFor();
    assert.equal(await inbox.visitor.getByRole('button', { name: 'Erase…' }).count(), 0);
});

test('search: by words of a message, by a visitor’s address; Enter leads there', async (t) => {
    const { ids, open } = await shop();
    const inbox = await open(t, '');
    const { page, dialog } = inbox;
    await inbox.row('Are you open?').waitFor();
    await inbox.key('/');
    const box = dialog.getByRole('combobox');
    await box.fill('order');
    await dialog.getByRole('option', { name: /Where is my order/ }).waitFor();
    assert.deepEqual(await dialog.locator('mark').allTextContents(), ['order']);
    await inbox.shoot('light-search-found');
    await page.keyboard.press('Enter');
    await inbox.shows('visitor: Where is my order?');
    await page.keyboard.press('Control+Shift+f');
    await box.fill('zeynep@example');
    await dialog.getByRole('option', { name: /zeynep@example.com/ }).first().waitFor();
    await page.keyboard.press('Enter');
    await inbox.shows('visitor: Do you have these in brown?');
    await page.keyboard.press('Control+Shift+f');
    await box.fill('nothing of this kind');
    await dialog.getByText('Nothing found').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(ids.length, 2);
});

test('long histories load upwards, and stay where one reads', async (t) => {
    const { org, ids, zeynep, open } = await shop();
    for (let number = 1; number <= 120; number++) await (number % 2 ? zeynep.say(ids[0], `number ${number}`) : org.agent.say(ids[0], `number ${number}`, { role: 'assistant' }));
    const inbox = await open(t, `#/c/${ids[0]}`);
    await inbox.log.getByText('number 120', { exact: true }).waitFor();
    assert.equal(await inbox.log.getByText('number 60', { exact: true }).count(), 0);
    for (const text of ['number 60', 'number 5', 'Where is my order?']) {
        const wanted = inbox.log.getByText(text, { exact: true });
        await becomes(
            async () => {
                await inbox.log.evaluate((element) => (element.closest('.messages') ?? element).scrollTo(0, -1e6)); // it grows upwards
                return wanted.count();
            },
            1,
            text,
        );
    }
    await zeynep.say(ids[0], 'the newest');
    await inbox.page.getByRole('button', { name: 'New messages' }).click();
    await inbox.log.getByText('the newest', { exact: true }).waitFor();
});

test('a draft is kept per conversation, over reloads, and told of in the list', async (t) => {
    const { ids, otherId, open } = await shop();
    const inbox = await open(t, `#/c/${ids[1]}`);
    const { page } = inbox;
    await inbox.input.fill('Not yet finished');
    await inbox.row('Are you open?').locator('.row-link').click();
    await inbox.shows('visitor: Are you open?');
    assert.equal(await inbox.input.inputValue(), '');
    await inbox.row('Do you have these in brown?').getByText('Draft').waitFor();
    await page.reload();
    await inbox.row('Do you have these in brown?').getByText('Draft').waitFor();
    await inbox.row('Do you have these in brown?').locator('.row-link').click();
    await becomes(() => inbox.input.inputValue(), 'Not yet finished', 'the draft');
    assert.ok(otherId);
});
