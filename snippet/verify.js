/**
 * Checks a consent token with the server's public keys: in Node 20 or newer, Deno, edge workers and browsers, with
 * WebCrypto alone.
 *
 *     import { verify } from './verify.js';
 *     const keys = await (await fetch('https://HOST/v1/keys.json')).json();
 *     const consent = await verify(token, keys, { site: 'smartmarket' });
 *     if (consent.allow.includes('analytics')) …
 */

/** The token is forged, changed, of another site, or expired. */
export class BadToken extends Error {}

/**
 * @typedef {{ typ: 'consent', site: string, allow: string[], rev: number, notice: string, at: number, exp: number,
 *   sub?: string, jti?: string }} Payload  `at` and `exp` in seconds since 1970
 */

/** @param {string} text base64url */
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));

/**
 * @param {string} token
 * @param {{ keys: { x?: string }[] }} keys the document at /v1/keys.json
 * @param {{ site: string, now?: number }} options `now`: seconds since 1970, the clock's time if left out
 * @returns {Promise<Payload>} what the shopper answered
 * @throws {BadToken}
 */
export const verify = async (token, { keys }, { site, now = Date.now() / 1000 }) => {
  const [text, signature, ...more] = token.split('.');
  let genuine = false;
  // Of the several spellings that base64 allows, only the one the server wrote counts: 64 bytes leave four bits over.
  if (/^[\w-]+$/.test(text) && /^[\w-]{85}[AQgw]$/.test(signature) && !more[0]) {
    for (const { x } of keys) {
      const key = await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x }, 'Ed25519', false, ['verify']);
      genuine ||= await crypto.subtle.verify('Ed25519', key, bytes(signature), new TextEncoder().encode(text));
    }
  }
  if (!genuine) throw new BadToken('None of the keys signed this token.');
  /** @type {Payload} */
  const payload = JSON.parse(new TextDecoder().decode(bytes(text)));
  if (payload.typ != 'consent' || payload.site != site) throw new BadToken('This token is not a consent for this site.');
  if (payload.exp <= now) throw new BadToken('This consent has expired.');
  return payload;
};
