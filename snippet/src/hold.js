/**
 * What the answer allows. A marked element is inert as it stands in the page's HTML: nothing has to hold it, and a failure
 * anywhere leaves everything held. What lets it run is release.js, fetched once there is something that may.
 */
import { doc } from './site.js';

/** @typedef {import('./types').Category} Category */

/** What the answer allows, and nothing while there is none. @type {Category[] | undefined} */
export let allowed;

/** @param {Category[] | undefined} categories that the answer allows from now on */
export const setAllowed = (categories) => {
  allowed = categories;
};

/** @param {string} category */
export const allows = (category) => category == 'necessary' || !!allowed?.includes(/** @type {Category} */ (category));

/** @param {string} category */
export const when = async (category) => {
  while (!allows(category)) await new Promise((resolve) => doc.addEventListener('consentchange', resolve, { once: true }));
};

/** Trackers caught before they are in the document. @type {Set<HTMLElement>} */
export const caught = new Set();

// ---- What nobody marked: for the script that has the trackers' patterns ----

/** @type {(element: HTMLElement) => void} */
let mark;

/** @param {any} root what the parser or markup made: an element, or another node; most have nothing in them */
export const look = (root) => {
  if (root instanceof Element) mark(/** @type {HTMLElement} */ (root));
  if (root.firstElementChild) for (const found of root.querySelectorAll('script,iframe,img')) mark(found);
};

/** @param {(element: HTMLElement) => void} markTracker catches a tracker that the parser made */
export const alsoHold = (markTracker) => {
  mark = markTracker;
  look(document);
  new MutationObserver((records) => {
    for (const { addedNodes } of records) addedNodes.forEach(look);
  }).observe(document, { childList: true, subtree: true });
};
