/*
 * client.js: what the panel draws from, and what goes on without it. It puts together the store (what is known), the outbox (what is
 * to be sent), the link (the stream) and the tabs (who of the browser's tabs has the link). A `life` is the time in which visitor and
 * consent stay the same and the page is not put aside; when one of these changes, it ends, and another begins.
 */
import { HttpError, makeAsk } from '../shared/http.ts';
import type {
    Conversation,
    ConversationList,
    ConversationWithMessages,
    ExportPage,
    Message,
    Receipt,
    Self,
    StreamEvents,
} from '../shared/protocol.ts';
import { makeBell, type Bell } from './bell.ts';
import type { Chat, Host, ShownMessage, Snapshot } from './contract.ts';
import { browserEnv, type Env } from './env.ts';
import { startLink, type Connection, type Link } from './link.ts';
import { makeOutbox, type Item } from './outbox.ts';
import { backOff } from './pause.ts';
import { makeStore } from './store.ts';
import { joinTabs, type Tabs } from './tabs.ts';

const PAGE = 50;
const LIST = 100;
const NEWEST = Number.MAX_SAFE_INTEGER;
const READ_MS = 300;
const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 6_000;
const LET_GO_MS = 5_000;
const HUSH_MS = 30_000;
const SOUND = 'helvino_sound';

/* What the tabs of one browser tell each other. */
type Told =
    | { kind: 'hello' }
    | { kind: 'link'; connection: Connection; problem: string | null; seq: number | null; isKnown: boolean; isFresh: boolean }
    | { kind: 'event'; name: string; data: unknown; seq: number | null }
    | { kind: 'item'; item: Item }
    | { kind: 'gone'; id: string }
    | { kind: 'known' }
    | { kind: 'seen'; seq: number }
    | { kind: 'set'; email: string | null }
    | { kind: 'hush' | 'resume' | 'forgotten' };

interface Life {
    readonly tabs: Tabs;
    readonly bell: Bell;
    link: Link | null;
}

/* Enough to keep tabs of different visitors apart; the key itself is a secret, and names are no place for it. */
function shortHash(text: string): string {
    let hash = 0x811c9dc5;
    for (let i = 0; i < text.length; ++i) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    return (hash >>> 0).toString(36);
}

function mergePages(pages: readonly ExportPage[]): ExportPage | undefined {
    const [first, ...rest] = pages;
    const conversations = [...(first?.conversations ?? [])];
    for (const given of rest.flatMap((page) => page.conversations)) {
        const last = conversations.at(-1);
        if (last?.id === given.id) conversations[conversations.length - 1] = { ...last, messages: [...last.messages, ...given.messages] };
        else conversations.push(given);
    }
    return first && { ...first, conversations, next: null };
}

export default function start(host: Host, env: Env = browserEnv()): Chat {
    const ask = makeAsk(host, env.after);
    const listeners = new Set<() => void>();
    const offs: (() => void)[] = [];
    const typing = new Map<string, () => void>(); // conversations in which the other side types

    let life: Life | null = null;
    let who = '';
    let consent = host.consent();
    let cached: Snapshot | null = null;
    let connection: Connection = 'connecting';
    let problem: string | null = null;
    let seq: number | null = null; // everything up to here is known
    let isOnline = host.boot.online;
    let isKnown = host.boot.visitor !== null; // to the server
    let isMet = false; // in this page: then the e-mail is known
    let email: string | null = null;
    let isSound = host.keep.get(SOUND) !== 'off';
    let isShown = false;
    let isLoading = false;
    let isChosen = false; // the current conversation, by the visitor
    let current: string | null = null;
    let draft = env.uuid(); // the conversation that will begin when current is null
    let shownUnread = -1;
    let typedAt = 0;
    let cancelTyped = () => {};
    let cancelRead = () => {};

    const isLookedAt = () => isShown && env.visible();
    const post = (message: Told) => life?.tabs.post(message);
    const leads = () => !!life?.tabs.leads();

    /* ---- what is shown ---- */

    const changed = () => {
        cached = null;
        const unread = countUnread();
        if (unread !== shownUnread) {
            shownUnread = unread;
            host.showUnread(unread);
            host.emit('unread', unread);
            life?.bell.count(unread);
        }
        markRead();
        for (const listener of [...listeners]) listener();
    };
    const onNews = (message: Message) => {
        host.emit('message', message);
        if (isLookedAt()) {
            life?.bell.seen(message.seq);
            post({ kind: 'seen', seq: message.seq });
        } else {
            life?.bell.news(message.seq);
        }
    };
    const store = makeStore(onNews, changed);
    const countUnread = () => (store.isSynced() ? store.unread() : (host.boot.visitor?.unreadCount ?? 0));

    const shownMessage = (message: Message, agentReadSeq: number): ShownMessage => {
        const isOwn = message.role === 'user';
        return {
            key: message.clientId ?? message.id,
            role: message.role,
            content: message.content,
            at: Date.parse(message.timestamp),
            seq: message.seq,
            delivery: isOwn ? (message.seq <= agentReadSeq ? 'seen' : 'sent') : null,
            why: null,
        };
    };
    const shownItem = (item: Item): ShownMessage => ({
        key: item.id,
        role: 'user',
        content: item.text,
        at: item.at,
        seq: null,
        delivery: item.why ? 'failed' : 'sending',
        why: item.why,
    });
    const isOfCurrent = (item: Item) => (current ? item.to === current : !item.to && item.start === draft);
    const shownMessages = (): ShownMessage[] => {
        const messages = current ? store.thread(current).messages : [];
        const readSeq = store.conversation(current)?.agentReadSeq ?? 0;
        const answered = new Set(messages.map((message) => message.clientId));
        const waiting = outbox.items().filter((item) => isOfCurrent(item) && !answered.has(item.id));
        return [...messages.map((message) => shownMessage(message, readSeq)), ...waiting.map(shownItem)];
    };
    const snapshot = (): Snapshot =>
        (cached ??= {
            connection,
            online: isOnline,
            conversations: store.conversations().map((talk) => ({
                id: talk.id,
                at: Date.parse(talk.updatedAt),
                preview: (talk.lastMessage?.content ?? '').slice(0, 120),
                unread: talk.unreadCount ?? 0,
            })),
            current,
            messages: shownMessages(),
            hasEarlier: !!current && store.thread(current).hasEarlier,
            loading: isLoading,
            typing: !!current && typing.has(current),
            unread: countUnread(),
            email,
            sound: isSound,
            problem,
        });

    /* ---- which conversation ---- */

    const openThread = (id: string | null) => {
        current = id;
        cancelTyped();
        if (!id) {
            // What waits for a new conversation is shown there.
            draft = outbox.items().filter((item) => !item.to).at(-1)?.start ?? env.uuid();
        }
        changed();
        void load().catch(() => {});
    };
    /* The newest, unless the visitor has chosen; where something waits to be sent comes first. */
    const choose = () => {
        if (isChosen && current) return;
        const waiting = outbox.items().at(-1);
        const newest = waiting ? waiting.to : (store.conversations()[0]?.id ?? null);
        if (waiting && !newest) draft = waiting.start;
        if (!isChosen && newest !== current) openThread(newest);
    };
    const load = async () => {
        const id = current;
        if (!id || !isKnown) return;
        const { messages, isLoaded } = store.thread(id);
        let after = messages.at(-1)?.seq ?? 0;
        if (isLoaded && (store.conversation(id)?.lastMessage?.seq ?? 0) <= after) return;
        isLoading = !isLoaded;
        changed();
        try {
            for (let hasMore = true; hasMore; ) {
                const range = isLoaded ? `after=${after}&limit=1000` : `before=${NEWEST}&limit=${PAGE}`;
                const page = await ask<ConversationWithMessages>('GET', `/conversations/${id}?${range}`);
                takePage(page);
                after = page.messages.at(-1)?.seq ?? after;
                hasMore = isLoaded && page.hasMore;
                if (!isLoaded) store.setThread(id, { isLoaded: true, hasEarlier: page.hasMore });
            }
        } catch (error) {
            if (error instanceof HttpError && error.status === 404) lose(id);
            throw error;
        } finally {
            isLoading = false;
            changed();
        }
    };
    const takePage = ({ messages, hasMore: _, ...talk }: ConversationWithMessages) => {
        store.putConversation(talk);
        messages.forEach(store.putMessage);
    };
    const lose = (id: string) => {
        store.drop(id);
        if (current !== id) return;
        isChosen = false;
        current = null;
        choose();
        changed();
    };

    /* ---- what comes ---- */

    const stopTyping = (id: string) => {
        typing.get(id)?.();
        typing.delete(id);
    };
    const onTyping = ({ conversationId: id, role, typing: types }: StreamEvents['typing']) => {
        if (role !== 'assistant') return;
        stopTyping(id);
        if (types) typing.set(id, env.after(TYPING_ENDS_MS, () => (typing.delete(id), changed())));
        changed();
    };
    const onMessage = (message: Message) => {
        if (message.role === 'assistant') stopTyping(message.conversationId);
        const item = outbox.items().find(({ id }) => id === message.clientId);
        if (item) outbox.drop(item.id);
        store.putMessage(message);
        if (item) host.emit('sent', message);
        if (!isChosen) choose();
    };
    const takeEvent = (name: string, data: unknown, at: number | null) => {
        if (name === 'message') onMessage(data as Message);
        else if (name === 'conversation') store.putConversation(data as Conversation);
        else if (name === 'typing') onTyping(data as StreamEvents['typing']);
        else if (name === 'list') takeList(data as Conversation[]);
        else if (name === 'presence') {
            const { role, online } = data as StreamEvents['presence'];
            if (role === 'assistant') isOnline = online;
            changed();
        } else if (name === 'reset') {
            store.clear();
            void resync().catch(() => {});
        }
        if (at !== null) seq = at;
    };
    const takeList = (conversations: readonly Conversation[]) => {
        conversations.forEach(store.putConversation);
        store.setSynced();
        choose();
        changed();
        void load().catch(() => {});
    };
    const resync = async () => {
        if (!isKnown) return;
        const { conversations } = await ask<ConversationList>('GET', `/conversations?limit=${LIST}`);
        takeList(conversations);
        if (leads()) post({ kind: 'event', name: 'list', data: conversations, seq: null });
    };
    /* Until it succeeds, or this life ends. */
    const resyncSurely = (failures = 0) => {
        const own = life;
        resync().catch(() => env.after(backOff(env, failures), () => own === life && resyncSurely(failures + 1)));
    };

    /* ---- this tab leads ---- */

    const tellLink = (isFresh = false) => {
        post({ kind: 'link', connection, problem, seq, isKnown, isFresh });
        changed();
    };
    const startStream = () => {
        if (!life || life.link || !leads() || !isKnown) return;
        life.link = startLink({
            env,
            caller: host,
            isAlone: isAlone(),
            since: () => (store.isSynced() ? seq : null),
            isLookedAt,
            poll: resync,
            onOpen(isResumed) {
                if (!isResumed) resyncSurely();
                tellLink(!isResumed);
                outbox.wake();
            },
            onEvent(name, data, at) {
                takeEvent(name, data, at);
                post({ kind: 'event', name, data, seq: at });
            },
            onState(nextConnection, nextProblem) {
                connection = nextConnection;
                problem = nextProblem;
                tellLink();
            },
        });
    };
    const becomeKnown = () => {
        if (isKnown) return;
        isKnown = true;
        post({ kind: 'known' });
        if (leads()) startStream();
        else resyncSurely();
    };

    /* ---- what goes ---- */

    const outbox = makeOutbox({
        env,
        keep: host.keep,
        prefix: `helvino_out:${host.orgKey}:`,
        ask,
        onItem(item) {
            post({ kind: 'item', item });
            changed();
        },
        onBegun(item) {
            followDraft(item);
            becomeKnown();
        },
        onSent(item, message) {
            post({ kind: 'gone', id: item.id });
            post({ kind: 'event', name: 'message', data: message, seq: null });
            store.putMessage(message);
            host.emit('sent', message);
        },
        onMissing: lose,
    });
    /* The new conversation that is shown has got its id; or another tab's new one is this empty one. */
    const followDraft = (item: Item) => {
        if (current) return;
        const isEmpty = !outbox.items().some((each) => each.start === draft && each.id !== item.id);
        if (isEmpty) draft = item.start;
        if (!item.to || item.start !== draft) return;
        store.setThread(item.to, { isLoaded: true });
        current = item.to;
        changed();
    };
    const markRead = () => {
        const talk = store.conversation(current);
        if (!isLookedAt() || !talk?.unreadCount || !store.thread(talk.id).isLoaded) return;
        cancelRead();
        cancelRead = env.after(READ_MS, () => {
            const { id, lastMessage } = talk;
            if (!isLookedAt() || id !== current || !lastMessage) return;
            const marks = ask<Partial<Conversation>>('POST', `/conversations/${id}/read`, { seq: lastMessage.seq });
            marks.then(
                ({ visitorReadSeq = 0 }) => {
                    const latest = store.conversation(id);
                    if (latest) store.putConversation({ ...latest, visitorReadSeq });
                },
                () => {},
            );
        });
    };
    const sayTyping = (types: boolean) => {
        cancelTyped();
        if (!current || !isKnown) return;
        if (types) cancelTyped = env.after(TYPING_ENDS_MS, () => sayTyping(false));
        if (types ? env.now() - typedAt < TYPING_EVERY_MS : !typedAt) return;
        typedAt = types ? env.now() : 0;
        ask('POST', `/conversations/${current}/typing`, { typing: types }).catch(() => {});
    };
    /* The panel is open: now there is something to keep. */
    const meet = (failures = 0) => {
        if (isMet || !isShown) return;
        const own = who;
        isMet = true;
        ask<Self>('POST', '/visitors/me').then(
            (self) => {
                if (own !== who) return;
                email = self.email;
                becomeKnown();
                changed();
            },
            () => {
                isMet = false;
                env.after(backOff(env, failures), () => own === who && meet(failures + 1));
            },
        );
    };

    /* ---- the other tabs ---- */

    const hear = (message: unknown) => {
        const told = message as Told;
        switch (told.kind) {
            case 'hello':
                if (leads()) post({ kind: 'link', connection, problem, seq, isKnown, isFresh: false });
                break;
            case 'link':
                ({ connection, problem } = told);
                if (told.isKnown) isKnown = true;
                if (isKnown && (told.isFresh || !store.isSynced())) resyncSurely();
                seq = told.seq ?? seq;
                changed();
                break;
            case 'event':
                takeEvent(told.name, told.data, told.seq);
                break;
            case 'item':
                outbox.take(told.item);
                followDraft(told.item);
                changed();
                break;
            case 'gone':
                outbox.drop(told.id);
                changed();
                break;
            case 'known':
                becomeKnown();
                break;
            case 'seen':
                life?.bell.seen(told.seq);
                break;
            case 'set':
                email = told.email;
                isSound = host.keep.get(SOUND) !== 'off';
                changed();
                break;
            case 'hush': {
                const own = life;
                void letGo();
                env.after(HUSH_MS, () => own === life && void restart());
                break;
            }
            case 'resume':
                void restart();
                break;
            case 'forgotten':
                void host.forgetLocally();
        }
    };

    /* ---- lives ---- */

    const isAlone = () => consent !== 'persistent' || !env.locks;
    const begin = () => {
        who = host.visitorId();
        consent = host.consent();
        const name = `helvino:${host.orgKey}:${shortHash(who)}`;
        const lead = () => {
            // Called by joinTabs before it returns, when this tab is alone.
            void Promise.resolve().then(() => {
                if (!leads()) return;
                outbox.start();
                startStream();
                tellLink();
            });
        };
        const follow = () => {
            void outbox.stop();
            life?.link?.stop();
            if (life) life.link = null;
        };
        const tabs = joinTabs({ env, name, isAlone: isAlone(), lead, follow, hear, greet: () => post({ kind: 'hello' }) });
        life = { tabs, bell: makeBell(env, name, () => isSound), link: null };
        post({ kind: 'hello' });
        choose();
        changed();
    };
    /* Sends nothing and holds nothing any more; resolves when what was under way is over. */
    const letGo = async () => {
        const idle = outbox.stop();
        life?.link?.stop();
        if (life) life.link = null;
        await Promise.race([idle, new Promise<void>((done) => env.after(LET_GO_MS, done))]);
        life?.tabs.yield();
    };
    const end = () => {
        void outbox.stop();
        life?.link?.stop();
        life?.bell.stop();
        life?.tabs.close();
        life = null;
        cancelRead();
        cancelTyped();
    };
    const clear = () => {
        outbox.items().forEach((item) => outbox.drop(item.id));
        store.clear();
        typing.forEach((cancel) => cancel());
        typing.clear();
        seq = email = current = null;
        isKnown = isMet = isChosen = false;
        draft = env.uuid();
        host.boot.visitor = null;
        changed();
    };
    const restart = async () => {
        end();
        begin();
    };
    const onIdentity = () => {
        if (!life || (host.visitorId() === who && host.consent() === consent)) return;
        const isOther = host.visitorId() !== who;
        end();
        if (isOther) clear();
        begin();
    };

    const forget = async (): Promise<Receipt> => {
        post({ kind: 'hush' });
        await letGo();
        await life?.tabs.quiet();
        try {
            const receipt = await ask<Receipt>('DELETE', '/visitors/me');
            if (host.boot.config.visitorCookie) {
                await ask('DELETE', '/visitors/me/cookie', undefined, { credentials: 'include' }).catch(() => {});
            }
            post({ kind: 'forgotten' });
            await host.forgetLocally();
            host.emit('forget', receipt);
            return receipt;
        } catch (error) {
            post({ kind: 'resume' });
            await restart();
            throw error;
        }
    };

    begin();
    offs.push(
        host.onChange(onIdentity),
        env.on('visibility', changed),
        env.on('online', () => outbox.wake()),
        env.on('hide', end), // or the browser could not keep the page for going back
        env.on('show', () => life || begin()),
    );

    return {
        snapshot,
        subscribe(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
        setShown(shown) {
            if (shown === isShown) return;
            isShown = shown;
            const unread = store.conversations().find((talk) => talk.unreadCount);
            if (shown && unread && !store.conversation(current)?.unreadCount) openThread(unread.id);
            if (shown) meet();
            else sayTyping(false);
            changed();
        },
        send(text) {
            const refusal = outbox.add(text, current, draft);
            if (!refusal) sayTyping(false);
            return refusal;
        },
        retry(key) {
            outbox.retry(key);
        },
        discard(key) {
            outbox.drop(key);
            post({ kind: 'gone', id: key });
            changed();
        },
        open(conversation) {
            isChosen = true;
            openThread(conversation);
        },
        async loadEarlier() {
            const id = current;
            const first = id && store.thread(id).messages[0];
            if (!id || !first || isLoading) return;
            isLoading = true;
            changed();
            try {
                const page = await ask<ConversationWithMessages>('GET', `/conversations/${id}?before=${first.seq}&limit=${PAGE}`);
                takePage(page);
                store.setThread(id, { hasEarlier: page.hasMore });
            } finally {
                isLoading = false;
                changed();
            }
        },
        typed: sayTyping,
        async setEmail(next) {
            ({ email } = await ask<Self>('POST', '/visitors/me', { email: next || null }));
            post({ kind: 'set', email });
            becomeKnown();
            changed();
        },
        setSound(on) {
            isSound = on;
            if (on) host.keep.remove(SOUND);
            else host.keep.set(SOUND, 'off');
            post({ kind: 'set', email });
            changed();
        },
        async exportData() {
            const pages: ExportPage[] = [];
            for (let next: string | null = ''; next !== null; ) {
                const page: ExportPage = await ask('GET', `/visitors/me/export${next && `?after=${encodeURIComponent(next)}`}`);
                pages.push(page);
                ({ next } = page);
            }
            return new Blob([JSON.stringify(mergePages(pages), null, 2)], { type: 'application/json' });
        },
        forget,
        stop() {
            end();
            offs.forEach((off) => off());
            listeners.clear();
        },
    };
}
