// The only place of the browser that turns values into text. The server's `ui` template library says the same.
// Money, prices and quantities arrive as decimal text and are shown from that text: no arithmetic happens on them here.

const NOTHING = "–";
const MINUS = "−";
const SYMBOLS = { USD: "$", EUR: "€", GBP: "£", JPY: "¥", INR: "₹" };
const SOURCES = {
  quote: "valued at live quotes",
  broker: "the broker's own figure",
  mixed: "live quotes, and the broker's figure where there is none",
  none: "no price known yet",
};

const isNothing = (value) => value === null || value === undefined || value === "";

function split(value) {
  const text = String(value);
  const negative = text.startsWith("-");
  const [whole, fraction = ""] = text.replace(/^[-+]/, "").split(".");
  return { negative, whole, fraction: fraction.replace(/0+$/, "") };
}

const grouped = (whole) => whole.replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+$)/g, ",");

// Rounds decimal text to `places`, half to even, as the server does.
function rounded(value, places) {
  const { negative, whole, fraction } = split(value);
  const padded = fraction.padEnd(places + 1, "0");
  let digits = BigInt(whole + padded.slice(0, places));
  const rest = padded.slice(places);
  const half = "5".padEnd(rest.length, "0");
  if (rest > half || (rest === half && digits % 2n === 1n)) digits += 1n;
  const text = digits.toString().padStart(places + 1, "0");
  const cut = text.length - places;
  return { negative: negative && digits !== 0n, whole: text.slice(0, cut), fraction: text.slice(cut), zero: digits === 0n };
}

export function money(value, currency = "USD") {
  if (isNothing(value)) return NOTHING;
  const { negative, whole, fraction } = rounded(value, 2);
  const symbol = SYMBOLS[currency] ?? (currency ? `${currency} ` : "");
  return `${negative ? MINUS : ""}${symbol}${grouped(whole)}.${fraction}`;
}

export function direction(value) {
  if (isNothing(value)) return "flat";
  const { negative, zero } = rounded(value, 2);
  if (zero) return "flat";
  return negative ? "down" : "up";
}

export function signedMoney(value, currency = "USD") {
  const text = money(value, currency);
  return direction(value) === "up" ? `+${text}` : text;
}

function plain(value, least) {
  if (isNothing(value)) return NOTHING;
  const { negative, whole, fraction } = split(value);
  const decimals = fraction.padEnd(least, "0");
  const zero = !/[1-9]/.test(whole + fraction);
  return `${negative && !zero ? MINUS : ""}${grouped(whole)}${decimals ? `.${decimals}` : ""}`;
}

export const price = (value) => plain(value, 2);
export const quantity = (value) => plain(value, 0);
export const source = (value) => SOURCES[value] ?? String(value);

// Seconds in their two largest units: 1d 4h, 3h 12m, 4m 05s, 12s.
export function span(seconds) {
  const total = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(total / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days) return `${days}d ${hours % 24}h`;
  if (hours) return `${hours}h ${String(minutes % 60).padStart(2, "0")}m`;
  return minutes ? `${minutes}m ${String(total % 60).padStart(2, "0")}s` : `${total}s`;
}

// The text of a <time data-time="ago|since|until">, for the present moment.
export function moment(kind, at, now = Date.now()) {
  const seconds = (now - at) / 1000;
  if (kind === "ago") return `${span(seconds)} ago`;
  if (kind === "since") return span(seconds);
  return seconds < 0 ? `in ${span(-seconds)}` : "expired";
}
