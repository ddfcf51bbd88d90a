/** Takes the server's answer to a decision, and sends what is unsent. Loaded with the details. */

/** @typedef {Pick<import('./types').Gate, 'memory' | 'pending' | 'post' | 'store'>} Gate */

/** @param {Gate} gate */
const send = async ({ memory, pending, post, store }) => {
  try {
    while (memory.queue[0] && !memory.queue[0].refused) {
      const { id, previous } = memory.queue[0];
      const response = await (memory.sent ?? post(memory.queue[0]));
      memory.sent = undefined;
      if (!response || response.status == 429 || response.status > 499) break;
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
    // No answer of ours: the cookie keeps the decision.
  }
};

/**
 * Sends the decisions, oldest first. What the server cannot take now stays in the cookie for the next page.
 * @param {Gate} gate
 */
export const deliver = (gate) =>
  (gate.memory.sending ??= send(gate).then(() => {
    gate.memory.sending = undefined;
  }));
