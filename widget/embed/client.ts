/*
 * client.js: what the panel draws from, and what goes on without it. It puts together the store (what is known), the
 * outbox (what is to be sent), the link (the stream) and the tabs (which of the browser's tabs has the link). A `life`
 * is the time in which visitor and consent stay the same and the page is not put aside; when one of these changes, it
 * ends, and another begins.
 */
import { makeAsk, type Failure } from '../shared/http.ts';
import type startLink from '../shared/live.ts';
import { makeOutbox, type Item as Kept } from '../shared/outbox.ts';
import type {
    Conversation,
    ConversationList,
    ConversationWithMessages,
    Message,
    Receipt,
    Self,
    StreamEvents,
} from '../shared/protocol.ts';
import { joinTabs, type Tabs, type Told } from '../shared/tabs.ts';
import { backOff, isVisible, listen } from '../shared/wait.ts';
import type { Chat, Host, ShownMessage, Snapshot } from './contract.ts';
import type { Bell } from './later.ts';
import type later from './later.ts';
import { lastSeq, makeStore, type Talk } from './store.ts';

const PAGE = 50;
const LIST = 100;
const CATCH_UP = 1000;
const LATEST = 1e15; // no seq is larger
const READ_MS = 300;
const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 6_000;
const HUSH_MS = 40_000; // later than another tab gives up being forgotten
const SOUND = 'helvino_sound';
const MESSAGE_BYTES_MAX = 32_768; // what the server takes

/* A message that waits. */
interface Item extends Kept {
    to: string | null; // the conversation; null: one that is yet to begin
    start: string; // which new one: its Idempotency-Key; empty for a message to one that was there
}

interface Life {
    readonly _tabs: Tabs;
    _bell?: Bell;
    _endLink?: (() => void) | undefined;
}

/* What a leading tab tells of its connection. */
interface LinkState {
    connection: Snapshot['connection'];
    problem: string | null;
    isKnown: boolean;
    isFresh: boolean; // the stream has begun without knowing where the last one had ended
}

/* Enough to keep tabs of different visitors apart; the key itself is a secret, and names are no place for it. */
function shortHash(text: string): string {
    let hash = 0;
    for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
    return hash.toString(36);
}

export default function start(host: Host): Chat {
    const ask = makeAsk(host);
    const listeners = new Set<() => void>();
    // Conversations in which the other side types, with the timer that ends it.
    const typing = new Map<string, number>();
    const ignore = () => {};

    let life: Life | undefined;
    let who = '';
    let consent = host.consent();
    let cached: Snapshot | undefined;
    let connection: Snapshot['connection'] = 'connecting';
    let problem: string | null = null;
    let seq: number | null = null; // everything up to here is known
    let { online, opensAt } = host.boot;
    // To the server, which hears of a page whose visits are counted while it is loaded.
    let isKnown = !!host.boot.visitor || (host.boot.config.countVisits && consent !== 'none');
    let isMet = false; // by this page, or not to be met by it
    let email: string | null = null;
    let isShown = false;
    let loading = false;
    let isChosen = false; // the current conversation, by the visitor
    let current: string | null = null;
    let draft = host.uuid(); // the conversation that will begin when current is null
    let unreadBefore = 0;
    let readBefore = 0;
    let seenSeq = 0;
    let isSyncing = false;
    let telling: Promise<void> | undefined;
    let typedAt = 0;
    let typedTimer = 0;
    let readTimer = 0;

    const isLookedAt = () => isShown && isVisible();
    const leads = () => !!life?._tabs._leads();
    const tell = (name: string, data: unknown, at: number | null = null) => life?._tabs._tell(name, data, at);

    /* ---- what is shown ---- */

    const unread = () => {
        if (!store._isSynced()) return host.boot.visitor?.unreadCount ?? 0;
        return store._talks().reduce((sum, talk) => sum + talk.unreadCount, 0);
    };
    /* Told once, however much has changed at a time. */
    const changed = () => {
        cached = undefined;
        telling ??= Promise.resolve().then(tellChange);
    };
    const tellChange = () => {
        telling = undefined;
        const count = unread();
        if (count !== unreadBefore) {
            unreadBefore = count;
            host.showUnread(count);
            host.emit('unread', count);
            life?._bell?.update();
        }
        markRead();
        listeners.forEach((listener) => listener());
    };
    const loadLater = () => host.load<typeof later>(__LATER_FILE__);
    const onNews = async (message: Message) => {
        const own = life;
        host.emit('message', message);
        if (isLookedAt()) {
            tell('seen', message.seq);
            return;
        }
        const { makeBell } = await loadLater();
        if (!own) return;
        const { _left: signal } = own._tabs;
        own._bell ??= makeBell({ name: channelName(), signal, isOn: isSoundOn, unread, seen: () => seenSeq });
        own._bell.news(message.seq);
    };
    const store = makeStore(onNews, changed);
    const isSoundOn = () => host.keep.get(SOUND) !== 'off';

    const shownMessage = (message: Message, { agentReadSeq }: Talk): ShownMessage => ({
        key: message.clientId ?? message.id,
        role: message.role,
        content: message.content,
        at: Date.parse(message.timestamp),
        seq: message.seq,
        delivery: message.role !== 'user' ? null : message.seq <= agentReadSeq ? 'seen' : 'sent',
        why: null,
    });
    const shownItem = ({ id: key, text: content, at, why }: Item): ShownMessage => {
        return { key, role: 'user', content, at, seq: null, delivery: why ? 'failed' : 'sending', why };
    };
    const isOfCurrent = (item: Item) => (current ? item.to === current : !item.to && item.start === draft);
    const snapshot = (): Snapshot => {
        if (cached) return cached;
        const talk = store._talk(current);
        return (cached = {
            connection,
            problem,
            online,
            opensAt,
            conversations: store._talks().map(({ id, updatedAt, lastMessage, unreadCount }) => ({
                id,
                at: Date.parse(updatedAt),
                preview: lastMessage?.content ?? '',
                unread: unreadCount,
            })),
            current,
            messages: [
                ...(talk ? talk._messages.map((message) => shownMessage(message, talk)) : []),
                ...outbox._items().filter(isOfCurrent).map(shownItem),
            ],
            hasEarlier: !!talk?._hasEarlier,
            loading,
            typing: typing.has(current ?? ''),
            unread: unread(),
            email,
            sound: isSoundOn(),
        });
    };

    /* ---- which conversation ---- */

    const show = (id: string | null) => {
        current = id;
        changed();
        load().catch(ignore);
    };
    const waitingDraft = () => outbox._items().filter((item) => !item.to).at(-1)?.start;
    /* Where something waits to be sent, else the newest; unless the visitor has chosen. */
    const choose = () => {
        if (isChosen) return;
        const waiting = outbox._items().at(-1);
        draft = waitingDraft() ?? draft;
        show(waiting ? waiting.to : (store._talks()[0]?.id ?? null));
    };
    const takePage = ({ messages, hasMore: _, ...conversation }: ConversationWithMessages) => {
        store._putConversation(conversation);
        messages.forEach(store._putMessage);
    };
    const getPage = async (id: string, range: string) => {
        loading = true;
        changed();
        try {
            const page = await ask<ConversationWithMessages>('GET', `/conversations/${id}?${range}`);
            takePage(page);
            return page;
        } catch (error) {
            if ((error as Failure).status === 404) lose(id);
            throw error;
        } finally {
            loading = false;
            changed();
        }
    };
    const getBefore = async (id: string, before: number) => {
        const { hasMore } = await getPage(id, `before=${before}&limit=${PAGE}`);
        store._change(id, { _isLoaded: true, _hasEarlier: hasMore });
    };
    const endOf = ({ _messages: messages }: Talk) => messages.at(-1)?.seq ?? 0;
    const isBehind = (talk: Talk) => endOf(talk) < lastSeq(talk);
    /* The current conversation's messages, or what of them is missing. */
    const load = async () => {
        while (!loading) {
            const talk = store._talk(current);
            if (!talk) return;
            if (!talk._isLoaded) await getBefore(talk.id, LATEST);
            else if (!isBehind(talk)) return;
            else if (!(await getPage(talk.id, `after=${endOf(talk)}&limit=${CATCH_UP}`)).messages.length) return;
        }
    };
    const lose = (id: string) => {
        store._drop(id);
        if (current === id) isChosen = false;
        choose();
    };

    /* ---- what comes, by the stream or from another tab ---- */

    const setTyping = (id: string, types: boolean) => {
        clearTimeout(typing.get(id));
        typing.delete(id);
        if (types) typing.set(id, setTimeout(setTyping, TYPING_ENDS_MS, id, false));
        changed();
    };
    const takeList = (conversations: readonly Conversation[]) => {
        conversations.forEach(store._putConversation);
        store._setSynced();
        choose();
        // What others lack is asked for when they are opened.
        for (const talk of store._talks()) {
            if (talk.id !== current && isBehind(talk)) store._change(talk.id, { _isLoaded: false, _messages: [] });
        }
        load().catch(ignore);
    };
    const takes: Record<string, (data: never) => void> = {
        message(message: Message) {
            const { clientId = '', role, conversationId } = message;
            const isOwn = outbox._items().some(({ id }) => id === clientId);
            if (role === 'assistant') setTyping(conversationId, false);
            outbox._drop(clientId);
            store._putMessage(message);
            if (isOwn) host.emit('sent', message);
            if (!isShown || !current) choose();
        },
        conversation: store._putConversation,
        typing({ conversationId, role, typing: types }: StreamEvents['typing']) {
            if (role === 'assistant') setTyping(conversationId, types);
        },
        presence(presence: StreamEvents['presence']) {
            if (presence.role === 'assistant') ({ online, opensAt } = presence);
        },
        reset() {
            store._clear();
            if (leads()) surely(resync);
        },
        /* These only from other tabs. */
        list: takeList,
        item(item: Item) {
            outbox._take(item);
            followDraft(item);
        },
        drop: (id: string) => outbox._drop(id),
        self(self: Self) {
            ({ email } = self);
            becomeKnown();
        },
        seen: (at: number) => (seenSeq = Math.max(seenSeq, at)),
        hello: () => leads() && tellLink(),
        link(state: LinkState) {
            ({ connection, problem } = state);
            isKnown ||= state.isKnown;
            if (isKnown && (state.isFresh || !(store._isSynced() || isSyncing))) surely(resync);
        },
        hush() {
            end();
            setTimeout(() => life || begin(), HUSH_MS);
        },
    };
    const take = (name: string, data: unknown, at: number | null) => {
        takes[name]?.(data as never);
        seq = at ?? seq;
        changed();
    };

    /* ---- asking for everything ---- */

    const resync = async () => {
        if (!isKnown) return;
        isSyncing = true;
        const asked = ask<ConversationList>('GET', `/conversations?limit=${LIST}`);
        const { conversations } = await asked.finally(() => (isSyncing = false));
        takeList(conversations);
        if (leads()) tell('list', conversations);
    };
    /* Until it succeeds, or this life ends. */
    const surely = (task: () => Promise<unknown>, failures = 0) => {
        const own = life;
        task().catch(() => setTimeout(() => own === life && surely(task, failures + 1), backOff(failures)));
    };

    /* ---- this tab leads ---- */

    /* Where the visitor is, without what may be secret of it; only when the organisation wants to know. */
    const withPage = () => ({
        ...host.getHeaders(),
        ...(host.boot.config.countVisits && { 'x-page': location.origin + location.pathname }),
    });

    const tellLink = (isFresh = false) => {
        tell('link', { connection, problem, isKnown, isFresh } satisfies LinkState, seq);
    };
    const startStream = async () => {
        const own = life;
        if (!isKnown) return;
        if (!store._isSynced()) surely(resync); // what was said can be read before the stream is there
        const begin = await host.load<typeof startLink>(__LIVE_FILE__);
        if (!own || own !== life || own._endLink || !leads()) return;
        own._endLink = begin({
            caller: { ...host, getHeaders: withPage },
            isAlone: own._tabs._isAlone(),
            isLookedAt,
            since: () => (store._isSynced() ? seq : null),
            poll: resync,
            onOpen(isResumed) {
                if (!isResumed) surely(resync);
                tellLink(!isResumed);
                outbox._wake();
            },
            onEvent(name, data, at) {
                take(name, data, at);
                tell(name, data, at);
            },
            onState(nextConnection, nextProblem) {
                connection = nextConnection;
                problem = nextProblem;
                tellLink();
                changed();
            },
        });
    };
    const becomeKnown = () => {
        if (isKnown) return;
        isKnown = true;
        if (leads()) startStream();
        else surely(resync);
    };

    /* ---- what goes ---- */

    const begun = async ({ start }: Item) => {
        const { id } = await ask<{ id: string }>('POST', '/conversations', 0, { 'idempotency-key': start });
        for (const each of outbox._items()) if (each.start === start && !each.to) outbox._put({ ...each, to: id });
        return id;
    };
    const outbox = makeOutbox<Item>(host.keep, `helvino_out:${host.orgKey}:`, {
        _onItem(item) {
            tell('item', item);
            followDraft(item);
            if (item.to) becomeKnown();
            changed();
        },
        async _deliver(item) {
            const to = item.to ?? (await begun(item));
            const body = { role: 'user', content: item.text, clientId: item.id };
            const message = await ask<Message>('POST', `/conversations/${to}/messages`, body);
            take('message', message, null);
            tell('message', message);
        },
        /* The next attempt begins another conversation when this one is gone. */
        _refused(item, { status, message: why }) {
            const { to } = item;
            const isGone = to && status === 404;
            outbox._put(isGone ? { ...item, why, to: null, start: host.uuid() } : { ...item, why });
            if (isGone) lose(to);
        },
    });
    /*
     * The new conversation that is shown has got its id; or another tab's new one is shown here, where there was none.
     */
    const followDraft = ({ id, to, start: begun }: Item) => {
        if (current || !begun) return;
        if (!outbox._items().some((item) => item.start === draft && item.id !== id)) draft = begun;
        if (!to || begun !== draft) return;
        store._change(to, { _isLoaded: true });
        current = to;
    };
    const markRead = () => {
        const talk = store._talk(current);
        clearTimeout(readTimer);
        if (!isLookedAt() || !talk?._isLoaded || !talk.unreadCount || lastSeq(talk) === readBefore) return;
        readTimer = setTimeout(async () => {
            const asked = ask<Partial<Talk>>('POST', `/conversations/${talk.id}/read`, { seq: lastSeq(talk) });
            const marks = await asked.catch(ignore);
            const latest = store._talk(talk.id);
            if (!marks || !latest) return;
            readBefore = lastSeq(talk);
            store._putConversation({ ...latest, visitorReadSeq: marks.visitorReadSeq ?? 0 });
        }, READ_MS);
    };
    const sayTyping = (types: boolean) => {
        clearTimeout(typedTimer);
        if (!current || !isKnown || !life) return;
        if (types) typedTimer = setTimeout(sayTyping, TYPING_ENDS_MS, false);
        if (types ? Date.now() - typedAt < TYPING_EVERY_MS : !typedAt) return;
        typedAt = types ? Date.now() : 0;
        ask('POST', `/conversations/${current}/typing`, { typing: types }).catch(ignore);
    };
    const see = async (traits?: unknown) => {
        const self = await ask<Self>('POST', '/visitors/me', traits);
        take('self', self, null);
        tell('self', self);
        isMet = true;
    };

    /* ---- lives ---- */

    const clear = () => {
        outbox._items().forEach(({ id }) => outbox._drop(id));
        typing.forEach(clearTimeout);
        typing.clear();
        seq = email = current = null;
        isKnown = isChosen = false;
        isMet = host.isOpen(); // who has just been forgotten is nobody until it writes, or opens the panel anew
        draft = host.uuid();
        host.boot.visitor = null;
        store._clear();
    };
    const channelName = () => `helvino:${host.orgKey}:${shortHash(who)}`;
    const begin = () => {
        if (signal.aborted) return; // after being forgotten, or hushed
        const id = host.visitorId();
        if (who && id !== who) clear();
        who = id;
        consent = host.consent();
        const onLead = (isLeading: boolean) => {
            if (mine !== life) return;
            if (isLeading) {
                outbox._start();
                startStream();
                tellLink();
            } else {
                outbox._stop();
                mine._endLink?.();
                mine._endLink = undefined;
            }
        };
        const hear = (...told: Told) => mine === life && take(...told);
        const mine: Life = { _tabs: joinTabs(channelName(), consent !== 'persistent', onLead, hear) };
        life = mine;
        tell('hello', 0);
        choose();
    };
    /* Resolves when what was being sent has been answered; only then another tab may lead. */
    const end = async () => {
        const own = life;
        life = undefined;
        clearTimeout(readTimer);
        clearTimeout(typedTimer);
        own?._endLink?.();
        await outbox._stop();
        own?._tabs._leave();
    };
    const refresh = () => {
        if (host.visitorId() === who && host.consent() === consent) return;
        end();
        begin();
    };
    const forget = async (): Promise<Receipt> => {
        const { forget: erase } = await loadLater();
        tell('hush', 0);
        await end();
        try {
            return await erase(host, ask, channelName());
        } finally {
            begin();
        }
    };

    const stopping = new AbortController();
    const { signal } = stopping;
    begin();
    const off = host.onChange(refresh);
    listen(window, 'storage', signal, refresh); // another tab has forgotten the visitor
    listen(document, 'visibilitychange', signal, changed);
    listen(window, 'online', signal, outbox._wake);
    listen(window, 'pagehide', signal, end); // or the browser could not keep the page for going back
    listen(window, 'pageshow', signal, () => life || begin());

    return {
        ask,
        snapshot,
        subscribe(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
        setShown(shown) {
            isMet &&= isKnown || host.isOpen();
            if (shown === isShown) return;
            isShown = shown;
            const news = store._talks().find((talk) => talk.unreadCount);
            if (news && !store._talk(current)?.unreadCount) show(news.id);
            if (!shown) sayTyping(false);
            else if (!isMet && life) surely(see);
            changed();
        },
        send(text) {
            const start = current ? '' : draft;
            const refusal = outbox._add({ id: host.uuid(), to: current, start, text, at: 0, why: null }, MESSAGE_BYTES_MAX);
            if (!refusal) sayTyping(false);
            return refusal;
        },
        retry: outbox._retry,
        discard(key) {
            outbox._drop(key);
            tell('drop', key);
            changed();
        },
        open(conversation) {
            isChosen = true;
            draft = waitingDraft() ?? host.uuid();
            show(conversation);
        },
        async loadEarlier() {
            const talk = store._talk(current);
            if (talk && !loading) await getBefore(talk.id, talk._messages[0]?.seq ?? 1);
        },
        typed: sayTyping,
        setEmail: (next) => see({ email: next || null }),
        setSound(on) {
            host.keep.set(SOUND, on ? 'on' : 'off');
            changed();
        },
        forget,
        stop() {
            end();
            listeners.clear();
            stopping.abort();
            off();
        },
    };
}
