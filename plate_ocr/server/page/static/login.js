/** The form for a name and a password. */
import { api, root } from "./shell.js";

const form = document.getElementById("login");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await api("POST", "/api/v1/login", Object.fromEntries(new FormData(form)));
  if (location.pathname === `${root}/login`) location.assign(`${root}/`);
  else location.reload();
});
