/** The addresses that a mark holds back: what is released is given them, and a copy of it loses them. */
import { ADDRESSES, partsOf } from './unload.js';

/** @typedef {import('./types').Gate} Gate */

/** @param {Gate} gate @param {string} href @returns {boolean} whether it leads to a host: no `javascript:` or `data:`, however spelled */
export const isOfHost = ({ newElement }, href) => /^http/.test(/** @type {any} */ (newElement('a', { href })).protocol);

/** @param {HTMLElement} part whose address is none of a host */
export const refuse = (part) => console.warn('consent: no address of a host:', part);

/** @param {Gate} gate @param {HTMLElement} part that gets the addresses it was to have @returns {boolean} whether it lacked one */
export const give = (gate, part) => {
  let lacked = false;
  for (const name of ADDRESSES) {
    const address = part.dataset[name];
    if (!address || part.getAttribute(name) == address) continue;
    lacked = true;
    if ((name == 'srcset' ? address.split(/[\s,]+/) : [address]).every((each) => isOfHost(gate, each))) part.setAttribute(name, address);
    else refuse(part);
  }
  return lacked;
};

/** What loads lazily by us alone. @type {WeakSet<Element>} */
const lazy = new WeakSet();
/** @param {HTMLElement} part that has its addresses: so that a copy, which may be put back after a withdrawal, is looked at before it loads */
export const beLazy = (part) => {
  if (part.getAttribute('loading') == 'lazy') return;
  lazy.add(part);
  part.setAttribute('loading', 'lazy');
};
/** @param {Element} part that is to have addresses: one that is hidden, or far off, would not ask for them @param {Element} [copy] of it */
export const beEager = (part, copy = part) => {
  if (lazy.has(part)) copy.removeAttribute('loading');
};

/** @param {HTMLElement} marked a copy of what was released, as it is held */
export const hold = (marked) => {
  for (const part of partsOf(marked)) {
    for (const name of ADDRESSES) if (part.dataset[name] && part.getAttribute(name) == part.dataset[name]) part.removeAttribute(name);
  }
};
