/** For Vue 3.3 and newer, and Nuxt. A server draws as if nobody had answered; the answer comes once it is mounted. */
import { computed, defineComponent, getCurrentInstance, getCurrentScope, onMounted, onScopeDispose, onUnmounted, shallowRef, toValue } from 'vue';
import { allows, choice, subscribe } from './answer.js';
import { loadConsent } from './index.js';

/**
 * @typedef {import('consent-server/types').Category} Category
 * @typedef {import('consent-server/types').Choice} Choice
 */

/**
 * A plug-in that loads the consent server's script. Where the tag stands in the HTML it is not needed.
 * @param {import('./index.js').Where} where
 */
export function createConsent(where) {
  return {
    install() {
      loadConsent(where).catch(console.warn);
    },
  };
}

/**
 * Whether a category is allowed; without one the answer, or null while there is none.
 * @overload
 * @param {import('vue').MaybeRefOrGetter<Category | 'necessary'>} category
 * @returns {import('vue').ComputedRef<boolean>}
 */
/**
 * @overload
 * @returns {import('vue').ComputedRef<Readonly<Choice> | null>}
 */
/** @param {import('vue').MaybeRefOrGetter<Category | 'necessary'>} [category] */
export function useConsent(category) {
  /** What is known, anew at each change: nothing before it is mounted. */
  const known = shallowRef({ answer: /** @type {Readonly<Choice> | null} */ (null), mounted: false });
  const update = () => {
    known.value = { answer: choice(), mounted: true };
  };
  let stop = () => {};
  const begin = () => void ((stop = subscribe(update)), update());
  const scope = getCurrentScope();
  if (scope && scope === /** @type {any} */ (getCurrentInstance())?.scope) onMounted(begin), onUnmounted(() => stop());
  else if (globalThis.document) begin(), scope && onScopeDispose(() => stop()); // in a store, say: for as long as that
  return computed(() => {
    const { answer, mounted } = known.value;
    const asked = toValue(category);
    return asked ? asked == 'necessary' || mounted && allows(asked) : answer;
  });
}

/** Draws its slot while the category is allowed, else the slot `fallback`. */
export const Gated = defineComponent({
  props: { category: { type: /** @type {import('vue').PropType<Category | 'necessary'>} */ (String), required: true } },
  setup(props, { slots }) {
    const allowed = useConsent(() => props.category);
    return () => (allowed.value ? slots.default : slots.fallback)?.();
  },
});
