/** The banner and the sound of an alert. */
import { h, root, t, time } from "./shell.js";

const KEY = "plate-ocr-sound";

let audio = null;

/** Whether a sound is wanted; browsers allow one after a press only. */
export const hasSound = () => localStorage.getItem(KEY) === "on";

/** Turn the sound on, and let it be heard once, or off. */
export async function setSound(on) {
  localStorage.setItem(KEY, on ? "on" : "off");
  if (on) await beep();
}

async function beep() {
  audio ??= new AudioContext();
  await audio.resume();
  for (const [i, frequency] of [880, 660, 880].entries()) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const start = audio.currentTime + i * 0.22;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.25, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.2);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.2);
  }
}

/** Show the alert of a sighting in an element until it is closed, and let it be heard. */
export function ring(place, sighting) {
  if (hasSound()) beep();
  const match = sighting.matches.find((one) => one.alerted) ?? sighting.matches[0];
  const banner = h(
    "div",
    { class: "banner" },
    sighting.crop && h("img", { src: root + sighting.crop, alt: "" }),
    h("strong", { class: "plate" }, sighting.text),
    h("span", {}, [match?.list, match?.name, sighting.camera].filter(Boolean).join(" · ")),
    time(sighting.last_seen),
    h("button", { type: "button", class: "quiet", "aria-label": t("shell.close"), click: () => banner.remove() }, "×"),
  );
  place.replaceChildren(banner);
}
