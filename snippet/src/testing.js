/**
 * Answers as an address says, `?consent=refused`: the page's own, or the tag's. It stands behind the gate in consent.js
 * where a shop has origins for tests, and nowhere else: so it knows the gate by `consentQueue` alone.
 */

/** The document's own, whatever the page has named so. */
const script = /** @type {HTMLScriptElement} */ (Reflect.get(HTMLDocument.prototype, 'currentScript', document));
const [answer] = [location.href, script.src].map((address) => /[?&]consent=(\w+)/.exec(address)?.[1]).filter(Boolean);

if (__TESTING__.includes(location.origin) && /^(accepted|refused|functional|analytics|marketing)$/.test(answer ?? '')) {
  window.consentQueue?.push((consent) => {
    /** @type {import('./types').Category[]} */
    const categories = ['functional', 'analytics', 'marketing'];
    const wanted = categories.map((category) => answer == 'accepted' || answer == category);
    // Once: a page that is loaded anew has the answer already.
    if (consent.choice && categories.every((category, i) => consent.allows(category) == wanted[i])) return;
    consent.decide(Object.fromEntries(categories.map((category, i) => [category, wanted[i]])));
  });
}

export {};
