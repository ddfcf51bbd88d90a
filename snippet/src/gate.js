/**
 * The gate: holds what is marked, releases what the shopper allows, remembers the answer, and is `window.consent`.
 *
 * A marked element is inert as it stands in the page's HTML, so a failure anywhere here leaves everything held.
 */
import { addStyle, element, hideBanner, painted, showBanner, theHost } from './banner.js';
import { answer, memory, post, read, record, token, queued, writeCookie } from './cookie.js';
import { base, CATEGORIES, clear, config, detailsHash, gpc, language, script, trusted, variant } from './site.js';

/** @typedef {import('./types').Category} Category */

/** What the answer allows, and nothing while there is none. @type {Category[] | undefined} */
let allowed;

/** @param {string} category */
export const allows = (category) => category == 'necessary' || !!allowed?.includes(/** @type {Category} */ (category));

/** @param {string} category */
export const when = async (category) => {
  while (!allows(category)) await new Promise((resolve) => document.addEventListener('consentchange', resolve, { once: true }));
};

// ---- Hold and release ----

/** Trackers caught before they are in the document. @type {Set<HTMLElement>} */
export const caught = new Set();
/** @type {Set<HTMLElement>} */
const released = new Set();
/** What is released runs in page order. @type {Promise<unknown>} */
let line = Promise.resolve();
/** Catches a tracker that the parser made. @type {(element: HTMLElement) => void} */
let markTracker;
let selector = '[data-consent]';

/** @param {HTMLElement} marked */
const categoriesOf = (marked) => (marked.dataset.consent ?? '').trim().split(/\s+/);

/**
 * Lets a held element do what it would have done. A script is made anew, as the browser looks at each only once; in a
 * task of its own, and the next waits until it has loaded.
 * @param {HTMLElement} marked
 */
const run = async (marked) => {
  const { dataset } = marked;
  const isScript = marked instanceof HTMLScriptElement;
  if (isScript) await new Promise((resolve) => setTimeout(resolve));
  // Withdrawn while it stood in line: held again.
  if (!categoriesOf(marked).every(allows)) return released.delete(marked);
  if (!isScript) {
    // Out of the page meanwhile: what a frame was before, which a reload would bring back, is then of no account.
    const { parentNode, nextSibling } = marked;
    marked.remove();
    for (const name of ['srcset', 'src', 'href']) if (dataset[name]) marked.setAttribute(name, dataset[name]);
    return parentNode?.insertBefore(marked, nextSibling);
  }

  const fresh = /** @type {HTMLScriptElement} */ (element('script', {}));
  for (const { name, value } of marked.attributes) {
    if (!/^(type|src|data-src|nonce|on.*)$/.test(name)) fresh.setAttribute(name, value);
  }
  fresh.nonce = marked.nonce;
  fresh.type = dataset.type ?? '';
  fresh.async = marked.hasAttribute('async');
  const src = dataset.src ?? marked.getAttribute('src');
  if (src) fresh.src = trusted.createScriptURL(src);
  else fresh.text = trusted.createScript(marked.text);
  released.add(fresh);
  const loaded = new Promise((resolve) => {
    fresh.onload = fresh.onerror = (event) => resolve(marked.dispatchEvent(new Event(/** @type {Event} */ (event).type)));
  });
  marked.replaceWith(fresh);
  if (src && !fresh.async) await loaded;
};

/** @param {HTMLElement} marked */
const release = (marked) => {
  if (released.has(marked)) return;
  const missing = categoriesOf(marked).find((category) => !allows(category));
  if (missing == undefined) {
    // A script must be in the page; one that the page's policy would not run is not run on its behalf.
    if (marked instanceof HTMLScriptElement && !(marked.isConnected
      && (!script.nonce || marked.nonce == script.nonce || caught.has(marked)))) return;
    released.add(marked);
    line = line.then(() => run(marked));
  } else if (!CATEGORIES.includes(/** @type {Category} */ (missing))) {
    released.add(marked); // never, and looked at no more
    console.warn('consent: unknown category', missing, marked);
  } else if (marked instanceof HTMLIFrameElement) {
    whenIdle(({ place }) => released.has(marked) || place(marked));
  }
};

/** @param {any} root an element, or another node; most that a parser brings have nothing in them */
const look = (root) => {
  for (const found of root.firstElementChild ? [root, ...root.querySelectorAll(selector)] : [root]) {
    markTracker?.(found);
    if (found.dataset?.consent != null) release(found);
  }
};

// ---- Decide ----

/** @type {typeof import('./vendors.js').tell | undefined} */
let tell;

/** @param {'consentready' | 'consentchange'} type */
const announce = (type) => document.dispatchEvent(new CustomEvent(type, { detail: consent.choice }));

/** Makes the page agree with the answer. */
const agree = () => {
  const before = allowed;
  allowed = answer();
  undecided = false;
  hideBanner();
  tell?.(consent.choice);
  announce('consentchange'); // before a reload, which would swallow it
  if (before && !before.every(allows)) soon(({ withdraw }) => withdraw(released));
  line = line.then(painted);
  [document, ...caught].forEach(look);
};

/** @param {Category[]} allow @param {import('./types').How} how */
const decide = (allow, how) => {
  record(allow, how);
  agree();
  painted().then(() => {
    // At once, as the shopper may leave before the details are here, which take the answer.
    if (!memory.unsent[1] && !memory.sending) memory.sent ??= post(memory.unsent[0]);
    soon(({ deliver }) => deliver());
  });
};

/** @returns {string[]} names, `*` for anything, of what no answer allows to stay in the browser */
const unwanted = () => clear.filter((_, i) => !allows(CATEGORIES[i])).flat();

// ---- Ask ----

/** @typedef {import('./types').Layers} Layers */

/** @type {Record<string, Promise<any> | undefined>} */
const layers = {};

/**
 * @template {keyof Layers} Name
 * @param {Name} name of a script that brings more than the first layer
 * @param {string} [lang]
 * @returns {Promise<Layers[Name]>} what it brings; it is fetched once, and again if it did not load
 */
const loadLayer = (name, lang = language()) =>
  (layers[name] ??= new Promise((resolve, reject) => {
    document.head.append(element('script', {
      src: trusted.createScriptURL(`${base}${name}.${lang}.${detailsHash}.js`),
      onload: ({ target }) => resolve(target[name](gate)),
      onerror: () => reject((layers[name] = undefined)),
    }));
  }));

const details = () => loadLayer('details');

/** @param {(details: import('./types').Details) => void} use of the second layer; if it does not load, the next page may */
const soon = (use) => details().then(use, () => {});

/** @param {(details: import('./types').Details) => void} use when the page has nothing better to do */
const whenIdle = (use) => {
  const idle = () => (window.requestIdleCallback ?? setTimeout)(() => soon(use));
  if (document.readyState == 'complete') idle();
  else addEventListener('load', idle);
};

const open = () => details().then((details) => details.open());

let undecided = false;
/** The body that the banner is in; a single-page app may put another in its place. @type {HTMLElement} */
let asked;

const ask = () => {
  if (!undecided || !document.body || asked == document.body) return;
  asked = document.body;
  showBanner(() => decide(CATEGORIES, 'accept'), () => decide([], 'refuse'), open);
};

// ---- window.consent ----

/** @type {import('./types').Consent} */
const consent = {
  allows,
  get choice() {
    return allowed ? /** @type {any} */ (Object.fromEntries(CATEGORIES.map((category) => [category, allows(category)]))) : null;
  },
  when,
  open,
  decide(wanted) {
    decide(CATEGORIES.filter((category) => wanted[category] ?? allows(category)), 'script');
  },
  get token() {
    return allowed ? token() : null;
  },
  receipt: () => loadLayer('mine').then((mine) => mine.receipt()),
};

/** @type {import('./types').Gate} */
const gate = {
  memory, queued, post, writeCookie, server: base, settings: config, consent, way: variant, theHost, addStyle,
  newElement: element, decide, agree, letRun: release, categoriesOf, unwanted, loadLayer,
};

/** Another tab, or the server, may have changed the cookie. */
const follow = () => {
  if (read() && `${answer()}` != `${allowed}`) agree();
};

/** @returns {boolean | undefined} whether there seems to be something that no answer allows, or a message about it */
const traces = () => {
  try {
    const names = document.cookie + Object.keys(localStorage) + Object.keys(sessionStorage);
    return ['ask-removed', ...unwanted()].some((pattern) => names.includes(pattern.split('*')[0]));
  } catch {} // storage is blocked: nothing is in it
};

/**
 * @param {typeof tell} [tellVendors] what only some shops need, as the next
 * @param {typeof import('./trackers.js').stopTrackers} [stopTrackers]
 */
export const start = (tellVendors, stopTrackers) => {
  if (window.consent) return; // the tag is in the page twice
  read();
  allowed = answer();
  undecided = !allowed;
  // The signal answers; the banner is there, this once, for who wants to answer otherwise.
  if (undecided && gpc && navigator.globalPrivacyControl) record((allowed = []), 'signal');
  if (tellVendors && stopTrackers) {
    tell = tellVendors;
    tell(null);
    if (allowed) tell(consent.choice);
    markTracker = stopTrackers();
    selector += ',script,iframe,img';
  }

  window.consent = consent;
  look(document);
  new MutationObserver((records) => {
    for (const { addedNodes } of records) addedNodes.forEach(look);
    ask();
  }).observe(document, { childList: true, subtree: true });

  addEventListener('click', (event) => {
    if (!(/** @type {Element} */ (event.target).closest?.('[data-consent-open]'))) return;
    event.preventDefault();
    open();
  });
  addEventListener('visibilitychange', follow);
  window.cookieStore?.addEventListener('change', follow);

  const calls = /** @type {((consent: import('./types').Consent) => void)[]} */ (window.consentQueue ?? []);
  window.consentQueue = { push: (call) => call(consent) };
  // One that throws does not stop the others; one that listens for consentready hears it.
  [...calls, () => announce('consentready')].forEach((call) => queueMicrotask(() => call(consent)));

  ask();
  // A returning shopper whose answer is delivered needs nothing from the server.
  if (undecided || memory.unsent[0] || traces()) whenIdle((details) => details.arrive(undecided));
};
