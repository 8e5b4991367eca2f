/* POST /conversations/:id/messages: roles, fields, and the promise that text is kept exactly as it was written. */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { startServer } from './server.mjs';
import { assertConversation, assertError, assertMessage, NOBODY } from './shapes.mjs';

let server, org, visitor, conversation;
before(async () => {
    server = await startServer();
    org = await server.org('acme');
    visitor = org.visitor();
    conversation = await visitor.converse();
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

const path = () => `/conversations/${conversation}/messages`;
const stored = async () => (await org.agent.getOk(`/conversations/${conversation}?limit=1`)).messageCount;

describe('writing a message', () => {
    test('answers 201 with the whole message', async () => {
        const answer = await visitor.post(path(), { role: 'user', content: 'Hello!' });
        assert.equal(answer.status, 201);
        assertMessage(answer.json);
        assert.equal(answer.json.role, 'user');
        assert.equal(answer.json.content, 'Hello!');
        assert.equal(answer.json.conversationId, conversation);
    });

    test('moves the conversation on: messageCount, lastMessage, updatedAt', async () => {
        const own = await visitor.converse();
        for (let i = 1; i <= 3; i++) {
            const said = await visitor.say(own, `number ${i}`);
            const now = await visitor.getOk(`/conversations/${own}`);
            assertConversation(now);
            assert.equal(now.messageCount, i);
            assert.deepEqual(now.lastMessage, said);
            assert.equal(now.updatedAt, said.timestamp);
        }
    });

    test('the organisation may write in either role, a visitor only as the user', async () => {
        assert.equal((await org.agent.say(conversation, 'as the assistant', { role: 'assistant' })).role, 'assistant');
        assert.equal((await org.agent.say(conversation, 'as the user', { role: 'user' })).role, 'user');
        const count = await stored();
        assertError(await visitor.post(path(), { role: 'assistant', content: 'I am the shop' }), 403, 'role_forbidden');
        const orphan = await org.anonymous.converse();
        const answer = await org.anonymous.post(`/conversations/${orphan}/messages`, { role: 'assistant', content: 'x' });
        assertError(answer, 403, 'role_forbidden');
        assert.equal(await stored(), count);
    });

    test('a conversation without a visitor takes messages from whoever knows its id', async () => {
        const orphan = await org.anonymous.converse();
        await org.anonymous.say(orphan, 'from nobody');
        await org.visitor().say(orphan, 'from a visitor');
        await org.agent.say(orphan, 'from the organisation', { role: 'assistant' });
        const read = await org.anonymous.getOk(`/conversations/${orphan}`);
        assert.equal(read.messageCount, 3);
        assert.equal(read.visitorId, null);
    });

    test('seq rises with every change, across conversations', async () => {
        const other = await org.anonymous.converse();
        let seq = 0;
        for (let i = 0; i < 6; i++) {
            const said = await org.agent.say(i % 2 ? conversation : other, 'x');
            assert.ok(said.seq > seq);
            seq = said.seq;
        }
        assert.ok((await org.anonymous.getOk('/health')).seq >= seq);
    });

    test('a conversation that does not exist takes none', async () => {
        for (const id of [NOBODY, 'x', 'c123']) {
            assertError(await visitor.post(`/conversations/${id}/messages`, { role: 'user', content: 'x' }), 404, 'not_found');
            assertError(await org.agent.post(`/conversations/${id}/messages`, { role: 'user', content: 'x' }), 404, 'not_found');
        }
    });
});

describe('text is kept exactly', () => {
    const texts = {
        'plain': 'Hello',
        'emoji with joiners, skin tones and flags': '👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈🇹🇷🫠',
        'right to left with marks': 'مرحبا \u202bשלום\u202c \u200fabc\u200e \u2067x\u2069',
        'combining characters, not normalised': 'e\u0301 \u00e9 \u1e9b\u0323 \u0344 \ufb01 Å \u212b',
        'Turkish': 'İstanbul ığdır ŞĞÜÖÇ',
        'CRLF, LF, CR and tabs': 'one\r\ntwo\nthree\rfour\tfive',
        'leading and trailing white space': '  \n x \t ',
        'only a space': ' ',
        'line and paragraph separators': 'a\u2028b\u2029c\u0085d',
        'quotes and backslashes': '"\'`\\ \\" \\n \\u0041 \\\\',
        'HTML': '</script><script>alert(1)</script><!-- --> &amp; <img src=x onerror=alert(1)>',
        'SQL and templates': "'; DROP TABLE messages; -- {{7*7}} ${7*7} %s %n %00",
        'control characters': '\u0001\u0002\u0008\u000b\u000c\u001f\u007f\u0080\u009f',
        'noncharacters and private use': '\ufffe\uffff\ue000\u{10ffff}\u{1ffff}\ufffd',
        'a byte order mark inside': 'a\ufeffb\ufeff',
        'zero width': '\u200b\u200c\u200d\u2060',
        'beyond the first plane': '𝒳𐍈𠜎\u{1f600}',
        'a JSON text': '{"role":"assistant","content":"nested"}',
        'JavaScript property names': '__proto__ constructor toString',
    };
    for (const [name, content] of Object.entries(texts)) {
        test(name, async () => {
            const said = await visitor.say(conversation, content);
            assert.equal(said.content, content);
            const read = await visitor.getOk(`/conversations/${conversation}?after=${said.seq - 1}&limit=1`);
            assert.deepEqual(read.messages, [said]);
            const { lastMessage } = (await visitor.getOk('/conversations?limit=1')).conversations[0];
            assert.equal(lastMessage.content, content);
        });
    }

    test('an escaped NUL is either kept or refused, never cut', async () => {
        const answer = await visitor.post(path(), '{"role":"user","content":"a\\u0000b"}');
        if (answer.status === 201) assert.equal(answer.json.content, 'a\0b');
        else assertError(answer, 400);
    });

    test('every way to write the same text in JSON gives the same text', async () => {
        const bodies = ['"\\u00fc\\ud83d\\ude00\\/\\b\\f"', '"ü😀/\\b\\f"', '"\\u00FC\\uD83D\\uDE00/\\u0008\\u000C"'];
        for (const content of bodies) {
            const answer = await visitor.post(path(), `{"content":${content},"role":"user"}`);
            assert.equal(answer.status, 201, answer.text);
            assert.equal(answer.json.content, 'ü😀/\b\f');
        }
    });

    test('a message of exactly 32 KiB is kept, however its JSON is written', async () => {
        const texts = ['a'.repeat(32768), '😀'.repeat(8192), 'ü'.repeat(16384), '\u0001'.repeat(32768), '"'.repeat(32768), '\\\n'.repeat(16384)];
        for (const content of texts) {
            const said = await visitor.say(conversation, content);
            const read = await visitor.getOk(`/conversations/${conversation}?after=${said.seq - 1}&limit=1`);
            assert.equal(read.messages[0].content, content);
        }
        const escaped = `{"role":"user","content":"${'\\u0041'.repeat(32768)}"}`;
        const answer = await visitor.post(path(), escaped);
        assert.equal(answer.status, 201, answer.text);
        assert.equal(answer.json.content, 'A'.repeat(32768));
    });

    test('one byte more gets 413 and is not stored', async () => {
        const count = await stored();
        for (const content of ['a'.repeat(32769), '😀'.repeat(8192) + 'a', 'ü'.repeat(16385), 'a'.repeat(100_000), 'a'.repeat(190_000)]) {
            assertError(await visitor.post(path(), { role: 'user', content }), 413, 'body_too_large');
        }
        for (const size of [200_000, 262_144, 300_000, 2_000_000]) {
            const answer = await visitor.post(path(), { role: 'user', content: 'a'.repeat(size) }).catch((error) => error);
            // The server may close before all of a large body is sent; then the client may not get to read the answer.
            if (answer instanceof Error) assert.match(String(answer.code), /^(EPIPE|ECONNRESET)$/);
            else assertError(answer, 413, 'body_too_large');
        }
        assert.equal(await stored(), count);
    });
});

describe('a body that is not right is refused with a sentence, and nothing is stored', () => {
    const field = (name) => new RegExp(`\\b${name}\\b`);
    const wrong = [
        ['no body', undefined, 400, ['invalid_json', 'invalid_field']],
        ['an empty body', '', 400, ['invalid_json', 'invalid_field']],
        ['no content', { role: 'user' }, 400, 'invalid_field', field('content')],
        ['no role', { content: 'x' }, 400, 'invalid_field', field('role')],
        ['an empty object', {}, 400, 'invalid_field'],
        ['empty content', { role: 'user', content: '' }, 400, 'invalid_field', field('content')],
        ['another role', { role: 'system', content: 'x' }, 400, 'invalid_field', field('role')],
        ['a role in capitals', { role: 'User', content: 'x' }, 400, 'invalid_field', field('role')],
        ['an empty role', { role: '', content: 'x' }, 400, 'invalid_field', field('role')],
        ...[null, 1, true, [], {}, ['user']].map((role) => [`role ${JSON.stringify(role)}`, { role, content: 'x' }, 400, 'invalid_field', field('role')]),
        ...[null, 1, false, [], {}, ['x'], 1e300].map((content) => [`content ${JSON.stringify(content)}`, { role: 'user', content }, 400, 'invalid_field', field('content')]),
        ...[1, true, [], {}, '', 'x'.repeat(65), 'a b', 'ü', 'a\nb', '\u0000', '\u007f'].map((clientId) => [`clientId ${JSON.stringify(clientId)}`, { role: 'user', content: 'x', clientId }, 400, clientId === '\u0000' ? 'invalid_json' : 'invalid_field', clientId === '\u0000' ? /NUL/ : field('clientId')]),
        ['an array', '[]', 400, ['invalid_json', 'invalid_field']],
        ['a string', '"role"', 400, ['invalid_json', 'invalid_field']],
        ['a number', '42', 400, ['invalid_json', 'invalid_field']],
        ['null', 'null', 400, ['invalid_json', 'invalid_field']],
        ['true', 'true', 400, ['invalid_json', 'invalid_field']],
        ['broken JSON', '{"role":"user","content":"x"', 400, 'invalid_json'],
        ['a trailing comma', '{"role":"user","content":"x",}', 400, 'invalid_json'],
        ['trailing garbage', '{"role":"user","content":"x"} x', 400, 'invalid_json'],
        ['two objects', '{"role":"user","content":"x"}{}', 400, 'invalid_json'],
        ['a duplicate name', '{"role":"user","role":"assistant","content":"x"}', 400, ['invalid_json', 'invalid_field']],
        ['a duplicate name, escaped', '{"role":"user","r\\u006fle":"assistant","content":"x"}', 400, ['invalid_json', 'invalid_field']],
        ['a duplicate content', '{"role":"user","content":"x","content":"y"}', 400, ['invalid_json', 'invalid_field']],
        ['a lone high surrogate', '{"role":"user","content":"a\\ud800b"}', 400, ['invalid_json', 'invalid_field']],
        ['a lone low surrogate', '{"role":"user","content":"\\udc00"}', 400, ['invalid_json', 'invalid_field']],
        ['surrogates the wrong way round', '{"role":"user","content":"\\udc00\\ud800"}', 400, ['invalid_json', 'invalid_field']],
        ['invalid UTF-8', Buffer.from('{"role":"user","content":"\xff\xfe"}', 'latin1'), 400, 'invalid_json'],
        ['overlong UTF-8', Buffer.from('{"role":"user","content":"\xc0\xaf"}', 'latin1'), 400, 'invalid_json'],
        ['a surrogate as UTF-8', Buffer.from('{"role":"user","content":"\xed\xa0\x80"}', 'latin1'), 400, 'invalid_json'],
        ['UTF-8 beyond the last character', Buffer.from('{"role":"user","content":"\xf4\x90\x80\x80"}', 'latin1'), 400, 'invalid_json'],
        ['cut UTF-8', Buffer.from('{"role":"user","content":"\xe2\x82"}', 'latin1'), 400, 'invalid_json'],
        ['UTF-16', Buffer.from('{"role":"user","content":"x"}', 'utf16le'), 400, 'invalid_json'],
        ['a raw newline in a string', '{"role":"user","content":"a\nb"}', 400, 'invalid_json'],
        ['a raw NUL in a string', '{"role":"user","content":"a\0b"}', 400, 'invalid_json'],
        ['depth 1,000', `{"role":"user","content":"x","extra":${'['.repeat(1000)}${']'.repeat(1000)}}`, 400, 'invalid_json'],
        ['depth 60,000', `${'{"a":'.repeat(12000)}1${'}'.repeat(12000)}`, 400, 'invalid_json'],
        ['depth without an end', '['.repeat(100_000), 400, 'invalid_json'],
        ['comments', '{"role":"user",/* hi */"content":"x"}', 400, 'invalid_json'],
        ['single quotes', "{'role':'user','content':'x'}", 400, 'invalid_json'],
        ['NaN', '{"role":"user","content":"x","n":NaN}', 400, 'invalid_json'],
        ['Infinity', '{"role":"user","content":"x","n":-Infinity}', 400, 'invalid_json'],
    ];
    for (const [name, body, status, code, sentence] of wrong) {
        test(name, async () => {
            const count = await stored();
            for (const caller of [visitor, org.agent]) assertError(await caller.post(path(), body), status, code, sentence);
            assert.equal(await stored(), count);
        });
    }

    test('another Content-Type', async () => {
        const count = await stored();
        const body = '{"role":"user","content":"x"}';
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain; x=application/json', 'application/json; charset=latin1', 'application/json; charset=utf-16', 'application/jsonx', 'application/xml', 'json', '*/*']) {
            assertError(await visitor.post(path(), body, { 'content-type': type }), 415, 'unsupported_media_type');
        }
        assert.equal(await stored(), count);
    });
});

describe('a body that is right in an unusual way is taken', () => {
    const fine = {
        'members that nobody knows': '{"role":"user","content":"x","more":{"a":[1,2,{"b":null}]},"other":1e3}',
        'white space everywhere': ' \r\n\t{ "role" : "user" ,\n"content"\t:\r"x" } \n',
        'a huge number that nobody reads': '{"role":"user","content":"x","n":1e308}',
        'escaped names': '{"r\\u006fle":"user","content":"x"}',
        'a clientId of 64 characters': `{"role":"user","content":"x","clientId":"${'~'.repeat(64)}"}`,
        'a clientId of one character': '{"role":"user","content":"x","clientId":"!"}',
        'nesting within reason': `{"role":"user","content":"x","a":${'['.repeat(20)}${']'.repeat(20)}}`,
        'a member named __proto__': '{"role":"user","content":"x","__proto__":{"role":"assistant"}}',
    };
    for (const [name, body] of Object.entries(fine)) {
        test(name, async () => {
            const answer = await visitor.post(path(), body);
            assert.equal(answer.status, 201, answer.text);
            assert.equal(answer.json.content, 'x');
            assert.equal(answer.json.role, 'user');
        });
    }
    test('without a Content-Type', async () => {
        const answer = await visitor.post(path(), '{"role":"user","content":"x"}', { 'content-type': null });
        assert.equal(answer.status, 201, answer.text);
    });
});
