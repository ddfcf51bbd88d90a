/**
 * Stops trackers that nobody marked, by pattern: what is given a tracker's address gets it once that is allowed.
 * docs/tag.md has the table of what is stopped, and of what nothing in a page can stop.
 *
 * Native functions are wrapped in proxies: these keep names, statics and prototypes, and SDKs take them for native.
 */
import { allows, when } from './hold.js';
import { config, doc, script, trusted } from './site.js';

/**
 * @typedef {(act: () => any, self: any, args: any[], name: string) => unknown} Trap  what is done in place of `act`, which
 *   is the native call with these arguments
 */

const trackers = config.trackers?.map(({ match, category }) => ({ match: RegExp(match), category }));

/** The page may take the name. */
const Address = URL;

/** @param {any} address @returns {import('./types').Category | undefined} what a tracker there waits for */
const stopped = (address) => {
  try {
    const { host, pathname } = new Address(address, doc.baseURI);
    return trackers?.find(({ match, category }) => match.test(host + pathname) && !allows(category))?.category;
  } catch {} // no address: the browser will say so
};

/** What an element or a request was last given. @type {WeakMap<object, unknown>} */
const given = new WeakMap();

/** @type {(thing: object, address: any, act: () => any) => any} now, or once it is allowed and unless `thing` was given another */
const give = (thing, address, act) => {
  const turn = {};
  given.set(thing, turn);
  const category = stopped(address);
  return category ? when(category).then(() => turn == given.get(thing) && give(thing, address, act)) : act();
};

/** @type {(element: any, name: string, value: any) => any} an address that an attribute asks for at once; a link to follow does not */
const asks = ({ localName }, name, value) =>
  /^(src|srcset|poster|data|(xlink:)?href)$/i.test(name) && !/^a(rea)?$/.test(localName)
    && ((/t$/i.test(name) && `${value}`.split(/[\s,]+/).find(stopped)) || value);

/** @type {WeakMap<object, Record<string, object>>} */
const slots = new WeakMap();
/** What stands for one attribute of an element. @type {(element: any, name: string) => object} */
const slot = (element, name) => {
  const own = slots.get(element) ?? {};
  slots.set(element, own);
  return (own[name.toLowerCase().replace('xlink:', '')] ??= {});
};

/** @type {(act: () => any, element: any, name: string, value: any) => any} */
const set = (act, element, name, value) => {
  const address = asks(element, name, value);
  return address === false ? act() : give(slot(element, name), address, act);
};

/** @param {any} root what the parser or markup made */
const look = (root) => {
  const within = root instanceof Element ? Element.prototype : root;
  for (const element of within.querySelectorAll ? [root, ...within.querySelectorAll.call(root, '[src],[srcset],[poster],object,link,image')] : []) {
    if (!(element instanceof Element)) continue;
    for (const { name, value } of [.../** @type {any} */ (Reflect.get(Element.prototype, 'attributes', element))]) {
      if (!stopped(asks(element, name, value))) continue;
      element.removeAttribute(name);
      // A page's policy may let scripts add any script, but the parser only those with its nonce.
      if (/** @type {HTMLElement} */ (element).nonce == script.nonce || root != element) element.setAttribute(name, element.localName == 'script' ? trusted.createScriptURL(value) : value);
    }
  }
};

/** @param {any} realm a window: the page's, or of a frame that a script of the page reaches into */
const guard = (realm) => {
  given.set(realm.Element, 1);

  /** @param {string} owner a class, or nothing for the window itself @param {string} names @param {Trap} trap */
  const wrap = (owner, names, trap) => {
    const from = realm[owner]?.prototype ?? realm;
    for (const name of names.split(' ')) {
      const property = Object.getOwnPropertyDescriptor(from, name);
      const key = /** @type {const} */ (['set', 'get', 'value']).find((key) => property?.[key]);
      if (!property || !key) continue;
      property[key] = new Proxy(property[key], {
        apply: (native, self, args) => trap(() => Reflect.apply(native, self, args), self, args, name),
        construct: (native, args, made) => /** @type {any} */ (trap(() => Reflect.construct(native, args, made), 0, args, name)),
      });
      Object.defineProperty(from, name, property);
    }
  };

  for (const name of Object.getOwnPropertyNames(realm)) {
    if (!/^HTML/.test(name)) continue;
    wrap(name, 'src srcset poster data href', (act, self, [value], name) => set(act, self, name, value));
    wrap(name, 'contentWindow contentDocument', (act) => {
      const found = act();
      try {
        const view = found.defaultView ?? found;
        if (!given.has(view.Element)) guard(view);
      } catch {} // of another origin
      return found;
    });
  }
  wrap('Element', 'setAttribute', (act, self, [name, value]) => set(act, self, name, value));
  wrap('Element', 'setAttributeNS', (act, self, [, name, value]) => set(act, self, name, value));

  /** @type {Trap} */
  const parse = (act, self) => {
    const made = act();
    look(made ?? self);
    return made;
  };
  wrap('Element', 'innerHTML insertAdjacentHTML', parse);
  wrap('Range', 'createContextualFragment', parse);
  wrap('Node', 'cloneNode', parse);
  wrap('Document', 'importNode', parse);

  wrap('', 'fetch', (act, _, [input, init]) => new Promise((resolve) => {
    const signal = init?.signal ?? input?.signal;
    const send = () => {
      resolve(act());
      act = () => 0;
    };
    // What has been called off is so by the browser, before anything leaves.
    signal?.addEventListener('abort', send);
    give({}, signal?.aborted || (input?.url ?? input), send);
  }));
  wrap('Navigator', 'sendBeacon', (act, _, [address]) => !!give({}, address, act));

  wrap('XMLHttpRequest', 'open abort', (act, self, [, address]) => {
    given.set(self, address);
    act();
  });
  wrap('XMLHttpRequest', 'send', (act, self) => {
    const address = given.get(self);
    give(self, address, act);
    const turn = given.get(self);
    if (stopped(address) && self.timeout) {
      setTimeout(() => turn == given.get(self) && self.abort(self.dispatchEvent(new Event('timeout'))), self.timeout);
    }
  });

  wrap('', 'WebSocket EventSource', (act, _, args) => {
    const [address] = args;
    if (stopped(address)) args[0] = 'wss://invalid:1'; // fails at once, as no browser calls that port
    const made = act();
    doc.addEventListener('consentchange', () => stopped(address) && made.close());
    return made;
  });
};

export const stopTrackers = () => {
  guard(window);
  performance.setResourceTimingBufferSize?.(9999); // by which a withdrawal knows what was let through
  look(document);
  new MutationObserver((records) => {
    for (const { addedNodes } of records) addedNodes.forEach(look);
  }).observe(document, { childList: true, subtree: true });
};
