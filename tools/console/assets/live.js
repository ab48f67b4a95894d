// Live: rows and figures as the server sends them. After a break it goes on where it ended.
"use strict";

const MOST_ROWS = 300;
const AGAIN_MILLISECONDS = 3000;

const table = document.getElementById("live");
const rows = document.getElementById("rows");
const figures = document.getElementById("figures");
const nothing = document.getElementById("nothing");
const state = document.getElementById("state");
const pause = document.getElementById("pause");

const stale = document.getElementById("stale");
const beside = document.getElementById("beside");

let asOf = new Date();
let after = table.dataset.after;
let source = null;
let again = null;
let paused = false;

function say(what) {
  stale.hidden = what !== "lost";
  if (what !== "lost") asOf = new Date();
  else stale.firstElementChild.textContent = asOf.toISOString().slice(11, 19);
  if (state.dataset.now === what) return;
  state.dataset.now = what;
  state.textContent = state.dataset[what];
  state.className = what === "live" ? "mark on" : what === "lost" ? "mark bad lost" : "mark";
}

function close() {
  clearTimeout(again);
  if (source) source.close();
  source = null;
}

function open() {
  close();
  const url = new URL(table.dataset.events, location.href);
  url.searchParams.set("after", after);
  source = new EventSource(url);
  source.addEventListener("error", () => {
    say("lost");
    // A browser tries again by itself unless it was refused.
    if (source && source.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MILLISECONDS);
  });
  source.addEventListener("begin", (event) => {
    say("live");
    after = event.lastEventId;
    rows.replaceChildren();
    nothing.hidden = false;
  });
  source.addEventListener("full", () => {
    say("full");
    close();
    again = setTimeout(open, AGAIN_MILLISECONDS);
  });
  source.addEventListener("rows", (event) => {
    after = event.lastEventId;
    const arrived = document.createElement("template");
    arrived.innerHTML = event.data;
    if (!arrived.content.childElementCount) return;
    for (const row of arrived.content.querySelectorAll("tr[id]")) {
      document.getElementById(row.id)?.remove(); // what is known of a reference is one row, where the newest are
      if ("gone" in row.dataset) row.remove();
    }
    rows.prepend(...arrived.content.children); // and not the line breaks between them, which nobody would remove
    while (rows.childElementCount > MOST_ROWS) rows.lastElementChild.remove();
    nothing.hidden = rows.childElementCount > 0;
  });
  source.addEventListener("figures", (event) => {
    say("live");
    if (!figures.contains(document.activeElement)) figures.innerHTML = event.data;
  });
}

// A page that nobody looks at asks for nothing.
function follow() {
  if (paused || document.hidden) close();
  else open();
  if (paused) say("paused");
}

// A row opens beside the list; with a key held, as a page. Closed, the list has its place back.
rows.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-open]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  htmx.ajax("GET", link.dataset.open, beside).then(() => beside.querySelector("h2")?.focus());
});
beside.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close]")) return;
  event.preventDefault();
  beside.replaceChildren();
});

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  follow();
});
document.addEventListener("visibilitychange", follow);
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (figures.contains(document.activeElement)) document.activeElement.blur(); // or they would not update
  follow();
});
follow();
