/* What is kept and for how long, what of addresses, and what the job that removes the rest has done. */
import { CircleAlert } from 'lucide';
import { useState } from 'preact/hooks';

import { agoLong, momentOf } from '../format.ts';
import { fill, locale, t } from '../lang.ts';
import { api } from '../state.ts';
import { Choices, Switch } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { complainOf, toast } from '../ui/toasts.tsx';
import { useAsked, useDraft, useSending, type Asked } from './ask.ts';
import { Confirm, SaveRow, Shown } from './kit.tsx';
import { RETAINED, type Organization, type Removed, type Retained, type Retention, type WouldGo } from './protocol.ts';
import { s, worded } from './words.tsx';

type Card = { asked: Asked<Organization>; saved: Organization };

const USUAL: Record<Retained, readonly number[]> = {
    visitors: [0, 90, 180, 365, 730, 1825],
    messages: [0, 90, 180, 365, 730, 1825],
    empty: [0, 1, 7, 30, 90],
    audit: [90, 365, 730, 1825],
    erasures: [0, 365, 1095, 3650],
};

function termOf(days: number): string {
    if (!days) return s.forEver;
    const isYears = days >= 365 && days % 365 === 0;
    return (isYears ? days / 365 : days).toLocaleString(locale, { style: 'unit', unit: isYears ? 'year' : 'day', unitDisplay: 'long' });
}

/** Some usual terms, and the one that is set when it is another. */
function Term({ name, days, onDays }: { name: Retained; days: number; onDays(days: number): void }) {
    const usual = USUAL[name];
    const all = usual.includes(days) ? usual : [...usual, days].sort((a, b) => (a || Infinity) - (b || Infinity));
    const id = `retain-${name}`;
    return (
        <div class="term">
            <div>
                <label class="field" for={id}>
                    {s.retained[name]}
                </label>
                <p class="hint" id={`${id}-hint`}>
                    {s.retainedHints[name]}
                </p>
            </div>
            <select id={id} value={days} aria-describedby={`${id}-hint`} onChange={(event) => onDays(Number(event.currentTarget.value))}>
                {all.map((each) => (
                    <option value={each} key={each}>
                        {termOf(each)}
                    </option>
                ))}
            </select>
        </div>
    );
}

type Terms = Record<Retained, number> & { redactMessages: boolean };

const termsOf = (retention: Retention): Terms => ({
    ...(Object.fromEntries(RETAINED.map((name) => [name, retention[name]])) as Record<Retained, number>),
    redactMessages: retention.redactMessages,
});

/** Whether more will go than does now. */
const isShorter = (next: Terms, before: Terms) => RETAINED.some((name) => next[name] && (!before[name] || next[name] < before[name]));

/** What the new terms would remove at once. */
function Losses({ terms }: { terms: Terms }) {
    const query = [...RETAINED.map((name) => `${name}=${terms[name]}`), `redactMessages=${Number(terms.redactMessages)}`].join('&');
    const { value, problem } = useAsked<WouldGo>(`/retention/preview?${query}`);
    const some = value ? REMOVED.filter((name) => value[name] > 0) : [];
    return (
        <div class="losses" role="status" aria-busy={!value && !problem}>
            {!value && !problem && <p class="mute">{t.counting}</p>}
            {problem && <p class="field-error">{problem}</p>}
            {value && !some.length && <p>{s.nothingOld}</p>}
            {value && some.length > 0 && (
                <>
                    <p>{s.goesAtOnce}</p>
                    <ul>
                        {some.map((name) => (
                            <li key={name}>
                                {s.removedNames[name]}: <strong>{value.complete ? value[name].toLocaleString(locale) : fill(s.atLeast, value[name].toLocaleString(locale))}</strong>
                            </li>
                        ))}
                    </ul>
                </>
            )}
        </div>
    );
}

function Retaining({ asked, saved }: Card) {
    const before = termsOf(saved.retention);
    const draft = useDraft(before);
    const sending = useSending();
    const [isAsking, setAsking] = useState(false);
    const save = async () => {
        asked.set(await api.ask<Organization>('PATCH', '/organization', { retention: draft.now }));
        draft.reset();
        toast(t.saved);
    };
    const submit = (event: Event) => {
        event.preventDefault();
        if (isShorter(draft.now, before)) setAsking(true);
        else void sending.send(save);
    };
    return (
        <form class="card" onSubmit={submit}>
            <h3>{s.retention}</h3>
            <p class="mute">{s.retentionHint}</p>
            <div class="terms">
                {RETAINED.map((name) => (
                    <Term key={name} name={name} days={draft.now[name]} onDays={(days) => draft.change({ [name]: days })} />
                ))}
            </div>
            <Switch label={s.redact} hint={s.redactHint} checked={draft.now.redactMessages} onChange={(redactMessages) => draft.change({ redactMessages })} />
            <SaveRow isChanged={draft.isChanged} sending={sending} onReset={draft.reset} />
            {isAsking && <Confirm title={s.shorterTitle} text={s.shorterText} more={<Losses terms={draft.now} />} label={t.save} onClose={() => setAsking(false)} run={save} />}
        </form>
    );
}

const REMOVED = ['visitors', 'conversations', 'messages', 'redacted', 'others'] as const satisfies readonly (keyof Removed)[];

function Counts({ removed, total }: { removed: Removed; total: Removed }) {
    return (
        <table class="figures">
            <thead>
                <tr>
                    <td />
                    <th scope="col">{s.lastRun}</th>
                    <th scope="col">{s.inAll}</th>
                </tr>
            </thead>
            <tbody>
                {REMOVED.map((name) => (
                    <tr key={name}>
                        <th scope="row">{s.removedNames[name]}</th>
                        <td>{removed[name].toLocaleString(locale)}</td>
                        <td>{total[name].toLocaleString(locale)}</td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

function LastRun({ saved: { retention } }: Card) {
    const { lastRun } = retention;
    const isOff = !retention.visitors && !retention.messages && !retention.empty;
    return (
        <section class="card">
            <h3>{s.job}</h3>
            {lastRun ? (
                <>
                    <p class="mute" title={momentOf(Date.parse(lastRun.beganAt))}>
                        {lastRun.endedAt ? fill(s.ranAgo, agoLong(Date.parse(lastRun.endedAt))) : fill(s.runsSince, agoLong(Date.parse(lastRun.beganAt)))}
                    </p>
                    <Counts removed={lastRun.removed} total={lastRun.removedInAll} />
                </>
            ) : (
                <p class="mute">{isOff ? s.neverRanOff : s.neverRan}</p>
            )}
        </section>
    );
}

function Tracking({ asked, saved }: Card) {
    const [busy, setBusy] = useState<Partial<Organization>>({});
    const now = { ...saved, ...busy };
    const set = async (part: Partial<Organization>) => {
        setBusy(part);
        try {
            asked.set(await api.ask<Organization>('PATCH', '/organization', part));
            toast(t.saved);
        } catch (error) {
            complainOf(error);
        }
        setBusy({});
    };
    return (
        <section class="card">
            <h3>{s.aboutVisitors}</h3>
            <Choices
                label={s.addresses}
                value={now.addresses}
                onValue={(addresses) => void set({ addresses })}
                options={[
                    ['none', s.addressNone, s.addressNoneHint],
                    ['truncated', s.addressShort, s.addressShortHint],
                    ['full', s.addressFull, s.addressFullHint],
                ]}
            />
            {now.addresses === 'full' && (
                <p class="notice notice-note">
                    <Icon icon={CircleAlert} />
                    {s.addressWarning}
                </p>
            )}
            <Switch label={s.countVisits} hint={s.countVisitsHint} checked={now.countVisits} onChange={(countVisits) => void set({ countVisits })} />
        </section>
    );
}

function Privacy() {
    const asked = useAsked<Organization>('/organization');
    return (
        <Shown asked={asked}>
            {(saved) => (
                <>
                    <Retaining asked={asked} saved={saved} />
                    <LastRun asked={asked} saved={saved} />
                    <Tracking asked={asked} saved={saved} />
                </>
            )}
        </Shown>
    );
}

export default worded(Privacy);
