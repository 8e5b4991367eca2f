/*
 * The list of conversations. Only the rows that can be seen are there, however many conversations there are; it stays
 * where somebody reads while news come in above.
 */
import { Inbox as InboxIcon } from 'lucide';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import { isSelecting, selectAll, selection } from '../actions.ts';
import type { Box, List } from '../data/list.ts';
import { plural, t } from '../lang.ts';
import { desk, drafts, org } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { use, useLatest, useTick } from '../ui/use.ts';
import { useWindow, type Window } from '../ui/window.ts';
import { BulkBar } from './bulk.tsx';
import { FilterButton, FilterChips, setBox } from './filters.tsx';
import { FirstSteps, isUnused } from './first.tsx';
import { Row } from './row.tsx';

const AHEAD = 30; // rows before the end from which more is asked for
const ROW_REM = 4.625; // as in list.css

/* ---- which of the three ---- */

const BOXES: Box[] = ['mine', 'unassigned', 'all'];

function Boxes() {
    const { query } = use(desk.list);
    const counts = use(desk.counts);
    const countOf = (box: Box) => counts?.[box === 'all' ? 'open' : box] ?? null;
    const nameOf = (box: Box) => ({ mine: t.boxMine, unassigned: t.boxUnassigned, all: t.boxAll })[box];
    return (
        <div class="boxes" role="group" aria-label={t.whose}>
            {BOXES.map((box) => {
                const count = countOf(box);
                const isMost = counts && count === counts.max;
                return (
                    <button type="button" class="box" key={box} aria-pressed={query.box === box} onClick={() => setBox(box)}>
                        {nameOf(box)}
                        {count !== null && <span class="count">{isMost ? `${count}+` : count}</span>}
                    </button>
                );
            })}
        </div>
    );
}

/* ---- when there is nothing ---- */

function Empty({ list }: { list: List }) {
    const problem = use(list.problem);
    const isComplete = use(list.isComplete);
    const counts = use(desk.counts);
    const { box, statuses, tag, priority } = list.query;
    const isPlain = statuses.length === 1 && statuses[0] === 'open' && !tag && !priority;
    const isNew = isPlain && isUnused(counts);
    if (problem) {
        return (
            <div class="empty" role="alert">
                <p>{problem}</p>
                <button type="button" class="button" onClick={() => void list.loadMore()}>
                    {t.tryAgain}
                </button>
            </div>
        );
    }
    if (!isComplete) return <Skeleton />;
    const others = box !== 'all' && isPlain ? (counts?.open ?? 0) : 0;
    return (
        <div class="empty">
            <Icon icon={InboxIcon} size="large" />
            <p class="empty-title">{!isPlain ? t.emptyFilter : isNew ? t.emptyNew : box === 'mine' ? t.emptyMine : box === 'unassigned' ? t.emptyUnassigned : t.emptyAll}</p>
            <p>{!isPlain ? t.emptyFilterHint : t.emptyHint}</p>
            {box === 'mine' && isPlain && (counts?.unassigned ?? 0) > 0 && (
                <button type="button" class="button" onClick={() => setBox('unassigned')}>
                    {plural(t.seeUnassigned, counts?.unassigned ?? 0)}
                </button>
            )}
            {box === 'unassigned' && others > 0 && (
                <button type="button" class="button" onClick={() => setBox('all')}>
                    {plural(t.seeAll, others)}
                </button>
            )}
            {isNew && <FirstSteps class="first-narrow" />}
        </div>
    );
}

function Skeleton() {
    return (
        <div class="skeletons" role="status" aria-busy="true" aria-label={t.loading}>
            {[0, 1, 2, 3, 4, 5].map((index) => (
                <div class="skeleton" key={index}>
                    <span class="skeleton-round" />
                    <span class="skeleton-lines">
                        <span />
                        <span />
                    </span>
                </div>
            ))}
        </div>
    );
}

/* ---- the rows ---- */

/* The row at the upper edge stays there, whatever comes in above it; at the very top, what is new is seen. */
function useAnchor(list: List, { scroller, height }: Window): void {
    const anchor = useRef<{ list: List; id: string; index: number } | null>(null);
    const note = () => {
        const element = scroller.current;
        if (!element) return;
        const index = Math.floor(element.scrollTop / height);
        const id = list.ids[index];
        anchor.current = id && element.scrollTop > 0 ? { list, id, index } : null;
    };
    useLayoutEffect(() => {
        const element = scroller.current;
        const before = anchor.current;
        if (element && before?.list === list) {
            const index = list.indexOf(before.id);
            if (index >= 0 && index !== before.index) element.scrollTop += (index - before.index) * height;
        } else if (element && before) element.scrollTop = 0;
        note();
    });
    useEffect(() => {
        const element = scroller.current;
        element?.addEventListener('scroll', note, { passive: true });
        return () => element?.removeEventListener('scroll', note);
    }, [list]);
}

function Rows({ list }: { list: List }) {
    use(list.version);
    use(desk.typing.version);
    const agents = use(desk.agents);
    const current = use(desk.current);
    const written = use(drafts.all);
    const chosen = use(selection);
    const isChoosing = use(isSelecting) || chosen.size > 0;
    const isComplete = use(list.isComplete);
    const tick = useTick(30_000);
    const rows = useWindow(list.ids.length, ROW_REM);
    const { scroller, from, to, height, reveal } = rows;
    useAnchor(list, rows);
    useEffect(() => {
        if (!isComplete && to + AHEAD >= list.ids.length) void list.loadMore();
    }, [list, to, list.ids.length, isComplete]);
    useEffect(() => {
        if (current) reveal(list.indexOf(current));
    }, [current, list]);

    /* One row is in the order of Tab: the open one, or the first in sight. Arrows move among them. */
    const isInSight = current && list.indexOf(current) >= from && list.indexOf(current) < to;
    const focusable = isInSight ? current : list.ids[Math.ceil((scroller.current?.scrollTop ?? 0) / height)];
    const focusRow = useLatest((index: number) => {
        const id = list.ids[Math.max(0, Math.min(index, list.ids.length - 1))];
        if (!id) return;
        reveal(list.indexOf(id));
        requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-id="${id}"] .row-link`)?.focus());
    });
    const onKeyDown = (event: KeyboardEvent) => {
        const id = (event.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'];
        if (!id) return;
        const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1);
        const at = list.indexOf(id);
        const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: list.ids.length - 1 };
        const next = steps[event.key];
        if ((event.ctrlKey || event.metaKey) && event.key === 'a') selectAll();
        else if (next === undefined) return;
        else focusRow(next);
        event.preventDefault();
    };
    const isEmpty = !list.ids.length;
    return (
        <div class="list-scroll" ref={scroller} onKeyDown={onKeyDown}>
            {isEmpty ? (
                <Empty list={list} />
            ) : (
                <div class="rows" role="list" aria-label={t.conversations} style={{ height: `${list.ids.length * height}px` }}>
                    {list.ids.slice(from, to).map((id, offset) => {
                        const index = from + offset;
                        const conversation = desk.store.conversation(id);
                        if (!conversation) return null;
                        return (
                            <Row
                                key={id}
                                conversation={conversation}
                                visitor={desk.store.visitor(conversation.visitorId)}
                                isTyping={desk.typing.visitor(id)}
                                hasDraft={written.has(id)}
                                top={index * height}
                                tick={tick}
                                agents={agents}
                                position={index + 1}
                                count={isComplete ? list.ids.length : -1}
                                isCurrent={id === current}
                                isFocusable={id === focusable}
                                isChoosing={isChoosing}
                                isChosen={chosen.has(id)}
                            />
                        );
                    })}
                </div>
            )}
        </div>
    );
}

function Foot({ list }: { list: List }) {
    const isLoading = use(list.isLoading);
    const problem = use(list.problem);
    if (!list.ids.length) return null;
    if (problem) {
        return (
            <p class="list-foot" role="alert">
                {problem}{' '}
                <button type="button" class="link" onClick={() => void list.loadMore()}>
                    {t.tryAgain}
                </button>
            </p>
        );
    }
    return <span class={isLoading ? 'list-progress is-busy' : 'list-progress'} aria-hidden="true" />;
}

export function ListPane() {
    const list = use(desk.list);
    const count = use(selection).size;
    const isChoosing = use(isSelecting);
    return (
        <section class="pane list-pane" aria-label={t.conversations}>
            {count || isChoosing ? (
                <BulkBar />
            ) : (
                <header class="pane-header list-header">
                    <h2 class="pane-title">
                        <bdi>{use(org)?.name}</bdi>
                    </h2>
                    <FilterButton />
                </header>
            )}
            <Boxes />
            <FilterChips />
            <Rows list={list} />
            <Foot list={list} />
        </section>
    );
}

