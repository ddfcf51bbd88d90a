/** Comes to a page anew, which alone ends a script that has run. */
import { hush } from './hush.js';

/** @typedef {import('./types').Gate} Gate */

/** Milliseconds in which the page that comes next has to answer. */
export const ANSWER = 5000;

/** Milliseconds in which a browser has asked whether the shopper wants to leave: WebKit begins to leave in a later task. */
const SOON = 100;

/** @param {number} milliseconds */
export const after = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

/** When the shopper seemed to leave, as with a download too. */
let left = 0;
export const watchLeaving = () => addEventListener('beforeunload', () => {
  left = Date.now();
});

/**
 * @param {() => void} act what leads the page. A router of its own, that takes each visit of its pages for one to be drawn in
 *   place, is not asked: nothing would end.
 */
const unrouted = (act) => {
  /** @type {any} */
  const router = Reflect.get(window, 'NavigateEvent')?.prototype;
  const undo = Object.entries({ canIntercept: { get: () => false }, intercept: { value() {} }, preventDefault: { value() {} }, returnValue: { get: () => true, set() {} } })
    .map(([name, property]) => {
      const before = router && Object.getOwnPropertyDescriptor(router, name);
      const isSet = router && Reflect.defineProperty(router, name, Object.assign(Object.create(null), property, { configurable: true }));
      return () => isSet && (before ? Reflect.defineProperty(router, name, before) : Reflect.deleteProperty(router, name));
    });
  try {
    act();
  } finally {
    undo.forEach((each) => each());
  }
};

/** @param {string} href this page's address @returns {string} another of the same page, whatever its `<base>` */
const awayFrom = (href) => href.replace(/[?#].*/, '') + '?withdrawn';
/** @param {string} href what this page's address is to be, without a visit */
const goBy = (href) => History.prototype.replaceState.call(history, history.state, '', href);

/** Where the page is led. */
let going = '';
/** Whether the shopper was asked, and perhaps stays. */
let asked = false;
/** @param {Gate} gate @param {string} href this page's address; to one with a fragment the browser comes only from another one */
export const go = ({ memory }, href) => unrouted(() => {
  going = href;
  asked = false;
  memory.ending = true; // for who hears of it before the shopper is asked, and may stay
  const isHeard = () => {
    memory.ending = false;
  };
  setTimeout(isHeard, SOON);
  addEventListener('beforeunload', (event) => setTimeout(() => {
    isHeard();
    asked = event.defaultPrevented || !!event.returnValue;
  }), { once: true });
  if (href.includes('#')) goBy(awayFrom(href));
  location.replace(href);
});

/**
 * Something keeps the page from leaving: a shopper was asked, and stays. Or the next page is slow, so that who was not asked
 * counts as staying once they do something here.
 * @param {Gate} gate @param {string} href that the page gets back
 */
export const stay = async ({ memory }, href) => {
  if (location.href == awayFrom(href)) unrouted(() => goBy(href));
  await (asked || new Promise((resolve) => ['pointerdown', 'keydown'].forEach((type) =>
    addEventListener(type, ({ isTrusted }) => isTrusted && resolve(0), true))));
  memory.hushed = false;
};

/**
 * @param {Gate} gate
 * @param {string} href this page's address
 * @returns {Promise<boolean>} whether there is something for who comes by GET, as far as can be known: it may be the answer page
 *   of a form. HEAD costs a page less, and not each server knows it.
 */
export const isThere = async ({ doc }, href) => {
  /** Whether the page's policy lets no script ask the page's own host. */
  let barred = false;
  /** @param {SecurityPolicyViolationEvent} violation */
  const hear = ({ blockedURI, disposition, effectiveDirective }) => {
    barred ||= disposition == 'enforce' && effectiveDirective == 'connect-src' && blockedURI.startsWith(location.origin);
  };
  doc.addEventListener('securitypolicyviolation', hear);
  const [own] = /** @type {any[]} */ (performance.getEntriesByType?.('navigation') ?? []);
  try {
    for (const method of ['HEAD', 'GET']) {
      try {
        const { ok, status } = await fetch(href, { method, signal: AbortSignal.timeout(ANSWER) });
        // A page that says "not found", or "later", says so again.
        if (ok || status == own?.responseStatus) return true;
      } catch (error) {
        await after(0); // the browser says why
        if (/** @type {Error} */ (error).name == 'TimeoutError' || barred) return true;
      }
    }
    return false;
  } finally {
    doc.removeEventListener('securitypolicyviolation', hear);
  }
};

/**
 * Comes to this page anew, by GET: a reload would send a form again whose answer the page is. Nothing happens where the
 * page answers no GET.
 * @param {Gate} gate
 * @param {() => unknown} [isOver] whether it is not to be, when the page has answered
 * @returns {Promise<string | undefined>} the address of the page that is on its way, or that the shopper has gone to meanwhile
 */
export const comeBack = async (gate, isOver) => {
  const { href } = location;
  if (!await isThere(gate, href)) return;
  if (Date.now() - left < ANSWER) await after(ANSWER);
  if (isOver?.()) return;
  if (location.href != href) return comeBack(gate, isOver); // an app has gone on to another of its pages
  hush(gate, () => go(gate, location.href == awayFrom(going) ? going : location.href));
  go(gate, href);
  return href;
};
