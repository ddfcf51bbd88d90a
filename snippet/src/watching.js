/**
 * Draws which page views report what the shop's lists do not allow. It stands behind the gate in consent.js where a shop
 * says `watch`, and nowhere else: so it knows the gate by `consentQueue` alone, and brings its own eyes for the page.
 */
const { share, path, layer } = __WATCHING__;

/** The document's own, whatever the page has named so. */
const script = /** @type {HTMLScriptElement} */ (Reflect.get(Object.getPrototypeOf(document), 'currentScript', document));
const base = (script.dataset.base || script.src || path).replace(/(\/[^/]*\.js)?\/?([?#].*)?$/, '/');

if (Math.random() < share) {
  let answered = 0;
  addEventListener.call(document, 'consentchange', () => {
    answered = window.performance.now();
  });
  window.consentQueue?.push((consent) => {
    const start = () => import(base.replace(/^\/(?!\/)/, location.origin + '/') + layer).then(({ report }) => report(consent, () => answered), () => {});
    if (Reflect.get(Object.getPrototypeOf(document), 'readyState', document) == 'complete') start();
    else addEventListener('load', start);
  });
}
