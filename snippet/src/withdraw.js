/** What a withdrawal needs, and a page with traces of what is not allowed: a layer that few shoppers ever fetch. */
import { after, leaving } from './anew.js';
import { ADDRESS, ASKING } from './asking.js';
import { clear } from './clear.js';
import { denials } from './denied.js';
import { within, wrapSenders } from './hush.js';
import { assertSameProtocol } from './protocol.js';
import { unload } from './unload.js';
import style from './withdraw.css';

/** @type {import('./settings').WithdrawConfig} */
const { lang, words, names } = __WITHDRAW__;

/** Where the page that comes next is told what was taken back, how far down this one was, its address, and what it removed. */
const REMOVED = 'ask-removed';
/** Milliseconds that a delivery holds up the page that comes next, which would send it again. */
const PATIENCE = 500;
/** Milliseconds after which what needs no answer goes by itself. */
const PASSING = 15000;

/** @type {(gate: import('./types').Gate) => import('./types').Withdraw} */
const withdrawal = (gate) => {
  assertSameProtocol(gate);
  const { consent, doc, memory, newElement: element, settings } = gate;
  /** What scrolls; a page may have a `scrollY` of its own. */
  const page = doc.scrollingElement ?? doc.documentElement;
  let styled = false;
  memory.watch?.(true);

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
      location.protocol == 'https:' ? ';Secure' : ''}${`.${location.hostname}`.endsWith('.' + domain) ? ';Domain=' + domain : ''}`;
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

  const { isDenied, closeSockets, letThrough } = denials(gate);

  /** @returns {boolean} whether a script came by a way that no pattern holds, as `import()`; what was fetched ahead did not run */
  const ranUnheld = () => (performance.getEntriesByType?.('resource') ?? []).some((entry) => {
    const { initiatorType, name } = /** @type {PerformanceResourceTiming} */ (entry);
    return initiatorType == 'script' && isDenied(name) && !memory[name.replace(/^.*?:..|[?#].*/g, '')];
  });

  /**
   * Takes back what a pattern has let through.
   * @returns {boolean} whether a script ran, or asked for something, which is one that runs on
   */
  const takeBack = () => {
    let ran = letThrough() || ranUnheld();
    closeSockets();
    // Also what the page keeps for later, or has in a closed shadow root: trackers.js knows of what it let through.
    for (const element of new Set([...within(), ...(memory.passed ?? []).flatMap((ref) => ref.deref() ?? [])])) {
      if (!Element.prototype.matches.call(element, ASKING)) continue;
      for (const name of element.getAttributeNames()) {
        const value = /** @type {string} */ (element.getAttribute(name));
        if (!element.isConnected && /** @type {any} */ (element).complete) continue; // a picture that the page keeps asks for nothing when it is put in
        if (!ADDRESS.test(name) || !(name == 'srcset' ? value.split(/[\s,]+/) : [value]).some(isDenied)) continue;
        if (element.localName == 'script') ran = true;
        // Back to trackers.js, which holds it for its pattern and for its mark: release.js gives none that is in no `data-…`.
        else unload(element, [name], () => gate.loadLayer('release').then(({ letRun }) => letRun(element, name, value), () => {}));
      }
    }
    return ran;
  };

  /**
   * A page without an answer looks into no storage: where all was erased, a cookie has the next one do so all the same.
   * @param {number} life seconds
   */
  const mark = (life) => {
    if (gate.getState().value && life) return;
    try {
      doc.cookie = `${REMOVED}=1;Path=/;SameSite=Lax;Max-Age=${life}`;
    } catch {} // a sandboxed frame has none
  };

  /** @type {import('./types').Withdraw['withdraw']} */
  const withdraw = async (ran, before = []) => {
    /** Whether a later answer allows all of it again. */
    const isOver = () => !!before[0] && before.every(consent.allows);
    if (isOver()) return;
    const again = takeBack() || ran;
    if (again && !memory.leave) {
      Object.assign(memory, leaving(gate)); // release.js did not load
      wrapSenders(gate);
    }
    if (again) memory.quiet?.(before);
    const removed = await removeTraces();
    if (again) {
      await Promise.race([gate.loadLayer('delivery').then(({ deliver }) => deliver()).catch(() => {}), after(PATIENCE)]);
      await memory.leave?.(before, (href) => {
        mark(60);
        try {
          sessionStorage[REMOVED] = `${__RULES__ && memory.objected ? '-' : ''}${before} ${Math.round(page.scrollTop)} ${href} ${removed}`;
        } catch {} // then nobody is told
      });
      if (!memory.hushed) mark(0);
      try {
        delete sessionStorage[REMOVED];
      } catch {}
    }
    if (isOver()) return;
    say(__RULES__ && memory.objected ? words.objected : words.withdrawn, removed && words.removed.replace(/{\w+}/, () => removed), !!again && words.stays);
  };

  /** @returns {boolean | undefined} whether the page before this one was left for an objection */
  const wasObjection = () => {
    try {
      return sessionStorage[REMOVED]?.[0] == '-';
    } catch {} // storage is blocked
  };

  const tidy = async () => {
    let before;
    memory.watch?.(false); // a page that is only tidied is one to go back to
    tellOfAccount();
    const objected = __RULES__ && wasObjection();
    mark(0);
    let isOver;
    try {
      const [, taken = '', down, href, names] = /^-?(?:(\S*) )?(-?\d+) (\S+) (.*)$/s.exec(sessionStorage[REMOVED]) ?? [];
      delete sessionStorage[REMOVED];
      before = names;
      isOver = () => taken.split(',').every((category) => consent.allows(/** @type {any} */ (category)));
      if (href == location.href && !page.scrollTop) page.scrollTo({ top: +(down ?? 0), behavior: 'instant' });
    } catch {}
    const removed = await removeTraces(before); // once more: what ran may have written until its page ended
    const wasTaken = before != null && !isOver?.(); // another tab may have answered meanwhile
    if (wasTaken || removed) say(wasTaken && (objected ? words.objected : words.withdrawn), !!removed && words.removed.replace(/{\w+}/, () => removed));
  };

  return { withdraw, tidy };
};

export default withdrawal;
