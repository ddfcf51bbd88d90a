/** Puts something in place of a native function, which a page takes for native still. */

/** @typedef {(act: () => any, self: any, args: any[]) => unknown} Trap what is done in place of `act`, which is the native call */

/** A proxy keeps a function's name, statics and prototype. What an old library gives to all objects is none of its traps. @param {any} native @param {Trap} apply @returns {any} */
const wrapped = (native, apply) => new Proxy(native, Object.assign(Object.create(null), {
  apply: (/** @type {any} */ target, /** @type {any} */ self, /** @type {any[]} */ args) => apply(() => Reflect.apply(target, self, args), self, args),
}));

/** @param {any} owner @param {string} name of a function @param {Trap} apply */
export const wrap = (owner, name, apply) => {
  // What the page has frozen stays as it is, and what it has in place of it that is no function.
  if (typeof owner?.[name] == 'function') Reflect.set(owner, name, wrapped(owner[name], apply));
};

/** @param {any} owner @param {string} name of what is read and set @param {'get' | 'set'} way @param {Trap} apply */
export const wrapAccessor = (owner, name, way, apply) => {
  const native = Object.getOwnPropertyDescriptor(owner ?? {}, name)?.[way];
  if (native) Reflect.defineProperty(owner, name, Object.assign(Object.create(null), { [way]: wrapped(native, apply) }));
};

/** @param {any} owner @param {string} name of a method @param {(made: any, self: any, args: any[]) => void} then what is done with what it made */
export const follow = (owner, name, then) => wrap(owner, name, (act, self, args) => {
  const made = act();
  then(made, self, args);
  return made;
});
