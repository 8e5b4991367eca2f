/*
 * An SMTP server (RFC 5321) that keeps what arrives, with STARTTLS, TLS from the start, or neither, and AUTH if the test
 * wants. `refuse` names a command (such as RCPT) that it answers with an error.
 */
import net from 'node:net';
import tls from 'node:tls';

export class MailServer {
    constructor({ host = '127.0.0.1', port = 0, tlsOptions, implicit = false, starttls = tlsOptions !== undefined && !implicit, login, refuse } = {}) {
        this.mails = [];
        this.commands = [];
        Object.assign(this, { tlsOptions, starttls, login, refuse });
        const serve = (socket, secure) => this.#serve(socket, secure);
        this.server = implicit ? tls.createServer(tlsOptions, (socket) => serve(socket, true)) : net.createServer((socket) => serve(socket, false));
        this.server.on('tlsClientError', () => {});
        this.sockets = new Set();
        this.server.on('connection', (socket) => this.sockets.add(socket));
        this.ready = new Promise((done) =>
            this.server.listen(port, host, () => {
                this.port = this.server.address().port;
                done(this);
            }),
        );
    }

    #serve(socket, secure) {
        const session = { mail: { to: [] }, secure, data: null, user: null, auth: null };
        const say = (line) => socket.write(`${line}\r\n`);
        let rest = '';
        const onData = (bytes) => {
            rest += bytes.toString('latin1');
            for (let end; (end = rest.indexOf('\r\n')) >= 0; ) {
                const line = rest.slice(0, end);
                rest = rest.slice(end + 2);
                if (this.#hear(session, line, say) === 'starttls') {
                    socket.removeListener('data', onData);
                    const upgraded = new tls.TLSSocket(socket, { isServer: true, ...this.tlsOptions });
                    upgraded.on('error', () => {});
                    return this.#serve(upgraded, true);
                }
            }
        };
        socket.on('error', () => {});
        socket.on('data', onData);
        if (!secure || !this.starttls) say('220 mail.test ESMTP');
    }

    #hear(session, line, say) {
        if (session.data !== null) {
            if (line !== '.') return session.data.push(line.startsWith('.') ? line.slice(1) : line);
            this.mails.push({ ...session.mail, secure: session.secure, user: session.user, lines: session.data });
            session.data = null;
            session.mail = { to: [] };
            return say('250 kept');
        }
        if (session.auth) return session.auth(line);
        const [verb, ...rest] = line.split(' ');
        this.commands.push(verb.toUpperCase());
        if (this.refuse === verb.toUpperCase()) return say('550 no');
        switch (verb.toUpperCase()) {
            case 'EHLO':
                session.name = rest[0];
                say('250-mail.test');
                if (this.starttls && !session.secure) say('250-STARTTLS');
                if (this.login) say('250-AUTH PLAIN LOGIN');
                return say('250 SIZE 1000000');
            case 'STARTTLS':
                say('220 go');
                return 'starttls';
            case 'AUTH':
                return this.#authenticate(session, rest, say);
            case 'MAIL':
                session.mail = { from: line.match(/<(.*)>/)[1], to: [], name: session.name };
                return say('250 ok');
            case 'RCPT':
                session.mail.to.push(line.match(/<(.*)>/)[1]);
                return say('250 ok');
            case 'DATA':
                session.data = [];
                return say('354 go');
            case 'QUIT':
                return say('221 bye');
            default:
                return say('500 what');
        }
    }

    #authenticate(session, [kind, initial], say) {
        const check = (text) => {
            session.auth = null;
            const [, user, password] = Buffer.from(text, 'base64').toString().split('\0');
            const is = this.login && user === this.login.user && password === this.login.password;
            session.user = is ? user : null;
            say(is ? '235 welcome' : '535 who');
        };
        if (kind !== 'PLAIN') return say('504 only PLAIN');
        if (initial) return check(initial);
        session.auth = check;
        return say('334 ');
    }

    close() {
        this.sockets.forEach((socket) => socket.destroy());
        return new Promise((done) => this.server.close(done));
    }
}
