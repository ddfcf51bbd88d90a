// https://help.pinterest.com/en/business/article/install-the-base-code . Where there is a `pintrk`, the base code loads
// nothing: so there is no stub of ours, and nothing that could be said before it.
import { page, teller } from './teller.js';

/** @typedef {import('../types').Choice} Choice */

const tell = teller(() => page.pintrk, (pintrk, /** @type {Choice} */ { marketing }) => pintrk('setconsent', marketing));

/** @type {import('../settings').Bridge} */
export default (_, choice) => choice && tell(choice);
