/** A sighting in a window of its own: the scene, corners, characters with their alternatives. */
import { api, h, may, percent, root, show, t, time } from "./shell.js";
import { correct, MOST_CHARS, plateOfSighting, tell, UNSURE } from "./sightings.js";

/** A picture with the corners of plates drawn into it.
 *
 * @param {string} src address of the picture.
 * @param {[number, number]} size to which corners refer.
 * @param plates each with corners.
 * @param {string} alt what it shows.
 */
export function marked(src, [width, height], plates, alt) {
  const shapes = plates.map(({ corners }) => h("svg:polygon", { points: corners.map((corner) => corner.join()).join(" ") }));
  const drawing = h("svg:svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, shapes);
  return h("figure", { class: "marked" }, h("img", { src, alt, width, height }), drawing);
}

/** The characters of a plate, each with its confidence and alternatives.
 *
 * @param chars of a plate.
 * @param {Function} choose called with an index and another character; without it they are no buttons.
 */
export function charsOf(chars, choose) {
  const columns = chars.slice(0, MOST_CHARS).map(({ char, confidence, alternatives }, i) =>
    h("li", { class: confidence < UNSURE && "unsure" },
      h("b", {}, char ?? "?"),
      h("meter", { min: 0, max: 1, low: UNSURE, optimum: 1, value: confidence, "aria-label": t("sighting.confidence") }),
      h("span", { class: "small" }, percent(confidence)),
      alternatives.filter(([, share]) => share >= 0.005).map(([other, share]) => {
        const label = [h("b", {}, other), ` ${percent(share)}`];
        if (!choose) return h("span", { class: "other" }, label);
        return h("button", { type: "button", class: "second other", click: () => choose(i, other) }, label);
      })),
  );
  return h("ol", { class: "chars", dir: "ltr" }, columns);
}

/** Show a sighting.
 *
 * @param sighting of the API.
 * @param {SightingList} list with it: arrow keys go to those beside it.
 */
export async function openSighting(sighting, list) {
  const { id } = sighting;
  sighting = { ...sighting, ...(await api("GET", `/api/v1/sightings/${id}`)) }; // with its corrections
  const dialog = h("dialog", { class: "window", tabindex: -1, "aria-label": sighting.text });
  const end = new AbortController();
  const step = async (by) => {
    const other = list.beside(id, by);
    if (!other || end.signal.aborted) return;
    end.abort();
    await openSighting(other, list);
    dialog.close();
  };
  const draw = () => {
    dialog.replaceChildren(...contentOf(sighting, dialog, list, step));
    if (!dialog.contains(document.activeElement)) dialog.focus();
  };
  dialog.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea")) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    end.abort();
    dialog.remove();
    if (!document.querySelector("dialog[open]")) list.focus(id, ".crop");
  });
  document.addEventListener("sighting", ({ detail }) => {
    if (detail.id !== id) return;
    if (!detail.sighting) return dialog.close();
    sighting = { ...sighting, ...detail.sighting };
    draw();
  }, { signal: end.signal });
  document.body.append(dialog);
  dialog.showModal();
  draw();
}

function contentOf(sighting, dialog, list, step) {
  const { id, text, chars, scene, crop, width, height } = sighting;
  const plate = h("div", { class: "text large" }, plateOfSighting(sighting));
  const start = (value) => correct(plate, sighting, () => dialog.querySelector(".edit")?.focus(), value);
  const choose = may("operate") && ((i, other) => {
    const signs = [...(plate.querySelector("input")?.value ?? sighting.read)];
    signs[i] = other;
    start(signs.join(""));
  });
  const remove = async () => {
    if (!confirm(t("sighting.sure"))) return;
    await api("DELETE", `/api/v1/sightings/${id}`);
    tell(id, null);
    show(t("sighting.deleted"), "done");
  };
  const button = (label, sign, click, more = {}) =>
    h("button", { type: "button", class: "quiet", title: label, "aria-label": label, click, ...more }, sign);
  return [
    h("header", {}, plate,
      may("operate") && button(t("sighting.correct"), "✎", () => start(), { class: "quiet edit" }),
      h("span", { class: "steps" },
        button(t("sighting.newer"), "‹", () => step(-1), { disabled: !list.beside(id, -1) }),
        button(t("sighting.older"), "›", () => step(1), { disabled: !list.beside(id, 1) }),
        button(t("shell.close"), "×", () => dialog.close()))),
    h("div", { class: "both" },
      h("div", {},
        scene && marked(root + scene, [width, height], [sighting], t("sighting.scene")),
        crop && h("img", { class: "crop", src: root + crop, alt: t("sighting.crop") }),
        charsOf(chars, choose)),
      h("div", {}, factsOf(sighting), noteOf(sighting),
        h("div", { class: "row" },
          h("a", { class: "button second", href: `${root}/plates/${encodeURIComponent(text)}` }, t("sighting.plate")),
          may("operate") && h("button", { type: "button", class: "danger", click: remove }, t("sighting.delete"))))),
  ].filter(Boolean);
}

function factsOf(sighting) {
  const { camera, first_seen, last_seen, region, direction, frames, origin, matches, similar, corrections = [] } = sighting;
  const facts = [
    [t("sighting.camera"), camera && h("bdi", {}, camera)],
    [t("sighting.time"), [time(first_seen), last_seen !== first_seen && " – ", last_seen !== first_seen && time(last_seen)]],
    [t("sighting.region"), region && `${region.code.toUpperCase()} ${region.confidence === null ? "" : percent(region.confidence)}`],
    [t("sighting.direction"), direction !== null && `${Math.round(direction)}°`],
    [t("sighting.frames"), frames > 1 && String(frames)],
    [t("sighting.origin"), origin !== "plate-ocr" && h("bdi", {}, origin)],
    [t("search.similar"), similar?.why],
    ...matches.map((match) => [h("bdi", {}, match.list), h("bdi", {}, [match.name, match.why].filter(Boolean).join(" · "))]),
    ...corrections.map((step) => [t("sighting.corrected"), [h("bdi", {}, `${step.old} → ${step.new}`), " ", h("bdi", {}, step.who ?? ""), " ", time(step.at)]]),
  ];
  return h("dl", {}, facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function noteOf({ id, note }) {
  if (!may("operate")) return note && h("p", { dir: "auto" }, note);
  const submit = async (event) => {
    event.preventDefault();
    tell(id, await api("PATCH", `/api/v1/sightings/${id}`, { note: event.target.elements.note.value }));
    show(t("sighting.saved"), "done");
  };
  return h("form", { submit, class: "note" },
    h("label", {}, t("sighting.note"), h("textarea", { name: "note", maxlength: 2000, dir: "auto" }, note)),
    h("button", { class: "second" }, t("sighting.save")));
}
