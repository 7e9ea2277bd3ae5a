/** What is seen now: the newest sightings, and each that comes. */
import { ring } from "./alarm.js";
import { follow } from "./events.js";
import { api } from "./shell.js";
import { SightingList } from "./sightings.js";

/** Older ones are not kept: Search has them. */
const MOST = 500;

const list = new SightingList(document.getElementById("sightings"));
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

await load();
follow(
  {
    sighting: add,
    // Of which a list alerts comes as an alert.
    alert: (sighting) => {
      add(sighting);
      ring(document.getElementById("banner"), sighting);
    },
  },
  load, // what came in between
);
