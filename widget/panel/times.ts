/* Days and times as the visitor's language writes them. */
export const dayOf = (at: number) => new Date(at).setHours(0, 0, 0, 0);

export const timeIn = (locale: string, at: number) =>
    new Date(at).toLocaleTimeString(locale, { timeStyle: 'short' });

export function dayIn(locale: string, at: number): string {
    const days = Math.min(0, Math.round((dayOf(at) - dayOf(Date.now())) / 864e5));
    if (days < -1) return new Date(at).toLocaleDateString(locale, { dateStyle: 'full' });
    return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(days, 'day');
}
