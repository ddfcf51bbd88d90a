/** What sends even as the page ends: after a no, a script that ran tells other hosts nothing more. */
import { wrap, wrapAccessor } from './wrapped.js';

/** @typedef {import('./types').Gate} Gate */
/** @typedef {import('./wrapped.js').Trap} Trap */

/**
 * @template It
 * @param {() => It} ask what a name in the page may stand in the way of, `<img name="head">` in a frame or a form's field
 * @returns {It | undefined}
 */
const unlessNamed = (ask) => {
  try {
    return ask();
  } catch {}
};

/** @param {any} [root] @returns {Element[]} all in the page, in the open shadow roots in it, and in frames of the page's own */
export const within = (root = document) => {
  const { querySelectorAll } = root.nodeType == 11 ? root : Document.prototype; // or a document's, of which the page has the name
  return [...Reflect.apply(querySelectorAll, root, ['*'])].flatMap((element) =>
    [element, ...[element.shadowRoot, element.contentDocument].flatMap((part) => (part && unlessNamed(() => within(part))) ?? [])]);
};

/** @param {Gate} gate @returns {(address: unknown) => boolean} whether it is of a host that is neither the page's nor the consent server's */
const elsewhere = ({ newElement: element, server }) => {
  /** @param {string} href @returns {string} */
  const originOf = (href) => /** @type {any} */ (element('a', { href })).origin;
  return (address) => ![location.href, server].some((own) => originOf(own) == originOf(`${address}`));
};

/** Where each request leads. @type {WeakMap<object, string>} */
const opened = new WeakMap();

/**
 * Wraps what a script may keep for later, before any that is marked runs.
 * @param {Gate} gate
 * @returns {() => void} what listens again where `document.open()` has taken that away
 */
export const wrapSenders = (gate) => {
  const { memory, newElement: element, server } = gate;
  const isElsewhere = elsewhere(gate);

  /** @param {any} owner @param {string} name @param {() => unknown} failed what it gives then */
  const silence = (owner, name, failed) => wrap(owner, name, (act, _, [input, init]) => {
    const lasts = memory.ending || name == 'sendBeacon' || (init?.keepalive ?? input?.keepalive);
    // What the shop's own host is told may be a basket.
    return memory.hushed && lasts && isElsewhere(input?.url ?? input) ? failed() : act();
  });
  silence(Navigator.prototype, 'sendBeacon', () => true);
  silence(window, 'fetch', () => Promise.reject(TypeError('Failed to fetch')));
  // What waits for the end of the page is called off by then.
  wrap(window, 'fetchLater', (act, _, args) => {
    const [input, init] = args;
    const signal = init?.signal ?? input?.signal;
    const off = (memory.later ??= new AbortController()).signal;
    if (isElsewhere(input?.url ?? input)) args[1] = { ...init, signal: signal ? AbortSignal.any([signal, off]) : off };
    if (memory.hushed) callOff(gate);
    return act();
  });

  wrap(window.XMLHttpRequest?.prototype, 'open', (act, self, [, address]) => {
    opened.set(self, `${address}`);
    return act();
  });

  const hide = () => {
    memory.ending = true;
    if (!memory.hushed) return;
    // From here on the browser itself refuses what leads elsewhere. A policy cannot be taken back: so not before.
    // No policy can name an IPv6 address: its grammar of hosts has no brackets, and browsers pass over such a word.
    const named = server.startsWith(location.origin + '/') || server.includes('[') ? '' : server;
    const content = `default-src 'self' ${named} data: blob: 'unsafe-inline' 'unsafe-eval';form-action 'self'`;
    for (const each of [document, ...within().map((frame) => /** @type {any} */ (frame).contentDocument).filter(Boolean)]) {
      unlessNamed(() => Reflect.get(Document.prototype, 'head', each).append(element('meta', { 'http-equiv': 'Content-Security-Policy', content })));
    }
  };
  /** @param {PageTransitionEvent} event */
  const show = ({ persisted }) => {
    memory.ending = false;
    if (persisted && memory.hushed) memory.again?.();
  };
  const listen = () => {
    // A window hears these in the order in which somebody wanted to: so before a marked script does.
    addEventListener('pagehide', hide, true);
    addEventListener('pageshow', show);
  };
  listen();
  return listen;
};

/** @param {Gate} gate @returns {void} what waits for the end of the page never leaves */
const callOff = ({ memory }) => {
  memory.later?.abort();
  memory.later = undefined;
};

/**
 * Has a page that is about to end tell other hosts nothing more, whichever way a script knows; until `memory.hushed` is false,
 * where it stays after all.
 * @param {Gate} gate
 * @param {() => void} again what is done where the browser has kept the page, and shows it once more
 */
export const hush = (gate, again) => {
  const { memory } = gate;
  memory.hushed = true;
  memory.again = again;
  callOff(gate);
  if (memory.silent) return;
  memory.silent = true;

  const isElsewhere = elsewhere(gate);
  /** @param {(self: any, args: any[]) => string} addressOf @param {(self: any) => unknown} [failed] @returns {Trap} */
  const silence = (addressOf, failed) => (act, self, args) =>
    (memory.hushed && memory.ending && addressOf(self, args).split(/[\s,]+/).some((each) => each && isElsewhere(each)) ? void failed?.(self) : act());
  for (const name of ['src', 'srcset']) wrapAccessor(window.HTMLImageElement?.prototype, name, 'set', silence((_, [value]) => `${value}`));
  wrap(window.WebSocket?.prototype, 'send', silence(({ url }) => url.replace('ws', 'http')));
  wrap(window.XMLHttpRequest?.prototype, 'send', silence((self) => opened.get(self) ?? '', (self) => setTimeout(() => self.dispatchEvent(new Event('error')))));
};
