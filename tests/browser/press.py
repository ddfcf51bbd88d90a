"""A WordPress of Debian's packages with a MariaDB of its own, both in one folder, and its neighbours: other plug-ins."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from beside import up
from conftest import ROOT, free_port, left_of
from examples import example

WORDPRESS = Path(os.environ.get("WORDPRESS_FOLDER", "/usr/share/wordpress"))
MARIADB = ("/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db")
CONSENT_API = os.environ.get("WP_CONSENT_API", "")
"""A folder with the plug-in WP Consent API; without one a stand-in has the functions that it documents."""

PASSWORD = "a long password of the tests"

CONFIG = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'root'); define('DB_PASSWORD', ''); define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', ''); define('DB_HOST', 'localhost:{socket}');
define('WP_DEBUG', true); define('WP_DEBUG_DISPLAY', false); define('WP_DEBUG_LOG', '{log}');
define('DISABLE_WP_CRON', true); define('WP_HTTP_BLOCK_EXTERNAL', true); define('WP_ACCESSIBLE_HOSTS', '127.0.0.1');
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_HOME', $_ENV['HOME_URL'] ?? getenv('HOME_URL')); define('WP_SITEURL', WP_HOME);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {
  define($name . '_KEY', "a key of the tests for $name"); define($name . '_SALT', "a salt of the tests for $name");
}
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require ABSPATH . 'wp-settings.php';
"""

INSTALL = """
define('WP_INSTALLING', true);
require 'wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';
function wp_new_blog_notification() {}
wp_install('Shop', 'admin', 'admin@shop.example', true, '', $given['password']);
wp_insert_user(['user_login' => 'reader', 'user_pass' => $given['password'], 'role' => 'subscriber']);
update_option('blogdescription', '');
foreach ($given['pages'] as $name => $content) {
  $id = wp_insert_post(['post_title' => $name, 'post_name' => $name, 'post_type' => 'page', 'post_status' => 'publish', 'post_content' => $content], true);
  $ids[$name] = $id;
}
wp_cache_flush();
echo json_encode($ids);
"""

ACTIVATE = """
require 'wp-load.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';
foreach ($given as $plugin) {
  $fault = activate_plugin($plugin);
  $said[] = is_wp_error($fault) ? $fault->get_error_message() : 'active';
}
echo json_encode($said);
"""

NEIGHBOUR = """<?php
/* Plugin Name: Neighbour: what other plug-ins do. */
add_action('wp_enqueue_scripts', function () {
  wp_enqueue_script('gtag', 'https://www.googletagmanager.com/gtag/js?id=G-1', [], null);
  wp_add_inline_script('gtag', 'ran("before gtag")', 'before');
  wp_add_inline_script('gtag', 'ran("after gtag")');
  wp_enqueue_script('counter', plugins_url('counter.js', __FILE__), [], '1', true);
  wp_localize_script('counter', 'counted', ['by' => 'handle']);
  wp_enqueue_script('harmless', plugins_url('harmless.js', __FILE__), [], '1', true);
});
add_action('wp_head', function () { ?>
<script>window.did = []; window.ran = (what) => did.push(what)</script>
<script>!function (d) { var s = d.createElement('script'); s.src = 'https://connect.facebook.net/en_US/fbevents.js'; d.head.append(s) }(document)</script>
<noscript><img height="1" width="1" src="https://www.facebook.com/tr?id=1&ev=PageView" /></noscript>
<?php }, 0);
add_action('wp_footer', function () {
  $said = ['type' => wp_get_consent_type(), 'registered' => consent_api_registered('consent-server/consent-server.php')];
  foreach (['functional', 'preferences', 'statistics', 'statistics-anonymous', 'marketing'] as $category) {
    $said[$category] = wp_has_consent($category);
  }
  $said['analytics'] = function_exists('consent_allows') && consent_allows('analytics');
  echo '<script type="application/json" id="said">', json_encode($said), '</script>';
  ?><script>window.heard = []; document.addEventListener('wp_listen_for_consent_change', ({ detail }) => heard.push({ ...detail }))</script><?php
});
{example}
add_filter('pre_oembed_result', function ($none, $url) { // As YouTube answers.
  return '<iframe title="A film" width="500" height="281" src="https://www.youtube.com/embed/M7lc1UVf-VE?feature=oembed" '
    . 'frameborder="0" allow="accelerometer; autoplay" allowfullscreen></iframe>';
}, 10, 2);
"""
CALLED = "ran(document.currentScript.src.split('/').pop().split('?')[0])"

STAND_IN = {
    "wp-consent-api.php": """<?php
/* Plugin Name: Stand-in for the WP Consent API: the functions that it documents. */
function wp_get_consent_type() { return apply_filters('wp_get_consent_type', false); }
function wp_has_consent($category, $asks = false) {
  $type = wp_get_consent_type();
  $said = $_COOKIE["wp_consent_$category"] ?? '';
  return apply_filters('wp_has_consent', !$type || $said === 'allow' || ($type === 'optout' && !$said), $category, $asks);
}
function consent_api_registered($plugin) { return apply_filters("wp_consent_api_registered_$plugin", false); }
add_action('wp_enqueue_scripts', function () {
  wp_enqueue_script('wp-consent-api', plugins_url('api.js', __FILE__), [], '1', true);
  wp_add_inline_script('wp-consent-api', 'window.wp_fallback_consent_type = ' . json_encode(wp_get_consent_type()), 'before');
}, PHP_INT_MAX - 100);
""",
    "api.js": """
window.wp_has_consent = (category) => {
  const type = window.wp_consent_type ?? window.wp_fallback_consent_type;
  return !type || document.cookie.split('; ').includes(`wp_consent_${category}=allow`);
};
window.wp_set_consent = (category, value) => {
  const written = `wp_consent_${category}=${value}`;
  if (document.cookie.split('; ').includes(written)) return;
  document.cookie = `${written}; path=/; max-age=2592000`;
  document.dispatchEvent(new CustomEvent('wp_listen_for_consent_change', { detail: { [category]: value } }));
};
""",
}

PAGES = {
    "shop": """<!-- wp:embed {"url":"https://www.youtube.com/watch?v=M7lc1UVf-VE","type":"video","providerNameSlug":"youtube"} -->
<figure class="wp-block-embed is-type-video is-provider-youtube"><div class="wp-block-embed__wrapper">
https://www.youtube.com/watch?v=M7lc1UVf-VE
</div></figure>
<!-- /wp:embed -->""",
    "policy": "<!-- wp:consent-server/list /-->",
    "old-policy": example("wordpress list"),
}


@dataclass
class Press:
    """WordPress behind PHP's own web server, at a host name of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    ids: dict[str, int] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "wordpress"

    @property
    def log(self) -> Path:
        return self.folder / "debug.log"

    def url(self, path: str = "/") -> str:
        return f"http://shop.localhost:{self.port}{path}"

    def page(self, name: str) -> str:
        return self.url(f"/?page_id={self.ids[name]}")

    def install(self) -> Press:
        """Start the database, copy WordPress and the plug-ins, and fill it."""
        data, socket = self.folder / "database", self.folder / "sql"
        me = ["--user=root"] if os.geteuid() == 0 else []
        self._run(MARIADB[1], "--no-defaults", f"--datadir={data}", "--skip-test-db", *me)
        start = self.folder / "start.sql"
        start.write_text("CREATE DATABASE IF NOT EXISTS wordpress CHARACTER SET utf8mb4;\n")
        self._start(
            *(MARIADB[0], "--no-defaults", f"--datadir={data}", f"--socket={socket}", *me, "--skip-networking"),
            *("--skip-grant-tables", f"--init-file={start}", "--innodb-flush-log-at-trx-commit=0"),
        )
        shutil.copytree(
            WORDPRESS, self.root, ignore=lambda folder, _: [".htaccess"] if folder == str(WORDPRESS) else []
        )
        (self.root / "wp-config.php").write_text(
            CONFIG.replace("{socket}", str(socket)).replace("{log}", str(self.log))
        )
        plugins = self.root / "wp-content" / "plugins"
        shutil.copytree(ROOT / "snippet" / "wordpress", plugins / "consent-server")
        (plugins / "neighbour").mkdir()
        (plugins / "neighbour" / "neighbour.php").write_text(NEIGHBOUR.replace("{example}", example("wordpress php")))
        for name in ("counter.js", "harmless.js"):
            (plugins / "neighbour" / name).write_text(CALLED)
        if CONSENT_API:
            shutil.copytree(CONSENT_API, plugins / "wp-consent-api")
        else:
            (plugins / "wp-consent-api").mkdir()
            for name, text in STAND_IN.items():
                (plugins / "wp-consent-api" / name).write_text(text)
        until = time.monotonic() + 120
        while not socket.exists():
            assert time.monotonic() < until
            assert self.processes[0].poll() is None, (self.folder / "log").read_text("utf-8", "replace")
            time.sleep(0.05)
        self.ids = self.php(INSTALL, {"password": PASSWORD, "pages": PAGES})
        names = ["wp-consent-api/wp-consent-api.php", "neighbour/neighbour.php", "consent-server/consent-server.php"]
        assert self.php(ACTIVATE, names) == ["active"] * 3
        self.serve()
        return self

    def serve(self, *options: str) -> None:
        """Let PHP's web server answer, with options of PHP."""
        self._start(
            *("php", *options, "-S", f"127.0.0.1:{self.port}", "-t", str(self.root)),
            PHP_CLI_SERVER_WORKERS="4",
            HOME_URL=self.url("").rstrip("/"),
        )
        up(f"http://127.0.0.1:{self.port}/wp-includes/js/wp-embed.js")

    def halt(self) -> None:
        """End PHP's web server, each worker of it; the database goes on."""
        process = self.processes.pop()
        workers = psutil.Process(process.pid).children()
        self._end(process)
        assert not left_of(workers)

    def php(self, code: str, given: object = None) -> Any:
        """Run code in WordPress' folder; ``$given`` is what it is given; return what it echoes as JSON."""
        done = subprocess.run(
            ["php", "-d", "display_errors=stderr"],
            input=f"<?php $given = json_decode(getenv('GIVEN'), true);\n{code}",
            cwd=self.root,
            env=self._environment({"GIVEN": json.dumps(given), "HOME_URL": self.url("").rstrip("/")}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + self.words()
        return json.loads(done.stdout)

    def words(self) -> str:
        """Return what PHP and the database had to say of late."""
        logs = [path for path in (self.folder / "log", self.log) if path.exists()]
        return "\n".join(path.read_text("utf-8", "replace")[-3000:] for path in logs)

    def stop(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self.processes):
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, **more}

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(environment),
                start_new_session=True,
            )
        self.processes.append(process)
        return process
