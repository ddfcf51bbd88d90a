// https://posthog.com/docs/privacy/data-collection : what is true before an answer stands in the shop's own `init`.
import { keeper, page, teller } from './teller.js';

/** @typedef {import('../types').Choice} Choice */

const tell = teller(() => page.posthog?.opt_in_capturing && page.posthog, (posthog, /** @type {Choice} */ { analytics }) => {
  if (analytics) posthog.opt_in_capturing({ captureEventName: false }); // else each page counts as another yes
  else posthog.opt_out_capturing();
});

export default keeper((choice) => choice && tell(choice));
