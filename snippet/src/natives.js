/**
 * The browser's own classes, for what is loaded later: by then a page may have other things by their names, `var Node = …`.
 * build.js puts these in place of the names that a layer uses. Those of a document are found by way of what it makes; of the
 * language's own, one that is gone comes from the window of a frame.
 */
const { getPrototypeOf: above } = Object;
/** Of all documents; a page's element with a name hides what the document has of that name. */
const page = /* @__PURE__ */ above(above(document));

/** @param {string} tag @returns {any} an element that nobody sees */
const make = (tag) => page.createElement.call(document, tag);

/** @param {string} tag @param {number} [steps] @returns {any} the class of such an element, or so many steps above it */
const classOf = (tag, steps = 0) => {
  let found = above(make(tag));
  for (; steps > 0; steps--) found = above(found);
  return found.constructor;
};

/** @param {string} type @returns {any} the class of such an event */
const eventOf = (type) => page.createEvent.call(document, type).constructor;

/** @type {any} */
let frame;
/** @param {string} name @returns {any} what the window has by that name, unless that is the page's */
const own = (name) => {
  /** @type {any} */
  const there = Reflect.get(window, name);
  if (typeof there == 'function' && Function.prototype.toString.call(there).includes('[native code]')) return there;
  if (!frame) {
    const element = make('iframe');
    Reflect.get(page, 'documentElement', document).append(element);
    frame = element.contentWindow;
    element.remove();
  }
  return frame[name];
};

const Document = /* @__PURE__ */ (() => page.constructor)();
const HTMLScriptElement = /* @__PURE__ */ classOf('script');
const HTMLElement = /* @__PURE__ */ classOf('script', 1);
const Element = /* @__PURE__ */ classOf('script', 2);
const Node = /* @__PURE__ */ classOf('script', 3);
const HTMLIFrameElement = /* @__PURE__ */ classOf('iframe');
const HTMLMediaElement = /* @__PURE__ */ classOf('video', 1);
const Event = /* @__PURE__ */ eventOf('Event');
const CustomEvent = /* @__PURE__ */ eventOf('CustomEvent');
const Range = /* @__PURE__ */ (() => above(page.createRange.call(document)).constructor)();
const ShadowRoot = /* @__PURE__ */ (() => above(make('div').attachShadow({ mode: 'open' })).constructor)();
const History = /* @__PURE__ */ (() => above(window.history).constructor)();
const Navigator = /* @__PURE__ */ (() => above(window.navigator).constructor)();
const Promise = /* @__PURE__ */ (() => (async () => {})().constructor)();
const Map = /* @__PURE__ */ own('Map');
const Proxy = /* @__PURE__ */ own('Proxy');
const Set = /* @__PURE__ */ own('Set');
const URL = /* @__PURE__ */ own('URL');
const WeakMap = /* @__PURE__ */ own('WeakMap');
const WeakSet = /* @__PURE__ */ own('WeakSet');

export {
  CustomEvent, Document, Element, Event, History, HTMLElement, HTMLIFrameElement, HTMLMediaElement, HTMLScriptElement, Map,
  Navigator, Node, Promise, Proxy, Range, Set, ShadowRoot, URL, WeakMap, WeakSet,
};
