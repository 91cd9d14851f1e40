/** Types of client.js: Nightlatch's JSON API for browsers. */

export class NightlatchError extends Error {
  readonly status: number;
  /** For programs: `invalid_credentials`, `throttled`, `reauthenticate` ... (docs/errors.md). */
  readonly code: string;
  /** What is wrong with each field, for people. */
  readonly fields: Readonly<Record<string, string>>;
  /** Of `reauthenticate`: the attempt to begin. */
  readonly begin: { url: string; body: Record<string, unknown> } | null;
  /** Seconds. */
  readonly retryAfter: number | null;
  readonly problem: Readonly<Record<string, unknown>>;
}

export interface User { id: string; email: string | null; username: string | null; name: string | null; roles: string[] }
export interface Session { id: string; aal: number; amr: string[]; [more: string]: unknown }

/** What would help now; hand it back with the answer. */
export interface More {
  status: "more";
  attempt: string;
  purpose?: string;
  authenticators: string[];
  enrol: string[];
  set?: string[];
  expires_at: string;
  options?: PublicKeyCredentialRequestOptionsJSON;
  phones?: { id: string; name: string | null; number: string }[];
  recovery_codes?: string[];
}

/** Done. Without `session` nobody is signed in by it. */
export interface Complete {
  status: "complete";
  user: User;
  session: Session | null;
  return_to: string | null;
  recovery_codes?: string[];
  new_recovery_codes?: string[];
  [more: string]: unknown;
}

export type Step = More | Complete;

export interface Tokens { accessToken: string; refreshToken?: string; /** Milliseconds since 1970. */ until: number }

/** Where tokens are kept; several tabs may share one. */
export interface TokenStore {
  get(): Tokens | null | Promise<Tokens | null>;
  set(tokens: Tokens | null): void | Promise<void>;
}

export interface Options {
  base?: string | URL;
  deliver?: "cookie" | "tokens";
  tokens?: TokenStore;
  stepUp?: (problem: NightlatchError) => boolean | Promise<boolean>;
  fetch?: typeof globalThis.fetch;
}

export type Proof = { rememberDevice?: boolean } & ({ code: string } | { password: string } | { credential: unknown });

export interface Authenticator {
  id: string;
  kind: string;
  name: string | null;
  created_at: string;
  last_used_at: string | null;
}

export function hasPasskeys(): boolean;
export function made(options: unknown): Promise<unknown>;
export function used(options: unknown, how?: { conditional?: boolean; signal?: AbortSignal }): Promise<unknown>;

export class Nightlatch {
  constructor(options?: Options);

  signUp(who?: {
    email?: string; username?: string; name?: string; password?: string; returnTo?: string;
  }): Promise<Step>;
  signIn(who?: { identifier?: string; password?: string; returnTo?: string }): Promise<Step>;
  recover(who: { identifier: string; returnTo?: string }): Promise<More>;
  reauthenticate(how?: { aal?: number; phishingResistant?: boolean; returnTo?: string }): Promise<More>;
  send(step: More, authenticator: "email_code" | "sms_code" | "passkey", which?: { id?: string }): Promise<More>;
  prove(step: More, authenticator: string, proof: Proof): Promise<Step>;
  setPassword(step: More, chosen: { newPassword: string; username?: string; name?: string }): Promise<Step>;
  openLink(link: string, step?: More): Promise<Step>;

  /** null: `conditional` was asked for, and this browser cannot. */
  signInWithPasskey(how?: { conditional?: boolean; signal?: AbortSignal; returnTo?: string }): Promise<Step | null>;
  usePasskey(step: More, how?: { signal?: AbortSignal; rememberDevice?: boolean }): Promise<Step>;
  makePasskey(what?: { name?: string; step?: More }): Promise<Step>;

  beginApp(what?: { name?: string; step?: More }): Promise<{ id: string; secret: string; uri: string; qr: string }>;
  confirmApp(proposal: { id: string }, code: string, where?: { step?: More }): Promise<Step>;
  beginPhone(what: {
    number: string; name?: string; step?: More;
  }): Promise<{ id: string; number: string; expires_at: string }>;
  confirmPhone(proposal: { id: string }, code: string, where?: { step?: More }): Promise<Step>;
  authenticators(): Promise<{ authenticators: Authenticator[]; recovery_codes_left: number }>;
  renameAuthenticator(id: string, name: string | null): Promise<Authenticator>;
  removeAuthenticator(id: string): Promise<Step>;
  newRecoveryCodes(): Promise<{ recovery_codes: string[] }>;

  session(): Promise<{ user: User; session: Session } | null>;
  signOut(): Promise<void>;
  sessions(): Promise<{ sessions: Record<string, unknown>[] }>;
  endSession(id: string): Promise<null>;
  endOtherSessions(): Promise<unknown>;
  account(): Promise<Record<string, unknown>>;
  changeAccount(changes: { name?: string | null; username?: string }): Promise<Record<string, unknown>>;
  changePassword(passwords: { currentPassword: string; newPassword: string }): Promise<Step>;

  accessToken(): Promise<string | null>;
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
}
