/*
 * The list of conversations that somebody works from: those that a filter lets through, in an order, of however many there
 * are. The server orders by activity alone, so a list that wants something first (what is unread, what is urgent) is
 * several lists, its segments, one behind the other; each is asked for page by page as somebody scrolls to it.
 *
 * What the store knows is in the list when it belongs there and lies before the frontier, up to which everything has
 * been asked for. So news find their place by themselves, and there are no gaps.
 */
import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { Ask } from './api.ts';
import { PRIORITIES, type Conversation, type ConversationPage, type Priority, type Status } from './protocol.ts';
import { isUnread, type Store } from './store.ts';

export type Box = 'mine' | 'unassigned' | 'all';
export type Order = 'newest' | 'oldest' | 'priority';

export interface Query {
    box: Box;
    statuses: readonly Status[]; // in the order of STATUSES
    tag: string | null;
    priority: Priority | 'none' | null; // null: whichever
    order: Order;
    unreadFirst: boolean;
}

export const PLAIN_QUERY: Query = {
    box: 'all',
    statuses: ['open'],
    tag: null,
    priority: null,
    order: 'newest',
    unreadFirst: true,
};

/** One of the server's lists. */
export interface Segment {
    readonly parameters: Readonly<Record<string, string>>;
    has(conversation: Conversation): boolean;
}

const ALL_STATUSES = 4;
const LIMIT = 100;
const STALE_MAX = 20; // conversations that one look at the beginning asks for again

const prioritiesOf = ({ order, priority }: Query): (Priority | 'none' | null)[] =>
    order === 'priority' && !priority ? [...PRIORITIES, 'none'] : [priority];

/** In the order of the list. */
export function segmentsOf(query: Query, me: string): Segment[] {
    const { box, statuses, tag, order, unreadFirst } = query;
    const assignee = { mine: me, unassigned: null, all: undefined }[box];
    const segment = (unread: boolean | null, priority: Priority | 'none' | null): Segment => ({
        parameters: {
            ...(statuses.length < ALL_STATUSES && { status: statuses.join(',') }),
            ...(box !== 'all' && { assignee: box === 'mine' ? 'me' : 'none' }),
            ...(tag !== null && { tag }),
            ...(priority && { priority }),
            ...(unread !== null && { unread: unread ? '1' : '0' }),
            order: order === 'oldest' ? 'oldest' : 'newest',
        },
        has: (conversation) =>
            conversation.lastMessage !== null &&
            statuses.includes(conversation.status) &&
            (assignee === undefined || conversation.assigneeId === assignee) &&
            (tag === null || conversation.tags.includes(tag)) &&
            (!priority || (conversation.priority ?? 'none') === priority) &&
            (unread === null || isUnread(conversation) === unread),
    });
    const unreads = unreadFirst ? [true, false] : [null];
    return prioritiesOf(query).flatMap((priority) => unreads.map((unread) => segment(unread, priority)));
}

/* Where a conversation stands: its segment, then its activity; both grow down the list. */
interface Place {
    segment: number;
    at: number; // the activity, negative when the newest come first
}

const compare = (a: Place, b: Place): number => a.segment - b.segment || a.at - b.at;

export interface List {
    readonly query: Query;
    /** In order. Changed in place; `version` says when. */
    readonly ids: readonly string[];
    readonly version: ReadonlySignal<number>;
    readonly isLoading: ReadonlySignal<boolean>;
    readonly isComplete: ReadonlySignal<boolean>; // all that there are have been asked for
    readonly problem: ReadonlySignal<string | null>; // the server's sentence
    indexOf(id: string): number; // -1: not in the list
    /** The next page, whose beginning is the first one. */
    loadMore(): Promise<void>;
    /** Asks for the beginning again, and for those that should be there and are not. */
    lookAgain(): Promise<void>;
    /** This one stays where it is, whatever becomes of it: somebody looks at it. Null: none does. */
    hold(id: string | null): void;
    stop(): void;
}

export interface ListOptions {
    query: Query;
    me: string;
    store: Store;
    ask: Ask;
    /** Conversations of which something may have been missed. */
    onStale(ids: string[]): void;
}

export function makeList({ query, me, store, ask, onStale }: ListOptions): List {
    const segments = segmentsOf(query, me);
    const direction = query.order === 'oldest' ? 1 : -1;
    const ids: string[] = [];
    const places = new Map<string, Place>(); // of those in `ids`
    const beyond = new Set<string>(); // known, and behind the frontier
    const version = signal(0);
    const isLoading = signal(false);
    const isComplete = signal(false);
    const problem = signal<string | null>(null);
    let frontier: Place = { segment: 0, at: -Infinity }; // everything up to here has been asked for
    let cursor: string | null = null;
    let held: string | null = null;
    let isStopped = false;

    const placeOf = (id: string): Place | null => {
        const conversation = store.conversation(id);
        if (!conversation) return null;
        const segment = segments.findIndex((each) => each.has(conversation));
        return segment < 0 ? null : { segment, at: direction * conversation.activitySeq };
    };
    const search = (place: Place): number => {
        let [low, high] = [0, ids.length];
        while (low < high) {
            const middle = (low + high) >> 1;
            if (compare(places.get(ids[middle] as string) as Place, place) < 0) low = middle + 1;
            else high = middle;
        }
        return low;
    };
    const indexOf = (id: string): number => {
        const place = places.get(id);
        if (!place) return -1;
        let index = search(place);
        while (ids[index] !== id) index++; // those of the same place
        return index;
    };
    const remove = (id: string) => {
        ids.splice(indexOf(id), 1);
        places.delete(id);
    };
    const changed = () => {
        version.value++;
    };
    const update = (id: string) => {
        const before = places.get(id);
        const isHeld = id === held && before && store.conversation(id);
        const place = isHeld ? before : placeOf(id);
        beyond.delete(id);
        if (place && compare(place, frontier) > 0) {
            beyond.add(id);
            if (before) remove(id);
        } else if (!before || !place || compare(before, place) !== 0) {
            if (before) remove(id);
            if (place) {
                ids.splice(search(place), 0, id);
                places.set(id, place);
            }
        }
        if (before || place) changed(); // its content may be another one
    };
    const advance = (next: string | null) => {
        cursor = next;
        if (next !== null) frontier = { ...frontier, at: direction * Number(next) };
        else if (frontier.segment + 1 < segments.length) frontier = { segment: frontier.segment + 1, at: -Infinity };
        else {
            frontier = { segment: segments.length, at: Infinity };
            isComplete.value = true;
        }
        for (const id of [...beyond]) update(id);
    };
    const get = async (segment: number, from: string | null) => {
        const parameters = new URLSearchParams({ ...segments[segment]?.parameters, limit: `${LIMIT}`, include: 'visitors' });
        if (from !== null) parameters.set(query.order === 'oldest' ? 'after' : 'before', from);
        const page = await ask<ConversationPage>('GET', `/conversations?${parameters}`);
        page.visitors?.forEach(store.putVisitor);
        page.conversations.forEach(store.putConversation);
        return page;
    };
    /* Pages can be empty though there are more: where few are looked for among many. */
    const fill = async () => {
        for (let found = 0; found < LIMIT && !isComplete.value && !isStopped; ) {
            const { conversations, next } = await get(frontier.segment, cursor);
            if (isStopped) return;
            found += conversations.length;
            advance(next);
        }
    };
    const loadMore = async () => {
        if (isLoading.value || isComplete.value) return;
        isLoading.value = true;
        try {
            await fill();
            problem.value = null;
        } catch (error) {
            problem.value = (error as Error).message;
        }
        isLoading.value = false;
    };
    /* In the list, in the part that a page of the segment covers, and not on the page. */
    const missing = (segment: number, { conversations, next }: ConversationPage): string[] => {
        const end = next === null ? Infinity : direction * Number(next);
        const listed = new Set(conversations.map(({ id }) => id));
        const [from, to] = [search({ segment, at: -Infinity }), search({ segment, at: end })];
        return ids.slice(from, to).filter((id) => !listed.has(id));
    };
    const lookAgain = async () => {
        const stale: string[] = [];
        const last = Math.min(frontier.segment, segments.length - 1);
        for (let segment = 0; segment <= last; segment++) stale.push(...missing(segment, await get(segment, null)));
        if (stale.length && !isStopped) onStale(stale.slice(0, STALE_MAX));
    };
    const off = store.onChange(update);
    for (const { id } of store.conversations()) if (placeOf(id)) beyond.add(id);
    return {
        query,
        ids,
        version,
        isLoading,
        isComplete,
        problem,
        indexOf,
        loadMore,
        lookAgain,
        hold(id) {
            const before = held;
            held = id;
            if (before && before !== id) update(before);
        },
        stop() {
            isStopped = true;
            off();
        },
    };
}
