// Puts the browser's time beside UTC, and its time zone into the search.
"use strict";
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll("input[name=zone]")) {
  if (field.value === "" && zone) field.value = zone;
}
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (isNaN(at) || at.getTimezoneOffset() === 0) continue;
  const local = document.createElement("small");
  local.className = "local";
  local.textContent = at.toLocaleString("sv-SE").slice(0, 16) + " here";
  local.title = zone;
  time.after(local);
}
