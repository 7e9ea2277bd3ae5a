/** Cameras: their state and last picture, live, added, changed, deleted. */
import { api, h, may, root, t, time } from "./shell.js";
import { button, check, dialog, form, line, number, remove, rowButton, select, STATES } from "./manage.js";
import { drawing } from "./boxes.js";

const place = document.getElementById("cameras");
const REFRESH_MS = 2000;

const kinds = [
  ["stream", t("cameras.stream")],
  ["snapshot", t("cameras.snapshot")],
  ["device", t("cameras.device")],
  ["folder", t("cameras.folder")],
  ["push", t("cameras.push")],
];

const pathOf = (camera) => `/api/v1/cameras/${encodeURIComponent(camera.name)}`;

/** The elements of a camera that change while it is watched. */
const cards = new Map();

function card(camera) {
  const image = h("img", { alt: t("cameras.last", { name: camera.name }), hidden: true });
  const parts = {
    image,
    none: h("span", {}, t("cameras.noPicture")),
    state: h("span", { class: "badge" }),
    seen: h("p", { class: "muted small" }),
    error: h("p", { class: "small" }),
  };
  image.addEventListener("load", () => {
    image.hidden = false;
    parts.none.hidden = true;
  });
  const element = h(
    "article",
    { class: "card camera stack" },
    h("div", { class: "picture" }, image, parts.none),
    h("div", { class: "row" }, h("h2", {}, camera.name), parts.state),
    parts.seen,
    parts.error,
    h(
      "div",
      { class: "actions" },
      rowButton(t("cameras.live"), camera.name, () => live(camera)),
      may("admin") && rowButton(t("manage.edit"), camera.name, () => edit(camera.name)),
      may("admin") && rowButton(t("manage.delete"), camera.name, () => remove(camera.name, pathOf(camera), draw), "danger"),
    ),
  );
  cards.set(camera.name, parts);
  return element;
}

function update(camera) {
  const parts = cards.get(camera.name);
  const [text, kind] = STATES[camera.state];
  parts.state.textContent = text;
  parts.state.className = `badge ${kind}`;
  parts.seen.replaceChildren(
    ...(camera.picture_at ? [t("cameras.seen", { vehicles: camera.vehicles }), " ", time(new Date(1000 * camera.picture_at).toISOString())] : [t("cameras.notYet")]),
    ...(camera.last_text ? [" ", h("span", { class: "plate" }, camera.last_text)] : []),
  );
  parts.error.textContent = camera.error ?? "";
  if (camera.picture_at && parts.at !== camera.picture_at) {
    parts.at = camera.picture_at;
    parts.image.src = `${root}${pathOf(camera)}/latest.jpg?at=${camera.picture_at}`;
  }
}

async function draw() {
  const cameras = await api("GET", "/api/v1/cameras");
  cards.clear();
  const add = may("admin") && h("div", {}, button(t("cameras.new"), () => edit(null), ""));
  place.replaceChildren(
    cameras.length ? h("div", { class: "cards" }, cameras.map(card)) : h("p", { class: "card" }, t("cameras.none")),
    add || "",
  );
  cameras.forEach(update);
}

function live(camera) {
  const image = h("img", { src: `${root}${pathOf(camera)}/live.mjpg`, alt: t("cameras.liveOf", { name: camera.name }) });
  const element = dialog(camera.name, h("div", { class: "live" }, image));
  element.addEventListener("close", () => image.removeAttribute("src")); // ends the stream
}

async function edit(name) {
  const found = name === null ? null : await api("GET", `/api/v1/cameras/${encodeURIComponent(name)}`);
  const camera = found ?? { name: "", kind: "stream", source: "", enabled: true, region: [], rotate: 0, on: "departure", hours: "", interval: 1, after: "keep", min_height: 0, roi: null, ignore: [] };
  const [boxes, drawn] = camera.picture_at
    ? await drawing(`${root}${pathOf(camera)}/latest.jpg?at=${camera.picture_at}`, camera.roi, camera.ignore)
    : [h("p", { class: "muted wide" }, t("cameras.drawLater")), () => ({ roi: camera.roi, ignore: camera.ignore })];
  const source = line(t("cameras.source"), "source", camera.source, { placeholder: "rtsp://user:password@192.168.1.9/stream1" });
  source.classList.add("wide");
  const element = dialog(
    found ? camera.name : t("cameras.new"),
    form(
      {},
      async ({ rotate, region, ...values }) => {
        const body = { ...values, name: found ? camera.name : values.name, rotate: Number(rotate), region: region.split(/[\s,]+/).filter(Boolean), ...drawn() };
        await api("PUT", pathOf(body), body);
        element.close();
        await draw();
      },
      h(
        "div",
        { class: "fields" },
        line(t("lists.name"), "name", camera.name, { required: true, maxlength: 100, pattern: "[^\\/]+", disabled: Boolean(found) }),
        select(t("lists.kind"), "kind", camera.kind, kinds),
        source,
        check(t("manage.enabled"), "enabled", camera.enabled),
        line(t("cameras.region"), "region", camera.region.join(", "), { placeholder: "de, at" }),
        select(t("cameras.rotate"), "rotate", camera.rotate, [0, 90, 180, 270].map((one) => [String(one), `${one}°`])),
        select(t("cameras.on"), "on", camera.on, [["departure", t("cameras.departure")], ["arrival", t("cameras.arrival")]]),
        line(t("cameras.hours"), "hours", camera.hours, { placeholder: "06:00-22:00" }),
        number(t("cameras.interval"), "interval", camera.interval, { min: 0.1, max: 3600, required: true }),
        select(t("cameras.after"), "after", camera.after, [["keep", t("cameras.keep")], ["move", t("cameras.move")], ["delete", t("manage.delete")]]),
        number(t("cameras.minHeight"), "min_height", camera.min_height, { required: true }),
        number(t("cameras.minConfidence"), "min_confidence", camera.min_confidence, { max: 1 }),
        number(t("cameras.minPlate"), "min_plate_confidence", camera.min_plate_confidence, { max: 1 }),
        boxes,
      ),
      h("div", { class: "actions" }, h("button", {}, t("manage.save"))),
    ),
  );
}

await draw();
setInterval(async () => {
  if (document.hidden || document.querySelector("dialog")) return;
  const cameras = await api("GET", "/api/v1/cameras");
  if (cameras.length !== cards.size || cameras.some((camera) => !cards.has(camera.name))) await draw();
  else cameras.forEach(update);
}, REFRESH_MS);
