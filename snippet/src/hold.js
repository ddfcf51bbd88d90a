/**
 * Holds what is marked, and releases what the shopper allows.
 *
 * A marked element is inert as it stands in the page's HTML, so a failure anywhere here leaves everything held. What is
 * released is remembered here and in no attribute: whatever a page's markup or a copy of an element says, it grants nothing.
 */
import { element } from './banner.js';
import { soon, whenIdle } from './layers.js';
import { CATEGORIES, doc, script as ownTag, trusted } from './site.js';

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

const { port1, port2 } = new MessageChannel();
port1.start();
/** @returns {Promise<unknown>} kept in a task of its own; timers would wait 4 ms for each */
export const task = () => new Promise((resolve) => {
  port1.addEventListener('message', resolve, { once: true });
  port2.postMessage(0);
});

/** Trackers caught before they are in the document. @type {Set<HTMLElement>} */
export const caught = new Set();
/** @type {Set<HTMLElement>} */
export const released = new Set();
/** Let in by the shopper without an answer, on this page. @type {WeakSet<HTMLElement>} */
const once = new WeakSet();
/** Scripts that the parser made; a page's policy lets those of a script load more. @type {WeakSet<HTMLElement>} */
const parsed = new WeakSet();
let parsing = true;
/** What waits for what no answer allows, and is named once. @type {WeakSet<HTMLElement>} */
const odd = new WeakSet();
/** Scripts run in page order. @type {Promise<unknown>} */
let line = Promise.resolve();

const TAGS = 'script,iframe,img,video,audio,source,picture,link';
const ADDRESSES = ['srcset', 'src', 'href', 'poster'];
/** Milliseconds that a script which does not load holds up the next. */
const PATIENCE = 1500;

/** Catches a tracker that the parser made. @type {((element: HTMLElement) => void) | undefined} */
let markTracker;

/** @param {(element: HTMLElement) => void} mark catches a tracker that nobody marked */
export const alsoHold = (mark) => {
  markTracker = mark;
};

/** @param {HTMLElement} marked */
export const categoriesOf = (marked) => (marked.dataset.consent ?? '').trim().split(/\s+/);

/** @param {HTMLElement} marked @returns {boolean} whether it may be in the page now */
export const mayRun = (marked) => once.has(marked) || categoriesOf(marked).every(allows);

/** @param {string} address @returns {boolean} whether it leads to a host, and is no `javascript:` or `data:` however it is spelled */
const isOfHost = (address) => /^http/.test(new URL(address, doc.baseURI).protocol);

/**
 * A script that markup from `innerHTML` made, or a copy of one that has run, is never run by the browser, and does not say
 * so. But it runs none of its copies either: of two scripts without an address, the second reports its error first.
 * @param {HTMLScriptElement} marked
 * @returns {Promise<boolean>}
 */
const isSpent = (marked) =>
  new Promise((resolve) => {
    const copy = /** @type {HTMLScriptElement} */ (marked.cloneNode());
    for (const [probe, spent] of /** @type {[any, boolean][]} */ ([[copy, false], [element('script', {}), true]])) {
      for (const name of probe.getAttributeNames()) probe.removeAttribute(name);
      probe.onerror = () => resolve(spent);
      try {
        probe.src = trusted.createScriptURL('');
      } catch {
        resolve(false); // the page's policy lets us set no address: so it must be the page's own element that runs
      }
      doc.head.append(probe);
      probe.remove();
    }
  });

/** What a script writes that runs once the parser has passed it replaces the whole page. @param {() => void} act */
const withoutWriting = (act) => {
  const { prototype } = Document;
  const { write, writeln, open } = prototype;
  const ignore = /** @type {any} */ (() => {
    console.warn('consent: a released script must not document.write');
    return document;
  });
  Object.assign(prototype, { write: ignore, writeln: ignore, open: ignore });
  act();
  Object.assign(prototype, { write, writeln, open });
};

/**
 * The page's own element runs where the browser will still run it, so that nothing is added to the page. Else one of ours
 * runs beside it, and is taken away again: at once, or when it has loaded.
 * @param {HTMLScriptElement} marked
 */
const runScript = async (marked) => {
  const { dataset } = marked;
  const src = dataset.src ?? marked.getAttribute('src');
  const type = dataset.type ?? '';
  let script = marked;
  const spent = src && await isSpent(marked);
  // Under 'strict-dynamic' whatever a script adds may load; an address that the parser or innerHTML brought needs the nonce.
  const nonce = ownTag.nonce || /** @type {HTMLElement | null} */ (doc.querySelector('script[nonce]'))?.nonce;
  if (src && nonce && marked.nonce != nonce && (spent || parsed.has(marked)) && !caught.has(marked)) {
    return console.warn('consent: not run, without the nonce of the page:', marked);
  }
  if (!src || spent) {
    script = /** @type {HTMLScriptElement} */ (element('script', { 'data-turbo-temporary': '' }));
    for (const { name, value } of marked.attributes) {
      if (!/^(type|src|nonce|data-(src|type|consent)|on.*)$/.test(name)) script.setAttribute(name, value);
    }
    script.nonce = marked.nonce;
  }
  const loaded = new Promise((resolve) => {
    for (const name of ['load', 'error']) {
      script.addEventListener(name, () => {
        if (script != marked) {
          script.remove();
          marked.dispatchEvent(new Event(name));
        }
        resolve(0);
      });
    }
  });
  script.type = type;
  if (src && script.getAttribute('src') != src) script.src = trusted.createScriptURL(src);
  if (script != marked && src) marked.after(script);
  // An empty node: a copy has it too, and does not run again; a script that is written anew has not.
  marked.append(src ? new Comment() : new Text());
  if (!src) {
    script.text = trusted.createScript(marked.text);
    withoutWriting(() => marked.after(script));
    script.remove();
  }
  marked.type = 'text/plain';
  if (src && !marked.hasAttribute('async') && !marked.noModule && /^$|module|(java|ecma)script/i.test(type)) {
    await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  }
};

/** @param {HTMLElement} marked a frame, picture, film, song or link */
const show = (marked) => {
  // A frame that the parser made would be brought back by a reload, whatever the answer is then.
  if (marked instanceof HTMLIFrameElement && !marked.src) marked.replaceWith(marked);
  for (const part of /** @type {HTMLElement[]} */ ([...marked.querySelectorAll(':is(source,img):not([data-consent])'), marked])) {
    for (const name of ADDRESSES) {
      const address = part.dataset[name];
      if (address && part.getAttribute(name) != address && (name == 'srcset' ? address.split(/[\s,]+/) : [address]).every(isOfHost)) {
        part.setAttribute(name, address);
      }
    }
  }
  if (marked instanceof HTMLMediaElement && !marked.src) marked.load();
  // A copy, which may be put back after a withdrawal, is looked at before it loads.
  if ('loading' in marked) task().then(() => marked.setAttribute('loading', 'lazy'));
};

/** @param {HTMLElement} marked */
const run = (marked) => {
  // Withdrawn while it stood in line: held again.
  if (!mayRun(marked)) return released.delete(marked);
  return marked instanceof HTMLScriptElement ? runScript(marked) : show(marked);
};

/** @param {HTMLElement} marked */
export const release = (marked) => {
  const categories = categoriesOf(marked);
  const isScript = marked instanceof HTMLScriptElement;
  if (released.has(marked) || isScript && (!marked.isConnected || marked.type != 'text/plain'
    || /** @type {Text | null} */ (marked.lastChild)?.data === '')) return;
  if (!categories.every((category) => CATEGORIES.includes(/** @type {Category} */ (category)))) {
    if (!odd.has(marked)) console.warn('consent: unknown category', categories.join(' '), marked);
    odd.add(marked);
  } else if (mayRun(marked)) {
    released.add(marked);
    const ran = (isScript ? line.then(task) : task()).then(() => run(marked)).catch((error) => console.warn('consent:', error, marked));
    if (isScript) line = ran;
  } else if (!isScript) {
    for (const name of ADDRESSES) if (marked.getAttribute(name) == marked.dataset[name]) marked.removeAttribute(name);
    if (marked instanceof HTMLIFrameElement) whenIdle(({ place }) => released.has(marked) || place(marked));
  }
};

/** @param {HTMLElement} marked that the shopper lets in once */
export const releaseOnce = (marked) => {
  once.add(marked);
  release(marked);
};

/** @param {HTMLElement} marked whose attributes have changed: a script that has run stays as it is */
const reconsider = (marked) => {
  if (released.has(marked)) {
    if (marked instanceof HTMLScriptElement) return;
    once.delete(marked);
    if (!mayRun(marked)) return soon(({ withdraw }) => withdraw(released));
    released.delete(marked);
  }
  lookAt(marked);
};

/** @param {Element} found */
const lookAt = (found) => {
  if (!(found instanceof HTMLElement) || !Element.prototype.matches.call(found, TAGS)) return;
  if (parsing) parsed.add(found);
  markTracker?.(found);
  if (found.dataset.consent != null) release(found);
};

/** @param {any} root @param {string} selector @returns {Iterable<any>} of which a form's own field may hide the method */
const all = (root, selector) =>
  root instanceof Element ? Element.prototype.querySelectorAll.call(root, selector) : (root == document ? doc : root).querySelectorAll(selector);

const observer = new MutationObserver((records) => {
  for (const { type, target, addedNodes } of records) {
    if (type == 'attributes') reconsider(/** @type {HTMLElement} */ (target));
    else addedNodes.forEach(look);
  }
  changed();
});

/** @type {() => void} */
let changed;

/**
 * Looks at a part of the page, and into the open shadow roots in it.
 * @param {any} root an element, or another node; most that a parser brings have nothing in them
 */
export const look = (root) => {
  if (root == document || root instanceof ShadowRoot) {
    observer.observe(root, { childList: true, subtree: true, attributeFilter: ['data-consent', ...ADDRESSES.map((name) => 'data-' + name)] });
  } else lookAt(root);
  if (root.firstElementChild || root.shadowRoot) {
    for (const found of all(root, markTracker ? TAGS : '[data-consent]')) lookAt(found);
    for (const { shadowRoot } of [root, ...all(root, '*')]) if (shadowRoot) look(shadowRoot);
  }
};

/** @param {() => void} whenChanged what else heeds the page's changes */
export const watch = (whenChanged) => {
  changed = whenChanged;
  look(document);
  const parsed = () => {
    parsing = false;
  };
  if (doc.readyState == 'loading') {
    addEventListener('DOMContentLoaded', () => {
      look(document);
      parsed();
    });
  } else parsed();
  const { attachShadow } = Element.prototype;
  Element.prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    if (init.mode == 'open') look(root);
    return root;
  };
};
