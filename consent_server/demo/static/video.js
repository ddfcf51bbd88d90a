// The stand-in of a video service: it knows its viewer by a cookie and reports that the film was shown.
"use strict";
if (!document.cookie.includes("_sm_video=")) {
  document.cookie = `_sm_video=${crypto.getRandomValues(new Uint32Array(2)).join("")};path=/;max-age=15552000;samesite=lax`;
}
parent.performance.mark("smartmarket", { detail: { ran: "video" } });
fetch(document.body.dataset.hits, { method: "POST", body: "video", keepalive: true });

const film = document.querySelector("svg");
const button = document.querySelector("button");
/** @param {boolean} paused */
const pause = (paused) => {
  film.classList.toggle("paused", paused);
  button.textContent = paused ? button.dataset.play : button.dataset.pause;
};
pause(matchMedia("(prefers-reduced-motion: reduce)").matches);
button.addEventListener("click", () => pause(!film.classList.contains("paused")));
