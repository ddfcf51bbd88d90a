/**
 * Puts an account's answer into the cookie where the shop's back end says so, and the device's own back at a logout. It
 * stands before the gate in consent.js where a shop says `accounts`, and nowhere else: so the gate, which knows nothing of
 * it, finds what there is to be. web/accounts/held.py says what is in `ask-account`.
 *
 * A response may come when a later answer is in the cookie. So it says what the server saw there, and anything else stays.
 */
const { cookie, domain, keep } = __ACCOUNT__;

const state = cookie.replace('consent', 'ask-account');
/** As the browser has it, whatever the page has named so. */
const prototype = Object.getPrototypeOf(document);
const scope = `;Path=/;SameSite=Lax${location.protocol == 'https:' ? ';Secure' : ''}${
  `.${location.hostname}`.endsWith('.' + domain) ? ';Domain=' + domain : ''};Max-Age=`;
/** @param {string} name @param {string} value */
const put = (name, value) => Reflect.set(prototype, 'cookie', `${name}=${value}${scope}${value ? keep + 7776000 : 0}`, document);

try {
  /** @type {string} */
  const jar = Reflect.get(prototype, 'cookie', document);
  /** What outlasts a script's cookie counts as it does for the gate: see cookie.js. @param {string} name */
  const valueOf = (name) => RegExp(`(?:^|; )${name}=([^;]+)`).exec(jar.replace(/^(?=.*\bask-guard=([^;]+))(.*)\bask-kept=\1\./, '$2consent='))?.[1];
  const [, what, seen, mark, token] = /^(\w+)\.([\w-]+)\.([\w-]+)\.(.*)$/.exec(valueOf(state) ?? '') ?? [];
  // Of several, of scopes that the shop had before, the gate knows which counts, and leaves that one alone.
  if (what && !jar.match(RegExp(`(?:^|; )${cookie}=`, 'g'))?.[1]) {
    const isAsSeen = (valueOf(cookie) ?? '0').endsWith(seen);
    if (isAsSeen) {
      put('ask-guard', '');
      put(cookie, token);
    }
    put(state, what == 'out' ? '' : isAsSeen ? `${what}.${mark}` : 'in.0');
  }
} catch {} // a sandboxed frame sees no cookie

export {};
