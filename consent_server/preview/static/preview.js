/** Comes to the page anew once consent.toml was saved, and when another layer or variant is chosen. */
const { version } = document.currentScript.dataset;
const look = () => fetch('/version').then((answer) => answer.json()).then((now) => {
  if (now.version != version) location.reload();
}, () => {}); // the preview was ended
setInterval(look, 1000);
document.querySelector('form')?.addEventListener('change', ({ currentTarget }) => currentTarget.submit());
// Until somebody points at it a frame takes no focus, which would scroll this page to it.
for (const figure of document.querySelectorAll('figure')) {
  figure.addEventListener('pointerenter', () => figure.querySelector('iframe').removeAttribute('inert'));
}
