// Nightlatch's JSON API for browsers, in one module without dependencies: sign up, sign in by every means, passkeys,
// recovery, account, and a fetch that stays signed in. Types: client.d.ts. Served as `static/client.js` below the mount.
//
// Nothing is kept in localStorage: what a script can read there, any injected script can carry away. A cookie session
// needs nothing kept; tokens live in this object's memory unless you hand over a store of your own.

/** A refusal of the API (RFC 9457). `code` is for programs, `message` for people. */
export class NightlatchError extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? "That did not work.");
    this.name = "NightlatchError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.fields = problem.errors ?? {};
    this.begin = problem.begin ?? null;
    this.retryAfter = retryAfter;
    this.problem = problem;
  }
}

const MARGIN = 30; // seconds before its end at which a token is renewed
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** Whether this browser has passkeys at all. */
export const hasPasskeys = () => Boolean(globalThis.PublicKeyCredential && navigator.credentials);

/** Tokens in memory, for one page. */
class Memory {
  #kept = null;
  get = () => this.#kept;
  set = (tokens) => { this.#kept = tokens; };
}

export class Nightlatch {
  #base;
  #deliver;
  #fetch;
  #tokens;
  #refreshing = null;
  #stepUp;

  /**
   * @param {object} [options] `base`: where Nightlatch is mounted; `deliver`: "cookie" or "tokens"; `tokens`: a store
   *   with `get` and `set`, for what is to outlive the page; `stepUp`: called with a problem that asks for fresh
   *   proof, resolves true once it was given; `fetch`: in place of the browser's.
   */
  constructor({ base = new URL("..", import.meta.url), deliver = "cookie", tokens = new Memory(), stepUp, fetch } = {}) {
    this.#base = new URL("api/", new URL(String(base).replace(/\/?$/, "/"), globalThis.location?.href));
    this.#deliver = deliver;
    this.#tokens = tokens;
    this.#stepUp = stepUp;
    this.#fetch = fetch ?? globalThis.fetch.bind(globalThis);
  }

  // --- attempts: each step tells what would help (`authenticators`, `set`, `enrol`); hand the step back -------------

  signUp({ email, username, name, password, returnTo } = {}) {
    return this.#step("POST", "sign-up", { email, username, name, password, return_to: returnTo, ...this.#delivery() });
  }

  signIn({ identifier, password, returnTo } = {}) {
    return this.#step("POST", "sign-in", { identifier, password, return_to: returnTo, ...this.#delivery() });
  }

  recover({ identifier, returnTo } = {}) {
    return this.#step("POST", "recover", { identifier, return_to: returnTo });
  }

  reauthenticate({ aal, phishingResistant, returnTo } = {}) {
    const body = { aal, phishing_resistant: phishingResistant, return_to: returnTo };
    return this.#step("POST", "reauthenticate", body, { signedIn: true });
  }

  /** Send the code of an authenticator (again): `email_code`, or `sms_code` to the phone with this id. */
  send(step, authenticator, { id } = {}) {
    return this.#step("POST", "attempt/begin", { attempt: step.attempt, authenticator, id });
  }

  /** Prove something: `{code}`, `{password}` or `{credential}`. */
  prove(step, authenticator, proof) {
    const { rememberDevice, ...rest } = proof;
    const body = { attempt: step.attempt, authenticator, ...rest, remember_device: rememberDevice };
    return this.#step("POST", "attempt/answer", body, { signedIn: step.purpose === "reauthenticate" });
  }

  setPassword(step, { newPassword, username, name }) {
    return this.#step("POST", "attempt/answer", { attempt: step.attempt, new_password: newPassword, username, name });
  }

  openLink(link, step) {
    return this.#step("POST", "attempt/link", { link, attempt: step?.attempt });
  }

  // --- passkeys -----------------------------------------------------------------------------------------------------

  /**
   * Sign in by a passkey alone. With `conditional` the browser offers them where a name is typed
   * (`autocomplete="username webauthn"`), and this resolves once one was chosen.
   */
  async signInWithPasskey({ conditional = false, signal, returnTo } = {}) {
    if (conditional && !(await globalThis.PublicKeyCredential?.isConditionalMediationAvailable?.())) return null;
    const step = await this.signIn({ returnTo });
    return this.prove(step, "passkey", { credential: await used(step.options, { conditional, signal }) });
  }

  /** Answer a step that waits for a passkey. */
  async usePasskey(step, { signal, rememberDevice } = {}) {
    const asked = step.options ? step : await this.send(step, "passkey");
    const credential = await used(asked.options, { signal });
    return this.prove({ ...step, attempt: asked.attempt }, "passkey", { credential, rememberDevice });
  }

  /** Make one: for who is signed in, or for a step whose `enrol` has it. Resolves with the recovery codes, if new. */
  async makePasskey({ name, step } = {}) {
    const how = { signedIn: !step };
    const proposal = await this.#call("POST", "authenticators/passkey", { name, attempt: step?.attempt }, how);
    const body = { id: proposal.id, attempt: step?.attempt, credential: await made(proposal.options) };
    return this.#step("POST", "authenticators/passkey/confirm", body, how);
  }

  // --- other authenticators -----------------------------------------------------------------------------------------

  beginApp({ name, step } = {}) {
    return this.#call("POST", "authenticators/totp", { name, attempt: step?.attempt }, { signedIn: !step });
  }

  confirmApp(proposal, code, { step } = {}) {
    const body = { id: proposal.id, code, attempt: step?.attempt };
    return this.#step("POST", "authenticators/totp/confirm", body, { signedIn: !step });
  }

  beginPhone({ number, name, step }) {
    return this.#call("POST", "authenticators/sms_code", { number, name, attempt: step?.attempt }, { signedIn: !step });
  }

  confirmPhone(proposal, code, { step } = {}) {
    const body = { id: proposal.id, code, attempt: step?.attempt };
    return this.#step("POST", "authenticators/sms_code/confirm", body, { signedIn: !step });
  }

  authenticators() { return this.#call("GET", "authenticators", undefined, { signedIn: true }); }
  renameAuthenticator(id, name) { return this.#call("PATCH", `authenticators/${id}`, { name }, { signedIn: true }); }
  removeAuthenticator(id) { return this.#step("DELETE", `authenticators/${id}`, undefined, { signedIn: true }); }
  newRecoveryCodes() { return this.#call("POST", "authenticators/recovery_code", undefined, { signedIn: true }); }

  // --- session and account ------------------------------------------------------------------------------------------

  /** Who is signed in, or null. */
  async session() {
    try {
      return await this.#call("GET", "session", undefined, { signedIn: true });
    } catch (error) {
      if (error.status === 401) return null;
      throw error;
    }
  }

  async signOut() {
    try {
      await this.#call("DELETE", "session", undefined, { signedIn: true });
    } catch (error) {
      if (error.status !== 401) throw error; // it had ended already
    }
    await this.#tokens.set(null);
  }

  sessions() { return this.#call("GET", "sessions", undefined, { signedIn: true }); }
  endSession(id) { return this.#call("DELETE", `sessions/${id}`, undefined, { signedIn: true }); }
  endOtherSessions() { return this.#call("DELETE", "sessions", undefined, { signedIn: true }); }
  account() { return this.#call("GET", "account", undefined, { signedIn: true }); }
  changeAccount(changes) { return this.#call("PATCH", "account", changes, { signedIn: true }); }

  changePassword({ currentPassword, newPassword }) {
    const body = { current_password: currentPassword, new_password: newPassword };
    return this.#step("PUT", "account/password", body, { signedIn: true });
  }

  // --- staying signed in --------------------------------------------------------------------------------------------

  /** An access token that is good for a while yet; null where nobody is signed in. */
  async accessToken() {
    const kept = await this.#tokens.get();
    if (kept && kept.until - MARGIN * 1000 > Date.now()) return kept.accessToken;
    return this.#refresh(kept);
  }

  /**
   * `fetch` for your own API: brings the access token, renews it once on 401, and where fresh proof is asked for lets
   * `stepUp` get it and asks again. Only for addresses that may see the token.
   */
  async fetch(input, init = {}) {
    const request = new Request(input, init);
    let accessToken = await this.accessToken();
    let response = await this.#send(request, accessToken);
    if (response.status === 401) {
      accessToken = await this.#refresh({ accessToken });
      response = await this.#send(request, accessToken);
    }
    if (response.status !== 403 || !this.#stepUp) return response;
    const problem = await problemOf(response.clone());
    if (problem?.code !== "reauthenticate") return response;
    const proven = await this.#stepUp(new NightlatchError(403, problem, null));
    return proven ? this.#send(request, await this.#refresh({ accessToken })) : response;
  }

  #send(request, token) {
    const again = request.clone();
    if (token) again.headers.set("Authorization", `Bearer ${token}`);
    return this.#fetch(again);
  }

  // One at a time in this page; across tabs that share a store under a lock, and whoever waited takes what is there.
  #refresh(spent) {
    this.#refreshing ??= this.#locked(async () => {
      const kept = await this.#tokens.get();
      if (kept && kept.accessToken !== spent?.accessToken && kept.until > Date.now()) return kept.accessToken;
      if (this.#deliver === "tokens" && !kept) return null;
      return this.#renewed(kept);
    }).finally(() => { this.#refreshing = null; });
    return this.#refreshing;
  }

  async #renewed(kept) {
    try {
      const tokens = await this.#call("POST", "token/refresh", { refresh_token: kept?.refreshToken });
      return await this.#keep(tokens, kept?.refreshToken);
    } catch (error) {
      if (error.status !== 401) throw error;
      await this.#tokens.set(null);
      return null;
    }
  }

  #locked(act) {
    return globalThis.navigator?.locks ? navigator.locks.request("nightlatch-refresh", act) : act();
  }

  async #keep(tokens, refreshToken) {
    const kept = {
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token ?? refreshToken,
      until: Date.now() + tokens.expires_in * 1000,
    };
    await this.#tokens.set(kept);
    return kept.accessToken;
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  #delivery() {
    return this.#deliver === "tokens" ? { deliver: "tokens" } : {};
  }

  async #step(method, path, body, how) {
    const step = await this.#call(method, path, body, how);
    if (step?.access_token) await this.#keep(step);
    return step;
  }

  async #call(method, path, body, { signedIn = false } = {}) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const token = signedIn && this.#deliver === "tokens" ? await this.accessToken() : null;
    if (token) headers.Authorization = `Bearer ${token}`;
    const response = await this.#fetch(new URL(path, this.#base), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: this.#deliver === "tokens" ? "omit" : "same-origin",
      cache: "no-store",
    });
    if (response.ok) return response.status === 204 ? null : response.json();
    const wait = response.headers.get("retry-after");
    throw new NightlatchError(response.status, (await problemOf(response)) ?? {}, wait === null ? null : Number(wait));
  }
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return null; // a proxy's answer
  }
}

// --- WebAuthn (Level 3, 5.1.8 to 5.1.10), written out for browsers that have no parse...FromJSON and toJSON yet -------

const described = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

/** Ask the browser to make a passkey: options as the API gives them, the answer as it takes it. */
export async function made(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: described(options.excludeCredentials),
  };
  const credential = await navigator.credentials.create({ publicKey });
  const { response } = credential;
  return answer(credential, {
    attestationObject: base64url(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

/** Ask the browser to use one: likewise. */
export async function used(options, { conditional = false, signal } = {}) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: described(options.allowCredentials),
  };
  const mediation = conditional ? "conditional" : undefined;
  const credential = await navigator.credentials.get({ publicKey, signal, ...(mediation && { mediation }) });
  const { response } = credential;
  return answer(credential, {
    authenticatorData: base64url(response.authenticatorData),
    signature: base64url(response.signature),
    userHandle: response.userHandle ? base64url(response.userHandle) : null,
  });
}

function answer(credential, response) {
  return {
    id: credential.id,
    rawId: base64url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: { clientDataJSON: base64url(credential.response.clientDataJSON), ...response },
  };
}
