// Light and dark by the system's choice. Bootstrap reads an attribute, not the
// media query, so this module keeps the one in step with the other.
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function apply() {
  document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
}

apply();
dark.addEventListener("change", apply);
