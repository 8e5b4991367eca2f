/* Texts by which everything of a visitor would be found again, in whatever file: its key, its e-mail address, its browser, its messages. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const PAD = [0, 720, 25000]; // a short text, one that fills a part of a page, and one that has pages of its own

export function canary(number) {
    const texts = PAD.map((pad, n) => `canary-${number}-text-${n} ${'long '.repeat(pad / 5)} canary-${number}-end-${n}`);
    return { key: `v_canary-${number}-key`, email: `canary-${number}@example.org`, agent: `canary-agent/${number}.`, texts };
}

/** What must not be found of it: who it is, and the beginning and the end of what it has written. */
export const traces = (of) => [...identity(of), ...writings(of)];
export const identity = ({ key, email, agent }) => [key, email, agent];
export const writings = ({ texts }) => [...texts.map((text) => text.slice(0, 24)), ...texts.map((text) => text.slice(-14))];

export const found = (file, trace) => readFileSync(file).includes(trace);
export const dataOf = (directory) => join(directory, 'data.mdb');
/** Those of the traces that are in some file of the directory. */
export function foundIn(directory, wanted) {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const contents = files.map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name)));
    return wanted.filter((trace) => contents.some((bytes) => bytes.includes(trace)));
}

/** The visitor of that canary, which says and does all of it; gives its conversation. */
export async function release(org, canary, more = {}) {
    const visitor = org.visitor(canary.key);
    const headers = { 'user-agent': canary.agent, ...more };
    const id = await visitor.converse(headers);
    for (const text of canary.texts) {
        const answer = await visitor.post(`/conversations/${id}/messages`, { role: 'user', content: text }, headers);
        if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`);
    }
    await visitor.post('/visitors/me', { email: canary.email }, headers);
    return id;
}
