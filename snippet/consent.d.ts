// What a shop's own scripts may use: `window.consent`, its queue and its events. It stands alone: the package has it, and
// every consent server serves it at /v1/consent.d.ts, to be put into a TypeScript project.

/** What is asked. `necessary` is not: it is always on. */
export type Category = 'functional' | 'analytics' | 'marketing';

/** An answer to everything that is asked. */
export type Choice = Record<Category, boolean>;

/** `window.consent`. It is there once the script has run; what may come before that goes by the queue. */
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
  /** `gpc` while the browser sends Global Privacy Control and the shop heeds it: marketing is denied unless the shopper allowed it. */
  readonly signal: 'gpc' | null;
  /** The shopper's receipt (JSON-LD), fetched from the server. Rejects while there is no token. */
  receipt(): Promise<Record<string, unknown>>;
}

declare global {
  interface Window {
    consent: Consent;
    /** Calls, one at a time, that may come before the script: `(window.consentQueue ||= []).push((consent) => …)`. */
    // With the rest that an array's push has: else the empty one of that idiom would not do.
    consentQueue?: { push(...calls: ((consent: Consent) => void)[]): unknown };
  }
  interface DocumentEventMap {
    /** Once, when `window.consent` is there; `detail` is `consent.choice`. */
    consentready: CustomEvent<Choice | null>;
    /** At each decision, and when another tab decided. */
    consentchange: CustomEvent<Choice | null>;
  }
}
