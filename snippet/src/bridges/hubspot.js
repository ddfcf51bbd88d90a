// https://developers.hubspot.com/docs/api-reference/latest/account/settings/consent-banner/consent-banner-api
import { keeper, page } from './teller.js';

export default keeper((choice) => {
  page.disableHubSpotCookieBanner = true; // else it asks as well
  const { functional = false, analytics = false, marketing = false } = choice ?? {};
  (page._hsp ||= []).push(['setHubSpotConsent', { analytics, advertisement: marketing, functionality: functional }]);
});
