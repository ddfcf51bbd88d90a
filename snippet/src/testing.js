/**
 * Answers as an address says, `?consent=refused`: the page's own, or the tag's. It stands behind the gate in consent.js
 * where a shop has origins for tests, and nowhere else: so it knows the gate by `consentQueue` alone.
 */

/** The document's own, whatever the page has named so. */
const script = /** @type {HTMLScriptElement} */ (Reflect.get(Object.getPrototypeOf(document), 'currentScript', document));
const [answer] = [location.href, script.src].map((address) => /[?&]consent=(\w+)/.exec(address)?.[1]).filter(Boolean);

/**
 * Whether the page was left because of a withdrawal, after which it comes anew: withdraw.js says so of its address, and else
 * the browser does.
 */
const cameBack = () => {
  const { href } = location;
  try {
    if (sessionStorage['ask-removed']?.includes(` ${href} `)) return true;
  } catch {} // storage is blocked
  return Reflect.get(Object.getPrototypeOf(document), 'referrer', document) == href.split('#')[0];
};

if (__TESTING__.includes(location.origin) && /^(accepted|refused|functional|analytics|marketing)$/.test(answer ?? '')) {
  window.consentQueue?.push((consent) => {
    /** @type {import('./types').Category[]} */
    const categories = ['functional', 'analytics', 'marketing'];
    const wanted = categories.map((category) => answer == 'accepted' || answer == category);
    // Once: a page that is loaded anew has the answer already, or the one that took it back.
    if (consent.choice && (cameBack() || categories.every((category, i) => consent.allows(category) == wanted[i]))) return;
    consent.decide(Object.fromEntries(categories.map((category, i) => [category, wanted[i]])));
  });
}

export {};
