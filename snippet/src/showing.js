/** Counts that the banner was seen. */
import { post } from './cookie.js';
import { rule } from './rules.js';
import { doc, domain, signal, variant } from './site.js';

let counted = false;

/**
 * Counts a showing once a browser session, with nothing stored to remember it by: where the shopper came into the shop,
 * that is not by a reload or the way back, not from a page of the shop, and as the first of its pages in the tab.
 * @param {HTMLElement} banner which is not seen while the page is hidden or fetched ahead, nor where a blocker hides it
 * @param {string} lang in which it speaks, whatever the page makes of its `lang`
 */
export const countShowing = (banner, lang) => {
  if (counted || doc.hidden || !banner.offsetHeight) return;
  counted = true;
  const from = doc.referrer.split(/[/:]+/)[1];
  if (window.performance.navigation?.type || (domain ? `.${from}`.endsWith('.' + domain) : from == location.hostname)
    || /** @type {any} */ (window).navigation?.currentEntry?.index) return;
  post({ lang, variant, signal: signal() ?? undefined, ...(__RULES__ ? { rule: rule.name } : {}) }, 'shown');
};
