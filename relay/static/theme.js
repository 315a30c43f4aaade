/**
 * The theme that this browser was left in.  No module: those wait until the page has been drawn, and
 * a dark page that flashes white is none.  `page-settings.js` has the rest.
 */

try {
  const { theme } = JSON.parse(localStorage.getItem("relay.page")) ?? {};
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Nothing may be remembered here: the theme is the device's.
}
