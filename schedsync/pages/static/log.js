// Follows what a run prints: asks for what comes behind the last byte, and waits for it. It stays at the end only for
// a reader who is there. Text is only ever put in as text.
"use strict";
(() => {
  const log = document.getElementById("log");
  const state = document.getElementById("log-state");
  const WAIT = 10; // seconds that the service may wait for more
  const MOST = 1_000_000; // characters that are kept here
  const CONTROL = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]/g;
  const BIDI = /[\u202a-\u202e\u2066-\u2069]/g;
  const BEGUN = /(?:\r|\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]{0,500}\x1b?|[ -/]*)?)$/; // what may go on with the next part
  let next = Number(log.dataset.next);
  let held = "";
  let length = log.textContent.length;

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const visible = () =>
    document.hidden ? new Promise((done) => addEventListener("visibilitychange", done, { once: true })) : null;
  const isAtEnd = () => log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  const toEnd = () => { log.scrollTop = log.scrollHeight; };

  const plain = (text, isLast) => {
    const all = held + text;
    const begun = isLast ? "" : (all.match(BEGUN) || [""])[0];
    held = begun;
    const whole = all.slice(0, all.length - begun.length);
    return whole.replace(/\r\n?/g, "\n").replace(CONTROL, "").replace(BIDI, "\ufffd");
  };

  const add = (text) => {
    if (!text) return;
    const follow = isAtEnd();
    log.append(text);
    length += text.length;
    while (length > MOST && log.childNodes.length > 1) {
      length -= log.firstChild.textContent.length;
      log.firstChild.remove();
      document.getElementById("log-cut").hidden = false;
    }
    if (follow) toEnd();
  };

  // A service that does not know how to be followed answers all that there is.
  const replace = (text) => {
    const follow = isAtEnd();
    log.textContent = plain(text, true);
    length = log.textContent.length;
    if (follow) toEnd();
  };

  const ask = async () => {
    const answer = await fetch(`${log.dataset.log}?from=${next}&wait=${WAIT}`, { cache: "no-store", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    const said = answer.headers.get("Schedsync-Log-Next");
    const done = answer.headers.get("Schedsync-Log-Done") === "true";
    if (said === null) replace(text);
    else add(plain(text, done));
    next = said === null ? next : Number(said);
    if (!text || said === null) await pause(done ? 0 : 1000);
    return done;
  };

  const follow = async () => {
    let done = false;
    while (!done) {
      await visible();
      try {
        done = await ask();
        state.textContent = done ? "ended" : "live";
      } catch {
        state.textContent = "cannot reach the service, trying again";
        await pause(3000);
      }
    }
    log.dataset.done = "true";
  };

  toEnd();
  if (log.dataset.done !== "true") {
    state.textContent = "live";
    follow();
  }
})();
