/** What is seen now: the newest sightings, and each that comes. */
import { hasSound, ring } from "./alarm.js";
import { api, root, t } from "./shell.js";
import { SightingList } from "./sightings.js";

/** Older ones are not kept: Search has them. */
const MOST = 500;

const list = new SightingList(document.getElementById("sightings"));
const state = document.getElementById("state");
const first = document.getElementById("first");

function add(sighting) {
  list.prepend(sighting, MOST);
  first.hidden = true;
}

async function load() {
  const { sightings } = await api("GET", "/api/v1/sightings?limit=50");
  sightings.reverse().forEach(add);
  first.hidden = list.length > 0;
}

let events = null;

function listen() {
  events = new EventSource(`${root}/api/v1/events`);
  events.addEventListener("open", () => {
    state.dataset.state = "live";
    state.textContent = t("live.now");
    load(); // what came in between
  });
  // Of which a list alerts comes as an alert.
  for (const kind of ["sighting", "alert"]) events.addEventListener(kind, (event) => add(JSON.parse(event.data)));
  events.addEventListener("alert", (event) => ring(document.getElementById("banner"), JSON.parse(event.data)));
  events.addEventListener("error", ({ target }) => {
    state.dataset.state = "lost";
    state.textContent = t("live.lost");
    // A browser tries again by itself only if there was an answer.
    if (target.readyState === EventSource.CLOSED) setTimeout(() => target === events && listen(), 5000);
  });
}

await load();
listen();
// Of HTTP/1.1 a browser has six connections for all its windows: those that nobody sees or hears hold none.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && !hasSound()) {
    events?.close();
    events = null;
  } else if (!events) listen();
});
