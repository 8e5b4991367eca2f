/*
 * What the three files of the widget agree on. `embed.js` (the loader) is on every page: it keeps the visitor's
 * identity, draws the launcher and is window.Helvino. `client.js` is loaded for a visitor who has a conversation, or
 * who wants one: it speaks to the server, shares its stream with the browser's other tabs and keeps the outbox.
 * `panel.js` draws the chat from what the client knows. Each is one file without a shared chunk: the loader passes
 * `Host` to the client, and `Host` and `Chat` to the panel.
 */
import type { Ask } from '../shared/http.ts';
import type { Connection } from '../shared/live.ts';
import type { Keep, Refusal } from '../shared/outbox.ts';
import type { Bootloader, Receipt } from '../shared/protocol.ts';

export type Consent = 'none' | 'session' | 'persistent';

/* ---- the loader, as the other two see it ---- */

export interface Host {
    readonly base: string; // the server's origin, without a slash at its end
    readonly orgKey: string;
    readonly boot: Bootloader; // as it was when last asked for: at load, or after a change of consent
    readonly keep: Keep; // localStorage, sessionStorage or memory, as consent allows; keys begin with "helvino_"
    readonly consent: () => Consent;
    // The widget's own: launcher and panel. --helvino-color and --helvino-on-color are set in it.
    readonly root: ShadowRoot;
    readonly debug: boolean;
    readonly language: string; // of the visitor: en, tr, de, fr, es, ar; the organisation's setting, else the browser's
    readonly fetch: typeof fetch; // as it was when the loader ran; to be called without `host.` in front
    uuid(): string;
    /** The default export of another of the server's files, tried for until it is there. */
    load<T>(path: string): Promise<T>;
    /** The headers of every request: x-org-key and x-visitor-id. */
    getHeaders(): Record<string, string>;
    visitorId(): string;
    /** Calls when the consent or the visitor's id has changed; gives what ends it. */
    onChange(listener: () => void): () => void;
    /** Shows the number on the launcher; 0 removes it. */
    showUnread(count: number): void;
    /** Tells the page's listeners (Helvino.on). */
    emit(event: HelvinoEvent, detail?: unknown): unknown;
    isOpen(): boolean;
    close(): void; // closes the panel and gives the focus back to what had it before
    /** Removes every stored key of ours; who asks for the visitor's id next makes a new one. */
    forgetLocally(): void;
}

export type HelvinoEvent = 'ready' | 'open' | 'close' | 'message' | 'sent' | 'unread' | 'forget';

/* ---- client.js ---- */

export type Delivery = 'sending' | 'sent' | 'seen' | 'failed';

export interface ShownMessage {
    key: string; // stable over its life: the clientId, else the id
    role: 'user' | 'assistant';
    content: string;
    at: number; // milliseconds
    seq: number | null; // null: not answered by the server yet
    delivery: Delivery | null; // of the visitor's own; null for others
    why: string | null; // with failed: the server's sentence
}

export interface ShownConversation {
    id: string;
    at: number;
    preview: string;
    unread: number;
}

export interface Snapshot {
    connection: Connection;
    online: boolean; // somebody is there to answer
    opensAt: string | null; // else: when business hours begin again, if that is known
    conversations: readonly ShownConversation[]; // newest activity first
    current: string | null; // the one that is shown; null: a new one, which begins with its first message
    messages: readonly ShownMessage[]; // of the current one, oldest first
    hasEarlier: boolean;
    loading: boolean;
    typing: boolean; // the other side types in the current one
    unread: number; // over all
    email: string | null;
    sound: boolean;
    problem: string | null; // the server's sentence when it has refused the connection; null: it has not
}

/** A new Snapshot object whenever something has changed; the same one as long as nothing has. */
export interface Chat {
    snapshot(): Snapshot;
    subscribe(listener: () => void): () => void;
    /** The panel is on screen and the tab visible: the visitor is made known, and what is shown is marked as read. */
    setShown(shown: boolean): void;
    /** Null when it was taken; else nothing has happened, and the text should stay where it is. */
    send(text: string): Refusal | null;
    retry(key: string): void;
    discard(key: string): void;
    open(conversation: string | null): void;
    loadEarlier(): Promise<void>;
    /** At every change of the input; what is sent of it is throttled. */
    typed(hasText: boolean): void;
    setEmail(email: string): Promise<void>; // rejects with an Error whose message is the server's sentence
    setSound(on: boolean): void;
    /** Requests as the visitor, for what only the menu needs (export.ts). */
    readonly ask: Ask;
    /** Erases on the server, then in every tab of this browser. */
    forget(): Promise<Receipt>;
    stop(): void;
}

/** The default export of client.js. Starts at once; the stream only when the visitor is known to the server. */
export type StartClient = (host: Host) => Chat;

/* ---- panel.js ---- */

export interface Panel {
    show(): void; // and moves the focus in
    hide(): void;
    unmount(): void;
}

/** The default export of panel.js. Loads its language first when it is not English. */
export type MountPanel = (host: Host, chat: Chat) => Promise<Panel>;
