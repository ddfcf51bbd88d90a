/** What each vendor is told: one row each, called on every page before any answer, then with each answer. */
import { state } from './cookie.js';
import { allowed } from './hold.js';
import { CATEGORIES, config, define } from './site.js';

/** @typedef {import('./types').Choice | null} Choice  nothing yet at the start of a page */

/** What was told through a list of the page's, by the list's name. @type {Record<string, unknown[]>} */
const told = {};
/**
 * Adds to a list that a vendor reads. A page that begins another one later has all that in front of it.
 * @param {string} name @param {...unknown} items
 */
const push = (name, ...items) => {
  /** @type {any} */
  const page = window;
  let list = (page[name] ||= []);
  const before = (told[name] ??= []);
  if (!before[0]) {
    define(name, () => list, (given) => {
      if (Array.isArray(given) && !given.includes(before.at(-1))) given.unshift(...before);
      list = given;
    });
  }
  before.push(...items);
  page[name].push(...items);
};

/** @type {(...args: any[]) => void} */
const gtag = function () {
  push('dataLayer', arguments); // Google reads Arguments objects, not arrays
};

/** Whether Meta may, for a base code that comes after the answer. @type {boolean | undefined} */
let granted;

/**
 * What a row gets: each category as the word granted or denied, the answer, what else the vendor has to be told; then, where
 * there is nothing yet, what holds and is told next, and the newest answer, which may have ended.
 * @type {{ [name: string]: (words: Record<string, string>, choice: Choice, options: any, ...rest: any) => void }}
 */
const VENDORS = {
  google({ functional, analytics, marketing }, choice, { defaults, switches }) {
    gtag('consent', choice ? 'update' : 'default', {
      ad_storage: marketing,
      ad_user_data: marketing,
      ad_personalization: marketing,
      analytics_storage: analytics,
      functionality_storage: functional,
      personalization_storage: functional,
      security_storage: 'granted',
      ...(!choice && defaults),
    });
    if (choice) window.dataLayer?.push({ event: 'consentchange', consent: choice });
    else for (const name of switches) gtag('set', name, true);
  },
  uet({ marketing }, choice) {
    push('uetq', 'consent', choice ? 'update' : 'default', { ad_storage: marketing });
  },
  // It has no default: each word is an answer, and a refusal before the one that holds would end the visit.
  clarity({ marketing, analytics }, choice) {
    if (!choice && allowed) return;
    (window.clarity ||= (...args) => (/** @type {import('./types').Stub} */ (window.clarity).q ||= []).push(args))(
      'consentv2', { ad_Storage: marketing, analytics_Storage: analytics });
  },
  // Meta's base code loads nothing where it finds an fbq. So there is no stub of ours: the first call of its own
  // finds the refusal, and the answer, in front.
  meta(_, choice) {
    granted = choice?.marketing;
    /** @type {import('./types').Stub | undefined} */
    let fbq = window.fbq;
    if (choice) return fbq?.('consent', granted ? 'grant' : 'revoke');
    const revoke = () => {
      if (fbq?.callMethod) fbq('consent', 'revoke');
      else fbq?.queue?.unshift(['consent', 'revoke']);
    };
    if (fbq) return revoke();
    define('fbq', () => {
      if (fbq) {
        delete window.fbq;
        window.fbq = fbq;
        revoke();
        if (granted) fbq('consent', 'grant');
      }
      return fbq;
    }, (value) => {
      fbq = value;
    });
  },
  matomo(_, choice, { require, give, forget }) {
    push('_paq', [!choice ? require : choice.analytics ? give : forget]);
  },
  ...__BRIDGES__, // see bridges/
};

/** They keep what they are told as an answer, and so are told of nothing that is on without one. */
const KEEPERS = /hubspot|piwikpro|posthog|shopify|wordpress/;

/**
 * A vendor that throws does not stop the others.
 * @param {Choice} choice
 * @param {readonly import('./types').Category[]} [presumed] what is on without an answer
 */
export const tell = (choice, presumed) => {
  const words = Object.fromEntries(CATEGORIES.map((category) =>
    [category, choice?.[category] || __RULES__ && presumed?.includes(category) ? 'granted' : 'denied']));
  for (const [name, options] of Object.entries(config.vendors ?? {})) {
    try {
      if (__RULES__ && presumed && choice && KEEPERS.test(name)) continue;
      VENDORS[name](words, choice, options, allowed, state.last);
      // Of Google and Microsoft the default itself says what is on; the others know only of an answer.
      if (__RULES__ && presumed?.[0] && !choice && !/google|uet/.test(name) && !KEEPERS.test(name)) {
        VENDORS[name](words, /** @type {any} */ (Object.fromEntries(CATEGORIES.map((category) => [category, presumed.includes(category)]))), options);
      }
    } catch (error) {
      console.error(error);
    }
  }
};
