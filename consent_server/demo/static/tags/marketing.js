// The stand-in of an advertising service: it numbers the browser, notes what interests it and shows its advertisement.
"use strict";
{
  const { hits } = document.currentScript.dataset;
  if (!document.cookie.includes("_sm_ads=")) {
    const number = crypto.getRandomValues(new Uint32Array(2)).join("");
    document.cookie = `_sm_ads=${number};path=/;max-age=7776000;samesite=lax`;
  }
  const interests = new Set(JSON.parse(localStorage.getItem("_sm_ads_interests") ?? "[]"));
  interests.add(document.body.dataset.product ?? "home");
  localStorage.setItem("_sm_ads_interests", JSON.stringify([...interests]));
  for (const advert of document.querySelectorAll("[data-advert]")) advert.hidden = false;
  performance.mark("smartmarket", { detail: { ran: "marketing" } });
  fetch(hits, { method: "POST", body: "marketing", keepalive: true });
}
