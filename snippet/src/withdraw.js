/** What a withdrawal needs, and a page with traces of what is not allowed: a layer that few shoppers ever fetch. */
import { ADDRESS, ASKING } from './asking.js';
import { clear } from './clear.js';
import { wrapSenders } from './hush.js';
import { assertSameProtocol } from './protocol.js';
import { unload } from './unload.js';
import style from './withdraw.css';

/** @type {import('./types').WithdrawConfig} */
const { lang, words, names } = __WITHDRAW__;

/** Where the page that comes next is told how far down this one was, its address, and what it removed. */
const REMOVED = 'ask-removed';
/** Milliseconds that a delivery holds up the page that comes next, which would send it again. */
const PATIENCE = 500;
/** Milliseconds after which what needs no answer goes by itself. */
const PASSING = 15000;
/** Milliseconds in which that page has to answer. */
const ANSWER = 5000;

/** @param {number} milliseconds */
const after = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

/** @param {any} root @returns {Element[]} all in it, in the open shadow roots in it, and in frames of the page's own */
const within = (root) =>
  [...root.querySelectorAll('*')].flatMap((element) =>
    [element, ...[element.shadowRoot, element.contentDocument].flatMap((part) => (part?.querySelectorAll ? within(part) : []))]);

/** @param {string} href this page's address @returns {string} another of the same page, whatever its `<base>` */
const awayFrom = (href) => href.replace(/[?#].*/, '') + '?withdrawn';
/** @param {string} href what this page's address is to be, without a visit */
const goBy = (href) => History.prototype.replaceState.call(history, history.state, '', href);

/** @type {(gate: import('./types').Gate) => import('./types').Withdraw} */
const withdrawal = (gate) => {
  assertSameProtocol(gate);
  const { consent, doc, newElement: element, settings } = gate;
  /** What scrolls; a page may have a `scrollY` of its own. */
  const page = doc.scrollingElement ?? doc.documentElement;
  let styled = false;
  /** When the shopper seemed to leave, as with a download too. */
  let left = 0;
  addEventListener('beforeunload', () => {
    left = Date.now();
  });

  /** @param {string} text that the shopper is told @param {string} [word] of a button @param {() => void} [act] that it does */
  const show = (text, word = words.close, act) => {
    if (!styled) gate.addStyle(style);
    styled = true;
    const message = element('div', { class: 'said', role: 'status', lang, dir: 'auto' });
    gate.theHost().append(message); // empty first, or a screen reader does not hear what is in it
    const press = () => {
      message.remove();
      act?.();
    };
    message.append(element('span', {}, text), element('button', { type: 'button', onclick: press }, word));
    return message;
  };
  /** @param {(string | false)[]} sentences */
  const say = (...sentences) => void show(sentences.filter(Boolean).join(' '));

  /** Says once, and for a while, that an account's answer is in place here: account.js has put it there. */
  const tellOfAccount = () => {
    const { cookie, domain, keep } = settings;
    const [, what, mark] = /\bask-account=(applied|conflict)\.([\w-]+)(?:;|$)/.exec(doc.cookie) ?? [];
    if (!what) return;
    doc.cookie = `${cookie.replace('consent', 'ask-account')}=in.${mark};Path=/;SameSite=Lax;Max-Age=${keep}${
      location.protocol == 'https:' ? ';Secure' : ''}${domain && location.hostname.endsWith(domain) ? ';Domain=' + domain : ''}`;
    const message = show(what == 'applied' ? words.account_applied : words.account_conflict, words.details, consent.open);
    setTimeout(() => message.contains(doc.activeElement) || message.remove(), PASSING);
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

  /** @param {string} categories of which one is enough, as what two services share waits for either */
  const isOff = (categories) => !categories.split('|').some((each) => consent.allows(/** @type {import('./types').Category} */ (each)));
  /** @param {string} href @returns {any} what has the parts of an address */
  const read = (href) => element('a', { href });
  const denied = (settings.trackers ?? []).map(({ match, category }) => ({ match: RegExp(match), category }));
  /** @param {string} address @returns {boolean} whether it is one of a tracker's that may not be asked */
  const isDenied = (address) => {
    const { host, pathname } = read(address);
    return denied.some(({ match, category }) => match.test(host + pathname) && isOff(category));
  };

  /** @returns {boolean} whether a script came by a way that no pattern holds, as `import()`; what was fetched ahead did not run */
  const ranUnheld = () => (performance.getEntriesByType?.('resource') ?? []).some((entry) => {
    const { initiatorType, name } = /** @type {PerformanceResourceTiming} */ (entry);
    return initiatorType == 'script' && isDenied(name) && !gate.memory[name.replace(/^.*?:..|[?#].*/g, '')];
  });

  /**
   * Takes back what a pattern has let through.
   * @returns {boolean} whether a script ran, or asked for something, which is one that runs on
   */
  const takeBack = () => {
    let ran = denied.some(({ category }) => gate.memory[category] && isOff(category)) || ranUnheld();
    // Also what the page keeps for later, or has in a closed shadow root: trackers.js knows of what it let through.
    for (const element of new Set([...within(doc), ...(gate.memory.passed ?? []).flatMap((ref) => ref.deref() ?? [])])) {
      if (!Element.prototype.matches.call(element, ASKING)) continue;
      for (const name of element.getAttributeNames()) {
        const value = /** @type {string} */ (element.getAttribute(name));
        if (!element.isConnected && /** @type {any} */ (element).complete) continue; // a picture that the page keeps asks for nothing when it is put in
        if (!ADDRESS.test(name) || !(name == 'srcset' ? value.split(/[\s,]+/) : [value]).some(isDenied)) continue;
        if (element.localName == 'script') ran = true;
        // Back to trackers.js, which holds it.
        else unload(element, [name], () => gate.loadLayer('release').then(({ letRun }) => letRun(element, name, value), () => {}));
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
    if (location.href != href) return comeBack(); // an app has gone on to another of its pages
    wrapSenders(gate);
    gate.memory.hushed = true;
    if (href.includes('#')) goBy(awayFrom(href));
    location.replace(href);
    return true;
  };

  /** @param {boolean} [ran] whether a marked script has run that is not allowed any more */
  const withdraw = async (ran) => {
    const again = takeBack() || ran;
    const removed = await removeTraces();
    if (again) {
      await Promise.race([gate.loadLayer('delivery').then(({ deliver }) => deliver()).catch(() => {}), after(PATIENCE)]);
      const { href } = location;
      if (await comeBack()) {
        try {
          sessionStorage[REMOVED] = `${__RULES__ && gate.memory.objected ? '-' : ''}${Math.round(page.scrollTop)} ${href} ${removed}`;
        } catch {} // then nobody is told
        await after(ANSWER);
        // Then something keeps the page from leaving, as a shopper does who is asked and stays.
        if (location.href == awayFrom(href)) goBy(href);
        try {
          delete sessionStorage[REMOVED];
        } catch {}
      }
    }
    say(__RULES__ && gate.memory.objected ? words.objected : words.withdrawn, removed && words.removed.replace(/{\w+}/, () => removed), !!again && words.stays);
  };

  /** @returns {boolean | undefined} whether the page before this one was left for an objection */
  const wasObjection = () => {
    try {
      return sessionStorage[REMOVED]?.[0] == '-';
    } catch {} // storage is blocked
  };

  const tidy = async () => {
    let before;
    tellOfAccount();
    const objected = __RULES__ && wasObjection();
    try {
      const [, down, href, names] = (__RULES__ ? /^-?(\d+) (\S+) (.*)$/ : /^(\d+) (\S+) (.*)$/).exec(sessionStorage[REMOVED]) ?? [];
      delete sessionStorage[REMOVED];
      before = names;
      if (href == location.href && !page.scrollTop) page.scrollTo({ top: +(down ?? 0), behavior: 'instant' });
    } catch {}
    const removed = await removeTraces(before); // once more: what ran may have written until its page ended
    if (before != null || removed) say(before != null && (objected ? words.objected : words.withdrawn), !!removed && words.removed.replace(/{\w+}/, () => removed));
  };

  return { withdraw, tidy };
};

export default withdrawal;
