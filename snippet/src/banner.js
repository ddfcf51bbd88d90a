/** The first layer: what is asked, and three buttons alike. In the light DOM, where helpers and translators see it. */
import { config } from './site.js';
import style from './banner.css';

/**
 * @param {string} name
 * @param {Record<string, string | ((event: any) => void)>} attributes a function is an event handler
 * @param {(Node | string)[]} children
 */
export const element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value == 'string') made.setAttribute(key, value);
    else made.addEventListener(key, value);
  }
  made.append(...children);
  return made;
};

/** @param {string} css of ours; a sheet made by script needs no nonce */
export const addStyle = (css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer ask{${css}}`);
  document.adoptedStyleSheets.push(sheet);
};

/** @type {HTMLElement} */
let host;

/** @returns {HTMLElement} the one element of ours, first in the page so that a keyboard and a screen reader meet it first */
export const theHost = () => {
  if (!host) {
    host = element('div', { id: 'ask' });
    addStyle(style + (config.css ?? ''));
  }
  if (!host.isConnected) document.body.prepend(host);
  return host;
};

/** @returns {string} the page's language if the site speaks it, else the browser's, else the site's first */
export const language = () =>
  [document.documentElement.lang, ...navigator.languages].map((tag) => tag.split('-')[0].toLowerCase())
    .find((tag) => config.langs[tag]) ?? Object.keys(config.langs)[0];

/** @type {HTMLElement | undefined} */
let banner;
/** @type {Element | null} */
let focused;

export const hideBanner = () => {
  if (!banner) return;
  const held = banner.contains(document.activeElement);
  banner.remove();
  banner = undefined;
  if (held && focused instanceof HTMLElement) focused.focus({ preventScroll: true });
};

/**
 * @param {string} layout
 * @param {import('./types').Words} words
 * @param {Record<'accept' | 'refuse' | 'choose', () => void>} buttons what each does
 */
export const showBanner = (layout, words, buttons) => {
  banner = element(
    'div',
    {
      role: 'dialog', class: layout, tabindex: '-1', lang: language(), dir: 'auto',
      'aria-labelledby': 'ask-title', 'aria-describedby': 'ask-text',
      keydown: (event) => event.key == 'Escape' && hideBanner(), // postponed: the next page asks again
    },
    element('h2', { id: 'ask-title' }, words.title),
    element('p', { id: 'ask-text' }, words.text, ' ', element('a', { href: config.policy }, words.policy)),
    element('div', { class: 'buttons' },
      ...Object.entries(buttons).map(([name, click]) => element('button', { type: 'button', click }, words[name]))),
  );
  focused = document.activeElement;
  theHost().append(banner);
  // Painted first, as to focus lays out the page. Nobody is taken away from what they type.
  requestAnimationFrame(() => setTimeout(() => {
    if (document.activeElement == document.body) banner?.focus({ preventScroll: true });
  }));
};
