/*
 * A random id, from the best source there is: randomUUID is missing in pages without TLS, and `crypto` in some odd
 * browsers.
 */
export function uuid(): string {
    try {
        return crypto.randomUUID();
    } catch {
        // Each 0 and 1 becomes any digit, the 8 one of 8, 9, a and b: version 4.
        return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (place) => {
            let bits = (Math.random() * 256) ^ Date.now();
            try {
                [bits = 0] = crypto.getRandomValues(new Uint8Array(1));
            } catch {
                // What there is has to do.
            }
            return (+place ^ (bits & (15 >> (+place / 4)))).toString(16);
        });
    }
}
