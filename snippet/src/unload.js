/** Takes back what an element shows or plays. The element stays where it is, and leaves no entry in the history. */

/** The attributes with an address, each held as `data-…`. */
export const ADDRESSES = ['srcset', 'src', 'href', 'poster'];

/**
 * What the page has put in the place of it stays, or comes back: a frame's `srcdoc`, from which a link may have led on, a
 * film's own address beside a `source` or a poster of ours.
 * @param {any} element a frame, a picture, a film, a song, or a link
 * @param {string[]} names of its attributes
 * @param {() => void} [then] what is done once it has forgotten them
 * @param {boolean} [whole] whether all that it plays goes, whoever gave it that; false: nor does a stream
 */
export const unload = (element, names, then, whole) => {
  const forget = () => {
    for (const name of names) element.removeAttribute(name);
    then?.();
  };
  const { contentWindow } = element;
  if (contentWindow && element.contentDocument?.URL != 'about:srcdoc') {
    if (element.hasAttribute('srcdoc')) {
      forget();
      return element.replaceWith(element); // put in anew it begins with that
    }
    // Chromium adds an entry to the history when a frame loses an address, unless nothing is shown from there any more.
    element.addEventListener('load', forget, { once: true });
    return contentWindow.location.replace('about:blank');
  }
  const player = element.closest('video,audio');
  const plays = element == player ? whole || names.includes('src') && !player.srcObject
    : player && element.localName == 'source' && (player.srcObject || /^blob:/.test(player.src) ? whole != false : !player.hasAttribute('src'));
  forget();
  if (!plays) return;
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

/**
 * By the attribute's name, what a picture showed before it was released, or a film's poster, and what it is given.
 * @type {WeakMap<Element, Record<string, { before: string | null, given: string }>>}
 */
const placeholders = new WeakMap();

/** @param {HTMLElement} marked that is held, or about to be released @returns {HTMLElement[]} what is in it without a mark of its own, and it */
export const partsOf = (marked) => {
  const parts = allOf(marked);
  for (const part of parts) {
    const had = placeholders.get(part) ?? {};
    placeholders.set(part, had);
    for (const name of ADDRESSES) {
      const given = part.dataset[name];
      if (!given) continue;
      const value = part.getAttribute(name);
      const { before } = had[name] ?? { before: value == given ? null : value };
      had[name] = { before, given };
    }
  }
  return parts;
};

/** @param {HTMLElement} marked that was released */
export const unloadMarked = (marked) => {
  const isMarked = marked.dataset.consent != null;
  for (const part of allOf(marked)) {
    const had = placeholders.get(part) ?? {};
    placeholders.delete(part);
    const now = new Map(ADDRESSES.map((name) => [name, part.getAttribute(name)]));
    // What has lost its mark may be in use for something else: then it is given up, and only what came from us goes.
    const names = ADDRESSES.filter((name) =>
      (isMarked ? part.dataset[name] || had[name] : had[name] && now.get(name) == had[name].given));
    if (!isMarked && !names[0]) continue;
    unload(part, names, () => {
      for (const name of names) {
        const { before = null } = had[name] ?? {};
        const address = now.get(name);
        // A lazy loader of the page's takes off what it has read: then the address waits there again. Not sooner, as that is seen.
        if (isMarked && had[name] && address) part.dataset[name] ??= address;
        // A frame says that it is held, and a player is stopped, for which it has no address.
        if (before && (name == 'poster' || !part.closest('iframe,video,audio'))) part.setAttribute(name, before);
      }
    }, isMarked);
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
