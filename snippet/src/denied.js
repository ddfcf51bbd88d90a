/** What a pattern holds, and may not be asked any more. */

/** @param {import('./types').Gate} gate */
export const denials = ({ consent, memory, newElement: element, settings }) => {
  /** @param {string} categories of which one is enough, as what two services share waits for either */
  const isOff = (categories) => !categories.split('|').some((each) => consent.allows(/** @type {import('./types').Category} */ (each)));
  const denied = (settings.trackers ?? []).map(({ match, category }) => ({ match: RegExp(match), category }));
  /** @param {string} address @returns {boolean} whether it is one of a tracker's that may not be asked */
  const isDenied = (address) => {
    const { host, pathname } = /** @type {any} */ (element('a', { href: address }));
    return denied.some(({ match, category }) => match.test(host + pathname) && isOff(category));
  };
  const closeSockets = () => memory.sockets?.forEach((ref) => {
    const socket = ref.deref();
    if (socket && isDenied(socket.url)) socket.close();
  });
  /** @returns {boolean} whether a pattern let a script through, or a request of one, that the answer does not allow */
  const letThrough = () => (settings.trackers ?? []).some(({ category }) => memory[category] && isOff(category));
  return { isOff, isDenied, closeSockets, letThrough };
};
