/**
 * For `JSON.stringify`: each value as it is, whatever `toJSON` an old library of the page's gives to lists.
 * @this {any} what has the value
 * @param {string} key
 */
export function asItIs(key) {
  return this[key];
}
