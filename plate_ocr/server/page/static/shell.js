/** What modules of pages stand on: the API, texts, elements, messages. */
const { default: texts } = await import(`./texts-${document.documentElement.lang}.js`);

export const language = document.documentElement.lang;

/** The path under which the server is reached; "" where that is /. */
export const root = document.documentElement.dataset.root;

/** Whether whoever looks has a role. */
export const may = (role) => document.body.dataset.may.split(" ").includes(role);

/** A text in the language of the page; {name} in it is replaced by values.name. */
export function t(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** An element. Attributes whose value is a function are listeners, true is an attribute without value,
 * false and null are left out; children are elements or texts, never markup. */
export function h(tag, attributes = {}, ...children) {
  const [name, space] = tag.split(":").reverse();
  const element = space
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** Say something: an error until it is closed, else ("done") for some seconds. */
export function show(text, kind = "error") {
  const close = h("button", { type: "button", class: "quiet", "aria-label": t("shell.close") }, "×");
  const message = h("div", { class: `message ${kind}` }, h("span", {}, text), close);
  close.addEventListener("click", () => message.remove());
  const messages = document.getElementById("messages");
  if (messages.lastChild?.textContent === message.textContent) messages.lastChild.remove();
  messages.append(message);
  if (kind !== "error") setTimeout(() => message.remove(), 5000);
}

/** What the API refused, in words for people; status is that of the answer, 0 without one. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The answer of the API as an object, of 204 null.
 *
 * @param {string} method of the request.
 * @param {string} path below the root, as /api/v1/sightings?q=AB*.
 * @param body a FormData or Blob as it is, else as JSON.
 * @throws {ApiError}
 */
export async function api(method, path, body) {
  const request = { method, headers: { Accept: "application/json" } };
  if (body instanceof FormData || body instanceof Blob) request.body = body;
  else if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(root + path, request);
  } catch {
    throw new ApiError(t("shell.offline"), 0);
  }
  const isLogin = document.body.dataset.page === "login";
  if (answer.status === 401 && !isLogin) location.reload(); // the page is then the form
  if (answer.status === 204) return null;
  const values = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new ApiError(values.error ?? t("shell.failed", { status: answer.status }), answer.status);
  }
  return values;
}

/** The names of the cameras; none where several processes serve: none of them watches. */
export const cameraNames = async () => (await api("GET", "/api/v1/cameras").catch(() => [])).map(({ name }) => name);

const locale = navigator.languages.find((one) => one.startsWith(language)) ?? language;
const TIME = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });

/** A time of the API in the zone of whoever looks; of today only the hour. */
export function time(iso) {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  return h("time", { datetime: iso, title: TIME.format(at) }, (today ? CLOCK : TIME).format(at));
}

/** A share of 0 to 1 in per cent. */
export const percent = (share) => `${Math.round(100 * share)} %`;
