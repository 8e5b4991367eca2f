/* A whole day without a mouse: from logging in to logging out, every task by the keyboard alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { becomes, transcripts, worldFor } from './browser.mjs';
import { DESKTOP, Inbox, makeAgent, openInbox, PASSWORD, preferring } from './inbox.mjs';

const world = worldFor();

const QUERY = { box: 'all', statuses: ['open'], tag: null, priority: null, order: 'newest', unreadFirst: false };
const TABS_MAX = 80; // that anything may be away

/** A page that has no mouse: whoever touches it fails. */
function handsOf(page) {
    const isThere = (locator) => locator.first().evaluate((element) => element === document.activeElement || element.contains(document.activeElement));
    const hands = {
        press: async (...keys) => {
            for (const key of keys) await page.keyboard.press(key);
        },
        type: (text) => page.keyboard.insertText(text),
        /** By Tab alone; and whoever gets there sees where it is. */
        async reach(locator, key = 'Tab') {
            await locator.first().waitFor();
            for (let tabs = 0; tabs < TABS_MAX && !(await isThere(locator)); tabs++) await page.keyboard.press(key);
            assert.ok(await isThere(locator), `${locator} can be reached by ${key}`);
            const ring = await page.evaluate(() => {
                const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
                const around = getComputedStyle(document.activeElement.closest('.composer-box, .row-tick, .chooser') ?? document.activeElement);
                return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0 ? 'outline' : around.borderColor + around.boxShadow;
            });
            assert.ok(ring, 'where one is can be seen');
        },
        /** Puts the hands back onto the list's letters. */
        async away() {
            await page.keyboard.press('Escape');
        },
    };
    return hands;
}

async function shop(texts, names = ['Ayşe Yılmaz', 'Deniz Kaya']) {
    const org = await world.server.org(undefined, '--name', 'Shoe shop');
    const agents = [];
    for (const name of names) agents.push(await makeAgent(org, name, { role: 'admin' }));
    const ids = {};
    for (const text of texts) {
        const visitor = org.visitor();
        ids[text] = await visitor.converse();
        await visitor.say(ids[text], text);
    }
    return { org, agents, ids, show: (text) => org.agent.getOk(`/conversations/${ids[text]}`) };
}

test('a day without a mouse', async (t) => {
    const { org, agents: [ayse, deniz], ids, show } = await shop(['shoes', 'order', 'hours', 'return', 'spam', 'thanks']);
    await org.agent.post('/replies', { shortcut: 'hours', text: 'From 9 to 18.' });
    const profile = await world.profile(t, DESKTOP);
    await profile.context.addInitScript((kept) => {
        if (location.protocol === 'about:' || localStorage.getItem('begun')) return;
        localStorage.setItem('begun', '1');
        for (const [key, value] of Object.entries(kept)) localStorage.setItem(key, value);
    }, preferring(ayse, { query: QUERY, advance: false }));
    const page = await profile.context.newPage();
    const inbox = new Inbox(page, profile, ayse);
    const { press, type, reach, away } = handsOf(page);
    await page.goto(`${world.server.url}/inbox`);

    // Into it.
    await reach(page.getByLabel('E-mail address'));
    await type(ayse.email);
    await reach(page.getByLabel('Password', { exact: true }));
    await type(PASSWORD);
    await press('Enter');
    await inbox.listed('thanks', 'spam', 'return', 'hours', 'order', 'shoes');

    // Down the list and up again; the help says how.
    await press('?');
    await inbox.dialog.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor();
    await away();
    await inbox.dialog.waitFor({ state: 'hidden' });
    await press('j');
    await inbox.shows('visitor: thanks');
    await press('j', 'j', 'k');
    await inbox.shows('visitor: spam');

    // Answered, by hand and by what is canned.
    await press('k');
    await inbox.shows('visitor: thanks');
    await press('r');
    await type('You are welcome.');
    await press('Shift+Enter');
    await type('Bye!');
    assert.equal(await inbox.input.inputValue(), 'You are welcome.\nBye!');
    await press('Control+Shift+Enter');
    await becomes(async () => (await show('thanks')).status, 'resolved', 'the status');
    await becomes(async () => (await transcripts(org)).find(([first]) => first === 'user: thanks'), ['user: thanks', 'assistant: You are welcome.\nBye!'], 'the answer');
    await away();
    await press('g', 'i', '3');
    await inbox.listed('spam', 'return', 'hours', 'order', 'shoes');
    await press('j');
    await inbox.shows('visitor: spam');
    await press('j', 'j');
    await inbox.shows('visitor: hours');
    await press('r', '/');
    await page.getByRole('option', { name: '/hours' }).waitFor();
    await press('Enter');
    await becomes(() => inbox.input.inputValue(), 'From 9 to 18.', 'the reply');
    await press('Enter');
    await inbox.shows('visitor: hours', 'team: From 9 to 18.');

    // A note for a colleague, who gets the conversation.
    await away();
    await press('n');
    await page.keyboard.type('Say more? @den');
    await page.getByRole('option', { name: 'Deniz Kaya' }).waitFor();
    await press('Enter');
    await press('Enter');
    await inbox.shows('visitor: hours', 'team: From 9 to 18.', 'note: Say more? @Deniz Kaya');
    await away();
    await press('a');
    await inbox.dialog.getByRole('combobox').waitFor();
    await type('deniz');
    await press('Enter');
    await inbox.says('Assigned to Deniz Kaya');
    assert.equal((await show('hours')).assigneeId, deniz.id);

    // Priority, a tag, asleep, and awake again.
    await press('p');
    await inbox.choice('High').waitFor();
    await press('ArrowDown', 'Enter');
    await inbox.says('Priority: High');
    await press('t');
    await inbox.dialog.getByRole('combobox').waitFor();
    await type('opening');
    await press('Enter');
    await inbox.says('Tagged “opening”');
    await away();
    await inbox.dialog.waitFor({ state: 'hidden' });
    await press('s');
    await inbox.choice('Tomorrow morning').waitFor();
    await type('tomorrow');
    await press('Enter');
    await inbox.says(/^Snoozed until/);
    await becomes(async () => (await show('hours')).status, 'snoozed', 'the status');
    await press('z');
    await inbox.says('Undone');
    await becomes(async () => (await show('hours')).status, 'open', 'the status');
    const { priority, tags } = await show('hours');
    assert.deepEqual([priority, tags], ['high', ['opening']]);

    // Mine, for later, and again.
    await press('i');
    await inbox.says('Assigned to you');
    await press('Shift+P');
    await inbox.says('Set to pending');
    await press('Shift+O');
    await inbox.says('Opened');
    await press('u');
    await inbox.says('Unassigned');

    // Many at once.
    await press('Escape', 'j', 'x', 'j', 'x');
    await page.getByText('2 selected').waitFor();
    await press('e');
    await inbox.says('Resolved · 2 conversations');
    await press('Control+z');
    await inbox.says('Undone');

    // What is shown: filters by Tab and Space.
    await press('f');
    await page.getByRole('checkbox', { name: 'Resolved' }).waitFor();
    await reach(page.getByRole('checkbox', { name: 'Resolved' }));
    await press('Space');
    await away();
    await inbox.row('You are welcome.').waitFor();
    await reach(page.getByRole('button', { name: 'Remove the filter: Open, Resolved' }));
    await press('Enter');
    await inbox.row('You are welcome.').waitFor({ state: 'detached' });

    // Rows by arrows, a range with Shift, back out.
    await reach(page.locator('.row-link[tabindex="0"]'));
    await press('Home', 'ArrowDown', 'Enter');
    await becomes(() => page.evaluate(() => location.hash !== ''), true, 'that one is open');

    // The palette finds what has no key at hand, and who has written.
    await press('Control+k');
    await inbox.dialog.getByRole('combobox').waitFor();
    await type('spam');
    await inbox.choice('spam').first().waitFor();
    await press('Enter');
    await inbox.shows('visitor: spam');

    // The visitor: reached by Tab, blocked after a question, let in again.
    await reach(page.getByRole('button', { name: 'Block…' }));
    await press('Enter');
    await inbox.dialog.getByRole('button', { name: 'Block', exact: true }).waitFor();
    await reach(inbox.dialog.getByRole('button', { name: 'Block', exact: true }));
    await press('Enter');
    await inbox.says('Blocked');
    await reach(page.getByRole('button', { name: 'Unblock' }));
    await press('Enter');
    await inbox.says('Unblocked');

    // The rail, the menus, and out.
    await away();
    await press('g', 's');
    await reach(page.getByRole('link', { name: 'Preferences' }));
    await press('Enter');
    await reach(page.getByRole('switch', { name: /Sound/ }).or(page.getByRole('checkbox', { name: /Sound/ })));
    await press('Space');
    await becomes(() => page.evaluate((id) => JSON.parse(localStorage.getItem(`helvino_inbox_prefs:${id}`)).sound, ayse.id), false, 'the sound');
    await reach(page.getByRole('button', { name: 'Account of Ayşe Yılmaz' }));
    await press('ArrowDown');
    await page.getByRole('menu').waitFor();
    await press('End', 'Enter');
    await page.getByText('You are logged out.').waitFor();
    assert.equal(Object.keys(ids).length, 6);
});

test('keys that are letters can be switched off, and do nothing where somebody writes', async (t) => {
    const { agents: [ayse] } = await shop(['one'], ['Ayşe']);
    const inbox = await openInbox(world, t, ayse, { keep: preferring(ayse, { query: QUERY, shortcuts: false }) });
    const { page } = inbox;
    await inbox.open('one');
    await inbox.input.press('e');
    assert.equal(await inbox.input.inputValue(), 'e');
    await inbox.key('e', '?', 'x');
    await inbox.key('Control+k');
    await inbox.dialog.getByRole('combobox').waitFor(); // by now the letters would have done something
    assert.equal(await inbox.status().textContent(), 'Open');
    await page.keyboard.press('Escape');
    assert.equal(await page.getByText('1 selected').count(), 0);
});

test('the focus stays where one works: layers give it back, and a list that moves keeps it', async (t) => {
    const { org, agents: [ayse] } = await shop(['one', 'two', 'three'], ['Ayşe']);
    const inbox = await openInbox(world, t, ayse, { keep: preferring(ayse, { query: QUERY }) });
    const { page } = inbox;
    const focused = () => page.evaluate(() => document.activeElement.closest('.row')?.querySelector('.row-text')?.textContent ?? document.activeElement.className);
    await inbox.row('two').locator('.row-link').focus();
    await page.keyboard.press('Control+k');
    await inbox.dialog.waitFor();
    await page.keyboard.press('Escape');
    await becomes(focused, 'two', 'what has the focus');
    const visitor = org.visitor();
    await visitor.say(await visitor.converse(), 'four');
    await inbox.listed('four', 'three', 'two', 'one');
    await becomes(focused, 'two', 'what has the focus');
    await page.keyboard.press('ArrowDown');
    await becomes(focused, 'one', 'what has the focus');
    await page.keyboard.press('Home');
    await becomes(focused, 'four', 'what has the focus');
});
