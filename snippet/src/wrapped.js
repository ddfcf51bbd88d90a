/**
 * A proxy keeps a function's name, statics and prototype. What an old library gives to all objects is none of its traps.
 * @param {any} native
 * @param {(act: () => any, self: any, args: any[]) => unknown} apply what is done in place of `act`, which is the native call
 * @returns {any}
 */
export const wrapped = (native, apply) => new Proxy(native, Object.assign(Object.create(null), {
  apply: (/** @type {any} */ target, /** @type {any} */ self, /** @type {any[]} */ args) => apply(() => Reflect.apply(target, self, args), self, args),
}));
