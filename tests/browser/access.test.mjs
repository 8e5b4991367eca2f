/* For everybody: axe-core in every state, the keyboard alone, phones, right to left, dark, without motion, six languages. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../http/server.mjs';
import { answer, becomes, listen, onlyConversation, transcripts, worldFor } from './browser.mjs';

const world = worldFor();
const axeSource = readFileSync(createRequire(join(ROOT, 'widget/package.json')).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** Fails for each violation, with the elements. Also what axe could not decide about contrast must be nothing. */
async function audit(widget, state) {
    await settled(widget.page);
    await widget.page.evaluate(axeSource);
    const { violations } = await widget.page.evaluate(() =>
        window.axe.run(document, {
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
            rules: { region: { enabled: false } }, // about the page around it
        }),
    );
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`);
    assert.deepEqual(found, [], state);
}

/** No transition is under way any more: half-faded colours have no contrast of their own. */
function settled(page) {
    return page.evaluate(() => {
        const roots = [document, ...[...document.querySelectorAll('*')].map(({ shadowRoot }) => shadowRoot).filter(Boolean)];
        const running = roots.flatMap((root) => root.getAnimations()).filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
        return Promise.all(running.map(({ finished }) => finished.catch(() => {}))).then(() => {});
    });
}

/** In whatever language: what is said is asked of the server. */
async function conversation(widget, org) {
    const said = async () => (await transcripts(org))[0]?.length ?? 0;
    await widget.open();
    await widget.write('Do you have these shoes in 44? https://shop.example/shoes');
    await becomes(said, 1, 'the messages');
    const id = await onlyConversation(org);
    await answer(org, id, 'Yes, in black and in brown.\nShall I keep a pair for you?');
    await answer(org, id, 'We close at six.');
    await widget.write('Yes please, brown! 👟');
    await becomes(said, 4, 'the messages');
    const { lastMessage } = await org.agent.getOk(`/conversations/${id}`);
    await org.agent.post(`/conversations/${id}/read`, { seq: lastMessage.seq });
    await becomes(async () => (await widget.said()).length, 4, 'the messages');
    await widget.unread(0);
    return id;
}

for (const [name, options, setUp] of [
    ['light', {}, []],
    ['dark', { colorScheme: 'dark' }, []],
    ['phone', PHONE, []],
    ['phone-dark', { ...PHONE, colorScheme: 'dark' }, []],
    ['arabic', {}, ['--widget-language', 'ar', '--widget-position', 'left', '--widget-title', 'متجر الأحذية', '--widget-subtitle', 'نجيب عادة خلال دقائق']],
    ['pale', {}, ['--widget-color', '#ffee88']],
    ['forced-colors', { forcedColors: 'active' }, []],
]) {
    test(`axe-core finds nothing in any state: ${name}`, async (t) => {
        const org = await world.server.org(undefined, '--name', 'Shoe shop');
        if (setUp.length > 0) await world.server.cliOk('org', 'update', org.key, ...setUp);
        const profile = await world.profile(t, { reducedMotion: 'reduce', ...options });
        const widget = await profile.tab(world.page(org));
        const state = async (label) => {
            await audit(widget, label);
            await widget.shoot(`${name}-${label}`);
        };
        await widget.launcher.waitFor();
        await state('closed');
        await widget.open();
        await state('open');
        await widget.page.evaluate(() => window.Helvino.close());
        const id = await conversation(widget, org);
        await org.agent.post(`/conversations/${id}/typing`, { typing: true });
        await widget.typing.waitFor();
        await state('conversation');
        await widget.openMenu();
        await state('menu');
        await widget.chooseForget();
        await state('forget');
        await widget.page.keyboard.press('Escape');
        await widget.forgetDialog.waitFor({ state: 'hidden' });
        await widget.showHistory();
        await state('history');
        await widget.page.evaluate(() => window.Helvino.close());
        await answer(org, id, 'Still there?');
        await widget.unread(1);
        await state('unread');
    });
}

test('every language has its own words, and Arabic runs from right to left', async (t) => {
    const seen = new Map();
    for (const language of ['en', 'tr', 'de', 'fr', 'es', 'ar']) {
        const org = await world.server.org();
        await world.server.cliOk('org', 'update', org.key, '--widget-language', language);
        const widget = await (await world.profile(t)).tab(world.page(org));
        await widget.open();
        const words = await widget.words();
        assert.ok(words.length > 3);
        for (const [other, theirs] of seen) assert.notDeepEqual(words, theirs, `${language} and ${other}`);
        seen.set(language, words);
        const { direction, lang } = await widget.panel.evaluate((panel) => ({
            direction: getComputedStyle(panel).direction,
            lang: panel.closest('[lang]')?.lang,
        }));
        assert.equal(direction, language === 'ar' ? 'rtl' : 'ltr');
        const inputDirection = () => widget.input.evaluate((input) => getComputedStyle(input).direction);
        assert.equal(await inputDirection(), direction, 'an empty input: where its placeholder stands');
        for (const [text, expected] of [['Hello', 'ltr'], ['مرحبا', 'rtl'], ['', direction]]) {
            await widget.input.fill(text);
            await becomes(inputDirection, expected, `the direction of "${text}"`);
        }
        assert.equal(lang, language);
        await widget.profile.context.close();
    }
});

test('without a setting the language is the browser\'s, and English where we don\'t speak it', async (t) => {
    const org = await world.server.org();
    const languages = [];
    for (const locale of ['de-CH', 'fi-FI']) {
        const widget = await (await world.profile(t, { locale })).tab(world.page(org));
        await widget.open();
        languages.push(await widget.panel.evaluate((panel) => panel.closest('[lang]')?.lang));
        await widget.profile.context.close();
    }
    assert.deepEqual(languages, ['de', 'en']);
});

/* ---- the keyboard ----------------------------------------------------------------------------------------------------- */

/** What has the focus, through shadow roots. */
function focused(page) {
    return page.evaluate(() => {
        let element = document.activeElement;
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        const named = [element.ariaLabel, element.title, element.labels?.[0]?.textContent, element.textContent.trim()];
        return `${element.localName}: ${named.find(Boolean) ?? ''}`;
    });
}

const isIn = (locator) => locator.evaluate((element) => element.contains(element.getRootNode().activeElement));

test('a whole chat by keyboard: open, write, menu, back to the launcher', async (t) => {
    const org = await world.server.org();
    const body = '<a href="#before">before</a>';
    const widget = await (await world.profile(t)).tab(world.page(org, { body }));
    const { keyboard } = widget.page;
    await widget.launcher.waitFor();
    await widget.page.locator('a').focus();
    await keyboard.press('Tab');
    assert.equal(await widget.launcher.evaluate((button) => button.getRootNode().activeElement === button), true);
    assert.equal(await widget.launcher.getAttribute('aria-expanded'), 'false');
    await keyboard.press('Enter');
    await becomes(() => isIn(widget.panel), true, 'that the focus is in the panel');
    await becomes(() => widget.input.evaluate((input) => input.getRootNode().activeElement === input), true, 'the focus in the input');
    await keyboard.type('by keyboard');
    await keyboard.press('Enter');
    await widget.shows('user: by keyboard');
    await widget.delivered('Sent');
    assert.equal(await widget.input.evaluate((input) => input.getRootNode().activeElement === input), true, 'the focus stays');

    // Round the panel once: the focus never leaves it, every stop is seen and has a name.
    const stops = [];
    do {
        await keyboard.press('Tab');
        stops.push(await focused(widget.page));
        assert.equal(await isIn(widget.panel), true, `the focus left the panel: ${stops}`);
        assert.match(stops.at(-1), /: ./, 'a stop without a name');
    } while (stops.at(-1) !== stops[0] || stops.length === 1);
    assert.ok(stops.length > 4 && stops.length < 20, stops.join(', '));
    await keyboard.press('Shift+Tab');
    assert.equal(await isIn(widget.panel), true);

    await widget.menuButton.focus();
    await keyboard.press('Enter');
    await widget.menu.waitFor();
    await becomes(() => isIn(widget.menu), true, 'that the focus is in the menu');
    const first = await focused(widget.page);
    await keyboard.press('ArrowDown');
    assert.notEqual(await focused(widget.page), first);
    await keyboard.press('End');
    await keyboard.press('Home');
    assert.equal(await focused(widget.page), first);
    await keyboard.press('Escape');
    await widget.menu.waitFor({ state: 'hidden' });
    await becomes(() => widget.menuButton.evaluate((button) => button.getRootNode().activeElement === button), true, 'the focus on the menu\'s button');

    await widget.chooseForget();
    await becomes(() => isIn(widget.forgetDialog), true, 'that the focus is in the dialog');
    await keyboard.press('Escape');
    await widget.forgetDialog.waitFor({ state: 'hidden' });
    assert.equal(await isIn(widget.panel), true);

    await keyboard.press('Escape');
    await widget.input.waitFor({ state: 'hidden' });
    await becomes(() => widget.launcher.evaluate((button) => button.getRootNode().activeElement === button), true, 'the focus on the launcher');
    await keyboard.press('Space');
    await widget.input.waitFor();
});

test('what has the focus can be seen', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.launcher.waitFor();
    await widget.page.keyboard.press('Tab');
    const look = () =>
        widget.page.evaluate(() => {
            let element = document.activeElement;
            while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
            const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
            const around = getComputedStyle(element.closest('.composer') ?? element);
            return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none' || around.outlineStyle !== 'none' || around.boxShadow !== 'none';
        });
    assert.equal(await look(), true, 'the launcher');
    await widget.page.keyboard.press('Enter');
    await becomes(() => isIn(widget.panel), true, 'that the focus is in the panel');
    for (let stop = 0; stop < 6; stop++) {
        await widget.page.keyboard.press('Tab');
        assert.equal(await look(), true, await focused(widget.page));
    }
});

test('what comes is said by screen readers once, and the button says what is unread', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    await widget.write('hello');
    await widget.delivered('Sent');
    const conversation = await onlyConversation(org);
    await answer(org, conversation, 'said aloud');
    const aloud = async () => (await widget.panel.locator('[aria-live=polite]').allTextContents()).filter((text) => text.includes('said aloud')).length;
    await becomes(aloud, 1, 'the live regions with the answer');
    assert.equal(await widget.log.getAttribute('aria-live'), 'off', 'it would be said twice');
    await becomes(async () => (await org.agent.getOk(`/conversations/${conversation}`)).visitorReadSeq > 0, true, 'the read mark');
    await widget.page.evaluate(() => window.Helvino.close());
    await answer(org, conversation, 'hi');
    await widget.unread(1);
    assert.match(await widget.launcher.getAttribute('aria-label'), /1/);
});

/* ---- screens ------------------------------------------------------------------------------------------------------------- */

test('on a phone the panel is the whole screen, inputs don\'t zoom, and nothing scrolls sideways', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t, PHONE);
    const body = '<p>long page</p>'.repeat(200);
    const widget = await profile.tab(world.page(org, { body }));
    await widget.launcher.tap();
    await widget.input.waitFor();
    await settled(widget.page);
    const box = await widget.panel.boundingBox();
    assert.deepEqual(Object.values(box).map(Math.round), [0, 0, PHONE.viewport.width, PHONE.viewport.height]);
    await widget.write('w'.repeat(300), 'hello https://example.com/'.padEnd(200, 'x'));
    await becomes(async () => (await widget.said()).length, 2, 'the messages');
    const sizes = await widget.page
        .locator('input, textarea, select')
        .evaluateAll((fields) => fields.map((field) => parseFloat(getComputedStyle(field).fontSize)));
    for (const size of sizes) assert.ok(size >= 16, `a field of ${size} px makes phones zoom`);
    const wide = await widget.panel.evaluate((panel) =>
        [panel, ...panel.querySelectorAll('*')].filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== 'visible' && element.clientWidth > 1).map((element) => element.outerHTML.slice(0, 120)),
    );
    assert.deepEqual(wide, []);
    assert.equal(await widget.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    const targets = await widget.panel.locator('button:visible').evaluateAll((buttons) =>
        buttons.map((button) => button.getBoundingClientRect()).filter(({ width, height }) => width < 24 || height < 24).length,
    );
    assert.equal(targets, 0, 'a button smaller than a finger (24 px)');
    await widget.page.setViewportSize({ width: 844, height: 390 });
    assert.equal(await widget.input.isVisible(), true, 'the input is there in landscape');
    const bottom = await widget.input.evaluate((input) => input.getBoundingClientRect().bottom <= innerHeight);
    assert.equal(bottom, true);
    await widget.shoot('phone-landscape');
});

test('on a phone a chat at the left is the whole screen as well', async (t) => {
    const org = await world.server.org();
    await world.server.cliOk('org', 'update', org.key, '--widget-position', 'left');
    const profile = await world.profile(t, PHONE);
    const widget = await profile.tab(world.page(org));
    await widget.launcher.tap();
    await widget.input.waitFor();
    await settled(widget.page);
    const box = await widget.panel.boundingBox();
    assert.deepEqual(Object.values(box).map(Math.round), [0, 0, PHONE.viewport.width, PHONE.viewport.height]);
});

test('a window that grows or shrinks while the chat is open has it beside the page, or over it', async (t) => {
    const org = await world.server.org();
    const own = '<button id="own" onclick="this.textContent = `pressed`">A button</button>';
    const widget = await (await world.profile(t, { viewport: { width: 390, height: 844 } })).tab(world.page(org, { body: own }));
    const isModal = () => widget.panel.evaluate((panel) => panel.matches(':modal'));
    await widget.open();
    assert.equal(await isModal(), true);
    await widget.input.fill('half a message');
    await widget.page.setViewportSize({ width: 1200, height: 800 });
    await becomes(isModal, false, 'that the page is behind it');
    await widget.page.locator('#own').click();
    assert.equal(await widget.page.locator('#own').textContent(), 'pressed');
    await widget.page.setViewportSize({ width: 390, height: 844 });
    await becomes(isModal, true, 'that the page is behind it');
    assert.equal(await widget.input.inputValue(), 'half a message');
    assert.equal(await widget.page.evaluate(() => window.Helvino.isOpen()), true);
    await widget.page.keyboard.press('Escape');
    await widget.input.waitFor({ state: 'hidden' });
    assert.equal(await widget.page.evaluate(() => window.Helvino.isOpen()), false);
});

test('a small window and one of 320 px at 200 % keep everything in reach', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t, { viewport: { width: 320, height: 256 } })).tab(world.page(org));
    await widget.open();
    await widget.write('hello');
    await widget.shows('user: hello');
    await widget.chooseForget();
    await widget.forgetWord.fill('x');
    await widget.shoot('tiny-forget');
});

test('a long text and what is wrong with it leave the send button in reach at 320 px and 400 %', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t, { viewport: { width: 320, height: 256 } })).tab(world.page(org));
    await widget.open();
    await widget.write('line '.repeat(8000));
    await widget.panel.getByText('This message is too long').waitFor();
    const bottom = () => widget.sendButton.evaluate((button) => button.getBoundingClientRect().bottom <= innerHeight);
    await becomes(bottom, true, 'that the button is on screen');
});

test('a name in another direction stands where the others stand', async (t) => {
    for (const [language, title] of [['ar', 'Shoe shop'], ['en', 'متجر']]) {
        const org = await world.server.org();
        await world.server.cliOk('org', 'update', org.key, '--widget-language', language, '--widget-title', title);
        const widget = await (await world.profile(t)).tab(world.page(org));
        await widget.open();
        const [name, line] = await widget.panel.locator('header :is(h2, p)').evaluateAll((elements) =>
            elements.map((element) => {
                const range = document.createRange();
                range.selectNodeContents(element);
                const { left, right } = range.getBoundingClientRect();
                return getComputedStyle(element.closest('dialog')).direction === 'rtl' ? right : left;
            }),
        );
        assert.ok(Math.abs(name - line) < 2, `${language}: the name begins at ${name}, the line below at ${line}`);
    }
});

test('a long address and a receipt stay inside what frames them', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t, { viewport: { width: 360, height: 640 } })).tab(world.page(org));
    await widget.open();
    await widget.email.fill(`${'somebody'.repeat(7)}@a.very.long.name.of.a.company.example`);
    await widget.email.press('Enter');
    const thanks = widget.panel.getByText('Thank you!');
    await thanks.waitFor();
    const isInside = (element) => element.scrollWidth <= element.clientWidth && element.scrollHeight <= element.clientHeight;
    assert.equal(await widget.panel.locator('.away').evaluate(isInside), true, 'the address');
    await widget.forget();
    assert.equal(await widget.receipt.evaluate(isInside), true, 'the receipt');
});

test('the input grows with its text up to a limit, and shrinks again', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    const height = () => widget.input.evaluate((input) => input.getBoundingClientRect().height);
    const low = await height();
    await widget.input.fill('1\n2\n3\n4');
    await becomes(async () => (await height()) > low, true, 'that it grows');
    await widget.input.fill('line\n'.repeat(200));
    await becomes(async () => (await height()) < 300, true, 'that it stops');
    assert.equal(await widget.sendButton.isVisible(), true);
    await widget.input.press('Enter');
    await becomes(height, low, 'the height of an empty input');
});

test('whoever wants less motion gets none', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t, { reducedMotion: 'reduce' })).tab(world.page(org));
    await widget.open();
    await widget.write('hello');
    await widget.delivered('Sent');
    await org.agent.post(`/conversations/${await onlyConversation(org)}/typing`, { typing: true });
    await widget.typing.waitFor();
    const moving = await widget.page.evaluate(() => {
        const seconds = (text) => Math.max(...text.split(',').map((part) => parseFloat(part) * (part.trim().endsWith('ms') ? 0.001 : 1)));
        const roots = [...document.querySelectorAll('*')].map(({ shadowRoot }) => shadowRoot).filter(Boolean);
        return roots
            .flatMap((root) => [...root.querySelectorAll('*')])
            .filter((element) => {
                const { animationName, animationDuration, animationTimingFunction, transitionDuration, scrollBehavior } = getComputedStyle(element);
                const isAnimated = animationName !== 'none' && !/^step/.test(animationTimingFunction); // a step moves nothing
                return (isAnimated && seconds(animationDuration) > 0.01) || seconds(transitionDuration) > 0.01 || scrollBehavior === 'smooth';
            })
            .map((element) => element.outerHTML.slice(0, 100));
    });
    assert.deepEqual(moving, []);
});

test('dark follows the system, also while the panel is open', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    const brightness = () =>
        widget.panel.evaluate((panel) => {
            const [red, green, blue] = getComputedStyle(panel).backgroundColor.match(/[\d.]+/g).map(Number);
            return (red + green + blue) / 3 > 128 ? 'light' : 'dark';
        });
    assert.equal(await brightness(), 'light');
    await widget.page.emulateMedia({ colorScheme: 'dark' });
    await becomes(brightness, 'dark', 'the panel');
});

test('colour, position, title and subtitle are the organisation\'s', async (t) => {
    const org = await world.server.org();
    await world.server.cliOk('org', 'update', org.key, '--widget-color', '#0a7d33', '--widget-position', 'left', '--widget-title', 'Grünkohl & Co', '--widget-subtitle', 'We answer in minutes');
    const agent = await listen(t, org);
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    await widget.page.getByText('Grünkohl & Co').first().waitFor();
    await widget.page.getByText('We answer in minutes').first().waitFor();
    assert.ok((await widget.launcher.boundingBox()).x < 200);
    assert.equal(await widget.launcher.evaluate((button) => getComputedStyle(button).backgroundColor), 'rgb(10, 125, 51)');
    await widget.shoot('green-left');
    agent.stop();
});

test('days are separated, and every message has its time', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const widget = await profile.tab(world.page(org));
    const visitor = org.visitor(await widget.visitorId());
    await visitor.say(await visitor.converse(), 'today');
    await widget.page.reload();
    await widget.open();
    await widget.shows('user: today');
    assert.match(await widget.page.locator('.day', { hasText: /./ }).textContent(), /^today$/);
    assert.match(await widget.delivery(), /\d:\d\d/);
});
