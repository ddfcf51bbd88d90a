/**
 * Checks a consent token, or a receipt, with the server's public keys: in Node 20 or newer, Deno, edge workers and
 * browsers, with WebCrypto alone.
 *
 *     import { verify, verifyReceipt } from './verify.js';
 *     const keys = await (await fetch('https://HOST/v1/keys.json')).json();
 *     const consent = await verify(token, keys, { site: 'smartmarket' });
 *     if (consent.allow.includes('analytics')) …
 *     await verifyReceipt(receipt, keys, { site: 'smartmarket' }); // throws if anything in it was changed
 */

/** The token or receipt is forged, changed, of another site, or (a token) expired. */
export class BadToken extends Error {}

/**
 * @typedef {{ typ: 'consent', site: string, allow: string[], rev: number, notice: string, at: number, exp: number,
 *   sub?: string, jti?: string }} Payload  `at` and `exp` in seconds since 1970
 * @typedef {{ typ: 'receipt', site: string, at: number, sha256: string }} Receipt  `at`: when it was made, in seconds
 */

/** @param {string} text base64url */
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));

/**
 * @param {string} signed what the server signed, itsdangerous text
 * @param {{ keys: { x?: string }[] }} keys
 * @returns {Promise<any>} what it says
 * @throws {BadToken}
 */
const payloadOf = async (signed, { keys }) => {
  const [text, signature, ...more] = signed.split('.');
  let genuine = false;
  // Of the several spellings that base64 allows, only the one the server wrote counts: 64 bytes leave four bits over.
  if (/^[\w-]+$/.test(text) && /^[\w-]{85}[AQgw]$/.test(signature) && !more[0]) {
    for (const { x } of keys) {
      const key = await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x }, 'Ed25519', false, ['verify']);
      genuine ||= await crypto.subtle.verify('Ed25519', key, bytes(signature), new TextEncoder().encode(text));
    }
  }
  if (!genuine) throw new BadToken('None of the keys signed this.');
  return JSON.parse(new TextDecoder().decode(bytes(text)));
};

/**
 * @param {string} token
 * @param {{ keys: { x?: string }[] }} keys the document at /v1/keys.json
 * @param {{ site: string, now?: number }} options `now`: seconds since 1970, the clock's time if left out
 * @returns {Promise<Payload>} what the shopper answered
 * @throws {BadToken}
 */
export const verify = async (token, keys, { site, now = Date.now() / 1000 }) => {
  const payload = await payloadOf(token, keys);
  if (payload.typ != 'consent' || payload.site != site) throw new BadToken('This token is not a consent for this site.');
  if (payload.exp <= now) throw new BadToken('This consent has expired.');
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
  const payload = await payloadOf(`${signed}`, keys);
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(content, sorted)));
  const hex = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (payload.typ != 'receipt' || payload.site != site || payload.sha256 != hex) {
    throw new BadToken('This is not what the server signed as a receipt of this site.');
  }
  return payload;
};
