/** My choices: what a shopper may see and do of their own answer. Fetched by who opens them. */
import { assertSameProtocol } from './protocol.js';
import { verify, verifyReceipt, BadToken } from '../verify.js';

/** @type {import('./settings').MineConfig} */
const { words, contact, authority } = __MINE__;

/** @type {(gate: import('./types').Gate) => import('./types').Mine} */
const mine = (gate) => {
  const { newElement: element, consent } = gate;
  assertSameProtocol(gate);
  const { site } = gate.settings;

  /** @param {string} word @param {Record<string, string>} values */
  const say = (word, values) => word.replace(/{(\w+)}/g, (_, key) => values[key]);
  /** @param {(string | Node)[]} parts */
  const paragraph = (...parts) => element('p', {}, ...parts);

  /** @param {string} path @param {string} [method] @param {string} [old] token that was taken back; else the one that there is */
  const me = async (path, method, old) => {
    const response = await fetch(gate.server + path, { method, headers: { Authorization: 'Bearer ' + (old || consent.token) } });
    // An old one may be of a key that is out of use since: that keeps nothing else from being erased.
    if (!response.ok && !(old && response.status == 401)) throw Error(path);
    return response.json();
  };

  const receipt = () => me('me/receipt');

  /** @param {string} href @param {string} [word] */
  const link = (href, word = href) => element('a', { href }, word);

  /** @type {import('./types').Mine['show']} */
  const show = async ({ mine, attempt, button, date, list, decide }) => {
    const rights = element('div', {},
      ...(contact ? [paragraph(words.contact, ' ', link(/[:/]/.test(contact) ? contact : 'mailto:' + contact, contact))] : []),
      ...(authority ? [paragraph(words.complaint, ' ', link(authority.url, authority.name))] : []));

    const { choice, token } = consent;
    const on = __RULES__ ? gate.rule().objection.filter(consent.allows) : [];
    if (__RULES__ && !choice && on[0]) {
      return mine.replaceChildren(paragraph(say(words.presumed, { allow: list(on) })),
        element('div', { class: 'buttons' }, button(words.object, () => decide([], 'refuse'))), rights);
    }
    if (!choice) return mine.replaceChildren(paragraph(words.unanswered), rights);
    if (!token) return mine.replaceChildren(paragraph(words.undelivered), rights);

    /** @param {number} at seconds @param {number} [until] */
    const time = (at, until = at) => date(at * 1000, { hour: '2-digit', minute: '2-digit' }, until * 1000);
    /** @param {string[]} allow */
    const allowed = (allow) => list(allow) || words.nothing;
    /** @param {{ at: number, allow: string[] }} answer @param {number} [until] */
    const answered = ({ at, allow }, until) => say(words.answered, { at: time(at, until), allow: allowed(allow) });

    const erase = async () => {
      const { forget, withdrawn } = await gate.loadLayer('delivery');
      let many = 0;
      for (const each of [...withdrawn(), '']) many += (await me('me', 'DELETE', each)).at || 0; // now, or by a call whose answer was lost
      forget();
      gate.agree();
      mine.replaceChildren(paragraph(many ? words.erased : words.nothing_erased), rights);
    };

    const answer = JSON.parse(atob(token.split('.')[0])), { at, exp, allow, sub } = answer;
    // A refusal says its hour and no more.
    const said = answered(answer, sub ? at : at + 3600) + ' ' + say(words.until, { exp: date(exp * 1000) });
    /** @type {any} */
    let held;

    const acts = element('div', { class: 'buttons' });
    const offer = () => acts.replaceChildren(
      button(words.receipt, attempt(async () => {
        const view = /native code/.test('' + open) ? open('') : null; // while it is a click's; the page may have the name
        (await gate.loadLayer('proof')).print(view, held ??= await receipt(), said, button);
      })),
      ...(allow[0] ? [quiet(words.withdraw, () => decide([], 'refuse'))] : []),
      quiet(words.erase, attempt(erase)));
    /** @param {string} word @param {() => void} act that is asked about once more */
    const quiet = (word, act) => {
      const made = button(word, () => {
        const cancel = button(words.cancel, offer);
        acts.replaceChildren(paragraph(words.sure), cancel, button(word, act));
        cancel.focus();
      });
      made.className = 'quiet';
      return made;
    };
    offer();

    const state = element('p', { role: 'status' });
    const how = element('details', {}, element('summary', {}, words.how));
    mine.replaceChildren(paragraph(said), state, acts, rights);

    /**
     * @param {string} what
     * @param {(keys: any) => Promise<unknown>} verified
     * @returns {Promise<string | undefined>} what is wrong
     */
    const check = async (what, verified) => {
      let wrong;
      try {
        await verified(await (await fetch(gate.server + '../keys.json')).json());
      } catch (error) {
        wrong = error instanceof BadToken ? words.forged : words.unchecked;
      }
      how.append(paragraph(`${what}: ${wrong ?? words.checked}`));
      return wrong;
    };
    const wrong = await check(words.answer, (keys) => verify(token, keys, { site }))
      ?? await check(words.my_receipt, async (keys) => {
        held = await receipt();
        await verifyReceipt(held, keys, { site });
        if (held['dcterms:references'] != token) throw new BadToken('This is the receipt of another answer.');
      });
    const told = sub && wrong != words.forged && me('me');
    // Elsewhere it may have been changed, withdrawn or erased since: its receipt says so, and its place is no matter then.
    const became = held?.['dcterms:valid'];
    const newest = told && /^[cw]/.test(became) && (await told).history.at(-1);
    state.append(wrong ?? (newest ? answered(newest) : became ? /^e/.test(became) ? words.erased : words.unchecked : words.recorded));
    state.after(how);
    if (told) {
      if (!became) gate.loadLayer('proof').then(({ find }) => find({ me, token, date, how, state }), () => {});
      const { history } = await told;
      rights.before(element('h3', {}, words.history), element('ul', {}, ...history.map((/** @type {any} */ { at, allow }) =>
        element('li', {}, `${time(at)}: ${allowed(allow)}`))));
    }
  };

  return { show, receipt };
};

export default mine;
