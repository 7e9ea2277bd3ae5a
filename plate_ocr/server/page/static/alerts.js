/** Alerts as they come, the channels that are told, and their deliveries. */
import { hasSound, ring, setSound } from "./alarm.js";
import { follow } from "./events.js";
import { api, cameraNames, h, may, show, t, time } from "./shell.js";
import { actionsHead, button, check, dialog, field, form, line, lines, names, number, remove, rowButton, select, table } from "./manage.js";

const place = document.getElementById("alerts");
const banner = h("div", { role: "alert" });
const recent = h("div", { class: "card stack" });
const channels = h("div", { class: "card stack" });
const log = h("div", { class: "card stack" });

const states = {
  waiting: t("alerts.waiting"),
  delivered: t("alerts.delivered"),
  failed: t("alerts.failed"),
  expired: t("alerts.expired"),
};

/* Alerts */

const row = (sighting) => [
  time(sighting.last_seen),
  h("span", { class: "plate" }, sighting.text),
  sighting.camera ?? "",
  h("span", {}, sighting.matches.map((one) => h("span", { class: `badge ${one.kind}` }, [one.list, one.name, one.why].filter(Boolean).join(" · ")))),
];

let shown = [];

function drawAlerts() {
  recent.replaceChildren(
    h("h2", {}, t("alerts.recent")),
    shown.length
      ? table([t("manage.time"), t("lists.plate"), t("manage.camera"), t("alerts.why")], shown.map(row))
      : h("p", { class: "muted" }, t("alerts.none")),
  );
}

async function loadAlerts() {
  const { sightings } = await api("GET", "/api/v1/sightings?alerted=true&limit=10");
  const missing = (one) => !sightings.some(({ id }) => id === one.id);
  shown = [...shown.filter(missing), ...sightings].sort((a, b) => Date.parse(b.last_seen) - Date.parse(a.last_seen)).slice(0, 10);
  drawAlerts();
}

function alerted(sighting) {
  if (shown.some((one) => one.id === sighting.id)) return;
  shown = [sighting, ...shown].slice(0, 10);
  ring(banner, sighting);
  drawAlerts();
  if (may("operate")) drawLog();
}

function soundSwitch() {
  const text = () => (hasSound() ? t("alerts.soundOff") : t("alerts.soundOn"));
  const element = button(text(), async () => {
    await setSound(!hasSound());
    element.textContent = text();
  });
  return element;
}

/* Channels */

const FORMATS = ["plate-ocr", "platerecognizer-stream", "alpr-database", "openalpr-group"].map((one) => [one, one]);

/** The fields of each kind of channel, of its settings. */
const FIELDS = {
  webhook: (settings) => [
    line(t("alerts.url"), "url", settings.url, { required: true, class: "wide", placeholder: "http://" }),
    line(t("alerts.secret"), "secret", settings.secret),
    select(t("alerts.format"), "format", settings.format, FORMATS),
    check(t("alerts.pictures"), "pictures", settings.pictures ?? true),
  ],
  mqtt: (settings) => [
    line(t("alerts.host"), "host", settings.host, { required: true }),
    number(t("alerts.port"), "port", settings.port ?? 1883, { required: true, step: 1 }),
    line(t("alerts.user"), "user", settings.user),
    line(t("login.password"), "password", settings.password, { type: "password", autocomplete: "off" }),
    line(t("alerts.topic"), "topic", settings.topic ?? "plate-ocr"),
    line(t("alerts.discovery"), "discovery", settings.discovery ?? "homeassistant"),
    check("TLS", "tls", settings.tls),
    check("Frigate", "frigate", settings.frigate),
  ],
  command: (settings) => [lines(t("alerts.args"), "args", settings.args)],
  apprise: (settings) => [
    lines(t("alerts.urls"), "urls", settings.urls),
    check(t("alerts.pictures"), "pictures", settings.pictures ?? true),
  ],
};

async function edit(channel) {
  const [{ lists }, cameras] = await Promise.all([
    api("GET", "/api/v1/lists"),
    cameraNames(),
  ]);
  const settings = channel?.settings ?? {};
  const kind = h("select", { name: "kind", disabled: Boolean(channel) }, Object.keys(FIELDS).map((one) => h("option", { selected: one === channel?.kind }, one)));
  const own = h("fieldset", {});
  const drawOwn = () => own.replaceChildren(...FIELDS[kind.value](settings));
  kind.addEventListener("change", drawOwn);
  drawOwn();
  const [listBoxes, chosenLists] = names(t("alerts.lists"), lists.map((one) => one.name), settings.lists ?? []);
  const [cameraBoxes, chosenCameras] = names(t("alerts.cameras"), cameras, settings.cameras ?? []);
  const element = dialog(
    channel ? channel.name : t("alerts.new"),
    form(
      {},
      async ({ name, enabled, kind: _, ...values }) => {
        const body = {
          name,
          enabled,
          settings: { ...settings, ...values, lists: chosenLists(), cameras: chosenCameras() },
        };
        if (channel) await api("PUT", `/api/v1/channels/${channel.id}`, body);
        else await api("POST", "/api/v1/channels", { ...body, kind: kind.value });
        element.close();
        await drawChannels();
      },
      h(
        "div",
        { class: "fields" },
        line(t("lists.name"), "name", channel?.name, { required: true, maxlength: 100 }),
        field(t("lists.kind"), kind),
        check(t("manage.enabled"), "enabled", channel?.enabled ?? true),
        own,
        check(t("alerts.relay"), "relay", settings.relay),
        number(t("alerts.expires"), "expires", settings.expires),
        lists.length > 0 && listBoxes,
        cameras.length > 0 && cameraBoxes,
      ),
      h("div", { class: "actions" }, h("button", {}, t("manage.save"))),
    ),
  );
}

async function test(channel) {
  const answer = await api("POST", `/api/v1/channels/${channel.id}/test`);
  if (answer.delivered) show(t("alerts.arrived"), "done");
  else show(`${channel.name}: ${answer.error}`);
}

async function drawChannels() {
  const { channels: found } = await api("GET", "/api/v1/channels");
  const rows = found.map((channel) => [
    h("strong", {}, channel.name),
    channel.kind,
    !channel.enabled
      ? h("span", { class: "badge" }, t("manage.off"))
      : channel.error
        ? h("span", {}, h("span", { class: "badge bad" }, t("alerts.failing")), ` ${channel.error}`)
        : h("span", { class: "badge good" }, "OK"),
    channel.waiting ? t("alerts.queued", { count: channel.waiting }) : "",
    may("admin") &&
      h(
        "div",
        { class: "actions" },
        rowButton(t("alerts.test"), channel.name, () => test(channel)),
        rowButton(t("manage.edit"), channel.name, () => edit(channel)),
        rowButton(t("manage.delete"), channel.name, () => remove(channel.name, `/api/v1/channels/${channel.id}`, drawChannels), "danger"),
      ),
  ]);
  channels.replaceChildren(
    h("h2", {}, t("alerts.channels")),
    rows.length
      ? table([t("lists.name"), t("lists.kind"), t("manage.state"), t("alerts.queue"), actionsHead()], rows)
      : h("p", { class: "muted" }, t("alerts.noChannel")),
    may("admin") ? h("div", { class: "actions" }, button(t("alerts.new"), () => edit(null), "")) : "",
  );
}

/* Deliveries */

let state = "";

async function drawLog(before = null, rows = []) {
  const query = new URLSearchParams({ limit: 25, ...(state && { state }), ...(before && { before }) });
  const { deliveries, cursor } = await api("GET", `/api/v1/deliveries?${query}`);
  rows = [...rows, ...deliveries];
  const filter = h("select", { change: () => { state = filter.value; drawLog(); } }, [["", t("alerts.all")], ...Object.entries(states)].map(([key, text]) => h("option", { value: key, selected: key === state }, text)));
  const again = async (delivery) => {
    await api("POST", `/api/v1/deliveries/${delivery.id}/retry`);
    await drawLog();
  };
  const kinds = { delivered: "good", failed: "bad", expired: "bad" };
  log.replaceChildren(
    h("div", { class: "head" }, h("h2", {}, t("alerts.log")), field(t("manage.state"), filter)),
    rows.length
      ? table(
          [t("manage.time"), t("lists.plate"), t("alerts.channel"), t("manage.state"), t("alerts.tries"), t("manage.error"), actionsHead()],
          rows.map((one) => [
            time(one.created),
            h("span", { class: "plate" }, one.event.sighting.text),
            one.channel,
            h("span", { class: `badge ${kinds[one.state] ?? ""}` }, states[one.state]),
            String(one.tries),
            one.error ?? "",
            one.state === "failed" ? button(t("alerts.retry"), () => again(one)) : "",
          ]),
        )
      : h("p", { class: "muted" }, t("alerts.noDelivery")),
    h(
      "div",
      { class: "actions" },
      button(t("manage.refresh"), () => Promise.all([drawLog(), drawChannels()])),
      cursor && button(t("manage.more"), () => drawLog(cursor, rows)),
    ),
  );
}

place.append(banner, recent);
document.querySelector(".head").append(soundSwitch());
await loadAlerts();
if (may("operate")) {
  place.append(channels, log);
  await Promise.all([drawChannels(), drawLog()]);
}
follow({ alert: alerted }, loadAlerts);
