/* A random id, from the best source there is: randomUUID is missing in pages without TLS, and `crypto` in some odd browsers. */

function randomDigit(clock: number): number {
    try {
        return (crypto.getRandomValues(new Uint8Array(1))[0] ?? 0) & 15;
    } catch {
        return (Math.random() * 16 + clock) & 15;
    }
}

export function uuid(): string {
    try {
        return crypto.randomUUID();
    } catch {
        let clock = Date.now();
        return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (place) => {
            const digit = randomDigit(clock % 16);
            clock = Math.floor(clock / 16);
            return (place === 'x' ? digit : (digit & 3) | 8).toString(16);
        });
    }
}
