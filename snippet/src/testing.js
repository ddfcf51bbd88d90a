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

/** @type {import('./types').Category[]} */
const CATEGORIES = ['functional', 'analytics', 'marketing'];
const NOTE = 'ask-answered';
/**
 * The answer that an address gave in this tab, until somebody answers otherwise. What it allows says too little: a rule by
 * place may have something off, here or until the place is known.
 *
 * @param {string} [said]
 * @returns {string}
 */
const note = (said) => {
  try {
    if (said != null) sessionStorage[NOTE] = said;
    return sessionStorage[NOTE] ?? '';
  } catch {
    return ''; // storage is blocked
  }
};

if (__TESTING__.includes(location.origin)) {
  window.consentQueue?.push((consent) => {
    const isAnswered = /^(accepted|refused|functional|analytics|marketing)$/.test(answer ?? '');
    const word = isAnswered ? answer : note();
    if (!word) return;
    const wanted = CATEGORIES.map((category) => word == 'accepted' || word == category);
    const now = () => CATEGORIES.map((category) => consent.allows(category));
    let before = now();
    // The document's, before the page, which may stop it; a place that becomes known only adds to what was wanted.
    addEventListener('consentchange', () => {
      const after = now();
      if (after.some((is, i) => (is ? !wanted[i] : before[i]))) note('');
      before = after;
    }, true);
    // Once: a page that is loaded anew has the answer already, or the one that took it back.
    if (!isAnswered || (consent.choice && (note() == word || cameBack() || before.every((is, i) => is == wanted[i])))) return;
    before = [];
    note(word);
    consent.decide(Object.fromEntries(CATEGORIES.map((category, i) => [category, wanted[i]])));
  });
}

export {};
