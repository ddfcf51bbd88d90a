/**
 * The version of what the gate hands to the layers that are fetched later (`Gate` in types.d.ts). A cache may hold
 * yesterday's consent.js for a day, and gets today's layers: they work with the gate of the same version, and refuse any
 * other as if they had not loaded. Raise it with each change that the other side would not understand.
 */
export const PROTOCOL = 4;

/** @param {{ protocol: number, rule?: unknown }} gate whose version, or kind, is not the layer's own */
export const assertSameProtocol = ({ protocol, rule }) => {
  if (protocol != PROTOCOL || __RULES__ && !rule) throw Error(`consent: consent.js is of another version (${protocol}, not ${PROTOCOL}); reload the page`);
};
