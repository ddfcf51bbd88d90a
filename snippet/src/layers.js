/** What is fetched when it is wanted: the details, *My choices*, what releases, and what delivers an answer. */
import { spoken } from './banner.js';
import { base, config, doc, idle, language, parsed, script } from './site.js';

/** @typedef {import('./types').Layers} Layers */

/** @type {import('./types').Gate} */
let gate;

/** @param {import('./types').Gate} handed to each layer */
export const handOver = (handed) => {
  gate = handed;
};

/** @type {Record<string, Promise<any> | undefined>} */
const layers = {};
/**
 * A page that is made ahead, and may never be seen, asks for nothing. And once a module is loaded, some browsers ignore a
 * page's import map, which the parser may still find: moveBefore came to Chromium with the reading of late ones; Firefox
 * has it without.
 */
export const mayImport = doc.prerendering ? new Promise((resolve) => doc.addEventListener('prerenderingchange', resolve))
  : 'moveBefore' in script && !/Firefox/.test(window.navigator.userAgent) ? Promise.resolve() : parsed;
/** A browser may remember that an address did not load: each further try is another address. */
let further = '';

/**
 * A module, not a script element: it has the nonce of our own tag, and no element of the page is needed.
 * @template {keyof Layers} Name
 * @param {Name} name of a script that brings more than the first layer
 * @param {string} [lang] of what speaks; what does not is there once
 * @returns {Promise<Layers[Name]>} what it brings; it is fetched once, and again if it did not load
 */
export const loadLayer = (name, lang) =>
  (layers[name + lang] ??= mayImport.then(() => import(`${base}${name}.${lang ?? language()}.${config.layers}.js${further}`))
    .then((layer) => layer.default(gate)).catch((error) => {
    layers[name + lang] = undefined;
    further += '?';
    console.info('consent:', name, error);
    throw error;
  }));

/**
 * @template {keyof Layers} Name
 * @param {Name} name
 * @param {((layer: Layers[Name]) => unknown) | null} [use] of a layer; if it does not load, the next page may
 * @param {string} [lang]
 * @returns {Promise<any>}
 */
export const tryLayer = (name, use, lang) => loadLayer(name, lang).then(use, () => {});

/** @param {((details: import('./types').Details) => void) | null} use of the second layer */
export const soon = (use) => tryLayer('details', use, spoken());

/** @param {boolean} [found] whether this page found it waiting: what is unsent */
export const deliver = (found) => tryLayer('delivery', (layer) => layer.deliver(found));

/** Some pages never have loaded. */
const loaded = new Promise((resolve) => {
  addEventListener('load', resolve);
  setTimeout(resolve, doc.readyState == 'complete' ? 0 : 5000);
});
/** @param {() => void} act once the page has loaded, when it has nothing better to do */
export const afterLoad = (act) => loaded.then(() => idle(act));

/** @param {(details: import('./types').Details) => void} use when the page has nothing better to do */
export const whenIdle = (use) => afterLoad(() => soon(use));
