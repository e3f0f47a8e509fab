// Putting live values into cells that the server rendered: text changes, the markup stays.
import * as format from "./format.js";

const TEXT = {
  price: (value) => format.price(value),
  quantity: (value) => format.quantity(value),
  source: (value) => format.source(value),
};

function putPnl(cell, value) {
  cell.textContent = format.signedMoney(value, cell.dataset.currency ?? "USD");
  cell.classList.remove("pnl-up", "pnl-down", "pnl-flat");
  cell.classList.add(`pnl-${format.direction(value)}`);
}

const SYNC_TONES = { synced: "good", drifted: "warn" };

function putSync(cell, value) {
  cell.textContent = value;
  cell.className = `pill pill-${SYNC_TONES[value] ?? "warn"}`;
}

function flash(cell, before, after) {
  const change = Number(after) - Number(before);
  if (!change || !Number.isFinite(change)) return;
  cell.classList.remove("tick-up", "tick-down");
  void cell.offsetWidth; // starts the animation anew
  cell.classList.add(change > 0 ? "tick-up" : "tick-down");
}

// Every [data-field] of `root` whose field is in `values`; cells of an inner row belong to that row.
export function put(root, values) {
  for (const cell of root.querySelectorAll("[data-field]")) {
    const name = cell.dataset.field;
    if (!(name in values) || cell.closest("[data-row]") !== root.closest("[data-row]")) continue;
    const value = values[name];
    if (cell.dataset.value === String(value)) continue;
    if ("tick" in cell.dataset && cell.dataset.value !== undefined) flash(cell, cell.dataset.value, value);
    cell.dataset.value = String(value);
    if (cell.dataset.as === "pnl") putPnl(cell, value);
    else if (cell.dataset.as === "sync") putSync(cell, value);
    else cell.textContent = (TEXT[cell.dataset.as] ?? String)(value);
  }
}
