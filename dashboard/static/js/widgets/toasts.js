// What the user is told while the page is open: one toast per new notification, gone after a while.

const SHOWN_MS = 9_000;
const MOST = 4;

function toast(note) {
  const item = document.createElement(note.link ? "a" : "div");
  item.className = `toast-item toast-${note.level}`;
  if (note.link) item.href = note.link;
  const main = document.createElement("span");
  main.append(Object.assign(document.createElement("strong"), { textContent: note.title }));
  if (note.body) main.append(Object.assign(document.createElement("span"), { className: "cell-sub", textContent: note.body }));
  item.append(main);
  return item;
}

export function mount(element, live) {
  if (!document.body.dataset.socket) return undefined;
  let known = null;
  return live.subscribe("notifications", (state) => {
    const rows = state.notifications;
    if (known !== null) {
      for (const note of rows.filter((row) => !known.has(row.id)).reverse().slice(-MOST)) {
        const item = toast(note);
        element.append(item);
        while (element.children.length > MOST) element.firstElementChild.remove();
        setTimeout(() => item.remove(), SHOWN_MS);
      }
    }
    known = new Set(rows.map((row) => row.id));
  });
}
