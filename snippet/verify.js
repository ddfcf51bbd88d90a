/**
 * Checks a consent token, or a receipt, with the server's public keys: in Node 20 or newer, edge workers and
 * browsers, with WebCrypto alone.
 *
 *     import { verify, verifyReceipt } from './verify.js';
 *     const keys = await (await fetch('https://HOST/v1/keys.json')).json();
 *     const consent = await verify(token, keys, { site: 'smartmarket' });
 *     if (consent.allow.includes('analytics')) …
 *     await verifyReceipt(receipt, keys, { site: 'smartmarket' }); // throws if anything in it was changed
 */

/** The token or receipt is forged, changed, of another site, or (a token) none, expired, or to what was asked before. */
export class BadToken extends Error {}

/**
 * @typedef {{ typ: 'consent', site: string, allow: string[], rev: number, notice: string, at: number, exp: number,
 *   sub?: string, jti?: string }} Payload  `at` and `exp` in seconds since 1970
 * @typedef {{ typ: 'receipt', site: string, at: number, sha256: string }} Receipt  `at`: when it was made, in seconds
 */

/** @param {string} text base64url */
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));

/** @param {string} content */
const utf8 = (content) => new TextEncoder().encode(content);

/** @param {ArrayLike<number>} content */
const sha256 = async (content) => new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(content)));

/** @param {ArrayLike<number>} bytes */
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** @param {unknown} content @param {(key: string, value: unknown) => unknown} [order] */
const hashOf = async (content, order) => hex(await sha256(utf8(JSON.stringify(content, order))));

/**
 * @param {unknown} signed what the server signed, itsdangerous text
 * @param {{ keys: { x?: string }[] }} keys
 * @returns {Promise<any>} what it says
 * @throws {BadToken}
 */
const payloadOf = async (signed, { keys }) => {
  const [text, signature, ...more] = `${signed}`.split('.');
  let genuine = false;
  // Of the several spellings that base64 allows, only the one the server wrote counts: 64 bytes leave four bits over.
  if (/^[\w-]+$/.test(text) && /^[\w-]{85}[AQgw]$/.test(signature) && !more[0]) {
    for (const { x } of keys) {
      const key = await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x }, 'Ed25519', false, ['verify']);
      genuine ||= await crypto.subtle.verify('Ed25519', key, bytes(signature), utf8(text));
    }
  }
  if (!genuine) throw new BadToken('None of the keys signed this.');
  return JSON.parse(new TextDecoder().decode(bytes(text)));
};

/**
 * @param {string | null | undefined} token the cookie, if there is one
 * @param {{ keys: { x?: string }[] }} keys the document at /v1/keys.json
 * @param {{ site: string, revision?: number, now?: number }} options `revision`: what the shop asks now, as its `consent.toml`
 *   says; older answers are refused. `now`: seconds since 1970, the clock's time if left out
 * @returns {Promise<Payload>} what the shopper answered
 * @throws {BadToken}
 */
export const verify = async (token, keys, { site, revision = 0, now = Date.now() / 1000 }) => {
  const payload = await payloadOf(token, keys);
  if (payload.typ != 'consent' || payload.site != site) throw new BadToken('This token is not a consent for this site.');
  if (payload.exp <= now) throw new BadToken('This consent has expired.');
  if (payload.rev < revision) throw new BadToken('This consent is to what was asked before.');
  return payload;
};

/** @param {string} _ @param {unknown} value @returns {unknown} for JSON in which the keys of each object are in order */
const sorted = (_, value) =>
  value instanceof Object && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;

/**
 * Checks the whole of a receipt, which is for keeps: its answer may have expired.
 * @param {Record<string, any>} receipt as GET /v1/SITE/me/receipt gave it
 * @param {{ keys: { x?: string }[] }} keys the document at /v1/keys.json
 * @param {{ site: string }} options
 * @returns {Promise<Receipt>} what was signed of it
 * @throws {BadToken}
 */
export const verifyReceipt = async (receipt, keys, { site }) => {
  const { 'dcterms:provenance': signed, ...content } = receipt;
  const payload = await payloadOf(signed, keys);
  if (payload.typ != 'receipt' || payload.site != site || payload.sha256 != await hashOf(content, sorted)) {
    throw new BadToken('This is not a receipt for this site.');
  }
  return payload;
};

/**
 * Checks where in the log, as it was sealed, an answer is: from its leaf up to the root that the seal of its day signs
 * (RFC 9162, 2.1.3.2).
 * @param {any} proof as GET /v1/SITE/me/proof gave it
 * @param {string} token the answer, which `verify` has checked
 * @param {{ keys: { x?: string }[] }} keys the document at /v1/keys.json
 * @param {{ site: string, now?: number }} options `now`: seconds since 1970, the clock's time if left out
 * @returns {Promise<{ number: number, day: string } | null>} its number, from 1, among the answers of a day (UTC); null if
 *   that is not sealed yet
 * @throws {BadToken} what is shown does not fit
 * @throws {RangeError} nothing is shown: the day has been over for a day, or the answer is not held, as after an erasure,
 *   which its receipt says
 */
export const verifyProof = async ({ sealed, unsealed }, token, keys, { site, now = Date.now() / 1000 }) => {
  const { jti, sub, allow, notice, at: second } = await payloadOf(token, keys);
  if (unsealed.includes(jti)) {
    if (now / 86400 < Math.floor(second / 86400) + 2) return null;
    throw new RangeError('This should have been sealed.');
  }
  const shown = sealed.find((/** @type {any} */ { entry }) => entry.id == jti);
  if (!shown) throw new RangeError('This one is not shown.');
  const { entry, number, seal } = shown, path = [...shown.path];
  const said = await payloadOf(seal, keys);
  // Who answered, and what, is taken from the token; when, to the second. Names say what is what, whatever the order is.
  const own = await hashOf([jti, sub, btoa(String.fromCharCode(...bytes(token.split('.')[1])))]);
  const { bucket, at, seq, kind, before, how, device, country } = entry;
  const leaf = JSON.stringify([bucket, at, seq, kind, allow, before, how, device, country, notice, own]);
  /** @param {number} at @param {number} size @returns {Promise<ArrayLike<number> & Iterable<number>>} the node over that leaf and others */
  const over = async (at, size) => {
    if (size < 2) return at ? [] : sha256([0, ...utf8(leaf)]);
    const half = 1 << (31 - Math.clz32(size - 1)); // the largest power of two that is less
    const beside = (path.pop() ?? '00').match(/../g).map((/** @type {string} */ byte) => +`0x${byte}`);
    return sha256(at < half ? [1, ...await over(at, half), ...beside] : [1, ...beside, ...await over(at - half, size - half)]);
  };
  if (said.typ == 'seal' && said.site == site && !said.open && Math.floor(at / 1000) == second
    && new Date(at).toJSON().slice(0, 10) == said.day && said.root == hex(await over(+number, said.entries)) && !path.length) {
    return { number: +number + 1, day: said.day };
  }
  throw new BadToken('This is not in the log.');
};
