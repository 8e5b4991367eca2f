// Usage: node size.mjs       (make size)
//
// Says what a page pays for the widget, and an agent for the inbox, in bytes of gzip, and ends with an error when that is more
// than was promised. The numbers are those of manifest.json; brotli, which browsers ask for over TLS, is smaller still.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const REPLACED_WIDGET = 75.99 * 1024; // gzip of the widget that this one replaces

const manifest = JSON.parse(readFileSync(new URL('../build/widget/manifest.json', import.meta.url), 'utf8'));
const gzip = (...entries) => entries.reduce((sum, entry) => sum + manifest[entry].gzip, 0);

/* Before an agent can work: all but the language, of which it is one. */
const inboxFirst = Object.keys(manifest).filter((entry) => manifest[entry].first);
const inboxLanguages = Object.keys(manifest).filter((entry) => entry.startsWith('inbox-lang-'));
const inboxLoad = gzip(...inboxFirst) + Math.max(...inboxLanguages.map((entry) => gzip(entry)));

/** What is needed to read and write: a name, what it weighs, and what it may weigh. */
export const budget = [
    { name: 'loader', bytes: gzip('embed.js'), max: 3 * 1024 },
    { name: 'client and panel', bytes: gzip('client.js', 'panel.js'), max: 14 * 1024 },
    { name: 'all three', bytes: gzip('embed.js', 'client.js', 'panel.js'), max: Math.floor(REPLACED_WIDGET / 5) },
    { name: 'inbox, first load', bytes: inboxLoad, max: 90 * 1024 },
];

function print() {
    const row = (name, bytes, rest = '') => console.log(`${name.padEnd(36)}${String(bytes).padStart(7)}${rest}`);
    const rest = Object.keys(manifest).filter((entry) => /^(live|later|more|lang-..)\.js$/.test(entry));
    console.log('gzip, bytes');
    for (const entry of ['embed.js', 'client.js', 'panel.js']) row(entry, gzip(entry));
    for (const { name, bytes, max } of budget) row(name, bytes, ` of ${max}${bytes > max ? ': TOO LARGE' : ''}`);
    const opened = gzip('embed.js', 'client.js', 'panel.js', 'live.js', 'lang-en.js');
    const share = ((opened / REPLACED_WIDGET) * 100).toFixed(1);
    row('once it is open', opened, ` with the stream and a language: ${share} % of the widget it replaces`);
    console.log('\nwhen it is wanted');
    for (const entry of rest) row(entry, gzip(entry));
    console.log('\nthe inbox');
    for (const entry of inboxFirst) row(entry, gzip(entry));
    const later = Object.keys(manifest).filter((entry) => entry.startsWith('inbox') && !inboxFirst.includes(entry));
    console.log('\nwhen it is wanted');
    for (const entry of later) row(entry, gzip(entry));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    print();
    process.exitCode = budget.every(({ bytes, max }) => bytes <= max) ? 0 : 1;
}
