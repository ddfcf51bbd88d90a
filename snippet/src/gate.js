/**
 * The gate: asks, remembers the answer, makes the page agree with it, and is `window.consent`.
 */
import { fetchAhead } from './ahead.js';
import { addStyle, banner, element, hideBanner, host, painted, showBanner, spoken, theHost } from './banner.js';
import { answer, jar, memory, parse, post, read, record, state, write } from './cookie.js';
import { allowed, allows, inForce, setAllowed, wake, when } from './hold.js';
import { afterLoad, deliver, handOver, loadLayer, mayImport, soon, tryLayer, whenIdle } from './layers.js';
import { PROTOCOL } from './protocol.js';
import { known, matters, offered, place, presume, presumed, rule, stopPresuming, unobjected } from './rules.js';
import { base, CATEGORIES, config, define, doc, inTime, parsed, prototype, script, signal } from './site.js';

/** @typedef {import('./types').Category} Category */

// ---- Decide ----

/** @type {typeof import('./vendors.js').tell | undefined} */
let tell;

/** @param {'consentready' | 'consentchange'} type @param {import('./types').Choice | null} detail */
const announce = (type, detail) => {
  /** @type {any} */
  const event = doc.createEvent('CustomEvent'); // the page may have the name of its class
  event.initCustomEvent(type, 0, 0, detail);
  doc.dispatchEvent(event);
  wake();
};

/** What answers are told to, and what they start and end, one after the other. @type {Promise<unknown>} */
let told = Promise.resolve(), done = told;

/**
 * Makes the page agree with the answer: it holds at once, and the click is over. What it starts, which may take long,
 * comes once the click is on the screen, in tasks of its own: the vendors, who listens, what is released.
 */
const agree = () => {
  const before = __RULES__ ? offered(allowed ?? unobjected) : allowed; // a signal that came meanwhile has ended nothing
  if (__RULES__) {
    memory.objected = !allowed;
    stopPresuming();
  }
  setAllowed(answer());
  if (__RULES__) heardOf = inForce();
  undecided = false;
  fetchAhead();
  hideBanner();
  const now = allowed;
  const { choice } = consent;
  const answers = tell && choices();
  // Fetched at once, as from then on it knows of a shopper who leaves.
  const layer = before && !before.every(allows)
    ? inTime(loadLayer('withdraw')).catch(() => memory) : undefined;
  let heard = told.then(painted);
  if (tell) {
    heard = heard.then(() => now == allowed && tell?.(/** @type {import('./types').Choice} */ (answers))) // no vendor hears a yes that is none any more
      .then(() => new Promise((resolve) => setTimeout(resolve)));
  }
  told = heard = heard.then(() => announce('consentchange', choice)); // before a reload, which would swallow it
  done = done.then(() => heard).then(() => release(true)).then(async (ran) => (await layer)?.withdraw?.(ran, before)).catch(window.console.error);
};

/** Whether release.js is wanted in this page. */
let releases = false;

/**
 * @param {boolean} [answered] whether there is an answer that was not there before
 * @returns {Promise<boolean | undefined>} whether a script was released that the answer does not allow any more
 */
const release = async (answered) => {
  releases ||= !!(__RULES__ ? inForce() : allowed)?.[0];
  if (releases) return inTime(loadLayer('release').then((layer) => layer.agree(answered))).catch(() => undefined); // it did not load: all stays held
};

/** @param {Category[]} allow @param {import('./types').How} how @param {string} [lang] in which it was asked */
const decide = (allow, how, lang = spoken()) => {
  record(__RULES__ ? offered(allow) : allow, how, lang);
  agree();
  painted().then(() => {
    const [first, next] = state.unsent;
    // At once, as the shopper may leave before the script is here that takes the answer.
    if (first && !next) memory.sent = { first, response: post({ id: memory.id, ...first }) };
    deliver();
  });
};

// ---- Ask ----

/** Who reaches for a button may want the preferences, or say yes: then what shows them, and what releases, is here already. */
const reach = () => {
  soon(null);
  tryLayer('release');
};

/** @param {boolean} [failed] */
const showFirstLayer = (failed) => {
  /** @param {Category[]} allow @param {'accept' | 'refuse'} how */
  const click = (allow, how) => () => decide(allow, allowed ? 'preferences' : how);
  showBanner([click(CATEGORIES, 'accept'), click([], 'refuse'), open], reach, failed);
  if (undecided && (state.value || signal())) whenIdle(({ arrive }) => arrive(undecided));
};

/** Opens the preferences; where they do not load, the first layer says so, and takes a yes or a no all the same. */
const open = () =>
  inTime(__RULES__ ? place().then(() => loadLayer('details', spoken())) : loadLayer('details', spoken())).then((details) => {
    if (allowed) hideBanner();
    details.open();
  }, () => showFirstLayer(true));

let undecided = false;
/** The body that was asked in; a single-page app may put another in its place. @type {HTMLElement} */
let asked;
/** How often the banner comes back to a page that takes it away, and nothing else. */
let again = 9;

/** Children of the document, of its root and of our own element are watched, no more: a body comes, and the banner may go. */
const around = new MutationObserver(() => {
  listen();
  ask();
});
const ask = () => {
  const { body, documentElement } = doc;
  if (!documentElement) return; // a script writes the page anew
  around.observe(documentElement, { childList: true });
  if (__RULES__ && !(known && offered(CATEGORIES)[0])) return; // it is not known what to ask, or there is nothing
  if (!undecided || !body || (banner?.isConnected ?? asked == body) || (asked == body && again-- < 1)) return;
  asked = body;
  showFirstLayer();
  around.observe(theHost(), { childList: true });
};

const PLACES = 'iframe[data-consent],[data-consent-list]';
/**
 * A frame that is held says so, and a place for the cookie list gets it, whatever is allowed. What comes into the page later
 * says so itself, and nothing has to watch the page: a frame by its `load`, a place by an animation of ours.
 * @param {any} event
 */
const seek = ({ target }) => {
  if (releases || !(target == document ? doc.querySelector(PLACES) : script.matches.call(target, PLACES))) return;
  releases = true;
  whenIdle(() => release());
};

/** Whether the first press of two was on something of ours. */
let wasOurs = false;
/** A button of the page's opens the preferences; the second click on a button of ours is not for what is behind it. @param {any} event */
const press = (event) => {
  // Document and window have what the page names so: `<form name="dataset">`.
  const path = event.composedPath();
  const isOurs = path.includes(host);
  if (event.isTrusted && event.detail < 2) wasOurs = isOurs; // a click that a script makes says nothing of it
  if (event.isTrusted && wasOurs && !isOurs) event.stopImmediatePropagation(); // so it is a second one
  else if (path.slice(0, -2).some((/** @type {any} */ each) => each.dataset?.consentOpen != null)) open();
  else return;
  event.preventDefault();
};

/** What `document.open()` took away is put back; what is there already is not there twice. */
const listen = () => {
  for (const type of ['readystatechange', 'load', 'animationstart']) doc.addEventListener(type, seek, true);
  // Before the page, which may stop it; also from within what a web component shows.
  addEventListener('click', press, true);
  addEventListener('focus', follow);
  addEventListener('visibilitychange', follow);
  seek({ target: document });
};

// ---- window.consent ----

/** @returns {import('./types').Choice} what is allowed, also where nobody has answered */
const choices = () => /** @type {any} */ (Object.fromEntries(CATEGORIES.map((category) => [category, allows(category)])));

/** @type {import('./types').Consent} */
const consent = {
  allows,
  get choice() {
    return allowed ? choices() : null;
  },
  when,
  open,
  decide(wanted) {
    follow(); // another tab may have refused what is not named here
    const allow = CATEGORIES.filter((category) => wanted[category] ?? (__RULES__ && !allowed ? false : allows(category)));
    decide(allow, 'script');
    if (__RULES__ && !known && matters(allow)) {
      const since = told; // whoever answers meanwhile has the last word
      place().then(() => since == told && offered(allow)[(allowed ?? []).length] && decide(allow, 'script'));
    }
  },
  get token() {
    return allowed && !state.unsent[0] ? state.value : null;
  },
  get signal() {
    return signal();
  },
  receipt: () => loadLayer('mine').then((mine) => mine.receipt()),
};

const isTaken = () => console.warn('consent: window.consent is taken; use consentQueue');
/** The page may have the name: a variable gives way, and an element with that id. @returns {boolean} whether it is ours */
const takeName = () =>
  define('consent', () => consent, isTaken) || Reflect.set(window, 'consent', consent);

/** Another tab, or the server, may have changed the cookie. */
const follow = () => {
  if (read() || undecided && answer()) agree();
};

/** What the layers that are fetched later get. @type {Omit<import('./types').Gate, 'rule' | 'place'>} */
const gate = {
  protocol: PROTOCOL, memory, getState: () => state, parse, post, write, follow, server: base,
  settings: config, consent, theHost, addStyle, newElement: element, decide, agree, loadLayer, doc,
  script, whenIdle,
};

/**
 * @returns {boolean | undefined} whether there seems to be something that no answer allows, or a message about it. The
 *   storage of who never answered is left alone.
 */
const traces = () => {
  try {
    const names = jar() + (state.value ? [window.localStorage, window.sessionStorage].map(Object.keys) : '');
    return config.clear.some((starts, i) => !allows(CATEGORIES[i]) && starts.some((start) => names.includes(start))) || names.includes('ask-removed');
  } catch {} // storage is blocked: nothing is in it
};

/** What was in force when the page last heard of it. @type {Category[]} */
let heardOf = [];
/** Asks where the shopper is, if that is to be known, and has the page agree with the rule there. */
const settle = async () => {
  if (known || !(undecided || matters(allowed ?? []))) return;
  await (doc.prerendering && mayImport); // a page that is made ahead asks nobody
  await place();
  follow(); // another tab may have answered meanwhile
  if (undecided) presume(state.last);
  if (inForce()[heardOf.length]) {
    tell?.(choices(), undecided ? presumed() : undefined);
    announce('consentchange', consent.choice);
    release();
  }
  ask();
};

/**
 * @param {typeof tell} [tellVendors] what only some shops need, as the next
 * @param {() => void} [stopTrackers]
 */
export const start = (tellVendors, stopTrackers) => {
  const mark = 'data-ask'; // no name of an element comes before the prototype
  if (mark in prototype) return; // the tag is in the page twice
  prototype[mark] = 1;
  handOver(/** @type {import('./types').Gate} */ (gate));
  read();
  setAllowed(answer());
  undecided = !allowed;
  if (__RULES__) {
    if (undecided && known) presume(state.last);
    heardOf = inForce();
    Object.assign(gate, { rule: () => rule, place });
  }
  if (tellVendors && stopTrackers) {
    tell = tellVendors;
    if (__RULES__) tell(null, presumed());
    else tell(null);
    if (allowed) tell(consent.choice);
    stopTrackers();
  }

  if (!takeName()) isTaken();
  else doc.addEventListener('readystatechange', () => window.consent == consent || isTaken() || takeName()); // a function of that name came

  release();
  mayImport.then(() => parsed).then(fetchAhead);
  const { consentQueue } = window;
  Reflect.set(window, 'consentQueue', { push: (/** @type {((it: typeof consent) => void)[]} */ ...calls) => calls.forEach((call) => call(consent)) });
  // One that throws does not stop the others; one that listens for consentready hears it.
  [...Array.isArray(consentQueue) ? consentQueue : [], () => announce('consentready', consent.choice)].forEach((call) => queueMicrotask(() => call(consent)));

  around.observe(document, { childList: true });
  if (undecided) ask();
  else if (!releases) afterLoad(() => addStyle(''));
  listen();
  window.cookieStore?.addEventListener?.('change', follow);

  // Neither a shopper who was never here nor one whose answer is delivered needs more than this script.
  const arrive = () => {
    if (traces()) afterLoad(() => tryLayer('withdraw', ({ tidy }) => tidy()));
  };
  if (__RULES__) settle().then(arrive);
  else arrive();
  // Nor does one whose cookie is the one of that name.
  if (state.unsent[0] || state.value && jar().split(config.cookie + '=').length != 2) afterLoad(() => deliver(true));
};
