"""What shops build pages with, as npm has it: one script each, for a page to load."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

SNIPPET = Path(__file__).parents[2] / "snippet"
MODULES = SNIPPET / "node_modules"

_READY = {
    "turbo": "@hotwired/turbo/dist/turbo.es2017-umd.js",
    "htmx": "htmx.org/dist/htmx.min.js",
    "jquery": "jquery/dist/jquery.min.js",
    "lozad": "lozad/dist/lozad.min.js",
    "vue": "vue/dist/vue.global.prod.js",
    "tabbable": "tabbable/dist/index.umd.js",
    "focus-trap": "focus-trap/dist/focus-trap.umd.js",
    "dompurify": "dompurify/dist/purify.min.js",
}


@cache
def library(name: str) -> str:
    """Return the text of a library: of React with its version, ``react19``, else by the name that npm has it by.

    React's brings ``React``, ``createRoot`` and ``hydrateRoot`` as globals.
    """
    if name in _READY:
        return (MODULES / _READY[name]).read_text("utf-8")
    version = name.removeprefix("react")
    react, dom = ("react", "react-dom") if version == "19" else (f"react{version}", f"react-dom{version}")
    source = (
        f"import * as React from '{react}'; import {{ createRoot, hydrateRoot }} from '{dom}/client';"
        "Object.assign(window, { React, createRoot, hydrateRoot });"
    )
    esbuild = [
        *(MODULES / ".bin/esbuild", "--bundle", "--minify", "--define:process.env.NODE_ENV='production'"),
        f"--alias:react={MODULES / react}",
    ]
    made = subprocess.run(esbuild, cwd=SNIPPET, input=source, check=True, capture_output=True, text=True)
    return made.stdout


@cache
def bundle(source: str) -> str:
    """Return a module with all that it imports from npm, as one script."""
    esbuild = [MODULES / ".bin/esbuild", "--bundle", "--minify", "--define:process.env.NODE_ENV='production'"]
    return subprocess.run(esbuild, cwd=SNIPPET, input=source, check=True, capture_output=True, text=True).stdout


@cache
def rendered(version: str, app: str) -> str:
    """Return what React on a server makes of ``app``, an expression in which ``h`` is ``createElement``."""
    react, dom = ("react", "react-dom") if version == "19" else (f"react{version}", f"react-dom{version}")
    source = (
        f"import * as React from '{react}'; import {{ renderToString }} from '{dom}/server';"
        f"const h = React.createElement; process.stdout.write(renderToString({app}));"
    )
    esbuild = [
        *(MODULES / ".bin/esbuild", "--bundle", "--platform=node", "--define:process.env.NODE_ENV='production'"),
        f"--alias:react={MODULES / react}",
    ]
    made = subprocess.run(esbuild, cwd=SNIPPET, input=source, check=True, capture_output=True, text=True)
    return subprocess.run(["node"], input=made.stdout, check=True, capture_output=True, text=True).stdout
