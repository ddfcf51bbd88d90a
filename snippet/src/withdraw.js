/** What a withdrawal needs, and a page with traces of what is not allowed: a layer that few shoppers ever fetch. */
import { clear } from './clear.js';
import { assertSameProtocol } from './protocol.js';
import { ADDRESSES, unload } from './unload.js';
import style from './withdraw.css';

/** @type {import('./types').WithdrawConfig} */
const { lang, words, names } = __WITHDRAW__;

/** Where another page is told how far down this one was, and what it removed. */
const REMOVED = 'ask-removed';
/** Milliseconds that a delivery holds up the page that comes next, which would send it again. */
const PATIENCE = 500;
/** Milliseconds in which that page has to answer. */
const ANSWER = 5000;

/** @param {number} milliseconds */
const after = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

/** @param {ParentNode} root @returns {Element[]} all in it, and in the open shadow roots in it */
const within = (root) =>
  [...root.querySelectorAll('*')].flatMap((element) => [element, ...(element.shadowRoot ? within(element.shadowRoot) : [])]);

/** @type {(gate: import('./types').Gate) => import('./types').Withdraw} */
const withdrawal = (gate) => {
  assertSameProtocol(gate);
  const { consent, doc, newElement: element, settings } = gate;
  let styled = false;
  /** When the shopper seemed to leave, as with a download too. */
  let left = 0;
  addEventListener('beforeunload', () => {
    left = Date.now();
  });

  /** @param {(string | false)[]} sentences that the shopper is told */
  const say = (...sentences) => {
    if (!styled) gate.addStyle(style);
    styled = true;
    const message = element('div', { class: 'said', role: 'status', lang, dir: 'auto' });
    gate.theHost().append(message); // empty first, or a screen reader does not hear what is in it
    message.append(element('span', {}, sentences.filter(Boolean).join(' ')),
      element('button', { type: 'button', onclick: () => message.remove() }, words.close));
  };

  /** @param {string} [before] names of what was removed earlier @returns {Promise<string>} those, and of what was removed now */
  const removeTraces = async (before = '') => {
    /** @type {string[]} */
    const unwanted = [];
    const kept = [settings.cookie, 'consent', 'ask-*'];
    for (const [category, list] of Object.entries(names)) {
      (consent.allows(/** @type {import('./types').Category} */ (category)) ? kept : unwanted).push(...list);
    }
    return [...new Set([...before.split(', '), ...await clear(doc, unwanted, kept)])].filter((name) => name).join(', ');
  };

  const denied = (settings.trackers ?? []).map(({ match, category }) => ({ match: RegExp(match), category }));
  /** @param {string} address @returns {boolean} whether it is one of a tracker's that may not be asked */
  const isDenied = (address) => {
    try {
      const { host, pathname } = new URL(address, doc.baseURI);
      return denied.some(({ match, category }) => match.test(host + pathname) && !consent.allows(category));
    } catch {
      return false;
    }
  };

  /**
   * Takes back what a pattern has let through.
   * @returns {boolean} whether a script ran, or asked for something, which is one that runs on
   */
  const takeBack = () => {
    let ran = (performance.getEntriesByType?.('resource') ?? []).some((entry) =>
      /^(script|fetch|xmlhttprequest|beacon)$/.test(/** @type {PerformanceResourceTiming} */ (entry).initiatorType) && isDenied(entry.name));
    for (const element of within(doc)) {
      if (/^a(rea)?$/.test(element.localName)) continue;
      for (const name of [...ADDRESSES, 'data', 'xlink:href']) {
        const value = Element.prototype.getAttribute.call(element, name);
        if (!value || !(name == 'srcset' ? value.split(/[\s,]+/) : [value]).some(isDenied)) continue;
        if (element.localName == 'script') ran = true;
        else {
          unload(element, [name]);
          element.setAttribute(name, value); // which trackers.js holds
        }
      }
    }
    return ran;
  };

  /** Whether the page's policy lets no script ask the page's own host. */
  let barred = false;
  doc.addEventListener('securitypolicyviolation', ({ blockedURI, disposition, effectiveDirective }) => {
    barred ||= disposition == 'enforce' && effectiveDirective == 'connect-src' && blockedURI.startsWith(location.origin);
  });

  /**
   * @param {string} address @param {string} method HEAD costs a page less, and not each answers it
   * @returns {Promise<boolean>} whether there is something, as far as can be known
   */
  const isThere = (address, method) =>
    fetch(address, { method, signal: AbortSignal.timeout(ANSWER) }).then(({ ok }) => ok, async ({ name }) => {
      await after(0); // the browser says why
      return name == 'TimeoutError' || barred;
    });

  /**
   * Comes to this page anew, by GET: a reload would send a form again whose answer the page is. Nothing happens where the
   * page answers no GET. To an address with a fragment the browser comes only from another one.
   * @returns {Promise<boolean>} whether it, or the page that the shopper has gone to meanwhile, is on its way
   */
  const comeBack = async () => {
    const { href } = location;
    if (!await isThere(href, 'HEAD') && !await isThere(href, 'GET')) return false;
    if (Date.now() - left < ANSWER) await after(ANSWER);
    if (href.includes('#')) History.prototype.replaceState.call(history, history.state, '', '?withdrawn');
    location.replace(href);
    return true;
  };

  /** @param {boolean} [ran] whether a marked script has run that is not allowed any more */
  const withdraw = async (ran) => {
    const again = takeBack() || ran;
    const removed = await removeTraces();
    if (again) {
      await Promise.race([gate.deliver(), after(PATIENCE)]);
      if (await comeBack()) {
        try {
          sessionStorage[REMOVED] = `${Math.round(scrollY)} ${removed}`;
        } catch {} // then nobody is told
        await after(ANSWER); // then something in the page keeps it from leaving
      }
    }
    say(words.withdrawn, removed && words.removed.replace(/{\w+}/, () => removed), !!again && words.stays);
  };

  const tidy = async () => {
    let before;
    try {
      const [, down, names] = /^(\d+) (.*)$/.exec(sessionStorage[REMOVED]) ?? [];
      delete sessionStorage[REMOVED];
      before = names;
      if (down && !scrollY) scrollTo({ top: +down, behavior: 'instant' });
    } catch {}
    const removed = await removeTraces(before); // once more: what ran may have written until its page ended
    if (before != null || removed) say(before != null && words.withdrawn, !!removed && words.removed.replace(/{\w+}/, () => removed));
  };

  return { withdraw, tidy };
};

export default withdrawal;
