/** Charts: sightings by hour, day, camera and plate; each bar opens its rows. */
import { api, cameraNames, h, language, root, t } from "./shell.js";
import { line, select } from "./manage.js";

const place = document.getElementById("charts");
const NARROW = 704; // pixels, as of the style sheet
const result = h("div", { class: "stack" });
const DAY_MS = 86_400_000;

const isoDay = (at) => `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;

/** The day after a day, as 2026-11-26. */
const after = (day) => isoDay(new Date(new Date(`${day}T12:00`).getTime() + DAY_MS));

const address = new URLSearchParams(location.search);
if (!address.has("from")) address.set("from", isoDay(new Date(Date.now() - 29 * DAY_MS)));

/** The rows of a bar, in Search. */
const rows = (more) => `${root}/search?${new URLSearchParams({ ...Object.fromEntries(address), ...more })}`;

const compact = new Intl.NumberFormat(language, { notation: "compact" });

/** Standing bars, of values with label, count and the address of their rows. */
function columns(title, bars, width) {
  const [height, top, bottom] = [220, 16, 22];
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  const step = width / Math.max(bars.length, 12);
  const every = Math.ceil(bars.length / (width / 56));
  return h(
    "svg:svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": title },
    bars.map((bar, i) => {
      const size = ((height - top - bottom) * bar.count) / most;
      return [
        bar.count > 0 &&
          h(
            "svg:a",
            { href: bar.href, "aria-label": `${bar.label}: ${bar.count}` },
            h("svg:rect", { x: i * step + step * 0.12, y: height - bottom - size, width: step * 0.76, height: Math.max(size, 1), rx: 2 }, h("svg:title", {}, `${bar.label}: ${bar.count}`)),
          ),
        bar.count > 0 && step > 22 && h("svg:text", { x: (i + 0.5) * step, y: height - bottom - size - 4, "text-anchor": "middle" }, compact.format(bar.count)),
        i % every === 0 && h("svg:text", { x: Math.max((i + 0.5) * step, 16), y: height - 6, "text-anchor": "middle" }, bar.short ?? bar.label),
      ];
    }).flat(),
  );
}

/** Lying bars. */
function bars(title, found, width) {
  const [row, label] = [26, Math.round(width * 0.36)];
  const most = Math.max(1, ...found.map((bar) => bar.count));
  return h(
    "svg:svg",
    { class: "chart", viewBox: `0 0 ${width} ${Math.max(1, found.length) * row}`, width, role: "group", "aria-label": title },
    found.map((bar, i) => [
      h("svg:text", { x: label - 8, y: i * row + 18, "text-anchor": "end" }, shorten(bar.label, label / 8)),
      h(
        "svg:a",
        { href: bar.href, "aria-label": `${bar.label}: ${bar.count}` },
        h("svg:rect", { x: label, y: i * row + 4, width: Math.max(2, ((width - label - 70) * bar.count) / most), height: row - 8, rx: 3 }, h("svg:title", {}, `${bar.label}: ${bar.count}`)),
      ),
      h("svg:text", { x: label + ((width - label - 70) * bar.count) / most + 8, y: i * row + 18 }, compact.format(bar.count)),
    ]).flat(),
  );
}

/** A text of so many characters, at most. */
const shorten = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const card = (title, chart) => h("section", { class: "card" }, h("h2", {}, title), chart);

/** All days from the first to the last one, those without a sighting too. */
function filled(days) {
  const counts = new Map(days.map((one) => [one.day, one.count]));
  const found = [];
  if (!days.length) return found;
  for (let day = days[0].day; day <= days.at(-1).day; day = after(day)) found.push({ day, count: counts.get(day) ?? 0 });
  return found;
}

let stats = null;

async function draw() {
  for (const [key, value] of [...address]) if (!value) address.delete(key);
  history.replaceState(null, "", `?${address}`);
  stats = await api("GET", `/api/v1/stats?${address}`);
  paint();
}

function paint() {
  const wide = Math.max(200, place.clientWidth - 34);
  const half = place.clientWidth < NARROW ? wide : Math.max(200, (place.clientWidth - 16) / 2 - 34);
  const hour = (i) => `${String(i).padStart(2, "0")}:00`;
  const short = new Intl.DateTimeFormat(language, { day: "numeric", month: "numeric" });
  result.replaceChildren(
    h("p", {}, h("span", { class: "total" }, new Intl.NumberFormat(language).format(stats.count)), ` ${t("charts.sightings")}`),
    card(t("charts.days"), columns(t("charts.days"), filled(stats.days).map(({ day, count }) => ({ label: day, short: short.format(new Date(`${day}T12:00`)), count, href: rows({ from: `${day}T00:00`, to: `${after(day)}T00:00` }) })), wide)),
    card(t("charts.hours"), columns(t("charts.hours"), stats.hours.map((count, i) => ({ label: hour(i), short: String(i), count, href: rows({ hours: `${hour(i)}-${i === 23 ? "24:00" : hour(i + 1)}` }) })), wide)),
    h(
      "div",
      { class: "cards" },
      card(t("charts.cameras"), bars(t("charts.cameras"), stats.cameras.map(({ camera, count }) => ({ label: camera ?? t("charts.noCamera"), count, href: rows(camera === null ? {} : { camera }) })), half)),
      card(t("charts.plates"), bars(t("charts.plates"), stats.plates.map(({ text, count }) => ({ label: text, count, href: rows({ q: text }) })), half)),
    ),
  );
}

place.append(result);
const [{ lists }, watched] = await Promise.all([
  api("GET", "/api/v1/lists"),
  cameraNames(),
  draw(),
]);
const seen = stats.cameras.map((one) => one.camera).filter((one) => one !== null);
const named = [...new Set([...watched, ...seen])].sort();
const filter = h(
  "form",
  { class: "card fields" },
  line(t("charts.from"), "from", address.get("from"), { type: "date" }),
  line(t("charts.to"), "to", address.get("to"), { type: "date" }),
  select(t("manage.camera"), "camera", address.get("camera") ?? "", [["", t("charts.any")], ...named.map((one) => [one, one])]),
  select(t("charts.list"), "list", address.get("list") ?? "", [["", t("charts.any")], ...lists.map((one) => [one.name, one.name])]),
);
filter.addEventListener("change", (event) => {
  address.set(event.target.name, event.target.value);
  draw();
});
filter.addEventListener("submit", (event) => event.preventDefault());
place.prepend(filter);
addEventListener("resize", paint);
