/* The organisation's name, when somebody is there, and what visitors can do at all. */
import { useState } from 'preact/hooks';

import { locale, t } from '../lang.ts';
import { api, org, refreshSession, session } from '../state.ts';
import { Choices, Field, Switch } from '../ui/field.tsx';
import { complainOf, toast } from '../ui/toasts.tsx';
import { useAsked, useDraft, useSending, type Asked } from './ask.ts';
import { formatHours, isWrong, parseHours, usualWeek, type Week } from './hours.ts';
import { Hours } from './hours.tsx';
import { Area, CopyButton, Problem, SaveRow, Shown } from './kit.tsx';
import type { Organization as Org } from './protocol.ts';
import { s, worded } from './words.tsx';

type Card = { asked: Asked<Org>; saved: Org };

const change = async ({ asked }: Card, body: object) => asked.set(await api.ask<Org>('PATCH', '/organization', body));

/* The list of organisations has its name too. */
async function refreshName(): Promise<void> {
    await refreshSession();
    const next = session.peek()?.organizations.find(({ id }) => id === org.peek()?.id);
    if (next) org.value = next;
}

function Name(card: Card) {
    const draft = useDraft({ name: card.saved.name });
    const sending = useSending();
    const name = draft.now.name.trim();
    const submit = async (event: Event) => {
        event.preventDefault();
        const isDone = await sending.send(async () => {
            await change(card, { name });
            await refreshName();
        });
        if (!isDone) return;
        draft.reset();
        toast(t.saved);
    };
    return (
        <form class="card" onSubmit={(event) => void submit(event)}>
            <Field label={s.name} autocomplete="organization" maxLength={200} value={draft.now.name} onValue={(next) => draft.change({ name: next })} hint={s.orgNameHint} />
            <div class="form-field">
                <span class="field">{s.orgKey}</span>
                <span class="pair">
                    <code dir="ltr">{card.saved.key}</code>
                    <CopyButton text={card.saved.key} class="link" />
                </span>
                <p class="hint">{s.orgKeyHint}</p>
            </div>
            <SaveRow isChanged={draft.isChanged && !!name} sending={sending} onReset={draft.reset} />
        </form>
    );
}

interface HoursDraft {
    way: 'always' | 'hours';
    week: Week;
    text: string; // when it is written in another way than fields can show
}

function draftOf(businessHours: string | null): HoursDraft {
    const week = businessHours ? parseHours(businessHours) : null;
    return { way: businessHours ? 'hours' : 'always', week: week ?? usualWeek(), text: businessHours && !week ? businessHours : '' };
}

const sentOf = ({ way, week, text }: HoursDraft) => (way === 'always' ? '' : text || formatHours(week));

/* A week as it is read: "09:30 in Istanbul now". */
function nowThere(zone: string): string {
    try {
        return new Date().toLocaleTimeString(locale, { timeZone: zone, weekday: 'long', hour: 'numeric', minute: '2-digit' });
    } catch {
        return '';
    }
}

function BusinessHours(card: Card) {
    const draft = useDraft(draftOf(card.saved.businessHours));
    const sending = useSending();
    const { way, week, text } = draft.now;
    const isEmpty = way === 'hours' && !sentOf(draft.now);
    const isBroken = way === 'hours' && !text && week.days.some((spans) => spans.some(isWrong));
    const submit = async (event: Event) => {
        event.preventDefault();
        if (!(await sending.send(() => change(card, { businessHours: sentOf(draft.now) })))) return;
        draft.reset();
        toast(t.saved);
    };
    return (
        <form class="card" onSubmit={(event) => void submit(event)}>
            <h3>{s.businessHours}</h3>
            <p class="mute">{s.businessHoursHint}</p>
            <Choices
                label={s.whenThere}
                value={way}
                onValue={(next) => draft.change({ way: next })}
                options={[
                    ['always', s.hoursAlways, s.hoursAlwaysHint],
                    ['hours', s.hoursOwn, s.hoursOwnHint],
                ]}
            />
            {way === 'hours' && text && <Area label={s.hoursText} rows={3} dir="ltr" spellcheck={false} value={text} onValue={(next) => draft.change({ text: next })} hint={s.hoursTextHint} />}
            {way === 'hours' && !text && (
                <>
                    <Hours week={week} onWeek={(next) => draft.change({ week: next })} />
                    <p class="hint after">{`${s.nowThere} ${nowThere(week.zone)}`}</p>
                </>
            )}
            {isEmpty && <Problem text={s.hoursEmpty} />}
            {isBroken && <Problem text={s.hoursWrong} />}
            <SaveRow isChanged={draft.isChanged && !isEmpty && !isBroken} sending={sending} onReset={draft.reset} />
        </form>
    );
}

/* Each is saved as it is switched. */
function Switches(card: Card) {
    const { saved } = card;
    const [busy, setBusy] = useState<Partial<Org>>({});
    const set = async (part: Partial<Org>) => {
        setBusy(part);
        try {
            await change(card, part);
            toast(t.saved);
        } catch (error) {
            complainOf(error);
        }
        setBusy({});
    };
    const now = { ...saved, ...busy };
    return (
        <section class="card">
            <h3>{s.switches}</h3>
            <Switch label={s.widgetEnabled} hint={s.widgetEnabledHint} checked={now.widgetEnabled} onChange={(widgetEnabled) => void set({ widgetEnabled })} />
            <Switch label={s.writeEnabled} hint={s.writeEnabledHint} checked={now.writeEnabled} onChange={(writeEnabled) => void set({ writeEnabled })} />
            <Switch
                label={s.tellBlocked}
                hint={s.tellBlockedHint}
                checked={now.blockedAnswer === 'refuse'}
                onChange={(isTold) => void set({ blockedAnswer: isTold ? 'refuse' : 'silence' })}
            />
        </section>
    );
}

function Organization() {
    const asked = useAsked<Org>('/organization');
    return (
        <Shown asked={asked}>
            {(saved) => (
                <>
                    <Name asked={asked} saved={saved} />
                    <BusinessHours asked={asked} saved={saved} />
                    <Switches asked={asked} saved={saved} />
                </>
            )}
        </Shown>
    );
}

export default worded(Organization);
