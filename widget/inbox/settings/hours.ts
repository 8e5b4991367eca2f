/*
 * Business hours as the server keeps them ("Europe/Istanbul mon-fri 09:00-18:00, sat 10:00-14:00"; src/base/hours.h), and as somebody
 * edits them: a zone, and for each day from when to when. Pure functions.
 */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

/** "09:00", as an input of the type time has them; 24:00 is there 00:00. */
export interface Span {
    from: string;
    to: string;
}

export interface Week {
    zone: string;
    days: Span[][]; // seven, from Monday on
}

const DAY_NAME = '(mon|tue|wed|thu|fri|sat|sun)';
const PART = new RegExp(`^${DAY_NAME}(?:-${DAY_NAME})?((?:\\s+\\d{1,2}:\\d{2}-\\d{1,2}:\\d{2})+)$`, 'i');

const padded = (time: string) => (time.length < 5 ? `0${time}` : time === '24:00' ? '00:00' : time);

const spansOf = (times: string): Span[] =>
    times
        .trim()
        .split(/\s+/)
        .map((span) => span.split('-').map(padded))
        .map(([from = '', to = '']) => ({ from, to }));

function daysFrom(first: number, last: number): number[] {
    const count = ((last - first + 7) % 7) + 1;
    return Array.from({ length: count }, (_, index) => (first + index) % 7);
}

const indexOf = (name: string) => DAYS.indexOf(name.toLowerCase() as Day);

/** Null when it is written in a way that this editor has no fields for. */
export function parseHours(text: string): Week | null {
    const [, zone, rest = ''] = /^(\S+)\s+(.*)$/.exec(text.trim()) ?? [];
    if (!zone) return null;
    const days: Span[][] = DAYS.map(() => []);
    for (const part of rest.split(',')) {
        const [, first, last = first, times] = PART.exec(part.trim()) ?? [];
        if (!first || !last || !times) return null;
        for (const day of daysFrom(indexOf(first), indexOf(last))) days[day]?.push(...spansOf(times));
    }
    return { zone, days };
}

const timesOf = (spans: readonly Span[]) => spans.map(({ from, to }) => `${from}-${to === '00:00' ? '24:00' : to}`).join(' ');

/** Days that follow each other and have the same times are one part. */
export function formatHours({ zone, days }: Week): string {
    const parts: { first: number; last: number; times: string }[] = [];
    days.forEach((spans, day) => {
        const times = timesOf(spans);
        const before = parts.at(-1);
        if (!times) return;
        if (before && before.times === times && before.last === day - 1) before.last = day;
        else parts.push({ first: day, last: day, times });
    });
    const named = parts.map(({ first, last, times }) => `${DAYS[first] ?? ''}${last > first ? `-${DAYS[last] ?? ''}` : ''} ${times}`);
    return named.length ? `${zone} ${named.join(', ')}` : '';
}

/** A span that is none: it ends where it begins, or a time is missing. One may go over midnight. */
export const isWrong = ({ from, to }: Span): boolean => !from || !to || from === to;

export const isOvernight = ({ from, to }: Span): boolean => !!from && !!to && to !== '00:00' && to < from;

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export const usualWeek = (): Week => ({ zone: ownZone(), days: DAYS.map((_, day) => (day < 5 ? [{ from: '09:00', to: '18:00' }] : [])) });
