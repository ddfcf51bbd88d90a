/**
 * Rules by place: which one applies here, and what it lets run before an answer. Only shops that have rules get this.
 *
 * The place is what our tag says in `data-place`, or what the server says, which is asked once a page and by few of them.
 * Until it is known, and where it stays unknown, the strictest rule counts: what is off anywhere is off, and nothing runs
 * before a yes.
 */
import { base, config, inTime, notices, script, signal, variant } from './site.js';

/**
 * @typedef {import('./types').Category} Category
 * @typedef {import('./settings').Rule} Rule
 */

/** Milliseconds in which the server has to say where the shopper is. */
const PATIENCE = 3000;

/** Of a place that has none: everything is asked for. @type {Rule} */
const ELSEWHERE = { name: '', where: [], objection: [], off: [], ways: [] };
const rules = config.rules ?? [];
const strictest = rules.find(({ name }) => name == 'unknown') ?? ELSEWHERE;

/** The rule that counts here. */
export let rule = strictest;
/** Whether that is settled. */
export let known = false;

/** What is on without an answer. @type {Category[]} */
export let unobjected = [];
/** @returns {Category[]} what is on without an answer: no marketing while the browser objects to it by itself */
export const presumed = () => unobjected.filter((category) => category != 'marketing' || !signal());

/** What the first layer says in a place without a rule. */
const plain = structuredClone(notices);
const way = config.ways.findIndex((each) => each.variant == variant);

/** @param {Rule} next */
const take = (next) => {
  rule = next;
  for (const lang of Object.keys(plain)) Object.assign(notices[lang], plain[lang], rule.ways[way]?.[lang]);
};

/** @param {string} place a country (ISO 3166-1), or a part of one (ISO 3166-2) @returns {Rule} as site/rules.py picks it */
const ruleAt = (place) => {
  const code = place.trim().toUpperCase().replace(/-$/, '').replace(/^UK(?=-|$)/, 'GB');
  const [, country] = /^(?!AA|AP|[EU][NU]|Q[M-Z]|X[^K]|ZZ)([A-Z]{2})(-[A-Z0-9]{1,3})?$/.exec(code) ?? [];
  /** @param {(where: string) => boolean} is */
  const find = (is) => rules.find(({ where }) => where.some(is));
  return !country ? strictest
    : find((where) => where == code) ?? find((where) => where == country)
      // Of a country with rules for parts of it, the country alone does not say enough.
      ?? (code == country && find((where) => where.startsWith(country + '-')) ? strictest : ELSEWHERE);
};

const { place: said } = script.dataset;
known = said != null;
take(said != null ? ruleAt(said) : strictest);

/** @type {Promise<void> | undefined} */
let asked;
/** @returns {Promise<void>} kept once it is settled which rule counts here */
export const place = async () => {
  if (known) return;
  await (asked ??= inTime(window.fetch(base + 'place').then((response) => response.json()), PATIENCE).then(({ rule: name }) => take(name === '' ? ELSEWHERE : rules.find((each) => each.name == name) ?? strictest)).catch(() => {}));
  known = true;
};

/** @returns {boolean} whether the place decides about something that an answer allows */
export const matters = (/** @type {Category[]} */ allowed) => allowed.some((category) => strictest.off.includes(category));

/** @param {readonly Category[]} categories @returns {Category[]} those that are not off here */
export const offered = (categories) => categories.filter((category) => !rule.off.includes(category));

/**
 * Lets run what is on until somebody objects: but nothing of which an answer that has run out was a no, and nothing where no
 * answer would be kept.
 * @param {{ allow: Category[] } | undefined} last the answer that does not hold any more
 */
export const presume = (last) => {
  unobjected = rule.objection.filter((category) => window.navigator.cookieEnabled && (last?.allow.includes(category) ?? true));
};

/** An answer counts, or none any more. */
export const stopPresuming = () => {
  unobjected = [];
};
