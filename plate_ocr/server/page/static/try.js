/** Pictures that are dropped, pasted or chosen, read at once. */
import { api, h, percent, t } from "./shell.js";
import { marked, charsOf } from "./sighting.js";
import { plateOf } from "./sightings.js";

const drop = document.getElementById("drop");
const keep = document.getElementById("keep");
const results = document.getElementById("results");

async function read(file) {
  const card = h("article", { class: "card result", "aria-busy": "true" }, h("p", {}, t("try.reading"), " ", h("bdi", {}, file.name)));
  results.prepend(card);
  const form = new FormData();
  form.append("image", file, file.name);
  try {
    const reading = await api("POST", `/api/v1/read?store=${keep?.checked ? 1 : 0}`, form);
    card.replaceChildren(...contentOf(reading, file));
  } catch (error) {
    card.replaceChildren(h("h2", {}, h("bdi", {}, file.name)), h("p", { class: "failed" }, error.message));
  } finally {
    card.removeAttribute("aria-busy");
  }
}

function contentOf({ plates, width, height, ms }, file) {
  const address = URL.createObjectURL(file);
  const picture = marked(address, [width, height], plates, file.name);
  const image = picture.querySelector("img");
  image.addEventListener("load", () => URL.revokeObjectURL(address));
  image.addEventListener("error", () => picture.remove()); // a format that the browser does not show
  const found = plates.map((plate) =>
    h("section", {},
      h("h2", { class: "text large" }, plateOf(plate.text, plate.chars, plate.groups)),
      h("p", { class: "muted" }, [percent(plate.confidence), plate.region?.code.toUpperCase()].filter(Boolean).join(" · "),
        plate.id && ` · ${t("try.kept")}`),
      charsOf(plate.chars)));
  return [
    picture,
    h("div", {}, found.length ? found : h("h2", {}, t("try.none")),
      h("p", { class: "muted small" }, h("bdi", {}, file.name), ` · ${width} × ${height} · ${Math.round(ms)} ms`)),
  ];
}

const readAll = (files) => Promise.all([...files].map(read));

document.getElementById("file").addEventListener("change", async ({ target }) => {
  await readAll(target.files);
  target.value = ""; // so that the same file can be chosen again
});
addEventListener("paste", (event) => readAll(event.clipboardData.files));
for (const name of ["dragover", "dragleave", "drop"]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop") readAll(event.dataTransfer.files);
  });
}
