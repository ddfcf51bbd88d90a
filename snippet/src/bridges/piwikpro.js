// https://developers.piwik.pro/en/latest/consent_manager/js_api/ : first that nobody has answered, then the answer.
import { page, teller } from './teller.js';

/** @typedef {import('../types').Choice} Choice */

/** @param {Choice} choice */
const consents = ({ functional, analytics, marketing }) => ({
  analytics,
  ab_testing_and_personalization: functional,
  user_feedback: functional,
  conversion_tracking: marketing,
  marketing_automation: marketing,
  remarketing: marketing,
});
const find = () => page.ppms?.cm?.api && page.ppms.cm;

const begin = teller(find, (cm, choice) =>
  cm.api('setInitialComplianceSettings', { consents: Object.keys(consents(choice)) }, () => {}));
const tell = teller(find, (cm, choice) => {
  const statuses = Object.entries(consents(choice)).map(([type, allowed]) => [type, { status: allowed ? 1 : 0 }]);
  cm.api('setComplianceSettings', { consents: Object.fromEntries(statuses) }, () => {});
});

/** @type {import('../types').Bridge} */
export default (_, choice) => (choice ? tell(choice) : begin({ functional: false, analytics: false, marketing: false }));
