/** The server's events as they come, and whether they do. */
import { hasSound } from "./alarm.js";
import { h, root, t } from "./shell.js";

/**
 * Follow the server's events, through lost connections, and say in the page's head whether they come.
 * `handlers`: what to do with a sighting, by kind of event; `catchUp` is called whenever a connection stands.
 */
export function follow(handlers, catchUp) {
  const state = h("span", { class: "state", role: "status" });
  document.querySelector(".head h1").after(state);
  let events = null;

  function listen() {
    events = new EventSource(`${root}/api/v1/events`);
    events.addEventListener("open", () => {
      state.dataset.state = "live";
      state.textContent = t("live.now");
      catchUp();
    });
    for (const [kind, handle] of Object.entries(handlers)) {
      events.addEventListener(kind, (event) => handle(JSON.parse(event.data)));
    }
    events.addEventListener("error", ({ target }) => {
      state.dataset.state = "lost";
      state.textContent = t("live.lost");
      // A browser tries again by itself only if there was an answer.
      if (target.readyState === EventSource.CLOSED) setTimeout(() => target === events && listen(), 5000);
    });
  }

  listen();
  // Of HTTP/1.1 a browser has six connections for all its windows: those that nobody sees or hears hold none.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !hasSound()) {
      events?.close();
      events = null;
    } else if (!events) listen();
  });
}
