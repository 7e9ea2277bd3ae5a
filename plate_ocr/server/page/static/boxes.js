/** Boxes drawn on a picture, by mouse, finger or keyboard: where a camera looks, and what it ignores. */
import { h, t } from "./shell.js";
import { button } from "./manage.js";

const MIN = 8;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** A picture on which boxes are drawn.
 *
 * @param {string} source address of the picture.
 * @param {?number[]} roi x, y, width, height, pixels of the picture; null: all of it.
 * @param {number[][]} ignore likewise.
 * @returns the element, and a function that gives {roi, ignore}.
 */
export async function drawing(source, roi, ignore) {
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  const [width, height] = [picture.naturalWidth, picture.naturalHeight];
  const svg = h("svg:svg", { class: "drawing", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": t("cameras.picture") },
    h("svg:image", { href: source, width, height }));
  let kind = "roi";

  function place(box, x, y, w, h_) {
    const bw = clamp(Math.round(w), MIN, width);
    const bh = clamp(Math.round(h_), MIN, height);
    box.setAttribute("width", bw);
    box.setAttribute("height", bh);
    box.setAttribute("x", clamp(Math.round(x), 0, width - bw));
    box.setAttribute("y", clamp(Math.round(y), 0, height - bh));
  }

  const read = (box) => ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name)));
  const all = (name) => [...svg.querySelectorAll(`.box.${name}`)];

  function add(name, box) {
    if (name === "roi") all("roi").forEach((old) => old.remove());
    const element = h("svg:rect", {
      class: `box ${name}`,
      tabindex: 0,
      role: "img",
      "aria-label": name === "roi" ? t("cameras.roi") : t("cameras.ignore"),
      keydown: (event) => press(event, element),
    });
    place(element, ...box);
    svg.append(element);
    return element;
  }

  function press(event, element) {
    const [x, y, w, h_] = read(element);
    const step = Math.max(1, Math.round(width / 100));
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
    if (event.key === "Delete" || event.key === "Backspace") {
      element.remove();
      svg.parentElement.querySelector("button").focus();
    } else if (dx || dy) {
      if (event.shiftKey) place(element, x, y, w + dx, h_ + dy);
      else place(element, x + dx, y + dy, w, h_);
    } else return;
    event.preventDefault();
  }

  function at(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [clamp(point.x, 0, width), clamp(point.y, 0, height)];
  }

  svg.addEventListener("pointerdown", (event) => {
    const [x, y] = at(event);
    const hit = event.target.classList.contains("box") ? event.target : null;
    const box = hit ?? add(kind, [x, y, MIN, MIN]);
    const start = read(box);
    svg.setPointerCapture(event.pointerId);
    const move = (later) => {
      const [toX, toY] = at(later);
      if (hit) place(box, start[0] + toX - x, start[1] + toY - y, start[2], start[3]);
      else place(box, Math.min(x, toX), Math.min(y, toY), Math.abs(toX - x), Math.abs(toY - y));
    };
    svg.addEventListener("pointermove", move);
    svg.addEventListener("pointerup", () => svg.removeEventListener("pointermove", move), { once: true });
    box.focus();
    event.preventDefault();
  });

  if (roi) add("roi", roi);
  ignore.forEach((box) => add("ignore", box));

  const tool = (name, text) =>
    button(text, () => {
      kind = name;
      add(name, [width / 4, height / 4, width / 2, height / 2]).focus();
    });
  const element = h(
    "div",
    { class: "stack wide" },
    h("div", { class: "row" }, tool("roi", t("cameras.addRoi")), tool("ignore", t("cameras.addIgnore"))),
    svg,
    h("p", { class: "muted small" }, t("cameras.drawHelp")),
  );
  return [element, () => ({ roi: all("roi").map(read)[0] ?? null, ignore: all("ignore").map(read) })];
}
