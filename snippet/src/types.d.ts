// What a shop's own scripts may use, then what the server fills in. Copy this file into a TypeScript project to get
// `window.consent` with its types.

/** What is asked. `necessary` is not: it is always on. */
export type Category = 'functional' | 'analytics' | 'marketing';

/** An answer to everything that is asked. */
export type Choice = Record<Category, boolean>;

/** How an answer was given; `signal` is Global Privacy Control, `script` a call of `consent.decide`. */
export type How = 'accept' | 'refuse' | 'save' | 'preferences' | 'signal' | 'script';

export interface Consent {
  /** Whether the category may run now; always true for `necessary`, false for anything unknown. */
  allows(category: Category | 'necessary'): boolean;
  /** The answer, or null while the shopper has not decided (or the answer has expired). */
  readonly choice: Readonly<Choice> | null;
  /** Resolves once the category is allowed, and never before. */
  when(category: Category | 'necessary'): Promise<void>;
  /** Opens the preferences; resolves when they are shown. */
  open(): Promise<void>;
  /** Decides for the shopper, who must have asked for it. A category left out keeps its present answer, or is refused. */
  decide(choice: Partial<Choice>): void;
  /** The signed token, or null while there is none (undecided, or not delivered yet). */
  readonly token: string | null;
  /** The shopper's receipt (JSON-LD), fetched from the server. Rejects while there is no token. */
  receipt(): Promise<Record<string, unknown>>;
}

declare global {
  interface Window {
    consent: Consent;
    /** Calls made before the script is there: `(window.consentQueue ||= []).push(consent => …)`. */
    consentQueue?: { push(call: (consent: Consent) => void): unknown };
    trustedTypes?: { createPolicy(name: string, rules: object): Policy };
    dataLayer?: unknown[];
    uetq?: unknown[] | { push(...items: unknown[]): unknown };
    _paq?: { push(item: unknown[]): unknown };
    clarity?: Stub;
    fbq?: Stub;
  }
  interface Document {
    readonly prerendering?: boolean;
  }
  interface DocumentEventMap {
    /** Once, when `window.consent` is there; `detail` is `consent.choice`. */
    consentready: CustomEvent<Choice | null>;
    /** At each decision, and when another tab decided. */
    consentchange: CustomEvent<Choice | null>;
  }
  interface Navigator {
    readonly globalPrivacyControl?: boolean;
  }
}

// ---- Between the server and the scripts: not for shops ----

type Stub = ((...args: unknown[]) => void) & { q?: unknown[]; queue?: unknown[]; callMethod?: unknown };
type Policy = { createScript(text: string): string; createScriptURL(url: string): string };

/** In place of "__SITE__" in consent.js. The server leaves out what is empty. */
export interface SiteConfig {
  site: string;
  /** The revision asked; an answer to an older one is asked again. */
  rev: number;
  /** Seconds that an answer holds. */
  keep: number;
  /** Parent domain of the cookie, for consent shared between subdomains. */
  domain?: string | null;
  /** Whether Global Privacy Control refuses. */
  gpc?: boolean;
  /** Address of the privacy policy. */
  policy: string;
  layout?: 'bar' | 'box' | 'centre';
  /** The shop's theme, as CSS that sets other custom properties than banner.css. */
  css?: string;
  vendors?: Vendors;
  /** Patterns of unmarked trackers, each with its category. */
  trackers?: [pattern: string, category: Category][];
  /** Cookie and storage names of a category, `*` for anything: removed while it is not allowed. */
  clear?: Partial<Record<Category, string[]>>;
  /** Ways of asking on trial, each with the share of draws below which it is taken: [['a', 0.5], ['b', 1]]. */
  variants?: [name: string, share: number, layout?: string][];
  langs: Record<string, LanguageConfig>;
}

export interface Vendors {
  google?: { mode?: 'basic' | 'advanced'; wait?: number; region?: string[]; redact?: boolean; passthrough?: boolean };
  microsoft?: { uet?: boolean; clarity?: boolean };
  meta?: object;
  matomo?: { mode?: 'full' | 'cookie' };
}

export interface LanguageConfig {
  /** Hash of the exact words and cookie list: one a variant, or one for all. */
  notice: string[];
  /** Hash in the address of the details. */
  details: string;
  words: Words;
  /** What a variant says differently. */
  variants?: Words[];
}

export type Words = Record<string, string>;

/** In place of "__DETAILS__" in details.js. */
export interface DetailsConfig {
  lang: string;
  words: Words;
  cookies: Partial<Record<Category | 'necessary', Cookie[]>>;
  policy_updated?: string;
  name: string;
  contact?: string | null;
  authority?: { name: string; url?: string } | null;
}

export interface Cookie {
  name: string;
  provider: string;
  purpose: string;
  life: string;
}

/** What the gate hands to the details: all that it has, so that a page fetches nothing twice. */
export interface Gate extends Pick<typeof import('./cookie.js'), 'memory' | 'pending' | 'post' | 'store'> {
  consent: Consent;
  config: SiteConfig;
  /** Address of the site on the consent server, with a slash at its end. */
  base: string;
  /** Which way of asking this page takes. */
  variant: string;
  /** The one element of ours in the page. */
  host(): HTMLElement;
  addStyle(css: string): void;
  element: typeof import('./banner.js').element;
  decide(allow: Category[], how: How): void;
  /** Makes the page agree with the cookie. */
  apply(): void;
  /** Lets a held element run, if it may. */
  release(element: Element): void;
}

/** What the details hand back. */
export interface Details {
  /** What a page with something unfinished needs: an undecided shopper, an unsent decision, traces of what was refused. */
  arrive(undecided: boolean): void;
  /** Takes back what was released and is not allowed any more, removes its traces, and says so. */
  withdraw(released: Set<Element>): void;
  deliver(): Promise<void>;
  open(): void;
  /** Draws what stands in a held frame. */
  place(frame: HTMLIFrameElement): void;
  receipt(): Promise<Record<string, unknown>>;
}

/** The script element of the details carries what it brings. */
export interface DetailsScript extends HTMLScriptElement {
  details?: (gate: Gate) => Details;
}
