/** What each vendor is told: one row each, called on every page before any answer, then with each answer. */
import { vendors } from './site.js';

/** @typedef {Partial<import('./types').Choice>} Choice  empty before any answer */

/** @param {boolean | undefined} allowed */
const word = (allowed) => (allowed ? 'granted' : 'denied');

/** @type {(...args: any[]) => void} */
const gtag = function () {
  (window.dataLayer ||= []).push(arguments); // Google reads Arguments objects, not arrays
};

/** Whether Meta may, for a base code that comes after the answer. */
let granted = false;

/** @type {{ [name: string]: (choice: Choice, answered: boolean, options: any) => void }} */
const VENDORS = {
  google({ functional, analytics, marketing }, answered, [extra, switches]) {
    gtag('consent', answered ? 'update' : 'default', {
      ad_storage: word(marketing),
      ad_user_data: word(marketing),
      ad_personalization: word(marketing),
      analytics_storage: word(analytics),
      functionality_storage: word(functional),
      personalization_storage: word(functional),
      security_storage: 'granted',
      ...(!answered && extra),
    });
    if (answered) window.dataLayer?.push({ event: 'consentchange', consent: { functional, analytics, marketing } });
    else for (const name of switches) gtag('set', name, true);
  },
  uet({ marketing }, answered) {
    (window.uetq ||= []).push('consent', answered ? 'update' : 'default', { ad_storage: word(marketing) });
  },
  clarity({ marketing, analytics }) {
    /** @type {import('./types').Stub} */
    const stub = (...args) => (stub.q ||= []).push(args);
    (window.clarity ||= stub)('consentv2', { ad_Storage: word(marketing), analytics_Storage: word(analytics) });
  },
  // Meta's base code loads nothing where it finds an fbq. So there is no stub of ours: the first call of its own
  // finds the refusal, and the answer, in front.
  meta({ marketing }, answered) {
    granted = !!marketing;
    /** @type {import('./types').Stub | undefined} */
    let fbq = window.fbq;
    if (answered) return fbq?.('consent', marketing ? 'grant' : 'revoke');
    const revoke = () => {
      if (fbq?.callMethod) fbq('consent', 'revoke');
      else fbq?.queue?.unshift(['consent', 'revoke']);
    };
    if (fbq) return revoke();
    Object.defineProperty(window, 'fbq', {
      configurable: true,
      get() {
        if (fbq) {
          Object.defineProperty(window, 'fbq', { value: fbq, writable: true });
          revoke();
          if (granted) fbq('consent', 'grant');
        }
        return fbq;
      },
      set(value) {
        fbq = value;
      },
    });
  },
  matomo({ analytics }, answered, [require, give, forget]) {
    (window._paq ||= /** @type {unknown[]} */ ([])).push([!answered ? require : analytics ? give : forget]);
  },
};

/**
 * A vendor that throws does not stop the others.
 * @param {import('./types').Choice | null} choice nothing yet at the start of a page
 */
export const tell = (choice) => {
  for (const [name, options] of vendors) {
    try {
      VENDORS[name](choice ?? {}, !!choice, options);
    } catch (error) {
      console.error(error);
    }
  }
};
