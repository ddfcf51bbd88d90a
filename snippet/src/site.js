/** What the server filled in, and where it came from. */

/** As the server wrote it, for the details. */
export const config = __SITE__;

export const { site, revision, keep, domain } = config;

/** @returns {'gpc' | null} what the browser sends now: Global Privacy Control, where the shop heeds it */
export const signal = () => (config.gpc && window.navigator.globalPrivacyControl ? 'gpc' : null);

/**
 * The same for all pages of a visit, as a visit is counted once, and with nothing stored: the browser itself has a random
 * number (a UUID) for the first page of the shop in this tab. Where it has none yet, each page draws anew.
 */
let draw = Math.random();
try {
  draw = parseInt(/** @type {any} */ (window).navigation.entries()[0].key, 16) / 2 ** 32 || draw;
} catch {} // or the page has something else by that name
/** The way of asking that this page takes. */
export const { variant, layout, notices } =
  /** @type {import('./settings').Way} */ (config.ways.find(({ below }) => draw < below));

/** As the browser has it, whatever of the page's has the name of its class. */
export const prototype = /** @type {any} */ (Reflect.getPrototypeOf(document));

/**
 * The document as the browser has it. A page's element with a name, `<img name="cookie">`, hides what the document has of
 * that name, but not what its prototype has: so nothing of ours asks `document` itself.
 * @type {Document}
 */
export const doc = new Proxy(/** @type {any} */ ({}), {
  get: (_, name) => {
    const value = Reflect.get(prototype, name, document);
    return typeof value == 'function' ? value.bind(document) : value;
  },
  set: (_, name, value) => Reflect.set(prototype, name, value, document),
});

export const script = /** @type {HTMLScriptElement} */ (doc.currentScript);
if (script?.text == null) {
  throw Error('consent: stays closed; write <script src="…">, no module');
}

/**
 * Address of the site on the consent server; an inlined script says it in data-base, or is of the shop's own host. A path
 * is one of the page's own host, whatever its `<base>`.
 */
export const base = (script.dataset.base || script.src || `/v1/${site}/`).replace(/(\/[^/]*\.js)?\/?([?#].*)?$/, '/').replace(/^\/(?!\/)/, location.origin + '/');

const languages = Object.keys(notices);
/** @returns {string} the page's language if the site speaks it, else the browser's, else the site's first */
export const language = () =>
  [doc.documentElement.lang].concat(window.navigator.languages ?? window.navigator.language).map((tag) => `${tag}`.split(/[-_]/)[0].toLowerCase())
    .find((tag) => languages.includes(tag)) ?? languages[0];

/** @type {import('./types').Category[]} */
export const CATEGORIES = ['functional', 'analytics', 'marketing'];

/** @param {string} name of a variable of the window @param {() => any} get @param {(value: any) => void} set @returns {boolean} whether it could be had */
export const define = (name, get, set) => Reflect.defineProperty(window, name, /** @type {any} */ ({ __proto__: null, configurable: true, get, set }));

/** Whether the parser has brought all of the page. */
export const parsed = new Promise((resolve) => {
  if (doc.readyState != 'loading') resolve(0);
  else doc.addEventListener('readystatechange', resolve);
});

/** @param {() => void} act when the page is laid out and has nothing better to do, or half a second later */
export const idle = (act) =>
  // Not every browser has it, and then an element of the page may have its name.
  typeof requestIdleCallback == 'function' ? requestIdleCallback(act, { timeout: 500 }) : setTimeout(act);

/**
 * @template It
 * @param {Promise<It>} it
 * @param {number} [patience] milliseconds after which what does not load counts as not loaded
 * @returns {Promise<It>}
 */
export const inTime = (it, patience = 6000) => Promise.race([it, new Promise((_, reject) => setTimeout(reject, patience))]);
