/** Settings: what is wrong, how long what is kept, keys, people, and who did what. */
import { api, h, language, show, t, time } from "./shell.js";
import { actionsHead, button, dialog, form, line, number, remove, rowButton, select, STATES, table } from "./manage.js";

const place = document.getElementById("settings");
const ROLES = [["read", t("settings.read")], ["operate", t("settings.operate")], ["admin", t("settings.admin")]];
const role = (name) => ROLES.find(([key]) => key === name)[1];

const size = (bytes) => {
  const [unit, value] = bytes >= 1e9 ? ["gigabyte", bytes / 1e9] : ["megabyte", bytes / 1e6];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
};

const section = (title) => {
  const element = h("section", { class: "card stack" });
  element.append(h("h2", {}, title));
  place.append(element);
  return (...children) => element.replaceChildren(element.firstChild, ...children.filter(Boolean));
};

/* State */

async function drawState(fill) {
  const state = await api("GET", "/api/v1/state");
  const row = (name, one) => {
    const [text, kind] = STATES[one.state];
    return [name, h("span", { class: `badge ${kind}` }, text), one.error ?? ""];
  };
  fill(
    table(
      [t("settings.part"), t("manage.state"), t("manage.error")],
      [
        row(t("settings.reading"), state.reading),
        row(t("settings.database"), state.database),
        ...state.channels.map((one) => row(`${t("alerts.channel")} ${one.name}`, one)),
        ...state.cameras.map((one) => row(`${t("manage.camera")} ${one.name}`, one)),
      ],
    ),
  );
}

/* How long */

async function drawRetention(fill) {
  const [kept, room] = await Promise.all([api("GET", "/api/v1/retention"), api("GET", "/api/v1/storage")]);
  const used = room.total - room.free;
  const one = (label, name, more = {}) =>
    number(label, name, kept[name], { placeholder: t("settings.forever"), disabled: kept.given.includes(name), ...more });
  fill(
    h(
      "div",
      { class: "stack" },
      h("label", {}, t("settings.disk", { free: size(room.free), total: size(room.total) }), h("meter", { value: used, max: room.total, high: room.total * 0.9 })),
      h(
        "p",
        {},
        t("settings.room", { count: new Intl.NumberFormat(language).format(room.sightings), pictures: size(room.pictures), database: room.database === null ? "–" : size(room.database) }),
        room.oldest && [" ", t("settings.oldest"), " "].join(""),
        room.oldest && time(room.oldest),
      ),
    ),
    form(
      {},
      async (values) => {
        await api("PUT", "/api/v1/retention", values);
        show(t("manage.saved"), "done");
        await drawRetention(fill);
      },
      h(
        "div",
        { class: "fields" },
        one(t("settings.keepDays"), "keep_days"),
        one(t("settings.keepSightings"), "keep_sightings", { step: 1 }),
        one(t("settings.keepSize"), "keep_size", { step: 1 }),
        one(t("settings.keepPictures"), "keep_picture_days"),
        one(t("settings.hash"), "hash_after_days"),
      ),
      kept.given.length > 0 && h("p", { class: "muted small" }, t("settings.given")),
      h("div", { class: "actions" }, h("button", {}, t("manage.save"))),
    ),
  );
}

/* Keys and people */

/** Who has which role, each with a button that deletes it; or a text if there is nobody. */
const members = (found, none, pathOf, redraw) =>
  found.length
    ? table(
        [t("lists.name"), t("settings.role"), actionsHead()],
        found.map((one) => [
          one.name,
          role(one.role),
          rowButton(t("manage.delete"), one.name, () => remove(one.name, pathOf(one), redraw), "danger"),
        ]),
      )
    : h("p", { class: "muted" }, none);

async function drawKeys(fill) {
  const [keys, people] = await Promise.all([api("GET", "/api/v1/keys"), api("GET", "/api/v1/people")]);
  if (!people.length && !keys.length) {
    // With a key somebody is asked for a password, and there would be none.
    fill(h("p", { class: "muted" }, t("settings.personFirst")));
    return;
  }
  fill(
    members(keys, t("settings.noKeys"), (key) => `/api/v1/keys/${key.id}`, () => drawKeys(fill)),
    form(
      { class: "fields" },
      async (values) => {
        const made = await api("POST", "/api/v1/keys", values);
        dialog(t("settings.newKey"), h("p", {}, t("settings.once")), h("input", { value: made.key, readonly: true, "aria-label": t("settings.key"), focus: (event) => event.target.select() }));
        await drawKeys(fill);
      },
      line(t("settings.keyName"), "name", "", { required: true, maxlength: 100 }),
      select(t("settings.role"), "role", "read", ROLES),
      h("button", {}, t("settings.addKey")),
    ),
  );
}

async function drawPeople(fill) {
  const people = await api("GET", "/api/v1/people");
  fill(
    members(people, t("settings.nobody"), (person) => `/api/v1/people/${encodeURIComponent(person.name)}`, () => drawPeople(fill)),
    form(
      { class: "fields" },
      async ({ name, ...values }) => {
        await api("PUT", `/api/v1/people/${encodeURIComponent(name)}`, values);
        // From the first person on everybody is asked.
        if (!people.length) await api("POST", "/api/v1/login", { name, password: values.password });
        show(t("manage.saved"), "done");
        await Promise.all([drawPeople(fill), drawKeys(keySection)]);
      },
      line(t("settings.personName"), "name", "", { required: true, maxlength: 100 }),
      line(t("login.password"), "password", "", { type: "password", required: true, minlength: 8, autocomplete: "new-password" }),
      select(t("settings.role"), "role", people.length ? "read" : "admin", ROLES),
      h("button", {}, t("settings.setPerson")),
    ),
  );
}

/* Who did what */

async function drawAudit(fill, before = null, rows = []) {
  const { audit, cursor } = await api("GET", `/api/v1/audit?limit=20${before ? `&before=${before}` : ""}`);
  rows = [...rows, ...audit];
  fill(
    table(
      [t("manage.time"), t("settings.who"), t("settings.what"), t("settings.detail")],
      rows.map((one) => [time(one.at), one.who ?? "–", one.action, Object.entries(one.detail).map(([key, value]) => `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ")]),
    ),
    h("div", { class: "actions" }, button(t("manage.refresh"), () => drawAudit(fill)), cursor && button(t("manage.more"), () => drawAudit(fill, cursor, rows))),
  );
}

const stateSection = section(t("settings.state"));
const retentionSection = section(t("settings.retention"));
const peopleSection = section(t("settings.people"));
const keySection = section(t("settings.keys"));
await Promise.all([
  drawState(stateSection),
  drawRetention(retentionSection),
  drawPeople(peopleSection),
  drawKeys(keySection),
  drawAudit(section(t("settings.audit"))),
]);
