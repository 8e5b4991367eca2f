/* Days and times as the visitor's language writes them. */
const DAY_MS = 864e5;

export const dayOf = (at: number) => new Date(at).setHours(0, 0, 0, 0);

export const timeIn = (locale: string, at: number) => new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(at);

export function dayIn(locale: string, at: number): string {
    const days = Math.min(0, Math.round((dayOf(at) - dayOf(Date.now())) / DAY_MS));
    if (days > -2) return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(days, 'day');
    return new Intl.DateTimeFormat(locale, days > -180 ? { weekday: 'long', day: 'numeric', month: 'long' } : { dateStyle: 'long' }).format(at);
}
