/**
 * What the answer allows. A marked element is inert as it stands in the page's HTML: nothing has to hold it, and a failure
 * anywhere leaves everything held. What lets it run is release.js, fetched once there is something that may.
 */
import { offered, presumed } from './rules.js';

/** @typedef {import('./types').Category} Category */

/** What the answer allows, and nothing while there is none. @type {Category[] | undefined} */
export let allowed;

/** @param {Category[] | undefined} categories that the answer allows from now on */
export const setAllowed = (categories) => {
  allowed = categories;
};

/** @returns {Category[]} what may run under rules by place: what the answer allows, or what is on without one */
export const inForce = () => offered(allowed ?? presumed());

/** @param {string} category */
export const allows = (category) => category == 'necessary' || !!(__RULES__ ? inForce() : allowed)?.includes(/** @type {Category} */ (category));

/** Who waits for another answer. No listeners, as `document.open()` takes those away. @type {((value?: unknown) => void)[]} */
const waiting = [];
/** @returns {Promise<unknown>} kept when something else is in force */
export const changed = () => new Promise((resolve) => waiting.push(resolve));
export const wake = () => waiting.splice(0).forEach((go) => go());

/** @param {string} category */
export const when = async (category) => {
  while (!allows(category)) await changed();
};
