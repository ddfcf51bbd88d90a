// Among the scripts; what the server puts into them is in settings.d.ts, what a shop may use in ../consent.d.ts.

import type { Category, Choice, Consent } from '../consent.js';
import type { Rule, SiteConfig } from './settings';

export type { Category, Choice, Consent };

/** How an answer was given; `script` is a call of `consent.decide`, `signal` was Global Privacy Control before it stopped to answer. */
export type How = 'accept' | 'refuse' | 'save' | 'preferences' | 'signal' | 'script';

declare global {
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

/** Says a day, in milliseconds or as 2025-12-20, with what more is wanted of the moment, and until when. */
export type DateInWords = (moment: number | string, more?: Intl.DateTimeFormatOptions, until?: number | string) => string;

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
