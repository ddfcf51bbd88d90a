// https://wordpress.org/plugins/wp-consent-api/ : the type first, then each category. Theirs of the name functional is
// what no page can do without, and ours of that name is called preferences there.
import { keeper, page, teller } from './teller.js';

/** @typedef {import('../types').Choice} Choice */

const tell = teller(() => page.wp_set_consent, (set, /** @type {Choice} */ { functional, analytics, marketing }) => {
  for (const [category, allowed] of Object.entries({
    functional: true, preferences: functional, statistics: analytics, 'statistics-anonymous': analytics, marketing,
  })) set(category, allowed ? 'allow' : 'deny');
});

/** Whether this page's plug-ins know the type. */
let begun = false;

export default keeper((choice) => {
  if (!begun) {
    begun = true;
    page.wp_consent_type = 'optin';
    EventTarget.prototype.dispatchEvent.call(document, new CustomEvent('wp_consent_type_defined'));
  }
  if (choice) tell(choice);
});
