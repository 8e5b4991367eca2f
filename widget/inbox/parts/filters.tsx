/* Which conversations are listed, and in which order. */
import { ListFilter, X } from 'lucide';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { isSelecting, knownTags } from '../actions.ts';
import { useCommands } from '../commands.ts';
import { PLAIN_QUERY, type Box, type Order, type Query } from '../data/list.ts';
import { PRIORITIES, STATUSES, type Priority, type Status } from '../data/protocol.ts';
import { fill, t } from '../lang.ts';
import { desk, prefs } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { use } from '../ui/use.ts';

export function setQuery(change: Partial<Query>): void {
    const before = desk.list.peek().query;
    const query = { ...before, ...change };
    if (JSON.stringify(query) === JSON.stringify(before)) return; // the same list, where somebody is reading
    prefs.set({ query });
    desk.setQuery(query);
}

export const setBox = (box: Box): void => setQuery({ box });

const ORDERS: Order[] = ['newest', 'oldest', 'priority'];

const orderName = (order: Order) => ({ newest: t.newestFirst, oldest: t.oldestFirst, priority: t.urgentFirst })[order];

export const priorityName = (priority: Priority | 'none' | null): string =>
    priority === null ? t.anyPriority : priority === 'none' ? t.noPriority : t.priorities[priority];

/* ---- what differs from the plain list, each to be taken away ---- */

interface Chip {
    label: string;
    without: Partial<Query>;
}

function chipsOf({ statuses, tag, priority, order, unreadFirst }: Query): Chip[] {
    const isPlain = statuses.length === 1 && statuses[0] === 'open';
    const chips: (Chip | false)[] = [
        !isPlain && {
            label: statuses.length === STATUSES.length ? t.anyStatus : statuses.map((status) => t.statuses[status]).join(', '),
            without: { statuses: PLAIN_QUERY.statuses },
        },
        tag !== null && { label: `#${tag}`, without: { tag: null } },
        priority !== null && { label: priorityName(priority), without: { priority: null } },
        order !== 'newest' && { label: orderName(order), without: { order: 'newest' } },
        !unreadFirst && { label: t.unreadMixed, without: { unreadFirst: true } },
    ];
    return chips.filter((chip) => chip !== false);
}

export function FilterChips() {
    const { query } = use(desk.list);
    const chips = chipsOf(query);
    if (!chips.length) return null;
    return (
        <ul class="chips">
            {chips.map(({ label, without }) => (
                <li key={label}>
                    <button type="button" class="chip" aria-label={fill(t.withoutFilter, label)} title={t.removeFilter} onClick={() => setQuery(without)}>
                        <bdi>{label}</bdi>
                        <Icon icon={X} size="small" />
                    </button>
                </li>
            ))}
        </ul>
    );
}

/* ---- the panel in which they are chosen ---- */

function Statuses({ query }: { query: Query }) {
    const toggle = (status: Status) => {
        const isOn = query.statuses.includes(status);
        const next = STATUSES.filter((each) => (each === status ? !isOn : query.statuses.includes(each)));
        if (next.length) setQuery({ statuses: next });
    };
    return (
        <fieldset>
            <legend>{t.status}</legend>
            {STATUSES.map((status) => (
                <label class="option" key={status}>
                    <input type="checkbox" checked={query.statuses.includes(status)} onChange={() => toggle(status)} />
                    {t.statuses[status]}
                </label>
            ))}
        </fieldset>
    );
}

function Orders({ query }: { query: Query }) {
    const name = useId();
    return (
        <fieldset>
            <legend>{t.order}</legend>
            {ORDERS.map((order) => (
                <label class="option" key={order}>
                    <input type="radio" name={name} checked={query.order === order} onChange={() => setQuery({ order })} />
                    {orderName(order)}
                </label>
            ))}
            <label class="option">
                <input type="checkbox" checked={query.unreadFirst} onChange={() => setQuery({ unreadFirst: !query.unreadFirst })} />
                {t.unreadFirst}
            </label>
        </fieldset>
    );
}

function Panel({ onClose }: { onClose(): void }) {
    const { query } = use(desk.list);
    const id = useId();
    const tags = [...new Set([...(query.tag === null ? [] : [query.tag]), ...knownTags()])];
    const isPlain = !chipsOf(query).length;
    return (
        <div class="popover filter-panel" role="dialog" aria-label={t.filter}>
            <Statuses query={query} />
            <Orders query={query} />
            <div class="filter-selects">
                <label class="field" for={`${id}-priority`}>
                    {t.priority}
                </label>
                <select
                    id={`${id}-priority`}
                    value={query.priority ?? ''}
                    onChange={(event) => setQuery({ priority: (event.currentTarget.value || null) as Query['priority'] })}
                >
                    <option value="">{t.anyPriority}</option>
                    {[...PRIORITIES, 'none' as const].map((priority) => (
                        <option value={priority} key={priority}>
                            {priorityName(priority)}
                        </option>
                    ))}
                </select>
                <label class="field" for={`${id}-tag`}>
                    {t.tag}
                </label>
                <select id={`${id}-tag`} value={query.tag ?? ''} onChange={(event) => setQuery({ tag: event.currentTarget.value || null })}>
                    <option value="">{t.anyTag}</option>
                    {tags.map((tag) => (
                        <option value={tag} key={tag}>
                            {tag}
                        </option>
                    ))}
                </select>
            </div>
            <footer class="popover-footer">
                <button
                    type="button"
                    class="button quiet"
                    onClick={() => {
                        isSelecting.value = true;
                        onClose();
                    }}
                >
                    {t.selectSeveral}
                </button>
                <button type="button" class="button quiet" disabled={isPlain} onClick={() => setQuery({ ...PLAIN_QUERY, box: query.box })}>
                    {t.resetFilter}
                </button>
            </footer>
        </div>
    );
}

export function FilterButton() {
    const [isOpen, setOpen] = useState(false);
    const { query } = use(desk.list);
    useCommands([{ id: 'filter', group: 'list', label: t.filter, icon: ListFilter, keys: ['f'], run: () => setOpen(true) }]);
    const root = useRef<HTMLDivElement>(null);
    const trigger = useRef<HTMLButtonElement>(null);
    const close = () => {
        setOpen(false);
        trigger.current?.focus();
    };
    useEffect(() => {
        if (!isOpen) return;
        root.current?.querySelector<HTMLElement>('input:checked')?.focus();
        const onDown = (event: Event) => root.current?.contains(event.target as Node) || setOpen(false);
        document.addEventListener('pointerdown', onDown, true);
        return () => document.removeEventListener('pointerdown', onDown, true);
    }, [isOpen]);
    const count = chipsOf(query).length;
    return (
        <div
            class="menu-root"
            ref={root}
            onKeyDown={(event) => {
                if (event.key !== 'Escape' || !isOpen) return;
                event.stopPropagation();
                close();
            }}
        >
            <button
                type="button"
                class={count ? 'icon-button is-on' : 'icon-button'}
                ref={trigger}
                aria-expanded={isOpen}
                aria-haspopup="dialog"
                aria-label={t.filter}
                title={t.filter}
                onClick={() => setOpen(!isOpen)}
            >
                <Icon icon={ListFilter} />
            </button>
            {isOpen && <Panel onClose={close} />}
        </div>
    );
}
