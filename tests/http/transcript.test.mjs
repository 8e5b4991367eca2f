/* A conversation as a file: whole, readable, safe to open whatever was typed, and for a visitor without what is not its business. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { after, before, describe } from 'node:test';

import { hire, noteOn } from './agents.mjs';
import { startServer } from './server.mjs';
import { assertError, assertSafeHeaders } from './shapes.mjs';

const NASTY = '<script>alert(1)</script> & "quotes" \'single\' </style><b>\nsecond line\n\ttabbed \u0007\u001b[31m\u0085\u009b x';

let server, org, anna, visitor, id;

before(async () => {
    server = await startServer();
    org = await server.org('acme', '--name', 'Acme <b>& Sons</b>');
    anna = await hire(org, 'Anna');
    visitor = org.visitor();
    id = await visitor.converse();
    await visitor.say(id, NASTY);
    await noteOn(anna, id, `note: ${NASTY}`);
    await anna.say(id, 'an answer', { role: 'assistant' });
    await org.agent.say(id, 'by a token', { role: 'assistant' });
});

after(async () => {
    if (server && !server.exited) await server.stop();
    server?.remove();
});

const ask = (caller, query = '', target = id) => caller.get(`/conversations/${target}/transcript${query}`);

describe('a transcript', () => {
    test('as text names who has said what and when', async () => {
        await visitor.post('/visitors/me', { email: 'jane@example.org' });
        for (const query of ['', '?format=text']) {
            const answer = await ask(anna, query);
            assert.equal(answer.status, 200);
            assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
            assert.equal(answer.headers['content-disposition'], `attachment; filename="conversation-${id}.txt"`);
            assertSafeHeaders(answer.headers, 'a transcript');
            const lines = answer.text.split('\n');
            assert.equal(lines[0], 'Acme <b>& Sons</b>');
            assert.match(lines[1], new RegExp(`^Conversation ${id}, begun \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC$`));
            assert.match(answer.text, /\n\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\] jane@example\.org\n {4}<script>alert\(1\)<\/script> & "quotes" 'single' <\/style><b>\n {4}second line\n {4}\ttabbed ��\[31m�� x\n/);
            assert.match(answer.text, /UTC\] Note by Anna\n {4}note: /);
            assert.match(answer.text, /UTC\] Anna\n {4}an answer\n/);
            assert.match(answer.text, /UTC\] Acme <b>& Sons<\/b>\n {4}by a token\n$/);
        }
    });

    test('as a page is one file without a script, under a policy that allows its style alone', async () => {
        const answer = await ask(anna, '?format=html');
        assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
        assert.equal(answer.headers['content-disposition'], `attachment; filename="conversation-${id}.html"`);
        const page = answer.text;
        assert.doesNotMatch(page, /<script|<b>&|<\/style><b>|\son\w+=|style="|https?:|src=|href=/);
        assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot; &#39;single&#39; &lt;/style&gt;&lt;b&gt;\nsecond line'));
        assert.ok(page.includes('<li class="note">Note by <b>Anna</b>') && page.includes('<b>Acme &lt;b&gt;&amp; Sons&lt;/b&gt;</b>'));
        const [, style] = page.match(/<style>([^]*?)<\/style>/);
        const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`;
        assert.equal(answer.headers['content-security-policy'], policy);
        assert.ok(page.includes(`<meta http-equiv="content-security-policy" content="${policy}">`));
        assert.doesNotMatch(page, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    });

    test('as JSON', async () => {
        const answer = await ask(org.agent, '?format=json');
        assert.equal(answer.headers['content-disposition'], `attachment; filename="conversation-${id}.json"`);
        const { entries, ...head } = answer.json;
        assert.deepEqual([head.conversationId, head.organization, head.next], [id, 'Acme <b>& Sons</b>', null]);
        assert.deepEqual(entries.map((entry) => [entry.kind, entry.role, entry.name]),
            [['message', 'user', 'jane@example.org'], ['note', 'assistant', 'Anna'], ['message', 'assistant', 'Anna'], ['message', 'assistant', 'Acme <b>& Sons</b>']]);
        assert.equal(entries[0].content, NASTY);
    });

    test('of its own a visitor may have, without notes and names', async () => {
        for (const format of ['text', 'html', 'json']) {
            const answer = await ask(visitor, `?format=${format}`);
            assert.equal(answer.status, 200);
            assert.doesNotMatch(answer.text, /Anna|Note by|"note"|jane@/, format);
            assert.match(answer.text, /You/);
        }
        assert.deepEqual((await ask(visitor, '?format=json')).json.entries.map((entry) => entry.name), ['You', 'Acme <b>& Sons</b>', 'Acme <b>& Sons</b>']);
        assertError(await ask(org.visitor()), 404, 'not_found');
        assertError(await ask(org.anonymous), 404, 'not_found');
        const orphan = await org.anonymous.converse();
        assert.equal((await ask(org.anonymous, '', orphan)).status, 200, 'nobody’s belongs to whoever knows its id');
    });

    test('of another form is refused', async () => {
        for (const query of ['?format=pdf', '?format=', '?after=x']) assertError(await ask(anna, query), 400, 'invalid_query');
    });

    test('that has grown long ends, and says where it goes on', async () => {
        const talker = org.visitor(), long = await talker.converse();
        for (let i = 0; i < 300; i++) await talker.say(long, `${String(i).padStart(3, '0')}${'x'.repeat(32700)}`);
        const numbers = [];
        let pages = 0;
        for (let after = '0'; after !== null; pages++) {
            const { entries, next } = (await ask(org.agent, `?format=json&after=${after}`, long)).json;
            numbers.push(...entries.map((entry) => Number(entry.content.slice(0, 3))));
            after = next;
        }
        assert.deepEqual(numbers, Array.from({ length: 300 }, (_, i) => i));
        assert.equal(pages, 2);
        assert.match((await ask(org.agent, '', long)).text.slice(-80), /\nIt goes on: ask again with after=\d+\.\n$/);
        assert.match((await ask(org.agent, '?format=html', long)).text.slice(-200), /It goes on: ask again with after=\d+\./);
        assert.match((await org.anonymous.get('/metrics')).text, /^helvino_limit_hits_total\{limit="transcript"\} 3$/m);
    });
});
