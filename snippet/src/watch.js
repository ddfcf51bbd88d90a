/**
 * Reports names that the shop's lists do not allow in the present state: of cookies, storage entries and third-party
 * hosts. No value, no address of a page, nothing about the shopper. A layer of its own, for the page views that are drawn.
 */
import { matcher } from './clear.js';

const { names, cookie, addresses, domains } = __WATCH__;

/** Address of the site on the consent server. */
const server = new URL('.', import.meta.url);

/** Milliseconds after the page has loaded, or after an answer, in which most of what runs has left its traces; a page that is never idle gets as many more. */
const PATIENCE = 3000;
/** Names in one report. */
const MOST = 30;
/** Characters of a name. */
const LONGEST = 64;

/**
 * What may be somebody's own is not sent: addresses, long words, words with digits and whatever is no plain text. The
 * server folds again, by the same rules (web/reports.py).
 * @param {string} name
 */
const fold = (name) => name
  .replace(/https?:\S*|[\w.+-]+@[\w.-]+|[A-Za-z0-9]{20,}|(?=[A-Za-z]*\d)[A-Za-z0-9]{6,}|\d+|[^!-~]+/g, '*')
  .replace(/\*{2,}/g, '*').slice(0, LONGEST);

/** @param {string} name of something of the document's, whatever the page has named so */
const ofDocument = (name) => Reflect.get(Document.prototype, name, document);

/**
 * Reports once, if there is anything.
 * @param {import('./types').Consent} consent
 * @param {() => number} answered when this page was, in the time of `performance.now()`
 */
export const report = (consent, answered) => {
  const state = () => {
    const { choice } = consent;
    if (!choice) return consent.signal ?? 'before';
    const given = Object.values(choice);
    return given.every(Boolean) ? 'accepted' : given.some(Boolean) ? 'some' : 'refused';
  };

  /** @param {string} host */
  const isOwn = (host) => [location.hostname.replace(/^www\./, ''), ...domains].some((domain) => `.${host}`.endsWith('.' + domain));
  const known = addresses.map((each) => each.map(({ match, category }) => ({ match: RegExp(match), category })));

  /** @param {URL} address @returns {boolean} whether nobody has said that it may be asked now */
  const isForeign = ({ protocol, host, hostname, pathname }) => {
    if (!/^(http|ws)s?:$/.test(protocol) || isOwn(hostname) || host == server.host) return false;
    // A tracker's path says more than a host that several services share.
    const [found = []] = known.map((each) => each.filter(({ match }) => match.test(host + pathname))).filter((each) => each[0]);
    return !found.some(({ category }) => consent.allows(/** @type {import('./types').Category} */ (category)));
  };

  /** @param {string} place as `clear.js` calls them @param {() => string[]} read */
  const unlisted = (place, read) => {
    const kept = [cookie, 'consent', 'ask-*'];
    for (const [category, listed] of Object.entries(names)) {
      if (consent.allows(/** @type {import('./types').Category} */ (category))) kept.push(...listed);
    }
    const isKept = matcher(kept, place);
    try {
      return read().filter((name) => name && !isKept(name)).map(fold);
    } catch {
      return []; // it is blocked: nothing is in it
    }
  };

  let done = false;
  /** @type {PerformanceEntryList} */
  const entries = [];
  try {
    new PerformanceObserver((list) => entries.push(...list.getEntries())).observe({ type: 'resource', buffered: true });
  } catch {} // a browser without it sees no hosts

  const post = () => {
    if (done || ofDocument('prerendering')) return;
    const hosts = entries.filter(({ startTime }) => startTime >= answered()).map(({ name }) => new URL(name)).filter(isForeign);
    const found = Object.entries({
      cookie: unlisted('cookie', () => ofDocument('cookie').split('; ').map((/** @type {string} */ each) => each.split('=')[0])),
      'local-storage': unlisted('local-storage', () => Object.keys(localStorage)),
      'session-storage': unlisted('session-storage', () => Object.keys(sessionStorage)),
      request: hosts.map(({ host }) => fold(host)),
    }).flatMap(([kind, each]) => [...new Set(each)].map((name, turn) => ({ turn, seen: [kind, name] })));
    // Each kind has its turn, so that a hundred cookies leave room for a host.
    const last = found.map((each) => each.turn).sort((one, other) => one - other)[MOST] ?? MOST;
    const seen = found.filter((each) => each.turn < last).map((each) => each.seen);
    if (!seen[0]) return; // perhaps later, when the page is left
    done = true;
    fetch(new URL('seen', server), {
      method: 'POST', body: JSON.stringify({ state: state(), seen }), keepalive: true, credentials: 'omit', referrerPolicy: 'origin',
    }).catch(() => {});
  };

  let turn = 0;
  const later = () => {
    clearTimeout(turn);
    turn = window.setTimeout(() => (typeof requestIdleCallback == 'function' ? requestIdleCallback(post, { timeout: PATIENCE }) : post()), PATIENCE);
  };
  later();
  addEventListener.call(document, 'consentchange', later);
  addEventListener('visibilitychange', () => ofDocument('hidden') && post());
};
