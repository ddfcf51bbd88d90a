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
    if (window.sessionStorage['ask-removed']?.includes(` ${href} `)) return true;
  } catch {} // storage is blocked
  return Reflect.get(Object.getPrototypeOf(document), 'referrer', document) == href.split('#')[0];
};

/** @type {import('./types').Category[]} */
const CATEGORIES = ['functional', 'analytics', 'marketing'];
const NOTE = 'ask-answered';
/**
 * The answer that an address gave in this tab, until somebody answers otherwise, and behind it each that was allowed with it: a
 * rule by place may have something off, here or until the place is known.
 *
 * @param {string} [said]
 * @returns {string}
 */
const note = (said) => {
  try {
    if (said) window.sessionStorage[NOTE] = said;
    else if (said == '') window.sessionStorage.removeItem(NOTE);
    return window.sessionStorage[NOTE] ?? '';
  } catch {
    return ''; // storage is blocked
  }
};

if (__TESTING__.includes(location.origin)) {
  window.consentQueue?.push((consent) => {
    const now = () => CATEGORIES.map((category) => +consent.allows(category)).join('');
    let before = now();
    const [noted, ...seen] = note().split(' ');
    const stands = seen.includes(before); // or somebody has answered where this tab did not hear it
    const isAnswered = /^(accepted|refused|functional|analytics|marketing)$/.test(answer ?? '');
    const word = isAnswered ? answer : note(stands ? undefined : '') && noted;
    if (!word) return;
    const wanted = CATEGORIES.map((category) => +(word == 'accepted' || word == category)).join('');
    // The document's, before the page, which may stop it; a place that becomes known only adds to what was wanted.
    addEventListener('consentchange', () => {
      const after = now();
      if ([...after].some((is, i) => (+is ? !+wanted[i] : +before[i]))) note('');
      else if (note().startsWith(word)) note(`${note()} ${after}`);
      before = after;
    }, true);
    // Once: a page that is loaded anew has the answer already, or the one that took it back.
    if (!isAnswered || (consent.choice && ((noted == word && stands) || cameBack() || before == wanted))) return;
    before = '';
    consent.decide(Object.fromEntries(CATEGORIES.map((category, i) => [category, !!+wanted[i]])));
    note(`${word} ${now()}`);
  });
}

export {};
