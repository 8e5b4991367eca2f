/* The editor of business hours: a zone, and a row for each day with as many times as it needs. */
import { CopyPlus, Plus, X } from 'lucide';
import { useMemo } from 'preact/hooks';

import { fill, locale } from '../lang.ts';
import { Icon } from '../ui/icon.tsx';
import { isOvernight, isWrong, type Span, type Week } from './hours.ts';
import { Select } from './kit.tsx';
import { s } from './words.tsx';

/* The first of 2024 was a Monday. */
const nameOf = (day: number) => new Date(Date.UTC(2024, 0, day + 1)).toLocaleDateString(locale, { weekday: 'long', timeZone: 'UTC' });

function zonesWith(chosen: string): string[] {
    const all = Intl.supportedValuesOf('timeZone');
    return all.includes(chosen) ? all : [chosen, ...all];
}

const SPANS_MAX = 4;

interface DayProps {
    day: number;
    spans: readonly Span[];
    onSpans(spans: Span[]): void;
    onCopy: (() => void) | null;
}

function DayRow({ day, spans, onSpans, onCopy }: DayProps) {
    const name = nameOf(day);
    const isOpen = spans.length > 0;
    const replace = (index: number, part: Partial<Span>) => onSpans(spans.map((span, at) => (at === index ? { ...span, ...part } : span)));
    const last = spans.at(-1);
    return (
        <div class="weekday" role="group" aria-label={name}>
            <label class="day-name">
                <input type="checkbox" checked={isOpen} onChange={() => onSpans(isOpen ? [] : [{ from: '09:00', to: '18:00' }])} />
                {name}
            </label>
            <div class="day-spans">
                {!isOpen && <span class="mute day-closed">{s.closed}</span>}
                {spans.map((span, index) => (
                    <div class="span" key={index}>
                        <input
                            type="time"
                            class="input"
                            aria-label={fill(s.opensAt, name)}
                            aria-invalid={isWrong(span) || undefined}
                            value={span.from}
                            onInput={(event) => replace(index, { from: event.currentTarget.value })}
                        />
                        <span aria-hidden="true">–</span>
                        <input
                            type="time"
                            class="input"
                            aria-label={fill(s.closesAt, name)}
                            aria-invalid={isWrong(span) || undefined}
                            value={span.to}
                            onInput={(event) => replace(index, { to: event.currentTarget.value })}
                        />
                        {spans.length > 1 && (
                            <button type="button" class="icon-button small" aria-label={fill(s.removeSpan, name)} title={fill(s.removeSpan, name)} onClick={() => onSpans(spans.filter((_, at) => at !== index))}>
                                <Icon icon={X} size="small" />
                            </button>
                        )}
                        {isOvernight(span) && <span class="hint">{s.nextDay}</span>}
                    </div>
                ))}
            </div>
            <div class="day-tools">
                {isOpen && spans.length < SPANS_MAX && (
                    <button
                        type="button"
                        class="icon-button"
                        aria-label={fill(s.addSpan, name)}
                        title={fill(s.addSpan, name)}
                        onClick={() => onSpans([...spans, { from: last?.to ?? '13:00', to: last && last.to < '22:00' ? `${String(Number(last.to.slice(0, 2)) + 2).padStart(2, '0')}:00` : '00:00' }])}
                    >
                        <Icon icon={Plus} size="small" />
                    </button>
                )}
                {onCopy && (
                    <button type="button" class="icon-button" aria-label={fill(s.copyDay, name)} title={fill(s.copyDay, name)} onClick={onCopy}>
                        <Icon icon={CopyPlus} size="small" />
                    </button>
                )}
            </div>
        </div>
    );
}

export function Hours({ week, onWeek }: { week: Week; onWeek(week: Week): void }) {
    const zones = useMemo(() => zonesWith(week.zone).map((zone) => [zone, zone.replaceAll('_', ' ')] as const), [week.zone]);
    const set = (day: number, spans: Span[]) => onWeek({ ...week, days: week.days.map((before, at) => (at === day ? spans : before)) });
    /* To the other days that are open. */
    const copy = (spans: readonly Span[]) => onWeek({ ...week, days: week.days.map((before) => (before.length ? spans.map((span) => ({ ...span })) : before)) });
    return (
        <>
            <Select label={s.zone} value={week.zone} options={zones} onValue={(zone) => onWeek({ ...week, zone })} />
            <div class="week">
                {week.days.map((spans, day) => (
                    <DayRow key={day} day={day} spans={spans} onSpans={(next) => set(day, next)} onCopy={spans.length ? () => copy(spans) : null} />
                ))}
            </div>
        </>
    );
}
