/** What pages share on which things are set up: forms, tables, dialogs. */
import { api, h, show, t } from "./shell.js";

/** A form field with its label. */
export const field = (label, control, attributes = {}) => h("label", attributes, label, control);

/** A field for one line of text. */
export const line = (label, name, value = "", more = {}) =>
  field(label, h("input", { name, value: value ?? "", autocomplete: "off", ...more }));

/** A field for a number; empty is null. */
export const number = (label, name, value, more = {}) =>
  line(label, name, value, { type: "number", step: "any", min: 0, ...more });

/** A field of which one of some values is chosen; options are pairs of value and text. */
export const select = (label, name, value, options) =>
  field(
    label,
    h("select", { name }, options.map(([key, text]) => h("option", { value: key, selected: key === String(value) }, text))),
  );

/** A box that is checked or not. */
export const check = (label, name, value) =>
  h("label", { class: "check" }, h("input", { type: "checkbox", name, checked: Boolean(value) }), label);

/** A field for several values, one a line. */
export const lines = (label, name, values) =>
  field(label, h("textarea", { name, rows: 3 }, (values ?? []).join("\n")), { class: "wide" });

/** The values of a form: numbers, null for an empty number, true and false of boxes, lists of several lines. */
export function valuesOf(form) {
  const values = {};
  for (const control of form.elements) {
    if (!control.name || control.disabled) continue;
    if (control.type === "checkbox") values[control.name] = control.checked;
    else if (control.type === "number") values[control.name] = control.value === "" ? null : Number(control.value);
    else if (control.type === "textarea") {
      values[control.name] = control.value.split("\n").map((one) => one.trim()).filter(Boolean);
    } else values[control.name] = control.value;
  }
  return values;
}

/** A form that does something and says so; what goes wrong is said by the shell. */
export function form(attributes, submit, ...children) {
  const element = h("form", attributes, ...children);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = element.querySelector("button:not([type=button])");
    button.disabled = true;
    try {
      await submit(valuesOf(element), element);
    } finally {
      button.disabled = false;
    }
  });
  return element;
}

/** A button that does something. */
export const button = (text, press, kind = "second", more = {}) =>
  h("button", { type: "button", class: kind, click: press, ...more }, text);

/** A button for what a row shows; what reads the page aloud names that too. */
export const rowButton = (text, name, press, kind = "second") => button(text, press, kind, { "aria-label": `${text}: ${name}` });

/** The head of a column of buttons. */
export const actionsHead = () => h("span", { class: "hidden-label" }, t("manage.actions"));

/** What the states of parts of the server are called, and the kind of their badge. */
export const STATES = {
  ok: [t("settings.ok"), "good"],
  watching: [t("cameras.watching"), "good"],
  off: [t("manage.off"), ""],
  connecting: [t("cameras.connecting"), ""],
  lost: [t("cameras.lost"), "bad"],
  failing: [t("alerts.failing"), "bad"],
  ended: [t("settings.ended"), "bad"],
  "disk full": [t("settings.diskFull"), "bad"],
  "read-only": [t("settings.readOnly"), "bad"],
  unavailable: [t("settings.unavailable"), "bad"],
};

/** Ask whether to delete something, delete it, and then go on. */
export async function remove(what, path, then) {
  if (!confirm(t("manage.sure", { what }))) return;
  await api("DELETE", path);
  show(t("manage.deleted"), "done");
  await then();
}

/** A table; cells of narrow windows stand below each other. */
export const table = (heads, rows) =>
  h(
    "table",
    { class: "cells" },
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) => h("td", { "data-head": typeof heads[i] === "string" && heads[i] }, cell || ""))))),
  );

/** Show a dialog until it is closed; returns it. */
export function dialog(title, ...children) {
  const element = h(
    "dialog",
    { "aria-label": title, close: () => element.remove() },
    h(
      "div",
      { class: "dialog-head" },
      h("h2", {}, title),
      h("button", { type: "button", class: "quiet", "aria-label": t("shell.close"), click: () => element.close() }, "×"),
    ),
    h("div", { class: "dialog-body stack" }, ...children),
  );
  document.body.append(element);
  element.showModal();
  return element;
}

/** Boxes for some names, of which those in chosen are checked; the names that are checked. */
export function names(label, all, chosen) {
  const known = [...new Set([...all, ...chosen])];
  const boxes = known.map((name) => [name, h("input", { type: "checkbox", checked: chosen.includes(name) })]);
  const element = h(
    "div",
    { class: "wide", role: "group", "aria-label": label },
    h("div", { class: "muted small" }, label),
    h("div", { class: "row" }, boxes.map(([name, box]) => h("label", { class: "check" }, box, name))),
  );
  return [element, () => boxes.filter(([, box]) => box.checked).map(([name]) => name)];
}
