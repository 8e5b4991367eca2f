/*
 * later.js: what is not needed to read and write. It is loaded when there is news that nobody looks at, or when the
 * visitor wants to be forgotten. Its bundle is its own, so nothing that the client calls here has a name that begins
 * with "_".
 */
import type { Ask } from '../shared/http.ts';
import type { Receipt } from '../shared/protocol.ts';
import { playTone } from '../shared/tone.ts';
import { isVisible, listen } from '../shared/wait.ts';
import type { Host } from './contract.ts';

const ASK_MS = 300; // time for a tab to say that somebody looks
const HOLD_MS = 2_000; // one tone for all that comes in this time
const QUIET_MS = 3_000; // for a tab to finish what it sends

/* ---- telling of news ---- */

export interface Bell {
    /** There is news that this tab's visitor doesn't look at. */
    news(seq: number): void;
    /** The number of unread messages may be another. */
    update(): void;
}

export interface BellOptions {
    readonly name: string; // the same in all tabs
    readonly signal: AbortSignal; // that ends it
    isOn(): boolean;
    unread(): number;
    /** Up to where somebody has looked, in this tab or in another. */
    seen(): number;
}

/* Holds the lock for a while, so that no other tab sounds for the same news. */
async function ring(lock: unknown): Promise<void> {
    if (!lock) return;
    playTone();
    await new Promise((done) => setTimeout(done, HOLD_MS));
}

/** A tone, once in the whole browser, unless somebody looks; and "(2) Title" while the tab is hidden. */
function makeBell({ name, signal, isOn, unread, seen }: BellOptions): Bell {
    let hasNews = false;
    let badge = ''; // what we have put in front of the page's title

    const update = () => {
        const { title } = document;
        const own = title.startsWith(badge) ? title.slice(badge.length) : title;
        hasNews &&= !isVisible() && !signal.aborted;
        badge = hasNews && unread() ? `(${unread()}) ` : '';
        if (badge + own !== title) document.title = badge + own;
    };
    const sound = (seq: number) => {
        // A tab without a gesture may not sound; another one will.
        if (signal.aborted || seq <= seen() || !isOn() || navigator.userActivation?.hasBeenActive === false) return;
        const { locks } = navigator;
        (locks ? locks.request(`${name}:bell`, { ifAvailable: true }, ring) : ring(true)).catch(() => {});
    };
    listen(document, 'visibilitychange', signal, update);
    signal.addEventListener('abort', update);
    return {
        update,
        news(seq) {
            hasNews = true;
            update();
            setTimeout(sound, ASK_MS, seq);
        },
    };
}

/* ---- being forgotten ---- */

/**
 * Erases the visitor on the server and in this browser, once no other tab leads any more: until then it may send as
 * that visitor. `name` is that of the lock.
 */
async function forget(host: Host, ask: Ask, name: string): Promise<Receipt> {
    const signal = AbortSignal.timeout(QUIET_MS);
    await navigator.locks?.request(name, { signal }, () => {}).catch(() => {});
    const receipt = await ask<Receipt>('DELETE', '/visitors/me');
    if (host.boot.config.visitorCookie) {
        const init: RequestInit = { method: 'DELETE', headers: host.getHeaders(), credentials: 'include' };
        const { fetch } = host;
        await fetch(`${host.base}/visitors/me/cookie`, init).catch(() => {});
    }
    host.forgetLocally();
    host.emit('forget', receipt);
    return receipt;
}

export default { makeBell, forget };
