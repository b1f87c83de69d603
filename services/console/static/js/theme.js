/** Light or dark: the system's choice until the reader makes one. */

const SLOT = "switchboard.theme";

export function startTheme(button) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = stored();
  const show = () => {
    const now = chosen ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = now;
    button.setAttribute("aria-label", now === "dark" ? "Switch to light" : "Switch to dark");
  };
  button.addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(SLOT, chosen);
    } catch {
      // Forbidden in a private window: the choice lasts as long as the page.
    }
    show();
  });
  dark.addEventListener("change", show);
  show();
}

function stored() {
  try {
    const value = localStorage.getItem(SLOT);
    return value === "dark" || value === "light" ? value : null;
  } catch {
    return null;
  }
}
