// Between the server and the scripts, and among the scripts; what a shop may use is in ../consent.d.ts.

import type { Category, Choice, Consent } from '../consent.js';

export type { Category, Choice, Consent };

/** How an answer was given; `script` is a call of `consent.decide`, `signal` was Global Privacy Control before it stopped to answer. */
export type How = 'accept' | 'refuse' | 'save' | 'preferences' | 'signal' | 'script';

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
  interface Window {
    trustedTypes?: { createPolicy?(name: string, rules: object): Policy };
    dataLayer?: unknown[];
    uetq?: unknown[] | { push(...items: unknown[]): unknown };
    _paq?: { push(item: unknown[]): unknown };
    clarity?: Stub;
    fbq?: Stub;
  }
  interface Document {
    readonly prerendering?: boolean;
  }
  interface Navigator {
    readonly globalPrivacyControl?: boolean;
  }
}

export type Stub = ((...args: unknown[]) => void) & { q?: unknown[]; queue?: unknown[]; callMethod?: unknown };
export type Policy = { createScript(text: string): string; createScriptURL(url: string): string };

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

/** Says a day, in milliseconds or as 2025-12-20, with what more is wanted of the moment, and until when. */
export type DateInWords = (moment: number | string, more?: Intl.DateTimeFormatOptions, until?: number | string) => string;

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

/** What a token says of an answer, as far as the page has to know; times in seconds. */
export interface Answer {
  site: string;
  allow: Category[];
  rev: number;
  at: number;
  exp: number;
  /** Name of the decision, where something is allowed. */
  jti?: string;
}

/** A decision as it waits. A refusal has no id, and its time is the hour: nothing in it tells one shopper from another. */
export interface Pending extends Answer {
  id?: string;
  notice: string;
  lang: string;
  variant: string;
  how: How;
  previous?: string;
  /** In a token: whose it is. */
  sub?: string;
  /** How often the server has refused it. */
  tries?: number;
  /** When it is offered again, in seconds. */
  next?: number;
}

/** What a value of the cookie says. */
export interface State {
  value: string;
  /** Decisions that wait, the oldest first. */
  unsent: Pending[];
  /** The newest decision, and its name: that of all refusals is empty. */
  last?: Pending;
  id?: string;
  /** When that was given, in seconds: the latest time that may be. */
  moment: number;
}

/** How a page is left for itself; once release.js is here. */
export interface Leaving {
  /**
   * Hears of who leaves, before a marked script does that wanted to later. `on`: in Firefox too, which then keeps no page to go
   * back to. Else as before, where `document.open()` has taken that away.
   */
  watch(on?: boolean): void;
  /** Has the page tell other hosts nothing more, until all that was allowed `before` is so again, or it stays: then any of it does. */
  quiet(before: Category[]): void;
  /**
   * Comes to this page anew, by GET: a reload would send a form again whose answer the page is. Ends where the page stays, as
   * it answers no GET, or the shopper was asked. `tell` gets the address when it is on its way.
   */
  leave(before: Category[], tell?: (href: string) => void): Promise<void>;
}

export interface Memory extends Partial<Leaving> {
  /** A category of which a pattern let through what runs, or is sent; or a host and path of such that waited. */
  [met: string]: any;
  /** By what the server is to know again the refusal that this page has made. */
  id?: string;
  /** The post of a decision that this page has made. */
  sent?: { first: Pending; response: Promise<Response | void> };
  /** What ends when the server has taken all, or cannot. */
  sending?: Promise<void>;
  /** All cookies, before this page wrote its first. */
  jar?: string;
  /** The browser does not keep the cookie. */
  deaf?: boolean;
  /** What the shopper lets in without an answer, whatever a pattern says of its address. */
  once?: WeakSet<Element>;
  /** The elements that got a tracker's address, as long as they are somewhere. */
  passed?: WeakRef<Element>[];
  /** The page's sockets, likewise. */
  sockets?: WeakRef<any>[];
  /** The page ends by a withdrawal: other hosts hear nothing more. */
  hushed?: boolean;
  /** Whether it ends this very moment. */
  ending?: boolean;
  /** By whichever way a script knows, nothing is sent elsewhere at that moment. */
  silent?: boolean;
  /** Comes once more to a page that was kept by the browser, and is shown again. */
  again?(): void;
  /** Calls off what waits for its end. */
  later?: AbortController;
  /** What a withdrawal does where the layer did not load that would do it better. */
  withdraw?(ran?: boolean, before?: Category[]): unknown;
  /** Tokens of answers that were taken back in this tab, with blanks between. */
  withdrawn?: string;
  /** Whether a marked script has still to run, and may; once release.js is here. */
  waits?(marked: HTMLScriptElement): boolean;
  /** Whether what is taken back now was on without an answer. */
  objected?: boolean;
  /** What watches the page, and who looks at each change that it sees. */
  tree?: { observer: MutationObserver; looks: ((record: MutationRecord) => void)[] };
}

/** What the gate hands to the details: all that it has, so that a page fetches nothing twice. */
export interface Gate extends Pick<typeof import('./cookie.js'), 'memory' | 'parse' | 'post' | 'write'> {
  /** See protocol.js. */
  protocol: number;
  consent: Consent;
  /** What the page knows of the cookie. */
  getState(): State;
  /** Reads the cookie, and has the page agree with it if it is news. */
  follow(): void;
  settings: SiteConfig;
  /** Address of the site on the consent server, with a slash at its end. */
  server: string;
  /** The one element of ours in the page. */
  theHost(): HTMLElement;
  addStyle(css: string): void;
  newElement: typeof import('./banner.js').element;
  /** @param lang in which it was asked; without it, the banner's, or the page's now */
  decide(allow: Category[], how: How, lang?: string): void;
  /** Makes the page agree with the cookie. */
  agree(): void;
  /** What the document says, whatever the page has named so. */
  doc: Document;
  /** Our own tag. */
  script: HTMLScriptElement;
  whenIdle: typeof import('./layers.js').whenIdle;
  loadLayer<Name extends keyof Layers>(name: Name, lang?: string): Promise<Layers[Name]>;
  /** The rule that counts here, and what ends when that is settled: of shops with rules by place. */
  rule(): Rule;
  place(): Promise<void>;
}

/** What each script hands back that is fetched when it is wanted, by its name. */
export interface Layers {
  release: Release;
  details: Details;
  mine: Mine;
  proof: Proof;
  withdraw: Withdraw;
  delivery: Delivery;
  list: void;
}

/** What shows that an answer is held as it was given. */
export interface Proof {
  /**
   * Fills a window with the receipt, to read and to print; where the browser opens none, the receipt is downloaded.
   * `said`: what was answered, and until when it holds.
   */
  print(view: Window | null, held: any, said: string, button: (word: string, onclick: () => void) => HTMLElement): void;
  /** Says where the answer of a token is, at the end of `how`, and in `state` if that does not fit. */
  find(told: {
    me(path: string): Promise<any>;
    token: string;
    date: DateInWords;
    how: HTMLElement;
    state: HTMLElement;
  }): Promise<void>;
}

/** What is handed back by what releases. */
export interface Release {
  /**
   * Releases what the answer allows, and takes back what it does not; returns whether a script was among that.
   * `answered`: whether there is an answer that was not there before.
   */
  agree(answered?: boolean): Promise<boolean>;
  /** Gives an element the address that a pattern held; a script only if the page's policy would have run it; `brought`: as the parser brought it. */
  letRun(element: Element, name: string, address: string, brought?: unknown): void;
}

/** What a withdrawal needs, and a page with traces of what is not allowed. */
export interface Withdraw {
  /**
   * Takes back what a pattern let through, removes the traces, comes to the page anew if a script has run, and says so.
   * `before`: what was allowed before the answer that took something back.
   */
  withdraw(ran?: boolean, before?: Category[]): Promise<void>;
  /** Removes the traces, and says so; also what the page before this one removed. */
  tidy(): Promise<void>;
}

/** What the details hand back. */
export interface Details {
  /** What a page with something unfinished needs: an undecided shopper, an unsent decision, traces of what was refused. */
  arrive(undecided: boolean): void;
  open(): void;
  /** Draws what stands in a held frame; returns what draws it anew. */
  place(frame: HTMLIFrameElement, releaseOnce: () => void): () => unknown;
}

/** What the delivery hands back. */
export interface Delivery {
  /**
   * Sends the decisions, oldest first. What the server cannot take now stays in the cookie for the next page.
   * `found`: whether this page found them waiting.
   */
  deliver(found?: boolean): Promise<void>;
  /** Leaves no answer in the browser. */
  forget(): void;
  /** Tokens of answers that were taken back in this tab: what names whose they were. */
  withdrawn(): string[];
}

/** What *My choices* hand back. */
export interface Mine {
  /** Shows them, with what the details have for that. */
  show(details: {
    /** Where they are shown. */
    mine: HTMLElement;
    /** Tells the shopper when it fails. */
    attempt(act: () => Promise<unknown>): () => Promise<void>;
    button(word: string, onclick: () => void): HTMLElement;
    /** The day of a moment in milliseconds, and more as the options say. */
    date: DateInWords;
    /** The categories' names in the shopper's language. */
    list(allowed: readonly string[]): string;
    decide(allow: Category[], how: 'refuse'): void;
  }): Promise<void>;
  receipt(): Promise<Record<string, unknown>>;
}
