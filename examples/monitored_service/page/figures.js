/* Text and figures, as the page writes them. The three scripts are one module. */

const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);

// Text. What the service says is only ever set as text.

const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};
const set = (element, name, value) => {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
};
const make = (tag, about = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const draw = (tag, about = {}) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(about)) element.setAttribute(name, value);
  return element;
};

// Figures.

const NONE = "–";
const is = (value) => typeof value === "number" && Number.isFinite(value);
/** Three digits, or all before the point. */
const digits = (value) => {
  if (value === 0) return "0";
  const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
  const places = Math.min(Math.max(3 - whole, 0), 3);
  return value.toLocaleString("en", { maximumFractionDigits: places });
};
const count = (value) => Math.round(value).toLocaleString("en");
/** A figure and its unit. */
const time = (seconds) => {
  if (!is(seconds)) return [NONE, ""];
  if (seconds < 0.9995e-3) return [digits(seconds * 1e6), "µs"];
  if (seconds < 0.9995) return [digits(seconds * 1e3), "ms"];
  return [digits(seconds), "s"];
};
const rate = (value) => (is(value) ? [value < 10 ? value.toFixed(1) : count(value), "/s"] : [NONE, ""]);
const share = (value) => {
  if (!is(value)) return [NONE, ""];
  const percent = value * 100;
  // What is not all must not be rounded to all.
  const places = percent !== 100 && percent > 99 ? 2 : percent !== 0 && Math.abs(percent) < 1 ? 2 : 1;
  const text = percent.toFixed(places);
  return [text === "100.00" && percent < 100 ? "99.99" : Number(text) === percent ? String(percent) : text, "%"];
};
const bytes = (value) => {
  if (!is(value)) return [NONE, ""];
  return value < 2 ** 30 ? [digits(value / 2 ** 20), "MiB"] : [digits(value / 2 ** 30), "GiB"];
};
const plain = (value) => (is(value) ? [digits(value), ""] : [NONE, ""]);
const said = ([figure, unit]) => (unit === "" || unit === "/s" ? figure + unit : `${figure} ${unit}`);
const span = (seconds) => {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${digits(Math.round(seconds / 6) / 10)} min`;
  if (seconds < 172800) return `${digits(Math.round(seconds / 360) / 10)} h`;
  return `${digits(Math.round(seconds / 8640) / 10)} days`;
};
const clock = (millis) => new Date(millis).toLocaleTimeString("en-GB");

/** A figure with its unit beside it, smaller. */
const show = (element, [figure, unit]) => {
  if (element.dataset.shown === figure + unit) return;
  element.dataset.shown = figure + unit;
  element.replaceChildren(figure, ...(unit === "" ? [] : [make("small", {}, unit === "/s" ? unit : ` ${unit}`)]));
};
