"use strict";

// Whatever comes from the app may be hostile. It enters the page as text, never as markup, and what could not be
// seen in it, or would turn its neighbours around, is shown by its number.

const PAGE_SIZE = 100;
const LONGEST_SHOWN = 300;
const MOST_LINES = 100;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]|(?! )\p{Zs}/u;
// Between two parts a line may break: after the slashes of a path; in names after dots too, but not in numbers.
const PARTS = new RegExp(`(${UNSEEN.source})|(?<=[^/]/)(?=[^/])`, "u");
const PARTS_OF_NAMES = new RegExp(`${PARTS.source}|(?<=[.,])(?=[^/.,0-9])`, "u");
const HARMLESS = new Set(["GET", "HEAD", "OPTIONS"]);
const SEVERITIES = { error: "✕ error", warning: "▲ warning", info: "● info" };
const VERDICTS = {
  yes: { symbol: "✓", word: "yes" },
  credentials: { symbol: "✓", word: "yes + credentials" },
  asks: { symbol: "?", word: "asks" },
  unknown: { symbol: "?", word: "not known" },
  no: { symbol: "✕", word: "no" },
};

const at = (id) => document.getElementById(id);

// What is shown: elements, and text made visible.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function button(label, attributes, onPress) {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", onPress);
  return made;
}

const codePoint = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Text of the app, kept to itself, with marks in place of what cannot be seen. */
function shown(value, longest = LONGEST_SHOWN, parts = PARTS) {
  const characters = [...String(value)];
  const isolated = element("bdi", { dir: "ltr" });
  for (const part of characters.slice(0, longest).join("").split(parts)) {
    if (UNSEEN.test(part)) isolated.append(element("span", { class: "escape" }, codePoint(part)));
    else if (part) isolated.append(part, element("wbr"));
  }
  const left = characters.length - longest;
  if (left > 0) isolated.append(element("span", { class: "escape" }, `… ${left.toLocaleString("en")} more`));
  return isolated;
}

/** The same for where no element can stand: labels, options. */
function escaped(value, longest = 80) {
  const characters = [...String(value)];
  const text = characters.slice(0, longest).map((one) => (UNSEEN.test(one) ? `⟨${codePoint(one)}⟩` : one)).join("");
  return characters.length > longest ? `${text}…` : text;
}

const code = (value, longest) => element("code", {}, shown(value, longest, PARTS_OF_NAMES));
const small = (...children) => element("span", { class: "small" }, ...children);
const counted = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** Code, or a message of several lines. Its line breaks are the inspector's own: those of names come escaped. */
function pre(text) {
  const block = element("pre");
  const lines = String(text).split("\n");
  lines.slice(0, MOST_LINES).forEach((line, index) => block.append(index ? "\n" : "", shown(line, 4000)));
  if (lines.length > MOST_LINES) block.append("\n", element("span", { class: "escape" }, `… ${lines.length - MOST_LINES} more lines`));
  return block;
}

/** Scrolls there, if it cannot be seen. */
function reveal(id) {
  const { top, bottom } = at(id).getBoundingClientRect();
  if (top < 0 || bottom > window.innerHeight) at(id).scrollIntoView({ block: "start" });
}

function say(id, kind, ...message) {
  const place = at(id);
  place.className = `outcome ${kind}`;
  place.replaceChildren(...message);
}

/** Shows what is wrong with a field beside it, in place of its hint. */
function sayAtField(id, reason, kind = "hint wrong") {
  const place = at(`${id}-problem`);
  if (!place.dataset.hint) place.dataset.hint = place.textContent;
  // Not announced again with each key that is pressed.
  if (reason === null && place.textContent === place.dataset.hint) return;
  place.className = reason === null ? "hint" : kind;
  place.replaceChildren(reason === null ? place.dataset.hint : shown(reason, 600));
  if (place.className === "hint") at(id).removeAttribute("aria-invalid");
  else at(id).setAttribute("aria-invalid", "true");
}
