/** For Svelte: stores, `$analytics` in a component. A server draws as if nobody had answered; the answer comes just after. */
import { allows, choice, subscribe } from './answer.js';

/**
 * @typedef {import('consent-server/types').Category} Category
 * @typedef {import('consent-server/types').Choice} Choice
 */

/**
 * @template It
 * @typedef {{ subscribe(run: (value: It) => void): () => void }} Readable  Svelte's contract of stores
 */

/**
 * Whether a category is allowed; without one the answer, or null while there is none.
 * @overload
 * @param {Category | 'necessary'} category
 * @returns {Readable<boolean>}
 */
/**
 * @overload
 * @returns {Readable<Readonly<Choice> | null>}
 */
/** @param {Category | 'necessary'} [category] @returns {Readable<any>} */
export function useConsent(category) {
  return {
    subscribe(run) {
      run(category ? category == 'necessary' : null);
      if (typeof document == 'undefined') return () => {};
      let over = false;
      const update = () => over || run(category ? allows(category) : choice());
      queueMicrotask(update); // not before what a server has drawn is taken over
      const stop = subscribe(update);
      return () => {
        over = true;
        stop();
      };
    },
  };
}
