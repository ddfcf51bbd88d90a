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
 * @param {unknown} url
 * @returns {Category | undefined} what a tracker at that address waits for
 */
const categoryOf = (url) => {
  try {
    const { host, pathname } = new URL(String(url), document.baseURI);
    return trackers.find(([pattern]) => pattern.test(host + pathname))?.[1];
  } catch {}
};

/**
 * @param {(category: Category) => boolean} allows
 * @param {(category: Category) => Promise<void>} when
 * @param {Set<Element>} caught takes elements that may never be in the document
 * @returns {(element: Element) => void} marks an element that the parser made, if a pattern matches it
 */
export const stopTrackers = (allows, when, caught) => {
  /** @param {unknown} url */
  const stopped = (url) => {
    const category = categoryOf(url);
    return category && !allows(category) ? category : undefined;
  };

  /**
   * @param {Loader} element
   * @param {unknown} url
   * @returns {boolean}
   */
  const mark = (element, url) => {
    const category = !element.dataset.consent && stopped(url);
    if (!category) return false;
    element.dataset.consent = category;
    element.dataset.src = String(url);
    if (element instanceof HTMLScriptElement) {
      if (element.type) element.dataset.type = element.type;
      element.type = 'text/plain';
    }
    return true;
  };

  if (trackers[0]) {
    for (const { prototype } of [HTMLScriptElement, HTMLIFrameElement, HTMLImageElement]) {
      const { get, set } = /** @type {Required<PropertyDescriptor>} */ (Object.getOwnPropertyDescriptor(prototype, 'src'));
      const { setAttribute } = prototype;
      Object.defineProperty(prototype, 'src', {
        configurable: true,
        enumerable: true,
        get,
        set(url) {
          if (mark(this, url)) caught.add(this);
          else set.call(this, url);
        },
      });
      prototype.setAttribute = function (name, value) {
        if (name == 'src' && mark(/** @type {Loader} */ (this), value)) caught.add(this);
        else setAttribute.call(this, name, value);
      };
    }

    const { fetch } = window;
    window.fetch = async (input, init) => {
      const category = stopped(input instanceof Request ? input.url : input);
      if (category) await when(category);
      return fetch(input, init);
    };

    const { sendBeacon } = navigator;
    navigator.sendBeacon = (url, data) => {
      const category = stopped(url);
      if (!category) return sendBeacon.call(navigator, url, data);
      when(category).then(() => sendBeacon.call(navigator, url, data));
      return true;
    };

    const { open, send } = XMLHttpRequest.prototype;
    /** @type {WeakMap<XMLHttpRequest, Category | undefined>} */
    const requests = new WeakMap();
    XMLHttpRequest.prototype.open = function (/** @type {any[]} */ ...args) {
      requests.set(this, stopped(args[1]));
      return open.apply(this, /** @type {any} */ (args));
    };
    XMLHttpRequest.prototype.send = function (/** @type {any} */ body) {
      const category = requests.get(this);
      if (category) when(category).then(() => send.call(this, body));
      else send.call(this, body);
    };
  }

  return (element) => {
    const loader = /** @type {Loader} */ (element);
    if (loader.src && mark(loader, loader.src)) loader.removeAttribute('src');
  };
};
