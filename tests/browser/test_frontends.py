"""The package in apps as people make them: Vite, Next, Nuxt, SvelteKit and Astro, built from its tarball and driven.

What they need takes some hundred megabytes and some minutes, so this runs when FRONTENDS is set: `make frontends`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import free_port
from examples import example
from playwright.sync_api import Page, expect

from .app_workshop import make_app, put, run, serving, tool, workshop
from .conftest import Shop, press, settle, until, when
from .packaged import tarball

__all__ = ["make_app", "tarball", "workshop"]

pytestmark = pytest.mark.skipif("FRONTENDS" not in os.environ, reason="it takes minutes: make frontends")


def walk(shop: Shop, page: Page, url: str) -> None:
    """Ask, accept, go to another page and back, come again, withdraw; a page that throws or warns fails the test."""
    page.goto(url)
    expect(page.get_by_text("Visits are not counted.")).to_be_visible()
    settle(page)
    assert shop.hits == []
    press(page, "accept")
    expect(page.get_by_text("Visits are counted.")).to_be_visible()
    when(page, lambda: shop.hits == ["films/film"])
    until(page, "window.here = consent.token")
    page.get_by_role("link", name="Delivery").click()
    expect(page.get_by_role("heading", name="Delivery")).to_be_visible()
    expect(page.get_by_text("Visits are counted.")).to_be_visible()
    assert page.evaluate("!!window.here"), "the document is another"
    page.goto(url)
    expect(page.get_by_text("Visits are counted.")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(1)
    until(page, "window.consent.token")
    page.evaluate("consent.decide({ functional: false, analytics: false, marketing: false })")
    expect(page.get_by_text("Visits are not counted.")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)
    page.get_by_role("button", name="Allow films").press("Enter")
    expect(page.get_by_role("switch", name="Marketing")).to_be_visible()


INDEX = """<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,"></head>
<body><div id="root"></div><script type="module" src="/main.{kind}"></script></body></html>"""
STRICT = {
    "strict": True,
    "noEmit": True,
    "target": "es2022",
    "module": "esnext",
    "moduleResolution": "bundler",
    "lib": ["es2022", "dom", "dom.iterable"],
    "jsx": "react-jsx",
    "types": [],
}
REACT_MAIN = """
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter, Link, Route, Routes } from 'react-router';
import { ConsentProvider } from 'consent-server/react';
import { Shop } from './Shop';
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <ConsentProvider server="https://consent.shop.example" site="shop">
      <BrowserRouter>
        <Link to="/delivery">Delivery</Link>
        <Routes>
          <Route path="/" element={<Shop />} />
          <Route path="/delivery" element={<><h1>Delivery</h1><Shop /></>} />
        </Routes>
      </BrowserRouter>
    </ConsentProvider>
  </StrictMode>,
);
"""


def test_vite_react_and_typescript(shop: Shop, page: Page, make_app: Callable[..., Path]) -> None:
    folder = make_app(
        index__html=INDEX.replace("{kind}", "tsx"),
        main__tsx=REACT_MAIN,
        Shop__tsx=example("frontends react shop"),
        plain__tsx=example("frontends react main"),
        tsconfig__json=json.dumps({"compilerOptions": STRICT, "include": ["*.tsx"]}),
        vite__config__js="import react from '@vitejs/plugin-react'; export default { plugins: [react()] }",
    )
    run(folder, tool(folder, "tsc"), "-p", ".")
    run(folder, tool(folder, "vite"), "build")
    put(shop, folder / "dist")
    walk(shop, page, shop.url("/"))


NEXT_DELIVERY = """
import { Shop } from '../Shop';
export default function Page() {
  return <><h1>Delivery</h1><Shop /></>;
}
"""


def test_next_draws_on_its_server(shop: Shop, page: Page, make_app: Callable[..., Path]) -> None:
    folder = make_app(
        app_of_layout__tsx=example("frontends next layout").replace(
            "<body>", '<body><link rel="icon" href="data:," />'
        ),
        app_of_page__tsx=example("frontends next page"),
        app_of_delivery_of_page__tsx=NEXT_DELIVERY,
        app_of_Shop__tsx="'use client';\n" + example("frontends react shop"),
    )
    run(folder, tool(folder, "next"), "build")
    port = free_port()
    with serving(folder, tool(folder, "next"), "start", "--port", str(port), port=port) as url:
        shop.serve(origins=(url,))
        walk(shop, page, url)


VUE_MAIN = """
import { createApp, h } from 'vue';
import { createRouter, createWebHistory, RouterLink, RouterView } from 'vue-router';
import { createConsent } from 'consent-server/vue';
import Shop from './Shop.vue';
const routes = [
  { path: '/', component: Shop },
  { path: '/delivery', component: { render: () => [h('h1', 'Delivery'), h(Shop)] } },
];
createApp(() => [h(RouterLink, { to: '/delivery' }, () => 'Delivery'), h(RouterView)])
  .use(createRouter({ history: createWebHistory(), routes }))
  .use(createConsent({ server: 'https://consent.shop.example', site: 'shop' }))
  .mount('#root');
"""


def test_vite_and_vue(shop: Shop, page: Page, make_app: Callable[..., Path]) -> None:
    folder = make_app(
        index__html=INDEX.replace("{kind}", "js"),
        main__js=VUE_MAIN,
        Shop__vue=example("frontends vue shop"),
        vite__config__js="import vue from '@vitejs/plugin-vue'; export default { plugins: [vue()] }",
    )
    run(folder, tool(folder, "vite"), "build")
    put(shop, folder / "dist")
    walk(shop, page, shop.url("/"))


NUXT_PAGE = """
<script setup>import Shop from '../Shop.vue'</script>
<template><div>{more}<Shop /></div></template>
"""


def test_nuxt_draws_on_its_server(shop: Shop, page: Page, make_app: Callable[..., Path]) -> None:
    folder = make_app(
        nuxt__config__ts="""export default defineNuxtConfig({ compatibilityDate: '2026-01-01',
          app: { head: { link: [{ rel: 'icon', href: 'data:,' }] } } })""",
        app_of_app__vue="<template><NuxtPage /></template>",
        app_of_pages_of_index__vue=NUXT_PAGE.replace("{more}", '<NuxtLink to="/delivery">Delivery</NuxtLink>'),
        app_of_pages_of_delivery__vue=NUXT_PAGE.replace("{more}", "<h1>Delivery</h1>"),
        app_of_Shop__vue=example("frontends vue shop"),
        app_of_plugins_of_consent__ts=example("frontends nuxt plugin"),
    )
    run(folder, tool(folder, "nuxt"), "build")
    port = free_port()
    with serving(folder, "node", ".output/server/index.mjs", port=port) as url:
        shop.serve(origins=(url,))
        walk(shop, page, url)


SVELTE_PAGE = """
<script>import Shop from '{up}/Shop.svelte';</script>
{more}
<Shop />
"""


def test_sveltekit_draws_on_its_server(shop: Shop, page: Page, make_app: Callable[..., Path]) -> None:
    folder = make_app(
        svelte__config__js="import adapter from '@sveltejs/adapter-node'; export default { kit: { adapter: adapter() } }",
        vite__config__js="import { sveltekit } from '@sveltejs/kit/vite'; export default { plugins: [sveltekit()] }",
        src_of_app__html="""<!doctype html><html lang="en"><head><link rel="icon" href="data:,">%sveltekit.head%</head>
          <body>%sveltekit.body%</body></html>""",
        src_of_Shop__svelte=example("frontends svelte shop"),
        **{
            "src_of_routes_of_+page__svelte": SVELTE_PAGE.replace("{up}", "..").replace(
                "{more}", '<a href="/delivery">Delivery</a>'
            )
        },
        **{
            "src_of_routes_of_delivery_of_+page__svelte": SVELTE_PAGE.replace("{up}", "../..").replace(
                "{more}", "<h1>Delivery</h1>"
            )
        },
    )
    run(folder, tool(folder, "vite"), "build")
    port = free_port()
    with serving(folder, "node", "build/index.js", port=port) as url:
        shop.serve(origins=(url,))
        walk(shop, page, url)


ASTRO_PAGE = """---
import Layout from '../Layout.astro';
---
<Layout title="{title}"><link rel="icon" href="data:," /><a href="{other}">other</a></Layout>
"""


def test_astro_runs_what_is_marked_for_each_page_that_it_shows(
    shop: Shop, page: Page, make_app: Callable[..., Path]
) -> None:
    counted = example("frontends astro layout").replace(
        "<title>", "<script is:inline>window.ran = () => 0</script><title>"
    )
    folder = make_app(
        astro__config__mjs="export default {}",
        src_of_Layout__astro=counted,
        src_of_pages_of_index__astro=ASTRO_PAGE.replace("{title}", "Shop").replace("{other}", "/delivery"),
        src_of_pages_of_delivery__astro=ASTRO_PAGE.replace("{title}", "Delivery").replace("{other}", "/"),
    )
    run(folder, tool(folder, "astro"), "build")
    put(shop, folder / "dist")
    page.goto(shop.url("/"))
    settle(page)
    assert shop.hits == []
    press(page, "accept")
    when(page, lambda: shop.hits == ["tags/count.js"])
    until(page, "window.here = consent.token")
    for title, times in (("Delivery", 2), ("Shop", 3)):
        page.get_by_role("link", name="other").click()
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        when(page, lambda times=times: len(shop.hits) == times)  # type: ignore[misc]
    assert page.evaluate("!!window.here"), "the document is another"
