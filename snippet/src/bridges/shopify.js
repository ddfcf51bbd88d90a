// https://shopify.dev/docs/api/customer-privacy : until it is told, the regions of the shop's own settings count.
import { keeper, page, teller } from './teller.js';

/** @typedef {import('../types').Choice} Choice */

const tell = teller(() => page.Shopify?.loadFeatures, (_, /** @type {Choice} */ { functional, analytics, marketing }) => {
  page.Shopify.loadFeatures([{ name: 'consent-tracking-api', version: '0.1' }], (/** @type {unknown} */ error) => {
    if (error) return console.error(error);
    page.Shopify.customerPrivacy.setTrackingConsent(
      { analytics, marketing, preferences: functional, sale_of_data: marketing }, () => {});
  });
});

export default keeper((choice) => choice && tell(choice));
