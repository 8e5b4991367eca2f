/* Nothing lost, nothing doubled, order kept: without a network, with the server killed, behind proxies that swallow streams. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, becomes, onlyConversation, transcripts, worldFor } from './browser.mjs';

const world = worldFor();
const NETWORK_ERRORS = /net::ERR_|Failed to load resource/;

test('what is written without a network waits, survives a reload of the page, and is sent once', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    profile.expectErrors(NETWORK_ERRORS);
    const widget = await profile.tab(world.page(org));
    await widget.open();
    await widget.write('with a network');
    await widget.delivered('Sent');
    await profile.context.setOffline(true);
    await widget.write('without one', 'still without');
    await widget.shows('user: with a network', 'user: without one', 'user: still without');
    await widget.delivered('Sending…');
    await widget.shoot('offline');
    await answer(org, await onlyConversation(org), 'meanwhile');
    await profile.context.setOffline(false);
    await widget.delivered('Sent');
    await becomes(async () => (await widget.said()).length, 4, 'the messages on screen');
    const [said] = await transcripts(org);
    assert.deepEqual(said, ['user: with a network', 'assistant: meanwhile', 'user: without one', 'user: still without']);
    await widget.shows(...said);
});

test('a message that could not be sent before the page was left is sent by the next page', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    profile.expectErrors(NETWORK_ERRORS);
    const url = world.page(org, { base: relay.url });
    const widget = await profile.tab(url);
    await widget.open();
    await widget.write('arrives');
    await widget.delivered('Sent');
    relay.rule = ({ method, url: path }) => (method === 'POST' && path.endsWith('/messages') ? 'break' : 'pass');
    await widget.write('waits');
    await becomes(() => relay.count('POST') >= 3, true, 'a try to send it');
    await widget.page.goto('about:blank');
    assert.deepEqual(await transcripts(org), [['user: arrives']]);
    relay.rule = () => 'pass';
    await widget.page.goto(url);
    await becomes(() => transcripts(org), [['user: arrives', 'user: waits']], 'what the server has');
    await widget.open();
    await widget.shows('user: arrives', 'user: waits');
});

test('a message whose answer was lost on the way is not doubled', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    profile.expectErrors(NETWORK_ERRORS);
    const widget = await profile.tab(world.page(org, { base: relay.url }));
    await widget.open();
    let lost = 0;
    // The server gets it; the browser never hears of it.
    relay.rule = ({ method, url }) => (method === 'POST' && url.startsWith('/conversations') && lost++ < 4 ? 'lose' : 'pass');
    await widget.write('once', 'and once more');
    await widget.delivered('Sent');
    await widget.shows('user: once', 'user: and once more');
    assert.ok(lost > 4);
    assert.deepEqual(await transcripts(org), [['user: once', 'user: and once more']]);
});

test('a message that the server refuses says why, and can be sent again', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    profile.expectErrors(NETWORK_ERRORS);
    const widget = await profile.tab(world.page(org, { base: relay.url }));
    await widget.open();
    await widget.write('fine');
    await widget.delivered('Sent');
    relay.rule = ({ method, url }) => (method === 'POST' && url.endsWith('/messages') ? 'refuse' : 'pass');
    await widget.write('refused');
    await widget.retry.waitFor();
    assert.match(await widget.delivery(), /for a test/);
    await widget.shoot('failed');
    relay.rule = () => 'pass';
    await widget.retry.click();
    await widget.delivered('Sent');
    await widget.shows('user: fine', 'user: refused');
    assert.deepEqual(await transcripts(org), [['user: fine', 'user: refused']]);
});

test('the server is killed and started again in the middle of a conversation', async (t) => {
    let server = await world.ownServer(t);
    let org = await server.org();
    const profile = await world.profile(t);
    profile.expectErrors(NETWORK_ERRORS);
    const widget = await profile.tab(world.page(org, { base: server.url }));
    await widget.open();
    const expected = { user: [], assistant: [] };
    const say = async (number) => {
        expected.user.push(`user: v${number}`);
        await widget.write(`v${number}`);
    };
    const reply = async (number) => {
        expected.assistant.push(`assistant: a${number}`);
        await answer(org, await onlyConversation(org), `a${number}`);
    };
    for (let round = 0; round < 3; round++) {
        await say(`${round}.1`);
        if (round === 0) await widget.delivered('Sent');
        await reply(`${round}.2`);
        await say(`${round}.3`); // perhaps committed, perhaps not, perhaps unanswered
        await server.kill();
        await say(`${round}.4`);
        server = await world.startAgain(t, server);
        org = server.adopt(org);
        await reply(`${round}.5`); // before the widget has found its way back
        await say(`${round}.6`);
    }
    await widget.delivered('Sent');
    await becomes(async () => (await widget.said()).length, 18, 'the number of messages on screen');
    const [said] = await transcripts(org);
    await widget.shows(...said);
    assert.deepEqual(said.filter((line) => line.startsWith('user')), expected.user);
    assert.deepEqual(said.filter((line) => line.startsWith('assistant')), expected.assistant);
    await widget.page.reload();
    await widget.open();
    await widget.shows(...said);
    await profile.context.close();
    await server.stop();
    await server.check();
});

for (const [rule, kind] of [
    ['hang', 'never answers a stream'],
    ['mute', 'holds back what a stream says'],
    ['break', 'breaks streams off'],
]) {
    test(`behind a proxy that ${kind}, answers come by asking`, async (t) => {
        const org = await world.server.org();
        const relay = await world.relay(t);
        relay.rule = ({ url }) => (url.startsWith('/stream') ? rule : 'pass');
        const profile = await world.profile(t);
        profile.expectErrors(NETWORK_ERRORS);
        const { clock } = profile.context;
        await clock.install(); // time that the test can push on
        const widget = await profile.tab(world.page(org, { base: relay.url }));
        await widget.open();
        const lines = [];
        for (const word of ['one', 'two']) {
            await widget.write(`${word}?`);
            await widget.delivered('Sent');
            await answer(org, await onlyConversation(org), word);
            lines.push(`user: ${word}?`, `assistant: ${word}`);
            const soon = async () => {
                await clock.fastForward(2_000);
                return widget.said();
            };
            await becomes(soon, lines, 'the messages on screen');
        }
    });
}

test('a stream that is cut again and again misses nothing', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    profile.expectErrors(NETWORK_ERRORS);
    const widget = await profile.tab(world.page(org, { base: relay.url }));
    await widget.open();
    await widget.write('begin');
    await widget.delivered('Sent');
    const conversation = await onlyConversation(org);
    const lines = ['user: begin'];
    for (let number = 1; number <= 12; number++) {
        await answer(org, conversation, `piece ${number}`);
        lines.push(`assistant: piece ${number}`);
        if (number % 4 === 0) relay.cut();
    }
    await widget.shows(...lines);
});
