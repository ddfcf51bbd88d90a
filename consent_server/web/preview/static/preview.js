/** Comes to the page anew once consent.toml was saved, and when another layer or variant is chosen. */
const { version } = document.currentScript.dataset;
/** How far down this page was before it came anew. */
const down = history.state?.down ?? 0;
const look = () => fetch('version').then((answer) => answer.json()).then((now) => {
  if (now.version == version) return;
  history.replaceState({ down: scrollY }, '');
  location.reload();
}, () => {}); // the preview was ended
setInterval(look, 1000);
document.querySelector('form')?.addEventListener('change', ({ currentTarget }) => currentTarget.submit());

// What opens in a frame takes the focus, and this page would scroll there; until somebody does something it stays.
let untouched = true;
for (const act of ['pointerdown', 'wheel', 'keydown', 'touchstart']) {
  addEventListener(act, () => { untouched = false; }, { capture: true, passive: true });
}
const stay = () => {
  if (!untouched) return;
  document.activeElement?.blur();
  if (scrollY != down) scrollTo(0, down);
};
history.scrollRestoration = 'manual';
addEventListener('scroll', stay);
addEventListener('blur', () => setTimeout(stay));
stay();
