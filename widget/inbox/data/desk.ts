/*
 * All that an agent works with in one organisation: what is known (store), the list that is shown, who is there and who
 * types, what waits to be sent (outbox), and the connection, which all tabs of a browser share. The tab that leads has
 * the stream and sends; it tells the others what it hears. Each tab asks for its own lists and conversations.
 *
 * A `life` is the time in which the page is shown: one that is put aside (back and forward) lets go of everything, and
 * asks for everything anew when it comes back.
 */
import { signal, type ReadonlySignal } from '@preact/signals-core';

import startLink, { type Connection } from '../../shared/live.ts';
import { makeOutbox, type Item, type Keep, type Refusal } from '../../shared/outbox.ts';
import { joinTabs, type Tabs, type Told } from '../../shared/tabs.ts';
import { uuid } from '../../shared/uuid.ts';
import { backOff, isVisible, listen } from '../../shared/wait.ts';
import type { Api, Failure } from './api.ts';
import { keyOf } from './keep.ts';
import { makeList, type List, type Query } from './list.ts';
import type { Agent, Conversation, Counts, Message, Note, Organization, Session, StreamEvents, ThreadPage, Visitor } from './protocol.ts';
import { endOf, isNote, isUnread, lastSeq, makeStore, type Store } from './store.ts';
import { makeTyping, type Typing } from './typing.ts';
import { makeWanted } from './wanted.ts';

const PAGE = 50;
const CATCH_UP = 1000;
const LATEST = 1e15; // no seq is larger
const READ_MS = 700; // who only passes by has not read
const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 6_000;
const COUNTS_MS = 1_500;
const MESSAGE_BYTES_MAX = 32_768; // what the server takes
const NOTE_BYTES_MAX = 16_384;

/** A reply or a note that waits to be sent. */
export interface Waiting extends Item {
    kind: 'reply' | 'note';
    to: string;
    mentions: string[];
    resolves: boolean; // once it is sent
}

export type Written = Pick<Waiting, 'kind' | 'to' | 'text' | 'mentions' | 'resolves'>;

/** What is heard live and was not known before. */
export interface News {
    kind: 'message' | 'note';
    entry: Message | Note;
}

export interface Desk {
    readonly me: Session['agent'];
    readonly org: Organization;
    readonly api: Api;
    readonly store: Store;
    readonly typing: Typing;
    readonly connection: ReadonlySignal<Connection>;
    readonly problem: ReadonlySignal<string | null>; // the server's sentence when it has refused the connection
    readonly agents: ReadonlySignal<ReadonlyMap<string, Agent>>;
    readonly counts: ReadonlySignal<Counts | null>;
    readonly unread: ReadonlySignal<number>; // conversations of one's own and of nobody's that wait
    readonly list: ReadonlySignal<List>;
    readonly current: ReadonlySignal<string | null>;
    readonly waiting: ReadonlySignal<readonly Waiting[]>;
    setQuery(query: Query): void;
    /** Changes whenever anything about this conversation does. */
    watch(conversation: string): ReadonlySignal<number>;
    /** Looks at a conversation; its messages are asked for. */
    open(conversation: string | null): void;
    loadEarlier(conversation: string): Promise<void>;
    isLoading(conversation: string): boolean;
    /** Why its messages could not be had; '' when it is not there. */
    problemOf(conversation: string): string | null;
    reload(conversation: string): void;
    send(written: Written): Refusal | null;
    retry(id: string): void;
    discard(id: string): void;
    typed(conversation: string, hasText: boolean): void;
    wantVisitor(id: string): void;
    wantConversation(id: string): void;
    refreshAgents(): Promise<void>;
    /** The visitor has been erased, and its conversations, or they are nobody's. */
    forgetVisitor(id: string, keeps: boolean): void;
    /** Tells the other tabs; they hear it by onTold. */
    tell(name: string, data: unknown): void;
    onTold(name: string, listener: (data: unknown) => void): void;
    onNews(listener: (news: News) => void): void;
    leads(): boolean;
    isLookedAt(conversation: string): boolean;
    readonly name: string; // the same in all tabs
    stop(): void;
}

export interface DeskOptions {
    session: Session;
    org: Organization;
    api: Api;
    keep: Keep;
    query: Query;
}

/* What a leading tab tells of its connection. */
interface LinkState {
    connection: Connection;
    problem: string | null;
}

interface Life {
    tabs: Tabs;
    endLink?: (() => void) | undefined;
}

const ignore = () => {};

export function makeDesk({ session, org, api, keep, query }: DeskOptions): Desk {
    const { ask } = api;
    const me = session.agent;
    const store = makeStore();
    const typing = makeTyping();
    const connection = signal<Connection>('connecting');
    const problem = signal<string | null>(null);
    const agents = signal<ReadonlyMap<string, Agent>>(new Map());
    const counts = signal<Counts | null>(null);
    const unread = signal(0);
    const current = signal<string | null>(null);
    const waiting = signal<readonly Waiting[]>([]);
    const watched = new Map<string, ReturnType<typeof signal<number>>>();
    const loading = new Set<string>();
    const problems = new Map<string, string>();
    const told = new Map<string, (data: unknown) => void>();
    const newsListeners: ((news: News) => void)[] = [];
    const heard = new Map<string, number>(); // by conversation: what has come, maybe after a list that had it already
    const unreadIds = new Set<string>();
    const stopping = new AbortController();
    const name = `helvino-inbox:${org.id}:${me.id}`;
    let life: Life | undefined;
    let seq = session.seq; // everything up to here is known
    let readTimer: ReturnType<typeof setTimeout> | undefined;
    let countsTimer: ReturnType<typeof setTimeout> | undefined;
    let typedAt = 0;
    let typedTimer: ReturnType<typeof setTimeout> | undefined;

    const leads = () => !!life?.tabs._leads();
    const tell = (what: string, data: unknown, at: number | null = null) => life?.tabs._tell(what, data, at);
    const isLookedAt = (id: string) => current.peek() === id && isVisible();

    /* ---- what is shown ---- */

    const watch = (id: string) => {
        const known = watched.get(id) ?? signal(0);
        watched.set(id, known);
        return known as ReadonlySignal<number>;
    };
    const touch = (id: string) => {
        const known = watched.get(id);
        if (known) known.value = (known.peek() ?? 0) + 1;
    };
    const waits = (id: string): boolean => {
        const conversation = store.conversation(id);
        if (!conversation || conversation.status !== 'open' || !isUnread(conversation)) return false;
        return conversation.assigneeId === null || conversation.assigneeId === me.id;
    };
    store.onChange((id) => {
        touch(id);
        if (waits(id)) unreadIds.add(id);
        else unreadIds.delete(id);
        unread.value = unreadIds.size;
        const { visitorId, assigneeId } = store.conversation(id) ?? {};
        if (visitorId && !store.visitor(visitorId)) wantVisitor(visitorId);
        if (assigneeId && !agents.peek().has(assigneeId)) void refreshAgents();
        if (id === current.peek()) markRead();
    });

    /* ---- asking ---- */

    const wantVisitor = makeWanted(async (id) => store.putVisitor(await ask<Visitor>('GET', `/visitors/${id}`)));
    const wantConversation = makeWanted(async (id) => {
        try {
            const page = await ask<ThreadPage>('GET', `/conversations/${id}?before=${LATEST}&limit=1`);
            const { messages: _, notes: __, hasMore: ___, ...conversation } = page;
            store.putConversation(conversation);
        } catch (error) {
            if ((error as Failure).status === 404) lose(id);
        }
    });
    let askingAgents: Promise<void> | undefined;
    const refreshAgents = () => {
        askingAgents ??= ask<{ agents: Agent[] }>('GET', '/agents')
            .then((answer) => {
                agents.value = new Map(answer.agents.map((agent) => [agent.id, agent]));
            })
            .catch(ignore)
            .finally(() => setTimeout(() => (askingAgents = undefined), COUNTS_MS)); // somebody unknown stays unknown for a while
        return askingAgents;
    };
    const refreshCounts = async () => {
        const answer = await ask<Counts>('GET', '/conversations/counts');
        counts.value = answer;
        tell('counts', answer);
    };
    /* However much happens at a time. */
    const countSoon = () => {
        if (!leads()) return;
        countsTimer ??= setTimeout(() => {
            countsTimer = undefined;
            refreshCounts().catch(ignore);
        }, COUNTS_MS);
    };
    const lose = (id: string) => {
        problems.set(id, '');
        store.drop(id);
    };
    const getPage = async (id: string, direction: 'before' | 'after', from: number, limit: number) => {
        const page = await ask<ThreadPage>('GET', `/conversations/${id}?${direction}=${from}&limit=${limit}`);
        store.putPage(page, direction);
        return page;
    };
    /* Its messages, or what of them is missing. */
    const fill = async (id: string) => {
        for (;;) {
            const thread = store.thread(id);
            if (!thread.isLoaded) await getPage(id, 'before', LATEST, PAGE);
            else if (endOf(thread) >= lastSeq(store.conversation(id))) return;
            else if (!(await getPage(id, 'after', endOf(thread), CATCH_UP)).messages.length) return;
        }
    };
    const busily = async (id: string, task: () => Promise<unknown>) => {
        if (loading.has(id)) return;
        loading.add(id);
        problems.delete(id);
        touch(id);
        try {
            await task();
        } catch (error) {
            const { status, message } = error as Failure;
            if (status === 404) lose(id);
            else problems.set(id, message);
        }
        loading.delete(id);
        touch(id);
    };
    const load = (id: string) => busily(id, () => fill(id));

    /* ---- the list ---- */

    const listOf = (wanted: Query) =>
        makeList({ query: wanted, me: me.id, store, ask, onStale: (ids) => ids.forEach(wantConversation) });
    const list = signal(listOf(query));
    const replaceList = (next: List) => {
        list.peek().stop();
        next.hold(current.peek());
        list.value = next;
    };
    /* The old one is shown until the new one has something. */
    const restart = async () => {
        const next = listOf(list.peek().query);
        await next.loadMore();
        if (next.query === list.peek().query) replaceList(next);
        else next.stop();
    };
    /* What waits for somebody, wherever it is in the list. */
    const askForUnread = async () => {
        const parameters = 'status=open&unread=1&limit=100&include=visitors';
        const page = await ask<{ conversations: Conversation[]; visitors?: Visitor[] }>('GET', `/conversations?${parameters}`);
        page.visitors?.forEach(store.putVisitor);
        page.conversations.forEach(store.putConversation);
    };
    const lookAgain = async () => {
        await Promise.all([list.peek().lookAgain(), refreshCounts(), askForUnread()]);
        const id = current.peek();
        if (id) await load(id);
    };
    /* Everything may be another by now. */
    const startOver = () => {
        store.forgetThreads();
        void refreshAgents();
        refreshCounts().catch(ignore);
        askForUnread().catch(ignore);
        void restart();
        const id = current.peek();
        if (id) void load(id);
    };

    /* ---- what comes, by the stream or from another tab ---- */

    const tellNews = (news: News) => {
        for (const listener of newsListeners) listener(news);
    };
    const takes: Record<string, (data: never, isLive: boolean) => void> = {
        message(message: Message, isLive) {
            const { conversationId: id, role, agentId, clientId } = message;
            const isNew = message.seq > Math.max(heard.get(id) ?? 0, store.conversation(id)?.agentReadSeq ?? 0);
            heard.set(id, Math.max(message.seq, heard.get(id) ?? 0));
            typing.set(id, role === 'user' ? undefined : (agentId ?? ''), false);
            settle(clientId, id);
            if (!store.putMessage(message)) wantConversation(id);
            if (isLive && isNew && role === 'user') tellNews({ kind: 'message', entry: message });
            countSoon();
        },
        note(note: Note, isLive) {
            settle(note.clientId, note.conversationId);
            store.putNote(note);
            if (isLive) tellNews({ kind: 'note', entry: note });
        },
        conversation(conversation: Conversation) {
            store.putConversation(conversation);
            countSoon();
        },
        typing({ conversationId, role, agentId, typing: types }: StreamEvents['typing']) {
            if (agentId === me.id) return;
            if (role === 'user') typing.set(conversationId, undefined, types);
            else if (agentId) typing.set(conversationId, agentId, types);
        },
        presence({ role, online, visitorId, agentId }: StreamEvents['presence']) {
            if (role === 'user' && visitorId) store.setOnline(visitorId, online);
            if (role !== 'assistant' || !agentId) return;
            const agent = agents.peek().get(agentId);
            if (!agent) void refreshAgents();
            else if (agent.online !== online) agents.value = new Map(agents.peek()).set(agentId, { ...agent, online });
        },
        erased({ visitorId, conversations }: StreamEvents['erased']) {
            store.dropVisitor(visitorId, conversations === 'anonymized');
            countSoon();
        },
        reset: startOver,
        /* These only from other tabs. */
        item(item: Waiting) {
            outbox._take(item);
            showWaiting(item.to);
        },
        drop(id: string) {
            outbox._drop(id);
            showWaiting();
        },
        counts(answer: Counts) {
            counts.value = answer;
        },
        gone: ([id, keeps]: [string, boolean]) => store.dropVisitor(id, keeps),
        again: () => void lookAgain().catch(ignore),
        hello: () => leads() && tellLink(),
        link(state: LinkState) {
            setConnection(state.connection);
            problem.value = state.problem;
        },
    };
    /* What could not be had without one is asked for again. */
    const setConnection = (next: Connection) => {
        const isBack = connection.peek() === 'offline' && next !== 'offline';
        connection.value = next;
        if (!isBack) return;
        const id = current.peek();
        if (id && problems.get(id)) void load(id);
        if (list.peek().problem.peek()) void list.peek().loadMore();
    };
    const take = (what: string, data: unknown, at: number | null, isLive = true) => {
        seq = Math.max(seq, at ?? 0);
        takes[what]?.(data as never, isLive);
        told.get(what)?.(data);
    };

    /* ---- this tab leads ---- */

    const tellLink = () => {
        tell('link', { connection: connection.peek(), problem: problem.peek() } satisfies LinkState, seq);
    };
    const startStream = (own: Life) => {
        own.endLink = startLink({
            caller: api.caller,
            isAlone: own.tabs._isAlone(),
            isLookedAt: isVisible,
            since: () => seq,
            async poll() {
                tell('again', null);
                await lookAgain();
            },
            onOpen() {
                tellLink();
                outbox._wake();
                countSoon();
            },
            onEvent(what, data, at) {
                take(what, data, at);
                tell(what, data, at);
            },
            onState(nextConnection, nextProblem) {
                setConnection(nextConnection);
                problem.value = nextProblem;
                tellLink();
            },
        });
    };

    /* ---- what goes ---- */

    const showWaiting = (id?: string) => {
        const before = waiting.peek();
        waiting.value = outbox._items();
        for (const each of new Set([id, ...before.map(({ to }) => to)])) if (each) touch(each);
    };
    /* It has come back; one that has more to do stays until that is done. */
    const settle = (clientId: string | undefined, id: string) => {
        const item = outbox._items().find((each) => each.id === clientId);
        if (!item || item.resolves) return;
        outbox._drop(item.id);
        showWaiting(id);
    };
    const post = ({ kind, to, text, mentions, id: clientId }: Waiting) =>
        kind === 'note'
            ? ask<Note>('POST', `/conversations/${to}/notes`, { content: text, mentions, clientId })
            : ask<Message>('POST', `/conversations/${to}/messages`, { role: 'assistant', content: text, clientId });
    /* Sent again it is the same one, and resolved again it stays so: so both can be tried until they are done. */
    const deliver = async (item: Waiting) => {
        const entry = await post(item);
        if (item.resolves) {
            const asked = ask<Conversation>('PATCH', `/conversations/${item.to}`, { status: 'resolved' });
            const conversation = await asked.catch((failure: Failure) => {
                if (!failure.status || failure.status >= 500) throw failure;
                return null; // the reply is what counts
            });
            if (conversation) store.putConversation(conversation);
        }
        outbox._drop(item.id);
        const kind = isNote(entry) ? 'note' : 'message';
        take(kind, entry, null, false);
        tell('drop', item.id);
        tell(kind, entry);
        showWaiting(item.to);
    };
    const outbox = makeOutbox<Waiting>(keep, `${keyOf('out', org.id, me.id)}:`, {
        _onItem(item) {
            tell('item', item);
            showWaiting(item.to);
        },
        _deliver: deliver,
        _refused: (item, { message }) => outbox._put({ ...item, why: message }),
    });
    const markRead = () => {
        clearTimeout(readTimer);
        const id = current.peek();
        const conversation = id && store.conversation(id);
        if (!id || !conversation || !isVisible() || !isUnread(conversation) || !store.thread(id).isLoaded) return;
        readTimer = setTimeout(async () => {
            if (!isLookedAt(id)) return;
            const marks = await ask<Pick<Conversation, 'visitorReadSeq' | 'agentReadSeq'> & { conversationId: string }>(
                'POST',
                `/conversations/${id}/read`,
                { seq: lastSeq(store.conversation(id)) },
            ).catch(ignore);
            if (marks) store.putMarks(marks);
        }, READ_MS);
    };
    const sayTyping = (id: string, types: boolean) => {
        clearTimeout(typedTimer);
        if (types) typedTimer = setTimeout(sayTyping, TYPING_ENDS_MS, id, false);
        if (types ? Date.now() - typedAt < TYPING_EVERY_MS : !typedAt) return;
        typedAt = types ? Date.now() : 0;
        ask('POST', `/conversations/${id}/typing`, { typing: types }).catch(ignore);
    };

    /* ---- lives ---- */

    const begin = () => {
        const onLead = (isLeading: boolean) => {
            if (mine !== life) return;
            if (isLeading) {
                outbox._start();
                startStream(mine);
                tellLink();
            } else {
                void outbox._stop();
                mine.endLink?.();
                mine.endLink = undefined;
            }
        };
        const hear = (...heard: Told) => {
            if (mine === life) take(...heard);
        };
        const mine: Life = { tabs: joinTabs(name, false, onLead, hear) };
        life = mine;
        tell('hello', 0);
    };
    const end = async () => {
        const own = life;
        life = undefined;
        clearTimeout(readTimer);
        clearTimeout(typedTimer);
        clearTimeout(countsTimer);
        countsTimer = undefined;
        own?.endLink?.();
        await outbox._stop();
        own?.tabs._leave();
    };
    /* Until it succeeds. */
    const surely = (task: () => Promise<unknown>, failures = 0) => {
        task().catch(({ status }: Failure) => {
            if (stopping.signal.aborted || status === 401 || status === 403) return;
            setTimeout(surely, backOff(failures), task, failures + 1);
        });
    };

    const { signal: stopped } = stopping;
    listen(document, 'visibilitychange', stopped, markRead);
    listen(window, 'online', stopped, outbox._wake);
    listen(window, 'pagehide', stopped, () => void end());
    listen(window, 'pageshow', stopped, () => {
        if (life) return;
        begin();
        startOver();
    });
    begin();
    surely(refreshAgents);
    surely(refreshCounts);
    surely(askForUnread);
    void list.peek().loadMore();
    showWaiting();

    return {
        me,
        org,
        api,
        name,
        store,
        typing,
        connection,
        problem,
        agents,
        counts,
        unread,
        list,
        current,
        waiting,
        setQuery(next) {
            replaceList(listOf(next));
            void list.peek().loadMore();
        },
        watch,
        open(id) {
            if (id === current.peek()) return;
            if (typedAt && current.peek()) sayTyping(current.peek() as string, false);
            current.value = id;
            list.peek().hold(id);
            clearTimeout(readTimer);
            if (!id) return;
            void load(id).then(markRead);
        },
        loadEarlier(id) {
            const first = store.thread(id).entries[0];
            return first && store.thread(id).hasEarlier ? busily(id, () => getPage(id, 'before', first.seq, PAGE)) : Promise.resolve();
        },
        isLoading: (id) => loading.has(id),
        problemOf: (id) => problems.get(id) ?? (store.isGone(id) ? '' : null),
        reload: (id) => void load(id),
        send(written) {
            const bytesMax = written.kind === 'note' ? NOTE_BYTES_MAX : MESSAGE_BYTES_MAX;
            const refusal = outbox._add({ ...written, id: uuid(), at: 0, why: null }, bytesMax);
            if (!refusal) sayTyping(written.to, false);
            return refusal;
        },
        retry: outbox._retry,
        discard(id) {
            outbox._drop(id);
            tell('drop', id);
            showWaiting();
        },
        typed: sayTyping,
        wantVisitor,
        wantConversation,
        refreshAgents,
        forgetVisitor(id, keeps) {
            store.dropVisitor(id, keeps);
            tell('gone', [id, keeps]);
            countSoon();
        },
        tell,
        onTold(what, listener) {
            told.set(what, listener);
        },
        onNews(listener) {
            newsListeners.push(listener);
        },
        leads,
        isLookedAt,
        stop() {
            stopping.abort();
            void end();
            list.peek().stop();
            typing.clear();
        },
    };
}
