/*
 * Who is on the site now. The server tells of each who comes or goes, by the one stream; where and since when is asked for then,
 * once for all who come together. Who goes stays for a moment: most only go on to the next page.
 */
import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { Failure } from '../data/api.ts';
import type { StreamEvents, Visitor } from '../data/protocol.ts';
import type { Desk } from '../data/desk.ts';

const ASK_MS = 700; // however many come at a time
const AGAIN_MS = 30_000; // in case something was not heard
const STAYS_MS = 6_000;
const MAX = 100;

export interface Present {
    visitor: Visitor;
    hasLeft: boolean;
}

export interface Board {
    /** Null until it is known. */
    readonly present: ReadonlySignal<readonly Present[] | null>;
    readonly count: ReadonlySignal<number>;
    readonly problem: ReadonlySignal<Failure | null>;
    refresh(): Promise<void>;
    stop(): void;
}

interface Online {
    visitors: Visitor[];
    onlineCount: number;
}

const bySince = (a: Present, b: Present) => (b.visitor.onlineSince ?? '').localeCompare(a.visitor.onlineSince ?? '');

export function watchBoard(desk: Desk): Board {
    const present = signal<readonly Present[] | null>(null);
    const count = signal(0);
    const problem = signal<Failure | null>(null);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;

    const drop = (id: string) => {
        present.value = present.peek()?.filter(({ visitor, hasLeft }) => visitor.id !== id || !hasLeft) ?? null;
    };
    const leave = (each: Present): Present => {
        if (!each.hasLeft) setTimeout(drop, STAYS_MS, each.visitor.id);
        return { ...each, hasLeft: true };
    };
    const take = ({ visitors, onlineCount }: Online) => {
        const there = new Set(visitors.map(({ id }) => id));
        visitors.forEach(desk.store.putVisitor);
        const gone = (present.peek() ?? []).filter(({ visitor }) => !there.has(visitor.id)).map(leave);
        present.value = [...visitors.map((visitor) => ({ visitor, hasLeft: false })), ...gone].sort(bySince);
        count.value = onlineCount;
        problem.value = null;
    };
    const askAgain = (inMs: number) => {
        clearTimeout(timer);
        if (!isOver) timer = setTimeout(() => void refresh(), inMs);
    };
    const refresh = async () => {
        try {
            const answer = await desk.api.ask<Online>('GET', `/visitors?online=1&limit=${MAX}`);
            if (!isOver) take(answer);
        } catch (error) {
            problem.value = error as Failure;
        }
        askAgain(AGAIN_MS);
    };
    desk.onTold('presence', (data) => {
        const { role, online, visitorId } = data as StreamEvents['presence'];
        if (isOver || role !== 'user') return;
        if (!online) present.value = present.peek()?.map((each) => (each.visitor.id === visitorId ? leave(each) : each)) ?? null;
        askAgain(ASK_MS);
    });
    void refresh();
    return {
        present,
        count,
        problem,
        refresh,
        stop() {
            isOver = true;
            clearTimeout(timer);
        },
    };
}
