// https://developers.hubspot.com/docs/api-reference/latest/account/settings/consent-banner/consent-banner-api
import { page } from './teller.js';

/** @type {import('../types').Bridge} */
export default (_, choice) => {
  page.disableHubSpotCookieBanner = true; // else it asks as well
  const { functional = false, analytics = false, marketing = false } = choice ?? {};
  (page._hsp ||= []).push(['setHubSpotConsent', { analytics, advertisement: marketing, functionality: functional }]);
};
