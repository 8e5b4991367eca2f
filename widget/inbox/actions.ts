/*
 * What agents do with conversations, one or all that are selected: each is shown at once, says what was done, and can be
 * taken back.
 */
import { signal } from '@preact/signals-core';

import type { Outcome } from './data/acts.ts';
import type { Change, Priority, Status } from './data/protocol.ts';
import { agentName, untilOf } from './format.ts';
import { fill, plural, t } from './lang.ts';
import { acts, desk, goTo, openId, prefs } from './state.ts';
import { keysOf } from './ui/keys.ts';
import { complain, toast } from './ui/toasts.tsx';

/* ---- selection ---- */

export const selection = signal<ReadonlySet<string>>(new Set());
/** Rows show a box to tick, also without a mouse above them. */
export const isSelecting = signal(false);
let anchor: string | null = null;

export function clearSelection(): void {
    selection.value = new Set();
    isSelecting.value = false;
    anchor = null;
}

export function select(id: string, isSelected: boolean): void {
    const next = new Set(selection.peek());
    if (isSelected) next.add(id);
    else next.delete(id);
    anchor = id;
    selection.value = next;
}

/** Everything between the last one that was ticked and this one. */
export function selectTo(id: string): void {
    const { ids, indexOf } = desk.list.peek();
    const [from, to] = [indexOf(anchor ?? id), indexOf(id)].sort((a, b) => a - b) as [number, number];
    selection.value = new Set([...selection.peek(), ...ids.slice(Math.max(0, from), to + 1)]);
    anchor = id;
}

export function selectAll(): void {
    selection.value = new Set(desk.list.peek().ids);
}

/** What an action is about: what is selected, else the conversation that is open. */
export function targets(): string[] {
    if (selection.peek().size) return [...selection.peek()];
    const id = openId();
    return id ? [id] : [];
}

/* ---- telling ---- */

function tellFailures({ failed }: Outcome): void {
    const [first] = failed;
    if (!first) return;
    const assignee = desk.store.conversation(first.id)?.assigneeId;
    if (first.code === 'taken') complain(assignee ? fill(t.takenBy, agentName(assignee)) : t.taken);
    else if (first.code === 'changed') complain(t.changedMeanwhile);
    else complain(failed.length > 1 ? `${plural(t.failedCount, failed.length)} ${first.message}` : first.message || t.noAnswer);
}

export async function undo(): Promise<void> {
    const outcome = await acts.undo();
    if (!outcome) return;
    tellFailures(outcome);
    if (outcome.done.length) toast(t.undone);
}

/* `said` is what was done to one; many are counted. */
async function run(ids: readonly string[], change: Change, said: string): Promise<Outcome> {
    const outcome = await acts.run({ ids, change });
    for (const { id } of outcome.failed) desk.wantConversation(id);
    if (outcome.failed.length) setTimeout(tellFailures, 300, outcome); // by then it is known who was faster
    const count = outcome.done.length;
    if (count) {
        const text = count > 1 ? `${said} · ${plural(t.conversationCount, count)}` : said;
        toast(text, { action: { label: t.undo, hint: keysOf('mod+z'), run: () => void undo() } });
    }
    return outcome;
}

/* ---- what is done ---- */

/** The conversation behind this one in the list, or before it. */
export function neighbour(id: string, step: 1 | -1): string | null {
    const { ids, indexOf } = desk.list.peek();
    const at = indexOf(id);
    return at < 0 ? (ids[0] ?? null) : (ids[at + step] ?? null);
}

/** What is done with makes room for the next one. */
function advance(ids: readonly string[], next: string | null): void {
    const current = openId();
    if (!current || !ids.includes(current) || !prefs.value.peek().advance) return;
    if (next && next !== current) goTo(next);
}

const nextOf = (ids: readonly string[]): string | null => {
    const current = openId();
    if (!current || !ids.includes(current)) return null;
    return neighbour(current, 1) ?? neighbour(current, -1);
};

/** What was open is done with. */
export const moveOn = (id: string): void => advance([id], nextOf([id]));

const SAID: Record<Status, () => string> = {
    open: () => t.didOpen,
    pending: () => t.didPending,
    resolved: () => t.didResolve,
    snoozed: () => t.snoozed,
};

export async function setStatus(ids: readonly string[], status: Exclude<Status, 'snoozed'>): Promise<void> {
    if (!ids.length) return;
    const next = nextOf(ids);
    clearSelection();
    if (status === 'resolved') advance(ids, next);
    await run(ids, { status }, SAID[status]());
}

export async function snooze(ids: readonly string[], until: number): Promise<void> {
    if (!ids.length) return;
    const next = nextOf(ids);
    clearSelection();
    advance(ids, next);
    await run(ids, { status: 'snoozed', snoozedUntil: new Date(until).toISOString() }, fill(t.didSnooze, untilOf(until)));
}

/** One that somebody else has taken in the meantime stays with them. */
export async function assign(ids: readonly string[], agent: string | null): Promise<void> {
    const [only] = ids;
    if (!only) return;
    clearSelection();
    const before = desk.store.conversation(only)?.assigneeId ?? null;
    const change: Change = { assigneeId: agent, ...(ids.length === 1 && { ifAssigneeId: before }) };
    const said = agent === null ? t.didUnassign : agent === desk.me.id ? t.didAssignMe : fill(t.didAssign, agentName(agent));
    await run(ids, change, said);
}

export async function setPriority(ids: readonly string[], priority: Priority | null): Promise<void> {
    if (!ids.length) return;
    clearSelection();
    await run(ids, { priority }, priority ? fill(t.didPriority, t.priorities[priority]) : t.didNoPriority);
}

export async function setTag(ids: readonly string[], tag: string, isOn: boolean): Promise<void> {
    if (!ids.length) return;
    await run(ids, isOn ? { addTags: [tag] } : { removeTags: [tag] }, fill(isOn ? t.didTag : t.didUntag, tag));
}

/** All that are in use, as far as anybody here has seen. */
export function knownTags(): string[] {
    const counts = new Map<string, number>();
    for (const { tags } of desk.store.conversations()) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return [...counts].sort(([a, countA], [b, countB]) => countB - countA || a.localeCompare(b)).map(([tag]) => tag);
}

/* ---- when a snooze ends ---- */

export interface SnoozeChoice {
    label: string;
    until: number;
}

/** Later today, tomorrow morning, and so on; only what lies ahead. */
export function snoozeChoices(now = new Date()): SnoozeChoice[] {
    const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour).getTime();
    const daysToMonday = ((8 - now.getDay()) % 7 || 7) as number;
    const choices: (SnoozeChoice | false)[] = [
        { label: t.inAnHour, until: now.getTime() + 3_600_000 },
        now.getHours() < 16 && { label: t.thisEvening, until: at(0, 18) },
        { label: t.tomorrow, until: at(1, 9) },
        daysToMonday > 1 && { label: t.nextWeek, until: at(daysToMonday, 9) },
        { label: t.nextMonth, until: at(30, 9) },
    ];
    return choices.filter((choice) => choice !== false);
}
