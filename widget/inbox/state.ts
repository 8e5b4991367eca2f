/*
 * There is one inbox in a page. What all its parts look at is here: who is logged in, in which organisation, what is
 * known of it (desk), and where one is (route).
 */
import { batch, signal } from '@preact/signals-core';

import { makeActs, type Acts } from './data/acts.ts';
import { makeApi, type Api } from './data/api.ts';
import { makeDesk, type Desk } from './data/desk.ts';
import { makeDrafts, type Drafts } from './data/drafts.ts';
import { keep, keyOf } from './data/keep.ts';
import { makeLook, makePrefs, type Kept, type Prefs } from './data/prefs.ts';
import type { Organization, Session } from './data/protocol.ts';
import { makeReplies, type Replies } from './data/replies.ts';
import { formatRoute, parseRoute, type Route } from './data/routes.ts';
import { t } from './lang.ts';

/** Somebody has logged in here; without it nobody needs to be asked for. */
export const LOGGED_IN = keyOf('in');
const CHOSEN_ORG = keyOf('org');

export const session = signal<Session | null>(null);
export const org = signal<Organization | null>(null);
/** Why the log-in page is shown. */
export const ending = signal<'ended' | 'out' | null>(null);
export const route = signal<Route>(parseRoute(location.hash));
/** Everything is drawn anew when it changes: the language has. */
export const drawing = signal(0);

export const look = makeLook(keep);

export const api: Api = makeApi(
    () => ({ csrfToken: session.peek()?.csrfToken ?? '', orgKey: org.peek()?.key ?? null }),
    () => leave('ended'),
    () => t.noAnswer,
);

/* Of the organisation that is chosen; they are there as long as the workspace is drawn. */
export let desk: Desk;
export let acts: Acts;
export let drafts: Drafts;
export let replies: Replies;
export let prefs: Kept<Prefs>;

function endDesk(): void {
    desk?.stop();
}

/** The one that is named, the one of the last time, or the only one. */
function chosenOrg(given: Session): Organization | null {
    const key = keep.get(CHOSEN_ORG);
    const { organizations } = given;
    return organizations.find((each) => each.key === key) ?? (organizations.length === 1 ? (organizations[0] ?? null) : null);
}

export function choose(next: Organization): void {
    const who = session.peek();
    if (!who) return;
    keep.set(CHOSEN_ORG, next.key);
    endDesk();
    prefs = makePrefs(keep, who.agent.id);
    org.value = next;
    desk = makeDesk({ session: who, org: next, api, keep, query: prefs.value.peek().query });
    acts = makeActs(desk.store, api.ask);
    drafts = makeDrafts(keep, next.id, who.agent.id);
    replies = makeReplies(api.ask);
    desk.onTold('bye', () => leave('out'));
}

/** Shows the list of organisations. */
export function chooseAgain(): void {
    endDesk();
    keep.remove(CHOSEN_ORG);
    org.value = null;
}

export function enter(given: Session): void {
    keep.set(LOGGED_IN, '1');
    batch(() => {
        session.value = given;
        ending.value = null;
        const next = chosenOrg(given);
        if (next) choose(next);
    });
}

/** The session is over, or was never there. */
export function leave(why: 'ended' | 'out' | null): void {
    if (!session.peek()) return;
    keep.remove(LOGGED_IN);
    endDesk();
    batch(() => {
        session.value = null;
        org.value = null;
        ending.value = why;
    });
}

export async function logOut(): Promise<void> {
    await api.ask('DELETE', '/session').catch(() => {});
    desk?.tell('bye', null);
    leave('out');
}

/** The agent's own name and second factor may be others by now. */
export async function refreshSession(): Promise<void> {
    session.value = await api.ask<Session>('GET', '/session');
}

export const can = (role: 'admin' | 'owner'): boolean => {
    const mine = org.peek()?.role;
    return mine === 'owner' || mine === role;
};

/* ---- where one is ---- */

/** `replaces` leaves no step in the history behind. */
export function go(next: Route, { replaces = false } = {}): void {
    const hash = formatRoute(next);
    if (hash === location.hash) return;
    if (replaces) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
    route.value = next;
}

export const goTo = (id: string | null): void => go({ name: 'inbox', id, visitor: false });

/** The conversation that is open, also before it is drawn: keys come faster than frames. */
export function openId(): string | null {
    const here = route.peek();
    return here.name === 'inbox' ? here.id : null;
}

export function followRoute(): void {
    for (const event of ['hashchange', 'popstate']) {
        window.addEventListener(event, () => {
            if (formatRoute(route.peek()) !== location.hash) route.value = parseRoute(location.hash);
        });
    }
}
