/* Choosing for a conversation, or for all that are selected: who takes care of it, until when it sleeps, how urgent it is, its tags. */
import { AlarmClock, CalendarClock, Plus, Tag as TagIcon, UserX } from 'lucide';
import { useId, useState } from 'preact/hooks';

import { assign, knownTags, setPriority, setTag, snooze, snoozeChoices, targets } from '../actions.ts';
import { PRIORITIES, type Agent } from '../data/protocol.ts';
import { untilOf } from '../format.ts';
import { fill, plural, t } from '../lang.ts';
import { desk } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Chooser, found, type Choice } from '../ui/chooser.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { PriorityIcon } from '../ui/priority.tsx';
import { complain } from '../ui/toasts.tsx';
import { use } from '../ui/use.ts';
import { closeOverlay, type Overlay } from './overlays.tsx';

const TAG_BYTES_MAX = 40;
const YEAR_MS = 366 * 86_400_000;

/** "Assign", and of how many when there are several. */
const titled = (label: string, ids: readonly string[]) => (ids.length > 1 ? `${label} · ${plural(t.conversationCount, ids.length)}` : label);

const first = (ids: readonly string[]) => (ids.length === 1 ? desk.store.conversation(ids[0] ?? '') : undefined);

function AssignPicker({ ids }: { ids: string[] }) {
    const agents = use(desk.agents);
    const before = first(ids)?.assigneeId;
    // Oneself first, then who is there.
    const rank = ({ id, online }: Agent) => (id === desk.me.id ? 0 : online ? 1 : 2);
    const sorted = [...agents.values()].filter(({ disabled, invited }) => !disabled && !invited).sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    const choices: Choice[] = [
        ...sorted.map((agent) => ({
            id: agent.id,
            label: agent.name,
            words: agent.email + (agent.id === desk.me.id ? ` ${t.me}` : ''),
            sign: <Avatar id={agent.id} name={agent.name} online={agent.online} size="small" />,
            hint: agent.id === desk.me.id ? t.me : agent.online ? t.onlineNow : '',
            isChosen: agent.id === before,
            run: () => void assign(ids, agent.id),
        })),
        { id: 'nobody', label: t.nobody, sign: <Icon icon={UserX} />, isChosen: before === null, run: () => void assign(ids, null) },
    ];
    return <Chooser label={titled(t.assign, ids)} placeholder={t.assignTo} choices={(typed) => found(choices, typed)} onClose={closeOverlay} />;
}

function PriorityPicker({ ids }: { ids: string[] }) {
    const before = first(ids)?.priority;
    const choices: Choice[] = [...PRIORITIES, null].map((priority) => ({
        id: priority ?? 'none',
        label: priority ? t.priorities[priority] : t.noPriority,
        sign: (
            <span class={priority ? `priority-${priority}` : ''}>
                <PriorityIcon priority={priority} />
            </span>
        ),
        isChosen: before === priority,
        run: () => void setPriority(ids, priority),
    }));
    return <Chooser label={titled(t.priority, ids)} placeholder={t.priorityHint} choices={(typed) => found(choices, typed)} onClose={closeOverlay} />;
}

const isTag = (text: string) => text !== '' && new TextEncoder().encode(text).length <= TAG_BYTES_MAX;

function TagPicker({ ids }: { ids: string[] }) {
    const [, redraw] = useState(0);
    const conversations = ids.flatMap((id) => desk.store.conversation(id) ?? []);
    const known = knownTags();
    const choicesFor = (typed: string): Choice[] => {
        const name = typed.trim();
        const choices: Choice[] = known.map((tag) => {
            const isOn = conversations.every(({ tags }) => tags.includes(tag));
            return {
                id: tag,
                label: tag,
                sign: <Icon icon={TagIcon} />,
                isChosen: isOn,
                run: () => void setTag(ids, tag, !isOn).then(() => redraw((count) => count + 1)),
            };
        });
        const matching = found(choices, typed);
        if (!name || known.includes(name)) return matching;
        const create: Choice = {
            id: ' new',
            label: fill(t.newTag, name),
            sign: <Icon icon={Plus} />,
            run: () => {
                if (!isTag(name)) return complain(t.tagTooLong);
                void setTag(ids, name, true).then(() => redraw((count) => count + 1));
            },
        };
        return [...matching, create];
    };
    return <Chooser label={titled(t.tags, ids)} placeholder={t.tagHint} choices={choicesFor} stays isMultiple onClose={closeOverlay} />;
}

/* ---- until when ---- */

const pad = (value: number) => `${value}`.padStart(2, '0');
const inputValue = (at: Date) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;

function SnoozeTime({ ids }: { ids: string[] }) {
    const id = useId();
    const [value, setValue] = useState(inputValue(new Date(Date.now() + 86_400_000)));
    const at = new Date(value).getTime();
    const isFine = at > Date.now() && at < Date.now() + YEAR_MS;
    return (
        <Dialog label={t.snoozeAt} hasHeader onClose={closeOverlay}>
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    if (!isFine) return;
                    closeOverlay();
                    void snooze(ids, at);
                }}
            >
                <label class="field" for={id}>
                    {t.dateAndTime}
                </label>
                <input
                    id={id}
                    class="input"
                    type="datetime-local"
                    min={inputValue(new Date())}
                    value={value}
                    aria-invalid={!isFine}
                    aria-describedby={`${id}-hint`}
                    onInput={(event) => setValue(event.currentTarget.value)}
                />
                <p class="hint" id={`${id}-hint`}>
                    {isFine ? untilOf(at) : t.snoozeWithin}
                </p>
                <footer class="dialog-footer">
                    <button type="button" class="button" onClick={closeOverlay}>
                        {t.cancel}
                    </button>
                    <button type="submit" class="button primary" disabled={!isFine}>
                        {t.snooze}
                    </button>
                </footer>
            </form>
        </Dialog>
    );
}

function SnoozePicker({ ids }: { ids: string[] }) {
    const [isOwn, setOwn] = useState(false);
    if (isOwn) return <SnoozeTime ids={ids} />;
    const choices: Choice[] = [
        ...snoozeChoices().map(({ label, until }) => ({
            id: label,
            label,
            sign: <Icon icon={AlarmClock} />,
            hint: untilOf(until),
            run: () => {
                closeOverlay();
                void snooze(ids, until);
            },
        })),
        { id: 'own', label: t.snoozeOwn, sign: <Icon icon={CalendarClock} />, run: () => setOwn(true) },
    ];
    // The last one leads on to another window, so closing is left to each.
    return <Chooser label={titled(t.snooze, ids)} placeholder={t.snoozeHint} choices={(typed) => found(choices, typed)} stays onClose={closeOverlay} />;
}

export default function Pickers({ which }: { which: Exclude<Overlay, null> }) {
    const [ids] = useState(targets);
    if (!ids.length) return null;
    if (which === 'assign') return <AssignPicker ids={ids} />;
    if (which === 'priority') return <PriorityPicker ids={ids} />;
    if (which === 'tags') return <TagPicker ids={ids} />;
    return <SnoozePicker ids={ids} />;
}
