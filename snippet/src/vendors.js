/** What each vendor is told: one row each. `start` runs on every page before any answer, `tell` with each answer. */

/**
 * @typedef {import('./types').Vendors} Vendors
 * @typedef {import('./types').Choice} Choice
 * @typedef {{ start(options: any): void, tell(choice: Choice, options: any): void }} Vendor
 */
import { config } from './site.js';

/** @param {boolean} allowed */
const word = (allowed) => (allowed ? 'granted' : 'denied');

/** @type {(...args: any[]) => void} */
const gtag = function () {
  (window.dataLayer ||= []).push(arguments); // Google reads Arguments objects, not arrays
};

/** @param {Choice} choice */
const googleSignals = ({ functional, analytics, marketing }) => ({
  ad_storage: word(marketing),
  ad_user_data: word(marketing),
  ad_personalization: word(marketing),
  analytics_storage: word(analytics),
  functionality_storage: word(functional),
  personalization_storage: word(functional),
  security_storage: 'granted',
});

const NOTHING = { functional: false, analytics: false, marketing: false };

/** Whether Meta may, for a base code that comes after the answer. */
let granted = false;

/** @type {{ [name in keyof Vendors]-?: Vendor }} */
const VENDORS = {
  google: {
    start({ mode, wait = 500, region, redact, passthrough }) {
      gtag('consent', 'default', {
        ...googleSignals(NOTHING),
        ...(mode == 'advanced' && { wait_for_update: wait }),
        ...(region && { region }),
      });
      if (redact) gtag('set', 'ads_data_redaction', true);
      if (passthrough) gtag('set', 'url_passthrough', true);
    },
    tell(choice) {
      gtag('consent', 'update', googleSignals(choice));
      (window.dataLayer ||= []).push({ event: 'consentchange', consent: choice });
    },
  },
  microsoft: {
    start(options) {
      if (options.uet) (window.uetq ||= []).push('consent', 'default', { ad_storage: 'denied' });
      this.tell(NOTHING, { clarity: options.clarity });
    },
    tell({ analytics, marketing }, { uet, clarity }) {
      if (uet) (window.uetq ||= []).push('consent', 'update', { ad_storage: word(marketing) });
      if (clarity) {
        /** @type {import('./types').Stub} */
        const stub = function (...args) {
          (stub.q ||= []).push(args);
        };
        (window.clarity ||= stub)('consentv2', { ad_Storage: word(marketing), analytics_Storage: word(analytics) });
      }
    },
  },
  meta: {
    // Meta's base code loads nothing where it finds an fbq. So there is no stub of ours: the first call of its own
    // finds the refusal, and the answer, in front.
    start() {
      /** @type {import('./types').Stub | undefined} */
      let fbq = window.fbq;
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
    tell({ marketing }) {
      granted = marketing;
      window.fbq?.('consent', marketing ? 'grant' : 'revoke');
    },
  },
  matomo: {
    start({ mode }) {
      window._paq ??= /** @type {unknown[][]} */ ([]);
      window._paq.push([mode == 'cookie' ? 'requireCookieConsent' : 'requireConsent']);
    },
    tell({ analytics }, { mode }) {
      window._paq?.push([`${analytics ? 'set' : 'forget'}${mode == 'cookie' ? 'Cookie' : ''}ConsentGiven`]);
    },
  },
};

/**
 * A vendor that throws does not stop the others.
 * @param {Choice | null} choice nothing yet at the start of a page
 */
export const tell = (choice) => {
  for (const [name, options] of Object.entries(config.vendors ?? {})) {
    try {
      const vendor = VENDORS[/** @type {keyof Vendors} */ (name)];
      if (choice) vendor.tell(choice, options);
      else vendor.start(options);
    } catch (error) {
      console.error(error);
    }
  }
};
