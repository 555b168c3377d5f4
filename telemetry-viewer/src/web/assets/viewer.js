// Everything essential works without this file: it keeps pages fresh, copies, and listens to keys.
(() => {
  "use strict";
  const live = document.getElementById("live");
  const search = document.getElementById("q");
  const told = document.getElementById("told");
  let version = null;
  let busy = false;

  const tell = (text) => { told.textContent = text; };
  const isLive = () => live.getAttribute("aria-pressed") === "true";

  // What the reader has opened, chosen and reached stays when the page is renewed.
  const keep = (fresh) => {
    const open = [...fresh.querySelectorAll("details[id][open]")].map((it) => it.id);
    const folded = [...fresh.querySelectorAll("input.fold:checked")].map((it) => it.id);
    const focus = document.activeElement && fresh.contains(document.activeElement)
      ? document.activeElement.closest("[id]") : null;
    const chosen = [...fresh.querySelectorAll("select[id]")].map((it) => [it.id, it.value]);
    return () => {
      for (const id of open) { const it = document.getElementById(id); if (it) it.open = true; }
      for (const id of folded) { const it = document.getElementById(id); if (it) it.checked = true; }
      for (const [id, value] of chosen) { const it = document.getElementById(id); if (it) it.value = value; }
      if (focus && focus.id !== "fresh") {
        const it = document.getElementById(focus.id);
        if (it) (it.querySelector("summary") || it).focus({ preventScroll: true });
      }
    };
  };

  const renew = async () => {
    const fresh = document.getElementById("fresh");
    const selection = getSelection();
    if (!fresh || (selection && !selection.isCollapsed)) return;
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("fresh");
    if (!next) { location.reload(); return; }
    if (next.outerHTML === fresh.dataset.last) return;
    const restore = keep(fresh);
    const last = next.outerHTML;
    const waited = "waits" in fresh.dataset && !("waits" in next.dataset);
    fresh.replaceWith(document.importNode(next, true));
    document.getElementById("fresh").dataset.last = last;
    document.title = page.title;
    restore();
    if (waited) tell("The trace has arrived.");
  };

  const look = async () => {
    if (busy || document.hidden || !isLive()) return;
    busy = true;
    try {
      const answer = await fetch("/api/version");
      const now = (await answer.json()).version;
      if (version !== null && now !== version) await renew();
      version = now;
      live.textContent = "Live";
    } catch {
      live.textContent = "No viewer";
    } finally { busy = false; }
  };

  const pause = () => {
    live.setAttribute("aria-pressed", String(!isLive()));
    live.textContent = isLive() ? "Live" : "Paused";
    tell(isLive() ? "The page follows what arrives." : "The page stays as it is.");
  };

  if (document.getElementById("fresh")) {
    live.hidden = false;
    live.addEventListener("click", pause);
    look();
    setInterval(look, 1000);
  }

  // Details of a row that an address leads to are shown.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let it = target.parentElement; it; it = it.parentElement) {
      const fold = it.matches(".node") && it.querySelector(":scope > input.fold");
      if (fold) fold.checked = false;
    }
    if (target.matches("details")) target.open = true;
    target.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", reveal);
  reveal();

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-copy]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !navigator.clipboard) return;
    event.preventDefault();
    const label = link.textContent;
    try {
      const answer = await fetch(link.href);
      await navigator.clipboard.writeText(await answer.text());
      link.textContent = "copied";
      tell(label + " copied");
      setTimeout(() => { link.textContent = label; }, 1500);
    } catch { location.href = link.href; }
  });

  // Keys: / to search, j and k from row to row, p to pause.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/") { event.preventDefault(); search.focus(); search.select(); }
    if (event.key === "p" && !live.hidden) pause();
    if (event.key === "j" || event.key === "k") {
      const rows = [...document.querySelectorAll("details.row > summary, a.row, .traces .request a")]
        .filter((it) => it.offsetParent !== null);
      const at = rows.indexOf(document.activeElement);
      const next = rows[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
      if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
    }
  });
})();
