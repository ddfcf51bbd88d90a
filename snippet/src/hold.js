/**
 * Holds what is marked, and releases what the shopper allows.
 *
 * A marked element is inert as it stands in the page's HTML, so a failure anywhere here leaves everything held.
 */
import { element } from './banner.js';
import { whenIdle } from './layers.js';
import { CATEGORIES, doc, script, trusted } from './site.js';

/** @typedef {import('./types').Category} Category */

/** What the answer allows, and nothing while there is none. @type {Category[] | undefined} */
export let allowed;

/** @param {Category[] | undefined} categories that the answer allows from now on */
export const setAllowed = (categories) => {
  allowed = categories;
};

/** @param {string} category */
export const allows = (category) => category == 'necessary' || !!allowed?.includes(/** @type {Category} */ (category));

/** @param {string} category */
export const when = async (category) => {
  while (!allows(category)) await new Promise((resolve) => doc.addEventListener('consentchange', resolve, { once: true }));
};

/** Trackers caught before they are in the document. @type {Set<HTMLElement>} */
export const caught = new Set();
/** @type {Set<HTMLElement>} */
export const released = new Set();
/** What is released runs in page order. @type {Promise<unknown>} */
let line = Promise.resolve();

/** @param {() => Promise<unknown>} before what comes next in the line */
export const queue = (before) => {
  line = line.then(before);
};

/** Catches a tracker that the parser made. @type {((element: HTMLElement) => void) | undefined} */
let markTracker;
let selector = '[data-consent]';

/** @param {(element: HTMLElement) => void} mark catches a tracker that nobody marked */
export const alsoHold = (mark) => {
  markTracker = mark;
  selector += ',script,iframe,img';
};

/** @param {HTMLElement} marked */
export const categoriesOf = (marked) => (marked.dataset.consent ?? '').trim().split(/\s+/);

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
export const release = (marked) => {
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
export const look = (root) => {
  for (const found of root.firstElementChild ? [root, ...root.querySelectorAll(selector)] : [root]) {
    markTracker?.(found);
    if (found.dataset?.consent != null) release(found);
  }
};
