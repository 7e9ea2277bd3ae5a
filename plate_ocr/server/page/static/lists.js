/** Lists: what they are for, their plates, and whether a plate would be on them. */
import { api, cameraNames, h, may, root, show, t } from "./shell.js";
import { actionsHead, button, form, line, names, number, remove, select, table } from "./manage.js";

const choice = document.getElementById("lists");
const place = document.getElementById("list");
const canChange = may("operate");
let cameras = [];

const kinds = [
  ["known", t("lists.known")],
  ["watch", t("lists.watch")],
  ["ignore", t("lists.ignore")],
];

const chosen = () => Number(new URLSearchParams(location.search).get("id"));

async function draw(id = chosen()) {
  const { lists } = await api("GET", "/api/v1/lists");
  const current = lists.find((list) => list.id === id) ?? lists[0];
  history.replaceState(null, "", current ? `?id=${current.id}` : location.pathname);
  choice.replaceChildren(
    ...lists.map((list) =>
      h(
        "li",
        {},
        button(h("span", {}, list.name), () => draw(list.id), "", { "aria-current": list === current && "true" }),
      ),
    ),
    ...(canChange ? [h("li", {}, button(t("lists.new"), create, ""))] : []),
  );
  for (const [i, list] of lists.entries()) {
    const kind = kinds.find(([key]) => key === list.kind)[1];
    choice.children[i].firstChild.append(h("span", { class: `badge ${list.kind}` }, `${kind} · ${list.count}`));
  }
  if (!current) {
    place.replaceChildren(h("p", { class: "card" }, t("lists.none")));
    return;
  }
  await open(current);
}

async function open(list) {
  const { plates } = await api("GET", `/api/v1/lists/${list.id}/plates`);
  place.replaceChildren(trial(list), entries(list, plates), canChange ? settingsCard(list) : "");
}

/** "Test this plate": which entry of the list a text would be. */
function trial(list) {
  const result = h("output", { "aria-live": "polite" });
  return form(
    { class: "card" },
    async ({ plate }) => {
      const found = await api("GET", `/api/v1/lists/${list.id}/match?plate=${encodeURIComponent(plate)}`);
      result.replaceChildren(
        found.plate === null
          ? t("lists.not", { plate })
          : h("span", {}, h("strong", { class: "plate" }, found.plate), ` ${found.name} — ${found.why}`),
      );
    },
    h("h2", {}, list.name),
    h("div", { class: "row bottom" }, line(t("lists.test"), "plate", "", { required: true, maxlength: 40 }), h("button", { class: "second" }, t("lists.try")), result),
  );
}

function entries(list, plates) {
  const path = `/api/v1/lists/${list.id}/plates`;
  const file = h("input", { type: "file", accept: ".csv,text/csv", hidden: true, "aria-label": t("lists.import") });
  file.addEventListener("change", async () => {
    const answer = await api("POST", path, new Blob([file.files[0]], { type: "text/csv" }));
    await draw(list.id);
    show(t("lists.imported", { count: answer.plates }), "done");
  });
  const add = form(
    { class: "fields" },
    async (values) => {
      await api("POST", path, values);
      await draw(list.id);
      place.querySelector(".fields input")?.focus();
    },
    line(t("lists.plate"), "plate", "", { required: true, maxlength: 40 }),
    line(t("lists.name"), "name", "", { maxlength: 200 }),
    line(t("lists.note"), "note", "", { maxlength: 2000 }),
    h("button", {}, t("lists.add")),
  );
  const rows = plates.map((entry) => [
    h("span", { class: "plate" }, entry.plate),
    entry.name,
    entry.note,
    canChange &&
      button("×", () => remove(entry.plate, `${path}/${encodeURIComponent(entry.plate)}`, () => draw(list.id)), "quiet", {
        "aria-label": t("lists.remove", { plate: entry.plate }),
      }),
  ]);
  return h(
    "div",
    { class: "card stack" },
    canChange && add,
    rows.length
      ? table([t("lists.plate"), t("lists.name"), t("lists.note"), actionsHead()], rows)
      : h("p", { class: "muted" }, t("lists.empty")),
    h(
      "div",
      { class: "actions" },
      h("a", { class: "button second", href: `${root}${path}?format=csv`, download: `${list.name}.csv` }, t("lists.export")),
      canChange && button(t("lists.import"), () => file.click()),
      file,
    ),
  );
}

function settingsForm(list, then) {
  const [boxes, chosenCameras] = names(t("lists.cameras"), cameras, list.cameras);
  return form(
    { class: "card" },
    (values) => then({ ...values, cameras: chosenCameras() }),
    h("h2", {}, list.id ? t("lists.settings") : t("lists.new")),
    h(
      "div",
      { class: "fields" },
      line(t("lists.name"), "name", list.name, { required: true, maxlength: 100 }),
      select(t("lists.kind"), "kind", list.kind, kinds),
      number(t("lists.tolerance"), "tolerance", list.tolerance, { max: 2, step: 1, required: true }),
      line(t("lists.hours"), "hours", list.hours, { placeholder: "22:00-06:30" }),
      number(t("lists.cooldown"), "cooldown", list.cooldown, { required: true }),
      boxes,
    ),
    h(
      "div",
      { class: "actions" },
      h("button", {}, t("manage.save")),
      list.id && button(t("manage.delete"), () => remove(list.name, `/api/v1/lists/${list.id}`, () => draw(0)), "danger"),
    ),
  );
}

const settingsCard = (list) =>
  settingsForm(list, async (values) => {
    await api("PUT", `/api/v1/lists/${list.id}`, values);
    show(t("manage.saved"), "done");
    await draw(list.id);
  });

function create() {
  const fresh = { name: "", kind: "known", tolerance: 1, hours: "", cameras: [], cooldown: 300 };
  const card = settingsForm(fresh, async (values) => {
    const made = await api("POST", "/api/v1/lists", values);
    await draw(made.id);
  });
  place.replaceChildren(card);
  card.querySelector("input").focus();
}

cameras = await cameraNames();
await draw();
