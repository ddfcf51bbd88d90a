/** The first layer: what is asked, and three buttons alike. In the light DOM, where helpers and translators see it. */
import { state } from './cookie.js';
import { countShowing } from './showing.js';
import { config, doc, idle, language, layout, notices, parsed } from './site.js';
import style from './banner.css';

/**
 * @param {string} name
 * @param {Record<string, string | boolean | ((event: any) => void)>} attributes what is no text is a property: a
 *   function, `onclick` and the like, handles an event and cancels it if it returns false
 * @param {(Node | string)[]} children
 */
export const element = (name, attributes, ...children) => {
  const made = doc.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value == 'string') made.setAttribute(key, value);
    else /** @type {any} */ (made)[key] = value;
  }
  made.append(...children);
  return made;
};

// ---- The style ----

/** Made by script, they need no nonce. A browser looks at the whole page again for one that changes, and not for one that is added. */
const sheets = [new CSSStyleSheet(), new CSSStyleSheet()];
/** The place for a cookie list says by this that it has come into the page. */
let css = '[data-consent-list]{animation:ask 1ms}@keyframes ask{}';
/** Pixels of the banner's, of which the end of the page, and what the browser scrolls to, stay clear. @type {number | undefined} */
let room;

/** @param {number} which @param {string} rules, on one line */
const dress = (which, rules) => {
  sheets[which].replaceSync(`@layer ask{${rules.replace(/(?<!})[;}]/g, '!important$&')}}`);
};
/** Puts our style into the page, which may have set a list of sheets without it. */
const wear = () => {
  for (const sheet of sheets) if (sheet.cssRules[0] && !doc.adoptedStyleSheets.includes(sheet)) doc.adoptedStyleSheets.push(sheet);
};

/** @returns {Element | null | undefined} what has the focus, in an open shadow root too */
const focusedPart = () => {
  let { activeElement: part } = doc, inner;
  while ((inner = part?.shadowRoot?.activeElement)) part = inner;
  return part;
};

/** One in a shadow root has the focus. */
const modal = () => doc.querySelector(':modal') ?? focusedPart()?.closest(':modal');

/** The font is the body's. Asked for when the browser is about to look at all styles, or it would do so twice. */
const takeFont = () => host?.style.setProperty('--ask-font', window.getComputedStyle(doc.body ?? host).fontFamily, 'important');

/** @param {string} more of ours, on one line */
export const addStyle = (more) => {
  dress(0, css += more);
  wear();
  requestAnimationFrame(takeFont);
};

/** The host has no extent, and the banner a size of its own, as long as they have our style. */
const sizes = new ResizeObserver(() => requestAnimationFrame(() => {
  // As much as before, where it went to the other end of the window.
  const taken = banner?.offsetHeight && (banner.style.length ? room : innerHeight - banner.getBoundingClientRect().top);
  if (room != taken) dress(1, (room = taken) ? `@media screen{html{margin-bottom:${taken}px;scroll-padding-bottom:${taken + 8}px}}` : '');
  wear();
  takeFont();
  idle(seen);
}));

// ---- The host ----

/** @type {HTMLElement} */
export let host;

/**
 * @returns {HTMLElement} the one element of ours, in the top layer. It is between head and body, where it is no sibling of
 *   what is in the page, stays when a body gives way to another, and a keyboard and a screen reader meet it first.
 */
export const theHost = () => {
  if (!host) {
    host = element('div', { 'data-ask': '', popover: 'manual' });
    addStyle(style + config.css);
  }
  if (!host.isConnected) {
    // Again, as what took it away may have taken them too.
    addEventListener('focusin', giveWay);
    addEventListener('blur', giveWay);
    addEventListener('visibilitychange', seen);
    const root = doc.documentElement;
    // A page that was put together from its own text has a copy.
    root.querySelectorAll('[data-ask][popover=manual]').forEach((copy) => copy.remove());
    // Nothing lies over a modal dialog of the page, beside which all else is inert.
    const isBelow = modal();
    root.insertBefore(host, isBelow ? null : doc.body); // last, where it is not in the top layer: of what lies as far up it is above
    if (!isBelow) host.showPopover?.();
    sizes.observe(host);
  }
  return host;
};

/**
 * What has the keyboard's focus is not left behind the banner: where the page did not scroll it out, the banner goes. A
 * frame that the focus went into does not say so, but the window that lost it.
 */
const giveWay = () =>
  requestAnimationFrame(() => {
    const target = /** @type {Element} */ (focusedPart());
    if (target == doc.body) return; // nothing has it
    const { x, y, width, height } = target.getBoundingClientRect();
    if (banner?.contains(doc.elementFromPoint(x + width / 2, y + height / 2)) && !host.contains(target)) {
      banner.style.cssText = `inset:${y > innerHeight / 2 ? '0 0 auto' : 'auto 0 0'}!important`;
    }
  });

/**
 * What the click shows is painted before what it starts. A hidden page paints nothing, nor does a frame out of sight.
 * @returns {Promise<unknown>}
 */
export const painted = () =>
  new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, doc.hidden ? 0 : 999);
  });

// ---- The banner ----

/** @type {HTMLElement | undefined} */
export let banner;
/** What had the focus before the banner. @type {HTMLElement | null} */
let focused;

/** Who has answered before is asked again, or looks for the preferences: that is no showing. */
let isFirst = true;
const seen = () => banner && isFirst && countShowing(banner, tongue);

/** That of the banner, whatever the page makes of `lang`. @type {string} */
let tongue;
/** @returns {string} the language of the banner that is there, else the one to speak now */
export const spoken = () => (banner?.isConnected ? tongue : language());

export const hideBanner = () => {
  seen();
  const held = banner?.contains(doc.activeElement);
  banner?.remove();
  banner = undefined;
  if (held) idle(() => doc.activeElement == doc.body && focused?.focus({ preventScroll: true }));
};

/**
 * @param {(() => void)[]} clicks what the buttons do: accept, refuse, choose
 * @param {() => void} reach when somebody is about to press one
 * @param {boolean} [failed] whether the preferences, which somebody asked for, did not load
 */
export const showBanner = (clicks, reach, failed) => {
  const lang = tongue = spoken();
  const [, title, text, accept, refuse, choose, policy, unloaded] = notices[lang];
  if (!banner) focused = /** @type {HTMLElement} */ (doc.activeElement);
  banner?.remove();
  isFirst = !state.last;
  // In a modal dialog of the page's nothing else can be used, but for a further one.
  banner = element(
    failed && modal() ? 'dialog' : 'div',
    {
      role: 'dialog', class: layout, tabindex: '-1', lang, dir: 'auto', 'aria-label': title, 'aria-describedby': 'ask:text',
      onpointerenter: reach,
      onkeydown: (event) => {
        if (event.key == 'Escape') hideBanner(); // postponed: the next page asks again
      },
    },
    element('h2', {}, title),
    element('p', { id: 'ask:text' }, text, ' ', element('a', { href: config.policy }, policy)),
    failed ? element('p', { role: 'alert' }, `${choose}: ${unloaded}`) : '',
    element('div', { class: 'buttons' }, ...[accept, refuse, choose].map((word, i) =>
      element('button', { onclick: clicks[i], onfocus: reach }, word))),
  );
  theHost().append(banner);
  /** @type {any} */ (banner).showModal?.();
  sizes.observe(banner);
  parsed.then(() => idle(() => {
    // From nobody who types, in the page around this one too, nor from what the page wants it for.
    if (failed || (top == window || doc.hasFocus()) && doc.activeElement == doc.body && ![...doc.querySelectorAll('[autofocus]')].some((each) => each.getClientRects()[0])) banner?.focus({ preventScroll: true });
  }));
};
