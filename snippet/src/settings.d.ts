// What the server puts into each script, in place of a name: consent_server/banner/ makes it.

import type { Category, Choice } from '../consent.js';

declare global {
  const __SITE__: SiteConfig;
  /** Whether the build is for shops with rules by place. */
  const __RULES__: boolean;
  const __DETAILS__: DetailsConfig;
  const __MINE__: MineConfig;
  const __PROOF__: ProofConfig;
  const __WITHDRAW__: WithdrawConfig;
  const __LIST__: ListConfig;
  const __WATCHING__: WatchingConfig;
  /** The bridges that the shop names, by the vendor: code, which the server puts in. */
  const __BRIDGES__: Record<string, Bridge>;
  /** Origins where an address may answer. */
  const __TESTING__: string[];
  const __WATCH__: WatchConfig;
  const __ACCOUNT__: AccountConfig;
}

/**
 * Tells a vendor: each category as the word granted or denied, and the answer, or that there is none yet; then also what
 * holds and is told next, and the newest answer, whether or not it has ended.
 */
export type Bridge = (
  words: Record<string, string>, choice: Choice | null, options?: unknown, allowed?: readonly Category[], last?: object,
) => any;

/** In place of __SITE__ in consent.js. */
export interface SiteConfig {
  site: string;
  /** The revision asked; an answer to an older one is asked again. */
  revision: number;
  /** Seconds that an answer holds. */
  keep: number;
  /** Address of the privacy policy. */
  policy: string;
  /** Name of the cookie. */
  cookie: 'consent' | '__Host-consent';
  /** Parent domain of the cookie, for consent shared between subdomains; or nothing. */
  domain: string;
  /** 1 if Global Privacy Control is heeded. */
  gpc: 0 | 1;
  /** Hash in the address of the layers: the details and *My choices*. */
  layers: string;
  /** The shop's layout and theme: what differs from banner.css. */
  css: string;
  /** What the names of each category's cookies and entries begin with, which are removed while it is not allowed. */
  clear: string[][];
  /** Ways of asking: one, or the variants on trial. */
  ways: Way[];
  /** Each vendor that is told, and what else it has to be told. */
  vendors?: Record<string, any>;
  /** What the host and path of unmarked trackers match: a regular expression a category, or for several with `|` between. */
  trackers?: Address<string>[];
  /** Rules by place; the last is that of a place which nobody knows, where it differs from asking for everything. */
  rules?: Rule[];
}

/** What is asked in some places. */
export interface Rule {
  /** In notice, receipt and rates; nothing in a place that has none. */
  name: string;
  /** ISO 3166-1 and 3166-2. */
  where: string[];
  /** On until somebody objects. */
  objection: Category[];
  /** Never set, and not offered. */
  off: Category[];
  /** What the first layer says in each language that it does not say elsewhere, by place in the list, by way of asking. */
  ways: Record<string, Record<string, string>>[];
}

/** A regular expression of hosts and paths, and what they are for. */
export interface Address<Of = Category> {
  match: string;
  category: Of;
}

/** A way of asking, taken where the draw is below its share and above that of the one before. */
export interface Way {
  below: number;
  variant: string;
  layout: string;
  notices: Record<string, FirstLayer>;
}

/** What is asked in a language: the hash of the exact words and cookie list, then the words of the first layer as layers.json has them. */
export type FirstLayer = [hash: string, title: string, text: string, accept: string, refuse: string, choose: string, policy: string, unloaded: string];

export type Words = typeof import('./words/en.json');

/** In place of __DETAILS__ in details.js. */
export interface DetailsConfig {
  lang: string;
  /** By whose rules dates are written. */
  dates: string | string[];
  /** What stands between the words of a list. */
  comma: string;
  words: Words;
  cookies: Record<Category | 'necessary', Cookie[]>;
  /** How long an answer holds, and where data goes. */
  facts: string;
  /** Date of the privacy policy. */
  updated: string;
  /** What is new since the last revision. */
  changed: string | null;
  /** Who is asked at an address, by what its host and path match. */
  providers: { match: string; name: string }[];
}

/** In place of __WITHDRAW__ in withdraw.js. */
export interface WithdrawConfig {
  lang: string;
  words: Words;
  /** Cookie and storage names of each category, `*` for anything; after a comma the place that they are meant in (clear.js). */
  names: Record<Category | 'necessary', string[]>;
}

/** In place of __ACCOUNT__ in account.js. */
export interface AccountConfig {
  /** Its name. */
  cookie: string;
  domain: string;
  /** Seconds that an answer holds. */
  keep: number;
}

/** In place of __LIST__ in list.js. */
export interface ListConfig {
  lang: string;
  dates: string | string[];
  /** What stands between the words of a list. */
  comma: string;
  words: Words;
  /** How long an answer holds, where data goes, and the date of the list. */
  facts: string[];
  /** What the columns say. */
  head: string[];
  /** Of each category that has cookies. */
  tables: { caption: string; rows: string[][]; category?: Category | 'necessary' }[];
  /** Of the buttons' corners, as the theme has it. */
  radius: string;
}

/** In place of __WATCHING__ in watching.js. */
export interface WatchingConfig {
  /** The share of page views that report, up to 1. */
  share: number;
  /** Where the site is on a consent server of the shop's own host. */
  path: string;
  /** The name of watch.js, with its hash. */
  layer: string;
}

/** In place of __WATCH__ in watch.js. */
export interface WatchConfig {
  /** Name of the answer's cookie. */
  cookie: string;
  /** Cookie and storage names of each category, `*` for anything; after a comma the place that they are meant in (clear.js). */
  names: Record<Category | 'necessary', string[]>;
  /** What the host and path of known third parties match: trackers first, whole hosts of services last; no category allows `''`. */
  addresses: Address<Category | 'necessary' | ''>[][];
  /** Hosts of the shop; all below them are the shop's too. */
  domains: string[];
}

/** In place of __MINE__ in mine.js: whom to write to, and where to complain. */
export interface MineConfig {
  words: Words;
  contact: string | null;
  authority: { name: string; url: string } | null;
}

/** In place of __PROOF__ in proof.js. */
export interface ProofConfig {
  words: Words;
}

export type Cookie = Record<'name' | 'provider' | 'purpose' | 'life', string> & { country?: string };
