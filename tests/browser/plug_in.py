"""The plug-in for WordPress without WordPress: what runs PHP after some of its files."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from conftest import ROOT

PLUG_IN = ROOT / "snippet" / "wordpress"

needs_php = pytest.mark.skipif(not shutil.which("php"), reason="php is not installed here; `make test` installs it")

WORDPRESS = """<?php
namespace ConsentServer;
error_reporting(E_ALL);
define('ABSPATH', '/');
define('MINUTE_IN_SECONDS', 60);
define('HOUR_IN_SECONDS', 3600);
$kept = [];
$asked = [];
$answers = [];
function get_option($name) { return $name === OPTION ? json_decode(getenv('OPTIONS'), true) : $GLOBALS['kept'][$name] ?? false; }
function update_option($name, $value) { $GLOBALS['kept'][$name] = $value; }
function get_transient($name) { return $GLOBALS['kept'][$name][0] ?? false; }
function set_transient($name, $value, $seconds) { $GLOBALS['kept'][$name] = [$value, $seconds]; }
function wp_unslash($text) { return $text; }
function time() { return 1000000; }
function wp_remote_get($address) { $GLOBALS['asked'][] = basename($address); return $GLOBALS['answers'][basename($address)] ?? [0, '']; }
function wp_remote_retrieve_body($answer) { return $answer[1]; }
function wp_remote_retrieve_response_code($answer) { return $answer[0]; }
function wp_scripts() { return (object) ['registered' => (array) json_decode(getenv('SCRIPTS'))]; }
"""
"""What the files below ask of WordPress."""


SET_UP = {"server": "https://consent.shop.example", "site": "shop"}
ALL = ("options", "server", "token", "functions")
GATE = ("options", "addresses", "tree", "page", "element", "gate")


def php(code: str, given: object, files: tuple[str, ...], **environment: str) -> Any:
    """Run code after some of the plug-in's files; ``$given`` is what it is given; return what it echoes as JSON."""
    required = "".join(f"require '{PLUG_IN / name}.php';\n" for name in files)
    done = subprocess.run(
        ["php", "-d", "display_errors=stderr", "-d", "error_reporting=-1"],
        input=f"{WORDPRESS}{required}$given = json_decode(getenv('GIVEN'), true);\n{code}",
        env={"OPTIONS": json.dumps(SET_UP), "SCRIPTS": "{}", "GIVEN": json.dumps(given), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return json.loads(done.stdout)
