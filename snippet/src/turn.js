/** When what is released takes its turn: in a task of its own, a script once the parser has brought all of its text. */
import { addressOf } from './run.js';

const { port1, port2 } = new MessageChannel();
/** @type {((value?: unknown) => void)[]} */
const turns = [];
port1.onmessage = () => turns.shift()?.();
/** @returns {Promise<unknown>} kept in a task of its own, sooner than a timer's */
export const task = () => new Promise((resolve) => {
  turns.push(resolve);
  port2.postMessage(0);
});

/** What waits for the page to change. @type {(() => void)[]} */
const waiting = [];
export const pageChanged = () => waiting.splice(0).forEach((go) => go());

/**
 * The parser puts a script in before it has all of its text: it is whole once something follows it.
 * @param {Document} doc
 * @param {HTMLElement} marked
 * @param {() => boolean} isParsing
 */
export const isWhole = async (doc, marked, isParsing) => {
  /** @returns {boolean} */
  const isPassed = () => {
    for (let node = /** @type {Node | null} */ (marked); node && node != doc.body; node = node.parentNode) if (node.nextSibling) return true;
    return false;
  };
  while (isParsing() && marked instanceof HTMLScriptElement && !addressOf(marked) && !isPassed()) {
    await new Promise((resolve) => waiting.push(() => resolve(0)));
  }
};
