/** What makes scripts, under the policy of a page that says require-trusted-types-for. */

/** @param {string} text */
const asItIs = (text) => text;
const rules = { createScript: asItIs, createScriptURL: asItIs };

/** @type {import('./types').Policy} */
export let policy = rules;
try {
  policy = window.trustedTypes?.createPolicy?.('consent', rules) ?? rules;
} catch {
  console.warn('consent: scripts can be released once `consent` is in the list of trusted-types');
}
