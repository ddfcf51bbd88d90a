'use client';
/** For React 18 and 19. A server draws as if nobody had answered; the answer comes after hydration. */
import { createElement, Fragment, useEffect, useSyncExternalStore } from 'react';
import { allows, choice, subscribe } from './answer.js';
import { loadConsent } from './index.js';

/**
 * @typedef {import('consent-server/types').Category} Category
 * @typedef {import('consent-server/types').Choice} Choice
 * @typedef {import('react').ReactNode} ReactNode
 */

/**
 * Loads the consent server's script, once it is in the page. Where the tag stands in the HTML it is not needed.
 * @param {import('./index.js').Where & { children?: ReactNode }} props
 * @returns {import('react').ReactElement}
 */
export function ConsentProvider({ server, site, place, nonce, children }) {
  useEffect(() => {
    loadConsent({ server, site, place, nonce }).catch(console.warn);
  }, [server, site, place, nonce]);
  return createElement(Fragment, null, children);
}

/**
 * Whether a category is allowed; without one the answer, or null while there is none. It draws anew when that changes.
 * @overload
 * @param {Category | 'necessary'} category
 * @returns {boolean}
 */
/**
 * @overload
 * @returns {Readonly<Choice> | null}
 */
/** @param {Category | 'necessary'} [category] */
export function useConsent(category) {
  return useSyncExternalStore(subscribe, () => (category ? allows(category) : choice()), () => (category ? category == 'necessary' : null));
}

/**
 * Draws its children while the category is allowed, else the fallback.
 * @param {{ category: Category | 'necessary', fallback?: ReactNode, children?: ReactNode }} props
 * @returns {import('react').ReactElement}
 */
export function Gated({ category, fallback, children }) {
  return createElement(Fragment, null, useConsent(category) ? children : fallback);
}
