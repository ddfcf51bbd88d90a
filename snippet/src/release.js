/**
 * Releases what is marked and allowed; fetched once there is such. What is released is remembered here and in no
 * attribute: whatever a page's markup, or a copy of an element, says about itself grants nothing.
 */
import { beEager, beLazy, give, hold, isOfHost, refuse } from './addresses.js';
import { leaving } from './anew.js';
import { holdCopies } from './copies.js';
import { denials } from './denied.js';
import { wrapSenders } from './hush.js';
import { assertSameProtocol } from './protocol.js';
import { addressOf, isHeld, letRun, runScript } from './run.js';
import { watchTree } from './tree.js';
import { isWhole, pageChanged, task } from './turn.js';
import { ADDRESSES, partsOf, playOn, unloadMarked } from './unload.js';
import { follow } from './wrapped.js';

/** @typedef {import('./types').Category} Category */

const TAGS = 'script,iframe,img,video,audio,source,picture,link';
/** @type {Category[]} */
const CATEGORIES = ['functional', 'analytics', 'marketing'];

/** @param {HTMLElement} marked */
const categoriesOf = (marked) => (marked.dataset.consent ?? '').trim().split(/\s+/);

/** @type {(gate: import('./types').Gate) => import('./types').Release} */
const release = (gate) => {
  assertSameProtocol(gate);
  const { quiet, leave, watch } = Object.assign(gate.memory, leaving(gate));
  const listenToEnd = wrapSenders(gate);
  watch();
  const { doc, consent } = gate;
  /** @type {WeakSet<HTMLElement>} */
  const released = new WeakSet();
  /** All that ever was but scripts, once each, as long as it is somewhere. @type {WeakRef<HTMLElement>[]} */
  const shown = [];
  /** @type {WeakSet<HTMLElement>} */
  const isShown = new WeakSet();
  /** What scripts have run for, whatever became of their elements. @type {Set<string>} */
  const ranFor = new Set();
  /** What an element was last given. @type {WeakMap<HTMLElement, string>} */
  const given = new WeakMap();
  /** Let in by the shopper without an answer, on this page, until there is another. @type {WeakSet<HTMLElement>} */
  let once = (gate.memory.once = new WeakSet()); // trackers.js lets them pass
  /** What the parser brought: a page's policy lets scripts load more. @type {WeakSet<Element>} */
  const brought = new WeakSet();
  let parsing = true;
  /** Whether the page was seen once: what is in it then gets its place in the line when the page is made to agree. */
  let settled = false;
  /** Held frames that say so, and how they say it anew. @type {WeakMap<HTMLElement, () => unknown>} */
  const places = new WeakMap();
  /** What waits for what there is not, and is named once. @type {WeakSet<HTMLElement>} */
  const odd = new WeakSet();
  /** Scripts run in page order. @type {Promise<unknown>} */
  let line = Promise.resolve();

  /** @param {HTMLElement} marked @returns {boolean} whether it may be in the page now */
  const mayRun = (marked) =>
    once.has(marked) || categoriesOf(marked).every((category) => /** @type {string[]} */ (CATEGORIES).includes(category) && consent.allows(/** @type {Category} */ (category)));

  /** @param {HTMLElement} marked @returns {string} what it waits for, and the addresses that it and its parts are to have */
  const wishOf = (marked) => JSON.stringify([marked, ...all(marked, 'source,img')].map(({ dataset }) => [dataset.consent, ...ADDRESSES.map((name) => dataset[name])]));

  /** @param {HTMLElement} marked a frame, picture, film, song or link */
  const show = (marked) => {
    if (!isShown.has(marked)) shown.push(new WeakRef(marked));
    isShown.add(marked);
    given.set(marked, wishOf(marked));
    const { parentNode, nextSibling } = marked;
    // A frame that the parser made would be brought back by a reload, whatever the answer is then; one put in is not.
    const putIn = marked instanceof HTMLIFrameElement && marked.dataset.src && marked.getAttribute('src') != marked.dataset.src;
    if (putIn) marked.remove();
    const parts = partsOf(marked);
    parts.forEach((part) => beEager(part));
    const lacked = parts.filter((part) => give(gate, part));
    if (putIn) parentNode?.insertBefore(marked, nextSibling);
    const player = /** @type {HTMLMediaElement | null} */ (marked.closest('video,audio'));
    // It does not look at a source again by itself; what it plays from another one goes on.
    if (lacked[0] && player && !player.src && (player == marked || !player.currentSrc)) player.load();
    // A player might never load, and Firefox would load a frame twice.
    for (const part of parts) {
      if ('loading' in part && !(part instanceof HTMLMediaElement || /Firefox/.test(navigator.userAgent))) {
        task().then(() => beLazy(part));
      }
    }
  };

  /** @param {HTMLElement} marked */
  const run = (marked) => {
    const mayNow = () => mayRun(marked) && marked.isConnected;
    // Withdrawn while it stood in line, or taken out of the page: held again, until it is put back.
    if (!mayNow()) return released.delete(marked);
    if (!(marked instanceof HTMLScriptElement)) return show(marked);
    const address = addressOf(marked);
    if (address && !isOfHost(gate, address)) return released.delete(marked) && refuse(marked);
    // Withdrawn and allowed again meanwhile, it stands in the line twice.
    return isHeld(marked) && runScript(gate, marked, brought.has(marked), () => {
      if (!mayNow()) return !released.delete(marked);
      categoriesOf(marked).forEach((category) => ranFor.add(category));
      return true;
    });
  };

  /** @param {HTMLElement} marked */
  const consider = (marked) => {
    const isScript = marked instanceof HTMLScriptElement;
    if (isScript && !isHeld(marked)) return;
    if (released.has(marked)) {
      // It may have got another address, or another mark, out of the page.
      if (!isScript && given.has(marked) && given.get(marked) != wishOf(marked)) lookAgain(marked);
      return;
    }
    if (mayRun(marked)) {
      released.add(marked);
      const ran = (isScript ? line.then(task).then(() => isWhole(doc, marked, () => parsing)) : task()).then(() => run(marked))
        .catch((error) => console.warn('consent: not released:', error, marked));
      if (isScript) line = ran;
      return;
    }
    const unknown = categoriesOf(marked).filter((category) => !/** @type {string[]} */ (CATEGORIES).includes(category)).join(' ');
    if (unknown && !odd.has(marked)) {
      odd.add(marked);
      console.warn('consent: unknown category', unknown, marked);
    }
    if (isScript) return;
    hold(marked);
    // What a script streamed into it on a yes that was taken back before this layer was here.
    if (marked instanceof HTMLMediaElement && (marked.srcObject || /^blob:/.test(marked.currentSrc))) unloadMarked(marked);
    if (!unknown && marked instanceof HTMLIFrameElement) {
      gate.whenIdle(({ place }) => {
        if (released.has(marked)) return;
        const draw = places.get(marked) ?? place(marked, () => {
          if (marked.dataset.src) marked.removeAttribute('src'); // no address that waits for a pattern comes behind it
          once.add(marked);
          consider(marked);
        });
        if (places.has(marked)) draw(); // it may wait for something else now
        places.set(marked, draw);
      });
    }
  };

  /**
   * What is released and may not be any more counts as held from now on, and is unloaded.
   * @returns {boolean} whether a script ran, which nothing but another page can end
   */
  const takeBack = () => {
    for (const ref of shown) {
      const marked = ref.deref();
      if (!marked || !released.has(marked) || mayRun(marked)) continue;
      released.delete(marked);
      given.delete(marked);
      unloadMarked(marked);
    }
    return [...ranFor].some((category) => !consent.allows(/** @type {Category} */ (category)));
  };

  let listed = false;
  /** Fetches what draws the cookie list, once there is a place for it; that looks for further places itself. */
  const list = () => {
    if (!listed) gate.loadLayer('list').catch(() => {});
    listed = true;
  };

  /** @param {Element} found */
  const lookAt = (found) => {
    if (!(found instanceof HTMLElement)) return;
    if (found.dataset.consentList != null) list();
    if (!Element.prototype.matches.call(found, TAGS)) return;
    if (parsing) brought.add(found);
    if (!settled) return;
    if (found.dataset.consent != null) return consider(found);
    // A part may come, or get its address, after the whole.
    const whole = /** @type {HTMLElement | null} */ (found.closest(':is(picture,video,audio)[data-consent]'));
    if (whole && !released.has(whole)) consider(whole);
    else if (whole && mayRun(whole)) show(whole);
  };

  /** @param {any} root @param {string} selector @returns {Iterable<any>} of which a form's own field may hide the method */
  const all = (root, selector) =>
    root instanceof Element ? Element.prototype.querySelectorAll.call(root, selector)
      : (root == document ? doc : root).querySelectorAll(selector);

  /**
   * Looks at a part of the page, and into the open shadow roots in it.
   * @param {any} root an element, or another node; most that a parser brings have nothing in them
   */
  const look = (root) => {
    if (root == document || root instanceof ShadowRoot) {
      observer.observe(root, { childList: true, subtree: true, attributeFilter: ['src', 'data-consent', ...ADDRESSES.map((name) => 'data-' + name)] });
    } else lookAt(root);
    if (root.firstElementChild || root.shadowRoot) {
      for (const found of all(root, '[data-consent],[data-consent-list]')) lookAt(found);
      for (const { shadowRoot } of [root, ...all(root, '*')]) if (shadowRoot) look(shadowRoot);
    }
  };

  /** @param {HTMLElement} marked whose attributes have changed; a script that has run stays as it is */
  const lookAgain = (marked) => {
    if (released.has(marked)) {
      if (marked instanceof HTMLScriptElement) return;
      once.delete(marked);
      if (!mayRun(marked)) return void takeBack();
      released.delete(marked);
      given.delete(marked);
    }
    lookAt(marked);
  };

  /** Of how many elements is known at most, before those are forgotten that the page has thrown away. */
  let most = 999;
  const forget = () => {
    const lists = [shown, gate.memory.passed ?? [], gate.memory.sockets ?? []];
    const known = () => lists.reduce((sum, { length }) => sum + length, 0);
    if (known() < most) return;
    for (const refs of lists) {
      let kept = 0;
      for (const ref of refs) if (ref.deref()) refs[kept++] = ref;
      refs.length = kept;
    }
    most = 2 * known() + 999;
  };

  // Where a shop names trackers, trackers.js has one already.
  const { looks, observer } = (gate.memory.tree ??= watchTree());
  looks.push(({ type, target, addedNodes, attributeName }) => {
    pageChanged();
    forget();
    if (target == document) { // perhaps opened anew
      listenToEnd();
      watch();
    }
    // A script may get its address, or its text, when it is in the page.
    if (attributeName != 'src' && type == 'attributes') lookAgain(/** @type {HTMLElement} */ (target));
    // One that a pattern held too gets its address before the page is made to agree: those above it come first.
    else if (target instanceof HTMLScriptElement) attributeName && mayRun(target) && !released.has(target) ? look(document) : lookAt(target);
    else addedNodes.forEach(look);
  });

  follow(Element.prototype, 'attachShadow', (root) => {
    if (root.mode == 'open') look(root);
  });
  holdCopies(doc, all, released);

  look(document);
  settled = true;
  if (doc.readyState == 'loading') {
    addEventListener('DOMContentLoaded', () => {
      look(document);
      parsing = false;
      pageChanged();
    });
  } else parsing = false;

  const { letThrough, closeSockets } = denials(gate);
  // Where withdraw.js does not load.
  gate.memory.withdraw = async (ran, before = []) => {
    closeSockets();
    if (ran || gate.settings.trackers) await leave(before);
  };
  gate.memory.waits = (marked) => !released.has(marked) && isHeld(marked) && mayRun(marked);

  /** What was allowed when the page was last made to agree. @type {Category[]} */
  let had = [];
  /** @type {import('./types').Release['agree']} */
  const agree = async (answered) => {
    if (answered) once = gate.memory.once = new WeakSet();
    // What a pattern held of a marked script comes back in this task, whoever asked for this layer first: then all have a
    // place in the line.
    if (gate.settings.trackers) await task();
    look(document);
    playOn(gate.memory.passed);
    const ran = takeBack();
    // Before anything that takes a while: the shopper may leave at once.
    if (answered && !had.every(consent.allows) && (ran || letThrough())) quiet(had);
    had = CATEGORIES.filter(consent.allows);
    return ran;
  };

  return { agree, letRun: (...given) => letRun(gate, ...given) };
};

export default release;
