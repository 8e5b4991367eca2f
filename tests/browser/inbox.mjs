/*
 * The inbox as its agents meet it: by roles, names and texts. Everything that knows how it is drawn is in class Inbox. An agent is
 * logged in beside the page (the log-in page has tests of its own), in a browser profile of its own.
 */
import assert from 'node:assert/strict';
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { ROOT } from '../http/server.mjs';
import { becomes, SCREENSHOTS } from './browser.mjs';

export const PASSWORD = 'a few words that nobody puts together';
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
export const DESKTOP = { viewport: { width: 1440, height: 900 } };

let number = 0;
/** Somebody who has a password: {id, email, name}. */
export async function makeAgent(org, name = `Agent ${++number}`, { role = 'agent', email = `agent-${++number}@example.com` } = {}) {
    const { server } = org;
    const printed = await server.cliOk('agent', 'create', email, '--org', org.key, '--role', role, '--name', name);
    const [token] = /hvl_[\w-]+/.exec(printed) ?? [];
    const answer = await org.anonymous.with({ 'x-org-key': undefined }).post('/password', { token, password: PASSWORD, name });
    assert.equal(answer.status, 204, answer.text);
    const { agents } = await org.agent.getOk('/agents');
    return { ...agents.find((agent) => agent.email === email), password: PASSWORD };
}

/** Opens the inbox as an agent. Options are those of a profile, and `at`, where behind '#', and `base`. */
export async function openInbox(world, t, agent, { at = '', base = world.server.url, keep = {}, profile, ...options } = {}) {
    const own = profile ?? (await world.profile(t, { ...DESKTOP, ...options }));
    if (!profile) await logInBeside(own, agent, base, keep);
    const page = await own.context.newPage();
    const inbox = new Inbox(page, own, agent);
    await page.goto(`${base}/inbox${at}`);
    await inbox.rail.waitFor();
    return inbox;
}

async function logInBeside(profile, agent, base, keep) {
    const answer = await profile.context.request.post(`${base}/session`, { data: { email: agent.email, password: agent.password ?? PASSWORD } });
    assert.equal(answer.status(), 201, await answer.text());
    await profile.context.addInitScript((kept) => {
        if (location.protocol === 'about:') return;
        if (localStorage.getItem('helvino_inbox_in') === null && !sessionStorage.getItem('begun')) {
            localStorage.setItem('helvino_inbox_in', '1');
            for (const [key, value] of Object.entries(kept)) localStorage.setItem(key, value);
        }
        sessionStorage.setItem('begun', '1');
    }, keep);
}

/** What an agent has chosen for itself, to be given as `keep`. */
export const preferring = (agent, prefs) => ({ [`helvino_inbox_prefs:${agent.id}`]: JSON.stringify(prefs) });
export const looking = (look) => ({ helvino_inbox_look: JSON.stringify(look) });

export class Inbox {
    constructor(page, profile, agent) {
        this.page = page;
        this.profile = profile;
        this.agent = agent;
        this.rail = page.locator('.rail');
        this.list = page.locator('.list-pane');
        this.rows = page.locator('.row');
        this.thread = page.locator('.thread-pane');
        this.log = page.getByRole('log');
        this.input = page.locator('.composer textarea');
        this.visitor = page.locator('.visitor-pane');
        this.dialog = page.locator('dialog[open]');
        this.toast = page.locator('.toast');
        this.banner = page.locator('.banner');
    }

    row(text) {
        return this.rows.filter({ has: this.page.locator('.row-text', { hasText: text }) });
    }

    /** The conversations in the list, from top to bottom, by what was said last. */
    async listed(...texts) {
        const found = () =>
            this.rows.evaluateAll((rows) =>
                rows
                    .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
                    .map((row) => row.querySelector('.row-text, .row-typing')?.lastChild.textContent ?? ''),
            );
        await becomes(found, texts, 'the list');
    }

    box(name) {
        return this.page.locator('.box', { hasText: name });
    }

    async open(text) {
        await this.row(text).locator('.row-link').click();
        await this.input.waitFor();
    }

    /** What is on screen: ["visitor: Hello", "team: Hi", "note: ask her"]. */
    said() {
        return this.page
            .locator('.message[data-side]')
            .evaluateAll((messages) => messages.map((message) => `${message.dataset.side}: ${message.querySelector('.message-text').textContent}`));
    }

    async shows(...lines) {
        await becomes(() => this.said(), lines, 'the messages on screen');
    }

    async write(text, keys = 'Enter') {
        await this.input.fill(text);
        await this.input.press(keys);
    }

    /** What became of the last reply of ours. */
    async delivered(state) {
        await becomes(async () => (await this.page.locator('.message-team .delivery').last().textContent()).trim(), state, 'the delivery');
    }

    async says(text) {
        await this.toast.filter({ hasText: text }).first().waitFor();
    }

    /** Presses a key outside of any input. */
    async key(...keys) {
        await this.page.evaluate(() => document.activeElement?.blur());
        for (const each of keys) await this.page.keyboard.press(each);
    }

    choice(text) {
        return this.dialog.getByRole('option', { name: text });
    }

    status() {
        return this.thread.locator('.thread-tools .pill').nth(1);
    }

    async shoot(name) {
        mkdirSync(SCREENSHOTS, { recursive: true });
        await settled(this.page);
        await this.page.screenshot({ path: join(SCREENSHOTS, `inbox-${name}.png`), animations: 'disabled' });
    }
}

/* ---- accessibility -------------------------------------------------------------------------------------------------- */

const axeSource = readFileSync(createRequire(join(ROOT, 'widget/package.json')).resolve('axe-core/axe.min.js'), 'utf8');

/** No transition is under way any more: half-faded colours have no contrast of their own. */
export function settled(page) {
    return page.evaluate(() => {
        const running = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
        return Promise.all(running.map(({ finished }) => finished.catch(() => {}))).then(() => {});
    });
}

/** What is wrong, with the elements. */
export async function violationsOf(page) {
    await settled(page);
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate(() =>
        window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
    );
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 300)} ${failureSummary}`).join(' | ')}`);
}

export async function audit(page, state) {
    assert.deepEqual(await violationsOf(page), [], state);
}
