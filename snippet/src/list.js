/**
 * The cookie list in a page of the shop's, where it has a place for it: a layer that only such pages fetch. It stands in
 * the shop's own element, so its style gives way to the shop's. The server says the same in HTML, for who runs no script.
 */
import { assertSameProtocol } from './protocol.js';
import style from './list.css';

/** @type {import('./settings').ListConfig} */
const { lang, dates, comma, words, facts, head, tables, radius } = __LIST__;

/** @type {(gate: import('./types').Gate) => void} */
const list = (gate) => {
  assertSameProtocol(gate);
  const { consent, doc, newElement: element } = gate;

  /** @param {string} word @param {Record<string, string>} values in place of the names in braces */
  const say = (word, values) => word.replace(/{(\w+)}/g, (_, key) => values[key]);
  /** @param {number} seconds */
  const date = (seconds) => new Date(seconds * 1000).toLocaleDateString(dates,
    { day: '2-digit', month: '2-digit', year: 'numeric' });
  const allowed = () => /** @type {import('./types').Category[]} */ (['functional', 'analytics', 'marketing'])
    .filter((category) => consent.allows(category)).map((category) => words[category]).join(comma);

  const answer = () => {
    const { last } = gate.getState();
    if (__RULES__ && !consent.choice && allowed()) return say(words.presumed, { allow: allowed() });
    if (!consent.choice || !last) return words.unanswered;
    return `${say(words.answered, { at: date(last.at), allow: allowed() || words.nothing })} ${say(words.until, { exp: date(last.exp) })}`;
  };

  /** @type {(tag: string, role: string, ...inner: (Node | string)[]) => HTMLElement} */
  const part = (tag, role, ...inner) => element(tag, { role }, ...inner);

  /**
   * The roles say what CSS takes from a table that is drawn as cards, where the place is narrow.
   * @param {import('./settings').ListConfig['tables'][number]} table
   */
  const drawTable = ({ caption, rows }) =>
    part('table', 'table',
      element('caption', {}, caption),
      element('thead', {}, part('tr', 'row', ...head.map((word) => part('th', 'columnheader', word)))),
      element('tbody', {}, ...rows.map(([name, ...rest]) => part('tr', 'row', part('th', 'rowheader', name),
        ...rest.map((text, at) => element('td', { role: 'cell', 'data-label': head[at + 1] }, text))))));

  /** What shows the present answer, of each place. @type {(() => void)[]} */
  const answers = [];

  /** @param {Element} place */
  const draw = (place) => {
    const said = element('p', {});
    const change = element('button', { type: 'button', 'data-consent-open': '' }, words.choose);
    const withdraw = element('button', { type: 'button', onclick: () => gate.decide([], 'preferences', lang) }, words.withdraw);
    const show = () => {
      said.textContent = answer();
      if (doc.activeElement == withdraw) change.focus();
      withdraw.hidden = __RULES__ ? !allowed() : !consent.choice || !allowed();
      if (__RULES__) withdraw.textContent = consent.choice ? words.withdraw : words.object;
    };
    show();
    answers.push(show);
    place.replaceChildren(element('div', { lang, dir: 'auto' },
      said, element('p', {}, change, withdraw), ...facts.map((text) => element('p', {}, text)), ...tables.map(drawTable)));
    if (__RULES__) gate.place().then(() => mark(place));
  };

  /** @param {Element} place whose tables are those of the rule that counts here, once that is known */
  const mark = (place) => {
    const { objection, off } = gate.rule();
    place.querySelectorAll('table').forEach((table, at) => {
      const category = /** @type {any} */ (tables[at].category);
      if (off.includes(category)) table.remove();
      else if (objection.includes(category)) table.caption?.append(' ', words.on_unless);
    });
    answers.forEach((show) => show());
  };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style.replace(/9px/g, radius));

  /** Each place once: a page that empties one wants it so. @type {Element[]} */
  const drawn = [];
  /** @param {any} root the page, or an open shadow root in it */
  const look = (root) => {
    for (const place of root.querySelectorAll('[data-consent-list]')) {
      if (drawn.includes(place)) continue;
      if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
      drawn.push(place);
      draw(place);
    }
    for (const { shadowRoot } of root.querySelectorAll('*')) if (shadowRoot?.adoptedStyleSheets) look(shadowRoot);
  };
  look(doc);
  let looking = 0;
  // Only after what releases, which watches the page; once a frame, as an app may change a lot at once.
  gate.memory.tree?.looks.push(() => {
    looking ||= requestAnimationFrame(() => {
      looking = 0;
      look(doc);
    });
  });
  doc.addEventListener('consentchange', () => answers.forEach((show) => show()));
};

export default list;
