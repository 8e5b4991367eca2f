/* window.Helvino, as a page sees it. README.md describes it for page owners. */
import type { Receipt } from '../shared/protocol.ts';
import type { Consent, HelvinoEvent } from './contract.ts';

export interface HelvinoApi {
    open(): void;
    close(): void;
    toggle(): void;
    isOpen(): boolean;
    /** Shows and hides the launcher; the panel can be opened without it. */
    show(): void;
    hide(): void;
    /** Calls `listener` at each such event; gives what ends it. */
    on(event: HelvinoEvent, listener: (detail?: unknown) => void): () => void;
    /** Sets how much may be stored, or tells it. */
    consent(level?: Consent): Consent;
    visitorId(): string;
    /** Erases the visitor on the server and in this browser. Null when that failed. */
    forget(): Promise<Receipt | null>;
    /** Removes the widget from the page; what is stored stays. */
    destroy(): void;
    /** Reserved. */
    identify(...traits: unknown[]): void;
}

/** A call that a page made before the script was there: a method's name and its arguments, or a function. */
export type QueuedCall = ArrayLike<unknown> | (() => void);

/** What may be window.Helvino before: `{ q: [["open"]] }`, with methods that push onto q if the page likes, or the list itself. */
export type Queue = QueuedCall[] | { q?: QueuedCall[] };

declare global {
    interface Window {
        Helvino?: Queue | HelvinoApi;
        HELVINO_ORG_KEY?: string;
        HELVINO_CONSENT?: string;
    }
}
