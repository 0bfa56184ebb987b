// Keeps a page current: asks for the page again, and changes in place what has become different, so that focus,
// scrolling, open panels and what is being typed stay. The answer is usually "not modified", which changes nothing.
"use strict";
(() => {
  const main = document.getElementById("main");
  const seconds = Number(main.dataset.live || 0);
  const banner = document.getElementById("offline");
  const button = document.querySelector("[data-live-switch]");
  let etag = null;
  let shown = new Date();
  let on = true;

  // What a person is at work with is left alone, and so is what other scripts fill ("data-own").
  const isInUse = (node) =>
    node.nodeType === Node.ELEMENT_NODE && (node.matches("[data-own], details[open]") || node.matches("form:focus-within"));

  const put = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.getElementById("main");
    if (!fresh) throw new Error("this is no page of the service"); // but of a proxy before it
    const options = {
      morphStyle: "outerHTML",
      ignoreActiveValue: true,
      callbacks: { beforeNodeMorphed: (old) => !isInUse(old) },
    };
    Idiomorph.morph(main, fresh, options);
    for (const id of ["health", "as-of"]) {
      const [old, now] = [document.getElementById(id), page.getElementById(id)];
      if (old && now) Idiomorph.morph(old, now, options);
      else if (old) old.remove();
      else if (now) main.before(now);
    }
    if (document.title !== page.title) document.title = page.title;
  };

  const ask = async () => {
    const headers = { Accept: "text/html", ...(etag ? { "If-None-Match": etag } : {}) };
    const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "error" });
    if (answer.status !== 304) {
      put(await answer.text());
      etag = answer.ok ? answer.headers.get("ETag") : null;
    }
    shown = new Date();
    banner.hidden = true;
  };

  const complain = () => {
    banner.querySelector("[data-offline-since]").textContent = `${shown.toISOString().slice(11, 19)} UTC`;
    banner.hidden = false;
  };

  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const visible = () =>
    document.hidden ? new Promise((done) => addEventListener("visibilitychange", done, { once: true })) : null;

  const follow = async () => {
    for (;;) {
      await wait(seconds * 1000);
      await visible();
      if (on) await ask().catch(complain);
    }
  };

  if (seconds > 0) {
    button.parentElement.hidden = false;
    button.addEventListener("click", () => {
      on = !on;
      button.setAttribute("aria-pressed", String(on));
      button.textContent = on ? "Live" : "Live: stopped";
    });
    follow();
  }

  // One panel at a time, and Escape closes it: the elements do the rest by themselves.
  addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && document.querySelector("details.panel[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
  addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.panel[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
})();
