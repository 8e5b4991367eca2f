/*
 * A day's work: two agents and two visitors at once, each in a browser of their own, against the real server. Nothing is lost, nothing
 * comes twice, nobody answers past another, and what a visitor writes is text.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { becomes, Site, transcripts, worldFor } from './browser.mjs';
import { makeAgent, openInbox } from './inbox.mjs';
import { payloads } from './payloads.mjs';

const world = worldFor();

/** An organisation with two agents. */
async function team(names = ['Ayşe Yılmaz', 'Deniz Kaya'], server = world.server) {
    const org = await server.org(undefined, '--name', 'Shoe shop');
    const agents = [];
    for (const name of names) agents.push(await makeAgent(org, name));
    return { org, agents };
}

async function visitor(t, org, base) {
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org, base ? { base } : {}));
    await widget.open();
    return widget;
}

const seeAll = (agent) => ({ keep: { [`helvino_inbox_prefs:${agent.id}`]: JSON.stringify({ query: { box: 'all', statuses: ['open'], tag: null, priority: null, order: 'newest', unreadFirst: true } }) } });

test('two visitors and two agents, from the first message to resolved', async (t) => {
    const { org, agents: [ayse, deniz] } = await team();
    const [first, second] = [await visitor(t, org), await visitor(t, org)];
    const [a, d] = [await openInbox(world, t, ayse, seeAll(ayse)), await openInbox(world, t, deniz, seeAll(deniz))];
    await a.page.locator('.empty-title').first().waitFor();

    await first.write('Do you have these in 44?');
    await second.write('Where is my order?');
    for (const inbox of [a, d]) {
        await inbox.listed('Where is my order?', 'Do you have these in 44?');
        await becomes(() => inbox.page.title(), '(2) Shoe shop · Helvino', 'the title');
        await becomes(() => inbox.box('Unassigned').textContent(), 'Unassigned2', 'the count');
    }

    await a.open('Do you have these');
    await becomes(() => a.visitor.locator('.fact', { hasText: 'Last seen' }).textContent(), 'Last seenOnline', 'that the visitor is there');
    await first.delivered('Seen');
    await becomes(() => d.page.title(), '(1) Shoe shop · Helvino', 'the title of the other agent');

    await a.key('i');
    await a.says('Assigned to you');
    await becomes(() => d.row('Do you have these').locator('.mark-name').textContent(), 'Ayşe Yılmaz', 'who has it');
    await becomes(() => d.box('Unassigned').textContent(), 'Unassigned1', 'the count');

    await a.input.pressSequentially('Yes');
    await first.typing.waitFor();
    await a.input.fill('');
    await first.typing.waitFor({ state: 'hidden' });
    await a.write('Yes, in brown.');
    await first.shows('user: Do you have these in 44?', 'assistant: Yes, in brown.');
    await a.delivered('Seen');

    await d.open('Where is my order');
    await d.key('n');
    await d.write('@Ayşe Yılmaz do you know?');
    await d.shows('visitor: Where is my order?', 'note: @Ayşe Yılmaz do you know?');
    await second.write('Hello?');
    await d.shows('visitor: Where is my order?', 'note: @Ayşe Yılmaz do you know?', 'visitor: Hello?');
    await second.shows('user: Where is my order?', 'user: Hello?');
    await d.key('r');
    await d.write('On its way: https://track.example/1', 'Control+Shift+Enter');
    await second.shows('user: Where is my order?', 'user: Hello?', 'assistant: On its way: https://track.example/1');
    await d.listed('Yes, in brown.'); // which is open now
    await d.shows('visitor: Do you have these in 44?', 'team: Yes, in brown.');
    await a.listed('Yes, in brown.');

    await second.write('Thanks!');
    await a.listed('Thanks!', 'Yes, in brown.');
    assert.deepEqual(await transcripts(org), [
        ['user: Do you have these in 44?', 'assistant: Yes, in brown.'],
        ['user: Where is my order?', 'user: Hello?', 'assistant: On its way: https://track.example/1', 'user: Thanks!'],
    ]);
});

test('of two agents who reach for the same conversation one has it, and the other is told', async (t) => {
    const { org, agents: [ayse, deniz] } = await team();
    const widget = await visitor(t, org);
    await widget.write('Anybody?');
    const relay = await world.relay(t);
    const [a, d] = [await openInbox(world, t, ayse, seeAll(ayse)), await openInbox(world, t, deniz, { ...seeAll(deniz), base: relay.url })];
    await a.open('Anybody?');
    await d.open('Anybody?');
    d.profile.expectErrors(/409/, /net::ERR_/);
    // Both at once: Deniz has not heard yet of what Ayşe does.
    relay.rule = ({ method, url }) => (method === 'GET' && url.startsWith('/stream') ? 'hang' : 'pass');
    relay.cut();
    await a.key('i');
    await a.says('Assigned to you');
    assert.equal(await d.thread.locator('.pill-text').first().textContent(), 'Unassigned');
    await d.key('i');
    await d.says(/was faster/);
    await d.shoot('light-taken');
    relay.rule = () => 'pass';
    await becomes(async () => (await org.agent.getOk('/conversations')).conversations[0].assigneeId, ayse.id, 'who has it');
    await becomes(() => d.thread.locator('.pill-text').first().textContent(), 'Ayşe Yılmaz', 'what Deniz sees');
});

test('somebody else answers: it is said while they type, and asked before it is sent', async (t) => {
    const { org, agents: [ayse, deniz] } = await team();
    const widget = await visitor(t, org);
    await widget.write('Are you open?');
    const [a, d] = [await openInbox(world, t, ayse, seeAll(ayse)), await openInbox(world, t, deniz, seeAll(deniz))];
    await a.open('Are you open?');
    await d.open('Are you open?');
    await a.input.pressSequentially('Yes, we');
    await d.page.getByText('Ayşe Yılmaz is writing an answer').waitFor();
    await d.shoot('light-somebody-writes');
    await d.input.pressSequentially('Until six');
    await a.write('Yes, until six.');
    await d.page.getByText('Ayşe Yılmaz has answered while you were writing.').waitFor();
    await d.input.press('Enter');
    await d.page.getByText('Send yours as well?').waitFor();
    await d.shoot('light-answered-meanwhile');
    await widget.shows('user: Are you open?', 'assistant: Yes, until six.');
    await d.page.getByRole('button', { name: 'Not yet' }).click();
    await d.page.getByText('has answered while').waitFor({ state: 'hidden' });
    assert.equal(await d.input.inputValue(), 'Until six');
    await d.input.press('Enter');
    await widget.shows('user: Are you open?', 'assistant: Yes, until six.', 'assistant: Until six');
});

test('offline: what is written waits over a reload, and is sent once, in order', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    const widget = await visitor(t, org);
    await widget.write('Hello?');
    const relay = await world.relay(t);
    const a = await openInbox(world, t, ayse, { ...seeAll(ayse), base: relay.url });
    a.profile.expectErrors(/net::ERR_|Failed to (fetch|load)/);
    await a.open('Hello?');
    await a.shows('visitor: Hello?');
    relay.rule = () => 'break';
    relay.cut();
    await a.write('one');
    await a.write('two');
    await a.banner.getByText('No connection').waitFor();
    await a.delivered('Sending…');
    await a.page.getByText('2 are waiting to be sent.').waitFor();
    await a.shoot('light-offline');
    await a.key('n');
    await a.write('a note');
    await a.shows('visitor: Hello?', 'team: one', 'team: two', 'note: a note');
    relay.rule = ({ method }) => (method === 'POST' ? 'lose' : 'pass'); // done, and the answer lost
    await a.page.reload();
    await a.shows('visitor: Hello?', 'team: one', 'team: two', 'note: a note');
    await becomes(() => relay.count('POST'), relay.count('POST'), '');
    await becomes(async () => (await transcripts(org))[0].length >= 2, true, 'that the first one has come through');
    relay.rule = () => 'pass';
    await widget.shows('user: Hello?', 'assistant: one', 'assistant: two');
    await a.delivered('Seen');
    await a.banner.waitFor({ state: 'hidden' });
    await a.shows('visitor: Hello?', 'team: one', 'team: two', 'note: a note');
    const { conversations: [{ id }] } = await org.agent.getOk('/conversations');
    /* What waits to be sent is shown too. */
    const waiting = () => a.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('helvino_inbox_out')).length);
    await becomes(waiting, 0, 'what waits');
    const { messages, notes } = await org.agent.getOk(`/conversations/${id}`);
    assert.deepEqual(messages.map(({ content }) => content), ['Hello?', 'one', 'two']);
    assert.deepEqual(notes.map(({ content }) => content), ['a note']);
});

test('what can’t be had without a connection says so, and comes by itself once there is one', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    for (const text of ['one', 'two']) {
        const each = org.visitor();
        await each.say(await each.converse(), text);
    }
    const relay = await world.relay(t);
    const a = await openInbox(world, t, ayse, { ...seeAll(ayse), base: relay.url });
    a.profile.expectErrors(/net::ERR_|Failed to (fetch|load)/);
    await a.listed('two', 'one');
    relay.rule = () => 'break';
    relay.cut();
    await a.banner.getByText('No connection').waitFor();
    await a.row('one').locator('.row-link').click();
    await a.thread.getByText('The server can’t be reached right now.').waitFor();
    await a.shoot('light-unreachable');
    relay.rule = () => 'pass';
    await a.shows('visitor: one');
    await a.banner.waitFor({ state: 'hidden' });
});

test('the server is killed in between and started again: nothing is lost, nothing doubled', async (t) => {
    const server = await world.ownServer(t);
    const { org, agents: [ayse, deniz] } = await team(['Ayşe', 'Deniz'], server);
    const widget = await visitor(t, org, server.url);
    await widget.write('one');
    const [a, d] = [
        await openInbox(world, t, ayse, { ...seeAll(ayse), base: server.url }),
        await openInbox(world, t, deniz, { ...seeAll(deniz), base: server.url }),
    ];
    for (const inbox of [a, d]) inbox.profile.expectErrors(/net::ERR_|Failed to (fetch|load)/);
    widget.profile.expectErrors(/net::ERR_|Failed to (fetch|load)/);
    await a.open('one');
    await d.open('one');
    await a.write('two');
    await widget.shows('user: one', 'assistant: two');
    await server.kill();
    await a.write('three');
    await widget.write('four');
    await d.key('n');
    await d.write('noted');
    for (const inbox of [a, d]) await inbox.banner.getByText('No connection').waitFor();
    const next = await world.startAgain(t, server);
    for (const inbox of [a, d]) {
        await becomes(async () => (await inbox.said()).sort(), ['note: noted', 'team: three', 'team: two', 'visitor: four', 'visitor: one'], 'what is on screen');
        await inbox.banner.waitFor({ state: 'hidden' });
    }
    assert.deepEqual(await a.said(), await d.said());
    const [said] = await transcripts(next.adopt(org));
    assert.deepEqual([...said].sort(), ['assistant: three', 'assistant: two', 'user: four', 'user: one']);
    await next.check();
});

test('a reply that is refused says why, and can be tried again or discarded', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    const widget = await visitor(t, org);
    await widget.write('Hello?');
    const relay = await world.relay(t);
    const a = await openInbox(world, t, ayse, { ...seeAll(ayse), base: relay.url });
    a.profile.expectErrors(/400/);
    await a.open('Hello?');
    relay.rule = ({ method, url }) => (method === 'POST' && url.endsWith('/messages') ? 'refuse' : 'pass');
    await a.write('one');
    await a.write('two');
    const failed = a.page.locator('.failed');
    await becomes(() => failed.count(), 2, 'what failed');
    assert.match(await failed.first().textContent(), /Not sent\. Refused for a test\./);
    await a.shoot('light-failed');
    relay.rule = () => 'pass';
    await failed.first().getByRole('button', { name: 'Try again' }).click();
    await failed.first().getByRole('button', { name: 'Discard' }).click();
    await widget.shows('user: Hello?', 'assistant: one');
    await a.shows('visitor: Hello?', 'team: one');
});

test('what people write is text, in both directions, wherever it is shown', async (t) => {
    const canary = await new Site().listen();
    t.after(() => canary.close());
    const { org, agents: [ayse] } = await team(['<b>Ayşe</b><img src=x onerror=alert(1)>']);
    const texts = payloads(canary.url);
    const widget = await visitor(t, org);
    await widget.write('begin');
    await widget.delivered('Sent');
    const { conversations: [{ id, visitorId }] } = await org.agent.getOk('/conversations');
    const visitorSays = org.visitor(await widget.visitorId());
    for (const text of texts) await visitorSays.say(id, text);
    await org.agent.request('PATCH', `/conversations/${id}`, { body: { tags: ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>'] } });
    await org.agent.post('/replies', { shortcut: '<img>', text: '<img src=x onerror=alert(1)>{{visitor.email}}' });
    const a = await openInbox(world, t, ayse, { ...seeAll(ayse), at: `#/c/${id}` });
    const expected = ['begin', ...texts].slice(-50);
    await becomes(async () => (await a.said()).map((line) => line.slice('visitor: '.length)), expected, 'the messages');
    for (const text of texts.slice(0, 30)) await a.write(text);
    await a.delivered('Seen');
    const answers = texts.slice(0, 30).map((text) => `assistant: ${text.trim()}`);
    await becomes(async () => (await widget.said()).slice(-30), answers, 'what the visitor sees');
    await a.key('n');
    await a.write('<img src=x onerror=alert(1)>');
    await a.key('r');
    await a.input.fill('/<i');
    await a.page.getByRole('option').first().click();
    await becomes(() => a.input.inputValue(), '<img src=x onerror=alert(1)>{{visitor.email}}', 'the reply');
    await a.key('t');
    await a.dialog.getByRole('option', { name: '<script>alert(1)</script>' }).waitFor();
    await a.page.keyboard.press('Escape');
    await a.key('Control+k');
    await a.dialog.getByRole('combobox').fill('<img');
    await a.page.keyboard.press('Escape');
    assert.equal(await a.visitor.isVisible(), true, visitorId);
    // Nothing of it has become an element, and nobody was asked for anything.
    const made = await a.page.evaluate(() =>
        [...document.querySelectorAll('img, script, iframe, object, embed, base, form[action], style, video, audio, [href^="javascript:" i], [srcdoc]')]
            .filter((element) => !(element.localName === 'script' && new URL(element.src).pathname.startsWith('/widget/inbox-boot.')))
            .map((element) => element.outerHTML),
    );
    assert.deepEqual(made, []);
    const handlers = await a.page.evaluate(() => [...document.querySelectorAll('*')].flatMap((each) => [...each.attributes].filter(({ name }) => /^on/.test(name)).map(({ name }) => name)));
    assert.deepEqual(handlers, []);
    assert.equal(await a.page.evaluate(() => window.__pwned), undefined);
    assert.deepEqual(canary.hits, []);
    for (const { url } of a.profile.requests) assert.equal(new URL(url).origin, new URL(world.server.url).origin, url);
    const links = await a.log.locator('a').evaluateAll((all) => all.map(({ href, rel, target }) => [new URL(href).protocol, rel, target]));
    for (const [protocol, rel, target] of links) {
        assert.match(protocol, /^(https?|mailto):$/);
        assert.deepEqual([rel, target], ['noopener noreferrer nofollow', '_blank']);
    }
});

const TABS = 12;

test('twelve tabs share one stream, show the same, and one takes over', async (t) => {
    const { org, agents: [ayse] } = await team(['Ayşe']);
    const widget = await visitor(t, org);
    await widget.write('one');
    const relay = await world.relay(t);
    const first = await openInbox(world, t, ayse, { ...seeAll(ayse), base: relay.url });
    const tabs = [first];
    while (tabs.length < TABS) tabs.push(await openInbox(world, t, ayse, { base: relay.url, profile: first.profile }));
    for (const tab of tabs) await tab.open('one');
    await becomes(() => relay.streams.size, 1, 'the number of streams');
    await widget.write('two');
    for (const tab of tabs) await tab.shows('visitor: one', 'visitor: two');
    await tabs[2].write('three');
    for (const tab of tabs) await tab.shows('visitor: one', 'visitor: two', 'team: three');
    await tabs.shift().page.close();
    await widget.write('four');
    for (const tab of tabs) await tab.shows('visitor: one', 'visitor: two', 'team: three', 'visitor: four');
    await becomes(() => relay.streams.size, 1, 'the number of streams');
    await tabs[0].write('five');
    await widget.shows('user: one', 'user: two', 'assistant: three', 'user: four', 'assistant: five');
    assert.equal((await transcripts(org))[0].length, 5);
});

