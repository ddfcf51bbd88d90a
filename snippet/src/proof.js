/** The receipt as a page, and which number an answer has in the sealed log of its day: fetched by *My choices*. */
import { assertSameProtocol } from './protocol.js';
import { verifyProof, BadToken } from '../verify.js';

/** @type {import('./settings').ProofConfig} */
const { words } = __PROOF__;

/** @type {(gate: import('./types').Gate) => import('./types').Proof} */
const proof = (gate) => {
  assertSameProtocol(gate);
  const { newElement: element, settings: { site } } = gate;

  /** @param {(string | Node)[]} parts */
  const paragraph = (...parts) => element('p', {}, ...parts);

  /** @param {unknown} held a receipt, small enough for an address */
  const file = (held) => element('a', {
    href: 'data:application/ld+json,' + encodeURIComponent(JSON.stringify(held, null, 2)),
    download: `consent-${site}.json`,
  }, 'JSON-LD');

  /** @type {import('./types').Proof['print']} */
  const print = (view, held, said, button) => {
    if (!view) return file(held).click();
    const { document: page } = view;
    const sheet = new /** @type {any} */ (view).CSSStyleSheet();
    sheet.replaceSync('body{max-width:40em;margin:auto;padding:1em;font:16px/1.5 system-ui;overflow-wrap:anywhere}button{font:inherit}@media print{button,a{display:none}}');
    page.adoptedStyleSheets = [sheet];
    page.documentElement.lang = held['dcterms:language'];
    page.documentElement.dir = 'auto';
    page.title = words.my_receipt;
    page.body.replaceChildren(
      element('h1', {}, `${words.my_receipt}: ${held['dpv:hasDataController']['dcterms:title']}`),
      paragraph(said),
      paragraph(held['dpv:hasNotice']['dcterms:description']),
      ...held['dpv:hasProcess'].flatMap((/** @type {any} */ process) => [
        element('h2', {}, process['dcterms:title']),
        element('ul', {}, ...process['dpv:hasPersonalData'].map((/** @type {any} */ { '@type': _, ...said }) =>
          element('li', {}, Object.values(said).join(' · ')))),
      ]),
      element('p', {}, held['dcterms:references']),
      button(words.print, () => view.print()), ' ', file(held));
  };

  /** @type {import('./types').Proof['find']} */
  const find = async ({ me, token, date, how, state }) => {
    let found;
    try {
      const keys = await (await fetch(gate.server + '../keys.json')).json();
      const place = await verifyProof(await me('me/proof'), token, keys, { site });
      found = place // noon is on that day in most places
        ? words.sealed.replace('{n}', place.number.toLocaleString()).replace('{day}', date(Date.parse(place.day) + 432e5))
        : words.unsealed;
    } catch (error) {
      found = words.unchecked;
      if (error instanceof BadToken) state.textContent = found = words.forged;
    }
    how.append(paragraph(`${words.log}: ${found}`));
  };

  return { find, print };
};

export default proof;
