// https://posthog.com/docs/privacy/data-collection : what is true before an answer stands in the shop's own `init`.
import { page, teller } from './teller.js';

const tell = teller(() => page.posthog?.opt_in_capturing && page.posthog, (posthog, { analytics }) => {
  if (analytics) posthog.opt_in_capturing({ captureEventName: false }); // else each page counts as another yes
  else posthog.opt_out_capturing();
});

/** @type {import('../types').Bridge} */
export default (_, choice) => choice && tell(choice);
