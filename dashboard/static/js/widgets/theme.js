// Dark or light: at once on this page, and remembered with the user.

export function mount(element) {
  async function toggle() {
    const root = document.documentElement;
    const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.bsTheme = theme;
    document.querySelector('meta[name="color-scheme"]')?.setAttribute("content", theme);
    document.dispatchEvent(new Event("themechange"));
    const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "Content-Type": "application/x-www-form-urlencoded" };
    await fetch(element.dataset.url, { method: "POST", headers, body: `theme=${theme}` });
  }
  element.addEventListener("click", toggle);
  return () => element.removeEventListener("click", toggle);
}
