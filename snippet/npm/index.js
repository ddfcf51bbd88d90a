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
/** @type {any} */
let policy;
/** @param {string} address @returns {any} what a page's Trusted Types let a script have, by our policy or by the page's own */
const trusted = (address) => {
  try {
    policy ??= /** @type {any} */ (window).trustedTypes?.createPolicy('consent-load', { createScriptURL: String });
  } catch {}
  return policy?.createScriptURL(address) ?? address;
};

/**
 * Loads the script once, however often it is called; a tag that the page has counts.
 * @param {Where} where
 * @returns {Promise<Consent>} `window.consent`. It stays open on a server; it rejects if the script does not load, and then
 *   nothing optional runs, and a later call tries again.
 */
export function loadConsent({ server, site, place, nonce }) {
  if (typeof document == 'undefined') return new Promise(() => {});
  if (loading) return loading;
  loading = new Promise((resolve, reject) => {
    const path = `/v1/${site}/consent.js`;
    const address = server.replace(/\/$/, '') + path;
    const fail = () => reject(Error(`consent: ${address} did not load; nothing optional runs`));
    (window.consentQueue ||= []).push(resolve);
    if (!Array.isArray(window.consentQueue)) return;
    const tag = document.querySelector(`script[src*="${CSS.escape(path)}"]`);
    if (tag && document.readyState != 'complete') { // else it has failed, or comes later yet: the second of two does nothing
      tag.addEventListener('error', fail);
      return addEventListener('load', () => Array.isArray(window.consentQueue) && fail()); // it had failed before
    }
    const script = document.createElement('script');
    script.async = true;
    if (place != null) script.dataset.place = place;
    if (nonce) script.nonce = nonce;
    script.addEventListener('error', () => script.remove());
    script.addEventListener('error', fail);
    script.src = trusted(address);
    document.head.append(script);
  });
  loading.catch(() => void (loading = undefined));
  return loading;
}
