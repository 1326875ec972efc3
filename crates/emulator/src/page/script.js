// Keeps the page fresh and sends its forms without leaving it. Without this everything works by full pages.
"use strict";

const EVERY = 2000;
const live = document.getElementById("live");
let seen = "";
let busy = false;

const main = () => document.getElementById("main");
const address = () => main().dataset.address;

/** Whether somebody is in the middle of something that a fresh copy would throw away. */
function occupied() {
  const at = document.activeElement;
  if (at && at.closest && at.closest("main") && /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName)) return true;
  if (main().querySelector("details.ask[open], .notice textarea")) return true;
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && main().contains(selection.anchorNode)) return true;
  return [...main().querySelectorAll("form[method=post] input:not([type=hidden]), form[method=post] textarea")].some(
    (field) => (field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue),
  );
}

/** Where the keyboard is, so that it is there again in a fresh copy. */
function place(element) {
  if (!element || !main().contains(element)) return -1;
  return [...main().querySelectorAll("a, button, summary, input, select, textarea")].indexOf(element);
}

function put(html, moved) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const next = fresh.getElementById("main");
  if (!next) return;
  const open = [...main().querySelectorAll("details")].map((it) => it.open);
  const focus = place(document.activeElement);
  const old = main();
  old.replaceWith(next);
  document.title = fresh.title;
  const nav = document.querySelector(".top nav");
  nav.replaceWith(fresh.querySelector(".top nav"));
  if (moved) {
    next.focus({ preventScroll: false });
  } else {
    [...next.querySelectorAll("details:not(.ask)")].forEach((it, at) => (it.open = Boolean(open[at])));
    const spots = next.querySelectorAll("a, button, summary, input, select, textarea");
    if (focus >= 0 && spots[focus]) spots[focus].focus({ preventScroll: true });
  }
  dress();
}

/** Adds what only a script can do. */
function dress() {
  for (const block of main().querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy small";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.textContent);
      live.textContent = "Copied.";
      button.textContent = "Copied";
    });
    block.after(button);
  }
}

async function refresh() {
  if (busy || document.hidden || occupied()) return;
  try {
    const answer = await fetch(address(), { cache: "no-cache", headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const html = await answer.text();
    if (live.textContent === "The emulator does not answer.") live.textContent = "";
    if (html === seen || busy || occupied()) return;
    const first = seen === "";
    seen = html;
    if (!first) put(html, false);
  } catch {
    live.textContent = "The emulator does not answer.";
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  if (busy) return;
  busy = true;
  live.textContent = "";
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
    const html = await answer.text();
    seen = "";
    const before = address();
    put(html, true);
    if (answer.redirected && address() !== before) history.pushState(null, "", address());
    live.textContent = main().querySelector(".notice")?.textContent ?? "";
  } catch {
    live.textContent = "The emulator does not answer.";
  } finally {
    busy = false;
  }
});

window.addEventListener("popstate", () => location.reload());
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of main().querySelectorAll("details.ask[open]")) open.open = false;
});
dress();
setInterval(refresh, EVERY);
