/**
 * Brings what is unsent to the server, takes what it answers, and leaves one cookie of ours. A layer of its own, for whom
 * something waits.
 *
 * Another tab, or this page meanwhile, may have put a later decision into the cookie. So an answer of the server's changes
 * only the decision that it answers, and only where that is still the first in the cookie.
 */
import { asItIs } from './json.js';
import { assertSameProtocol } from './protocol.js';

/** @typedef {import('./types').Pending} Pending */

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Says that the clock is wrong. */
const CLOCK = 'ask-clock';
/** Where this tab has what names the shopper of answers that were taken back here. */
const WITHDRAWN = 'ask-withdrawn';
/** See outlast. */
const [GUARD, LASTING] = ['ask-guard', 'ask-kept'];

/** @type {(gate: import('./types').Gate) => import('./types').Delivery} */
const delivery = (gate) => {
  assertSameProtocol(gate);
  const { doc, memory, getState, follow, parse, post } = gate;
  const { cookie, keep } = gate.settings;
  const { hostname, pathname, protocol } = location;

  // ---- One cookie of ours ----

  const jar = () => {
    try {
      return doc.cookie;
    } catch {
      return ''; // a sandboxed frame sees none
    }
  };
  /** @returns {[string, string][]} name and value of each cookie */
  const cookies = (text = jar()) => text.split('; ').map((each) => /** @type {any} */ (each.split(/=(.*)/s)));
  /** @param {string} name */
  const valueOf = (name) => cookies().find(([each]) => each == name)?.[1];
  /** @param {string} [text] @returns {string[]} what somebody else keeps under the name of the cookie */
  const theirs = (text) => cookies(text).flatMap(([name, value]) => (name == cookie && !parse(value) ? [value] : []));
  const ours = () => cookies().flatMap(([name, value]) => (/^(__Host-)?consent$/.test(name) && parse(value) ? [value] : []));

  /** @returns {string[]} each place from which this page sees a cookie: its paths; this host alone, or with its parents */
  const places = () => {
    const hosts = hostname.split('.').map((_, i, labels) => ';Domain=' + labels.slice(i).join('.'));
    const paths = pathname.split('/').flatMap((_, i, parts) => {
      const path = ';Path=' + parts.slice(0, i + 1).join('/');
      return i ? [path, path + '/'] : [path + '/'];
    });
    return ['', ...hosts].flatMap((host) => paths.map((path) => path + host));
  };

  /** @param {string} name @param {string} value @param {string} place @param {number | null} [life] seconds; null: as long as the browser runs */
  const put = (name, value, place, life = 0) => {
    try {
      doc.cookie = `${name}=${value}${place};SameSite=Lax${life == null ? '' : ';Max-Age=' + life}${protocol == 'https:' ? ';Secure' : ''}`;
    } catch {}
  };

  const { domain } = gate.settings;
  const home = ';Path=/' + (`.${hostname}`.endsWith('.' + domain) ? ';Domain=' + domain : '');

  /** @param {...string} names of our other cookies, that go */
  const expire = (...names) => {
    for (const name of names) if (valueOf(name) != null) for (const place of places()) put(name, '', place);
  };

  /**
   * Keeps an answer, or none, where consent.toml says; beside it, if somebody else's is there, or the browser takes none
   * for that domain. Removes ours from everywhere else, and nobody else's.
   */
  const store = (value = '', life = keep + 90 * DAY) => {
    const before = [...theirs(), ...theirs(memory.jar ?? '')];
    memory.jar = undefined;
    let place = home;
    const giveBack = () => {
      // How long it was to live nobody says: that of another shop as ours, any other no longer than it may have.
      for (const lost of before) if (!theirs().includes(lost)) put(cookie, lost, place, /^~%5B|^\w+\.[\w-]{86}$/.test(lost) ? life : null);
    };
    const moment = parse(value)?.moment ?? 0;
    // Or another tab has answered since this one last looked: its later answer stays.
    const isKept = () => cookies().some(([name, text]) => name == cookie && (text == value || (parse(text)?.moment ?? 0) > moment));
    const settle = () => {
      for (const each of [home, ';Path=/', ';Path=/;Domain=' + hostname]) {
        if (!value || isKept()) return;
        put(cookie, value, (place = each), life);
        giveBack();
      }
    };
    if (value != getState().value) gate.write(value, life);
    giveBack();
    settle();
    const kept = place;
    for (place of places()) {
      if (place == kept) continue;
      for (const name of ['consent', '__Host-consent']) {
        const left = ours();
        if (!left[1] && !left.some((text) => text != value)) break;
        put(name, '', place);
        giveBack();
      }
    }
    place = kept;
    settle(); // a host may have two names for one place
    memory.deaf = !!value && !isKept();
  };

  // ---- What was taken back ----

  // A refusal's token names nobody, and so cannot have the answers before it erased. This tab still can, and no longer.

  /** @returns {string[]} tokens of answers that were taken back in this tab, a shopper each */
  const withdrawn = () => {
    try {
      memory.withdrawn ??= sessionStorage.getItem(WITHDRAWN) ?? '';
    } catch {} // storage is blocked: this page knows what it did itself
    return memory.withdrawn?.split(' ').filter(Boolean) ?? [];
  };

  /** @param {string[]} tokens */
  const keepWithdrawn = (tokens) => {
    memory.withdrawn = tokens.join(' ');
    try {
      if (memory.withdrawn) sessionStorage.setItem(WITHDRAWN, memory.withdrawn);
      else sessionStorage.removeItem(WITHDRAWN);
    } catch {}
  };

  const forget = () => {
    expire(GUARD, LASTING, CLOCK);
    keepWithdrawn([]);
    store();
    const account = cookie.replace('consent', 'ask-account');
    if (valueOf(account) != null) put(account, 'erased', home, keep); // for the shop's back end: see web/accounts/held.py
  };

  // ---- The server's answers ----

  /** @param {Pending} decision @returns {string | undefined} by what the server knows it again, if this page knows that */
  const idOf = ({ id, previous }) => {
    const followed = parse(previous)?.id;
    return id ?? (followed ? ('no-' + followed).slice(0, 64) : memory.id);
  };

  /** @param {Pending} one @param {Pending | undefined} other */
  const isSame = (one, other) => (one.id ? one.id == other?.id : JSON.stringify(one) == JSON.stringify(other));

  /** @param {string[]} one @param {string[]} other @returns {boolean} whether they have the same in them */
  const isSet = (one, other) => `${[...one].sort()}` == `${[...other].sort()}`;

  const newId = () => crypto.getRandomValues(new BigUint64Array(2)).join('-');

  /** @param {Response} response */
  const readClock = (response) => {
    const apart = Math.abs(Date.now() - Date.parse(response.headers.get('Date') ?? '')) / 1000;
    if (!(apart > DAY)) return void expire(CLOCK);
    put(CLOCK, '1', home, keep);
    return keep; // then the browser ends the answer, by whatever clock it has
  };

  /** @returns {Promise<boolean>} whether it is no fetch at all, which would refuse this address; one that the page has wrapped may have sent what failed */
  const isNoFetch = async () => {
    let asked;
    try {
      asked = window.fetch('http://');
    } catch {
      return true; // a browser's refuses later
    }
    return Promise.resolve(asked).then((answer) => !answer?.json, () => false);
  };

  /**
   * Posts in another way, where nothing may have been sent as the page has something of its own by the name `fetch`.
   * @param {any} posted what it has given, if anything
   * @param {Pending} decision
   * @returns {Promise<Response | undefined>}
   */
  const postOtherwise = async (posted, { site, rev, at, exp, next, tries, ...content }) => {
    if (!navigator.onLine || posted || !await isNoFetch()) return;
    return new Promise((resolve) => {
      const request = new window.XMLHttpRequest();
      request.open('POST', gate.server + 'decisions');
      request.onloadend = () => {
        const { responseText, status } = request;
        /** @param {string} name */
        const get = (name) => RegExp(`^${name}: *(.*)`, 'im').exec(request.getAllResponseHeaders())?.[1] ?? null;
        resolve(status ? /** @type {any} */ ({ ok: status < 300, status, headers: { get }, json: async () => JSON.parse(responseText) }) : undefined);
      };
      request.send(JSON.stringify(content, asItIs));
    });
  };

  /** @param {Pending[]} unsent */
  const waiting = (unsent) => '~' + encodeURIComponent(JSON.stringify(unsent, asItIs));

  const send = async () => {
    let renewed = false;
    for (;;) {
      follow();
      const [first] = getState().unsent;
      const now = Date.now() / 1000;
      // Not again and again what the server refuses. A clock that was turned back does not keep it waiting.
      if (!first || (first.next ?? 0) > now && (first.next ?? 0) < now + 2 * DAY) return;
      const id = idOf(first);
      if (!id) return; // the page on which it was refused has its id
      const { sent } = memory;
      memory.sent = undefined;
      const posted = await (sent && isSame(sent.first, first) ? sent.response : post({ ...first, id }));
      const response = posted?.json ? posted : await postOtherwise(posted, { ...first, id });
      if (!response || response.status == 429 || response.status > 499) return;
      // Somebody else may answer for the server, in a language of their own.
      const { token, allow, type, detail } = (await response.json().catch(() => 0)) ?? {};
      const given = parse(token)?.last;
      follow();
      const unsent = getState().unsent.map((each) => ({ ...each }));
      const [taken, next] = unsent;
      if (!taken || !isSame(first, taken)) continue;
      if (response.ok && allow && !token && taken.id && !renewed) {
        // Taken long ago, when the answer was lost; whoever asks so late gets no token. So it is given once more.
        taken.id = newId();
        renewed = true;
        store(waiting(unsent));
      } else if (response.ok && given && isSet(given.allow, taken.allow)) {
        memory.id &&= newId();
        const { previous } = taken;
        if (previous && parse(previous)?.last?.sub && !parse(token)?.last?.sub) keepWithdrawn([...withdrawn(), previous]);
        if (next) next.previous = token;
        store(next ? waiting([next]) : token, readClock(response));
      } else if (taken.previous && /\/previous-|other-content/.test(type)) {
        delete taken.previous;
        store(waiting(unsent));
      } else {
        // Or somebody else answers for the server: a token of another answer would make a yes of a no.
        if (response.status != 204) console.warn('consent: decision not taken:', detail ?? response.status); // as of a preview
        const tries = (taken.tries ?? 0) + 1;
        // The next page may be of a shop that is mended; then hours pass, up to a day.
        taken.next = tries > 1 ? (Math.floor(now / HOUR) + Math.min(2 ** (tries - 1), 24)) * HOUR : 0;
        taken.tries = tries;
        // What is in no language of ours says nothing of this answer either.
        const goesOn = next && (allow || type);
        store(waiting(goesOn ? [next] : unsent));
        if (!goesOn) return;
      }
    }
  };
  /**
   * Safari keeps what a script has set for seven days. What a response of the shop's own host sets lives longer, but may
   * come after a later decision, when no page is left. So it takes two, and counts only together: each decision removes
   * the first, which never comes twice, and without which the second says nothing.
   */
  const outlast = async () => {
    const { value, unsent } = getState();
    const { origin } = /** @type {any} */ (gate.newElement('a', { href: gate.server }));
    if (cookie != 'consent' || !/^Apple/.test(navigator.vendor) || origin != location.origin || unsent[0] || !value) return;
    for (let calls = 0; calls < 3 && valueOf(LASTING) != `${valueOf(GUARD)}.${value}`; calls++) {
      await fetch(gate.server + 'keep', { method: 'POST' });
    }
  };

  /** @type {import('./types').Delivery['deliver']} */
  const deliver = (found) => {
    follow(); // another tab may have decided since this layer was wanted
    if (found) memory.id ??= newId();
    const { unsent, value } = getState();
    if (unsent[0]) expire(GUARD, LASTING);
    store(value);
    return (memory.sending ??= send().then(outlast).catch(() => {}).then(() => {
      memory.sending = undefined;
    }));
  };

  return { deliver, forget, withdrawn };
};

export default delivery;
