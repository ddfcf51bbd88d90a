/** Takes back what an element shows or plays. The element stays where it is, and leaves no entry in the history. */

/** The attributes with an address, each held as `data-…`. */
export const ADDRESSES = ['srcset', 'src', 'href', 'poster'];

/** @param {any} element a frame, a picture, a film, a song, or a link @param {string[]} names of its attributes @param {() => void} [then] what is done once it has forgotten them */
export const unload = (element, names, then) => {
  const forget = () => {
    for (const name of names) element.removeAttribute(name);
    then?.();
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
const allOf = (marked) => [.../** @type {NodeListOf<HTMLElement>} */ (marked.querySelectorAll(':is(source,img):not([data-consent])')), marked];

/** What a picture showed before it was released, or a film's poster, by the attribute's name. @type {WeakMap<Element, Record<string, string | null>>} */
const placeholders = new WeakMap();

/** @param {HTMLElement} marked that is held, or about to be released @returns {HTMLElement[]} what is in it without a mark of its own, and it */
export const partsOf = (marked) => {
  const parts = allOf(marked);
  for (const part of parts) {
    const shown = placeholders.get(part) ?? {};
    placeholders.set(part, shown);
    for (const name of ADDRESSES) {
      const value = part.getAttribute(name);
      if (part.dataset[name] && !(name in shown)) shown[name] = value == part.dataset[name] ? null : value;
    }
  }
  return parts;
};

/** @param {HTMLElement} marked that was released */
export const unloadMarked = (marked) => {
  for (const part of allOf(marked)) {
    const shown = placeholders.get(part) ?? {};
    placeholders.delete(part);
    // A lazy loader of the page's takes off what it has read: then the address waits there again.
    for (const name of Object.keys(shown)) {
      const address = part.getAttribute(name);
      if (address) part.dataset[name] ??= address;
    }
    unload(part, ADDRESSES.filter((name) => part.dataset[name]), () => {
      for (const [name, value] of Object.entries(shown)) {
        // A frame says that it is held, and a player is stopped, for which it has no address.
        if (value && (name == 'poster' || !part.closest('iframe,video,audio'))) part.setAttribute(name, value);
      }
    });
  }
};

/** A player does not look again by itself at a source that a pattern held. @param {WeakRef<Element>[]} [passed] what got its address since */
export const playOn = (passed = []) => {
  for (const ref of passed) {
    const source = ref.deref();
    const player = /** @type {any} */ (source?.localName == 'source' && source.parentNode);
    if (player?.currentSrc == '' && !player.srcObject) player.load();
  }
};
