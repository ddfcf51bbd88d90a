/**
 * Stops trackers that nobody marked, by pattern: what is caught becomes a marked element, a request waits.
 *
 * Nothing in a page can stop what the browser fetches before scripts see it: its preload scanner, style sheets,
 * workers, and markup written through innerHTML.
 */
import { matcher } from './pattern.js';
import { config } from './site.js';

/**
 * @typedef {import('./types').Category} Category
 * @typedef {HTMLScriptElement | HTMLIFrameElement | HTMLImageElement} Loader
 */

/** @type {[RegExp, Category][]} */
const trackers = (config.trackers ?? []).map(([pattern, category]) => [
  matcher(pattern.includes('/') ? pattern : pattern + '/*'), category]);

/**
 * @param {(category: Category) => boolean} allows
 * @param {(category: Category) => Promise<void>} when
 * @param {Set<Element>} caught takes elements that may never be in the document
 * @returns {(element: Element) => void} marks an element that the parser made, if a pattern matches it
 */
export const stopTrackers = (allows, when, caught) => {
  /** @param {unknown} url @returns {Category | undefined} what a tracker at that address still waits for */
  const stopped = (url) => {
    try {
      const { hostname, pathname } = new URL(String(url), document.baseURI);
      return trackers.find(([pattern, category]) => pattern.test(hostname + pathname) && !allows(category))?.[1];
    } catch {} // no address: the browser will say so
  };

  /**
   * @param {Element} element
   * @param {unknown} url
   * @returns {boolean} whether it is a tracker, and now marked
   */
  const mark = (element, url) => {
    if (!/^(script|iframe|img)$/.test(element.localName)) return false;
    const { dataset, type } = /** @type {HTMLScriptElement} */ (element);
    const category = !dataset.consent && stopped(url);
    if (!category) return false;
    dataset.consent = category;
    dataset.src = String(url);
    if (type) dataset.type = type;
    if (element instanceof HTMLScriptElement) element.type = 'text/plain';
    return true;
  };

  for (const { prototype } of [HTMLScriptElement, HTMLIFrameElement, HTMLImageElement]) {
    const src = /** @type {Required<PropertyDescriptor>} */ (Object.getOwnPropertyDescriptor(prototype, 'src'));
    Object.defineProperty(prototype, 'src', {
      ...src,
      set(url) {
        if (mark(this, url)) caught.add(this);
        else src.set.call(this, url);
      },
    });
  }
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (/** @type {string} */ name, /** @type {string} */ value) {
    if (name == 'src' && mark(this, value)) caught.add(this);
    else setAttribute.call(this, name, value);
  };

  const { fetch } = window;
  window.fetch = async (input, init) => {
    const category = stopped(/** @type {Request} */ (input).url ?? input);
    if (category) await when(category);
    return fetch(input, init);
  };

  const sendBeacon = navigator.sendBeacon.bind(navigator);
  navigator.sendBeacon = (url, data) => {
    const category = stopped(url);
    if (category) when(category).then(() => sendBeacon(url, data));
    return !!category || sendBeacon(url, data);
  };

  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (/** @type {any[]} */ ...args) {
    const category = stopped(args[1]);
    this.send = category ? (body) => void when(category).then(() => send.call(this, body)) : send;
    return open.apply(this, /** @type {any} */ (args));
  };

  return (element) => {
    const src = element.getAttribute('src');
    if (src && mark(element, src)) element.removeAttribute('src');
  };
};
