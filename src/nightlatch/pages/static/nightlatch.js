// Improves pages that work without it: takes focus to what went wrong, shows a typed password, sends a form once,
// says how a new password stands, and tells times as the reader's clock has them.
document.querySelector("[data-summary]")?.focus();

for (const button of document.querySelectorAll("[data-show]")) {
  const input = document.getElementById(button.dataset.show);
  const word = button.firstElementChild;
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    word.textContent = shown ? word.dataset.hideText : word.dataset.showText;
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  // Hidden again when it is sent: what a browser saw as plain text it may keep and suggest.
  input.form.addEventListener("submit", () => show(false));
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    const sent = Number(form.dataset.sent ?? 0);
    // Once; but who stopped the page from loading may send it again.
    if (Date.now() - sent < 5000) event.preventDefault();
    else form.dataset.sent = Date.now();
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) delete form.dataset.sent;
});

for (const told of document.querySelectorAll("[data-strength]")) {
  const input = document.getElementById(told.dataset.strength);
  const { least, short, alike, enough } = told.dataset;
  let later;
  const tell = () => {
    // Counted as the server counts. Whether it is common, or leaked, the server says.
    const typed = [...input.value.normalize("NFC")];
    const lacking = least - typed.length;
    if (!typed.length) told.textContent = "";
    else if (lacking > 0) told.textContent = short.replace("#", lacking);
    else told.textContent = new Set(typed).size < 6 ? alike : enough;
  };
  // After a pause: a screen reader is not to speak at every key.
  input.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(tell, 400);
  });
}

const { lang } = document.documentElement;
const tongue = navigator.languages.find((each) => each.startsWith(lang)) ?? lang;
const clock = new Intl.DateTimeFormat(tongue, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time")) time.textContent = clock.format(new Date(time.dateTime));
