/** Sightings as rows of a list, and corrections in place. */
import { api, h, may, percent, root, show, t, time } from "./shell.js";
import { openSighting } from "./sighting.js";

/** Below it a character is unsure, as for the tolerance of lists. */
export const UNSURE = 0.9;

/** Of a longer text, which is no plate's, characters are not shown one by one. */
export const MOST_CHARS = 40;

/** A plate as it is written, from left to right whatever its script; what was unsure is marked.
 *
 * @param {string} text of the plate.
 * @param chars its characters if the text is as it was read, else nothing.
 * @param groups its text in groups, or null.
 */
export function plateOf(text, chars = [], groups = null) {
  if (text.length > MOST_CHARS) return h("span", { class: "plate", dir: "ltr" }, text);
  const begins = new Set();
  let length = 0;
  for (const group of groups ?? []) begins.add((length += [...group].length));
  const signs = [...text].map((sign, i) => {
    const unsure = chars[i] && chars[i].confidence < UNSURE;
    const title = unsure && [[chars[i].char ?? "?", chars[i].confidence], ...chars[i].alternatives]
      .map(([char, share]) => `${char} ${percent(share)}`).join(", ");
    return h(unsure ? "mark" : "span", { title, class: begins.has(i) && "gap" }, sign);
  });
  return h("span", { class: "plate", dir: "ltr" }, signs);
}

/** The plate of a sighting, and below it what was read if that is another text. */
export function plateOfSighting(sighting) {
  const { text, read, chars, groups } = sighting;
  if (text === read) return [plateOf(text, chars, groups)];
  return [plateOf(text), h("span", { class: "read" }, t("sighting.read"), " ", plateOf(read, chars, groups))];
}

/** Tell all that shows a sighting that it changed, or with null that it is gone. */
export function tell(id, sighting) {
  document.dispatchEvent(new CustomEvent("sighting", { detail: { id, sighting } }));
}

/** Put a field in the place of a plate: Enter saves what is written in it, Escape gives it up.
 *
 * @param {Element} place whose content it takes.
 * @param sighting whose plate it is.
 * @param {Function} done called at the end.
 * @param {string} text to begin with.
 */
export function correct(place, sighting, done, text = sighting.text) {
  const field = h("input", {
    value: text, maxlength: 40, "aria-label": t("sighting.correction"), autocomplete: "off", autocapitalize: "characters",
    spellcheck: "false", dir: "ltr",
    keydown: (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // else a dialog round it would close
      place.replaceChildren(...plateOfSighting(sighting));
      done();
    },
  });
  const submit = async (event) => {
    event.preventDefault();
    const answer = await api("PATCH", `/api/v1/sightings/${sighting.id}`, { text: field.value });
    tell(answer.id, answer);
    show(t("sighting.saved"), "done");
    done();
  };
  const chars = plateOf(sighting.read, sighting.chars, sighting.groups);
  place.replaceChildren(
    h("form", { class: "row", submit }, field, h("button", {}, t("sighting.save"))),
    h("span", { class: "read" }, t("sighting.read"), " ", chars),
  );
  field.focus();
  field.select();
}

/** The row of a sighting in a list. */
function rowOf(sighting, list) {
  const { id, crop, text, camera, first_seen, min_confidence, matches, similar, note } = sighting;
  const open = () => openSighting(sighting, list);
  const plate = h("div", { class: "text" }, plateOfSighting(sighting));
  const image = crop
    ? h("img", { src: root + crop, alt: "", decoding: "async" })
    : h("span", { class: "none" }, "—");
  const edit = () => correct(plate, sighting, () => list.focus(id, ".edit"));
  return h("li", { class: "sighting", "data-id": id, click: (event) => event.target.closest("button, a, form") || open() },
    h("button", { type: "button", class: "crop", "aria-label": t("sighting.show", { text }), click: open }, image),
    plate,
    h("div", { class: "badges" },
      similar && h("span", { class: "badge" }, similar.why),
      matches.map((match) => h("span", { class: `badge ${match.kind}`, title: match.why, dir: "auto" },
        match.name ? `${match.list}: ${match.name}` : match.list)),
      note && h("span", { class: "badge", title: note, dir: "auto" }, note)),
    h("bdi", { class: "camera", title: camera }, camera ?? ""),
    time(first_seen),
    h("span", { class: "share", title: t("sighting.least") }, percent(min_confidence)),
    may("operate") && h("button", {
      type: "button", class: "quiet edit", title: t("sighting.correct"), "aria-label": `${t("sighting.correct")}: ${text}`, click: edit,
    }, "✎"));
}

/** A list of any number of sightings: only the rows in sight, and some round them, are elements. */
export class SightingList {
  #items = [];
  #rows = new Map();
  #more;
  #isLoading = false;
  #end = new AbortController();

  /**
   * @param {Element} element emptied first.
   * @param {Function} more called when the end comes near; gives the next sightings, or null if there are none.
   */
  constructor(element, more = null) {
    this.element = element;
    this.#more = more;
    element.replaceChildren();
    const options = { signal: this.#end.signal, passive: true };
    let waits = false;
    const soon = () => {
      if (!waits) requestAnimationFrame(() => {
        waits = false;
        this.#draw();
      });
      waits = true;
    };
    addEventListener("scroll", soon, options);
    addEventListener("resize", soon, options);
    document.addEventListener("sighting", ({ detail: { id, sighting } }) => this.#change(id, sighting), options);
    this.#draw();
  }

  /** How many there are. */
  get length() {
    return this.#items.length;
  }

  /** End it. */
  close() {
    this.#end.abort();
  }

  /** Put one before all others, unless it is there; what is beyond the first ones goes. */
  prepend(sighting, most) {
    if (this.#index(sighting.id) >= 0) return;
    const { top } = this.element.getBoundingClientRect();
    this.#items.unshift(sighting);
    this.#items.length = Math.min(this.#items.length, most);
    this.#draw();
    if (top < 0) scrollBy({ top: this.#height(), behavior: "instant" }); // what is looked at stays where it is
  }

  /** The sighting so many rows after another one. */
  beside(id, step) {
    return this.#items[this.#index(id) + step];
  }

  /** Move the focus into the row of a sighting. */
  focus(id, selector) {
    const index = this.#index(id);
    if (index < 0) return;
    const { top } = this.element.getBoundingClientRect();
    const y = top + index * this.#height();
    if (y < 0 || y > innerHeight - this.#height()) scrollBy({ top: y - innerHeight / 2, behavior: "instant" });
    this.#draw();
    this.#rows.get(id).querySelector(selector)?.focus();
  }

  #index(id) {
    return this.#items.findIndex((one) => one.id === id);
  }

  #height() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return rem * getComputedStyle(this.element).getPropertyValue("--row");
  }

  #change(id, sighting) {
    const index = this.#index(id);
    if (index < 0) return;
    const row = this.#rows.get(id);
    this.#rows.delete(id);
    if (sighting) this.#items[index] = { ...this.#items[index], ...sighting };
    else this.#items.splice(index, 1);
    if (sighting && row) {
      this.#rows.set(id, rowOf(this.#items[index], this));
      row.replaceWith(this.#rows.get(id));
    } else row?.remove();
    this.#draw();
  }

  #draw() {
    const height = this.#height();
    const { top } = this.element.getBoundingClientRect();
    const around = 12;
    const first = Math.max(0, Math.floor(-top / height) - around);
    const last = Math.min(this.length, Math.ceil((innerHeight - top) / height) + around);
    this.element.style.height = this.length ? `${this.length * height}px` : "";
    const wanted = new Set(this.#items.slice(first, last).map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      // What is being written in a row that goes out of sight is not lost.
      if (wanted.has(id) || (row.contains(document.activeElement) && this.#index(id) >= 0)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    let next = this.element.firstElementChild;
    for (let i = first; i < last; i++) {
      const sighting = this.#items[i];
      const row = this.#rows.get(sighting.id) ?? rowOf(sighting, this);
      this.#rows.set(sighting.id, row);
      row.style.top = `${i * height}px`;
      row.setAttribute("aria-setsize", this.#more ? -1 : this.length);
      row.setAttribute("aria-posinset", i + 1);
      while (next && next !== row && !wanted.has(next.dataset.id)) next = next.nextElementSibling;
      if (next === row) next = row.nextElementSibling;
      else this.element.insertBefore(row, next);
    }
    if (this.#more && last >= this.length - around) this.#load();
  }

  async #load() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const more = this.#more;
    this.#more = null; // after an error there is no other try
    const sightings = await more();
    if (this.#end.signal.aborted) return;
    this.#isLoading = false;
    this.#more = sightings && more;
    this.#items.push(...(sightings ?? []));
    this.#draw();
  }
}

/** A list of all sightings of a query.
 *
 * @param {Element} element emptied first.
 * @param {URLSearchParams} query of /api/v1/sightings.
 * @param {Function} empty called if there is none.
 */
export function listOf(element, query, empty = () => {}) {
  let cursor;
  return new SightingList(element, async () => {
    if (cursor === null) return null;
    const page = new URLSearchParams(query);
    page.set("limit", cursor ? 500 : 50); // the first ones soon
    if (cursor) page.set("cursor", cursor);
    const answer = await api("GET", `/api/v1/sightings?${page}`);
    if (!cursor && !answer.sightings.length) empty();
    cursor = answer.cursor;
    return answer.sightings;
  });
}
