/**
 * The cookie, which remembers the answer and is the queue of what is undelivered.
 *
 * It holds the server's token, or before delivery "~" and a list of at most two decisions: the one on its way and the
 * one that followed. The page does not check a signature: whoever can write the cookie could as well press the button.
 */
import { base, CATEGORIES, domain, keep, notices, revision, site, variant } from './site.js';

/**
 * @typedef {import('./types').Category} Category
 * @typedef {{ site: string, allow: Category[], rev: number, at: number, exp: number, id?: string, jti?: string }} Answer
 *   times in seconds
 * @typedef {Answer & { id: string, notice: string, lang: string, variant: string, how: import('./types').How,
 *   previous?: string, refused?: 1 }} Pending  `refused`: the server will not take it, so it is not sent again; the choice
 *   holds all the same.
 */

/** Characters of a token's signature and the dot before it. */
const SIGNATURE = 87;

/**
 * What the page knows; a browser may keep no cookie. `sending`: what ends when the server has taken all, or cannot; `sent`:
 * the post of the first that is unsent, if this page made it.
 * @type {{ kept: string, unsent: Pending[], sending?: Promise<void>, sent?: Promise<Response | void> }}
 */
export const memory = { kept: '', unsent: [] };

const cookie = () => {
  try {
    return document.cookie.match(/(^|; )consent=([^;]+)/)?.[2] ?? '';
  } catch {
    return ''; // a sandboxed frame has none
  }
};

/** @returns {Pending[]} what the cookie holds undelivered, whichever tab put it there */
export const queued = (text = cookie()) => {
  try {
    return text[0] == '~' ? JSON.parse(decodeURIComponent(text.slice(1))) : [];
  } catch {
    return [];
  }
};

/** Writes the cookie: what is undelivered, or the token, or nothing any more. */
export const writeCookie = (token = '') => {
  memory.kept = memory.unsent[0] ? '~' + encodeURIComponent(JSON.stringify(memory.unsent)) : token;
  try {
    // Three months longer than the answer holds, so that a renewal can name the token that it follows.
    document.cookie = `consent=${memory.kept};Path=/;SameSite=Lax;Max-Age=${memory.kept ? keep + 7776000 : 0}${
      location.protocol == 'https:' ? ';Secure' : ''}${domain && location.hostname.endsWith(domain) ? ';Domain=' + domain : ''}`;
  } catch {}
};

/**
 * Reads the cookie.
 * @returns {boolean} whether it is news: never while a decision of this page is on its way, which is newer
 */
export const read = () => {
  const text = cookie();
  if (memory.sending || memory.sent || text == memory.kept) return false;
  memory.kept = text;
  memory.unsent = queued();
  return true;
};

/** @returns {Category[] | undefined} what is allowed; nothing if the cookie is no answer of ours, or it does not hold any more */
export const answer = () => {
  try {
    // No text that may be in a payload has a - or _ in base64url. And a yes names its decision, so that a refusal's token
    // has nothing to turn into one.
    /** @type {Answer} */
    const { site: of, rev, exp, allow, id, jti } =
      memory.unsent.at(-1) ?? (memory.kept && JSON.parse(atob(memory.kept.slice(0, -SIGNATURE)))); // to throw is slow
    if (of == site && rev >= revision && exp > Date.now() / 1000 && (jti || id || !allow[0])
      && allow.every((category) => CATEGORIES.includes(category))) return allow;
  } catch {}
};

/** @returns {string | null} the token, of whatever age, if the answer is delivered */
export const token = () => (memory.unsent[0] ? null : memory.kept || null);

/**
 * Posts a decision, or that the banner was shown, in one request that outlives the page. A body of text needs no preflight.
 * @param {Pending | { lang: string, variant: string, signal?: 'gpc' }} content
 * @param {string} [path]
 */
export const post = (content, path = 'decisions') =>
  fetch(base + path, {
    method: 'POST',
    body: JSON.stringify(content, ['id', 'allow', 'notice', 'lang', 'variant', 'how', 'previous', 'signal']),
    keepalive: true,
  }).catch(() => {}); // offline, or the server is: the cookie keeps the decision

/**
 * Remembers a decision until it is delivered. It follows the one on its way, and replaces what waited behind that.
 * @param {Category[]} allow
 * @param {import('./types').How} how
 * @param {string} lang in which it was asked
 */
export const record = (allow, how, lang) => {
  const [first] = memory.unsent;
  const at = Math.floor(Date.now() / 1000);
  const next = {
    allow,
    notice: notices[lang].hash,
    lang,
    variant,
    how,
    // 22 characters that are base64url of 16 bytes: the last must end in four zero bits.
    id: [...crypto.getRandomValues(new Uint8Array(21))].map((byte) => (byte % 36).toString(36)).join('') + 'A',
    previous: token() ?? first?.previous,
    site,
    rev: revision,
    at,
    exp: at + keep,
  };
  memory.unsent = first && !first.refused ? [first, next] : [next];
  writeCookie();
};
