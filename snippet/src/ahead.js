/** What a yes is about to run is on its way while release.js is, which runs it. */
import { element } from './banner.js';
import { memory } from './cookie.js';
import { allowed, inForce } from './hold.js';
import { doc, script } from './site.js';

/** In a script's markup: the browser would not ask for it as for a plain one, and so would ask twice. */
const OTHERWISE = /integ|cross|refer|a-src|a-type|nomod/;

/** @param {HTMLElement} marked @returns {boolean} whether it is allowed, where release.js is not here to know more */
const isAllowed = ({ dataset }) =>
  /** @type {string} */ (dataset.consent).split(/\s+/).every((each) => (__RULES__ ? inForce() : allowed)?.includes(/** @type {any} */ (each)));

/** Has the browser fetch the marked scripts that may run, each once, and with the page's nonce. */
export const fetchAhead = () => {
  for (const marked of /** @type {NodeListOf<HTMLScriptElement>} */ (doc.querySelectorAll('script[data-consent][src]'))) {
    const { nonce = '', src } = marked;
    if (OTHERWISE.test(marked.outerHTML) || nonce != script.nonce || !(memory.waits ?? isAllowed)(marked)) continue;
    /** @param {Event} event */
    const away = ({ target }) => /** @type {Element} */ (target).remove();
    doc.head?.append(element('link', { rel: 'preload', as: 'script', href: src, nonce, onload: away, onerror: away }));
  }
};
