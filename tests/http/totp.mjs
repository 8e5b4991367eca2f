/* Codes of an authenticator app, by another hand than the server's. */
import { createHmac } from 'node:crypto';

import { eventually } from './server.mjs';

function fromBase32(text) {
    const bits = [...text].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
    return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}
/** The code of a step, as an authenticator app makes it (RFC 6238). */
export function codeOf(secret, step) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest();
    return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
/** The number of the step that it is, and will be for some seconds still. */
export const currentStep = () => eventually(() => Date.now() % 30_000 < 24_000 && Math.floor(Date.now() / 30_000), 'the begin of a step');
