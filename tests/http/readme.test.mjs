/* The README's commands about conversations, accounts and work are run as they stand there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';

import { BINARY, PASSWORD, ROOT, run, serverFor, temporaryDirectory } from './server.mjs';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The blocks of shell of a section. */
function blocksOf(title) {
    const section = README.split(`\n## ${title}\n`)[1].split('\n## ')[0];
    return [...section.matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block);
}

/** Runs what is in the README as one person would, in one shell; gives what it printed. */
async function follow(server, blocks, env = {}) {
    const script = `set -euo pipefail\nBASE=${server.url} JSON='content-type: application/json'\n${blocks.join('\n')}`;
    const options = { env: { PATH: `${dirname(BINARY)}:${process.env.PATH}`, HELVINO_DATA: server.data, ...env }, cwd: temporaryDirectory() };
    const { code, stdout, stderr } = await run('bash', ['-c', script], options);
    assert.equal(code, 0, `${script}\n${stdout}\n${stderr}`);
    /* An error would be an answer too, which curl -s prints and jq reads. */
    assert.doesNotMatch(stdout, /"code": ?"[a-z_]+"/);
    return stdout;
}

/** Where the server is, the test knows better. */
const ours = (block) => block.replace(/^BASE=.*$/m, '');

test('trying the API', async (t) => {
    const server = await serverFor(t);
    const org = await server.org('demo');
    const [visitor, organisation, listening] = blocksOf('Try the API');
    const own = ours(organisation).replace(/^TOKEN=.*$/m, `TOKEN=${org.token}`);
    /* A stream has no end: it is heard until the message has come. */
    const heard = listening.replace(/^curl -sN (.*)$/gm, 'timeout 1 curl -sN $1 || test $? = 124');
    const out = await follow(server, [ours(visitor), own, heard]);
    assert.match(out, /"content": "Hello!"[^]*"content": "Hi! How can I help\?"/);
    assert.match(out, /event: message\ndata: \{[^\n]*Hi! How can I help/);
});

test('who may do what', async (t) => {
    const server = await serverFor(t);
    await server.org('demo');
    const [shell, http] = blocksOf('Who may do what');
    const invited = await follow(server, [shell.split('\n').slice(0, 2).join('\n')]);
    await server.choosePassword(invited.match(/\S*hvl_\S+/)[0], { name: 'Owner' });
    await server.cliOk('agent', 'create', 'somebody@example.com', '--org', 'demo', '--role', 'agent');
    const rest = shell.split('\n').slice(2).join('\n');
    const out = await follow(server, [rest, http.replace('"password":"…"', `"password":"${PASSWORD}"`)]);
    assert.match(out, /"role": "owner",\s+"email": "owner@example\.com"/);
    assert.match(out, /hvl_[^]*hvt_[^]*"businessHours": "Europe\/Istanbul mon-fri 09:00-18:00"[^]*"action": "org\.updated"/);
});

test('working on conversations', async (t) => {
    const server = await serverFor(t);
    const org = await server.org('demo');
    const visitor = org.visitor();
    const id = await visitor.converse();
    await visitor.post('/visitors/me', { email: 'ada@example.com' });
    const out = await follow(server, blocksOf('Working on conversations'), { ID: id, AUTH: `authorization: Bearer ${org.token}` });
    assert.match(out, /"priority": "high"[^]*"content": "Has called as well\."[^]*\{"open":0,"unassigned":0,"pending":1,"snoozed":0,"max":10000\}/);
    assert.match(out, /"snoozed"[^]*Thank you, ada@example\.com! [^\n]*\n[^]*"blocked": true[^]*null\n$/);
});
