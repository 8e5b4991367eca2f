/*
 * Random rows as an export has them, out of a seed: a few organisations with all that is awkward in a database: texts of
 * every kind, times at the edges and equal ones, empty and missing values, visitors without conversations and
 * conversations without visitors, ids of another shape.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Numbers that are the same for the same seed (mulberry32), and draws from them. */
export class Random {
    constructor(seed) {
        this.state = seed >>> 0;
    }
    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    }
    below(limit) {
        return Math.floor(this.next() * limit);
    }
    chance(share) {
        return this.next() < share;
    }
    pick(list) {
        return list[this.below(list.length)];
    }
    text(alphabet, length) {
        return Array.from({ length }, () => alphabet[this.below(alphabet.length)]).join('');
    }
}

/* ---- values --------------------------------------------------------------------------------------------------- */

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export function sqlTime(ms) {
    return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}

export const EDGE_TIMES = [
    0, 1, 999, 1000, 59_999, 60_000, 86_399_999, 86_400_000, // the first day
    Date.UTC(2000, 1, 29, 12), Date.UTC(2024, 1, 29, 23, 59, 59, 999), Date.UTC(2024, 2, 1), // leap days
    Date.UTC(2038, 0, 19, 3, 14, 7, 999), Date.UTC(2038, 0, 19, 3, 14, 8), // 31 bits of seconds
    Date.UTC(2025, 9, 26, 0, 59, 59, 999), Date.UTC(2025, 9, 26, 1), // Europe's clocks go back
    Date.UTC(2026, 2, 29, 0, 59, 59, 999), Date.UTC(2026, 2, 29, 1), // and forward
    Date.UTC(2025, 11, 28, 23, 59, 59, 999), Date.UTC(2025, 11, 29), // a Sunday and the Monday of the year's last week
    Date.UTC(2026, 0, 1) - 1, Date.UTC(2026, 0, 1), // a year's edge within a week
    Date.UTC(2059, 4, 25, 17, 38, 27, 456), Date.UTC(2106, 1, 7, 6, 28, 16), // eight digits of base 36; 32 bits of seconds
    LAST_MS - 86_400_000, LAST_MS,
];

const BUSY_FROM_MS = Date.UTC(2025, 11, 20);
const BUSY_MS = 100 * 86_400_000;

/** Most visitors have said none. */
const EMAILS = [null, null, 'jane.doe+chat@example.org', null, '"o\'brien,x"@exämple.org', null, '=1+1@example.org'];

/** Texts that are awkward for a quoting, an encoding, a spreadsheet or a COPY. */
export const AWKWARD = [
    'plain', ' leading and trailing ', "it's", "''", '"quoted"', '""', 'a,b', ',', ';', 'back\\slash', '\\', '\\\\', '\\N', '\\.', '\\n',
    'line\nbreak', '\n', 'carriage\rreturn', '\r\n', '\ttab\t', 'a\u0001b', '\u007f', '\b\v\f', 'NULL', 'null', 't', 'f', '0', '1e5', '-0',
    '=1+1', '+1', '-1', '@SUM(A1)', '=cmd|\'/C calc\'!A0', '\t=1', '\r=1', '%', '_', '100%_!', "'; DROP TABLE visitors; --", '-- no comment',
    '$$', '$1', ':org', '?1', '{"json": [true]}', '<b>&amp;</b>', 'Ümlaut', 'İstanbul ığüşöç', 'ΑΒΓ ς', 'Привет', '中文字', 'ไทย',
    'שלום עולם', 'مرحبا', '\u202eright to left', 'e\u0301 and \u00e9', '😀', '👩‍👩‍👧‍👦', '🏳️‍🌈', '\u{10ffff}', '\ufeffbom', '\ufffd', 'a\u2028b\u0085c',
    '\u00a0', 'z\u0335a\u0322l\u0327g\u0323o', 'ﷺ', 'x'.repeat(500),
];
const LONGEST = ['x'.repeat(32768), '😀'.repeat(8192), '"'.repeat(32768), '\n'.repeat(2000), '\\'.repeat(5000)];
const WORDS = ['order', 'number', 'please', 'Thanks', 'the', 'blue', 'one', 'when', 'delivery', 'İade', 'ödeme', 'why', '42', '10%', 'a_b', 'ok'];

function sentence(random) {
    return Array.from({ length: 1 + random.below(12) }, () => random.pick(WORDS)).join(' ') + random.pick(['', '.', '?', '!']);
}

class Maker {
    constructor(seed) {
        this.random = new Random(seed);
        this.ids = new Set();
        this.rows = { organizations: [], visitors: [], conversations: [], messages: [] };
    }

    id(ms) {
        const { random } = this;
        for (;;) {
            const time = ms !== undefined && ms < 36 ** 8 ? ms.toString(36).padStart(8, '0') : random.text(DIGITS, 8);
            const id = `c${time}${random.text(DIGITS, 16)}`;
            if (this.ids.has(id)) continue;
            this.ids.add(id);
            return id;
        }
    }

    time() {
        const { random } = this;
        if (random.chance(0.12)) return random.pick(EDGE_TIMES);
        const ms = BUSY_FROM_MS + random.below(BUSY_MS);
        return random.chance(0.2) ? ms - (ms % 86_400_000) : random.chance(0.2) ? ms - (ms % 1000) : ms; // equal times, round times
    }

    later(ms) {
        const { random } = this;
        if (random.chance(0.15)) return ms;
        const steps = [random.below(1000), random.below(600_000), random.below(86_400_000), random.below(20 * 86_400_000)];
        return Math.min(LAST_MS, ms + random.pick(steps));
    }

    text() {
        const { random } = this;
        if (random.chance(0.35)) return random.pick(AWKWARD);
        return random.chance(0.05) ? random.pick(AWKWARD) + random.pick(AWKWARD) : sentence(random);
    }

    organization(key, more) {
        const createdAt = this.time();
        const row = {
            id: this.id(createdAt), key, name: key, allowedOrigins: null, createdAt: sqlTime(createdAt),
            updatedAt: sqlTime(this.later(createdAt)), widgetTitle: null, widgetSubtitle: null, widgetColor: null, widgetPosition: null,
            widgetLanguage: null, countVisits: false, ...more,
        };
        this.rows.organizations.push(row);
        return row;
    }

    visitor(org, visitorKey, more) {
        const { random } = this;
        const firstSeenAt = this.time();
        const lastSeenAt = random.chance(0.3) ? firstSeenAt : this.later(firstSeenAt);
        const agent = random.chance(0.25) ? null : random.chance(0.3) ? random.pick(AWKWARD) : `Mozilla/5.0 (${random.pick(['X11', 'Macintosh', 'iPhone'])})`;
        const row = {
            id: this.id(firstSeenAt), orgId: org.id, visitorKey, firstSeenAt: sqlTime(firstSeenAt), lastSeenAt: sqlTime(lastSeenAt),
            userAgent: agent, createdAt: sqlTime(firstSeenAt), updatedAt: sqlTime(lastSeenAt),
            email: EMAILS[this.rows.visitors.length % EMAILS.length], ...more,
        };
        this.rows.visitors.push(row);
        return row;
    }

    conversation(org, visitor, messageCount, id) {
        const { random } = this;
        const createdAt = visitor && random.chance(0.5) ? Date.parse(`${visitor.firstSeenAt.replace(' ', 'T')}Z`) : this.time();
        const row = { id: id ?? this.id(createdAt), orgId: org.id, visitorId: visitor?.id ?? null, createdAt: sqlTime(createdAt) };
        let at = createdAt;
        let last = createdAt;
        for (let i = 0; i < messageCount; ++i) {
            at = this.later(at);
            last = Math.max(last, at);
            this.message(row, at, i);
        }
        row.updatedAt = sqlTime(random.chance(0.2) ? this.later(last) : last);
        row.messageCount = messageCount;
        this.rows.conversations.push(row);
        return row;
    }

    message(conversation, at, index) {
        const { random } = this;
        const role = random.chance(index === 0 ? 0.9 : 0.5) ? 'user' : 'assistant';
        this.rows.messages.push({
            id: this.id(at), conversationId: conversation.id, orgId: conversation.orgId, role,
            content: this.text(), timestamp: sqlTime(at), clientId: random.chance(0.3) ? `client-${this.rows.messages.length}` : null,
        });
    }
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

const VISITOR_KEY = `${DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-`;

function makeVisitors(maker, first, second) {
    const { random } = maker;
    const visitors = Array.from({ length: 300 }, (_, i) => {
        const org = i % 3 === 0 ? second : first;
        return [org, maker.visitor(org, `v_${random.text(VISITOR_KEY, 1 + random.below(78))}${i}`.slice(0, 80))];
    });
    for (const org of [first, second]) {
        // The same key in both, alike but for the case, and the shortest and longest there are.
        for (const key of ['v_both', 'v_BOTH', 'v_1', `v_${'z'.repeat(78)}`, 'v_-', 'v_.']) visitors.push([org, maker.visitor(org, key)]);
    }
    visitors.push([first, maker.visitor(first, 'v_lowest', { id: 'c000000000000000000000001' })]);
    visitors.push([first, maker.visitor(first, 'v_highest', { id: `c${'z'.repeat(24)}` })]);
    visitors.push([second, maker.visitor(second, 'v_other_shape', { id: '6f1c2f9e-8a52-4c3e-9d4b-0a1b2c3d4e5f' })]);
    return visitors;
}

function makeConversations(maker, visitors) {
    const { random } = maker;
    const length = () => (random.chance(0.15) ? 0 : random.chance(0.9) ? 1 + random.below(8) : 10 + random.below(20));
    for (const [org, visitor] of visitors) {
        const count = random.chance(0.25) ? 0 : 1 + random.below(random.chance(0.15) ? 8 : 3);
        for (let i = 0; i < count; ++i) maker.conversation(org, visitor, length());
    }
    const [busyOrg, busy] = visitors[1];
    for (let i = 0; i < 60; ++i) maker.conversation(busyOrg, busy, random.below(3));
    for (let i = 0; i < 70; ++i) maker.conversation(random.pick(visitors)[0], null, length());
    for (let i = 0; i < 5; ++i) {
        const [org, visitor] = random.pick(visitors);
        maker.conversation(org, visitor, 3, `177031365400${i}-${random.text(DIGITS, 9)}`);
    }
}

/** {organizations, visitors, conversations, messages}: rows in the form of an export, the same for the same seed. */
export function makeDataset(seed = 1) {
    const maker = new Maker(seed);
    const first = maker.organization('first', {
        name: "Bir & Söhne's \"Laden\" 😀", allowedOrigins: 'https://example.com\nhttps://www.example.com', widgetTitle: '=Title, "quoted"',
        widgetColor: '#aabbcc', widgetPosition: 'left', widgetLanguage: 'tr', countVisits: true,
    });
    const second = maker.organization('second');
    maker.organization('nobody-there');
    makeConversations(maker, makeVisitors(maker, first, second));
    const longest = maker.conversation(first, null, LONGEST.length + AWKWARD.length);
    const texts = [...LONGEST, ...AWKWARD];
    maker.rows.messages.filter((message) => message.conversationId === longest.id).forEach((message, i) => (message.content = texts[i]));
    return maker.rows;
}

/** The same rows with what agents have made of them: statuses, priorities, tags, a blocked visitor, and notes as a table of their own. */
export function withWork(rows, seed = 1) {
    const random = new Random(seed);
    const tags = ['=1+1', 'Billing, "late"', 'vip', 'ü 😀'];
    const chosen = () => tags.filter(() => random.chance(0.3)).join('\n') || null;
    const worked = (row) => {
        const status = random.pick(['open', 'pending', 'snoozed', 'resolved', 'resolved']);
        return {
            ...row, status, snoozedUntil: status === 'snoozed' ? '2031-05-06 07:08:09.010' : null,
            resolvedAt: status === 'resolved' && random.chance(0.5) ? row.createdAt : null,
            priority: random.pick([null, 'low', 'medium', 'high', 'urgent']), tags: chosen(),
        };
    };
    const notes = rows.conversations.filter(({ id }) => /^c[0-9a-z]{24}$/.test(id) && random.chance(0.3)).flatMap((conversation) =>
        Array.from({ length: 1 + random.below(3) }, () => ({
            id: `c${random.text(DIGITS, 24)}`, conversationId: conversation.id, orgId: conversation.orgId, agentId: null, content: random.pick(AWKWARD),
            timestamp: conversation.createdAt, clientId: random.chance(0.3) ? `note-${random.below(1e6)}` : null,
        })));
    return {
        ...rows, conversations: rows.conversations.map(worked), notes,
        visitors: rows.visitors.map((row) => ({ ...row, blockedAt: random.chance(0.05) ? row.lastSeenAt : null })),
    };
}

/**
 * The same rows some time before: nobody had come back, and of every conversation there was the first half. Importing these
 * first leaves entries in the indexes that are out of date, as a server does.
 */
export function earlierDataset({ organizations, visitors, conversations, messages }) {
    const counts = new Map(conversations.map(({ id }) => [id, 0]));
    const halves = new Map(conversations.map(({ id, messageCount }) => [id, Math.floor(messageCount / 2)]));
    const isEarly = ({ conversationId }) => {
        counts.set(conversationId, counts.get(conversationId) + 1);
        return counts.get(conversationId) <= halves.get(conversationId);
    };
    return {
        organizations,
        visitors: visitors.map((row) => ({ ...row, lastSeenAt: row.firstSeenAt, updatedAt: row.createdAt })),
        conversations: conversations.map((row) => ({ ...row, updatedAt: row.createdAt, messageCount: halves.get(row.id) })),
        messages: messages.filter(isEarly),
    };
}

/** Writes DIR/TABLE.ndjson as `helvino import` reads them. */
export function writeDataset(rows, directory) {
    mkdirSync(directory, { recursive: true });
    for (const [table, list] of Object.entries(rows)) {
        writeFileSync(join(directory, `${table}.ndjson`), list.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
}
