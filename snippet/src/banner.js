/** The first layer: what is asked, and three buttons alike. In the light DOM, where helpers and translators see it. */
import { config, language, layout, notices } from './site.js';
import style from './banner.css';

/**
 * @param {string} name
 * @param {Record<string, string | boolean | ((event: any) => void)>} attributes what is no text is a property: a
 *   function, `onclick` and the like, handles an event and cancels it if it returns false
 * @param {(Node | string)[]} children
 */
export const element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value == 'string') made.setAttribute(key, value);
    else /** @type {any} */ (made)[key] = value;
  }
  made.append(...children);
  return made;
};

/** @param {string} css of ours, on one line; a sheet made by script needs no nonce */
export const addStyle = (css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer ask{${css.replace(/(?<!})[;}]/g, '!important$&')}}`);
  document.adoptedStyleSheets.push(sheet);
};

/** @type {HTMLElement} */
let host;

/** @returns {HTMLElement} the one element of ours, first in the page so that a keyboard and a screen reader meet it first */
export const theHost = () => {
  if (!host) {
    host = element('div', { id: 'ask' });
    addStyle(style + config.css);
  }
  if (!host.isConnected) document.body.prepend(host);
  return host;
};

/** What the click shows is painted before what it starts; a hidden page paints nothing. @returns {Promise<unknown>} */
export const painted = () =>
  new Promise((resolve) => (document.hidden ? resolve(0) : requestAnimationFrame(() => setTimeout(resolve))));

/** @param {HTMLElement | null} part that gets the focus, from nobody who types; once the page is laid out, or that would do it */
const focusOn = (part) =>
  (window.requestIdleCallback ?? setTimeout)(() => {
    if (document.activeElement == document.body) part?.focus({ preventScroll: true });
  }, { timeout: 500 });

/** @type {HTMLElement | undefined} */
let banner;
/** @type {HTMLElement | null} */
let focused;

export const hideBanner = () => {
  const held = banner?.contains(document.activeElement);
  banner?.remove();
  if (held) focusOn(focused);
};

/** @param {(() => void)[]} clicks what the buttons do: accept, refuse, choose */
export const showBanner = (...clicks) => {
  const lang = language();
  const { title, text, accept, refuse, choose, policy } = notices[lang];
  banner = element(
    'div',
    {
      role: 'dialog', class: layout, tabindex: '-1', lang, dir: 'auto',
      'aria-labelledby': 'ask-title', 'aria-describedby': 'ask-text',
      onkeydown: (event) => {
        if (event.key == 'Escape') hideBanner(); // postponed: the next page asks again
      },
    },
    element('h2', { id: 'ask-title' }, title),
    element('p', { id: 'ask-text' }, text, ' ', element('a', { href: config.policy }, policy)),
    element('div', { class: 'buttons' },
      ...[accept, refuse, choose].map((word, i) => element('button', { type: 'button', onclick: clicks[i] }, word))),
  );
  focused = /** @type {HTMLElement} */ (document.activeElement);
  theHost().append(banner);
  focusOn(banner);
};
