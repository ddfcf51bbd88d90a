/** My choices: what a shopper may see and do of their own answer. Fetched by who opens them. */
import { assertSameProtocol } from './protocol.js';
import { verify, verifyProof, verifyReceipt, BadToken } from '../verify.js';

/** @type {import('./types').MineConfig} */
const { words, contact, authority } = __MINE__;

/** @type {(gate: import('./types').Gate) => import('./types').Mine} */
const mine = (gate) => {
  const { newElement: element, consent } = gate;
  assertSameProtocol(gate);
  const { site } = gate.settings;

  /** @param {string} word @param {Record<string, string>} values */
  const say = (word, values) => word.replace(/{(\w+)}/g, (_, key) => values[key]);
  /** @param {string[]} parts */
  const paragraph = (...parts) => element('p', {}, ...parts);

  /** @param {string} path @param {string} [method] @param {string | null} [token] */
  const me = async (path, method, token = consent.token) => {
    const response = await fetch(gate.server + path, { method, headers: { Authorization: 'Bearer ' + token } });
    if (!response.ok) throw Error(`consent: ${path} answered ${response.status}`);
    return response.json();
  };

  const receipt = () => me('me/receipt');

  /** @param {unknown} held */
  const download = (held) => {
    const href = URL.createObjectURL(new Blob([JSON.stringify(held, null, 2)], { type: 'application/ld+json' }));
    element('a', { href, download: `consent-${site}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60000);
  };

  /** @param {string} token @param {any} keys @param {(moment: number) => string} date */
  const placeInLog = async (token, keys, date) => {
    const found = await verifyProof(await me('me/proof'), token, keys, { site });
    return found // noon is on that day in most places
      ? say(words.sealed, { n: found.number.toLocaleString(), day: date(Date.parse(found.day) + 432e5) }) : words.unsealed;
  };

  /** @type {import('./types').Mine['show']} */
  const show = async ({ mine, attempt, button, date, list, decide }) => {
    const rights = element('p', {},
      ...(contact ? [element('a', { href: 'mailto:' + contact }, contact), ' '] : []),
      ...(authority ? [words.complaint, ' ', authority.url ? element('a', { href: authority.url }, authority.name) : authority.name] : []));

    const { choice, token } = consent;
    if (!choice) return mine.replaceChildren(paragraph(words.unanswered), rights);
    if (!token) return mine.replaceChildren(paragraph(words.undelivered), rights);

    /** @param {number} at seconds */
    const time = (at) => date(at * 1000, { hour: '2-digit', minute: '2-digit' });
    /** @param {string[]} allow */
    const allowed = (allow) => list(allow) || words.nothing;

    const erase = async () => {
      const { forget, withdrawn } = await gate.loadLayer('delivery');
      let many = 0;
      for (const each of new Set([...withdrawn(), consent.token])) many += (await me('me', 'DELETE', each)).erased;
      forget();
      gate.agree();
      mine.replaceChildren(paragraph(many ? words.erased : words.nothing_erased), rights);
    };

    const { at, exp, allow, sub } = JSON.parse(atob(token.split('.')[0]));
    const [answerState, receiptState, sealState] = [1, 2, 3].map(() => element('p', { role: 'status' }));
    /** @type {Record<string, unknown>} */
    let held;
    mine.replaceChildren(
      paragraph(say(words.answered, { at: time(at), allow: allowed(allow) }), ' ', say(words.until, { exp: date(exp * 1000) })),
      answerState, receiptState, sealState,
      element('div', { class: 'buttons' },
        button(words.receipt, attempt(async () => download((held ??= await receipt())))),
        ...(allow[0] ? [button(words.withdraw, () => decide([], 'refuse'))] : []),
        button(words.erase, attempt(erase))),
      rights);

    /** @param {HTMLElement} state @param {string} what @param {(keys: any) => Promise<unknown>} verified: may say more */
    const check = async (state, what, verified) => {
      let found;
      try {
        found = await verified(await (await fetch(gate.server + '../keys.json')).json()) || words.checked;
      } catch (error) {
        found = error instanceof BadToken ? words.forged : words.unchecked;
      }
      state.append(`${what}: ${found}`);
      return found != words.forged;
    };
    if (!await check(answerState, words.answer, async (keys) => void await verify(token, keys, { site }))) return;
    await check(receiptState, words.my_receipt, async (keys) => {
      held = await receipt();
      await verifyReceipt(held, keys, { site });
      if (held['dcterms:references'] != token) throw new BadToken('This is the receipt of another answer.');
    });
    if (sub) {
      await check(sealState, words.log, (keys) => placeInLog(token, keys, date));
      const { history } = await me('me');
      rights.before(element('h3', {}, words.history), element('ul', {}, ...history.map((/** @type {any} */ { at, allow }) =>
        element('li', {}, `${time(at)}: ${allowed(allow)}`))));
    }
  };

  return { show, receipt };
};

export default mine;
