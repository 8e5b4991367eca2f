/* A name server that says what a test wants, and something else the next time if it wants. A and AAAA over UDP (RFC 1035). */
import dgram from 'node:dgram';

const question = (message) => {
    const labels = [];
    let at = 12;
    for (let len; (len = message[at]) !== 0; at += len + 1) labels.push(message.toString('latin1', at + 1, at + 1 + len));
    return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
};

const address = (text) => {
    if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
    const [head, tail] = text.split('::').map((part) => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))));
    const groups = tail === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail];
    return Buffer.from(groups.flatMap((group) => [group >> 8, group & 255]));
};

/** `answers[name]` is a list of addresses, or a function that gives one each time it is asked. Time to live is 0. */
export class NameServer {
    constructor(answers, host = '127.0.0.1', port = 53) {
        this.questions = [];
        this.socket = dgram.createSocket('udp4');
        this.socket.on('message', (message, from) => {
            const { name, type, end } = question(message);
            const known = answers[name];
            const all = (typeof known === 'function' ? known(type) : known) ?? [];
            const given = all.filter((text) => text.includes(':') === (type === 28)).map(address);
            this.questions.push({ name, type });
            const head = Buffer.alloc(12);
            message.copy(head, 0, 0, 2);
            head.writeUInt16BE(known ? 0x8580 : 0x8583, 2);
            head.writeUInt16BE(1, 4);
            head.writeUInt16BE(given.length, 6);
            const records = given.map((bytes) => {
                const record = Buffer.alloc(12);
                record.writeUInt16BE(0xc00c, 0);
                record.writeUInt16BE(type, 2);
                record.writeUInt16BE(1, 4);
                record.writeUInt16BE(bytes.length, 10);
                return Buffer.concat([record, bytes]);
            });
            this.socket.send(Buffer.concat([head, message.subarray(12, end), ...records]), from.port, from.address);
        });
        this.ready = new Promise((done, fail) => {
            this.socket.on('error', fail);
            this.socket.bind(port, host, () => done(this));
        });
    }
    close() {
        return new Promise((done) => this.socket.close(done));
    }
}
