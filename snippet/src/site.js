/** What the server filled in, and where it came from. */

/** @type {import('./types').SiteConfig} */
export const config = /** @type {any} */ ('__SITE__');

export const script = /** @type {HTMLScriptElement} */ (document.currentScript);

/** Address of the site on the consent server; an inlined script says it in data-base, or is of the shop's own host. */
export const base = (script.dataset.base || script.src || `/v1/${config.site}/`).replace(/[^/]*$/, '');

/** @type {import('./types').Category[]} */
export const CATEGORIES = ['functional', 'analytics', 'marketing'];

const rules = { createScript: (/** @type {string} */ text) => text, createScriptURL: (/** @type {string} */ url) => url };

/** Under require-trusted-types-for, scripts are made by this policy alone. */
export const trusted = window.trustedTypes?.createPolicy('consent', rules) ?? rules;
