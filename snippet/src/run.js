/** How a held script runs: as the browser would have run the same script had nobody marked it, and once. */
import { policy } from './policy.js';

/** @typedef {import('./types').Gate} Gate */

/** Milliseconds that a script which does not load holds up the next. */
const PATIENCE = 1500;

/**
 * A script that markup from `innerHTML` made, or a copy of one that has run, is never run by the browser, and does not say
 * so. But no copy of it runs either: of two scripts without an address, the second reports its error first.
 * @param {Gate} gate
 * @param {HTMLScriptElement} marked
 * @returns {Promise<boolean>}
 */
const isSpent = ({ doc, newElement }, marked) =>
  new Promise((resolve) => {
    const copy = marked.cloneNode();
    for (const [probe, spent] of /** @type {[any, boolean][]} */ ([[copy, false], [newElement('script', {}), true]])) {
      for (const name of probe.getAttributeNames()) probe.removeAttribute(name);
      probe.onerror = () => resolve(spent);
      try {
        probe.src = policy.createScriptURL('');
      } catch {
        resolve(false); // the page's policy lets us give no address, so only the page's own element can run
      }
      doc.head.append(probe);
      probe.remove();
    }
  });

/** How many released scripts are awaited or at work, what they start with a promise included, and how many of them are inline. */
let writers = 0, inline = 0;
let acting = false;
/** Those with an address. @type {WeakSet<Element>} */
const awaited = new WeakSet();
/** @type {(() => void)[]} */
let undo = [];
/**
 * What a script writes that runs once the parser has passed it would replace the whole page. One of the page's own, which may
 * come before the task does that ends this, writes as ever.
 * @param {import('./types').Gate} gate
 * @returns {() => void} what ends it
 */
const stopWriting = ({ doc }) => {
  /** @type {any} */
  const { prototype } = Document;
  if (!writers++) {
    undo = ['write', 'writeln', 'open'].map((name) => {
      const native = prototype[name];
      /** @this {any} @param {any[]} args */
      const ignore = function (...args) {
        // Nor does it replace this page in a document of its own making.
        const { currentScript } = doc;
        if (this != document || !(acting || (currentScript ? awaited.has(currentScript) : inline))) return Reflect.apply(native, this, args);
        console.warn('consent: document.write does nothing in a script that was released');
        return document;
      };
      // What has been put around it meanwhile stays, and calls it.
      if (Reflect.set(prototype, name, ignore)) return () => prototype[name] == ignore && Reflect.set(prototype, name, native);
      // The page has frozen it.
      Reflect.defineProperty(document, name, Object.assign(Object.create(null), { configurable: true, value: ignore }));
      return () => /** @type {any} */ (document)[name] == ignore && Reflect.deleteProperty(document, name);
    });
  }
  return () => --writers || undo.forEach((each) => each());
};

/** @param {import('./types').Gate} gate @param {() => void} act */
const withoutWriting = (gate, act) => {
  const end = stopWriting(gate);
  inline++;
  acting = true;
  act();
  acting = false;
  setTimeout(() => {
    inline--;
    end();
  });
};

/** @type {Promise<boolean> | undefined} */
let anything;
/** @param {Gate} gate @returns {Promise<boolean>} whether the page's policy lets load whatever a script adds */
const loadsAnything = ({ doc, newElement }) =>
  (anything ??= new Promise((resolve) => {
    const probe = newElement('script', { onload: () => resolve(true), onerror: () => resolve(false) });
    /** @type {any} */ (probe).src = policy.createScriptURL('data:text/javascript,');
    doc.head.append(probe);
    probe.remove();
  }));

/** @param {Gate} gate @param {HTMLScriptElement} marked @returns {boolean} whether it has the page's nonce, if there is one */
const hasNonce = (gate, marked) => {
  const first = /** @type {HTMLElement | null} */ (gate.doc.querySelector('script[nonce]'));
  const nonce = gate.script.nonce || first?.nonce;
  return !nonce || marked.nonce == nonce;
};

/**
 * What the page's policy says cannot be read, but the browser asks it of each script again. Under 'strict-dynamic' it then
 * runs whatever a script adds: so where it does, and the page has a nonce, what the parser or innerHTML brought needs it.
 * @param {Gate} gate
 * @param {HTMLScriptElement} marked
 * @param {boolean} brought
 */
const mayTry = async (gate, marked, brought) => {
  if (hasNonce(gate, marked) || !await loadsAnything(gate) || !brought && !await isSpent(gate, marked)) return true;
  console.info('consent: not run, as it has not the nonce of the page:', marked);
};

/** @param {string} type @returns {boolean} whether that is how a script waits */
const waits = (type) => /^text\/plain$/i.test(type.trim());

/**
 * Gives an element the address that a pattern held: a script that is marked too at once, as it waits by that.
 * @param {Gate} gate
 * @param {any} element
 * @param {string} name of the attribute
 * @param {string} address
 * @param {unknown} [brought] whether by the parser; else by a script, which the page trusts
 */
export const letRun = (gate, element, name, address, brought) => {
  const giveIt = () => {
    if (element.hasAttribute(name)) return; // the page has given it another meanwhile
    const value = policy.createScriptURL(address);
    try {
      if (name.includes(':')) element.setAttributeNS('http://www.w3.org/1999/xlink', name, value);
      else element.setAttribute(name, value);
    } catch (error) {
      console.warn('consent: not released:', error, element); // the page's policy lets us give no address
    }
  };
  if (element.localName != 'script' || !brought || waits(element.type) || hasNonce(gate, element)) giveIt();
  else mayTry(gate, element, true).then((may) => may && giveIt());
};

/** What has run, whatever the page has done with it since. @type {WeakSet<HTMLScriptElement>} */
const ran = new WeakSet();

/** @param {string} type @returns {boolean} whether the browser runs scripts of that type */
const runs = (type) => /^$|^module$|(java|ecma)script/i.test(type.trim());

/** @param {HTMLScriptElement} marked @returns {string | null} the address that it was to have */
export const addressOf = (marked) => marked.dataset.src ?? marked.getAttribute('src');

/** @param {HTMLScriptElement} marked @returns {boolean} whether it waits, has something to run, and is no copy of one that has run */
export const isHeld = (marked) =>
  marked.isConnected && waits(marked.type) && !ran.has(marked) && !!(addressOf(marked) || marked.text)
    && /** @type {Text | null} */ (marked.lastChild)?.data !== '';

/**
 * The page's own element runs where the browser will still run it, so that nothing is added to the page. Else one of ours
 * runs beside it, and is taken away again: at once, or when it has loaded.
 * @param {Gate} gate
 * @param {HTMLScriptElement} marked
 * @param {boolean} brought by the parser, and not by a script
 * @param {() => boolean} mayRun whether it may still, after what the browser was asked
 */
export const runScript = async (gate, marked, brought, mayRun) => {
  const { newElement } = gate;
  const { dataset } = marked;
  const src = addressOf(marked);
  const type = dataset.type ?? '';
  if (!await mayTry(gate, marked, brought)) return;

  const isAnother = !src || await isSpent(gate, marked);
  if (!mayRun()) return;
  ran.add(marked);
  let script = marked;
  if (isAnother) {
    script = /** @type {HTMLScriptElement} */ (newElement('script', { 'data-turbo-temporary': '' }));
    for (const { name, value } of marked.attributes) {
      if (!/^(type|src|nonce|data-(src|type|consent)|on.*)$/.test(name)) script.setAttribute(name, value);
    }
    script.nonce = marked.nonce;
  }
  const loaded = new Promise((resolve) => {
    for (const name of ['load', 'error']) {
      script.addEventListener(name, () => {
        resolve(0);
        if (script == marked) return;
        script.remove();
        marked.dispatchEvent(new Event(name));
      });
    }
  });
  script.type = type;
  if (!src) script.text = policy.createScript(marked.text);
  else if (script.getAttribute('src') != src) script.src = policy.createScriptURL(src);
  // An empty node, which a copy has too and so is not run again; a script written anew has it not. It also makes the
  // browser look at the page's own element once more.
  marked.append(src ? gate.doc.createComment('') : '');
  if (!src) {
    withoutWriting(gate, () => marked.after(script));
    if (type != 'speculationrules') script.remove(); // whose rules would go with it
  } else {
    awaited.add(script);
    if (runs(type) && !script.noModule) loaded.then(stopWriting(gate)); // of one for old browsers no event comes
    if (script != marked) marked.after(script);
  }
  // What the browser does not run, somebody else may look for: a library that runs scripts in a worker.
  if (runs(type) || type == 'importmap') marked.type = 'text/plain';
  else marked.type = type;
  if (src && !marked.hasAttribute('async') && !marked.noModule && runs(type)) {
    await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  }
};
