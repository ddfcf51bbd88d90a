// https://developers.piwik.pro/en/latest/consent_manager/js_api/ : that nobody has answered, or the answer.
import { keeper, page, teller } from './teller.js';

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

const tell = teller(find, (cm, /** @type {Choice | null} */ choice) => {
  const answers = Object.entries(consents(choice ?? { functional: false, analytics: false, marketing: false }));
  if (!choice) return cm.api('setInitialComplianceSettings', { consents: answers.map(([type]) => type) }, () => {});
  const statuses = answers.map(([type, allowed]) => [type, { status: allowed ? 1 : 0 }]);
  cm.api('setComplianceSettings', { consents: Object.fromEntries(statuses) }, () => {});
});

export default keeper(tell);
