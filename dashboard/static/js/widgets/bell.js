// The number on the bell.

export function mount(element, live) {
  return live.subscribe("notifications", (state) => {
    element.hidden = !state.unread;
    element.textContent = state.unread > 99 ? "99+" : String(state.unread);
  });
}
