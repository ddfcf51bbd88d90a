/** Draws which page views report what the shop's lists do not allow; only a shop that says `watch` has this. */
import { afterLoad, loadLayer } from './layers.js';
import { config, doc } from './site.js';

export const watch = () => {
  if (Math.random() >= /** @type {number} */ (config.watch)) return;
  let answered = 0;
  doc.addEventListener('consentchange', () => {
    answered = performance.now();
  });
  afterLoad(() => loadLayer('watch').then(({ report }) => report(() => answered), () => {}));
};
