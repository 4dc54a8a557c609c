// What pages do beyond plain HTML: clocks that run, local times, and a word when the page is no longer live.
(() => {
  "use strict";
  const server = Date.parse(document.querySelector('meta[name="belay-now"]')?.content || "");
  const skew = Number.isNaN(server) ? 0 : server - Date.now();
  const now = () => Date.now() + skew;

  // The words of the reader's language, in the order of clockWords in catalogue.go.
  const words = (document.querySelector('meta[name="belay-words"]')?.content || "").split("|");
  const [soon, atOnce, late, past, justNow, day, liveWord, staleWord] = words;
  const put = (pattern, value) => pattern.replace("%s", () => value);

  // The same words as span in words.go.
  const span = (ms) => {
    const s = Math.floor(Math.abs(ms) / 1000);
    const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60, r = s % 60;
    if (d) return h ? `${d} ${day} ${h} h` : `${d} ${day}`;
    if (h) return m ? `${h} h ${m} min` : `${h} h`;
    if (m >= 10 || (m && !r)) return `${m} min`;
    return m ? `${m} min ${r} s` : `${r} s`;
  };
  const write = (el, text) => { if (el.textContent !== text) el.textContent = text; };

  const tick = () => {
    const t = now();
    for (const el of document.querySelectorAll("time[data-due]")) {
      const left = Date.parse(el.dateTime) - t;
      write(el, left > 0 ? put(soon, span(left)) : left > -5000 ? atOnce : put(late, span(left)));
      el.classList.toggle("late", left <= -5000);
    }
    for (const el of document.querySelectorAll("time[data-ago]")) {
      const since = t - Date.parse(el.dateTime);
      const whole = since >= 60000 ? since - (since % 60000) : since;
      write(el, since >= 1000 ? put(past, span(whole)) : justNow);
    }
    for (const el of document.querySelectorAll("progress[data-until]")) {
      const from = Date.parse(el.dataset.from), until = Date.parse(el.dataset.until);
      const percent = Math.floor(Math.min(100, Math.max(0, (100 * (t - from)) / (until - from))));
      if (el.getAttribute("value") !== String(percent)) el.setAttribute("value", String(percent));
    }
  };

  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const localise = () => {
    for (const el of document.querySelectorAll('.local[data-local="true"]:empty')) {
      const at = new Date(el.parentElement.dateTime);
      if (at.getTimezoneOffset() !== 0) el.textContent = clock.format(at);
    }
  };

  const state = document.getElementById("live");
  const say = (text, name) => {
    if (!state) return;
    state.hidden = false;
    state.className = `live ${name}`;
    write(state, text);
  };
  let lost = 0;
  document.addEventListener("htmx:sseOpen", () => { lost = 0; say(liveWord, "on"); });
  document.addEventListener("htmx:sseError", () => {
    lost = lost || Date.now();
    const since = clock.format(new Date(lost));
    // A page that reconnects at once was never stale.
    setTimeout(() => { if (lost) say(put(staleWord, since), "stale"); }, 4000);
  });
  document.addEventListener("htmx:afterSwap", () => { localise(); tick(); });

  // A form that was sent is not sent twice; coming back to the page frees it.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("form[data-once]")) {
      setTimeout(() => { for (const b of form.querySelectorAll("button")) b.disabled = true; });
    }
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) for (const b of document.querySelectorAll("form[data-once] button")) b.disabled = false;
  });

  // What was sent leaves its box before the box is kept over the swap.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const form = event.detail.requestConfig?.elt;
    if (form?.matches?.("form[data-clear]") && event.detail.xhr.status < 400) form.reset();
  });

  localise();
  tick();
  setInterval(tick, 1000);
})();
