/** Tells what a vendor's own script brings, when it is there. */

/** @typedef {import('../types').Choice} Choice */

/** Of the document, whatever the page has named so. */
const { addEventListener: listen, removeEventListener: stop } = EventTarget.prototype;

/**
 * Tells now, or once it is there: when the page is parsed, when it or something in it has loaded, as a tag that was held
 * does after the answer. The newest answer then, and once.
 * @template It
 * @template {Choice | null} Answer
 * @param {() => It | undefined} find what is to be told
 * @param {(it: It, choice: Answer) => void} tell
 * @returns {(choice: Answer) => void}
 */
export const teller = (find, tell) => {
  /** @type {Answer | undefined} */
  let waiting;
  /** @param {typeof listen | typeof stop} act */
  const each = (act) => {
    for (const type of ['DOMContentLoaded', 'load']) act.call(window, type, attempt);
    act.call(document, 'load', attempt, true); // no window hears of what an element has loaded
  };
  const attempt = () => {
    const it = find();
    if (!it || waiting === undefined) return;
    const choice = waiting;
    waiting = undefined;
    each(stop);
    tell(it, choice);
  };
  return (choice) => {
    waiting = choice;
    each(listen);
    attempt();
  };
};

/** Where vendors keep what is theirs. @type {any} */
export const page = window;

/** @type {Choice} */
const REFUSAL = { functional: false, analytics: false, marketing: false };

/**
 * A bridge to who keeps what it is told from page to page. So at the start of a page it hears nothing before an answer that
 * holds, which would undo it, and a refusal where one has ended, which it would go on with.
 * @param {(choice: Choice | null) => unknown} tell
 * @returns {import('../settings').Bridge}
 */
export const keeper = (tell) => (_, choice, __, allowed, last) => {
  if (choice || !allowed) tell(choice ?? (last ? REFUSAL : null));
};
