/* Six languages, all of it in each; and what is made of words: keys, names, browsers, choices. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';

import { ROOT } from '../http/server.mjs';
import { modulesOf } from './bundle.mjs';

Object.defineProperty(globalThis, 'navigator', { value: { platform: 'Linux', languages: ['en-GB', 'en'] }, configurable: true });

const names = readdirSync(join(ROOT, 'widget/inbox/lang')).map((file) => file.replace('.ts', ''));
const languages = Object.fromEntries((await modulesOf(names.map((name) => `lang/${name}.ts`))).map((module, index) => [names[index], module.default]));
const { en } = languages;

/** Every text by its path: "statuses.open". */
function flat(texts, path = '') {
    return Object.entries(texts).flatMap(([key, value]) => (typeof value === 'string' ? [[path + key, value]] : flat(value, `${path}${key}.`)));
}

const isPlural = (value) => typeof value === 'object' && 'other' in value;
const places = (text) => [...text.matchAll(/\{\d\}/g)].map(([place]) => place).sort();

test('there are six', () => assert.deepEqual(names.sort(), ['ar', 'de', 'en', 'es', 'fr', 'tr']));

for (const [name, texts] of Object.entries(languages)) {
    describe(name, () => {
        test('has every text, and none too many', () => {
            const keys = (all) => Object.entries(all).flatMap(([key, value]) => (typeof value === 'string' || isPlural(value) ? key : Object.keys(value).map((each) => `${key}.${each}`)));
            assert.deepEqual(keys(texts).sort(), keys(en).sort());
            for (const [path, text] of flat(texts)) assert.notEqual(text.trim(), '', path);
        });
        test('says which it is', () => {
            assert.equal(texts.languageCode, name);
            assert.equal(texts.direction, name === 'ar' ? 'rtl' : 'ltr');
        });
        test('has the same places for values', () => {
            for (const [key, value] of Object.entries(en)) {
                if (typeof value === 'string') assert.deepEqual(places(texts[key]), places(value), key);
                else if (isPlural(value)) assert.deepEqual(places(texts[key].other), places(value.other), key);
            }
        });
        test('has every form that its numbers need', () => {
            const rules = new Intl.PluralRules(name);
            const needed = new Set([0, 1, 2, 3, 5, 11, 20, 100, 101, 102, 1000].map((number) => rules.select(number)));
            for (const [key, value] of Object.entries(texts)) {
                if (!isPlural(value)) continue;
                for (const form of needed) if (form !== 'zero') assert.ok(value[form] ?? value.other, `${key}.${form}`);
                if (name === 'ar') for (const form of ['one', 'two', 'few', 'many']) assert.ok(value[form], `${key}.${form}`);
            }
        });
        test('is not English', () => {
            if (name === 'en') return;
            const same = flat(texts).filter(([path, text]) => text.length > 20 && text === Object.fromEntries(flat(en))[path]);
            assert.deepEqual(same, []);
        });
    });
}

const [{ keysOf, pressed }, { initialsOf }, { found }, { typedAt }, { mentionsIn }, { browserOf, agoShort }, { speak, fill, plural }, { splitAddresses, hrefOf }] = await modulesOf([
    'ui/keys.ts',
    'ui/avatar.tsx',
    'ui/chooser.tsx',
    'parts/suggest.tsx',
    'parts/composer.tsx',
    'format.ts',
    'lang.ts',
    '../shared/links.ts',
]).catch(async (error) => assert.fail(error.stack));

describe('keys', () => {
    const press = (key, more = {}) => pressed({ key, code: '', ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...more });
    test('are what is typed, on whatever keyboard', () => {
        assert.equal(press('j'), 'j');
        assert.equal(press('J', { shiftKey: true }), 'shift+j');
        assert.equal(press('?', { shiftKey: true }), '?');
        assert.equal(press('k', { ctrlKey: true }), 'mod+k');
        assert.equal(press('Enter', { ctrlKey: true, shiftKey: true }), 'mod+shift+enter');
        assert.equal(press('ت', { code: 'KeyJ' }), 'j', 'an Arabic keyboard');
        assert.equal(press('о', { code: 'KeyJ' }), 'j', 'a Russian one');
        assert.equal(press('ArrowDown'), 'arrowdown');
    });
    test('are shown as people read them', () => {
        assert.deepEqual(['mod+k', 'g i', 'shift+enter', '?', 'escape'].map(keysOf), ['Ctrl+K', 'G I', 'Shift+↵', '?', 'Esc']);
    });
});

test('initials', () => {
    for (const [name, initials] of [
        ['Ayşe Yılmaz', 'AY'],
        ['deniz', 'D'],
        ['somebody.else@example.com', 'SE'],
        ['Jean-Baptiste de la Tour', 'JT'],
        ['  ', ''],
        ['👟 Shoes', '👟S'],
    ])
        assert.equal(initialsOf(name), initials, name);
});

test('choosing by typing: every word begins somewhere, and accents don’t matter', () => {
    const choices = ['Assign to me', 'Set to pending', 'Résolue', 'İzmir'].map((label) => ({ id: label, label, words: label === 'Assign to me' ? 'mine' : '' }));
    const labels = (typed) => found(choices, typed).map(({ label }) => label);
    assert.deepEqual(labels('se pe'), ['Set to pending']);
    assert.deepEqual(labels('me'), ['Assign to me']);
    assert.deepEqual(labels('mine'), ['Assign to me']);
    assert.deepEqual(labels('reso'), ['Résolue']);
    assert.deepEqual(labels('izm'), ['İzmir']);
    assert.deepEqual(labels('nothing'), []);
    assert.equal(labels('').length, 4);
});

describe('while one types', () => {
    test('a slash at the beginning of a word asks for canned replies, in a reply', () => {
        assert.deepEqual(typedAt('/he', 3, 'reply'), { kind: 'reply', from: 0, to: 3, word: 'he' });
        assert.deepEqual(typedAt('Hello /', 7, 'reply'), { kind: 'reply', from: 6, to: 7, word: '' });
        for (const text of ['and/or', 'https://x', 'a/', '/he llo']) assert.equal(typedAt(text, text.length, 'reply'), null, text);
        assert.equal(typedAt('/he', 3, 'note'), null);
    });
    test('an @ asks for the team, in a note, also for a second name', () => {
        assert.deepEqual(typedAt('ask @Ay', 7, 'note'), { kind: 'agent', from: 4, to: 7, word: 'Ay' });
        assert.deepEqual(typedAt('@Ayşe Yı', 8, 'note'), { kind: 'agent', from: 0, to: 8, word: 'Ayşe Yı' });
        for (const text of ['a@b', 'x@', '@a b c']) assert.equal(typedAt(text, text.length, 'note'), null, text);
        assert.equal(typedAt('@Ay', 3, 'reply'), null);
    });
    test('a note mentions those whose names stand behind an @', () => {
        const agents = [{ id: '1', name: 'Ayşe Yılmaz' }, { id: '2', name: 'Deniz' }];
        assert.deepEqual(mentionsIn('@Ayşe Yılmaz and Deniz', agents), ['1']);
        assert.deepEqual(mentionsIn('nobody', agents), []);
    });
});

describe('in words', () => {
    globalThis.document = { documentElement: {} };
    speak(en);
    test('browsers', () => {
        for (const [agent, words] of [
            ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36', 'Chrome 126, Windows'],
            ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.68', 'Edge 126, Windows'],
            ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1', 'Safari 17, iPhone'],
            ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0', 'Firefox 127, macOS'],
            ['Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36', 'Samsung Internet 25, Android'],
            ['curl/8.5.0', 'curl/8.5.0'],
            ['x'.repeat(200), 'x'.repeat(60)],
        ])
            assert.equal(browserOf(agent), words);
    });
    test('how long ago', () => {
        const now = Date.parse('2026-06-15T12:00:00');
        const ago = (ms) => agoShort(now - ms, now);
        assert.deepEqual([ago(0), ago(59_000), ago(60_000), ago(3_599_000), ago(7_200_000), ago(3 * 86_400_000)], ['now', 'now', '1m', '59m', '2h', '3d']);
        assert.match(ago(40 * 86_400_000), /May/);
        assert.match(ago(400 * 86_400_000), /2025/);
    });
    test('values and numbers', () => {
        assert.equal(fill('{0} and {1}, {0}', 'a', 'b'), 'a and b, a');
        assert.equal(fill('{0} {7}', '{1}'), '{1} {7}', 'what is put in is not looked at again');
        assert.equal(plural(en.conversationCount, 1), '1 conversation');
        assert.equal(plural(en.conversationCount, 1234), '1,234 conversations');
    });
    test('addresses in a text, and what is none', () => {
        const found = (text) => splitAddresses(text).filter((_, index) => index % 2);
        assert.deepEqual(found('see https://a.example/x?y=1, or www.b.example.'), ['https://a.example/x?y=1', 'www.b.example']);
        assert.deepEqual(found('javascript:alert(1) data:text/html,x <a href=x>'), []);
        assert.equal(hrefOf('a@b.example'), 'mailto:a@b.example');
        assert.equal(hrefOf('www.b.example'), 'https://www.b.example');
    });
});
