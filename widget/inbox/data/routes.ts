/*
 * Where one is, behind '#': nothing of it goes to the server, and a link to a conversation can be passed on.
 *
 *     #/                 the list        #/visitors         who is on the site
 *     #/c/ID             a conversation  #/visitors/ID      one of them
 *     #/c/ID/visitor     its visitor     #/settings/PAGE    settings
 */
export type Route =
    | { name: 'inbox'; id: string | null; visitor: boolean }
    | { name: 'visitors'; id: string | null }
    | { name: 'settings'; page: string | null };

export const INBOX: Route = { name: 'inbox', id: null, visitor: false };

export function parseRoute(hash: string): Route {
    const [first = '', second = '', third = ''] = hash.replace(/^#?\/?/, '').split('/').map(decode);
    if (first === 'c' && second) return { name: 'inbox', id: second, visitor: third === 'visitor' };
    if (first === 'visitors') return { name: 'visitors', id: second || null };
    if (first === 'settings') return { name: 'settings', page: second || null };
    return INBOX;
}

/* What is not well formed stays as it is. */
function decode(part: string): string {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

export function formatRoute(route: Route): string {
    if (route.name === 'settings') return route.page ? `#/settings/${encodeURIComponent(route.page)}` : '#/settings';
    if (route.name === 'visitors') return route.id ? `#/visitors/${encodeURIComponent(route.id)}` : '#/visitors';
    if (!route.id) return '#/';
    return `#/c/${encodeURIComponent(route.id)}${route.visitor ? '/visitor' : ''}`;
}

export const conversationHash = (id: string): string => formatRoute({ name: 'inbox', id, visitor: false });
