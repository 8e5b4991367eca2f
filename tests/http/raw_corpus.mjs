/*
 * Requests as nobody should send them. Each case says which answers are allowed, whether the connection may go on afterwards,
 * how many requests a handler may have seen, and how many things may have been created.
 *
 *   {name, bytes, answers: [[allowed statuses], …], then: 'open' | 'closed' | 'either', handled: n | [n, …], created: n}
 *
 * `answers` is what comes back, in order; an element that contains null may be missing because the server closed instead.
 * `handled` counts requests that reached a route of the API. Strings are sent as Latin-1, so '\xff' is the byte ff.
 * `deadline: true` marks a request that is never completed: the server must end the connection by itself.
 */

const ORG = 'corpus';
const HOST = 'Host: localhost\r\n';
const KEY = `X-Org-Key: ${ORG}\r\n`;
const JSON_TYPE = 'Content-Type: application/json\r\n';

const latin = (text) => Buffer.from(text, 'latin1');
const join = (...parts) => Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : latin(part))));

/** POST /conversations with `extra` header lines, and `body` as it is. */
const create = (extra = '', body = '') => join(`POST /conversations HTTP/1.1\r\n${HOST}${KEY}${extra}\r\n`, body);
const get = (extra = '', path = '/api/bootloader') => join(`GET ${path} HTTP/1.1\r\n${HOST}${KEY}${extra}\r\n`);
/** A message with `body`, a string of UTF-8 or a Buffer, and the right Content-Length. */
const message = (body, extra = JSON_TYPE) => (context) => {
    const bytes = Buffer.from(body);
    return join(`POST /conversations/${context.conversation}/messages HTTP/1.1\r\n${HOST}${KEY}${extra}Content-Length: ${bytes.length}\r\n\r\n`, bytes);
};

const cases = [];
const add = (name, bytes, expected) => cases.push({ name, bytes, handled: 0, created: 0, ...expected });

const FINE = { answers: [[201]], then: 'open', handled: 1, created: 1 };
const READ = { answers: [[200]], then: 'open', handled: 1 };
const BAD = { answers: [[400]], then: 'closed' };
const BAD_OR_CUT = { answers: [[400, null]], then: 'closed' };
const CHUNKED = { answers: [[411]], then: 'closed' };
const CHUNKED_OR_BAD = { answers: [[411, 400]], then: 'closed' };
const TOO_LARGE = { answers: [[413]], then: 'closed' };
const HEADER_TOO_LARGE = { answers: [[431, 400]], then: 'closed' };
/** Refused by a handler or the router: the request was well framed, so the connection goes on. */
const refused = (...statuses) => ({ answers: [statuses], then: 'open', handled: [0, 1] });

/* ---- requests that are right, in less usual forms -------------------------------------------------------------- */

add('a plain creation', create('Content-Length: 0\r\n'), FINE);
add('no Content-Length and no body', create(), FINE);
add('a body', create('Content-Length: 2\r\n', '{}'), FINE);
add('header names in any case', join(`POST /conversations HTTP/1.1\r\nhOST: localhost\r\nx-ORG-key: ${ORG}\r\ncontent-LENGTH: 2\r\n\r\n{}`), FINE);
add('no space after the colon', join(`POST /conversations HTTP/1.1\r\nHost:localhost\r\nX-Org-Key:${ORG}\r\nContent-Length:2\r\n\r\n{}`), FINE);
add('white space around values', join(`POST /conversations HTTP/1.1\r\nHost: \t localhost \t\r\nX-Org-Key:\t${ORG}\t \r\nContent-Length: \t2 \t\r\n\r\n{}`), FINE);
add('an empty header value', create('X-Empty:\r\nX-Blank: \r\n'), FINE);
add('UTF-8 in a header value', create('X-Name: \xc3\xbc\xf0\x9f\x98\x80\r\n'), FINE);
add('bytes that are no UTF-8 in a header value', create('X-Name: \xff\xfe\r\n'), FINE);
add('an unknown header twice', create('X-Thing: a\r\nX-Thing: b\r\n'), FINE);
add('Connection: close', create('Connection: close\r\n'), { ...FINE, then: 'closed' });
add('Connection: Close', create('Connection: Close\r\n'), { ...FINE, then: 'closed' });
add('Connection: keep-alive on 1.1', create('Connection: keep-alive\r\n'), FINE);
add('HTTP/1.0', join(`POST /conversations HTTP/1.0\r\n${HOST}${KEY}Content-Length: 0\r\n\r\n`), { ...FINE, then: 'closed' });
add('HTTP/1.0 without Host', join(`POST /conversations HTTP/1.0\r\n${KEY}Content-Length: 0\r\n\r\n`), { ...FINE, then: 'closed' });
add('HTTP/1.0 with keep-alive', join(`POST /conversations HTTP/1.0\r\n${HOST}${KEY}Connection: keep-alive\r\nContent-Length: 0\r\n\r\n`), { ...FINE, then: 'either' });
add('HTTP/1.0 with two Hosts', join(`POST /conversations HTTP/1.0\r\nHost: a\r\nHost: b\r\n${KEY}\r\n`), BAD);
add('two requests at once', join(create(), create('Content-Length: 2\r\n', '{}')), { answers: [[201], [201]], then: 'open', handled: 2, created: 2 });
add('ten requests at once', join(...Array.from({ length: 10 }, () => create('Content-Length: 2\r\n', '{}'))), { answers: Array.from({ length: 10 }, () => [201]), then: 'open', handled: 10, created: 10 });
add('nothing at all after Connection: close', join(create('Connection: close\r\n'), create()), { ...FINE, then: 'closed' });
add('one empty line before the request', join('\r\n', create()), { answers: [[201, 400]], then: 'either', handled: [0, 1], created: [0, 1] });
add('an empty line between two requests', join(create('Content-Length: 2\r\n', '{}'), '\r\n', create()), { answers: [[201], [201, 400]], then: 'either', handled: [1, 2], created: [1, 2] });
add('TE alone is not Transfer-Encoding', create('TE: trailers\r\n'), FINE);

/* ---- Content-Length -------------------------------------------------------------------------------------------- */

const lengthOf = (value, body = '{"":1}') => create(`Content-Length: ${value}\r\n`, body);
add('Content-Length twice, the same', create('Content-Length: 2\r\nContent-Length: 2\r\n', '{}'), BAD);
add('Content-Length twice, different', create('Content-Length: 2\r\nContent-Length: 3\r\n', '{} '), BAD);
add('Content-Length twice, in other letters', create('Content-Length: 2\r\ncontent-length: 2\r\n', '{}'), BAD);
add('Content-Length three times', create('Content-Length: 2\r\nX: y\r\nContent-Length: 2\r\nContent-Length: 0\r\n', '{}'), BAD);
add('Content-Length twice, the second hides a request', create('Content-Length: 0\r\nContent-Length: 200\r\n', create()), BAD);
add('Content-Length twice on GET', get('Content-Length: 0\r\nContent-Length: 0\r\n'), BAD);
for (const value of ['+6', '-6', '-0', '-1', '0x6', '6, 6', '6,6', '6 6', '6;', '6.0', '6e0', '0b110', '0o6', '6_0', 'six', '"6"', '6\x00', '6\x0b', '\x006', '\xd9\xa6', '\xa06', ',6', '6,', '--6', '6L', '6\x7f'])
    add(`Content-Length: ${JSON.stringify(value)}`, lengthOf(value), BAD);
add('Content-Length with no value', lengthOf(''), BAD);
add('Content-Length of blanks', lengthOf(' \t '), BAD);
add('Content-Length with leading zeros', lengthOf('0006'), { answers: [[201, 400]], then: 'either', handled: [0, 1], created: [0, 1] });
for (const value of ['18446744073709551616', '18446744073709551622', '18446744073709551615', '9223372036854775808', '9223372036854775807', '99999999999999999999999999999999', '4294967302', '2147483648', '6'.repeat(400)])
    add(`Content-Length: ${value.length > 40 ? '400 digits' : value}`, lengthOf(value), { answers: [[413, 400]], then: 'closed' });
add('Content-Length one over the outer wall', lengthOf('262145', 'x'), TOO_LARGE);
add('Content-Length over the limit of the path', create(`Content-Length: 20000\r\n`, `"${'x'.repeat(19998)}"`), { answers: [[413]], then: 'either', handled: [0, 1] });
add('Content-Length with a space before the colon', create('Content-Length : 2\r\n', '{}'), BAD);
add('Content-Length with a tab before the colon', create('Content-Length\t: 2\r\n', '{}'), BAD);
add('Content-Length folded', create('Content-Length:\r\n 2\r\n', '{}'), BAD);
add('Content_Length is another header, so the body is garbage', create('Content_Length: 2\r\n', '{}\r\n\r\n'), { answers: [[201], [400]], then: 'closed', handled: 1, created: 1 });
add('Content-Length shorter than what follows', create('Content-Length: 2\r\n', '{}garbage\r\n\r\n'), { answers: [[201], [400]], then: 'closed', handled: 1, created: 1 });
add('a request inside the body is body', create(`Content-Length: ${create().length}\r\n`, create()), { answers: [[400]], then: 'open', handled: 1 });
add('a request inside the body of a GET is body', join(get(`Content-Length: ${create().length}\r\n`), create()), { answers: [[200, 400, 413]], then: 'either', handled: [0, 1] });
add('a body on GET', join(get('Content-Length: 5\r\n'), 'hello'), { answers: [[200, 400, 413]], then: 'either', handled: [0, 1] });
add('a body on HEAD', join(`HEAD /api/bootloader HTTP/1.1\r\n${HOST}${KEY}Content-Length: 5\r\n\r\nhello`), { answers: [[200, 400, 413]], then: 'either', handled: [0, 1], head: true });
add('a body on a path that does not exist', join(`POST /nothing HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`), { answers: [[404]], then: 'open' });
add('a body on OPTIONS', join(`OPTIONS /conversations HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`), { answers: [[200, 204]], then: 'open', handled: [0, 1] });

/* ---- Transfer-Encoding, in every disguise ---------------------------------------------------------------------- */

const CHUNKS = '2\r\n{}\r\n0\r\n\r\n';
for (const value of ['chunked', 'Chunked', 'CHUNKED', 'xchunked', 'chunkedx', 'chunked, identity', 'identity, chunked', 'identity', 'gzip', 'gzip, chunked', 'chunked,chunked', '\tchunked', 'chunked\t', '  chunked  ', '"chunked"', "'chunked'", 'chunked;q=1', ',chunked', 'chunked,', 'deflate', 'x', '\xffchunked'])
    add(`Transfer-Encoding: ${JSON.stringify(value)}`, create(`Transfer-Encoding: ${value}\r\n`, CHUNKS), CHUNKED);
add('Transfer-Encoding with no value', create('Transfer-Encoding:\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding in small letters', create('transfer-encoding: chunked\r\n', CHUNKS), CHUNKED);
add('Transfer-Encoding in capitals', create('TRANSFER-ENCODING: chunked\r\n', CHUNKS), CHUNKED);
add('Transfer-Encoding twice', create('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding twice, different', create('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding after Content-Length', create('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding before Content-Length', create('Transfer-Encoding: chunked\r\nContent-Length: 2\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding: identity with Content-Length', create('Transfer-Encoding: identity\r\nContent-Length: 2\r\n', '{}'), CHUNKED_OR_BAD);
add('Transfer-Encoding on HTTP/1.0', join(`POST /conversations HTTP/1.0\r\n${HOST}${KEY}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`), CHUNKED_OR_BAD);
add('Transfer-Encoding on GET', join(get('Transfer-Encoding: chunked\r\n'), '0\r\n\r\n'), CHUNKED);
add('Transfer-Encoding on a path that does not exist', join(`POST /nothing HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), CHUNKED);
add('Transfer-Encoding with a space before the colon', create('Transfer-Encoding : chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding with a tab before the colon', create('Transfer-Encoding\t: chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding with a leading space', create(' Transfer-Encoding: chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding folded', create('Transfer-Encoding:\r\n chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding folded with a tab', create('Transfer-Encoding:\r\n\tchunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding folded into another header', create('X-Other: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n', '{}'), BAD);
add('Transfer-Encoding behind a bare LF', create('X-Other: y\nTransfer-Encoding: chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding behind a bare CR', create('X-Other: y\rTransfer-Encoding: chunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding with a vertical tab', create('Transfer-Encoding:\x0bchunked\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding with a NUL', create('Transfer-Encoding: chunked\x00\r\n', CHUNKS), CHUNKED_OR_BAD);
add('Transfer-Encoding with a NUL in its name', create('Transfer-Encoding\x00: chunked\r\n', CHUNKS), BAD);
add('Transfer_Encoding is another header, so the chunks are garbage', create('Transfer_Encoding: chunked\r\n', `${CHUNKS}\r\n`), { answers: [[201], [400]], then: 'closed', handled: 1, created: 1 });
add('Transfer-Encoding with a hidden request behind its end', create('Transfer-Encoding: chunked\r\n', join('0\r\n\r\n', create())), CHUNKED);
add('Transfer-Encoding with Content-Length that covers a hidden request', create(`Content-Length: ${create().length + 5}\r\nTransfer-Encoding: chunked\r\n`, join('0\r\n\r\n', create())), CHUNKED_OR_BAD);
add('Transfer-Encoding with Expect', create('Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n'), { answers: [[411, 400, 417]], then: 'closed' });
add('Transfer-Encoding without any chunk', create('Transfer-Encoding: chunked\r\n'), CHUNKED);
add('Transfer-Encoding in the second of two requests', join(create(), create('Transfer-Encoding: chunked\r\n', CHUNKS)), { answers: [[201], [411]], then: 'closed', handled: 1, created: 1 });
add('chunk sizes that overflow', create('Transfer-Encoding: chunked\r\n', 'fffffffffffffffff\r\n'), CHUNKED);

/* ---- Host and the target's form -------------------------------------------------------------------------------- */

const hosts = (...lines) => join(`POST /conversations HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}${KEY}Content-Length: 0\r\n\r\n`);
add('no Host', hosts(), BAD);
add('two Hosts, the same', hosts('Host: localhost', 'Host: localhost'), BAD);
add('two Hosts, different', hosts('Host: localhost', 'Host: evil.example'), BAD);
add('two Hosts, in other letters', hosts('Host: localhost', 'HOST: localhost'), BAD);
add('Host with a space before the colon', hosts('Host : localhost'), BAD);
for (const value of ['', 'a b', 'a/b', 'a@b', 'a,b', 'a?b', 'a#b', '[::1', 'a:b', 'a:', ':80', 'a:999999', '\xff', '<x>', 'a\\b', 'a..b', '%00', 'x'.repeat(300)])
    add(`Host: ${JSON.stringify(value.slice(0, 20))}`, hosts(`Host: ${value}`), { answers: [[400, 201]], then: 'either', handled: [0, 1], created: [0, 1] });
add('Host with a control character', hosts('Host: a\x01b'), BAD);
add('Host with a NUL', hosts('Host: a\x00b'), BAD);
for (const value of ['localhost:4000', '127.0.0.1', '[::1]', '[::1]:4000', 'chat.example.', 'xn--bcher-kva.example', 'A-b.C']) add(`Host: ${value} is fine`, hosts(`Host: ${value}`), FINE);
const target = (uri, host = HOST) => join(`GET ${uri} HTTP/1.1\r\n${host}${KEY}\r\n`);
add('absolute form, the same authority', target('http://localhost/api/bootloader'), { answers: [[200, 400]], then: 'either', handled: [0, 1] });
add('absolute form, another authority', target('http://evil.example/api/bootloader'), BAD);
add('absolute form, another port', target('http://localhost:81/api/bootloader'), BAD);
add('absolute form, with user information', target('http://localhost@evil.example/api/bootloader'), BAD);
add('absolute form without Host', target('http://localhost/api/bootloader', ''), BAD);
add('absolute form, another scheme', target('ftp://localhost/api/bootloader'), { answers: [[400, 404, 200]], then: 'either', handled: [0, 1] });
add('absolute form, no authority', target('http:///api/bootloader'), { answers: [[400, 404]], then: 'either' });
add('absolute form, broken', target('http://'), { answers: [[400, 404]], then: 'either' });
add('authority form', join(`CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\n`), { answers: [[400, 404, 405, 501]], then: 'either' });
add('asterisk with GET', target('*'), { answers: [[400, 404, 405]], then: 'either' });
add('a path without a slash', target('api/bootloader'), { answers: [[400, 404]], then: 'either' });

/* ---- the syntax of headers ------------------------------------------------------------------------------------- */

add('a folded header', create('X-Long: a\r\n b\r\n'), BAD);
add('a folded header with a tab', create('X-Long: a\r\n\tb\r\n'), BAD);
add('a header section that begins with a blank', join(`POST /conversations HTTP/1.1\r\n ${HOST}${KEY}\r\n`), BAD);
add('only LF everywhere', join(create('Content-Length: 0\r\n').toString('latin1').replaceAll('\r\n', '\n')), BAD);
add('LF after the request line', join(`POST /conversations HTTP/1.1\n${HOST}${KEY}\r\n`), BAD);
add('LF at the end of a header', join(`POST /conversations HTTP/1.1\r\nHost: localhost\n${KEY}\r\n`), BAD);
add('LF as the last line', join(`POST /conversations HTTP/1.1\r\n${HOST}${KEY}\n`), BAD);
add('LF hides a header', create('X: y\nX-Visitor-Id: v_smuggled\r\n'), BAD);
add('a bare CR in a value', create('X: a\rb\r\n'), BAD);
add('CR CR LF at the end of a line', create('X: a\r\r\n'), BAD);
add('a NUL in a value', create('X: a\x00b\r\n'), BAD);
add('a NUL in a name', create('X\x00Y: a\r\n'), BAD);
for (const byte of ['\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x7f']) add(`control byte ${byte.charCodeAt(0).toString(16)} in a value`, create(`X: a${byte}b\r\n`), BAD);
for (const name of ['X Y', 'X(Y)', 'X/Y', 'X@Y', 'X[Y', 'X{Y', 'X\x7fY', 'X\xfcY', 'X"Y', 'X,Y', 'X;Y', 'X=Y', 'X\tY', 'X\\Y', 'X<Y']) add(`header name ${JSON.stringify(name)}`, create(`${name}: a\r\n`), BAD);
add('an empty header name', create(': a\r\n'), BAD);
add('a header that is only a colon', create(':\r\n'), BAD);
add('a header without a colon', create('nonsense\r\n'), BAD);
add('a space before the colon', create('X-Thing : a\r\n'), BAD);
add('x-org-key twice, the same', create(KEY), { answers: [[201, 400]], then: 'open', handled: [0, 1], created: [0, 1] });
add('x-org-key twice, different', create('X-Org-Key: other\r\n'), refused(400));
add('x-visitor-id twice, different', create('X-Visitor-Id: v_one\r\nX-Visitor-Id: v_two\r\n'), refused(400));
add('Authorization twice', create('Authorization: Bearer a\r\nAuthorization: Bearer b\r\n'), refused(400, 401));
add('Content-Type twice, different', create('Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n', '{}'), refused(400, 415));
add('Idempotency-Key twice, different', create('Idempotency-Key: a\r\nIdempotency-Key: b\r\n'), refused(400));
add('Idempotency-Key with a space', create('Idempotency-Key: a b\r\n'), refused(400));
add('Idempotency-Key beyond ASCII', create('Idempotency-Key: \xc3\xbc\r\n'), refused(400));
add('Idempotency-Key of 65 characters', create(`Idempotency-Key: ${'x'.repeat(65)}\r\n`), refused(400));
add('x-visitor-id with a comma', create('X-Visitor-Id: v_a, v_b\r\n'), refused(400));
add('x-visitor-id of 81 characters', create(`X-Visitor-Id: v_${'x'.repeat(79)}\r\n`), refused(400));
add('x-visitor-id beyond ASCII', create('X-Visitor-Id: v_\xc3\xbc\r\n'), refused(400));
add('40 header fields', create(Array.from({ length: 40 }, (_, i) => `X-${i}: y\r\n`).join('')), FINE);
add('200 header fields', create(Array.from({ length: 200 }, (_, i) => `X-${i}: y\r\n`).join('')), HEADER_TOO_LARGE);
add('2,000 empty header fields', create('A:\r\n'.repeat(2000)), HEADER_TOO_LARGE);
add('a header of 64 KiB', create(`X: ${'y'.repeat(65536)}\r\n`), HEADER_TOO_LARGE);
add('a header name of 64 KiB', create(`${'X'.repeat(65536)}: y\r\n`), HEADER_TOO_LARGE);
add('headers of 64 KiB together', create(Array.from({ length: 50 }, (_, i) => `X-${i}: ${'y'.repeat(1300)}\r\n`).join('')), HEADER_TOO_LARGE);
add('a header of 1 MiB that does not end', `GET / HTTP/1.1\r\n${HOST}X: ${'y'.repeat(1 << 20)}`, { answers: [[431, 400, null]], then: 'closed' });
add('a header of 8 KiB', create(`X: ${'y'.repeat(8192)}\r\n`), FINE);

/* ---- the request line ------------------------------------------------------------------------------------------ */

const line = (text) => join(`${text}\r\n${HOST}${KEY}\r\n`);
for (const method of ['get', 'Get', 'gET', 'GETT', 'G', 'G@T', 'G/T', '\xff', 'BREW', 'PURGE', 'SEARCH', 'M-SEARCH', 'post', 'X'.repeat(500)])
    add(`method ${method.slice(0, 20)}`, line(`${method} /api/bootloader HTTP/1.1`), { answers: [[400, 405, 501]], then: 'either' });
for (const method of ['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) add(`method ${method}`, line(`${method} /api/bootloader HTTP/1.1`), { answers: [[405, 400, 501]], then: 'either', handled: [0, 1] });
add('an empty method', line(' /api/bootloader HTTP/1.1'), BAD);
add('a method of 10 KB', line(`${'X'.repeat(10_000)} /api/bootloader HTTP/1.1`), { answers: [[400, 405, 431, 501]], then: 'either' });
add('a space before the method', line(' GET /api/bootloader HTTP/1.1'), BAD);
add('a tab between the parts', line('GET\t/api/bootloader\tHTTP/1.1'), BAD_OR_CUT);
add('two spaces before the path', line('GET  /api/bootloader HTTP/1.1'), BAD);
add('two spaces before the version', line('GET /api/bootloader  HTTP/1.1'), BAD);
add('a space after the version', line('GET /api/bootloader HTTP/1.1 '), BAD);
add('a space in the path', line('GET /api/boot loader HTTP/1.1'), BAD);
for (const version of ['HTTP/0.9', 'HTTP/1.2', 'HTTP/1.9', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/2', 'HTTP/1', 'HTTP/1.', 'HTTP/.1', 'HTTP/11.1', 'HTTP/1.10', 'HTTP/1.01', 'HTTP/01.1', 'HTTP/1,1', 'HTTP/1.x', 'HTTP/-1.1', 'HTTP 1.1', 'http/1.1', 'Http/1.1', 'HTTPS/1.1', 'HTTP/1.1x', 'ICY/1.0', 'X', 'HTTP/'])
    add(`version ${version}`, line(`GET /api/bootloader ${version}`), { answers: [[400, 505]], then: 'closed' });
add('no version', line('GET /api/bootloader'), BAD);
add('a request line of HTTP/0.9 alone', 'GET /api/bootloader\r\n\r\n', BAD);
add('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00', { answers: [[400, 405, 505, null]], then: 'closed' });
add('a TLS handshake on a clear-text port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + '\xaa'.repeat(500) + '\r\n\r\n', BAD_OR_CUT);
add('the greeting of SSH', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', BAD_OR_CUT);
add('a line of SMTP', 'EHLO localhost\r\n\r\n', BAD_OR_CUT);
add('a command of Redis', '*1\r\n$4\r\nPING\r\n\r\n', BAD_OR_CUT);
add('NULs', '\x00'.repeat(100) + '\r\n\r\n', BAD_OR_CUT);
add('all bytes from 80 to ff', Buffer.concat([Buffer.from(Array.from({ length: 128 }, (_, i) => 128 + i)), latin('\r\n\r\n')]), BAD_OR_CUT);
add('a status line', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', BAD_OR_CUT);
add('64 KiB without a space', 'x'.repeat(65536) + '\r\n\r\n', { answers: [[400, 431, null]], then: 'closed' });

/* ---- paths and queries ----------------------------------------------------------------------------------------- */

const NOT_HERE = { answers: [[400, 404]], then: 'either' };
for (const path of ['/api/bootloader%00', '/api/bootloader%00.json', '/%00', '/api%2fbootloader', '/api%2Fbootloader', '/api/bootloader%', '/api/bootloader%2', '/api/bootloader%zz', '/%c0%afapi/bootloader', '/%c0%ae%c0%ae/health', '/%ff', '/%ed%a0%80', '/%f4%90%80%80', '/\x80', '/\xff', '/\x01', '/a\x7f', '/a\x0bb', '/a\x00b',
    '/api\\bootloader', '/..', '/../..', '/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/api/bootloader;x=y', '/api/bootloader/', '/API/BOOTLOADER', '/api/bootloader.json', '/conversations/%00', '/conversations/%ff', '/conversations/%2e%2e%2fhealth', '/conversations//messages', '/conversations/ ', '/visitors/%0d%0aX:y', '/%0d%0aSet-Cookie:%20a=b', '/~', '/#x', '/<script>', '/"', '/{id}', '/:id', '/conversations/:id'])
    add(`path ${JSON.stringify(path)}`, target(path), { ...NOT_HERE, handled: [0, 1] });
for (const path of ['//api/bootloader', '/./api/bootloader', '/x/../api/bootloader', '/api/./bootloader', '/%61pi/bootloader', '/api/bootloader#x', '/api//bootloader'])
    add(`path ${path}`, target(path), { answers: [[200, 400, 404]], then: 'either', handled: [0, 1] });
add('a path of 20 KB', target(`/${'x'.repeat(20_000)}`), { answers: [[404, 400, 414, 431]], then: 'either' });
add('a path of 64 KB', target(`/${'x'.repeat(65_536)}`), { answers: [[400, 414, 431]], then: 'closed' });
add('a path of 5,000 segments', target('/a'.repeat(5000)), { answers: [[404, 400, 414]], then: 'either' });
add('a path of 5,000 dots', target('/..'.repeat(5000)), { answers: [[404, 400, 414]], then: 'either' });
add('an id of 10 KB', target(`/conversations/${'c'.repeat(10_000)}`), { answers: [[404, 400]], then: 'either', handled: [0, 1] });
for (const query of ['', 'x', 'x=y', '&&&', '=', '=&=', '?', 'a=b=c', 'x[]=1', 'x'.repeat(8000), 'a=1&'.repeat(1000)]) add(`query ${JSON.stringify(query.slice(0, 20))} of ${query.length}`, target(`/api/bootloader?${query}`), { answers: [[200, 400]], then: 'open', handled: [0, 1] });
for (const query of ['limit=%', 'limit=%zz', 'limit=1%00', 'limit=%31%30%30%30%30', 'limit=\xff', 'limit=1&limit=2', 'limit=1;limit=2', 'before=%ff', 'before=' + 'A'.repeat(8000), 'limit', 'limit=1%20', 'limit=%2b1'])
    add(`list query ${JSON.stringify(query.slice(0, 20))}`, join(`GET /conversations?${query} HTTP/1.1\r\n${HOST}${KEY}X-Visitor-Id: v_corpus\r\n\r\n`), { answers: [[400, 200]], then: 'either', handled: [0, 1] });

/* ---- Upgrade, Expect, Connection ------------------------------------------------------------------------------- */

add('Upgrade: h2c', create('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'), FINE);
add('Upgrade: websocket', get('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'), READ);
add('Upgrade: TLS/1.0', get('Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n'), READ);
add('Expect: 100-continue with its body', create('Expect: 100-continue\r\nContent-Length: 2\r\n', '{}'), { ...FINE, interim: true });
add('Expect: 100-Continue', create('Expect: 100-Continue\r\nContent-Length: 2\r\n', '{}'), { answers: [[201, 417]], then: 'either', handled: [0, 1], created: [0, 1], interim: true });
add('an unknown Expect', create('Expect: 200-ok\r\nContent-Length: 2\r\n', '{}'), { answers: [[417]], then: 'closed' });
add('Expect: 100-continue and a length that is too large', create('Expect: 100-continue\r\nContent-Length: 99999999\r\n'), { answers: [[413, 417]], then: 'closed' });
add('Expect: 100-continue on GET', get('Expect: 100-continue\r\n'), { answers: [[200, 417]], then: 'either', handled: [0, 1], interim: true });
add('Connection with many options, close among them', create('Connection: a, b, close, c\r\n'), { ...FINE, then: 'closed' });
add('Connection with many options, keep-alive among them', create('Connection: a,Keep-Alive ,c\r\n'), FINE);
add('Connection with an option that only begins like close', create('Connection: closed\r\n'), { ...FINE, then: 'either' });
add('two Connection headers, close in the second', create('Connection: keep-alive\r\nConnection: close\r\n'), { ...FINE, then: 'either' });
add('Connection: x-org-key does not remove the header', create('Connection: x-org-key\r\n'), FINE);
add('Proxy-Connection: close is nothing', create('Proxy-Connection: close\r\n'), FINE);
add('Range is not understood', get('Range: bytes=0-1\r\n'), READ);
add('If-None-Match: * gives no 304', get('If-None-Match: *\r\n'), READ);
add('X-HTTP-Method-Override does nothing', get('X-HTTP-Method-Override: DELETE\r\n'), READ);
add('Content-Encoding: gzip is not understood', message('{"role":"user","content":"x"}', `${JSON_TYPE}Content-Encoding: gzip\r\n`), { answers: [[415, 400, 201]], then: 'open', handled: [0, 1], created: [0, 1] });

/* ---- good and bad in one go ------------------------------------------------------------------------------------ */

add('good, then bad', join(create(), 'nonsense\r\n\r\n'), { answers: [[201], [400]], then: 'closed', handled: 1, created: 1 });
add('bad, then good', join('nonsense\r\n\r\n', create()), BAD);
add('good, refused, good', join(create(), create('Content-Length: 1\r\n', '{'), create()), { answers: [[201], [400], [201]], then: 'open', handled: 3, created: 2 });
add('good, two lengths, good', join(create(), create('Content-Length: 0\r\nContent-Length: 0\r\n'), create()), { answers: [[201], [400]], then: 'closed', handled: 1, created: 1 });
add('good, no Host, good', join(create(), hosts(), create()), { answers: [[201], [400]], then: 'closed', handled: 1, created: 1 });
add('good, unknown method, good', join(create(), line('BREW /api/bootloader HTTP/1.1'), create()), { answers: [[201], [400, 405, 501], [201, null]], then: 'either', handled: [1, 2], created: [1, 2] });

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

const SAY = '"role":"user","content":"x"';
const SAID = { answers: [[201]], then: 'open', handled: 1, created: 1 };
const NOT_SAID = { answers: [[400]], then: 'open', handled: 1 };
add('a message', message(`{${SAY}}`), SAID);
for (const [name, body] of Object.entries({
    'nothing': '', 'a blank': ' ', 'depth 1,000 of arrays': `{${SAY},"a":${'['.repeat(1000)}${']'.repeat(1000)}}`, 'depth 1,000 of objects': `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`, '100,000 opening brackets': '['.repeat(100_000), '100,000 opening braces': '{"":'.repeat(25_000),
    'a duplicate name': `{${SAY},"role":"assistant"}`, 'a duplicate name below': `{${SAY},"a":{"b":1,"b":2}}`, 'a duplicate name in escapes': `{${SAY},"\\u0072ole":"assistant"}`,
    'a lone high surrogate': '{"role":"user","content":"\\ud800"}', 'a lone low surrogate': '{"role":"user","content":"\\udfff"}', 'a high surrogate and a letter': '{"role":"user","content":"\\ud83dx"}', 'two high surrogates': '{"role":"user","content":"\\ud83d\\ud83d"}', 'a lone surrogate in a name': `{${SAY},"\\ud800":1}`,
    'a NUL in a string': '{"role":"user","content":"a\0b"}', 'a NUL after the end': `{${SAY}}\0`, 'a NUL before': `\0{${SAY}}`, 'only a NUL': '\0', 'a byte order mark': `\ufeff{${SAY}}`, 'trailing garbage': `{${SAY}}x`, 'a second object': `{${SAY}}{}`, 'a trailing comma': `{${SAY},}`, 'a leading comma': `{,${SAY}}`,
    'no end': `{${SAY}`, 'no end of a string': '{"role":"user","content":"x', 'a bad escape': '{"role":"user","content":"\\x41"}', 'a short escape': '{"role":"user","content":"\\u12"}', 'an escape at the end': '{"role":"user","content":"\\"}', 'a raw newline': '{"role":"user","content":"a\nb"}', 'a raw tab': '{"role":"user","content":"a\tb"}',
    'an array': '[]', 'a string': '"x"', 'a number': '1', 'null': 'null', 'true': 'true', 'an object in an array': `[{${SAY}}]`, 'NaN': `{${SAY},"n":NaN}`, 'Infinity': `{${SAY},"n":Infinity}`, 'a leading plus': `{${SAY},"n":+1}`, 'a leading zero': `{${SAY},"n":01}`, 'a point without digits': `{${SAY},"n":1.}`, 'hexadecimal': `{${SAY},"n":0x1}`, 'only a minus': `{${SAY},"n":-}`,
    'single quotes': "{'role':'user','content':'x'}", 'names without quotes': '{role:"user",content:"x"}', 'a comment': `{/**/${SAY}}`, 'a line comment': `{${SAY}}//`, 'True': `{${SAY},"n":True}`, 'undefined': `{${SAY},"n":undefined}`, 'a form': 'role=user&content=x', 'XML': '<role>user</role>',
    'no role': '{"content":"x"}', 'no content': '{"role":"user"}', 'role null': '{"role":null,"content":"x"}', 'role a number': '{"role":1,"content":"x"}', 'role an array': '{"role":["user"],"content":"x"}', 'role an object': '{"role":{"$ne":1},"content":"x"}', 'role true': '{"role":true,"content":"x"}', 'role system': '{"role":"system","content":"x"}', 'role with a NUL': '{"role":"user\\u0000","content":"x"}', 'role with a blank': '{"role":"user ","content":"x"}',
    'content null': '{"role":"user","content":null}', 'content a number': '{"role":"user","content":1}', 'content an array': '{"role":"user","content":["x"]}', 'content an object': '{"role":"user","content":{"a":1}}', 'content true': '{"role":"user","content":true}', 'content empty': '{"role":"user","content":""}',
    'clientId a number': `{${SAY},"clientId":1}`, 'clientId an array': `{${SAY},"clientId":[]}`, 'clientId empty': `{${SAY},"clientId":""}`, 'clientId with a NUL': `{${SAY},"clientId":"\\u0000"}`, 'clientId beyond ASCII': `{${SAY},"clientId":"ü"}`, 'clientId of 65 characters': `{${SAY},"clientId":"${'x'.repeat(65)}"}`,
    'names in capitals': '{"Role":"user","Content":"x"}', 'empty name': '{"":""}',
}))
    add(`JSON: ${name}`, message(body), NOT_SAID);
for (const [name, body] of Object.entries({ 'an escaped NUL': '{"role":"user","content":"a\\u0000b"}', 'a number beyond every range': `{${SAY},"n":1e999}`, 'a number of 1,000 digits': `{${SAY},"n":${'9'.repeat(1000)}}`, 'a tiny number': `{${SAY},"n":1e-999}`, 'clientId null': `{${SAY},"clientId":null}` }))
    add(`JSON: ${name}`, message(body), { answers: [[201, 400]], then: 'open', handled: 1, created: [0, 1] });
for (const [name, body] of Object.entries({ '2,000 names': `{${SAY},${Array.from({ length: 2000 }, (_, i) => `"n${i}":${i}`)}}`, 'a name of 100 KB': `{${SAY},"${'n'.repeat(100_000)}":1}`, 'an array of 50,000': `{${SAY},"a":[${Array.from({ length: 50_000 }, () => 1)}]}`, 'prototype names': `{${SAY},"__proto__":{},"constructor":1}`, '190 KB of blanks': `{${SAY}${' '.repeat(190_000)}}` }))
    add(`JSON: ${name}`, message(body), SAID);
for (const [name, bytes] of Object.entries({ 'a byte ff': '\xff', 'overlong': '\xc0\x80', 'a surrogate in UTF-8': '\xed\xa0\x80', 'five bytes': '\xf8\x88\x80\x80\x80', 'beyond the last': '\xf4\x90\x80\x80', 'a lone continuation': '\x80', 'a cut character': '\xe2\x82' }))
    add(`JSON: invalid UTF-8, ${name}`, message(join('{"role":"user","content":"', bytes, '"}')), NOT_SAID);
add('JSON: UTF-16', message(Buffer.from(`{${SAY}}`, 'utf16le')), NOT_SAID);
add('JSON: UTF-32', message(Buffer.from([...`{${SAY}}`].flatMap((letter) => [letter.charCodeAt(0), 0, 0, 0]))), NOT_SAID);
add('JSON: a large body of noise', message(Buffer.alloc(150_000, 0xc3)), NOT_SAID);
for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-7', 'application/json; charset=utf-16', 'application/json, text/plain', 'json', 'application/jsonp', '/', ';', 'application/json;', 'application/json; charset', '\xff'])
    add(`Content-Type: ${type}`, message(`{${SAY}}`, `Content-Type: ${type}\r\n`), { answers: [type === 'application/json;' ? [415, 201] : [415, 400]], then: 'open', handled: [0, 1], created: type === 'application/json;' ? [0, 1] : 0 });

/* ---- requests that never end: the server must end them --------------------------------------------------------- */

const NEVER = { answers: [[408, 400, null]], then: 'closed', deadline: true };
add('nothing', '', NEVER);
add('half a method', 'GE', NEVER);
add('a request line only', 'GET /api/bootloader HTTP/1.1\r\n', NEVER);
add('headers without an end', `GET /api/bootloader HTTP/1.1\r\n${HOST}${KEY}`, NEVER);
add('headers without the last LF', `GET /api/bootloader HTTP/1.1\r\n${HOST}${KEY}\r`, NEVER);
add('less body than promised', create('Content-Length: 10\r\n', '{}'), NEVER);
add('no body as promised', create('Content-Length: 10\r\n'), NEVER);
add('Expect: 100-continue and then silence', create('Expect: 100-continue\r\nContent-Length: 10\r\n'), { ...NEVER, answers: [[100, 408, 400, 417, null]], interim: true });
add('good, then half a request', join(create(), 'POST /conv'), { ...NEVER, answers: [[201], [408, 400, null]], handled: 1, created: 1 });
add('good, then nothing', create(), { ...NEVER, answers: [[201], [408, null]], handled: 1, created: 1 });
add('empty lines only', '\r\n\r\n\r\n', { ...NEVER, answers: [[408, 400, null]] });

export { cases, ORG };
