/** Tells what a vendor's own script brings, when it is there. */

/** @typedef {import('../types').Choice} Choice */

/**
 * Tells now, or once the page is parsed, or has loaded: the newest answer then, and once.
 * @template It
 * @param {() => It | undefined} find what is to be told
 * @param {(it: It, choice: Choice) => void} tell
 * @returns {(choice: Choice) => void}
 */
export const teller = (find, tell) => {
  /** @type {Choice | undefined} */
  let waiting;
  const attempt = () => {
    const it = find();
    if (!it || !waiting) return;
    const choice = waiting;
    waiting = undefined;
    tell(it, choice);
  };
  return (choice) => {
    waiting = choice;
    attempt();
    for (const type of waiting ? ['DOMContentLoaded', 'load'] : []) addEventListener(type, attempt, { once: true });
  };
};

/** Where vendors keep what is theirs. @type {any} */
export const page = window;
