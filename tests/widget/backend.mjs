/*
 * The server as a visitor's browser knows it, in memory, with faults to order: answers that get lost after the deed, streams that a
 * proxy keeps back, refusals. It promises what the real one promises: each clientId and each Idempotency-Key once, a seq that only
 * grows, and on a stream exactly what came after the last id.
 */
const encoder = new TextEncoder();

export class Backend {
    constructor(clock) {
        this.clock = clock;
        this.seq = 0;
        this.ids = 0;
        this.visitors = new Map(); // by key
        this.conversations = new Map();
        this.keys = new Map(); // Idempotency-Key → conversation
        this.streams = new Set();
        this.streamsEver = 0;
        this.requests = [];
        this.online = false;
        this.isDown = false;
        this.swallows = false; // streams get through to nobody
        this.isSilent = false; // no heartbeat
        this.faults = []; // each is given the next requests: (method, path) => 'lose' | {status, body, headers} | undefined
        this.fetch = (url, init, tab) => this.#fetch(new URL(url), init, tab);
    }

    /** The bootloader's answer for a visitor. */
    boot(key = null) {
        const visitor = this.visitors.get(key);
        const own = this.#own(key);
        return {
            ok: true,
            org: { id: 'o', key: 'demo', name: 'Demo' },
            config: { title: 'Demo', subtitle: '', color: '#2563eb', position: 'right', language: 'auto', enabled: true, countVisits: false, visitorCookie: false },
            online: this.online,
            opensAt: null,
            visitor: visitor ? { conversationCount: own.length, unreadCount: own.reduce((sum, talk) => sum + this.#unread(talk), 0) } : null,
            timestamp: this.#time(),
            ...this.bootMore,
        };
    }
    said(key) {
        return this.#own(key).flatMap((talk) => talk.messages.map(({ content }) => content));
    }
    /** Whoever answers writes into the visitor's newest conversation. */
    answer(key, content, conversation = this.#own(key)[0].id) {
        return this.#add(this.conversations.get(conversation), { role: 'assistant', content });
    }
    read(key, conversation = this.#own(key)[0].id) {
        const talk = this.conversations.get(conversation);
        talk.agentReadSeq = this.seq;
        this.#mark(talk);
    }
    type(key, typing) {
        const [{ id }] = this.#own(key);
        this.#publish(key, 'typing', { conversationId: id, role: 'assistant', typing });
    }
    setOnline(online) {
        this.online = online;
        for (const key of this.visitors.keys()) this.#publish(key, 'presence', { role: 'assistant', online, opensAt: null });
    }
    /** All connections break. */
    cut() {
        for (const stream of [...this.streams]) stream.fail(new TypeError('terminated'));
    }
    /** A tab is gone, and its streams with it. */
    forget(tab) {
        for (const stream of [...this.streams]) if (stream.tab === tab) stream.end();
    }
    count(method, path) {
        return this.requests.filter((request) => request.method === method && request.path.split('?')[0] === path).length;
    }

    /* ---- the tables ---- */

    #time() {
        return new Date(this.clock.now ?? Date.now()).toISOString();
    }
    #own(key) {
        return [...this.conversations.values()].filter((talk) => talk.key === key).sort((a, b) => b.changed - a.changed);
    }
    #unread(talk) {
        return talk.messages.filter(({ role, seq }) => role === 'assistant' && seq > talk.visitorReadSeq).length;
    }
    #see(key) {
        if (!this.visitors.has(key)) this.visitors.set(key, { id: `vis${++this.ids}`, email: null });
        return this.visitors.get(key);
    }
    #self(key) {
        const { id, email } = this.visitors.get(key);
        const { conversationCount, unreadCount } = this.boot(key).visitor;
        return { id, email, conversationCount, unreadCount, firstSeenAt: this.#time(), lastSeenAt: this.#time() };
    }
    #json(talk) {
        const { id, visitorReadSeq, agentReadSeq, messages, createdAt } = talk;
        const lastMessage = messages.at(-1) ?? null;
        const updatedAt = lastMessage?.timestamp ?? createdAt;
        return { id, visitorId: 'x', createdAt, updatedAt, messageCount: messages.length, lastMessage, visitorReadSeq, agentReadSeq, unreadCount: this.#unread(talk) };
    }
    #add(talk, { role, content, clientId }) {
        const known = clientId && talk.messages.find((message) => message.clientId === clientId);
        if (known) return known;
        const message = { id: `m${++this.ids}`, conversationId: talk.id, role, content, timestamp: this.#time(), seq: ++this.seq, ...(clientId && { clientId }) };
        talk.messages.push(message);
        talk.changed = this.seq;
        this.#publish(talk.key, 'message', message, message.seq);
        return message;
    }
    #mark(talk) {
        talk.marked = ++this.seq;
        this.#publish(talk.key, 'conversation', this.#json(talk), talk.marked);
    }

    /* ---- streams ---- */

    #publish(key, event, data, id) {
        for (const stream of this.streams) if (stream.key === key && !stream.isSwallowed) stream.send(event, data, id);
    }
    #stream(key, since, signal, tab) {
        this.#see(key);
        this.streamsEver++;
        const stream = { key, tab };
        const body = new ReadableStream({
            start: (controller) => {
                const close = (end) => () => this.streams.delete(stream) && end();
                stream.fail = (error) => this.streams.delete(stream) && controller.error(error);
                stream.end = close(() => controller.close());
                stream.raw = (text) => controller.enqueue(encoder.encode(text));
                stream.send = (event, data, id) => stream.raw(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
                signal?.addEventListener('abort', () => stream.fail(signal.reason));
                stream.isSwallowed = this.swallows;
                if (this.swallows) return;
                this.#begin(stream, key, since);
                this.#beat(stream);
            },
            cancel: () => this.streams.delete(stream),
        });
        this.streams.add(stream);
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    }
    /* Something at least every 15 seconds, unless a test wants silence. */
    #beat(stream) {
        this.clock.setTimeout(() => {
            if (!this.streams.has(stream)) return;
            if (!this.isSilent) stream.raw(':\n\n');
            this.#beat(stream);
        }, 15_000);
    }
    #begin(stream, key, since) {
        stream.raw('retry: 3000\n\n');
        if (since !== null && since > this.seq) stream.send('reset', { seq: this.seq }, this.seq);
        else if (since !== null) {
            const missed = this.#own(key).flatMap((talk) => [
                ...talk.messages.filter(({ seq }) => seq > since).map((message) => ['message', message, message.seq]),
                ...(talk.marked > since ? [['conversation', this.#json(talk), talk.marked]] : []),
            ]);
            for (const each of missed.sort(([, , a], [, , b]) => a - b)) stream.send(...each);
        }
        stream.send('presence', { role: 'assistant', online: this.online, opensAt: null }, this.seq);
    }

    /* ---- HTTP ---- */

    async #fetch(url, { method = 'GET', headers = {}, body, signal } = {}, tab) {
        const path = url.pathname + url.search;
        this.requests.push({ method, path, headers, body, tab });
        if (signal?.aborted) throw signal.reason;
        if (this.isDown) throw new TypeError('Failed to fetch');
        const fault = this.faults.map((each) => each(method, path)).find(Boolean);
        if (fault?.status) return Response.json(fault.body ?? { error: 'No.', code: 'no' }, { status: fault.status, headers: fault.headers ?? {} });
        if (fault === 'hang') return new Promise((_, fail) => signal?.addEventListener('abort', () => fail(signal.reason)));
        const answer = this.#route(method, url, headers, body ? JSON.parse(body) : {}, signal, tab);
        if (fault === 'lose') throw new TypeError('The connection was lost');
        return answer;
    }
    #route(method, url, headers, body, signal, tab) {
        const key = headers['x-visitor-id'];
        const route = `${method} ${url.pathname.replace(/^\/conversations\/[^/]+/, '/conversations/:id')}`;
        const talk = this.conversations.get(url.pathname.split('/')[2]);
        const missing = () => Response.json({ error: 'There is nothing here, or it is not yours.', code: 'not_found' }, { status: 404 });
        if (route.includes(':id') && talk?.key !== key) return missing();
        switch (route) {
            case 'GET /api/bootloader':
                return Response.json(this.boot(key));
            case 'GET /stream':
                return this.#stream(key, headers['last-event-id'] === undefined ? null : Number(headers['last-event-id']), signal, tab);
            case 'POST /visitors/me':
                Object.assign(this.#see(key), 'email' in body ? { email: body.email } : {});
                return Response.json(this.#self(key));
            case 'DELETE /visitors/me':
                return Response.json(this.#erase(key));
            case 'GET /conversations':
                return Response.json({ conversations: this.#own(key).map((each) => this.#json(each)), next: null });
            case 'POST /conversations':
                return Response.json(this.#create(key, headers['idempotency-key']), { status: 201 });
            case 'GET /conversations/:id':
                return Response.json(this.#page(talk, url.searchParams));
            case 'POST /conversations/:id/messages':
                return Response.json(this.#add(talk, body), { status: 201 });
            case 'POST /conversations/:id/read':
                return Response.json(this.#readBy(talk, body.seq));
            case 'POST /conversations/:id/typing':
                return new Response(null, { status: 204 });
            default:
                return missing();
        }
    }
    #create(key, idempotency) {
        this.#see(key);
        const known = this.keys.get(idempotency);
        const id = known ?? `c${++this.ids}`;
        if (!known) {
            const createdAt = this.#time();
            this.conversations.set(id, { id, key, createdAt, messages: [], visitorReadSeq: 0, agentReadSeq: 0, changed: ++this.seq, marked: 0 });
            this.#publish(key, 'conversation', this.#json(this.conversations.get(id)), this.seq);
        }
        if (idempotency) this.keys.set(idempotency, id);
        return { id, createdAt: this.#time() };
    }
    #page(talk, query) {
        const [after, before, limit] = ['after', 'before', 'limit'].map((name) => Number(query.get(name) ?? 0));
        const among = talk.messages.filter(({ seq }) => seq > after && (!before || seq < before));
        const messages = before ? among.slice(-limit) : among.slice(0, limit || 200);
        return { ...this.#json(talk), messages, hasMore: messages.length < among.length };
    }
    #readBy(talk, seq) {
        if (seq > talk.visitorReadSeq) {
            talk.visitorReadSeq = seq;
            this.#mark(talk);
        }
        const { visitorReadSeq, agentReadSeq } = talk;
        return { conversationId: talk.id, visitorReadSeq, agentReadSeq };
    }
    #erase(key) {
        const own = this.#own(key);
        own.forEach(({ id }) => this.conversations.delete(id));
        const visitors = this.visitors.delete(key) ? 1 : 0;
        for (const stream of [...this.streams]) if (stream.key === key) stream.end();
        return { receipt: 'r1', erasedAt: this.#time(), visitors, conversations: own.length, messages: own.flatMap(({ messages }) => messages).length };
    }
}
