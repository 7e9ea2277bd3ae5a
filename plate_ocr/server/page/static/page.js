/** The entry: what every page has, then the module of the page. */
import { api, ApiError, root, show } from "./shell.js";

// The one way in which errors are shown: nobody catches them.
addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof ApiError) event.preventDefault(); // the console is for mistakes of ours
  show(event.reason.message ?? String(event.reason));
});
addEventListener("error", (event) => event.message && show(event.message));

// A narrow window shows only some of the navigation.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

document.getElementById("language").addEventListener("change", (event) => {
  document.cookie = `plate-ocr-language=${event.target.value}; path=${root || "/"}; max-age=31536000; samesite=lax`;
  location.reload();
});

document.getElementById("logout")?.addEventListener("click", async () => {
  await api("POST", "/api/v1/logout");
  location.assign(`${root}/`);
});

try {
  await import(`./${document.body.dataset.page}.js`);
} finally {
  document.getElementById("main").removeAttribute("aria-busy");
}
