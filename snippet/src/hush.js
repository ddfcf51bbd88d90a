/** What sends even as the page ends: after a no, a script that ran tells other hosts nothing more. */
import { wrapped } from './wrapped.js';

/** @param {import('./types').Gate} gate @returns {void} what a script may keep for later is wrapped before any that is marked runs */
export const wrapSenders = ({ doc, memory, newElement: element, server }) => {
  if (memory.wrapped) return;
  memory.wrapped = true;
  doc.addEventListener('consentchange', () => {
    memory.hushed = false; // another answer, and the page is still here
  });

  /** @param {string} href @returns {string} */
  const originOf = (href) => /** @type {any} */ (element('a', { href })).origin;
  /** @param {string} address @returns {boolean} whether it is of a host that is neither the page's nor the consent server's */
  const isElsewhere = (address) => ![location.href, server].some((own) => originOf(own) == originOf(address));

  /** @param {any} owner @param {string} name @param {() => unknown} failed what it gives then */
  const silence = (owner, name, failed) => {
    if (!owner[name]) return;
    // Where the page has frozen it, it stays as it is.
    Reflect.set(owner, name, wrapped(owner[name], (act, _, [input, init]) => {
      const lasts = name == 'sendBeacon' || (init?.keepalive ?? input?.keepalive);
      // What the shop's own host is told may be a basket.
      return memory.hushed && lasts && isElsewhere(`${input?.url ?? input}`) ? failed() : act();
    }));
  };
  silence(Navigator.prototype, 'sendBeacon', () => true);
  silence(window, 'fetch', () => Promise.reject(TypeError('Failed to fetch')));
};
