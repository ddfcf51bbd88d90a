/** What the page knows of the answer now, for frameworks that draw by it. */

/**
 * @typedef {import('consent-server/types').Category} Category
 * @typedef {import('consent-server/types').Choice} Choice
 */

let said = 'null';
/** @type {Readonly<Choice> | null} */
let known = null;

/** @returns {Readonly<Choice> | null} the answer: the same object until there is another; null until there is one */
export const choice = () => {
  const now = JSON.stringify(window.consent?.choice ?? null);
  if (now != said) [said, known] = [now, JSON.parse(now)];
  return known;
};

/**
 * @param {Category | 'necessary'} category
 * @returns {boolean} whether it may run now, which rules by place may say without an answer
 */
export const allows = (category) => category == 'necessary' || !!window.consent?.allows?.(category);

/**
 * @param {() => void} tell called at each answer
 * @returns {() => void} what ends that
 */
export const subscribe = (tell) => {
  document.addEventListener('consentready', tell);
  document.addEventListener('consentchange', tell);
  return () => {
    document.removeEventListener('consentready', tell);
    document.removeEventListener('consentchange', tell);
  };
};
