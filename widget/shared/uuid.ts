/*
 * A random id, also where randomUUID is missing, as in pages without TLS, and where `crypto` is, as in some odd
 * browsers.
 */
export const uuid = (): string =>
    // Each 0 and 1 becomes any digit, the 8 one of 8, 9, a and b: version 4.
    '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (place) => {
        let bits = (Math.random() * 256) ^ Date.now();
        try {
            [bits = 0] = crypto.getRandomValues(new Uint8Array(1));
        } catch {
            // What there is has to do.
        }
        return (+place ^ (bits & (15 >> (+place / 4)))).toString(16);
    });
