// By the methods that TikTok's base code lists, and in the queue that it makes; an array that is there already is taken.
import { page } from './teller.js';

/** @type {import('../settings').Bridge} */
export default (_, choice) => {
  const call = !choice ? 'holdConsent' : choice.marketing ? 'grantConsent' : 'revokeConsent';
  const queue = (page.ttq ||= []);
  if (queue[call]) queue[call]();
  else queue.push([call]);
};
