/** The second layer: what exactly is asked, and the switches; and what a page with something unfinished needs. */
import { assertSameProtocol } from './protocol.js';
import { adaptSwitches } from './ruled.js';
import style from './details.css';
import frameStyle from './frame.css';

/**
 * @typedef {import('./types').Category} Category
 * @typedef {import('./types').Gate} Gate
 */

/** @type {import('./settings').DetailsConfig} */
const { dates, comma, lang, words, cookies, facts, updated, changed, providers } = __DETAILS__;

/** @param {Gate} gate */
const details = (gate) => {
  const { newElement: element, consent } = gate;
  assertSameProtocol(gate);
  const { css, revision, policy } = gate.settings;
  /** @type {Category[]} */
  const categories = ['functional', 'analytics', 'marketing'];

  /** @param {string} word @param {() => void} onclick */
  const button = (word, onclick) => element('button', { type: 'button', onclick }, word);
  /** @param {string} word with a name in braces, which the value replaces @param {string} value */
  const say = (word, value) => word.replace(/{\w+}/, () => value);
  /** @type {import('./types').DateInWords} */
  const date = (moment, more, until = moment) => new Intl.DateTimeFormat(dates, { day: '2-digit', month: '2-digit', year: 'numeric', ...more })
    .formatRange(new Date(moment), new Date(until));
  const titles = [words.functional, words.analytics, words.marketing];
  /** @param {readonly string[]} allowed */
  const list = (allowed) => titles.filter((_, i) => allowed.includes(categories[i])).join(comma);

  let styled = false;
  /** @returns {HTMLElement} our element in the page, with the style that only what is shown later needs */
  const host = () => {
    if (!styled) gate.addStyle(style);
    styled = true;
    return gate.theHost();
  };

  /** @type {HTMLDialogElement} */
  let dialog;

  // ---- The switches ----

  /** @param {string} title @param {string} purpose @param {import('./settings').Cookie[]} uses @param {Category} [category] none is always on */
  const section = (title, purpose, uses, category) => {
    const control = category
      ? element('input', { type: 'checkbox', role: 'switch', name: category, checked: consent.allows(category), 'aria-describedby': 'ask:' + category })
      : element('span', {}, words.always_on);
    /** @type {[string, keyof import('./settings').Cookie][]} */
    const columns = [[words.cookie_name, 'name'], [words.cookie_provider, 'provider'], [words.cookie_country, 'country'], [words.cookie_purpose, 'purpose'], [words.cookie_life, 'life']];
    return element('section', {},
      element('label', {}, title, control),
      element('p', { id: 'ask:' + category }, purpose),
      ...(uses[0] ? [element('details', {}, element('summary', {}, `${words.cookies} (${uses.length})`), ...uses.map((use) =>
        element('dl', {}, ...columns.flatMap(([column, key]) => (use[key] ? [element('dt', {}, column), element('dd', {}, use[key])] : [])))))] : []));
  };

  /** @param {Category[]} allow @param {'accept' | 'refuse' | 'save'} how */
  const decide = (allow, how) => {
    dialog?.close(); // first, so that the focus goes back through the banner to where it was
    gate.decide(allow, consent.choice ? 'preferences' : how, lang);
  };

  const chosen = () => categories.filter((category) => dialog.querySelector(`[name=${category}]:checked`));

  // ---- My choices: a script of its own, for who opens them ----

  const mine = element('div', { 'aria-live': 'polite' });

  /** @param {() => Promise<unknown>} act of the shopper's, who is told when it fails */
  const attempt = (act) => async () => {
    try {
      await act();
    } catch {
      mine.append(element('p', {}, words.failed));
    }
  };

  const showMine = attempt(async () => {
    mine.replaceChildren();
    const { show } = await gate.loadLayer('mine', lang);
    await show({ mine, attempt, button, date, list, decide });
  });

  // ---- The dialog ----

  /** Two tabs: the switches with the answers below them, and the shopper's own choices. */
  const tabs = () => {
    const names = [words.cookies, words.mine];
    const switches = element('div', { role: 'tabpanel', 'aria-label': words.cookies },
      element('p', {}, words.details_text, ' ', facts),
      ...(consent.signal ? [element('p', {}, consent.allows('marketing') ? words.gpc_allowed : words.gpc)] : []),
      section(words.necessary, words.necessary_for, cookies.necessary),
      ...[words.functional_for, words.analytics_for, words.marketing_for]
        .map((purpose, i) => section(titles[i], purpose, cookies[categories[i]], categories[i])),
      element('p', {}, element('a', { href: policy }, say(words.updated, date(updated, { timeZone: 'UTC' })))));
    if (__RULES__) adaptSwitches(switches, gate, words);
    const panels = [switches, element('div', { role: 'tabpanel', 'aria-label': words.mine, hidden: true }, mine)];
    const answers = element('p', { class: 'buttons' },
      button(words.accept, () => decide(categories, 'accept')),
      button(words.refuse, () => decide([], 'refuse')),
      button(words.save, () => decide(chosen(), 'save')));

    /** @param {number} which */
    const select = (which) => {
      if (which && panels[1].hidden) showMine();
      made.forEach((tab, i) => {
        tab.setAttribute('aria-selected', String(i == which));
        tab.tabIndex = i == which ? 0 : -1;
        panels[i].hidden = i != which;
      });
      answers.hidden = !!which;
    };
    const made = names.map((name, i) => element('button', {
      type: 'button', role: 'tab', onclick: () => select(i),
      onkeydown: (/** @type {KeyboardEvent} */ { key }) => {
        if (/^Arrow(Left|Right)$/.test(key)) {
          select(1 - i);
          made[1 - i].focus();
        }
      },
    }, name));
    select(0);
    // Each tab stands by itself: among buttons the answers come first, for whoever counts them.
    return [element('div', { role: 'tablist', 'aria-label': words.details }, ...made.map((tab) => element('span', {}, tab))),
      element('div', { class: 'scroll' }, ...panels), answers];
  };

  // Made when it is opened: dates and a language's rules cost more than all the rest of the script.
  const made = () => /** @type {HTMLDialogElement} */ (element('dialog', {
    'aria-label': words.details, lang, dir: 'auto', tabindex: '-1', onclose: ({ target }) => target.remove(),
  },
    element('h2', {}, words.details),
    ...tabs(),
    element('button', { type: 'button', class: 'close', 'aria-label': words.close, onclick: () => dialog.close() }, '×')));

  /** What the page allowed when it last changed. @type {Category[]} */
  let before = categories.filter(consent.allows);
  const { first } = gate.memory.sent ?? {};
  /** Whether the shopper has pressed a button of ours since, that says it in this language. */
  let pressed = first?.lang == lang && first?.how != 'script';

  /** Says for a moment that an answer is saved; what is taken back says so itself. */
  const thank = () => {
    const now = categories.filter(consent.allows);
    if (pressed && consent.choice && before.every((category) => now.includes(category))) {
      const message = element('p', { class: 'saved', role: 'status', lang, dir: 'auto' });
      host().append(message); // empty first, or a screen reader does not hear what is in it
      message.append(say(words.saved, words.details));
      setTimeout(() => message.remove(), 7000);
    }
    before = now;
    pressed = false;
  };
  if (pressed) thank(); // pressed while this was on its way
  gate.doc.addEventListener('click', (/** @type {any} */ { target }) => {
    try {
      pressed ||= target.closest(`[data-ask]>[lang=${lang}] .buttons`); // a translator may have put elements around the word
    } catch {} // none of an element, or of a form whose field has that name
  }, true);

  // Another tab may answer while this one chooses.
  gate.doc.addEventListener('consentchange', () => {
    for (const category of categories) {
      const control = /** @type {HTMLInputElement | null | undefined} */ (dialog?.querySelector(`[name=${category}]`));
      if (control) control.checked = consent.allows(category);
    }
    thank();
  });

  const open = () => {
    const parent = host();
    if (parent.querySelector('.close')) return; // of whichever language; the banner may be a dialog too
    parent.querySelector('.saved')?.remove(); // it would lie dimmed under what it tells of
    dialog = made();
    parent.append(dialog);
    dialog.showModal();
    dialog.focus();
    // An ad blocker hid it: the page must not stay locked behind what nobody sees.
    if (!dialog.offsetHeight) dialog.close();
  };

  // ---- What stands in a held frame ----

  /** @type {import('./types').Details['place']} */
  const place = (frame, releaseOnce) => {
    /** @type {Document | undefined} */
    let drawn;
    /** What it begins with. @type {Node | null | undefined} */
    let ours;
    const draw = () => {
      const { contentWindow: view, contentDocument: page } = frame;
      // What the page itself, or a link of its, has put there stays.
      if (page?.URL != 'about:blank' || !view || page == drawn || (page.body?.firstChild ?? ours) != ours || !/^(about:blank)?$/.test(frame.getAttribute('src') ?? '')
        || frame.offsetWidth < 120 || frame.offsetHeight < 60) return;
      drawn = page;
      const { host, pathname } = /** @type {any} */ (element('a', { href: frame.dataset.src ?? '' }));
      const provider = providers.find(({ match }) => RegExp(match).test(host + pathname))?.name
        ?? (host == location.host ? frame.title : host);
      const needed = (frame.dataset.consent ?? '').trim().split(/\s+/);
      const sheet = new /** @type {any} */ (view).CSSStyleSheet();
      sheet.replaceSync(css.replace(/(html>)?\[data-ask]/g, 'html') + frameStyle);
      page.adoptedStyleSheets = [sheet];
      page.documentElement.lang = lang;
      page.documentElement.dir = 'auto';
      page.title = words.details;
      if (__RULES__ && needed.some((category) => gate.rule().off.includes(/** @type {any} */ (category)))) {
        page.body.replaceChildren(element('p', {}, element('b', {}, provider), words.unavailable));
      } else {
        page.body.replaceChildren(
          element('p', {}, element('b', {}, provider), say(words.held, list(needed))),
          button(words.once, releaseOnce),
          button(words.always, () =>
            decide(categories.filter((category) => (__RULES__ && !consent.choice ? false : consent.allows(category)) || needed.includes(category)), 'save')));
      }
      ours = page.body.firstChild;
    };
    const watch = () => {
      frame.addEventListener('load', draw);
      new ResizeObserver(draw).observe(frame); // one that was out of sight too, in a tab or a drawer
    };
    if (__RULES__) gate.place().then(watch); // or it would say of a rule that is not the one here
    else watch();
    const anew = () => {
      drawn = undefined;
      draw();
    };
    return __RULES__ ? () => gate.place().then(anew) : anew;
  };

  // ---- What a page with something unfinished needs ----

  /** @param {string} text what is particular to this shopper */
  const note = (text) => {
    const asked = gate.theHost().querySelector('p');
    if (!asked?.parentElement?.textContent?.includes(text)) asked?.after(element('p', {}, text));
  };

  /** @param {boolean} undecided */
  const arrive = (undecided) => {
    if (undecided) {
      if (consent.signal) note(words.gpc);
      if (changed && /** @type {any} */ (gate.getState().last)?.rev < revision) note(changed);
    }
  };

  return { arrive, open, place };
};

export default details;
