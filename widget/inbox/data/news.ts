/*
 * Telling of news: whom it concerns, and once in the whole browser. The leading tab waits a moment for a tab to say that
 * somebody looks at it; then it notifies, and every tab tries to ring, of which one may.
 */
import { playTone } from '../../shared/tone.ts';
import type { Desk, News } from './desk.ts';
import type { Prefs } from './prefs.ts';
import type { Conversation } from './protocol.ts';
import { isNote } from './store.ts';

const LOOK_MS = 400; // for a tab to say that somebody looks
const WAITS_MAX = 10; // as long, for an answer that says whose it is
const HOLD_MS = 2_000; // one tone for all that comes in this time

/** Whether an agent wants to hear of it. */
export function concerns({ entry }: News, conversation: Conversation | undefined, me: string, notify: Prefs['notify']): boolean {
    if (entry.agentId === me) return false;
    if (isNote(entry)) return entry.mentions.includes(me);
    if (notify === 'none' || !conversation) return notify === 'all';
    return notify === 'all' || conversation.assigneeId === null || conversation.assigneeId === me;
}

export interface Words {
    title(news: News): string;
    body(news: News): string;
    many(count: number): string;
}

/* Holds the lock for a while, so that no other tab sounds for the same news. */
async function ring(lock: unknown): Promise<void> {
    if (!lock) return;
    playTone();
    await new Promise((done) => setTimeout(done, HOLD_MS));
}

function ringOnce(name: string): void {
    // A tab without a gesture may not sound; another one will.
    if (navigator.userActivation?.hasBeenActive === false) return;
    const { locks } = navigator;
    (locks ? locks.request(`${name}:bell`, { ifAvailable: true }, ring) : ring(true)).catch(() => {});
}

const canNotify = () => typeof Notification === 'function' && Notification.permission === 'granted';

/** Begins to tell; `open` leads to the conversation. */
export function tellOfNews(desk: Desk, prefs: () => Prefs, words: Words, open: (conversation: string) => void): void {
    const seen = new Map<string, number>();
    let heard: News[] = [];

    const notify = (news: News[]) => {
        const { desktop, preview } = prefs();
        const [first] = news;
        if (!desktop || !first || !canNotify()) return;
        const id = first.entry.conversationId;
        const isOne = news.every(({ entry }) => entry.conversationId === id);
        const title = isOne ? words.title(news.at(-1) ?? first) : words.many(new Set(news.map(({ entry }) => entry.conversationId)).size);
        const body = isOne && preview ? words.body(news.at(-1) ?? first) : '';
        const notification = new Notification(title, { body, tag: isOne ? `${desk.name}:${id}` : desk.name });
        notification.onclick = () => {
            window.focus();
            open(id);
            notification.close();
        };
    };
    /* Whose a conversation is may not be known yet: it has been asked for. */
    const isKnown = ({ entry }: News) => isNote(entry) || !!desk.store.conversation(entry.conversationId);
    const tell = (waits = WAITS_MAX) => {
        if (waits > 0 && !heard.every(isKnown)) return void setTimeout(tell, LOOK_MS, waits - 1);
        const isWanted = (each: News) => concerns(each, desk.store.conversation(each.entry.conversationId), desk.me.id, prefs().notify);
        const news = heard.filter((each) => each.entry.seq > (seen.get(each.entry.conversationId) ?? 0) && isWanted(each));
        heard = [];
        if (!news.length) return;
        notify(news);
        if (!prefs().sound) return;
        desk.tell('ring', null);
        ringOnce(desk.name);
    };
    const look = (id: string, seq: number) => seen.set(id, Math.max(seq, seen.get(id) ?? 0));

    desk.onTold('ring', () => ringOnce(desk.name));
    desk.onTold('seen', (data) => look(...(data as [string, number])));
    desk.onNews((news) => {
        const { conversationId: id, seq } = news.entry;
        if (desk.isLookedAt(id) && document.hasFocus()) {
            look(id, seq);
            desk.tell('seen', [id, seq]);
        }
        if (!desk.leads()) return;
        if (!heard.length) setTimeout(tell, LOOK_MS);
        heard.push(news);
    });
}
