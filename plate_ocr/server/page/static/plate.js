/** All that is known of a plate. */
import { api, ApiError, h, may, root, show, t, time } from "./shell.js";
import { listOf, plateOf } from "./sightings.js";

const text = decodeURIComponent(location.pathname.slice(`${root}/plates/`.length));
const path = `/api/v1/plates/${encodeURIComponent(text)}`;

/** Bars of 24 hours. */
function hoursOf(hours) {
  const most = Math.max(...hours, 1);
  const bars = hours.map((count, hour) =>
    h("svg:g", {},
      h("svg:title", {}, `${hour}:00 – ${hour + 1}:00: ${count}`),
      h("svg:rect", { class: "back", x: hour * 10, y: 0, width: 8, height: 60 }),
      h("svg:rect", { x: hour * 10, y: 60 - (60 * count) / most, width: 8, height: (60 * count) / most }),
      hour % 6 === 0 && h("svg:text", { x: hour * 10, y: 72 }, String(hour))));
  const label = hours.map((count, hour) => count && `${hour}:00 ${count}`).filter(Boolean).join(", ");
  return h("svg:svg", { class: "hours", viewBox: "0 0 240 75", role: "img", "aria-label": `${t("plate.hours")}: ${label}` }, bars);
}

function numbersOf({ count, first_seen, last_seen, cameras }) {
  const facts = [
    [t("plate.count"), String(count)],
    first_seen && [t("plate.first"), time(first_seen)],
    last_seen && [t("plate.last"), time(last_seen)],
    ...Object.entries(cameras).map(([name, seen]) => [h("bdi", {}, name || t("plate.nowhere")), String(seen)]),
  ].filter(Boolean);
  return h("dl", {}, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function noteOf({ note, tags }) {
  if (!may("operate")) return [h("p", { dir: "auto" }, note), h("p", {}, tags.map((tag) => h("span", { class: "badge" }, tag)))];
  const submit = async (event) => {
    event.preventDefault();
    const { note, tags } = event.target.elements;
    const list = tags.value.split(",").map((tag) => tag.trim()).filter(Boolean);
    await api("PATCH", path, { note: note.value, tags: list });
    show(t("sighting.saved"), "done");
  };
  return h("form", { submit, class: "note" },
    h("label", {}, t("sighting.note"), h("textarea", { name: "note", maxlength: 2000, dir: "auto" }, note)),
    h("label", {}, t("plate.tags"), h("input", { name: "tags", value: tags.join(", ") })),
    h("div", { class: "row" }, h("button", { class: "second" }, t("sighting.save")), may("admin") && forget));
}

const forget = h("button", {
  type: "button", class: "danger",
  click: async () => {
    if (!confirm(t("plate.sure", { text }))) return;
    await api("DELETE", path);
    location.assign(`${root}/search`);
  },
}, t("plate.forget"));

document.getElementById("plate").append(plateOf(text));
try {
  const plate = await api("GET", path);
  document.getElementById("known").append(
    h("section", { class: "card" }, h("h2", {}, t("plate.seen")), numbersOf(plate)),
    h("section", { class: "card" }, h("h2", {}, t("plate.hours")), hoursOf(plate.hours)),
    h("section", { class: "card" }, h("h2", {}, t("plate.about")), noteOf(plate)),
  );
  listOf(document.getElementById("sightings"), new URLSearchParams({ q: text }));
} catch (error) {
  if (!(error instanceof ApiError) || error.status !== 404) throw error;
  document.getElementById("known").append(h("p", {}, t("plate.unknown")));
}
