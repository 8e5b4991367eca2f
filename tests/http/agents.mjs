/* Agents as tests need them: made by the shell, with a password of their own, logged in with a cookie as a browser has it. */
import assert from 'node:assert/strict';

import { Caller } from './server.mjs';

const PASSWORD = 'correct horse battery staple';

/** Chooses the password and logs in. Gives a Caller, with `id` and `name`. */
async function enter(org, email, name, token) {
    const { server } = org;
    const nobody = new Caller(server, {});
    if (token !== undefined) {
        const chosen = await nobody.post('/password', { token, password: PASSWORD, name });
        assert.ok(chosen.status < 300, `POST /password: ${chosen.status} ${chosen.text}`);
    }
    const answer = await nobody.post('/session', { email, password: PASSWORD });
    assert.equal(answer.status, 201, `POST /session: ${answer.text}`);
    const cookie = answer.headers['set-cookie'][0].split(';')[0];
    const agent = new Caller(server, { cookie, 'x-csrf-token': answer.json.csrfToken, 'x-org-key': org.key });
    return Object.assign(agent, { id: answer.json.agent.id, name, email });
}

/** Somebody new in the organisation, logged in. */
export async function hire(org, name, role = 'agent') {
    const email = `${name.toLowerCase()}@${org.key}.example`;
    const printed = await org.server.cliOk('agent', 'create', email, '--name', name, '--org', org.key, '--role', role);
    return enter(org, email, name, printed.match(/hvl_[A-Za-z0-9_-]+/)[0]);
}

/** The same agent against another process, after a restart: sessions are kept. */
export function adoptAgent(server, agent) {
    return Object.assign(new Caller(server, agent.headers), { id: agent.id, name: agent.name, email: agent.email });
}

/** A change that must be taken; gives the conversation as it is then. */
export async function change(agent, id, body) {
    const answer = await agent.request('PATCH', `/conversations/${id}`, { body });
    assert.equal(answer.status, 200, `PATCH: ${answer.status} ${answer.text}`);
    return answer.json;
}

/** A note that must be taken. */
export async function noteOn(agent, id, content, more = {}) {
    const answer = await agent.post(`/conversations/${id}/notes`, { content, ...more });
    assert.equal(answer.status, 201, `POST note: ${answer.status} ${answer.text}`);
    return answer.json;
}
