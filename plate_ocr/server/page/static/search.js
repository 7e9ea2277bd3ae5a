/** Sightings that are looked for; the address holds the filter. */
import { api, cameraNames, h, root } from "./shell.js";
import { listOf } from "./sightings.js";

const form = document.getElementById("filter");
const list = document.getElementById("sightings");
const none = document.getElementById("none");
let found;

/** The filter of the form, as the API takes it. */
function queryOf(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim() && name !== "how") query.set(name, value.trim());
  if (form.elements.how.value === "like" && query.has("q")) {
    query.set("like", query.get("q"));
    query.delete("q");
  }
  for (const name of ["from", "to"]) if (query.has(name)) query.set(name, new Date(query.get(name)).toISOString());
  return query;
}

/** Put a filter into the form. */
function enter(query) {
  form.reset();
  for (const [name, value] of query) {
    const field = form.elements.namedItem(name === "like" ? "q" : name);
    if (!field) continue;
    if (field.tagName === "SELECT" && ![...field.options].some((one) => one.value === value)) field.append(h("option", { value }, value));
    if (field.type === "checkbox") field.checked = value === field.value;
    else field.value = field.type === "datetime-local" ? localOf(value) : value;
  }
  form.elements.how.value = query.has("like") ? "like" : "q";
  const more = document.getElementById("more");
  more.open ||= [...query.keys()].some((name) => more.contains(form.elements.namedItem(name)));
}

function localOf(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.valueOf()) ? "" : new Date(at - 60000 * at.getTimezoneOffset()).toISOString().slice(0, 16);
}

function search() {
  const query = new URLSearchParams(location.search);
  enter(query);
  found?.close();
  none.hidden = true;
  found = listOf(list, query, () => (none.hidden = false));
  for (const link of document.querySelectorAll("#export a")) {
    const wanted = new URLSearchParams(query);
    if (link.dataset.format) wanted.set("format", link.dataset.format);
    link.href = `${root}/api/v1/sightings${link.dataset.path ?? ""}?${wanted}`;
  }
}

function goTo(query) {
  history.pushState(null, "", query.size ? `?${query}` : location.pathname);
  search();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  goTo(queryOf(form));
});
document.getElementById("all").addEventListener("click", () => goTo(new URLSearchParams()));
addEventListener("popstate", search);
search();

const { lists } = await api("GET", "/api/v1/lists");
const known = new Set([...form.elements.list.options].map((one) => one.value));
form.elements.list.append(...lists.filter(({ name }) => !known.has(name)).map(({ name }) => h("option", { value: name }, name)));
document.getElementById("cameras").append(...(await cameraNames()).map((name) => h("option", { value: name })));
