/** One observer of the page for all who look at what comes into it: each more would cost a page as much again. */

/** @returns {NonNullable<import('./types').Memory['tree']>} to whose `looks` whoever looks adds their own */
export const watchTree = () => {
  /** @type {((record: MutationRecord) => void)[]} */
  const looks = [];
  const observer = new MutationObserver((records) => {
    for (const record of records) {
      for (const look of looks) {
        try {
          look(record);
        } catch {} // one of the page's that is none of the browser's own: those after it count
      }
    }
  });
  return { looks, observer };
};
