/** Removes what a category has left in the browser: a vendor's running script may write it again, so each page does. */

/** @param {string} pattern `*` for anything */
const matcher = (pattern) => RegExp(`^${pattern.replace(/[^\w*]/g, '\\$&').replace('*', '.*')}$`);

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

/** Where a vendor leaves something: the names there, and how one is removed. @type {[() => any, (name: string) => unknown][]} */
const places = [
  [() => document.cookie.split('; ').map((cookie) => cookie.split('=')[0]), removeCookie],
  [() => Object.keys(localStorage), (name) => delete localStorage[name]],
  [() => Object.keys(sessionStorage), (name) => delete sessionStorage[name]],
  // A frame without an origin has neither; Chromium would report the second as an error that nobody caught.
  [async () => localStorage && (await indexedDB.databases()).map(({ name }) => name), (name) => indexedDB.deleteDatabase(name)],
];

/**
 * @param {string[]} patterns of names
 * @returns {Promise<string[]>} the names of what was removed
 */
export const clear = async (patterns) => {
  const unwanted = patterns.map(matcher);
  /** @type {Set<string>} */
  const removed = new Set();
  try {
    for (const [names, remove] of places) {
      for (const name of await names()) {
        if (!unwanted.some((pattern) => pattern.test(name))) continue;
        removed.add(name);
        remove(name);
      }
    }
  } catch {} // One place that is blocked is followed by others that are, and Chromium rejects one promise more than it gives.
  return [...removed];
};
