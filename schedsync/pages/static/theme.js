// Light, dark, or as the system has it; remembered in this browser. Loaded before the page is drawn.
"use strict";
(() => {
  const THEMES = ["auto", "light", "dark"];
  const read = () => {
    try {
      return localStorage.getItem("schedsync-theme") || "auto";
    } catch {
      return "auto"; // storage is forbidden here
    }
  };
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.parentElement.hidden = false;
      button.textContent = `Theme: ${theme}`;
    }
  };
  show(read());
  addEventListener("DOMContentLoaded", () => show(read()));
  addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-switch]")) return;
    const theme = THEMES[(THEMES.indexOf(read()) + 1) % THEMES.length];
    try {
      localStorage.setItem("schedsync-theme", theme);
    } catch {
      // then it lasts as long as the page
    }
    show(theme);
  });
})();
