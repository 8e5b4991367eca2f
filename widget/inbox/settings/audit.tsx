/* Who has done what: the newest first, page by page. What is looked for is looked for in what has been loaded. */
import { Download, ScrollText, Search } from 'lucide';
import { useEffect, useState } from 'preact/hooks';

import { dayName, dayOf, momentOf, timeOf } from '../format.ts';
import { fill, t } from '../lang.ts';
import { api, org } from '../state.ts';
import { save } from '../ui/download.ts';
import { Icon } from '../ui/icon.tsx';
import { sentenceOf } from './ask.ts';
import { Empty, Problem } from './kit.tsx';
import type { AuditEntry } from './protocol.ts';
import { s, worded } from './words.tsx';

const PAGE = 100;

interface Log {
    entries: readonly AuditEntry[];
    next: string | null;
}

interface Page {
    entries: AuditEntry[];
    next: string | null;
}

const groupOf = (action: string) => action.replace(/\..*/, '');

/** Actions that a newer server knows keep their own name. */
const actionText = (action: string): string => (s.actions as Record<string, string>)[action] ?? action;

const actorOf = ({ actorName, actorId }: AuditEntry) => actorName ?? (actorId ? s.gone : s.shell);

function matches(entry: AuditEntry, group: string, typed: string): boolean {
    if (group && groupOf(entry.action) !== group) return false;
    const text = [actionText(entry.action), entry.action, actorOf(entry), entry.subjectName, entry.detail, entry.address].join(' ');
    return typed.toLocaleLowerCase().split(/\s+/).every((word) => text.toLocaleLowerCase().includes(word));
}

function Entry({ entry }: { entry: AuditEntry }) {
    const { at, action, address, subjectName, detail } = entry;
    const actor = actorOf(entry);
    return (
        <li class="entry">
            <time dateTime={at} title={momentOf(Date.parse(at))}>
                {timeOf(Date.parse(at))}
            </time>
            <div>
                <p>
                    <span class="entry-action">{actionText(action)}</span>
                    {subjectName && !(action === 'session.created' && subjectName === actor) && (
                        <>
                            {' '}
                            <bdi class="entry-subject">{subjectName}</bdi>
                        </>
                    )}
                </p>
                <p class="hint">
                    <bdi>{actor}</bdi>
                    {address && (
                        <>
                            {' · '}
                            <bdi dir="ltr">{address}</bdi>
                        </>
                    )}
                    {detail && (
                        <>
                            {' · '}
                            <bdi dir="ltr">{detail}</bdi>
                        </>
                    )}
                </p>
            </div>
        </li>
    );
}

function byDay(entries: readonly AuditEntry[]): [day: number, entries: AuditEntry[]][] {
    const days = new Map<number, AuditEntry[]>();
    for (const entry of entries) {
        const day = dayOf(Date.parse(entry.at));
        days.set(day, [...(days.get(day) ?? []), entry]);
    }
    return [...days];
}

const quoted = (value: unknown) => {
    const text = String(value ?? '');
    // A sheet must not take a text for a formula.
    return `"${(/^[=+\-@\t]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
};

function toCsv(entries: readonly AuditEntry[]): string {
    const rows = entries.map(({ at, action, actorName, address, subjectName, detail }) => [at, action, actorName, address, subjectName, detail].map(quoted).join(','));
    return ['at,action,actor,address,subject,detail', ...rows, ''].join('\r\n');
}

function Audit() {
    const [log, setLog] = useState<Log>({ entries: [], next: '' });
    const [state, setState] = useState({ isBusy: false, problem: '' });
    const [group, setGroup] = useState('');
    const [typed, setTyped] = useState('');
    const more = async () => {
        if (log.next === null || state.isBusy) return;
        setState({ isBusy: true, problem: '' });
        try {
            const page = await api.ask<Page>('GET', `/audit?limit=${PAGE}${log.next && `&before=${log.next}`}`);
            setLog({ entries: [...log.entries, ...page.entries], next: page.next });
            setState({ isBusy: false, problem: '' });
        } catch (error) {
            setState({ isBusy: false, problem: sentenceOf(error) });
        }
    };
    useEffect(() => void more(), []);
    const shown = log.entries.filter((entry) => matches(entry, group, typed.trim()));
    const groups = [...new Set(log.entries.map(({ action }) => groupOf(action)))].sort();
    const isFirst = log.next === '';
    return (
        <>
            <p class="mute page-lead">{s.auditLead}</p>
            <div class="tool-row">
                <div class="search-field">
                    <Icon icon={Search} size="small" />
                    <input class="input" type="search" aria-label={s.auditSearch} placeholder={s.auditSearch} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
                </div>
                <select aria-label={s.auditGroup} value={group} onChange={(event) => setGroup(event.currentTarget.value)}>
                    <option value="">{s.auditAll}</option>
                    {groups.map((each) => (
                        <option value={each} key={each}>
                            {(s.groups as Record<string, string>)[each] ?? each}
                        </option>
                    ))}
                </select>
                <button
                    type="button"
                    class="button"
                    disabled={!shown.length}
                    onClick={() => save(new Blob([toCsv(shown)], { type: 'text/csv' }), `audit-${org.peek()?.key ?? ''}.csv`)}
                >
                    <Icon icon={Download} size="small" />
                    CSV
                </button>
            </div>
            <section class="card list-card" aria-label={s.auditTitle} aria-busy={state.isBusy}>
                {byDay(shown).map(([day, entries]) => (
                    <div class="entry-day" key={day}>
                        <h3>{dayName(day)}</h3>
                        <ul>
                            {entries.map((entry) => (
                                <Entry key={`${entry.seq} ${entry.action}`} entry={entry} />
                            ))}
                        </ul>
                    </div>
                ))}
                {!shown.length && !isFirst && !state.isBusy && (
                    <Empty icon={ScrollText} title={t.nothingFound}>
                        {log.next !== null && <p>{s.auditMoreHint}</p>}
                    </Empty>
                )}
                {isFirst && !state.problem && <p class="mute pad">{t.loading}</p>}
            </section>
            <Problem text={state.problem} />
            {log.next !== null && !isFirst && (
                <button type="button" class="button" disabled={state.isBusy} onClick={() => void more()}>
                    {state.isBusy ? t.oneMoment : s.auditMore}
                </button>
            )}
            {log.next === null && log.entries.length > 0 && <p class="hint">{fill(s.auditEnd, log.entries.length)}</p>}
        </>
    );
}

export default worded(Audit);
