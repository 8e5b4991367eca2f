/* Conversations, messages and notes as the server would give them, and a server that lists them. */
let last = 0;
export const nextSeq = () => ++last;

const idOf = (name) => `c${name}_`.padEnd(25, 'x');

export const ME = idOf('me');
export const OTHER = idOf('other');

export function message(conversationId, { seq = nextSeq(), role = 'user', content = `said at ${seq}`, ...rest } = {}) {
    return { id: idOf(`message${seq}`), conversationId, role, content, timestamp: new Date(seq * 1000).toISOString(), seq, ...rest };
}

export function note(conversationId, { seq = nextSeq(), content = `noted at ${seq}`, mentions = [], agentId = OTHER } = {}) {
    return { id: idOf(`note${seq}`), conversationId, agentId, content, mentions, timestamp: new Date(seq * 1000).toISOString(), seq };
}

export function conversation(name, { lastMessage, ...rest } = {}) {
    const id = idOf(name);
    const said = lastMessage === null ? null : { ...message(id), ...lastMessage, conversationId: id };
    return {
        id,
        visitorId: idOf(`v${name}`),
        createdAt: new Date(0).toISOString(),
        updatedAt: said?.timestamp ?? new Date(0).toISOString(),
        messageCount: said ? 1 : 0,
        lastMessage: said,
        visitorReadSeq: 0,
        agentReadSeq: 0,
        seq: said?.seq ?? nextSeq(),
        activitySeq: said?.seq ?? nextSeq(),
        status: 'open',
        snoozedUntil: null,
        resolvedAt: null,
        assigneeId: null,
        priority: null,
        tags: [],
        ...rest,
    };
}

const isUnread = ({ lastMessage, agentReadSeq }) => lastMessage?.role === 'user' && lastMessage.seq > agentReadSeq;

/** GET /conversations over an array that a test may change; `asked` are the queries. */
export class ListServer {
    asked = [];
    failing = 0;

    constructor(conversations = []) {
        this.conversations = conversations;
    }

    ask = async (method, path, body) => {
        if (this.failing > 0 && this.failing--) throw Object.assign(new Error('The server is away.'), { status: 503 });
        this.asked.push(path);
        await new Promise((done) => setImmediate(done));
        if (method === 'GET') return this.#list(new URL(path, 'http://x').searchParams);
        return this.#change(method, path, body);
    };

    #list(parameters) {
        const get = (name) => parameters.get(name);
        const direction = get('order') === 'oldest' ? 1 : -1;
        const from = get('after') ?? get('before');
        const assignee = { me: ME, none: null }[get('assignee')] ?? get('assignee');
        const all = this.conversations
            .filter((each) => !get('status') || get('status').split(',').includes(each.status))
            .filter((each) => get('assignee') === null || each.assigneeId === (get('assignee') === 'none' ? null : assignee))
            .filter((each) => get('tag') === null || each.tags.includes(get('tag')))
            .filter((each) => get('priority') === null || (each.priority ?? 'none') === get('priority'))
            .filter((each) => get('unread') === null || isUnread(each) === (get('unread') === '1'))
            .filter((each) => from === null || direction * (each.activitySeq - Number(from)) > 0)
            .sort((a, b) => direction * (a.activitySeq - b.activitySeq));
        const page = all.slice(0, Number(get('limit')));
        const next = all.length > page.length ? String(page.at(-1).activitySeq) : null;
        return structuredClone({ conversations: page, visitors: [], next });
    }

    #change(method, path, body) {
        if (method === 'PATCH') return this.change(path.split('/').pop(), body);
        const results = body.ids.map((id) => {
            try {
                this.change(id, body.change);
                return { id, ok: true };
            } catch (error) {
                return { id, ok: false, error: error.message, code: error.code };
            }
        });
        return { results };
    }

    /** As PATCH does it. */
    change(id, change) {
        const known = this.conversations.find((each) => each.id === id);
        if (!known) throw Object.assign(new Error('There is nothing here.'), { status: 404, code: 'not_found' });
        if (change.ifAssigneeId !== undefined && known.assigneeId !== change.ifAssigneeId) {
            throw Object.assign(new Error('Somebody else has been assigned.'), { status: 409, code: 'taken' });
        }
        const { status, snoozedUntil, assigneeId, priority, tags, addTags = [], removeTags = [] } = change;
        if (status) Object.assign(known, { status, snoozedUntil: snoozedUntil ?? null });
        if (assigneeId !== undefined) known.assigneeId = assigneeId;
        if (priority !== undefined) known.priority = priority;
        known.tags = [...new Set([...(tags ?? known.tags), ...addTags])].filter((tag) => !removeTags.includes(tag)).sort();
        known.seq = nextSeq();
        return structuredClone(known);
    }
}
