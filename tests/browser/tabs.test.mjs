/* Several tabs of one browser are one visitor: one stream, one picture, one sound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, becomes, onlyConversation, transcripts, worldFor } from './browser.mjs';

const world = worldFor();
const TABS = 12;

/** Counts what can be heard, over all tabs, and lets a test say which tabs are hidden: to Chromium without a screen all are visible. */
async function observe(profile) {
    let rings = 0;
    await profile.context.exposeFunction('__rang', () => void rings++);
    await profile.context.addInitScript(() => {
        const starts = (node) => {
            const start = node.prototype.start;
            node.prototype.start = function (...when) {
                if (this.context instanceof AudioContext && !this.context.__heard) {
                    this.context.__heard = true; // a ring of several tones is one
                    window.__rang();
                    setTimeout(() => (this.context.__heard = false), 500);
                }
                return start.apply(this, when);
            };
        };
        starts(OscillatorNode);
        starts(AudioBufferSourceNode);
        const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () {
            window.__rang();
            return play.call(this);
        };
        let hidden = false;
        Object.defineProperty(document, 'hidden', { get: () => hidden });
        Object.defineProperty(document, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
        document.hasFocus = () => !hidden;
        window.__hide = (now) => {
            hidden = now;
            document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
            window.dispatchEvent(new Event(now ? 'blur' : 'focus'));
        };
    });
    return { rings: () => rings };
}

const hide = (tab, hidden = true) => tab.page.evaluate((now) => window.__hide(now), hidden);

test('twelve tabs share one stream, show the same, and one takes over when the leader is closed', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    const url = world.page(org, { base: relay.url });
    const first = await profile.tab(url);
    await first.open();
    await first.write('from the first');
    await first.delivered('Sent');
    const conversation = await onlyConversation(org);
    const tabs = [first, ...(await Promise.all(Array.from({ length: TABS - 1 }, () => profile.tab(url))))];
    for (const tab of tabs.slice(1)) await tab.open();
    const expected = ['user: from the first'];
    const everywhere = () => Promise.all(tabs.map((tab) => tab.shows(...expected)));
    await everywhere();
    await becomes(() => relay.streams.size, 1, 'the number of streams');

    await answer(org, conversation, 'to all');
    expected.push('assistant: to all');
    await everywhere();
    await tabs[7].write('from the eighth');
    expected.push('user: from the eighth');
    await everywhere();
    assert.equal(relay.streams.size, 1);

    // Whoever leads, closing the older half closes the leader, in every order of election.
    for (let left = tabs.length; left > 3; left--) {
        const streams = relay.count('GET /stream');
        await tabs.shift().page.close();
        const text = `${left} were there`;
        await answer(org, conversation, text);
        expected.push(`assistant: ${text}`);
        await everywhere();
        if (relay.count('GET /stream') > streams) t.diagnostic('a new leader');
    }
    await becomes(() => relay.streams.size, 1, 'the number of streams');
    await tabs[1].write('still here');
    expected.push('user: still here');
    await everywhere();
    assert.deepEqual(await transcripts(org), [expected]);
    for (const tab of tabs.splice(0)) await tab.page.close();
    await becomes(() => relay.streams.size, 0, 'the number of streams');
});

test('a leader that crashes is replaced', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    const url = world.page(org, { base: relay.url });
    const leader = await profile.tab(url);
    await leader.open();
    await leader.write('hello');
    await leader.delivered('Sent');
    await becomes(() => relay.streams.size, 1, 'the number of streams');
    const other = await profile.tab(url);
    await other.open();
    await other.shows('user: hello');
    await leader.page.goto('chrome://crash').catch(() => {});
    await answer(org, await onlyConversation(org), 'anybody?');
    await other.shows('user: hello', 'assistant: anybody?');
    await becomes(() => relay.streams.size, 1, 'the number of streams');
});

test('a message written in a tab that is closed at once is sent by another', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    profile.expectErrors(/net::ERR_/);
    const url = world.page(org, { base: relay.url });
    const [one, two] = [await profile.tab(url), await profile.tab(url)];
    await one.open();
    await one.write('hello');
    await one.delivered('Sent');
    await two.open();
    await two.shows('user: hello');
    relay.rule = ({ method, url: path }) => (method === 'POST' && path.endsWith('/messages') ? 'break' : 'pass');
    await one.write('goodbye');
    await two.shows('user: hello', 'user: goodbye');
    await one.page.close();
    relay.rule = () => 'pass';
    await two.delivered('Sent');
    await two.shows('user: hello', 'user: goodbye');
    assert.deepEqual(await transcripts(org), [['user: hello', 'user: goodbye']]);
});

test('news ring once over all hidden tabs and are in their titles; sound can be switched off for all', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const heard = await observe(profile);
    const url = world.page(org);
    const tabs = [await profile.tab(url), await profile.tab(url), await profile.tab(url)];
    for (const tab of tabs) await tab.open();
    await tabs[0].write('hello');
    for (const tab of tabs) await tab.shows('user: hello');
    const conversation = await onlyConversation(org);
    const read = async () => (await org.agent.getOk(`/conversations/${conversation}`)).visitorReadSeq;
    const first = await answer(org, conversation, 'seen at once');
    await becomes(read, first.seq, 'the read mark');
    for (const tab of tabs) await tab.shows('user: hello', 'assistant: seen at once');
    assert.equal(heard.rings(), 0, 'no sound while the visitor looks');

    for (const tab of tabs) await hide(tab);
    const second = await answer(org, conversation, 'look here');
    for (const tab of tabs) {
        await tab.shows('user: hello', 'assistant: seen at once', 'assistant: look here');
        await becomes(() => tab.page.title(), '(1) Shop', 'the title of a hidden tab');
    }
    await becomes(() => heard.rings(), 1, 'the number of rings');
    for (const tab of tabs) await hide(tab, false);
    for (const tab of tabs) await becomes(() => tab.page.title(), 'Shop', 'the title of a visible tab');

    await becomes(read, second.seq, 'the read mark');

    await tabs[0].choose('Sound');
    for (const tab of tabs) await hide(tab);
    await answer(org, conversation, 'silent');
    for (const tab of tabs) await becomes(() => tab.page.title(), '(1) Shop', 'the title of a hidden tab');
    assert.equal(heard.rings(), 1, 'a sound though it is switched off');
});

test('what is read in one tab is read in all', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const url = world.page(org);
    const [one, two] = [await profile.tab(url), await profile.tab(url)];
    await one.open();
    await one.write('hello');
    await one.delivered('Sent');
    await one.page.evaluate(() => window.Helvino.close());
    await answer(org, await onlyConversation(org), 'news');
    await one.unread(1);
    await two.unread(1);
    await two.open();
    await two.shows('user: hello', 'assistant: news');
    await one.unread(0);
});
