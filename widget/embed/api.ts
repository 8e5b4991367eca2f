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
    /** Takes calls as before: Helvino.q.push(['open']). */
    readonly q: { push(...calls: QueuedCall[]): void };
}

/** A call that a page made before the script was there: a method's name and its arguments. */
export type QueuedCall = Iterable<unknown>;

/** What window.Helvino may be before: a place for calls, with methods that push onto it if the page likes. */
export interface Stub {
    q?: QueuedCall[];
}

declare global {
    interface Window {
        Helvino?: Stub | HelvinoApi;
        HELVINO_ORG_KEY?: string;
        HELVINO_CONSENT?: string;
    }
}
