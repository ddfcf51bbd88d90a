/** Removes what a category has left in the browser: a vendor's running script may write it again, so each page does. */
import { matcher } from './pattern.js';

/** @param {string} name of a cookie, on every domain and path from which this page can see it */
const removeCookie = (name) => {
  const hosts = location.hostname.split('.').map((_, i, parts) => ';Domain=' + parts.slice(i).join('.'));
  const paths = location.pathname.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'));
  for (const host of ['', ...hosts]) {
    for (const path of paths) {
      for (const end of ['', '/']) document.cookie = `${name}=;Max-Age=0${host};Path=${path}${end}`;
    }
  }
};

/**
 * @param {Partial<Record<import('./types').Category, string[]>>} patterns of names
 * @param {(category: import('./types').Category) => boolean} allows
 * @returns {string[]} the names of what was removed
 */
export const clear = (patterns, allows) => {
  /** @type {Set<string>} */
  const removed = new Set();
  for (const [category, own] of Object.entries(patterns)) {
    if (allows(/** @type {import('./types').Category} */ (category))) continue;
    const found = (/** @type {string[]} */ names) =>
      names.filter((name) => own.some((pattern) => matcher(pattern).test(name)) && removed.add(name));
    try {
      found(document.cookie.split('; ').map((cookie) => cookie.split('=')[0])).forEach(removeCookie);
    } catch {}
    for (const storage of /** @type {const} */ (['localStorage', 'sessionStorage'])) {
      try {
        found(Object.keys(window[storage])).forEach((name) => window[storage].removeItem(name));
      } catch {} // blocked: then there is nothing in it
    }
  }
  return [...removed];
};
