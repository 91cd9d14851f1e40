// Passkeys (W3C Web Authentication Level 3) for the pages' forms. A form says what it is for by data-passkey:
//   use      prove oneself: asks data-options for what to sign, and sends the answer with the form;
//   make     make one: likewise;
//   sign-in  a whole sign-in: asks as the page loads, so that the browser offers passkeys where the name is typed.
// What only a browser without passkeys should see bears data-without.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const described = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

async function made(options) {
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

async function used(options, more = {}) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: described(options.allowCredentials),
  };
  const credential = await navigator.credentials.get({ publicKey, ...more });
  const { response } = credential;
  return answer(credential, {
    authenticatorData: base64url(response.authenticatorData),
    signature: base64url(response.signature),
    userHandle: response.userHandle ? base64url(response.userHandle) : null,
  });
}

// What the browsers' own toJSON() gives, written out for those that have none yet.
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

// Pages answer in words; anything but JSON means that the step is over: the form, sent as it is, tells what happened.
async function asked(form) {
  const body = new URLSearchParams(new FormData(form));
  const response = await fetch(form.dataset.options, { method: "POST", body });
  if (!response.headers.get("content-type")?.includes("json")) throw new Error("over");
  const told = await response.json();
  if (!response.ok) throw Object.assign(new Error(told.code), { told: told.detail });
  return told;
}

async function begun(form) {
  const body = JSON.stringify({ return_to: form.elements.return_to?.value });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(form.dataset.options, { method: "POST", headers, body });
  if (!response.ok) throw new Error("not now");
  const { attempt, options } = await response.json();
  form.elements.attempt.value = attempt;
  return options;
}

function send(form, credential) {
  form.elements.credential.value = JSON.stringify(credential);
  form.submit();
}

function tell(form, error) {
  const place = form.querySelector("[data-told]");
  if (error.message === "over") return location.reload();
  const known = { InvalidStateError: "known", NotAllowedError: "cancelled", AbortError: "cancelled" }[error.name];
  place.textContent = error.told ?? place.dataset[known ?? "failed"];
  place.hidden = false;
  place.focus();
}

// A browser does one ceremony at a time: the one that waits at the name gives way to a button.
let waiting = new AbortController();
// A challenge is good for five minutes: one that waited longer is asked for anew, while somebody looks at the page.
const GOOD_FOR = 4 * 60 * 1000;

const seen = () =>
  new Promise((done) => {
    if (document.visibilityState === "visible") done();
    else document.addEventListener("visibilitychange", done, { once: true });
  });

async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  await seen();
  const signal = AbortSignal.any([waiting.signal, AbortSignal.timeout(GOOD_FOR)]);
  try {
    const options = await begun(form);
    send(form, await used(options, { mediation: "conditional", signal }));
  } catch (error) {
    if (error.name === "TimeoutError") await offer(form);
  }
}

async function press(form) {
  waiting.abort();
  waiting = new AbortController();
  if (form.dataset.passkey === "sign-in") return send(form, await used(await begun(form)));
  const told = await asked(form);
  if (form.dataset.passkey === "use") return send(form, await used(told));
  form.elements.id.value = told.id;
  send(form, await made(told.options));
}

// Tells the browser what the site knows of its passkeys, so that it offers none that are gone (Level 3, 5.1.10).
async function signal({ signal: what, rp: rpId, id, user: userId, ids, name, called: displayName }) {
  if (what === "unknown") return PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId: id });
  const allAcceptedCredentialIds = ids.split(" ");
  await PublicKeyCredential.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds });
  await PublicKeyCredential.signalCurrentUserDetails?.({ rpId, userId, name, displayName });
}

const here = Boolean(window.PublicKeyCredential && navigator.credentials);
for (const each of document.querySelectorAll("[data-without]")) each.hidden = here;
for (const form of here ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  const button = form.querySelector("[data-press]");
  button.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    await press(form).catch((error) => tell(form, error));
    button.disabled = false;
  });
  // Not available, or given way to the button: what is typed signs in all the same.
  if (form.dataset.passkey === "sign-in") offer(form).catch(() => {});
}
for (const each of here ? document.querySelectorAll("[data-signal]") : []) signal(each.dataset).catch(() => {});

// What a page after a password could offer: a passkey on this very device.
for (const field of here ? document.querySelectorAll("[data-can-make]") : []) {
  PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()
    .then((can) => { field.value = can ? "1" : ""; })
    .catch(() => {});
}
