// What the theme leaves to inline handlers, to a script of 80 kB, or undone. Runs on every page.

const actions = { print: () => window.print(), fullscreen: () => window.toggleFullScreen() };
for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", actions[button.dataset.action]);
}

for (const button of document.querySelectorAll('[data-bs-toggle="dropdown"]')) {
  const place = button.parentElement;
  const show = (shown) => {
    place.querySelector(".dropdown-menu").classList.toggle("show", shown);
    button.setAttribute("aria-expanded", shown);
  };
  const hideFrom = (target) => place.contains(target) || show(false);
  button.addEventListener("click", () => show(button.getAttribute("aria-expanded") === "false"));
  document.addEventListener("click", (event) => hideFrom(event.target));
  place.addEventListener("focusout", (event) => hideFrom(event.relatedTarget));
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      button.focus();
      show(false);
    }
  });
}

// A formula wider than its column scrolls, by keyboard too.
const observer = new ResizeObserver((formulas) => {
  for (const { target } of formulas) {
    if (target.scrollWidth > target.clientWidth) {
      target.tabIndex = 0;
    } else {
      target.removeAttribute("tabindex");
    }
  }
});
for (const formula of document.querySelectorAll(".katex-display")) {
  observer.observe(formula);
}

// The meaning of a term: Escape puts it away; the first touch of the term shows it, the second follows the link.
const explained = document.querySelectorAll(".explained");
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") for (const place of explained) place.classList.add("away");
});
for (const place of explained) {
  const link = place.querySelector("a");
  let shown = true;
  const bring = () => place.classList.remove("away");
  place.addEventListener("mouseenter", bring);
  place.addEventListener("focusin", bring);
  link.addEventListener("pointerdown", (event) => {
    shown = event.pointerType !== "touch" || document.activeElement === link;
  });
  link.addEventListener("click", (event) => {
    if (!shown) {
      event.preventDefault();
      link.focus();
      shown = true;
    }
  });
}
