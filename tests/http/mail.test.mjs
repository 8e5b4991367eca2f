/* Mail by SMTP as `helvino mail test` sends it, which is how the server does: what arrives, over what, and what is refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';

import { helvino, startServer, temporaryDirectory } from './server.mjs';
import { MailServer } from './smtp.mjs';

const directory = temporaryDirectory();
const at = (name) => join(directory, name);
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', at('key.pem'), '-out', at('cert.pem'), '-subj', '/CN=mail', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
const tlsOptions = { key: readFileSync(at('key.pem')), cert: readFileSync(at('cert.pem')) };
writeFileSync(at('password'), 'pässword with blanks\nanother line\n');

async function mailServer(t, options) {
    const server = await new MailServer(options).ready;
    t.after(() => server.close());
    return server;
}

const send = (url, ...flags) => helvino(['mail', 'test', 'somebody@example.org', '--smtp-url', url, '--smtp-from', 'Das Büro <noreply@example.com>', ...flags]);

describe('a mail', () => {
    test('arrives as it should be, with one sender and one recipient', async (t) => {
        const server = await mailServer(t);
        const result = await send(`smtp://127.0.0.1:${server.port}`);
        assert.equal(result.code, 0, result.stderr);
        const [mail] = server.mails;
        assert.deepEqual([mail.from, mail.to, mail.name], ['noreply@example.com', ['somebody@example.org'], 'example.com']);
        const empty = mail.lines.indexOf('');
        const head = mail.lines.slice(0, empty).join('\r\n').replace(/\r\n /g, ' ').split('\r\n');
        const header = Object.fromEntries(head.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
        assert.equal(Object.keys(header).length, head.length, 'a header twice');
        assert.match(header.date, /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/);
        assert.ok(Math.abs(Date.parse(header.date) - Date.now()) < 60_000);
        assert.equal(header.from, '=?UTF-8?Q?Das_B=C3=BCro?= <noreply@example.com>');
        assert.equal(header.to, '<somebody@example.org>');
        assert.equal(header.subject, 'A test of Helvino');
        assert.match(header['message-id'], /^<[a-z2-7]{24}@example\.com>$/);
        assert.equal(header['content-type'], 'text/plain; charset=utf-8');
        assert.equal(header['content-transfer-encoding'], 'quoted-printable');
        assert.equal(header['auto-submitted'], 'auto-generated');
        assert.equal(mail.lines[empty + 1], 'This server can send mail.');
        assert.ok(mail.lines.every((line) => line.length <= 76));
    });

    test('goes over TLS from the start, or with STARTTLS, and logs in with what the file says', async (t) => {
        const login = { user: 'mailer', password: 'pässword with blanks' };
        const flags = ['--ca-file', at('cert.pem'), '--smtp-user', 'mailer', '--smtp-password-file', at('password')];
        const implicit = await mailServer(t, { tlsOptions, implicit: true, login });
        const result = await send(`smtps://localhost:${implicit.port}`, ...flags);
        assert.equal(result.code, 0, result.stderr);
        assert.deepEqual([implicit.mails[0].secure, implicit.mails[0].user], [true, 'mailer']);

        const wrong = await mailServer(t, { tlsOptions, implicit: true, login: { ...login, password: 'another' } });
        const refused = await send(`smtps://localhost:${wrong.port}`, ...flags);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /user and password/);
        assert.equal(wrong.mails.length, 0);
        assert.doesNotMatch(refused.stdout + refused.stderr, /pässword/);
    });

    test('goes to nobody whose certificate is not trusted', async (t) => {
        const server = await mailServer(t, { tlsOptions, implicit: true });
        const result = await send(`smtps://localhost:${server.port}`);
        assert.equal(result.code, 1);
        assert.match(result.stderr, /not trusted|CA certificates/);
        assert.equal(server.commands.length, 0);
    });

    test('that is refused is told with the server’s status', async (t) => {
        for (const refuse of ['MAIL', 'RCPT', 'DATA']) {
            const server = await mailServer(t, { refuse });
            const result = await send(`smtp://127.0.0.1:${server.port}`);
            assert.equal(result.code, 1, refuse);
            assert.match(result.stderr, /status 550 .*refused the mail/, refuse);
            assert.equal(server.mails.length, 0);
        }
        const nobody = await send('smtp://127.0.0.1:1');
        assert.match(nobody.stderr, /No connection/);
    });

    test('can’t be made to go to others, or to say more', async (t) => {
        const server = await mailServer(t);
        const url = `smtp://127.0.0.1:${server.port}`;
        for (const to of ['a@b.c, d@e.f', 'a@b.c> x', 'a', 'a@b.c\nX', '<a@b.c>']) {
            const result = await helvino(['mail', 'test', to, '--smtp-url', url, '--smtp-from', 'x@example.com']);
            assert.notEqual(result.code, 0, to);
        }
        assert.equal(server.commands.length, 0);
    });
});

describe('flags of mail', () => {
    test('that don’t fit are refused with a sentence, by serve too', async () => {
        const refused = [
            [['--smtp-url', 'smtp://mail.example.com'], /--smtp-from/],
            [['--smtp-from', 'x@example.com'], /--smtp-url/],
            [['--smtp-url', 'https://mail.example.com', '--smtp-from', 'x@example.com'], /smtps:\/\/HOST/],
            [['--smtp-url', 'smtp://u:p@mail.example.com', '--smtp-from', 'x@example.com'], /smtps:\/\/HOST/],
            [['--smtp-url', 'smtp://mail.example.com/path', '--smtp-from', 'x@example.com'], /smtps:\/\/HOST/],
            [['--smtp-url', 'smtp://mail.example.com', '--smtp-from', 'nobody'], /--smtp-from/],
            [['--smtp-url', 'smtp://mail.example.com', '--smtp-from', 'x@example.com', '--smtp-user', 'u'], /together/],
            [['--smtp-url', 'smtp://mail.example.com', '--smtp-from', 'x@example.com', '--smtp-user', 'u', '--smtp-password-file', '/nowhere'], /can't be read/],
            [['--public-url', 'chat.example.com'], /--public-url/],
            [['--public-url', 'https://'], /--public-url/],
            [['--public-url', 'https://chat.example.com/?x'], /--public-url/],
        ];
        for (const [flags, sentence] of refused) {
            const result = await helvino(['serve', '--data', '/nonexistent/x', ...flags]);
            assert.notEqual(result.code, 0);
            assert.match(result.stderr, sentence, flags.join(' '));
        }
    });

    test('that fit let the server start', async (t) => {
        const server = await startServer({ flags: ['--smtp-url', 'smtp://127.0.0.1:25', '--smtp-from', 'x@example.com', '--public-url', 'https://chat.example.com/'] });
        t.after(() => server.remove());
        assert.equal((await fetch(`${server.url}/health`)).status, 200);
        await server.stop();
    });
});
