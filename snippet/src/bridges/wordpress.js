// https://wordpress.org/plugins/wp-consent-api/ : the type first, then each category. Theirs of the name functional is
// what no page can do without, and ours of that name is called preferences there.
import { page, teller } from './teller.js';

const tell = teller(() => page.wp_set_consent, (set, { functional, analytics, marketing }) => {
  for (const [category, allowed] of Object.entries({
    functional: true, preferences: functional, statistics: analytics, 'statistics-anonymous': analytics, marketing,
  })) set(category, allowed ? 'allow' : 'deny');
});

/** @type {import('../types').Bridge} */
export default (_, choice) => {
  if (choice) return tell(choice);
  page.wp_consent_type = 'optin';
  document.dispatchEvent(new CustomEvent('wp_consent_type_defined'));
};
