/** What the server filled in, and where it came from. */

/** As the server wrote it, for the details. */
export const config = __SITE__;

export const { site, revision, keep, domain, gpc } = config;

const draw = Math.random();
/** The way of asking that this page takes. Nothing is stored before an answer, so each page draws anew. */
export const { variant, layout, notices } =
  /** @type {import('./types').Way} */ (config.ways.find(({ below }) => draw < below));

export const script = /** @type {HTMLScriptElement} */ (document.currentScript);

/** Address of the site on the consent server; an inlined script says it in data-base, or is of the shop's own host. */
export const base = (script.dataset.base || script.src || `/v1/${site}/`).replace(/[^/]*$/, '');

/** @returns {string} the page's language if the site speaks it, else the browser's, else the site's first */
export const language = () =>
  [document.documentElement.lang, ...navigator.languages].map((tag) => tag.split('-')[0].toLowerCase())
    .find((tag) => notices[tag]) ?? Object.keys(notices)[0];

/** @type {import('./types').Category[]} */
export const CATEGORIES = ['functional', 'analytics', 'marketing'];

/** @param {string} text */
const asItIs = (text) => text;
const rules = { createScript: asItIs, createScriptURL: asItIs };

/** Under require-trusted-types-for, scripts are made by this policy alone. */
export const trusted = window.trustedTypes?.createPolicy('consent', rules) ?? rules;
