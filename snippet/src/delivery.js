/** Sends what is unsent. Loaded with the details: where these do not load, the server would not take a decision either. */

/**
 * Sends the decisions, oldest first. What the server cannot take now stays in the cookie for the next page.
 * @param {Pick<import('./types').Gate, 'base' | 'memory' | 'pending' | 'store'>} gate
 */
export const deliver = async ({ base, memory, pending, store }) => {
  if (memory.sending) return;
  memory.sending = true;
  try {
    while (memory.queue[0] && !memory.queue[0].refused) {
      const { id, allow, notice, lang, variant, how, previous } = memory.queue[0];
      const response = await fetch(base + 'decisions', {
        method: 'POST',
        body: JSON.stringify({ id, allow, notice, lang, variant, how, previous }), // a string is text/plain: no preflight
        keepalive: true, // it outlives the page
      });
      if (response.status == 429 || response.status > 499) break;
      const { token, type, detail } = await response.json();
      // Another tab may have put a decision behind this one meanwhile.
      const theirs = pending();
      if (theirs[1] && theirs[0].id == id) memory.queue = theirs;

      const { queue } = memory;
      if (response.ok) {
        queue.shift();
        if (queue[0]) queue[0].previous = token;
      } else if (previous && /\/previous-/.test(type)) {
        delete queue[0].previous;
      } else {
        console.warn('consent: decision not taken:', detail);
        if (queue[1]) queue.shift();
        else queue[0].refused = 1;
      }
      store(token);
    }
  } catch {
    // Offline, or the server is: the cookie keeps the decision.
  }
  memory.sending = false;
};
