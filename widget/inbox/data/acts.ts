/*
 * Changing conversations, one or many, and taking it back. A change is shown at once and undone when the server refuses.
 * Each leaves behind what would undo it, as long as nobody has changed the same in the meantime.
 */
import type { Ask, Failure } from './api.ts';
import type { BulkResult, Change, Conversation } from './protocol.ts';
import type { Store } from './store.ts';

const UNDO_MAX = 50;
const BULK_MAX = 100;

/** What a change was for: its words are the caller's. */
export interface Act {
    ids: readonly string[];
    change: Change;
}

/** Steps back: for each conversation what it was, and what it must still be. */
interface Step {
    id: string;
    back: Change;
    made: Change;
}

export interface Outcome {
    done: string[];
    failed: { id: string; code: string; message: string }[];
}

export interface Acts {
    /** Rejects with nothing: what could not be done is in the outcome. */
    run(act: Act): Promise<Outcome>;
    /** Takes back the last one; null when there is none. */
    undo(): Promise<Outcome | null>;
    canUndo(): boolean;
}

const sameTags = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((tag) => b.includes(tag));

/** What brings a conversation back to what it is now, after the change. */
export function inverseOf(conversation: Conversation, change: Change, now: number): Change {
    const { status, snoozedUntil, assigneeId, priority, tags } = conversation;
    const back: Change = {};
    if (change.status || change.snoozedUntil) {
        const isOver = status === 'snoozed' && Date.parse(snoozedUntil ?? '') <= now;
        back.status = isOver ? 'open' : status;
        if (back.status === 'snoozed') back.snoozedUntil = snoozedUntil;
    }
    if (change.assigneeId !== undefined) back.assigneeId = assigneeId;
    if (change.priority !== undefined) back.priority = priority;
    if (change.tags) back.tags = tags;
    const added = change.addTags?.filter((tag) => !tags.includes(tag)) ?? [];
    const removed = change.removeTags?.filter((tag) => tags.includes(tag)) ?? [];
    if (added.length) back.removeTags = added;
    if (removed.length) back.addTags = removed;
    return back;
}

/** Whether the conversation is still as the change has made it. */
export function isStill(conversation: Conversation, made: Change): boolean {
    const { status, assigneeId, priority, tags } = conversation;
    return (
        (!made.status || status === made.status) &&
        (made.assigneeId === undefined || assigneeId === made.assigneeId) &&
        (made.priority === undefined || priority === made.priority) &&
        (!made.tags || sameTags(tags, made.tags)) &&
        (made.addTags ?? []).every((tag) => tags.includes(tag)) &&
        !(made.removeTags ?? []).some((tag) => tags.includes(tag))
    );
}

const isEmpty = (change: Change) => Object.keys(change).length === 0;

export function makeActs(store: Store, ask: Ask): Acts {
    const steps: Step[][] = [];

    const changeOne = async (id: string, change: Change): Promise<Outcome> => {
        try {
            store.putConversation(await ask<Conversation>('PATCH', `/conversations/${id}`, change));
            return { done: [id], failed: [] };
        } catch (error) {
            const { code = '', message } = error as Failure;
            return { done: [], failed: [{ id, code, message }] };
        }
    };
    const changeMany = async (ids: readonly string[], change: Change): Promise<Outcome> => {
        const outcome: Outcome = { done: [], failed: [] };
        for (let at = 0; at < ids.length; at += BULK_MAX) {
            const part = ids.slice(at, at + BULK_MAX);
            try {
                const { results } = await ask<{ results: BulkResult[] }>('POST', '/conversations/bulk', { ids: part, change });
                for (const { id, ok, code = '', error = '' } of results) {
                    if (ok) outcome.done.push(id);
                    else outcome.failed.push({ id, code, message: error });
                }
            } catch (error) {
                const { code = '', message } = error as Failure;
                outcome.failed.push(...part.map((id) => ({ id, code, message })));
            }
        }
        return outcome;
    };
    const send = async (ids: readonly string[], change: Change): Promise<Outcome> => {
        const offs = ids.map((id) => store.overlay(id, change));
        const [only] = ids;
        const outcome = ids.length === 1 && only ? await changeOne(only, change) : await changeMany(ids, change);
        // The answer to many has no pictures of them: what was laid over becomes what is known.
        if (ids.length > 1) {
            for (const conversation of outcome.done.map(store.conversation)) if (conversation) store.putConversation(conversation);
        }
        offs.forEach((off) => off());
        return outcome;
    };
    return {
        async run({ ids, change }) {
            const stepsOf = new Map<string, Step>();
            for (const id of ids) {
                const conversation = store.conversation(id);
                const back = conversation ? inverseOf(conversation, change, Date.now()) : {};
                if (!isEmpty(back)) stepsOf.set(id, { id, back, made: change });
            }
            const outcome = await send(ids, change);
            const done = outcome.done.flatMap((id) => stepsOf.get(id) ?? []);
            if (done.length) steps.push(done);
            if (steps.length > UNDO_MAX) steps.shift();
            return outcome;
        },
        async undo() {
            const last = steps.pop();
            if (!last) return null;
            const all: Outcome = { done: [], failed: [] };
            const groups = new Map<string, string[]>();
            for (const { id, back, made } of last) {
                const conversation = store.conversation(id);
                if (!conversation || !isStill(conversation, made)) all.failed.push({ id, code: 'changed', message: '' });
                else groups.set(JSON.stringify(back), [...(groups.get(JSON.stringify(back)) ?? []), id]);
            }
            for (const [back, ids] of groups) {
                const { done, failed } = await send(ids, JSON.parse(back) as Change);
                all.done.push(...done);
                all.failed.push(...failed);
            }
            return all;
        },
        canUndo: () => steps.length > 0,
    };
}
