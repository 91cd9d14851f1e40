// Improves pages that work without it: takes focus to what went wrong, shows a typed password, sends a form once, and
// tells times as the reader's clock has them.
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

const { lang } = document.documentElement;
const tongue = navigator.languages.find((each) => each.startsWith(lang)) ?? lang;
const clock = new Intl.DateTimeFormat(tongue, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time")) time.textContent = clock.format(new Date(time.dateTime));
