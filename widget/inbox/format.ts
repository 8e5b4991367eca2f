/* Names, times and browsers in words. */
import type { Agent, Visitor } from './data/protocol.ts';
import { fill, locale, t } from './lang.ts';
import { desk } from './state.ts';

/* ---- who ---- */

/** The last letters of an id, for those who have no name. */
const shortOf = (id: string): string => id.slice(-4).toUpperCase();

export const visitorName = (visitor: Visitor | undefined, id: string | null): string =>
    visitor?.email ?? (id ? fill(t.visitorNamed, shortOf(id)) : t.nobodyKnown);

export const agentOf = (id: string | null | undefined): Agent | undefined => desk.agents.peek().get(id ?? '');

export const agentName = (id: string | null | undefined): string => (id ? (agentOf(id)?.name ?? t.formerAgent) : t.byProgram);

/* ---- when ---- */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const dayOf = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

const unit = (value: number, name: 'minute' | 'hour' | 'day') =>
    value.toLocaleString(locale, { style: 'unit', unit: name, unitDisplay: 'narrow' });

/** As short as a list needs it: "5m", "3h", "2d", then the date. */
export function agoShort(at: number, now = Date.now()): string {
    const past = now - at;
    if (past < MINUTE) return t.now;
    if (past < HOUR) return unit(Math.floor(past / MINUTE), 'minute');
    if (past < DAY) return unit(Math.floor(past / HOUR), 'hour');
    if (past < 7 * DAY) return unit(Math.floor(past / DAY), 'day');
    const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
    return new Date(at).toLocaleDateString(locale, { day: 'numeric', month: 'short', ...(!isThisYear && { year: 'numeric' }) });
}

/** In a sentence: "5 minutes ago". */
export function agoLong(at: number, now = Date.now()): string {
    const past = now - at;
    const format = (value: number, name: 'minute' | 'hour' | 'day') => new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-Math.floor(value), name);
    if (past < MINUTE) return t.now;
    if (past < HOUR) return format(past / MINUTE, 'minute');
    if (past < DAY) return format(past / HOUR, 'hour');
    return past < 30 * DAY ? format(past / DAY, 'day') : agoShort(at, now);
}

export const timeOf = (at: number): string => new Date(at).toLocaleTimeString(locale, { timeStyle: 'short' });

/** Without the year, when it is this one. */
export function momentShort(at: number): string {
    const isThisYear = new Date(at).getFullYear() === new Date().getFullYear();
    return new Date(at).toLocaleString(locale, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit', ...(!isThisYear && { year: 'numeric' }) });
}

/** A day, wherever the year matters. */
export const dayShort = (at: number): string => new Date(at).toLocaleDateString(locale, { dateStyle: 'medium' });

export const momentOf = (at: number): string => new Date(at).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });

/** "today", "yesterday", or the date. */
export function dayName(at: number): string {
    const days = Math.min(0, Math.round((dayOf(at) - dayOf(Date.now())) / DAY));
    if (days >= -1) return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(days, 'day');
    return new Date(at).toLocaleDateString(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
}

/** When a snooze ends: the time, with the day unless it is today. */
export function untilOf(at: number): string {
    const isToday = dayOf(at) === dayOf(Date.now());
    return isToday ? timeOf(at) : new Date(at).toLocaleString(locale, { weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' });
}

/* ---- with what ---- */

const BROWSERS: [pattern: RegExp, name: string][] = [
    [/Edg(?:e|A|iOS)?\/(\d+)/, 'Edge'],
    [/OPR\/(\d+)/, 'Opera'],
    [/SamsungBrowser\/(\d+)/, 'Samsung Internet'],
    [/YaBrowser\/(\d+)/, 'Yandex'],
    [/(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
    [/(?:HeadlessChrome|Chrome|CriOS)\/(\d+)/, 'Chrome'],
    [/Version\/(\d+)[\d.]* .*Safari\//, 'Safari'],
];

const SYSTEMS: [pattern: RegExp, name: string][] = [
    [/Android/, 'Android'],
    [/iPhone|iPod/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Windows/, 'Windows'],
    [/CrOS/, 'ChromeOS'],
    [/Mac OS X|Macintosh/, 'macOS'],
    [/Linux|X11/, 'Linux'],
];

/** "Chrome 126, Windows"; what can't be made out stays as it is. */
export function browserOf(userAgent: string): string {
    const [pattern, browser] = BROWSERS.find(([each]) => each.test(userAgent)) ?? [];
    const system = SYSTEMS.find(([each]) => each.test(userAgent))?.[1];
    if (!pattern || !browser) return system ?? userAgent.slice(0, 60);
    const name = `${browser} ${pattern.exec(userAgent)?.[1] ?? ''}`;
    return system ? fill(t.browserOn, name, system) : name;
}

export const isPhone = (userAgent: string): boolean => /Android|iPhone|iPod|Mobile/.test(userAgent);
