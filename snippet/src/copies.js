/** Holds what a page makes of released elements: a copy, its markup as text, and what new markup makes it agree with. */
import { hold } from './addresses.js';
import { ADDRESSES } from './unload.js';
import { follow, wrapAccessor } from './wrapped.js';

/**
 * @param {Document} doc
 * @param {(root: any, selector: string) => Iterable<any>} all
 * @param {WeakSet<HTMLElement>} released
 */
export const holdCopies = (doc, all, released) => {
  /** @param {any} copy which would ask for an address before anybody sees it in the page */
  const holdCopy = (copy) => {
    for (const each of copy.querySelectorAll ? [copy, ...all(copy, '[data-consent]')] : []) {
      if (each instanceof HTMLElement && each.dataset.consent != null && !(each instanceof HTMLScriptElement)) hold(each);
    }
  };
  follow(Node.prototype, 'cloneNode', holdCopy);
  follow(Document.prototype, 'importNode', holdCopy);
  follow(Range.prototype, 'cloneContents', holdCopy);
  /** Of no window: nothing in it loads, and no element of the page's own making starts. */
  const nowhere = /** @type {Document} */ (doc.cloneNode());
  // What an app keeps of a page as text, and puts back, is a copy too.
  for (const name of ['innerHTML', 'outerHTML']) {
    wrapAccessor(Element.prototype, name, 'get', (act, self) => (self instanceof Element
      && [self, ...all(self, '[data-consent]')].some((each) => released.has(each) && !(each instanceof HTMLScriptElement))
      ? Reflect.get(Element.prototype, name, nowhere.importNode(self, true)) : act()));
  }

  // Turbo makes a page agree with new markup, which knows nothing of what is released.
  addEventListener('turbo:before-morph-attribute', (event) => {
    const { attributeName, mutationType } = /** @type {CustomEvent} */ (event).detail;
    if (mutationType == 'remove' && released.has(/** @type {any} */ (event.target)) && [...ADDRESSES, 'loading'].includes(attributeName)) event.preventDefault();
  });
};
