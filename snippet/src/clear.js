/** Removes what a category has left in the browser: a vendor's running script may write it again, so each page does. */
/**
 * @param {string[]} patterns of names, `*` for anything; after a comma the place that they are meant in, if it is one alone
 * @param {string} place of `places`
 * @returns {(name: string) => boolean} whether one of them is meant there
 */
export const matcher = (patterns, place) => {
  const all = patterns.map((pattern) => pattern.split(',')).filter(([, only]) => !only || only == place)
    .map(([name]) => RegExp(`^${name.replace(/[^\w*]/g, '\\$&').replaceAll('*', '.*')}$`, 's'));
  return (name) => all.some((each) => each.test(name));
};

/** Milliseconds that a place has to say what is in it: a browser's database may never. */
const PATIENCE = 3000;

/** @param {Document} doc @returns {string[]} */
const cookieNames = (doc) => doc.cookie.split('; ').map((cookie) => cookie.split('=')[0]);

/**
 * @param {Document} doc
 * @param {string} name of a cookie, on every domain and path from which this page can see it
 * @returns {boolean} whether it is gone; one that is partitioned, for one, is not
 */
const removeCookie = (doc, name) => {
  const hosts = location.hostname.split('.').map((_, i, parts) => ';Domain=' + parts.slice(i).join('.'));
  const paths = location.pathname.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'));
  for (const host of ['', ...hosts]) {
    for (const path of paths) {
      for (const end of ['', '/']) doc.cookie = `${name}=;Max-Age=0${host};Path=${path}${end}`;
    }
  }
  return !cookieNames(doc).includes(name);
};

/**
 * Where a vendor leaves something, by the names that consent.toml has for it (`kind` of a cookie): the names there, and how
 * one is removed, which is false where it stays.
 * @type {[string, (doc: Document) => any, (doc: Document, name: string) => unknown][]}
 */
const places = [
  ['cookie', cookieNames, removeCookie],
  ['local-storage', () => Object.keys(localStorage), (_, name) => localStorage.removeItem(name)],
  ['session-storage', () => Object.keys(sessionStorage), (_, name) => sessionStorage.removeItem(name)],
  // A frame without an origin has neither; Chromium would report the second as an error that nobody caught.
  ['indexed-db', async () => localStorage && (await indexedDB.databases()).map(({ name }) => name), (_, name) => indexedDB.deleteDatabase(name)],
  ['cache-storage', async () => localStorage && caches.keys(), (_, name) => caches.delete(name)], // without encryption there are none
];

/**
 * @param {Document} doc
 * @param {string[]} unwanted patterns of the names that may not stay
 * @param {string[]} kept patterns of those that stay, whichever of the others they match too
 * @returns {Promise<string[]>} the names of what was removed, each once
 */
export const clear = async (doc, unwanted, kept) => {
  /** @type {Set<string>} */
  const removed = new Set();
  try {
    for (const [place, names, remove] of places) {
      const [isUnwanted, isKept] = [unwanted, kept].map((patterns) => matcher(patterns, place));
      for (const name of await Promise.race([names(doc), new Promise((_, reject) => setTimeout(reject, PATIENCE))])) {
        if (isKept(name) || !isUnwanted(name)) continue;
        if (remove(doc, name) !== false) removed.add(name);
      }
    }
  } catch {} // One place that is blocked is followed by others that are, and Chromium rejects one promise more than it gives.
  return [...removed];
};
