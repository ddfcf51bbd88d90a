/** Puts the consent server's tag into a page whose HTML has none. */

/**
 * @typedef {import('consent-server/types').Category} Category
 * @typedef {import('consent-server/types').Choice} Choice
 * @typedef {import('consent-server/types').Consent} Consent
 * @typedef {object} Where
 * @property {string} server address of the consent server, or its path on the shop's host, such as `/consent`
 * @property {string} site the shop, as `consent.toml` names it
 * @property {string} [place] where the shopper is, for a shop with rules by place: a country such as `GB`, or a part of one,
 *   `US-CA`; without it the server is asked, and with an empty one the strictest rule counts
 * @property {string} [nonce] of the page's Content-Security-Policy
 */

/** @type {Promise<Consent> | undefined} */
let loading;

/**
 * Loads the script once, however often it is called; a tag that the page has counts.
 * @param {Where} where
 * @returns {Promise<Consent>} `window.consent`. It stays open on a server; it rejects if the script does not load, and then
 *   nothing optional runs.
 */
export function loadConsent({ server, site, place, nonce }) {
  if (typeof document == 'undefined') return new Promise(() => {});
  return (loading ??= new Promise((resolve, reject) => {
    (window.consentQueue ||= []).push(resolve);
    const path = `/v1/${site}/consent.js`;
    if (!Array.isArray(window.consentQueue) || document.querySelector(`script[src*="${CSS.escape(path)}"]`)) return;
    const script = document.createElement('script');
    script.async = true;
    if (place != null) script.dataset.place = place;
    if (nonce) script.nonce = nonce;
    script.onerror = () => {
      script.remove();
      loading = undefined; // so that a later call tries again
      reject(Error(`consent: ${script.src} did not load; nothing optional runs`));
    };
    script.src = server.replace(/\/$/, '') + path;
    document.head.append(script);
  }));
}
