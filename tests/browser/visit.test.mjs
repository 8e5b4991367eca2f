/* What a visitor meets, from the first page on: the chat itself, coming back, other profiles, news, who is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, becomes, listen, onlyConversation, transcripts, worldFor } from './browser.mjs';

const world = worldFor({ flags: ['--demo'] });

test('loading a page makes no visitor and loads no code of the panel', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    await widget.launcher.waitFor();
    assert.match(await widget.visitorId(), /^v_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    await widget.page.waitForLoadState('networkidle');
    assert.equal(profile.requestsTo('/widget/'), 0, 'code was loaded without anybody having asked for it');
    assert.equal(profile.requestsTo('/stream'), 0);
    assert.deepEqual((await org.agent.getOk('/visitors')).visitors, []);
    const question = 'select count(*) as n from visitors where "orgId" = :org';
    const rows = await world.server.cliOk('dump', 'sql', question, '--org', org.key, '--format', 'csv');
    assert.match(rows, /^"?n"?\r?\n0\r?\n$/);
});

test('an organisation that counts visits has its visitor from the first page on', async (t) => {
    const org = await world.server.org();
    await world.server.cliOk('org', 'update', org.key, '--count-visits', 'on');
    const widget = await (await world.profile(t)).tab(world.page(org));
    const key = await widget.visitorId();
    await becomes(async () => (await org.seen(key))?.visitorKey, key, 'the visitor in the list');
});

test('opening the chat makes the visitor, writing makes the conversation, and an answer comes by itself', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    const key = await widget.visitorId();
    await becomes(async () => (await org.seen(key))?.visitorKey, key, 'the visitor in the list');
    assert.deepEqual(await transcripts(org), []);
    await widget.write('Hello, is this open?');
    await widget.shows('user: Hello, is this open?');
    await widget.delivered('Sent');
    await answer(org, await onlyConversation(org), 'It is.\nUntil six.');
    await widget.shows('user: Hello, is this open?', 'assistant: It is.\nUntil six.');
    assert.deepEqual(await transcripts(org), [['user: Hello, is this open?', 'assistant: It is.\nUntil six.']]);
});

test('Enter sends, Shift+Enter breaks the line, and nothing is sent of spaces alone', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    await widget.write('   ');
    await widget.input.fill('one');
    await widget.input.press('Shift+Enter');
    await widget.input.pressSequentially('two 😀');
    await widget.input.press('Enter');
    await widget.shows('user: one\ntwo 😀');
    assert.equal(await widget.input.inputValue(), '');
    await widget.delivered('Sent');
    assert.deepEqual(await transcripts(org), [['user: one\ntwo 😀']]);
});

test('a reload, another page and another tab keep the conversation; another profile is another visitor', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const url = world.page(org);
    const widget = await profile.tab(url);
    await widget.open();
    await widget.write('first');
    await widget.delivered('Sent');
    await answer(org, await onlyConversation(org), 'second');
    await widget.shows('user: first', 'assistant: second');
    await widget.page.reload();
    await widget.open();
    await widget.shows('user: first', 'assistant: second');
    await widget.page.goto(world.page(org, { embed: 'one' }));
    await widget.open();
    await widget.shows('user: first', 'assistant: second');
    const tab = await profile.tab(url);
    await tab.open();
    await tab.shows('user: first', 'assistant: second');
    await tab.write('third');
    await tab.delivered('Sent');
    assert.deepEqual(await transcripts(org), [['user: first', 'assistant: second', 'user: third']]);

    const stranger = await (await world.profile(t)).tab(url);
    await stranger.open();
    assert.notEqual(await stranger.visitorId(), await widget.visitorId());
    await stranger.write('somebody else');
    await stranger.shows('user: somebody else');
    await stranger.delivered('Sent');
    await becomes(async () => (await org.agent.getOk('/visitors')).visitors.length, 2, 'the number of visitors');
    assert.deepEqual(await transcripts(org), [['user: first', 'assistant: second', 'user: third'], ['user: somebody else']]);
});

test('an answer that came while the visitor was away is on the launcher, and code is there before the click', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const url = world.page(org);
    const widget = await profile.tab(url);
    await widget.open();
    await widget.write('I have to go');
    await widget.delivered('Sent');
    await widget.page.goto('about:blank');
    const conversation = await onlyConversation(org);
    await answer(org, conversation, 'one');
    await answer(org, conversation, 'two');
    await widget.page.goto(url);
    await widget.unread(2);
    await widget.open();
    await widget.shows('user: I have to go', 'assistant: one', 'assistant: two');
    await widget.unread(0);
    await becomes(
        async () => (await org.agent.getOk(`/conversations/${conversation}`)).visitorReadSeq,
        (await org.agent.getOk(`/conversations/${conversation}`)).lastMessage.seq,
        'the read mark',
    );
    await widget.page.reload();
    await widget.launcher.waitFor();
    await widget.unread(0);
});

test('news that come while the panel is closed are counted on the launcher at once', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    await widget.write('hello');
    await widget.delivered('Sent');
    await widget.page.evaluate(() => window.Helvino.close());
    await answer(org, await onlyConversation(org), 'there?');
    await widget.unread(1);
    await widget.open();
    await widget.shows('user: hello', 'assistant: there?');
    await widget.unread(0);
});

test('pointing at the launcher is enough to load the code of the panel', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    await widget.launcher.waitFor();
    assert.equal(profile.requestsTo('/widget/'), 0);
    await widget.launcher.hover();
    await becomes(() => profile.requestsTo('/widget/') > 0, true, 'that code is loaded');
    assert.deepEqual((await org.agent.getOk('/visitors')).visitors, []);
});

test('earlier conversations are listed, and each can be read and continued', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    const visitor = org.visitor(await widget.visitorId());
    const older = await visitor.converse();
    await visitor.say(older, 'about shoes');
    const { seq } = await answer(org, older, 'which size?');
    await visitor.post(`/conversations/${older}/read`, { seq });
    const newer = await visitor.converse();
    await visitor.say(newer, 'about hats');
    await widget.page.reload();
    await widget.open();
    await widget.shows('user: about hats');
    await widget.showHistory();
    await widget.conversation('which size?').click();
    await widget.shows('user: about shoes', 'assistant: which size?');
    await widget.write('44');
    await widget.delivered('Sent');
    await widget.newConversation();
    await widget.shows();
    await widget.write('about gloves');
    await widget.delivered('Sent');
    await widget.shows('user: about gloves');
    assert.deepEqual(await transcripts(org), [
        ['user: about shoes', 'assistant: which size?', 'user: 44'],
        ['user: about hats'],
        ['user: about gloves'],
    ]);
});

test('a long list of conversations begins with the newest, also beside a new one', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    const visitor = org.visitor(await widget.visitorId());
    for (let count = 1; count <= 20; ++count) await visitor.say(await visitor.converse(), `question ${count}`);
    await widget.page.reload();
    await widget.open();
    await widget.shows('user: question 20');
    await widget.newConversation();
    await widget.showHistory();
    const panel = await widget.panel.boundingBox();
    for (const shown of [widget.conversation('question 20'), widget.panel.getByRole('button', { name: 'New conversation' })]) {
        const { y, height } = await shown.boundingBox();
        assert.ok(y > panel.y && y + height < panel.y + panel.height, `${y} is outside of the panel`);
    }
    await widget.conversation('question 1').click();
    await widget.shows('user: question 1');
});

test('a first connection that takes its time is not called another one', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    relay.rule = ({ url }) => (url.startsWith('/stream') ? 'hang' : 'pass');
    const widget = await (await world.profile(t)).tab(world.page(org, { base: relay.url }));
    await widget.open();
    await widget.panel.getByText('Connecting…', { exact: true }).waitFor();
});

test('a long conversation begins with its end, and earlier messages are added above without a double', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    const visitor = org.visitor(await widget.visitorId());
    const conversation = await visitor.converse();
    const lines = [];
    for (let number = 1; number <= 130; number++) {
        await visitor.say(conversation, `number ${number}`);
        lines.push(`user: number ${number}`);
    }
    await widget.page.reload();
    await widget.open();
    await becomes(async () => (await widget.said()).at(-1), lines.at(-1), 'the last message');
    for (;;) {
        const before = await widget.said();
        assert.deepEqual(before, lines.slice(-before.length));
        if (before.length === lines.length) break;
        await widget.loadEarlier();
        await becomes(async () => (await widget.said()).length > before.length, true, 'that earlier messages come');
    }
});

test('each side sees that the other one types, and that its message was seen', async (t) => {
    const org = await world.server.org();
    const agent = await listen(t, org);
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    await widget.write('hello');
    await widget.delivered('Sent');
    const conversation = await onlyConversation(org);
    await org.agent.post(`/conversations/${conversation}/typing`, { typing: true });
    await widget.typing.waitFor();
    const { seq } = await answer(org, conversation, 'hi');
    await widget.typing.waitFor({ state: 'hidden' });
    await widget.input.pressSequentially('and');
    await becomes(() => agent.of('typing').some(({ role, typing }) => role === 'user' && typing), true, 'that the visitor types');
    await org.agent.post(`/conversations/${conversation}/read`, { seq });
    await widget.delivered('Seen');
    await becomes(() => agent.of('conversation').some(({ visitorReadSeq }) => visitorReadSeq === seq), true, 'that the answer was read');
});

test('when nobody is there the visitor is told, and can leave an address that the organisation gets', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    await widget.open();
    await widget.write('call me');
    await widget.delivered('Sent');
    await widget.email.waitFor();
    await widget.shoot('away');
    await widget.email.fill('not an address');
    await widget.email.press('Enter');
    assert.equal((await org.seen(await widget.visitorId())).email, null);
    await widget.email.fill('ada@example.com');
    await widget.email.press('Enter');
    const key = await widget.visitorId();
    await becomes(async () => (await org.seen(key))?.email, 'ada@example.com', 'the address');
    const agent = await listen(t, org);
    await widget.email.waitFor({ state: 'hidden' });
    agent.stop();
});

test('out of business hours the visitor is told when somebody will be there', async (t) => {
    const soon = new Date(Date.now() + 2 * 86_400_000);
    const day = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][soon.getUTCDay()];
    const org = await world.server.org();
    await world.server.cliOk('org', 'update', org.key, '--business-hours', `UTC ${day} 00:00-24:00`);
    const agent = await listen(t, org);
    await becomes(async () => (await org.visitor().getOk('/api/bootloader')).opensAt !== null, true, 'the hours');
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    await widget.open();
    await widget.write('is somebody there?');
    await widget.delivered('Sent');
    await widget.shoot('closed');
    await widget.panel.getByText(/^Back again: \w+day.* 12:00/).waitFor();
    await widget.shoot('closed');
    agent.stop();
});

test('the demo page shows who one is, and the whole chat works on it', async (t) => {
    const profile = await world.profile(t);
    const widget = await profile.tab(`${world.server.url}/demo`);
    await widget.launcher.waitFor();
    const key = await widget.visitorId();
    await widget.page.getByText(key).first().waitFor();
    await widget.shoot('demo');
    const org = world.server.adopt({ key: 'demo', token: await world.server.token('demo') });
    await widget.open();
    await widget.write('a try');
    await widget.delivered('Sent');
    await answer(org, await onlyConversation(org), 'it works');
    await widget.shows('user: a try', 'assistant: it works');
    await widget.page.reload();
    await widget.open();
    await widget.shows('user: a try', 'assistant: it works');
    await widget.shoot('demo-open');
});
