/* The visitor's own data as one JSON document, for "Download my data". Part of what is loaded with the menu. */
import type { Ask } from '../shared/http.ts';
import type { ExportPage } from '../shared/protocol.ts';

/* A conversation that was cut goes on under the same id. */
function append(all: ExportPage['conversations'], more: ExportPage['conversations']): void {
    for (const given of more) {
        const last = all.at(-1);
        if (last?.id === given.id) last.messages.push(...given.messages);
        else all.push(given);
    }
}

export async function exportData(ask: Ask): Promise<Blob> {
    const whole: ExportPage = await ask('GET', '/visitors/me/export');
    while (whole.next !== null) {
        const page: ExportPage = await ask('GET', `/visitors/me/export?after=${encodeURIComponent(whole.next)}`);
        append(whole.conversations, page.conversations);
        whole.next = page.next;
    }
    return new Blob([JSON.stringify(whole, null, 2)], { type: 'application/json' });
}
