/**
 * Stops trackers that nobody marked, by pattern: what is caught becomes a marked element, a request waits.
 *
 * Nothing in a page can stop what the browser fetches before scripts see it: its preload scanner, style sheets,
 * workers, and markup written through innerHTML.
 */
import { allows, caught, when } from './hold.js';
import { config } from './site.js';

/** @param {any} url @returns {import('./types').Category | undefined} what a tracker at that address still waits for */
const stopped = (url) => {
  try {
    const { host, pathname } = new URL(url, document.baseURI);
    return config.trackers?.find(({ match, category }) => (host + pathname).match(match) && !allows(category))?.category;
  } catch {} // no address: the browser will say so
};

/**
 * @template Done
 * @param {any} url
 * @param {() => Done} send
 * @returns {Done | Promise<Done>} once it is allowed
 */
const onceAllowed = (url, send) => {
  const category = stopped(url);
  return category ? when(category).then(send) : send();
};

/**
 * @param {any} element
 * @param {unknown} url
 * @returns {unknown} true if it is a tracker, and now marked
 */
const mark = (element, url) => {
  const { dataset, type } = element;
  const category = url && element.matches('script,iframe,img') && !dataset.consent && stopped(url);
  if (category) {
    dataset.consent = category;
    dataset.src = url;
    if (type) dataset.type = type;
    element.type = 'text/plain'; // which means something to a script alone
  }
  return category;
};

/** @param {any} element @param {unknown} url @returns {unknown} true if a script made a tracker that waits now */
const stops = (element, url) => mark(element, url) && caught.add(element);

/** @returns {(element: HTMLElement) => void} marks an element that the parser made, if a pattern matches it */
export const stopTrackers = () => {
  for (const { prototype } of [HTMLScriptElement, HTMLIFrameElement, HTMLImageElement]) {
    const src = /** @type {Required<PropertyDescriptor>} */ (Object.getOwnPropertyDescriptor(prototype, 'src'));
    Object.defineProperty(prototype, 'src', {
      ...src,
      set(url) {
        stops(this, url) || src.set.call(this, url);
      },
    });
  }
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (/** @type {string} */ name, /** @type {string} */ value) {
    (name == 'src' && stops(this, value)) || setAttribute.call(this, name, value);
  };

  const { fetch } = window;
  window.fetch = async (input, init) => onceAllowed(/** @type {Request} */ (input).url ?? input, () => fetch(input, init));

  const sendBeacon = navigator.sendBeacon.bind(navigator);
  navigator.sendBeacon = (url, data) => !!onceAllowed(url, () => sendBeacon(url, data));

  const request = /** @type {any} */ (XMLHttpRequest.prototype);
  const { open, send } = request;
  const address = Symbol();
  request.open = function (/** @type {any[]} */ ...args) {
    this[address] = args[1];
    open.apply(this, args);
  };
  request.send = function (/** @type {any} */ body) {
    onceAllowed(this[address], () => send.call(this, body));
  };

  return (element) => {
    if (mark(element, element.getAttribute?.('src'))) element.removeAttribute('src');
  };
};
