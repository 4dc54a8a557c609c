// What pages do beyond plain HTML: clocks that run, local times, news that come without losing one's place, and a word
// when the page is no longer live.
(() => {
  "use strict";
  const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content || "";
  const server = Date.parse(meta("belay-now"));
  const skew = Number.isNaN(server) ? 0 : server - Date.now();
  const now = () => Date.now() + skew;

  // The words of the reader's language, in the order of clockWords in catalogue.go.
  const [soon, atOnce, late, past, justNow, day, liveWord, staleWord, lostWord, outWord] = meta("belay-words").split("|");
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
    for (const el of document.querySelectorAll("time[data-clock]")) {
      write(el, `${new Date(t).toISOString().slice(11, 16)} UTC`);
    }
    for (const el of document.querySelectorAll("svg.clock-bar[data-until]:not([data-until=''])")) {
      const from = Date.parse(el.dataset.from), until = Date.parse(el.dataset.until), bar = el.querySelector(".passed");
      const width = String(Math.floor(1000 * Math.min(1, Math.max(0, (t - from) / (until - from)))));
      if (bar && until > t && bar.getAttribute("width") !== width) bar.setAttribute("width", width);
    }
  };

  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const localise = () => {
    for (const el of document.querySelectorAll('.local[data-local="true"]:empty')) {
      const at = new Date(el.parentElement.dateTime);
      if (at.getTimezoneOffset() !== 0) el.textContent = clock.format(at);
    }
  };

  // News change what differs and leave the rest alone: whoever types, tabs or has opened something stays where they are.
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
  const unanswered = new WeakSet(); // forms whose answer never came
  // What somebody has begun to write is not taken from them, even when it is of no use any more: its answer will say so.
  const draft = (el) => el.nodeType === Node.ELEMENT_NODE &&
    [...el.querySelectorAll("textarea, input:is(:not([type]), [type=text])")].some((box) => box.value !== box.defaultValue);
  const kept = { open: "DETAILS", value: "INPUT", checked: "INPUT", selected: "OPTION", disabled: "BUTTON" };
  const morph = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) { old.nodeValue = fresh.nodeValue; return; }
    if (old.nodeName === "TEXTAREA") return;
    const hidden = old.type === "hidden";
    if (hidden && old.name === "key" && unanswered.has(old.form)) return; // sent again it must count once
    for (const { name, value } of [...fresh.attributes]) {
      if (kept[name] === old.nodeName && !hidden) continue;
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && (kept[name] !== old.nodeName || hidden)) old.removeAttribute(name);
    }
    children(old, fresh);
  };
  const children = (old, fresh) => {
    let at = old.firstChild;
    for (const want of [...fresh.childNodes]) {
      let found = at;
      if (want.id) { // what has a name is found wherever it went
        while (found && found.id !== want.id) found = found.nextSibling;
      } else if (at && !same(at, want)) found = null;
      if (found && same(found, want)) {
        if (found === at) at = at.nextSibling;
        else old.insertBefore(found, at);
        morph(found, want);
      } else {
        old.insertBefore(want, at);
      }
    }
    while (at) { const gone = at; at = at.nextSibling; if (!draft(gone)) gone.remove(); }
  };
  // Rows come with the order of all; only those that changed are there.
  const rows = (list, fresh) => {
    const changed = new Map([...fresh.children].map((row) => [row.id, row]));
    const order = fresh.dataset.order ? fresh.dataset.order.split(" ") : [];
    const there = new Map([...list.children].map((row) => [row.id, row]));
    const wanted = new Set(order);
    for (const [id, row] of there) if (!wanted.has(id)) { row.remove(); there.delete(id); }
    let at = list.firstElementChild;
    for (const id of order) {
      let row = there.get(id);
      const news = changed.get(id);
      if (row && news) morph(row, news);
      row = row || news;
      if (!row) continue;
      if (row === at) at = at.nextElementSibling;
      else list.insertBefore(row, at);
    }
  };
  const patch = (target, text) => {
    const fresh = document.createElement("template");
    fresh.innerHTML = text;
    const focused = document.activeElement;
    if (target.matches("[data-rows]")) rows(target, fresh.content.firstElementChild);
    else children(target, fresh.content);
    window.htmx?.process(target);
    localise();
    tick();
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  };

  // The line to the server. The page says that it is live only while it hears something: the server speaks once per pulse,
  // and a line that was silent for longer is dead, whatever the browser believes (a phone between two networks, a
  // machine that slept). It is tried again soon, and at once when there is reason to hope.
  const state = document.getElementById("live"), live = document.querySelector("[data-live]");
  const say = (text, name) => {
    if (!state) return;
    state.hidden = false;
    state.className = `live ${name}`;
    write(state, text);
  };
  let source, heard = Date.now(), asked = 0, lost = 0, tries = 0, retry = 0;
  const hear = () => {
    heard = Date.now();
    if (!lost && state?.classList.contains("on")) return;
    lost = tries = 0;
    document.body.classList.remove("stale");
    say(liveWord, "on");
  };
  const connect = () => {
    clearTimeout(retry);
    source?.close();
    asked = Date.now();
    source = new EventSource(live.dataset.live, { withCredentials: true });
    source.addEventListener("pulse", hear);
    source.addEventListener("error", fail);
    for (const part of live.querySelectorAll("[data-part]")) {
      source.addEventListener(part.dataset.part, (event) => { patch(part, event.data); hear(); });
    }
  };
  const fail = () => {
    source.close();
    lost = lost || heard;
    clearTimeout(retry);
    // Not all at once, when a server comes back to hundreds of pages.
    retry = setTimeout(connect, Math.min(8000, 500 * 2 ** tries++) * (0.5 + Math.random() / 2));
  };
  const watch = () => {
    if (!live) return;
    const silent = Date.now() - heard;
    if (Date.now() - Math.max(heard, asked) > 2.5 * live.dataset.pulse) { lost = lost || heard; connect(); }
    // A page that connects again at once was never stale.
    if (lost && silent > 4000 && !document.body.classList.contains("stale")) {
      document.body.classList.add("stale");
      say(put(staleWord, clock.format(new Date(lost))), "stale");
    }
  };
  if (live) {
    connect();
    const hope = () => { if (lost && document.visibilityState === "visible") { tries = 0; connect(); } };
    window.addEventListener("online", hope);
    document.addEventListener("visibilitychange", hope);
  }
  document.addEventListener("htmx:afterSwap", () => { localise(); tick(); });

  // A form is answered in its page: what is being written elsewhere stays, and nothing is lost when the line is down. It
  // is not sent twice, and sent again after no answer it has the key that it had.
  const answer = document.getElementById("answer");
  const told = (bad, ...lines) => {
    answer.replaceChildren(...lines.map((line, n) => {
      const p = document.createElement("p");
      if (!n) { p.className = bad ? "notice bad" : "notice"; p.setAttribute("role", "alert"); }
      p.textContent = line;
      return p;
    }));
    answer.scrollIntoView({ block: "nearest" });
  };
  const take = (form, response, text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const find = (selector) => fresh.querySelector(selector)?.textContent.trim() || "";
    if (new URL(response.url).pathname.endsWith("/login") && !location.pathname.endsWith("/login")) return told(true, outWord);
    if (!fresh.querySelector("#main h1")) return told(true, lostWord); // a proxy spoke, not we
    unanswered.delete(form);
    if (!response.ok) return told(true, `${find("h1")}: ${find("main .notice")}`, find("main .notice + p"));
    if (!fresh.querySelector("#answer .bad")) form.reset();
    const parts = document.querySelectorAll("[data-part], form[data-once][id]");
    for (const part of parts.length ? [answer, ...parts] : document.querySelectorAll("main")) {
      const news = part.id && fresh.getElementById(part.id);
      if (news) children(part, news);
    }
    localise();
    tick();
    answer.scrollIntoView({ block: "nearest" });
  };
  const send = async (form, button) => {
    const body = new URLSearchParams(new FormData(form, button)), focused = document.activeElement;
    const buttons = [...form.querySelectorAll("button")];
    for (const b of buttons) b.disabled = true;
    unanswered.add(form);
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" }, signal: AbortSignal.timeout(30000) });
      take(form, response, await response.text());
    } catch {
      told(true, lostWord);
    }
    for (const b of buttons) b.disabled = false;
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  };
  document.addEventListener("submit", (event) => {
    if (!answer || !event.target.matches("form[data-once]")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
  document.addEventListener("change", (event) => { event.target.form?.matches("form[data-auto]") && event.target.form.requestSubmit(); });
  // Addresses say only what was chosen.
  document.addEventListener("formdata", (event) => {
    if (event.target.matches("form[data-auto]")) for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
  // A menu closes by Escape and by going elsewhere.
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.activeElement?.closest("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // What was sent leaves its box before the box is kept over the swap.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const form = event.detail.requestConfig?.elt;
    if (form?.matches?.("form[data-clear]") && event.detail.xhr.status < 400) form.reset();
  });

  // Saved views are names for addresses, kept by this browser.
  const views = document.getElementById("views");
  if (views) {
    const read = () => { try { return JSON.parse(localStorage.getItem(views.dataset.store)) || {}; } catch { return {}; } };
    const keep = (all) => { try { localStorage.setItem(views.dataset.store, JSON.stringify(all)); } catch { /* a private window */ } };
    const list = views.querySelector("ul"), form = views.querySelector("form"), name = form.querySelector("input");
    const show = () => {
      const all = read();
      list.replaceChildren(...Object.keys(all).sort().map((key) => {
        const item = document.createElement("li"), link = document.createElement("a"), drop = document.createElement("button");
        link.className = "chip";
        link.href = location.pathname + (String(all[key]).startsWith("?") ? all[key] : "");
        link.textContent = key;
        link.setAttribute("aria-current", String(location.search === all[key]));
        drop.type = "button";
        drop.className = "quiet";
        drop.textContent = "✕";
        drop.setAttribute("aria-label", put(views.dataset.remove, key));
        drop.addEventListener("click", () => { const left = read(); delete left[key]; keep(left); show(); name.focus(); });
        item.append(link, drop);
        return item;
      }));
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = name.value.trim();
      if (key) { keep({ ...read(), [key]: location.search }); form.reset(); show(); }
    });
    views.hidden = false;
    show();
  }

  // An override is picked by dragging over the days of a calendar, from any hour to any other; the form does the rest. By
  // touch a gesture that begins sideways picks, one that begins up or down scrolls.
  const picking = document.querySelector("[data-picking]");
  if (picking) {
    const step = 30 * 60000, zone = picking.dataset.zone, tongue = document.documentElement.lang;
    const days = [...document.querySelectorAll(".almanac svg[data-from]")].map((svg) => ({ svg, from: Date.parse(svg.dataset.from), until: Date.parse(svg.dataset.until) }));
    const wall = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" }); // as 2026-11-24 09:00
    const words = new Intl.DateTimeFormat(tongue === "en" ? "en-GB" : tongue, { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const hint = picking.textContent;
    let first = null, last = null;
    const under = (event) => {
      let best = null, near = Infinity;
      for (const day of days) {
        const box = day.svg.getBoundingClientRect();
        const off = Math.max(box.top - event.clientY, event.clientY - box.bottom, 0);
        if (off >= near) continue;
        const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        near = off;
        best = day.from + Math.round((part * (day.until - day.from)) / step) * step;
      }
      return best;
    };
    const stretch = () => [Math.min(first, last), Math.max(first, last)];
    const paint = () => {
      const [from, until] = first === null ? [0, 0] : stretch();
      for (const { svg, from: begin, until: end } of days) {
        const a = Math.max(from, begin), b = Math.min(until, end);
        let mark = svg.querySelector("rect.picked");
        if (a >= b) { mark?.remove(); continue; }
        if (!mark) {
          mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
          mark.setAttribute("class", "picked");
          mark.setAttribute("height", "100%");
          svg.append(mark);
        }
        mark.setAttribute("x", `${(100 * (a - begin)) / (end - begin)}%`);
        mark.setAttribute("width", `${(100 * (b - a)) / (end - begin)}%`);
      }
      write(picking, until > from ? `${words.format(from)} – ${words.format(until)} (${span(until - from)})` : hint);
    };
    const leave = () => { first = last = null; paint(); };
    for (const { svg } of days) {
      svg.classList.add("pickable");
      svg.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || !event.isPrimary) return;
        if (event.pointerType === "mouse") event.preventDefault(); // no text is selected
        first = last = under(event);
        svg.setPointerCapture(event.pointerId);
      });
      svg.addEventListener("pointermove", (event) => { if (first !== null && event.isPrimary) { last = under(event); paint(); } });
      svg.addEventListener("pointercancel", leave);
      svg.addEventListener("pointerup", (event) => {
        if (first === null || !event.isPrimary) return;
        last = under(event);
        const [from, until] = stretch();
        if (until - from < step) { leave(); return; }
        paint();
        const at = (instant) => wall.format(instant).replace(" ", "T");
        location.assign(`${picking.dataset.picking}?${new URLSearchParams({ zone, from: at(from), until: at(until) })}`);
      });
    }
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && first !== null) leave(); });
    window.addEventListener("pageshow", (event) => { if (event.persisted) leave(); });
    picking.hidden = false;
  }

  // On a phone the places scroll; where one is is in sight. (scrollIntoView would move where the keyboard begins.)
  const here = document.querySelector(".bar nav :is([aria-current=page], [aria-current=true])");
  if (here) here.parentElement.scrollLeft = here.offsetLeft + here.offsetWidth - here.parentElement.clientWidth;
  localise();
  tick();
  setInterval(() => { tick(); watch(); }, 1000);
})();
