/**
 * Stops trackers that nobody marked, by pattern: what is given a tracker's address gets it once that is allowed.
 * docs/tag.md has the table of what is stopped, and of what nothing in a page can stop.
 *
 * Native functions are wrapped in proxies: these keep names, statics and prototypes, and SDKs take them for native.
 */
import { ADDRESS, ASKING } from './asking.js';
import { memory } from './cookie.js';
import { allows, when } from './hold.js';
import { tryLayer } from './layers.js';
import { config, doc, script } from './site.js';
import { watchTree } from './tree.js';

/**
 * @typedef {(act: () => any, self: any, args: any[], name: string) => unknown} Trap  what is done in place of `act`, which
 *   is the native call with these arguments
 */

/** Reads addresses; of a page that has something of its own by the name `URL` too. */
const reader = doc.createElement('a');

/** Elements that got a tracker's address, wherever the page keeps them: a withdrawal takes it back. @type {WeakRef<Element>[]} */
const passed = memory.passed = [];
/** The page's sockets, likewise. @type {WeakRef<any>[]} */
const sockets = memory.sockets = [];

/**
 * @param {any} address
 * @param {any} [subject] the element, or request, that is to have it: a withdrawal has to know of what was let through
 * @returns {string | undefined} what a tracker there waits for: a category, or whichever of several comes first
 */
const stopped = (address, subject) => {
  let waits;
  try {
    reader.href = address;
    const place = reader.host + reader.pathname;
    for (const { match, category } of /** @type {import('./settings').Address<string>[]} */ (config.trackers)) {
      if (!place.match(match)) continue;
      // A mark of the element's own has to be met too.
      const unmet = category.split('|').some(allows) ? subject?.dataset?.consent?.match(/\S+/g)?.find((/** @type {any} */ each) => !allows(each)) : category;
      if (unmet) memory[place] = waits = unmet;
      else if (subject) subject.matches?.(':not(script)') ? passed.push(new WeakRef(subject)) : memory[category] = 1;
    }
  } catch {} // no address: the browser will say so
  return waits;
};

/** What a thing was last given, by the attribute's name. @type {WeakMap<object, Record<string, any>>} */
const given = new WeakMap();
/** @param {object} thing an element, or a request */
const of = (thing) => given.get(thing) ?? /** @type {any} */ (given.set(thing, {}).get(thing));

/** @type {(subject: any, name: string, address: any, act: () => any) => any} now, or once it is allowed and unless another was given */
const give = (subject, name, address, act) => {
  const own = of(subject);
  const key = name.toLowerCase().slice(-4); // without a prefix
  const turn = own[key] = {};
  const category = stopped(address, subject);
  // Without its address a script would run its text.
  if (subject.localName == 'script') {
    if (category || subject.type == 'text/plain') subject.type = category ? (own.type ??= subject.type, 'text/plain') : own.type ?? 'text/plain';
  }
  return category ? category.split('|').map((each) => when(each).then(() => turn == own[key] && give(subject, name, address, act))) : act();
};

/** @type {(element: any, name: string, value: any) => any} the address that is asked for when the attribute has this value, or false */
const asks = (element, name, value) =>
  ADDRESS.test(name) && script.matches.call(element, ASKING) && !memory.once?.has(element)
    && ((name[5] && `${value}`.split(/[\s,]+/).find((each) => stopped(each))) || `${value}`);

/** @type {(act: () => any, element: any, name: string, value?: any) => any} gives an attribute, or takes it away, and what waits for it */
const set = (act, element, name, value) => {
  const address = asks(element, name, value);
  return address === false ? act() : give(element, name, address, act);
};

/** @param {any} root what the parser or markup made, in a frame too @param {unknown} [brought] whether it was the parser */
const look = (root, brought) => {
  // An attribute has a `localName` too. A form's own field may hide what is asked of it.
  for (const element of 'attributes' in root ? [root, ...script.querySelectorAll.call(root, ASKING)] : root.querySelectorAll?.(ASKING) ?? []) {
    for (const name of script.getAttributeNames.call(element)) {
      const value = /** @type {string} */ (script.getAttribute.call(element, name));
      const address = asks(element, name, value);
      if (!stopped(address, element)) continue;
      element.removeAttribute(name);
      give(element, name, address, () => tryLayer('release', ({ letRun }) => letRun(element, name, value, brought)));
    }
  }
};

/** @param {any} realm a window: the page's, or of a frame that a script of the page reaches into */
const guard = (realm) => {
  of(realm.location);

  /**
   * @param {any} from what has these names, by itself or by its class: a page may have something else by the class's own
   * @param {string} names
   * @param {Trap} trap
   */
  const wrap = (from, names, trap) => {
    for (let above; (above = from && Object.getPrototypeOf(from)); from = above) for (const name of names.split(' ')) {
      // What an old library gives to all objects is in none of these.
      /** @type {any} */
      const property = { __proto__: null, ...Object.getOwnPropertyDescriptor(from, name) };
      const key = ['set', 'get', 'value'].find((key) => property[key]?.bind);
      if (!key || given.has(property[key])) continue; // it is wrapped already
      /** @type {{ [name: string]: any, apply: any }} */
      const handler = {
        __proto__: null,
        apply: (/** @type {any} */ native, /** @type {[any, any]} */ ...call) => trap(() => Reflect.apply(native, ...call), ...call, name),
        construct: (/** @type {any} */ native, /** @type {[any, any]} */ ...call) => trap(() => Reflect.construct(native, ...call), 0, call[0], name),
      };
      of(property[key] = new Proxy(property[key], handler));
      Reflect.defineProperty(from, name, property);
    }
  };

  const { document } = realm;
  const page = Object.getPrototypeOf(document);
  /** @param {string} tag @returns {any} */
  const make = (tag) => page.createElementNS.call(document, script.namespaceURI, tag); // the document may be a drawing

  /** @type {Trap} */
  const parse = (act, self) => {
    const made = act();
    look(made ?? self);
    return made;
  };
  for (const sample of [.../** @type {string[]} */ (ASKING.match(/\w+/g)).map(make), make('p').attachShadow({ mode: 'open' }), page.createRange.call(document), page]) {
    wrap(sample, 'src srcset poster data href', (act, self, [value], name) => set(act, self, name, value));
    wrap(sample, 'contentWindow contentDocument', (act) => {
      const found = act();
      try {
        const view = found.defaultView ?? found;
        if (!given.has(view.location)) guard(view);
      } catch {} // of another origin
      return found;
    });
    wrap(sample, 'setAttribute removeAttribute toggleAttribute', (act, self, [name, value]) => set(act, self, `${name}`, value));
    wrap(sample, 'setAttributeNS removeAttributeNS', (act, self, [, name, value]) => set(act, self, `${name}`, value));
    wrap(sample, 'innerHTML insertAdjacentHTML createContextualFragment cloneContents extractContents cloneNode importNode', parse);
  }

  wrap(realm, 'fetch', (act, _, [input, init]) => {
    const signal = init?.signal === undefined ? input?.signal : init.signal;
    const address = input?.url ?? input;
    return new Promise((resolve, reject) => {
      const end = () => {
        act = () => 0;
        reject(signal.reason);
      };
      if (signal && stopped(address)) signal.aborted ? end() : signal.addEventListener('abort', end);
      give({}, '', address, () => resolve(act()));
    });
  });
  wrap(realm.navigator, 'sendBeacon', (act, _, [address]) => !!give({}, '', address, act));

  const requests = realm.XMLHttpRequest?.prototype;
  wrap(requests, 'open abort', (act, self, [, address]) => {
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
  wrap(requests, 'send timeout', (act, self, _, name) => {
    const own = of(self);
    if (name == 'send') give(self, 'turn', own.src, act);
    else act();
    const { turn } = own;
    const { timeout } = self;
    if (turn && timeout && stopped(own.src)) {
      setTimeout(() => turn == own.turn && timeout == self.timeout && self.abort(self.dispatchEvent(new Event('timeout'))), timeout);
    }
  });

  wrap(realm, 'WebSocket EventSource', (act, _, args) => {
    if (stopped(args[0])) args[0] = 'wss://0:1'; // fails at once, as no browser calls that port
    const made = act();
    sockets.push(new WeakRef(made));
    return made;
  });
};

export const stopTrackers = () => {
  // Until release.js is here, which asks before. With a fragment it would lead nowhere.
  memory.withdraw = () => location.replace(location.href.split('#')[0]);
  guard(window);
  look(doc, 1);
  const { looks, observer } = (memory.tree = watchTree());
  looks.push(({ addedNodes }) => addedNodes.forEach((node) => look(node, 1)));
  observer.observe(document, { childList: true, subtree: true });
};
