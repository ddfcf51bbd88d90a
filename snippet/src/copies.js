/** Holds what a page makes of released elements: a copy, its markup as text, and what new markup makes it agree with. */
import { beEager, hold } from './addresses.js';
import { ADDRESSES } from './unload.js';
import { follow, wrapAccessor } from './wrapped.js';

/**
 * @param {Document} doc
 * @param {(root: any, selector: string) => Iterable<any>} all
 * @param {WeakSet<HTMLElement>} released
 */
export const holdCopies = (doc, all, released) => {
  /** @param {any} copy which would ask for an address before anybody sees it in the page @param {any} [self] */
  const holdCopy = (copy, self) => {
    const copies = copy.querySelectorAll && self ? [copy, ...all(copy, '[loading]')] : [];
    const originals = copies[0] ? [self, ...all(self, '[loading]')] : [];
    copies.forEach((each, i) => beEager(originals[i], each));
    for (const each of copy.querySelectorAll ? [copy, ...all(copy, '[data-consent]')] : []) {
      if (each instanceof HTMLElement && each.dataset.consent != null && !(each instanceof HTMLScriptElement)) hold(each);
    }
  };
  follow(Node.prototype, 'cloneNode', holdCopy);
  follow(Document.prototype, 'importNode', (copy, _, [self]) => holdCopy(copy, self));
  follow(Range.prototype, 'cloneContents', (copy) => holdCopy(copy));
  /** Of no window: nothing in it loads, and no element of the page's own making starts. */
  const nowhere = /** @type {Document} */ (doc.cloneNode());
  /** @param {Element} self @returns {Element} a copy that says nothing of what has become of it, as a library compares scripts by their text */
  const asWritten = (self) => {
    const copy = nowhere.importNode(self, true);
    for (const each of [copy, ...all(copy, 'script[data-consent]')]) {
      if (each.localName != 'script') continue;
      const { lastChild } = each;
      if (lastChild?.nodeType == 8 && !lastChild.data) lastChild.remove();
      if (each.getAttribute('src') == each.dataset.src) each.removeAttribute('src');
    }
    return copy;
  };
  // What an app keeps of a page as text, and puts back, is a copy too.
  for (const name of ['innerHTML', 'outerHTML']) {
    wrapAccessor(Element.prototype, name, 'get', (act, self) => (self instanceof Element
      && [self, ...all(self, '[data-consent]')].some((each) => released.has(each)) ? Reflect.get(Element.prototype, name, asWritten(self)) : act()));
  }

  // Turbo makes a page agree with new markup, which knows nothing of what is released.
  addEventListener('turbo:before-morph-attribute', (event) => {
    const { attributeName, mutationType } = /** @type {CustomEvent} */ (event).detail;
    if (mutationType == 'remove' && released.has(/** @type {any} */ (event.target)) && [...ADDRESSES, 'loading'].includes(attributeName)) event.preventDefault();
  });
};
