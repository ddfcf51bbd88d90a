/**
 * The gate: asks, remembers the answer, makes the page agree with it, and is `window.consent`.
 */
import { addStyle, banner, element, hideBanner, painted, showBanner, spoken, theHost } from './banner.js';
import { answer, memory, post, queued, read, record, token, writeCookie } from './cookie.js';
import { allowed, allows, alsoHold, categoriesOf, caught, look, queue, release, released, setAllowed, when } from './hold.js';
import { handOver, loadLayer, soon, whenIdle } from './layers.js';
import { PROTOCOL } from './protocol.js';
import { base, CATEGORIES, config, doc, signal, variant } from './site.js';

/** @typedef {import('./types').Category} Category */

// ---- Decide ----

/** @type {typeof import('./vendors.js').tell | undefined} */
let tell;

/** @param {'consentready' | 'consentchange'} type */
const announce = (type) => doc.dispatchEvent(new CustomEvent(type, { detail: consent.choice }));

/** Makes the page agree with the answer. */
const agree = () => {
  const before = allowed;
  setAllowed(answer());
  undecided = false;
  hideBanner();
  tell?.(consent.choice);
  announce('consentchange'); // before a reload, which would swallow it
  if (before && !before.every(allows)) soon(({ withdraw }) => withdraw(released));
  queue(painted);
  [document, ...caught].forEach(look);
};

/** @param {Category[]} allow @param {import('./types').How} how @param {string} [lang] in which it was asked */
const decide = (allow, how, lang = spoken()) => {
  record(allow, how, lang);
  agree();
  painted().then(() => {
    // At once, as the shopper may leave before the details are here, which take the answer.
    if (!memory.unsent[1] && !memory.sending) memory.sent ??= post(memory.unsent[0]);
    soon(({ deliver }) => deliver());
  });
};

/** @returns {string[]} names, `*` for anything, of what no answer allows to stay in the browser */
const unwanted = () => config.clear.filter((_, i) => !allows(CATEGORIES[i])).flat();

// ---- Ask ----

/** Loads the preferences before somebody asks for them, and what takes the answer. */
const reach = () => soon(() => {});

/** @param {boolean} [failed] */
const showFirstLayer = (failed) => {
  /** @param {Category[]} allow @param {'accept' | 'refuse'} how */
  const click = (allow, how) => () => decide(allow, allowed ? 'preferences' : how);
  showBanner([click(CATEGORIES, 'accept'), click([], 'refuse'), open], reach, failed);
};

/** Opens the preferences; where they do not load, the first layer says so, and takes a yes or a no all the same. */
const open = () =>
  loadLayer('details').then((details) => {
    if (allowed) hideBanner();
    details.open();
  }, () => showFirstLayer(true));

let undecided = false;
/** The body that was asked in; a single-page app may put another in its place. @type {HTMLElement} */
let asked;
/** How often the banner comes back to a page that takes it away, and nothing else. */
let again = 9;

const ask = () => {
  const { body } = doc;
  if (!undecided || !body || (banner?.isConnected ?? asked == body) || (asked == body && again-- < 1)) return;
  asked = body;
  showFirstLayer();
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
  get signal() {
    return signal();
  },
  receipt: () => loadLayer('mine').then((mine) => mine.receipt()),
};

/** What the layers that are fetched later get. @type {import('./types').Gate} */
const gate = {
  protocol: PROTOCOL, memory, queued, post, writeCookie, server: base, settings: config, consent, way: variant, theHost, addStyle,
  newElement: element, decide, agree, letRun: release, categoriesOf, unwanted, loadLayer,
};

/** Another tab, or the server, may have changed the cookie. */
const follow = () => {
  if (read() && `${answer()}` != `${allowed}`) agree();
};

/** @returns {boolean | undefined} whether there seems to be something that no answer allows, or a message about it */
const traces = () => {
  try {
    const names = doc.cookie + Object.keys(localStorage) + Object.keys(sessionStorage);
    return ['ask-removed', ...unwanted()].some((pattern) => names.includes(pattern.split('*')[0]));
  } catch {} // storage is blocked: nothing is in it
};

/**
 * @param {typeof tell} [tellVendors] what only some shops need, as the next
 * @param {typeof import('./trackers.js').stopTrackers} [stopTrackers]
 */
export const start = (tellVendors, stopTrackers) => {
  if (window.consent) return; // the tag is in the page twice
  handOver(gate);
  read();
  setAllowed(answer());
  undecided = !allowed;
  if (tellVendors && stopTrackers) {
    tell = tellVendors;
    tell(null);
    if (allowed) tell(consent.choice);
    alsoHold(stopTrackers());
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
  // Neither a shopper who was never here nor one whose answer is delivered needs more than this script.
  if (undecided && (memory.kept || signal()) || memory.unsent[0] || traces()) whenIdle((details) => details.arrive(undecided));
};
