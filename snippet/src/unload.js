/** Takes back what an element shows or plays. The element stays where it is, and leaves no entry in the history. */

/** The attributes with an address, each held as `data-…`. */
export const ADDRESSES = ['srcset', 'src', 'href', 'poster'];

/** @param {any} element a frame, a picture, a film, a song, or a link @param {string[]} names of its attributes */
export const unload = (element, names) => {
  const forget = () => {
    for (const name of names) element.removeAttribute(name);
  };
  const { contentWindow } = element;
  if (contentWindow) {
    // Chromium adds an entry to the history when a frame loses an address, unless nothing is shown from there any more.
    element.addEventListener('load', forget, { once: true });
    return contentWindow.location.replace('about:blank');
  }
  forget();
  const player = element.closest('video,audio');
  if (!player) return;
  // Also what a script streamed into it. A stream of nothing makes it forget the address that it had.
  player.pause();
  player.removeAttribute('src');
  const empty = () => {
    player.srcObject = null;
    player.load();
  };
  if (!('MediaStream' in window)) return empty();
  player.addEventListener('loadstart', empty, { once: true });
  player.srcObject = new MediaStream();
};

/** @param {HTMLElement} marked @returns {HTMLElement[]} what is in it without a mark of its own, and it */
export const partsOf = (marked) => [.../** @type {NodeListOf<HTMLElement>} */ (marked.querySelectorAll(':is(source,img):not([data-consent])')), marked];

/** @param {HTMLElement} marked that was released */
export const unloadMarked = (marked) => {
  for (const part of partsOf(marked)) {
    unload(part, ADDRESSES.filter((name) => part.dataset[name]));
  }
};
