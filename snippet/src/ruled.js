/** What rules by place change in the preferences. Only shops that have rules get this. */

/**
 * @param {HTMLElement} switches the tab with them
 * @param {import('./types').Gate} gate
 * @param {import('./settings').Words} words
 */
export const adaptSwitches = (switches, { newElement: element, rule }, words) => {
  const { objection, off } = rule();
  for (const { name, parentNode } of switches.querySelectorAll('input')) {
    const section = /** @type {HTMLElement} */ (parentNode?.parentNode);
    if (off.includes(/** @type {any} */ (name))) section.remove();
    else if (objection.includes(/** @type {any} */ (name))) section.querySelector('p')?.append(' ', element('b', {}, words.on_unless));
  }
  const text = switches.querySelector('p')?.firstChild;
  if (text && objection[0]) text.textContent = words.details_unless;
};
