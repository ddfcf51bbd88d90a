/**
 * Stops trackers that nobody marked, by pattern: what is given a tracker's address gets it once that is allowed.
 * docs/tag.md has the table of what is stopped, and of what nothing in a page can stop.
 *
 * Native functions are wrapped in proxies: these keep names, statics and prototypes, and SDKs take them for native.
 */
import { memory } from './cookie.js';
import { allows, changed, when } from './hold.js';
import { tryLayer } from './layers.js';
import { config, doc } from './site.js';
import { watchTree } from './tree.js';

/**
 * @typedef {(act: () => any, self: any, args: any[], name: string) => unknown} Trap  what is done in place of `act`, which
 *   is the native call with these arguments
 */

/** The page may take the names. */
const Address = URL, { prototype } = Element;

/**
 * @param {any} address
 * @param {unknown} [runs] whether it is one of what runs, or is sent: a withdrawal has to know of what was let through
 * @returns {string | undefined} what a tracker there waits for: a category, or whichever of several comes first
 */
const stopped = (address, runs) => {
  let waits;
  try {
    const { host, pathname } = new Address(address, doc.baseURI);
    for (const { match, category } of /** @type {import('./types').Address<string>[]} */ (config.trackers)) {
      if (!(host + pathname).match(match)) continue;
      if (!category.split('|').some(allows)) waits = category;
      if (runs) memory[waits ? host + pathname : category] = 1;
    }
  } catch {} // no address: the browser will say so
  return waits;
};

/** What a thing was last given, by the attribute's name. @type {WeakMap<object, Record<string, any>>} */
const given = new WeakMap();
/** @param {object} thing an element, or a request */
const of = (thing) => given.get(thing) ?? /** @type {any} */ (given.set(thing, {}).get(thing));

/** @type {(own: any, name: string, address: any, act: () => any, runs?: unknown) => any} now, or once it is allowed and unless another was given */
const give = (own, name, address, act, runs) => {
  const turn = own[name] = {};
  const category = stopped(address, runs);
  return category ? category.split('|').map((each) => when(each).then(() => turn == own[name] && give(own, name, address, act, runs))) : act();
};

/** @type {(element: any, name: string, value: any) => any} an address that an attribute asks for at once; a link to follow does not */
const asks = (element, name, value) =>
  /^((.*:)?href|src|srcset|poster|data)$/i.test(name) && !/^a(rea)?$/.test(element.localName) && !memory.once?.has(element)
    && ((name[5] && `${value}`.split(/[\s,]+/).find((each) => stopped(each))) || value);

/** @param {any} element */
const isScript = ({ localName }) => localName == 'script';

/** @type {(act: () => any, element: any, name: string, value?: any) => any} gives an attribute, or takes it away, and what waits for it */
const set = (act, element, name, value) => {
  const address = asks(element, name, value);
  return address === false ? act() : give(of(element), name.toLowerCase().slice(-4), address, act, element.play ? !element.isConnected : isScript(element));
};

/** @param {any} root what the parser or markup made, in a frame too @param {unknown} [brought] whether it was the parser */
const look = (root, brought) => {
  const isElement = root != document && 'attributes' in root; // an attribute has a `localName` too, and a page's names are in a document
  // Most that a parser brings have nothing in them. A form's own field may hide what is asked here: then there is one.
  for (const element of [isElement && root, ...root.firstElementChild
    ? (isElement ? prototype : root).querySelectorAll.call(root, '[src],[srcset],[poster],[data],link,image,feImage') : []]) {
    for (const name of element ? prototype.getAttributeNames.call(element) : []) {
      const value = /** @type {string} */ (prototype.getAttribute.call(element, name));
      if (!stopped(asks(element, name, value), isScript(element))) continue;
      element.removeAttribute(name);
      if (!isScript(element)) element.setAttribute(name, value);
      else give(of(element), name, value, () => tryLayer('release', ({ letRun }) => letRun(element, name, value, brought)));
    }
  }
};

/** @param {any} realm a window: the page's, or of a frame that a script of the page reaches into */
const guard = (realm) => {
  of(realm.Element);

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
  wrap('Element', 'setAttribute removeAttribute', (act, self, [name, value]) => set(act, self, name, value));
  wrap('Element', 'setAttributeNS removeAttributeNS', (act, self, [, name, value]) => set(act, self, name, value));

  /** @type {Trap} */
  const parse = (act, self) => {
    const made = act();
    look(made ?? self);
    return made;
  };
  wrap('Element', 'innerHTML insertAdjacentHTML', parse);
  wrap('ShadowRoot', 'innerHTML', parse);
  wrap('Range', 'createContextualFragment', parse);
  wrap('Node', 'cloneNode', parse);
  wrap('Document', 'importNode', parse);

  wrap('', 'fetch', (act, _, [input, init]) => {
    const signal = init?.signal ?? input?.signal;
    // What has been called off is so by the browser, before anything leaves.
    const address = signal?.aborted || (input?.url ?? input);
    return new Promise((resolve) => {
      const send = () => {
        resolve(act());
        act = () => 0;
      };
      if (stopped(address)) signal?.addEventListener('abort', send);
      give({}, '', address, send, 1);
    });
  });
  wrap('Navigator', 'sendBeacon', (act, _, [address]) => !!give({}, '', address, act, 1));

  wrap('XMLHttpRequest', 'open abort', (act, self, [, address]) => {
    const own = of(self);
    const before = { ...own };
    own.turn = 0; // first, as whoever is told of it may send at once
    own.src = address ?? own.src;
    try {
      act();
    } catch (error) {
      Object.assign(own, before); // what the browser refuses changes nothing
      throw error;
    }
  });
  wrap('XMLHttpRequest', 'send', (act, self) => {
    const own = of(self);
    give(own, 'turn', own.src, act, 1);
    const { turn } = own;
    if (stopped(own.src) && self.timeout) {
      setTimeout(() => turn == own.turn && self.abort(self.dispatchEvent(new Event('timeout'))), self.timeout);
    }
  });

  wrap('', 'WebSocket EventSource', (act, _, args) => {
    const [address] = args;
    if (stopped(address)) args[0] = 'wss://invalid:1'; // fails at once, as no browser calls that port
    const made = act();
    const watch = async () => {
      await changed();
      if (stopped(address)) made.close();
      else if (made.readyState < 2) watch();
    };
    watch();
    return made;
  });
};

export const stopTrackers = () => {
  guard(window);
  look(document, 1);
  const { looks, observer } = (memory.tree = watchTree());
  looks.push(({ addedNodes }) => addedNodes.forEach((node) => look(node, 1)));
  observer.observe(document, { childList: true, subtree: true });
};
