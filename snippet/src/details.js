/** The second layer: what exactly is asked, the switches, and what a shopper may see and do of their own answer. */
import { verify, verifyReceipt, BadToken } from '../verify.js';
import { clear } from './clear.js';
import { deliver } from './delivery.js';
import style from './details.css';

/**
 * @typedef {import('./types').Category} Category
 * @typedef {import('./types').Gate} Gate
 */

/** @type {import('./types').DetailsConfig} */
const [lang, words, cookies, updated, name, contact, authority, changed] = __DETAILS__;

/** @param {Gate} gate */
const details = (gate) => {
  const { newElement: element, consent } = gate;
  const [site, revision, , policy, domain] = gate.settings;
  /** @type {Category[]} */
  const categories = ['functional', 'analytics', 'marketing'];

  /** @param {string} word @param {() => void} onclick */
  const button = (word, onclick) => element('button', { type: 'button', onclick }, word);
  /** @param {string} word @param {Record<string, string>} values */
  const say = (word, values) => word.replace(/{(\w+)}/g, (_, key) => values[key]);
  /** @param {number | string | Date} moment seconds, or a day @param {boolean} [time] */
  const date = (moment, time) =>
    new Date(typeof moment == 'number' ? moment * 1000 : moment).toLocaleString(lang == 'en' ? 'en-GB' : [lang, 'ru'],
      { day: '2-digit', month: '2-digit', year: 'numeric', ...(time && { hour: '2-digit', minute: '2-digit' }) });
  const titles = [words.functional, words.analytics, words.marketing];
  /** @param {readonly string[]} allowed */
  const list = (allowed) => titles.filter((_, i) => allowed.includes(categories[i])).join(', ') || words.nothing;

  /** @param {string} text a token, whoever signed it */
  const payloadOf = (text) => {
    try {
      return JSON.parse(atob(text.split('.')[0]));
    } catch {}
  };

  let styled = false;
  /** @returns {HTMLElement} our element in the page, with the style that only what is shown later needs */
  const host = () => {
    if (!styled) gate.addStyle(style);
    styled = true;
    return gate.theHost();
  };

  // ---- The message that stays when the dialog has gone ----

  /** Where a reload is told what was removed before it; there is an answer then. */
  const REMOVED = 'ask-removed';

  /** @param {boolean} [reload] whether this page cannot be rid of it otherwise */
  const clearTraces = async (reload) => {
    let names = (await clear(gate.unwanted())).join(', ');
    try {
      names = sessionStorage[REMOVED] ?? names;
      delete sessionStorage[REMOVED];
      if (reload) sessionStorage[REMOVED] = names;
    } catch {} // then nobody is told
    // Delivered before, unless that takes long: the next page would send it again.
    if (reload) Promise.race([deliver(gate), new Promise((over) => setTimeout(over, 500))]).then(() => location.reload());
    else if (names) {
      const message = element('div', { class: 'said', role: 'status', lang, dir: 'auto' });
      host().append(message);
      message.append(element('span', {}, say(words.removed, { names })), button(words.close, () => message.remove()));
    }
  };

  /** @param {Set<HTMLElement>} released */
  const withdraw = (released) => {
    let reload = false;
    for (const element of released) {
      const { dataset } = /** @type {HTMLElement} */ (element);
      if ((dataset.consent ?? '').trim().split(/\s+/).every((category) => consent.allows(/** @type {Category} */ (category)))) continue;
      released.delete(element);
      if (element instanceof HTMLScriptElement) reload ||= element.type != 'text/plain';
      else {
        // Out of the page and in again, which unloads a frame and leaves no entry in the history; the gate then sees it.
        const { parentNode, nextSibling } = element;
        element.remove();
        for (const name of ['srcset', 'src', 'href']) if (dataset[name]) element.removeAttribute(name);
        parentNode?.insertBefore(element, nextSibling);
      }
    }
    clearTraces(reload);
  };

  /** @type {HTMLDialogElement} */
  let dialog;

  // ---- The switches ----

  /** @param {string} title @param {string} purpose @param {number} i @param {Category} [category] none is always on */
  const section = (title, purpose, i, category) => {
    const uses = cookies[i];
    const control = category
      ? element('input', { type: 'checkbox', role: 'switch', name: category, 'aria-describedby': 'ask-' + category })
      : element('span', {}, words.always_on);
    const columns = [words.cookie_name, words.cookie_provider, words.cookie_purpose, words.cookie_life];
    return element('section', {},
      element('label', {}, title, control),
      element('p', { id: 'ask-' + category }, purpose),
      ...(uses[0] ? [element('details', {}, element('summary', {}, `${words.cookies} (${uses.length})`), ...uses.map((use) =>
        element('dl', {}, ...columns.flatMap((column, i) => [element('dt', {}, column), element('dd', {}, use[i])]))))] : []));
  };

  /** @param {Category[]} allow @param {'accept' | 'refuse' | 'save'} how */
  const decide = (allow, how) => {
    dialog.close(); // first, so that the focus goes back through the banner to where it was
    gate.decide(allow, consent.choice ? 'preferences' : how);
  };

  const chosen = () =>
    categories.filter((category) => /** @type {HTMLInputElement} */ (dialog.querySelector(`[name=${category}]`)).checked);

  // ---- My choices ----

  const mine = element('div', { 'aria-live': 'polite' });

  /** @param {() => Promise<unknown>} act */
  const attempt = (act) => async () => {
    try {
      await act();
    } catch {
      mine.append(element('p', {}, words.failed));
    }
  };

  /** @param {string} path @param {string} [method] */
  const me = async (path, method) => {
    const response = await fetch(gate.server + path, { method, headers: { Authorization: 'Bearer ' + consent.token } });
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

  const erase = async () => {
    await me('me', 'DELETE');
    gate.memory.unsent = [];
    gate.writeCookie();
    gate.agree();
    mine.replaceChildren(element('p', {}, words.erased));
  };

  const showMine = async () => {
    const { choice, token } = consent;
    if (!choice) return mine.replaceChildren(element('p', {}, words.unanswered));
    if (!token) return mine.replaceChildren(element('p', {}, words.undelivered));
    const payload = payloadOf(token);
    const answerState = element('p', { role: 'status' });
    const receiptState = element('p', { role: 'status' });
    /** @type {Record<string, unknown>} */
    let held;
    mine.replaceChildren(
      element('p', {}, say(words.answered, { at: date(payload.at, true), allow: list(payload.allow) }), ' ',
        say(words.until, { exp: date(payload.exp) })),
      answerState,
      receiptState,
      element('div', { class: 'buttons' }, button(words.receipt, attempt(async () => download((held ??= await receipt())))),
        ...(payload.allow[0] ? [button(words.withdraw, () => decide([], 'refuse'))] : []),
        button(words.erase, attempt(erase))));

    /** @param {HTMLElement} state @param {string} what @param {(keys: any) => Promise<unknown>} verified */
    const check = async (state, what, verified) => {
      let found = words.checked;
      try {
        await verified(await (await fetch(gate.server + '../keys.json')).json());
      } catch (error) {
        found = error instanceof BadToken ? words.forged : words.unchecked;
      }
      state.append(`${what}: ${found}`);
      return found != words.forged;
    };
    if (!await check(answerState, words.answer, (keys) => verify(token, keys, { site }))) return;
    await check(receiptState, words.my_receipt, async (keys) => {
      held = await receipt();
      await verifyReceipt(held, keys, { site });
      if (held['dcterms:references'] != token) throw new BadToken('This is the receipt of another answer.');
    });
    if (payload.sub) {
      await attempt(async () => {
        const { history } = await me('me');
        mine.append(element('h3', {}, words.history), element('ul', {}, ...history.map((/** @type {any} */ { at, allow }) =>
          element('li', {}, `${date(at, true)}: ${list(allow)}`))));
      })();
    }
  };

  // ---- The dialog ----

  // Made when it is opened: dates and a language's rules cost more than all the rest of the script.
  const made = () => /** @type {HTMLDialogElement} */ (element('dialog', {
    'aria-labelledby': 'ask-details', lang, dir: 'auto', tabindex: '-1', onclose: ({ target }) => target.remove(),
  },
    element('h2', { id: 'ask-details' }, words.details),
    element('p', {}, words.details_text),
    section(words.necessary, words.necessary_for, 0),
    ...[words.functional_for, words.analytics_for, words.marketing_for]
      .map((purpose, i) => section(titles[i], purpose, i + 1, categories[i])),
    element('p', { class: 'buttons' },
      button(words.accept, () => decide(categories, 'accept')),
      button(words.refuse, () => decide([], 'refuse')),
      button(words.save, () => decide(chosen(), 'save'))),
    element('details', { ontoggle: ({ target }) => void (target.open && showMine()) }, element('summary', {}, words.mine), mine),
    element('p', {},
      element('a', { href: policy }, updated ? say(words.updated, { date: date(updated) }) : name),
      ...(contact ? [' ', element('a', { href: 'mailto:' + contact }, contact)] : []),
      ...(authority ? [' ', words.complaint, ' ', authority.url ? element('a', { href: authority.url }, authority.name) : authority.name] : [])),
    element('p', { class: 'buttons' }, button(words.close, () => dialog.close()))));

  const open = () => {
    mine.replaceChildren();
    dialog = made();
    for (const category of categories) {
      /** @type {HTMLInputElement} */ (dialog.querySelector(`[name=${category}]`)).checked = consent.allows(category);
    }
    host().append(dialog);
    dialog.showModal();
    dialog.focus();
    // An ad blocker hid it: the page must not stay locked behind what nobody sees.
    if (!dialog.offsetHeight) dialog.close();
  };

  // ---- What stands in a held frame ----

  /** @param {HTMLIFrameElement} frame */
  const place = (frame) => {
    const draw = () => {
      const view = frame.contentWindow;
      const page = frame.contentDocument;
      if (frame.src || !view || !page || frame.offsetWidth < 120 || frame.offsetHeight < 60) return;
      const needed = (frame.dataset.consent ?? '').split(/\s+/);
      const sheet = new /** @type {any} */ (view).CSSStyleSheet();
      sheet.replaceSync('html{font:16px/1.4 system-ui;color-scheme:light dark;background:canvas}button{font:inherit;margin:4px;padding:12px}');
      page.adoptedStyleSheets = [sheet];
      page.documentElement.lang = lang;
      page.documentElement.dir = 'auto';
      page.title = words.details;
      page.body.replaceChildren(
        element('p', {}, say(words.held, { categories: list(needed) })),
        button(words.once, () => {
          frame.dataset.consent = 'necessary'; // for this page
          gate.letRun(frame);
        }),
        button(words.always, () => gate.decide(categories.filter((category) => consent.choice?.[category] || needed.includes(category)),
          consent.choice ? 'preferences' : 'save')));
    };
    frame.addEventListener('load', draw);
    draw();
  };

  // ---- What a page with something unfinished needs ----

  /**
   * Counts the showing once a browser session, with nothing stored to remember it by: where the shopper came into the
   * shop, that is not by a reload or the way back, not from a page of the shop, and as the first of its pages in the tab.
   */
  const countShowing = () => {
    const [{ type }] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'));
    const from = document.referrer && new URL(document.referrer).hostname;
    const inside = from && (from == location.hostname || (domain && `.${from}`.endsWith('.' + domain)));
    if (type != 'navigate' || inside || /** @type {any} */ (window).navigation?.currentEntry?.index > 0) return;
    fetch(gate.server + 'shown', { method: 'POST', body: JSON.stringify({ lang, variant: gate.way }), keepalive: true })
      .catch(() => {}); // one that could not be counted
  };

  /** @param {string} text what is particular to this shopper */
  const note = (text) => gate.theHost().querySelector('p')?.after(element('p', {}, text));

  /** @param {boolean} undecided */
  const arrive = (undecided) => {
    if (undecided) {
      const last = gate.memory.kept && payloadOf(gate.memory.kept);
      if (consent.choice) note(words.gpc); // the signal answered
      else if (last && last.rev < revision) note(changed ?? '');
      if (document.hidden) document.addEventListener('visibilitychange', countShowing, { once: true });
      else countShowing();
    }
    clearTraces();
    deliver(gate);
  };

  return { arrive, withdraw, deliver: () => deliver(gate), open, place, receipt };
};

/** @type {import('./types').DetailsScript} */ (document.currentScript).details = details;
