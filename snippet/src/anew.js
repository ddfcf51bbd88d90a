/** Comes to a page anew, which alone ends a script that has run. */
import { hush } from './hush.js';

/** @typedef {import('./types').Gate} Gate */

/** Milliseconds in which the page that comes next has to answer. */
const ANSWER = 5000;

/** Milliseconds in which a browser has asked whether the shopper wants to leave: WebKit begins to leave in a later task. */
const SOON = 100;

/** @param {number} milliseconds */
export const after = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

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

/**
 * @param {Gate} gate
 * @param {string} href this page's address
 * @returns {Promise<boolean>} whether there is something for who comes by GET, as far as can be known: it may be the answer page
 *   of a form. HEAD costs a page less, and not each server knows it.
 */
const isThere = async ({ doc }, href) => {
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
        // Where it leads elsewhere, it may be to a host that no script may ask.
        const { ok, status, type } = await fetch(href, { method, redirect: 'manual', signal: AbortSignal.timeout(ANSWER) });
        // A page that says "not found", or "later", says so again.
        if (ok || type == 'opaqueredirect' || status == own?.responseStatus) return true;
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

/** @param {string} href @returns {string} without what leads within a page */
const bare = (href) => href.replace(/#.*/s, '');

/** @param {Gate} gate @returns {import('./types').Leaving} */
export const leaving = (gate) => {
  const { consent, memory } = gate;
  /** When the page seemed to be left, as with a download too. */
  let left = 0;
  /** Where it is led. */
  let going = '';
  /** Ends when the page is still here that has asked the shopper whether to leave: so they stay. @type {Promise<void> | undefined} */
  let stays;

  /** @param {BeforeUnloadEvent} event */
  const hear = (event) => {
    const since = left = Date.now();
    memory.ending = true;
    setTimeout(() => {
      memory.ending = false;
      // Or they have said that they leave, and the next page is on its way.
      if (event.defaultPrevented || event.returnValue) {
        stays = after(ANSWER).then(() => {
          if (left == since) memory.hushed = false;
        });
      }
    });
  };
  let watched = false;
  /** @type {import('./types').Leaving['watch']} */
  const watch = (on = watched) => ((watched = on) || !/Firefox/.test(navigator.userAgent) ? addEventListener : removeEventListener)('beforeunload', hear);

  /** @param {string} href this page's address; to one with a fragment the browser comes only from another one */
  const go = (href) => unrouted(() => {
    going = href;
    stays = undefined;
    memory.ending = true; // for who hears of it before we do
    setTimeout(() => {
      memory.ending = false;
    }, SOON);
    if (href.includes('#')) goBy(awayFrom(href));
    location.replace(href);
  });

  /** How often the page has become quiet. */
  let times = 0;
  /** @param {import('./types').Category[]} before what was allowed @param {() => boolean} isOver whether enough of it is again */
  const untilAllowed = async (before, isOver) => {
    const since = times;
    while (!isOver()) await Promise.race(before.filter((category) => !consent.allows(category)).map(consent.when));
    if (since == times) memory.hushed = false;
  };

  /** @type {import('./types').Leaving['quiet']} */
  const quiet = (before) => {
    watch(true);
    if (!memory.hushed) {
      times++;
      if (before[0]) untilAllowed(before, () => before.every(consent.allows));
    }
    hush(gate, () => go(location.href == awayFrom(going) ? going : location.href));
  };

  /** @param {() => boolean} isOver @param {boolean} [again] @returns {Promise<string | undefined>} */
  const whereTo = async (isOver, again) => {
    const { href } = location;
    if (!await isThere(gate, href)) return;
    if (Date.now() - left < ANSWER) await after(ANSWER); // the shopper has gone elsewhere
    if (isOver()) return;
    // An app may have gone on to another of its pages; one that always does is asked no third time.
    return again || bare(location.href) == bare(href) ? location.href : whereTo(isOver, true);
  };

  /** @type {import('./types').Leaving['leave']} */
  const leave = async (before, tell) => {
    quiet(before);
    const href = await whereTo(() => !!before[0] && before.every(consent.allows));
    if (!href) {
      memory.hushed = false;
      return;
    }
    quiet(before);
    tell?.(href);
    go(href);
    await after(ANSWER);
    if (location.href == awayFrom(href)) unrouted(() => goBy(href));
    await stays;
    // Still here: what runs, runs on until the shopper leaves, and only a yes to all that was taken back ends the quiet.
    if (memory.hushed) untilAllowed(before, () => before.every(consent.allows));
  };

  return { watch, quiet, leave };
};
