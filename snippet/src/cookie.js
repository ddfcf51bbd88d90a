/**
 * The cookie, which remembers the answer and is the queue of what is undelivered. Its states, shared by all tabs and hosts
 * that see it:
 *
 *   none       nobody has answered
 *   waiting    "~" and a list: the decision on its way, and the one that followed it
 *   delivered  the server's token of the newest decision
 *
 *   any       -> waiting             record: a decision, in any tab; it names what it follows
 *   waiting   -> waiting, delivered  delivery.js: the server has taken the first, which is still the first
 *   any       -> none                erased
 *
 * Only pages write it, and read it anew right before: what the server says may come when a later decision is in the
 * cookie, and no page is left that could tell. There may be several of ours, in scopes that consent.toml said before, and
 * some of somebody else's: delivery.js tidies up behind each decision, and until then the newest counts. The page does not
 * check a signature: whoever can write the cookie could as well press the button.
 */
import { asItIs } from './json.js';
import { base, CATEGORIES, config, doc, domain, keep, notices, revision, site, variant } from './site.js';

/**
 * @typedef {import('./types').Category} Category
 * @typedef {import('./types').State} State
 */

/** Characters of a token's signature and the dot before it. */
const SIGNATURE = 87;

/** @type {State} */
const NONE = { value: '', unsent: [], moment: 0 };

/** What the page knows, in a browser that keeps no cookie too. */
export let state = NONE;

/** Of this page alone. @type {import('./types').Memory} */
export const memory = {};

/** @returns {string} all cookies that this page sees; a sandboxed frame sees none */
export const jar = () => {
  try {
    return doc.cookie;
  } catch {
    return '';
  }
};

/** @param {string} text that starts with a cookie's name */
export const set = (text) => {
  try {
    doc.cookie = text;
  } catch {}
};

/** Where consent.toml says that the cookie is, up to the seconds that it lives. */
const scope = `;Path=/;SameSite=Lax${location.protocol == 'https:' ? ';Secure' : ''}${
  `.${location.hostname}`.endsWith('.' + domain) ? ';Domain=' + domain : ''};Max-Age=`;

const ours = RegExp(`(?:^|; )${config.cookie}=([^;]+)`, 'g');

/** @returns {State | undefined} what a value of the cookie says, unless it is somebody else's or another shop's */
export const parse = (value = '') => {
  try {
    const waits = value[0] == '~';
    // No text that may be in a payload has a - or _ in base64url. And a yes names its decision, so that a refusal's token
    // has nothing to turn into one.
    /** @type {import('./types').Pending[]} */
    const list = JSON.parse(waits ? decodeURIComponent(value.slice(1)) : `[${window.atob(value.slice(0, -SIGNATURE))}]`,
      // Whoever can write the cookie writes nothing that would be sent without end, or stand in the way of later decisions.
      (key, it) => (/^(id|previous)$/.test(key) ? it + '' : it));
    const last = /** @type {import('./types').Pending} */ (list.at(-1));
    const { allow, at, id = last.jti ?? '' } = last;
    if (last.site == site && (id || !allow[0]) && at < 1e13 && allow.every((category) => CATEGORIES.includes(category))) {
      // A refusal says the hour, and no yes of that hour is newer; of two that cannot be ordered the stricter counts.
      return { value, unsent: waits ? list : [], last, id, moment: at - (allow[0] ? allow.length / 8 : -3599) };
    }
  } catch {}
};

/**
 * Writes the cookie: what is undelivered, or the token, or nothing any more.
 * @param {string} [value]
 * @param {number} [life] seconds: three months longer than the answer holds, so that a renewal can name what it follows
 */
export const write = (value = '', life = keep + 7776000) => {
  state = parse(value) ?? NONE;
  set(config.cookie + '=' + value + scope + (value ? life : 0));
};

/**
 * Reads the cookie.
 * @returns {boolean} whether it brings a decision that this page has not heard of
 */
export const read = () => {
  const { id } = state;
  // Where a script's cookie does not last, the server has set two others for it: see delivery.js.
  if (!memory.deaf) {
    state = [...jar().replace(/^(?=.*\bask-guard=([^;]+))(.*)\bask-kept=\1\./, '$2consent=').matchAll(ours)]
      .map(([, value]) => /** @type {State} */ (parse(value)))
      .sort((one, other) => other.moment - one.moment)[0] ?? NONE; // what is undefined comes last by itself
  }
  return id != state.id;
};

/** @returns {Category[] | undefined} what is allowed; nothing if there is no answer, or it does not hold any more */
export const answer = () => {
  const { last } = state;
  // By a clock that is months off no answer would hold: the cookie of such a browser itself ends with the answer.
  if (last && last.rev >= revision && (last.exp > Date.now() / 1000 || /\bask-clock/.test(jar()))) return last.allow;
};

/**
 * Posts a decision, or that the banner was shown, in one request that outlives the page. A body of text needs no preflight.
 * @param {any} content
 * @param {string} [path]
 */
export const post = async ({ site, rev, at, exp, next, tries, ...content }, path = 'decisions') => {
  try {
    return await window.fetch(base + path, {
      keepalive: true,
      method: 'POST',
      body: JSON.stringify(content, asItIs),
    });
  } catch {} // offline, or the server is, or the page has something else by that name: the cookie keeps the decision
};

/**
 * Remembers a decision until it is delivered. It follows the one on its way, and replaces what waited behind that.
 * @param {Category[]} allow
 * @param {import('./types').How} how
 * @param {string} lang in which it was asked
 */
export const record = (allow, how, lang) => {
  read(); // another tab may have answered
  const { value, id, moment, unsent: [first] } = state;
  const step = allow[0] ? 1 : 3600;
  // Later than the one before, whatever the clock says now.
  const at = Math.floor(Math.max(Date.now() / 1000, moment + 1) / step) * step;
  // 22 characters that are base64url of 16 bytes: the last must end in four zero bits.
  const fresh = [...window.crypto.getRandomValues(new Uint8Array(21))].map((byte) => (byte % 36).toString(36)).join('') + 'A';
  if (!allow[0]) memory.id = first || !id ? fresh : ('no-' + id).slice(0, 64); // what takes back a yes is known by that
  const next = {
    allow,
    notice: notices[lang][0],
    lang,
    variant,
    how,
    id: allow[0] && fresh,
    previous: first ? first.previous : value || undefined,
    site,
    rev: revision,
    at,
    exp: at + keep,
  };
  memory.jar ??= jar();
  set('ask-guard=' + scope + 0); // what outlasts a script's cookie is of an older answer now
  write('~' + encodeURIComponent(JSON.stringify(first && !first.tries ? [first, next] : [next], asItIs)));
  memory.deaf = !jar().includes(state.value);
};
