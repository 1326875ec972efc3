// What pages can do beyond being read: keep the session fresh, change things through the API, and follow what happens.
// Nothing here is needed to see a page.
"use strict";

(() => {
  const config = document.getElementById("config")?.dataset ?? {};
  const nonce = document.currentScript?.nonce || undefined;
  const status = document.getElementById("status");
  /** Seconds before its end at which a token counts as stale. */
  const STALE = 15;

  // --- Words for the reader -----------------------------------------------------------------------------------------

  let quiet;
  function say(words, isBad = false) {
    if (!status) return;
    status.classList.toggle("bad", isBad);
    status.textContent = words;
    clearTimeout(quiet);
    quiet = setTimeout(() => { status.textContent = ""; }, isBad ? 12000 : 5000);
  }

  // --- The session --------------------------------------------------------------------------------------------------

  function cookies() {
    return document.cookie.split("; ").filter(Boolean).map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
  }

  /** What a token says, unverified: only its end is of interest here. */
  function claims(token) {
    try {
      const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
      return JSON.parse(atob(part));
    } catch {
      return {};
    }
  }

  /** The session's cookies: of several instances on one host, those of this page's session. */
  function sessionCookies() {
    return cookies().filter(([name, value]) => /^__session(_|$)/.test(name) && claims(value).sid === config.session);
  }

  function kept() {
    const now = Date.now() / 1000;
    const fresh = sessionCookies().map(([, value]) => value).find((value) => claims(value).exp > now + STALE);
    return fresh ?? null;
  }

  function keep(token) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const names = new Set(sessionCookies().map(([name]) => name));
    names.add("__session");
    for (const name of names) {
      document.cookie = `${name}=${token}; Path=/; SameSite=Lax; Max-Age=31536000${secure}`;
    }
  }

  /** Without them the service asks Clerk what has become of the session. */
  function drop() {
    for (const [name] of sessionCookies()) document.cookie = `${name}=; Path=/; SameSite=Lax; Max-Age=0`;
  }

  function devBrowser() {
    if (!config.development) return null;
    const found = cookies().filter(([name]) => name.startsWith("__clerk_db_jwt"));
    found.sort(([one], [other]) => other.length - one.length);
    return found[0]?.[1] ?? null;
  }

  function atClerk(path) {
    const url = new URL(`${config.clerk}/v1/${path}`);
    const browser = devBrowser();
    if (browser) url.searchParams.set("__clerk_db_jwt", browser);
    return url;
  }

  let asking = null;
  /** A new token from Clerk; null when Clerk says that the session is over. */
  async function renew(organization) {
    const url = atClerk(`client/sessions/${encodeURIComponent(config.session)}/tokens`);
    const body = organization === undefined ? undefined : new URLSearchParams({ organization_id: organization });
    const answer = await fetch(url, { method: "POST", credentials: "include", body });
    if (answer.status === 401 || answer.status === 404) return null;
    if (!answer.ok) throw new Error(`Clerk answers ${answer.status}`);
    const { jwt } = await answer.json();
    keep(jwt);
    return jwt;
  }

  /** A token that is good for a while, or null. */
  async function token() {
    if (window.Clerk?.session) return window.Clerk.session.getToken();
    const known = kept();
    if (known || !config.session || !config.clerk) return known;
    asking ??= renew().finally(() => { asking = null; });
    return asking;
  }

  /** Sees that the cookie never gets old while the page is open. */
  async function stayFresh() {
    if (!config.session || document.hidden) return;
    try {
      if ((await token()) !== null) return;
      drop();
      location.reload();
    } catch {
      // Clerk is away: the next look may find it.
    }
  }

  // --- Changing things ----------------------------------------------------------------------------------------------

  async function call(method, path, body, type) {
    const bearer = await token();
    const headers = { Accept: "application/json" };
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (body !== undefined) headers["Content-Type"] = type ?? "application/json";
    const answer = await fetch(path, { method, headers, body, credentials: "same-origin" });
    const text = await answer.text();
    const told = text ? JSON.parse(text) : {};
    if (!answer.ok) {
      const problem = new Error(told.detail ?? told.title ?? `The service answers ${answer.status}`);
      problem.title = told.title;
      problem.status = answer.status;
      throw problem;
    }
    return told;
  }

  function bodyOf(form) {
    const fields = new FormData(form);
    if (form.dataset.whole) {
      const text = String(fields.get(form.dataset.whole));
      try {
        JSON.parse(text);
      } catch (error) {
        throw new Error(`This is no JSON: ${error.message}`);
      }
      return text;
    }
    const body = {};
    for (const [name, value] of fields) {
      const field = form.elements.namedItem(name);
      if (value !== "") body[name] = value;
      else if (field?.dataset.empty === "null") body[name] = null;
    }
    return JSON.stringify(body);
  }

  async function submit(form) {
    const [method, path] = form.dataset.api.split(" ");
    const button = form.querySelector("button[type=submit]");
    if (button?.getAttribute("aria-disabled") === "true") return;
    button?.setAttribute("aria-disabled", "true");
    try {
      const body = method === "DELETE" ? undefined : bodyOf(form);
      const told = await call(method, path, body, form.dataset.type);
      const shown = form.dataset.show ? ` ${told[form.dataset.show] ?? ""}` : "";
      say(`${form.dataset.done ?? "Done."}${shown}`);
      await refresh(form.closest("[data-fragment]"));
    } catch (error) {
      const title = error.title && error.title !== error.message ? `${error.title}: ` : "";
      say(`${title}${error.message}`, true);
    } finally {
      button?.removeAttribute("aria-disabled");
    }
  }

  /** Makes an organization the active one of the session, or none; the page is read anew with the new token. */
  async function switchTo(form) {
    const organization = form.dataset.organization;
    try {
      if (window.Clerk?.loaded) {
        await window.Clerk.setActive({ organization: organization || null });
        keep(await window.Clerk.session.getToken({ skipCache: true }));
      } else {
        const body = new URLSearchParams({ active_organization_id: organization, intent: "select_org" });
        const url = atClerk(`client/sessions/${encodeURIComponent(config.session)}/touch`);
        const answer = await fetch(url, { method: "POST", credentials: "include", body });
        if (!answer.ok) throw new Error(`Clerk answers ${answer.status}`);
        if ((await renew(organization)) === null) throw new Error("The session is over");
      }
      location.reload();
    } catch (error) {
      say(error.message, true);
    }
  }

  // --- Parts of the page, read anew ---------------------------------------------------------------------------------

  /** Puts a new rendering in the place of a part of the page, and the focus back to where it was. */
  async function refresh(part, isQuiet = false) {
    if (!part?.id) return;
    await token();
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (answer.status === 401 || answer.status === 403) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error(`The page answers ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh || (isQuiet && fresh.innerHTML === part.innerHTML)) return;
    const scrolled = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    const held = part.contains(document.activeElement) ? label(document.activeElement) : null;
    const node = document.importNode(fresh, true);
    part.replaceWith(node);
    node.querySelectorAll(".scroll").forEach((one, place) => { one.scrollLeft = scrolled[place] ?? 0; });
    if (held) {
      const again = [...node.querySelectorAll("button, a, input, select, [tabindex]")].find((one) => label(one) === held);
      (again ?? document.getElementById("main"))?.focus({ preventScroll: true });
    }
  }

  function label(element) {
    return `${element.tagName} ${element.getAttribute("aria-label") ?? element.name ?? ""} ${element.textContent.trim().slice(0, 40)}`;
  }

  let last = 0;
  async function follow() {
    const part = document.querySelector("[data-live]");
    const isWanted = document.querySelector("[data-live-switch]")?.checked ?? true;
    const isBusy = part?.contains(document.activeElement) && /INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName);
    if (!part || !isWanted || document.hidden || isBusy) return;
    if (Date.now() - last < Number(part.dataset.live)) return;
    last = Date.now();
    try {
      await refresh(part, true);
    } catch {
      // The next look may find the service again.
    }
    last = Date.now();
  }

  // --- Signing out --------------------------------------------------------------------------------------------------

  async function signOut(form) {
    try {
      await call("POST", "/api/auth/logout");
    } catch {
      // The form itself says what is wrong, where something is.
    }
    try {
      if (window.Clerk?.loaded) await window.Clerk.signOut({ redirectUrl: null });
      else if (config.clerk) {
        const url = atClerk("client/sessions");
        url.searchParams.set("_method", "DELETE");
        await fetch(url, { method: "POST", credentials: "include" });
      }
    } catch {
      // Clerk ends the session when it hears of it from the service.
    }
    form.submit();
  }

  // --- Clerk's own components ---------------------------------------------------------------------------------------

  /** How often in a row somebody who is signed in at Clerk was sent on from here and came back. */
  function rounds() {
    const name = "clerk-sync-rounds";
    const { number = 0, at = 0 } = JSON.parse(sessionStorage.getItem(name) ?? "{}");
    const now = Date.now();
    const before = now - at < 20000 ? number : 0;
    sessionStorage.setItem(name, JSON.stringify({ number: before + 1, at: now }));
    return before;
  }

  /** The page's own colours, so that the components are light and dark as it is. */
  function appearance() {
    const colours = getComputedStyle(document.documentElement);
    const colour = (name) => colours.getPropertyValue(`--${name}`).trim();
    return {
      variables: {
        colorPrimary: colour("accent"),
        colorPrimaryForeground: colour("on-accent"),
        colorBackground: colour("surface"),
        colorForeground: colour("text"),
        colorMutedForeground: colour("faint"),
        colorNeutral: colour("text"),
        colorInput: colour("surface"),
        colorInputForeground: colour("text"),
        colorDanger: colour("bad"),
        borderRadius: "9px",
      },
    };
  }

  async function startClerk() {
    const slot = document.querySelector("[data-mount]");
    if (!config.key) return;
    if (!window.Clerk) {
      if (slot) slot.textContent = "Clerk's form could not be loaded. Is Clerk's address reachable from this browser?";
      return;
    }
    await window.Clerk.load({
      ui: window.__internal_ClerkUICtor ? { ClerkUI: window.__internal_ClerkUICtor } : undefined,
      nonce,
      telemetry: false,
      appearance: appearance(),
      signInUrl: "/sign-in",
      signUpUrl: "/sign-up",
      afterSignOutUrl: "/",
    });
    if (slot) {
      const target = slot.dataset.target;
      const query = `?redirect_url=${encodeURIComponent(target)}`;
      if (window.Clerk.session) {
        if (rounds() < 3) location.replace(target);
        else slot.textContent = "You are signed in at Clerk, but this browser does not keep the session's cookie. Are cookies switched off, or is the token larger than 4 KB?";
        return;
      }
      slot.replaceChildren();
      const options = { forceRedirectUrl: target, signInUrl: `/sign-in${query}`, signUpUrl: `/sign-up${query}` };
      if (slot.dataset.mount === "sign-up") window.Clerk.mountSignUp(slot, options);
      else window.Clerk.mountSignIn(slot, options);
      return;
    }
    const place = document.querySelector("[data-user-button]");
    if (!window.Clerk.user || !window.__internal_ClerkUICtor) return;
    if (place) {
      place.hidden = false;
      document.querySelector("[data-user-menu]")?.setAttribute("hidden", "");
      window.Clerk.mountUserButton(place, { afterSignOutUrl: "/", showName: true });
    }
    for (const part of document.querySelectorAll("[data-clerk-only]")) part.hidden = false;
  }

  // --- Beginning ----------------------------------------------------------------------------------------------------

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.api) {
      event.preventDefault();
      submit(form);
    } else if ("organization" in form.dataset) {
      event.preventDefault();
      switchTo(form);
    } else if ("signOut" in form.dataset) {
      event.preventDefault();
      signOut(form);
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-profile]")) window.Clerk?.openUserProfile();
    const menu = document.querySelector("details.menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("error", (event) => {
    if (event.target instanceof HTMLImageElement) event.target.remove();
  }, true);
  for (const part of document.querySelectorAll("[data-script-only]")) part.hidden = false;
  setInterval(stayFresh, 10000);
  document.addEventListener("visibilitychange", stayFresh);
  setInterval(follow, 500);
  startClerk().catch((error) => say(`Clerk could not be started: ${error.message}`, true)).finally(stayFresh);
})();
