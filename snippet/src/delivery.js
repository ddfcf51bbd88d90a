/** Takes the server's answer to a decision, and sends what is unsent. Loaded with the details. */

/** @typedef {Pick<import('./types').Gate, 'memory' | 'queued' | 'post' | 'writeCookie'>} Gate */

/** @param {Gate} gate */
const send = async ({ memory, queued, post, writeCookie }) => {
  try {
    while (memory.unsent[0] && !memory.unsent[0].refused) {
      const { id, previous } = memory.unsent[0];
      const response = await (memory.sent ?? post(memory.unsent[0]));
      memory.sent = undefined;
      if (!response || response.status == 429 || response.status > 499) break;
      const { token, type, detail } = await response.json();
      // Another tab may have put a decision behind this one meanwhile.
      const theirs = queued();
      if (theirs[1] && theirs[0].id == id) memory.unsent = theirs;

      const { unsent } = memory;
      if (response.ok) {
        unsent.shift();
        if (unsent[0]) unsent[0].previous = token;
      } else if (previous && /\/previous-/.test(type)) {
        delete unsent[0].previous;
      } else {
        console.warn('consent: decision not taken:', detail);
        if (unsent[1]) unsent.shift();
        else unsent[0].refused = 1;
      }
      writeCookie(token);
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
