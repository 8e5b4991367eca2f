/*
 * Things that have to be asked for one by one, such as a conversation of which only a message was heard. Each is asked
 * for once at a time, a few at once; one that fails is asked for again when it is wanted again.
 */
const AT_ONCE = 3;

export function makeWanted(get: (id: string) => Promise<unknown>): (id: string) => void {
    const waiting = new Set<string>();
    const asked = new Set<string>();
    const next = () => {
        for (const id of waiting) {
            if (asked.size >= AT_ONCE) return;
            waiting.delete(id);
            asked.add(id);
            get(id)
                .catch(() => {})
                .finally(() => {
                    asked.delete(id);
                    next();
                });
        }
    };
    return (id) => {
        if (asked.has(id)) return;
        waiting.add(id);
        next();
    };
}
