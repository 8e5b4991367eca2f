/*
 * The shapes that the API promises, as assertions: names of the members, forms of ids and times, error bodies, and the headers
 * that every answer carries.
 */
import assert from 'node:assert/strict';

export const ID = /^c[0-9a-z]{24}$/;
export const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;
/** An id of the right shape that nothing has. */
export const NOBODY = 'c' + 'k0'.repeat(12);

export function assertId(value, what = 'id') {
    assert.match(value, ID, `${what} is not an id: ${value}`);
}

export function assertTime(value, what = 'time') {
    assert.match(value, TIME, `${what} is not ISO 8601 with milliseconds and Z: ${value}`);
    assert.equal(new Date(value).toISOString(), value);
}

function assertMembers(object, names, what) {
    assert.deepEqual(Object.keys(object).sort(), [...names].sort(), `members of ${what}`);
}

export function assertMessage(message) {
    const named = 'clientId' in message ? ['clientId'] : [];
    const signed = 'agentId' in message ? ['agentId'] : []; // for the organisation's side alone: see work_canary.test.mjs
    assertMembers(message, ['id', 'conversationId', 'role', 'content', 'timestamp', 'seq', ...named, ...signed], 'a message');
    if (signed.length > 0) assertId(message.agentId, 'agentId');
    if (named.length > 0) assert.match(message.clientId, /^[!-~]{1,64}$/);
    assert.notEqual(message.clientId, message.id, 'a message that came without a clientId has its id in that place');
    assertId(message.id);
    assertId(message.conversationId);
    assertTime(message.timestamp);
    assert.ok(Number.isSafeInteger(message.seq) && message.seq > 0, `seq ${message.seq}`);
    assert.ok(['user', 'assistant'].includes(message.role), `role ${message.role}`);
    assert.equal(typeof message.content, 'string');
}

function assertSummary(conversation) {
    assertId(conversation.id);
    if (conversation.visitorId !== null) assertId(conversation.visitorId, 'visitorId');
    assertTime(conversation.createdAt, 'createdAt');
    assertTime(conversation.updatedAt, 'updatedAt');
    assert.ok(conversation.updatedAt >= conversation.createdAt, 'updatedAt before createdAt');
    assert.ok(Number.isSafeInteger(conversation.messageCount), 'messageCount');
    if (conversation.messageCount === 0) assert.equal(conversation.lastMessage, null);
    else assertMessage(conversation.lastMessage);
    for (const mark of [conversation.visitorReadSeq, conversation.agentReadSeq])
        assert.ok(Number.isSafeInteger(mark) && mark >= 0 && mark <= (conversation.lastMessage?.seq ?? 0), `read mark ${mark}`);
}

const SUMMARY = ['id', 'visitorId', 'createdAt', 'updatedAt', 'messageCount', 'lastMessage', 'visitorReadSeq', 'agentReadSeq'];
/** What the organisation's side alone sees. */
export const WORK = ['status', 'snoozedUntil', 'resolvedAt', 'assigneeId', 'priority', 'tags'];
/** By which it tells two pictures of a conversation apart, and finds its place in the list. */
const ORDER = ['seq', 'activitySeq'];

export function assertWork(conversation) {
    assert.ok(['open', 'pending', 'snoozed', 'resolved'].includes(conversation.status), `status ${conversation.status}`);
    assert.equal(conversation.snoozedUntil !== null, conversation.status === 'snoozed');
    if (conversation.snoozedUntil !== null) assertTime(conversation.snoozedUntil, 'snoozedUntil');
    if (conversation.resolvedAt !== null) assert.equal(conversation.status, 'resolved');
    if (conversation.resolvedAt !== null) assertTime(conversation.resolvedAt, 'resolvedAt');
    if (conversation.assigneeId !== null) assertId(conversation.assigneeId, 'assigneeId');
    assert.ok([null, 'low', 'medium', 'high', 'urgent'].includes(conversation.priority), `priority ${conversation.priority}`);
    assert.deepEqual(conversation.tags, [...new Set(conversation.tags)].sort());
}

function assertOrder({ seq, activitySeq, lastMessage }) {
    for (const each of [seq, activitySeq]) assert.ok(Number.isSafeInteger(each) && each > 0, `seq ${each}`);
    assert.ok(seq >= activitySeq && activitySeq >= (lastMessage?.seq ?? 0), `${seq}, ${activitySeq}`);
}

/** That its visitor was erased is said of those alone of which it is true. */
function anonymizedOf(conversation) {
    if (!('anonymized' in conversation)) return [];
    assert.deepEqual([conversation.anonymized, conversation.visitorId], [true, null]);
    return ['anonymized'];
}

/** One element of GET /conversations, as the organisation has it. */
export function assertListed(conversation) {
    assertMembers(conversation, [...SUMMARY, ...anonymizedOf(conversation), ...ORDER, ...WORK], 'a listed conversation');
    assertSummary(conversation);
    assertOrder(conversation);
    assertWork(conversation);
}

/** A conversation as a visitor's stream tells it. */
export function assertTold(conversation) {
    assertMembers(conversation, SUMMARY, 'a conversation that a visitor is told of');
    assertSummary(conversation);
}

/** One element of GET /conversations, as its visitor has it. */
export function assertOwn(conversation) {
    assertMembers(conversation, [...SUMMARY, 'unreadCount'], "a conversation in a visitor's own list");
    assertSummary(conversation);
    assertUnread(conversation.unreadCount);
}

function assertUnread(count) {
    assert.ok(Number.isSafeInteger(count) && count >= 0 && count <= 100, `unreadCount ${count}`);
}

/** The answer of GET /conversations/:id. */
export function assertConversation(conversation) {
    const isOfOrg = 'status' in conversation;
    assertMembers(
        conversation,
        [...SUMMARY, ...anonymizedOf(conversation), 'messages', 'hasMore', ...(isOfOrg ? [...ORDER, ...WORK, 'notes'] : [])],
        'a conversation',
    );
    assertSummary(conversation);
    if (isOfOrg) assertOrder(conversation);
    if (isOfOrg) assertWork(conversation);
    assert.equal(typeof conversation.hasMore, 'boolean');
    let seq = 0;
    for (const message of conversation.messages) {
        assertMessage(message);
        assert.equal(message.conversationId, conversation.id);
        assert.ok(message.seq > seq, 'messages are not in order of seq');
        seq = message.seq;
    }
}

function assertSeen(visitor) {
    assertId(visitor.id);
    assertTime(visitor.firstSeenAt, 'firstSeenAt');
    assertTime(visitor.lastSeenAt, 'lastSeenAt');
    assert.ok(visitor.lastSeenAt >= visitor.firstSeenAt, 'lastSeenAt before firstSeenAt');
    assert.ok(visitor.email === null || typeof visitor.email === 'string', 'email');
    assert.ok(Number.isSafeInteger(visitor.conversationCount), 'conversationCount');
}

/** What the organisation sees of a visitor. */
export function assertVisitor(visitor) {
    assertMembers(
        visitor,
        ['id', 'visitorKey', 'firstSeenAt', 'lastSeenAt', 'userAgent', 'email', 'address', 'conversationCount', 'online', 'onlineSince', 'page', 'blocked', 'blockedAt'],
        'a visitor',
    );
    assert.ok(visitor.address === null || /^[0-9a-f:./]+$/.test(visitor.address), `address ${visitor.address}`);
    assertSeen(visitor);
    assert.equal(typeof visitor.online, 'boolean', 'online');
    assert.ok(visitor.userAgent === null || typeof visitor.userAgent === 'string', 'userAgent');
}

/** One of the messages of GET /search; its numbers lie in the text. */
export function assertHit(hit) {
    assertMembers(hit, ['message', 'conversationId', 'visitorId', 'snippet'], 'a hit');
    assertMessage(hit.message);
    assert.equal(hit.conversationId, hit.message.conversationId);
    if (hit.visitorId !== null) assertId(hit.visitorId, 'visitorId');
    const { text, start, matches } = hit.snippet;
    assertMembers(hit.snippet, ['text', 'start', 'matches'], 'a snippet');
    assert.equal(text, hit.message.content.slice(start, start + text.length));
    assert.ok(matches.length > 0, 'a hit without a match');
    matches.reduce((end, match) => {
        assertMembers(match, ['start', 'length'], 'a match');
        assert.ok(match.start >= end && match.length > 0 && match.start + match.length <= text.length, JSON.stringify(hit.snippet));
        return match.start + match.length;
    }, 0);
}

/** The answer of GET and POST /visitors/me. */
export function assertSelf(self) {
    assertMembers(self, ['id', 'firstSeenAt', 'lastSeenAt', 'email', 'conversationCount', 'unreadCount'], 'a visitor to itself');
    assertSeen(self);
    assertUnread(self.unreadCount);
}

const countsOf = (counts) => [counts.visitors, counts.conversations, counts.messages, counts.anonymizedConversations];

/** The answer of DELETE /visitors/me and /visitors/:id. */
export function assertReceipt(receipt, visitors, conversations, messages, anonymized = 0) {
    assertMembers(receipt, ['receipt', 'erasedAt', 'visitors', 'conversations', 'messages', 'anonymizedConversations'], 'a receipt');
    assertId(receipt.receipt);
    assertTime(receipt.erasedAt);
    assert.deepEqual(countsOf(receipt), [visitors, conversations, messages, anonymized]);
}

/** The same with ?preview=1. */
export function assertPreview(preview, conversations, messages, anonymized = 0) {
    assertMembers(preview, ['visitors', 'conversations', 'messages', 'anonymizedConversations', 'complete'], 'a preview');
    assert.deepEqual([...countsOf(preview), preview.complete], [1, conversations, messages, anonymized, true]);
}

/** A page of GET /visitors/me/export; or of /visitors/:id/export, which has the key. */
export function assertExport(page, key) {
    assertMembers(page, ['exportedAt', 'organization', 'visitor', 'conversations', 'next'], 'a page of an export');
    assertTime(page.exportedAt);
    assertMembers(page.organization, ['id', 'key', 'name'], 'the organization of an export');
    const members = ['id', 'firstSeenAt', 'lastSeenAt', 'userAgent', 'email', 'address', 'createdAt', 'updatedAt', 'conversationCount'];
    assertMembers(page.visitor, key === undefined ? members : [...members, 'visitorKey', 'blockedAt'], 'the visitor of an export');
    assert.equal(page.visitor.visitorKey, key);
    assertSeen(page.visitor);
    for (const conversation of page.conversations) {
        const names = ['id', 'createdAt', 'updatedAt', 'messageCount', 'visitorReadSeq', 'agentReadSeq', 'messages'];
        assertMembers(conversation, key === undefined ? names : [...names, ...WORK, 'notes'], 'a conversation of an export');
        conversation.messages.forEach(assertMessage);
    }
}

/** An error answer: status, code, {"error","code"} and nothing else; the sentence is one that a person can read. */
export function assertError(answer, status, code, sentence) {
    const seen = `${answer.status} ${answer.text}`;
    assert.ok([status].flat().includes(answer.status), `expected ${status} ${code ?? ''}, got ${seen}`);
    assert.match(answer.headers['content-type'] ?? '', /^application\/json(; *charset=utf-8)?$/i, seen);
    const body = answer.json;
    assertMembers(body, ['error', 'code'], `the error ${seen}`);
    assert.match(body.code, /^[a-z][a-z0-9_]*$/);
    assert.match(body.error, /^[A-Z"].*[.!]$/s, `not a sentence: ${body.error}`);
    if (code !== undefined) assert.ok([code].flat().includes(body.code), `expected code ${code}, got ${seen}`);
    if (sentence !== undefined) assert.match(body.error, sentence);
    return body;
}

/** What must be on every answer of the server, whatever made it. */
export function assertSafeHeaders(headers, what = 'an answer', { credentials } = {}) {
    assert.equal(headers['x-content-type-options'], 'nosniff', `${what}: X-Content-Type-Options`);
    assert.match(headers['referrer-policy'] ?? '', /^no-referrer$/, `${what}: Referrer-Policy`);
    assert.match(headers['content-security-policy'] ?? '', /default-src 'none'/, `${what}: Content-Security-Policy`);
    assert.match(headers['content-security-policy'] ?? '', /frame-ancestors 'none'/, `${what}: frame-ancestors`);
    assert.equal(headers['cache-control'], 'no-store', `${what}: Cache-Control`);
    assert.equal(headers['x-powered-by'], undefined, `${what}: X-Powered-By`);
    assert.doesNotMatch(JSON.stringify(headers), /h2o|libh2o|openssl|helvino\/|2\.2\.5/i, `${what} names software`);
    if ('server' in headers) assert.doesNotMatch(headers.server, /[0-9]/, `${what}: Server has a version`);
    assert.equal(headers['access-control-allow-credentials'], credentials, `${what}: credentials`);
}
