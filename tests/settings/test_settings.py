"""A wrong setting is refused at the start: file, key, what is wrong and what is accepted. Each default stands once."""

import inspect
import shlex
from dataclasses import fields

import pytest
from conftest import ROOT
from examples import example
from generated import TABLES, path_of, toml

from consent_server.settings.environment import ENVIRONMENT, Settings, read_environment
from consent_server.settings.rows import REQUIRED, SettingsError, duration
from consent_server.settings.shops import SITE, read_sites
from consent_server.settings.theme import contrast
from consent_server.store import Store

MINIMAL = """
[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "https://shop.example/privacy"
policy_updated = 2025-12-20
languages = ["az", "en"]
"""
COOKIE = '[[sites.shop.cookies.analytics]]\nname = "_ga"\nprovider = "Google"\nlife = "2 years"\n'


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "consent.toml"
        path.write_text(text, encoding="utf-8")
        return read_sites(path)

    return write


def test_the_smallest_shop_is_enough(written):
    site = written(MINIMAL)["shop"]
    assert site.languages == ("az", "en")
    assert (site.revision, site.gpc) == (1, True)


def test_a_shop_lists_origins_for_tests_and_none_of_its_own(written):
    assert written(MINIMAL)["shop"].test_origins == ()
    listed = MINIMAL.replace("[sites.shop]\n", f"[sites.shop]\n{example('testing config')}")
    assert written(listed)["shop"].answered_by_address == ("https://staging.shop.example",)
    own = written(MINIMAL)["shop"].origins[0]
    with pytest.raises(SettingsError, match=r"sites\.shop\.test_origins has .* one of origins"):
        written(f'{MINIMAL}test_origins = ["{own}"]\n')
    local = MINIMAL.replace(own, "http://shop.localhost:3000")
    with pytest.raises(SettingsError, match=r"has .* one of origins, where an address may answer as it is"):
        written(f'{local}test_origins = ["http://shop.localhost:3000"]\n')
    with pytest.raises(SettingsError, match=r"sites\.shop\.test_origins takes"):
        written(f'{MINIMAL}test_origins = "https://x.example"\n')


def test_a_shop_says_what_share_of_page_views_is_watched(written):
    assert written(MINIMAL)["shop"].watch == 0
    assert written(MINIMAL.replace("[sites.shop]\n", example("watch")))["shop"].watch == 0.01


@pytest.mark.parametrize("wrong", ["1", "0.01", '"101%"', '"-1%"', '"1 %%"', '"some"', "true", '"1e2%"', "[]"])
def test_a_share_is_written_as_a_percentage(written, wrong):
    with pytest.raises(SettingsError, match=r'sites\.shop\.watch takes a share from "0%" to "100%"'):
        written(f"{MINIMAL}watch = {wrong}")


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("privacy@shop.example", "privacy@shop.example"),
        ("mailto:privacy@shop.example", "privacy@shop.example"),
        ("https://shop.example/contact", "https://shop.example/contact"),
        ("/contact", "/contact"),
    ],
)
def test_a_contact_is_an_e_mail_address_or_a_page(written, text, contact):
    assert written(f'{MINIMAL}contact = "{text}"')["shop"].contact == contact


def test_a_file_with_a_byte_order_mark_is_read(written):
    assert written("\N{ZERO WIDTH NO-BREAK SPACE}" + MINIMAL) == written(MINIMAL)


@pytest.mark.parametrize("origin", ["http://[::1]:3000", "http://[::1]"])
def test_the_host_of_a_shop_may_be_an_address_of_ipv6(written, origin):
    text = MINIMAL.replace('["https://shop.example"]', f'["{origin}"]')
    assert written(text)["shop"].domains == ("[::1]",)


def test_the_demo_shop_is_read_whole():
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    assert site.languages == ("az", "ru", "en", "tr")
    assert site.policy_updated.isoformat() == "2025-12-20"
    assert site.keep in range(181 * 86400, 184 * 86400)
    assert set(site.cookies) == {"necessary", "functional", "analytics", "marketing"}


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("x", "TOML", "Expected"),
        ("", "sites", "missing"),
        ("[sits.shop]", "sits", "did you mean 'sites'"),
        ('[sites.Shop]\nname = "x"', "sites.Shop", "a-z, 0-9"),
        (MINIMAL.replace("https://shop.example/privacy", "ftp://x"), "sites.shop.policy_url", "takes an address"),
        (f'{MINIMAL}contact = "the desk"', "sites.shop.contact", "takes an e-mail address, or a page such as"),
        (f'{MINIMAL}contact = "javascript:alert(1)"', "sites.shop.contact", "takes an e-mail address, or a page"),
        (MINIMAL.replace("origins", "orgins"), "sites.shop.orgins", "did you mean 'origins'"),
        (MINIMAL.replace("name =", "# name ="), "sites.shop.name", "missing"),
        (MINIMAL.replace('["https://shop.example"]', '["https://*.shop.example"]'), "sites.shop.origins", "exact"),
        (MINIMAL.replace('["https://shop.example"]', '["https://shop.example/"]'), "sites.shop.origins", "exact"),
        (MINIMAL.replace("2025-12-20", '"yesterday"'), "sites.shop.policy_updated", "2025-12-20"),
        (MINIMAL.replace('["https://shop.example"]', '["https://\u00ad"]'), "sites.shop.origins", "exact"),
        (MINIMAL.replace('["https://shop.example"]', '["https://\u200b."]'), "sites.shop.origins", "exact"),
        (MINIMAL + f"revision = {'9' * 5000}", "TOML", "digits"),
        (MINIMAL + f"keep = {'[' * 5000}", "TOML", "recursion"),
        (MINIMAL + 'prove = "9999 years"', "sites.shop.prove", "100 years"),
        (MINIMAL + '[[sites.shop.variants]]\nname = "a\\u001fb"', "variants[0].name", "can be seen"),
        (MINIMAL + f'[[sites.shop.variants]]\nname = "{"a" * 81}"', "variants[0].name", "80 characters"),
        (MINIMAL + """[sites.shop.theme]\nfont = "'Inter" """, "sites.shop.theme.font", "font families"),
        (MINIMAL + """[sites.shop.theme]\nfont = '"Inter' """, "sites.shop.theme.font", "font families"),
        (MINIMAL + """[sites.shop.theme]\nfont = '"In\\\\ter"' """, "sites.shop.theme.font", "font families"),
        (MINIMAL + """[sites.shop.theme]\nfont = '"In;ter"' """, "sites.shop.theme.font", "font families"),
        (MINIMAL + '[sites.shop.theme.accept]\nsize = "0px"', "theme.accept.size", "can be read"),
        (MINIMAL + '[sites.shop.theme.accept]\nsize = "9rem"', "theme.accept.size", "can be read"),
        (MINIMAL + '[sites.shop.theme]\naccent = "#a6192e"\ndark = "black"', "sites.shop.theme.dark", "takes a table"),
        (MINIMAL.replace('["az", "en"]', '["az", "eo"]'), "sites.shop.languages", "words.eo lacks"),
        (MINIMAL + "revision = 0", "sites.shop.revision", "whole number"),
        (MINIMAL + "keep = 15552000", "sites.shop.keep", "6 months"),
        (MINIMAL + 'keep = "9 years"', "sites.shop.keep", "2 years"),
        (MINIMAL + 'cookie_domain = ".shop.example"', "sites.shop.cookie_domain", "leading dot"),
        (MINIMAL + '[[sites.shop.cookies.statistics]]\nname = "x"', "sites.shop.cookies", "statistics"),
        (MINIMAL + COOKIE, "sites.shop.cookies.analytics[0].purpose", "missing"),
        (MINIMAL + COOKIE + 'purpose = {az = "x"}', "sites.shop.cookies.analytics[0].purpose", "'en'"),
        (MINIMAL + '[sites.shop.vendors.gogle]\nmode = "basic"', "sites.shop.vendors", "did you mean 'google'"),
        (MINIMAL + '[sites.shop.vendors.google]\nmode = "loud"', "sites.shop.vendors.google.mode", "basic"),
        *(
            (MINIMAL + f"[sites.shop.vendors.{name}]", "sites.shop.vendors", f'write services = ["{service}"]')
            for name, service in {"linkedin": "linkedin", "snap": "snapchat", "segment": "segment"}.items()
        ),
        *(
            (MINIMAL + f"[sites.shop.vendors.{name}]", "sites.shop.vendors has", says)
            for name, says in {
                "ga4": """'ga4', which is told by [vendors.google]; services = ["ga4"] brings that too""",
                "meta-pixel": "which is told by [vendors.meta]; services",
                "hotjar": "and its tag waits until it is allowed",
                "stripe": "and it is listed, and no tag waits",
            }.items()
        ),
        (MINIMAL + '[[sites.shop.trackers]]\nmatch = "*"\ncategory = "analytics"', "trackers[0].match", "host"),
        (MINIMAL + '[[sites.shop.trackers]]\nmatch = "a.com"\ncategory = "x"', "trackers[0].category", "takes one of"),
        (MINIMAL + "[[sites.shop.variants]]\nweight = 1", "sites.shop.variants[0].name", "missing"),
        (MINIMAL + '[sites.shop.words.en]\nacept = "Yes"', "sites.shop.words", "did you mean 'accept'"),
        (MINIMAL + '[sites.shop.theme.refuse]\nbackground = "#777777"', "theme.refuse.background", "look like"),
        (MINIMAL + '[sites.shop.theme.refuse]\nsize = "12px"', "theme.refuse.size", "look like"),
        (MINIMAL + '[sites.shop.theme]\ntext = "#cccccc"', "sites.shop.theme.text", "4.5:1"),
        (MINIMAL + '[sites.shop.theme]\nlayout = "popup"', "sites.shop.theme.layout", "bar, box, centre"),
        (
            MINIMAL
            + '[sites.shop.theme.accept]\nbackground = "#ffffff"\n[sites.shop.theme.refuse]\nbackground = "#ffffff"',
            "theme.accept.text",
            "4.5:1",
        ),
    ],
)
def test_it_refuses(written, text, key, says):
    with pytest.raises(SettingsError) as refusal:
        written(text)
    assert "consent.toml" in str(refusal.value)
    assert key in str(refusal.value)
    assert says in str(refusal.value)


def test_a_missing_file_says_what_to_type(tmp_path):
    with pytest.raises(SettingsError, match="consent-server init"):
        read_sites(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90 s", 90), ("15m", 900), ("12 hours", 43200), ("1 day", 86400), ("6 months", 15811200), ("1 year", 31536000)],
)
def test_people_write_times(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["15552000", "soon", "-1 days", "6 parsecs", ""])
def test_it_refuses_other_times(text):
    with pytest.raises(ValueError, match="6 months"):
        duration(text)


def test_contrast_is_what_wcag_says():
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def lines(rows, value):
    """Return a line of TOML for each row that has this value."""
    return "".join(f"{row.name} = {toml(value(row))}\n" for row in rows if value(row) not in (None, REQUIRED))


SPELLED = [
    *(
        (path_of(head), row, f"{MINIMAL}{head}\n{lines(rows, required)}", f"{row.name} = {toml(row.default)}\n")
        for heads, rows in TABLES.items()
        for head in heads
        for row in rows
        if path_of(head) and row.default is not REQUIRED and row.default is not None
        for required in [lambda row: row.example if row.default is REQUIRED else None]
    ),
    *(
        ("", row, MINIMAL.replace('languages = ["az", "en"]\n', ""), f"{row.name} = {toml(row.default)}\n")
        for row in SITE
        if row.default is not REQUIRED and row.default is not None
    ),
]


@pytest.mark.parametrize(
    ("without", "line"), [case[2:] for case in SPELLED], ids=[f"{path}.{row.name}" for path, row, *_ in SPELLED]
)
def test_to_spell_a_default_out_changes_nothing(written, without, line):
    without = without.replace('["az", "en"]', '["en"]')
    assert written(without + line) == written(without)


def test_no_answer_holds_longer_or_shorter_for_a_default_that_is_left_out(written):
    assert written(MINIMAL)["shop"].keep == duration("6 months") == 183 * 86400
    assert written(MINIMAL)["shop"].prove == duration("3 years")


@pytest.mark.parametrize(
    ("written_as", "read_as"),
    [
        ('"\\"Bob\'s Font\\", serif"', '"Bob\'s Font", serif'),
        ('"""Inter,\n  sans-serif"""', "Inter, sans-serif"),
        ('"inherit"', "inherit"),
    ],
)
def test_a_list_of_fonts_is_read_as_css_reads_it(written, written_as, read_as):
    assert written(f"{MINIMAL}[sites.shop.theme]\nfont = {written_as}\n")["shop"].theme["font"] == read_as


def test_a_moment_is_of_its_day(written):
    text = MINIMAL.replace("2025-12-20", "2025-12-20T10:00:00Z")
    assert written(text)["shop"].policy_updated.isoformat() == "2025-12-20"


def test_colours_for_the_dark_that_are_left_out_are_those_of_the_light(written):
    light = MINIMAL + "".join(
        f'[sites.shop.theme.{side}]\nbackground = "#fde68a"\ntext = "#1b1f24"\n' for side in ("accept", "refuse")
    )
    assert written(light)["shop"].theme["dark"] == {}
    theme = written(light + '[sites.shop.theme.dark]\nbackground = "#eeeeee"\n')["shop"].theme
    assert theme["dark"]["background"] == "#eeeeee"
    assert all(theme["dark"][name] == theme[name] for name in ("text", "accept", "refuse"))
    with pytest.raises(SettingsError, match=r"theme\.dark\.accept\.text"):
        written(light + "".join(f'[sites.shop.theme.dark.{side}]\ntext = "#ffffff"\n' for side in ("accept", "refuse")))


# ---- The documentation ----


@pytest.mark.parametrize("name", [path_of(heads[0]) or "site" for heads in TABLES])
def test_each_table_of_the_documentation_has_an_example_that_is_read(written, name):
    code = example(f"configuration {name}")
    (rows,) = [rows for heads, rows in TABLES.items() if (path_of(heads[0]) or "site") == name]
    for row in rows:
        below = [heads for heads in TABLES if any(row.name in path_of(head).split(".") for head in heads)]
        assert row.example is not None or below, f"{name}.{row.name} has neither an example nor a table of its own"
        assert row.example is None or f"\n{row.name} = " in code
    assert written(code if name == "site" else example("configuration site") + code) != written(MINIMAL)


def test_the_documentation_s_environment_is_read():
    read = read_environment(dict(line.split("=", 1) for line in shlex.split(example("configuration environment"))))
    for each in fields(read):
        assert getattr(read, each.name) != getattr(Settings(), each.name)


# ---- The environment ----


def test_settings_have_an_attribute_for_each_row_with_its_default():
    assert read_environment({}) == Settings()
    for row in ENVIRONMENT:
        assert getattr(Settings(), row.name.removeprefix("CONSENT_").lower()) == row.value


@pytest.mark.parametrize("row", ENVIRONMENT, ids=lambda row: row.name)
def test_to_spell_a_default_of_the_environment_out_changes_nothing(row):
    assert read_environment({row.name: "" if row.default is None else str(row.default)}) == Settings()


@pytest.mark.parametrize(
    "environ", [{"PORT": "eighty"}, {"PORT_FILE": "/nowhere"}, {"PORT": "1", "PORT_FILE": "/nowhere"}]
)
def test_an_error_says_whose_it_is(environ):
    with pytest.raises(SettingsError) as refusal:
        read_environment(environ)
    assert refusal.value.name == "PORT"


def test_a_wrong_value_of_a_file_names_the_file(tmp_path):
    path = tmp_path / "port"
    path.write_text("eighty")
    with pytest.raises(SettingsError, match=rf"^PORT \(of PORT_FILE, {path}\) is 'eighty' but takes"):
        read_environment({"PORT_FILE": str(path)})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "http", "whole number"),
        ("CONSENT_SECRET", "short", "32 characters"),
        ("REDIS_URL", "http://user:password@redis", "redis://"),
        ("CONSENT_WEBHOOK", "file:///etc/passwd", "https://"),
        ("CONSENT_WEBHOOK", "/alarms", "https://"),
        ("CONSENT_WEBHOOK", "https://a b", "https://"),
        ("CONSENT_WEBHOOK", "https://[", "takes an address"),
        ("CONSENT_WEBHOOK", "https://:80", "takes an address"),
        ("CONSENT_WEBHOOK", "https://shop.example:99999", "takes an address"),
        ("REDIS_URL", "redis://redis..local:6379", "takes a host that there can be"),
        ("REDIS_URL", "redis://:pa/ss@redis:6379", "percent-encode it: %2F for /"),
        ("REDIS_URL", "redis://:12#ss@redis:6379", "percent-encode it"),
        ("CONSENT_TSA", "https://shop:password@tsa.example/", "without a name and a password"),
        ("CONSENT_MARKETERS", "rates.shop.example:443", "without the port that browsers leave out"),
        ("COUNTRY_HEADER", "CF-IPCountry:", "without a colon"),
        ("REGION_HEADER", "CF Region", "without a colon"),
        ("CONSENT_PREFIX", "consent", "/consent"),
    ],
)
def test_the_environment_is_read_loudly(name, value, says):
    with pytest.raises(SettingsError, match=says) as refusal:
        read_environment({name: value})
    assert name in str(refusal.value)
    assert name not in {row.name for row in ENVIRONMENT if row.secret} or value not in str(refusal.value)


def test_a_setting_may_come_from_a_file_but_not_twice(tmp_path):
    path = tmp_path / "secret"
    path.write_text("s" * 40 + "\n")
    assert read_environment({"CONSENT_SECRET_FILE": str(path)}).secret == ("s" * 40,)
    with pytest.raises(SettingsError, match="both set"):
        read_environment({"CONSENT_SECRET_FILE": str(path), "CONSENT_SECRET": "s" * 40})
    with pytest.raises(SettingsError, match="cannot be read"):
        read_environment({"CONSENT_SECRET_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize("apart", ["\n", "\r\n", "\r", "\n\n", " \n\t", "\u2028"], ids=repr)
@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("CONSENT_SECRET", "n" * 32, "o" * 32),
        ("CONSENT_WEBHOOK_SECRET", "whsec_" + "n" * 32, "shop=whsec_" + "o" * 32),
        ("CONSENT_DIGEST", "leyla@shop.example", "murad@shop.example"),
        ("CONSENT_METRICS_TOKEN", "new", "old"),
        ("CONSENT_WEBHOOK", "https://one.example/", "https://two.example/"),
        ("REDIS_URL", "redis://one", "redis://two"),
        ("CONSENT_TSA_CERTIFICATE", "one.pem", "two.pem"),
    ],
)
def test_what_stands_one_a_line_is_not_taken_for_one_of_them(name, one, two, apart, tmp_path):
    path = tmp_path / "mounted"
    path.write_text(f"{one}{apart}{two}\n", "utf-8", newline="")
    for environ in ({f"{name}_FILE": str(path)}, {name: f"{one}{apart}{two}"}):
        with pytest.raises(SettingsError, match=r"takes one line; .*, they are separated by commas\.$") as refusal:
            read_environment(environ)
        assert refusal.value.name == name
        assert name == "CONSENT_DIGEST" or name == "CONSENT_TSA_CERTIFICATE" or one not in str(refusal.value)


def test_a_list_may_have_lines_that_end_in_commas_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "secret"
    kept = ("n" * 32, "o" * 32)
    lines, marked = f"{kept[0]},\r\n{kept[1]}\r\n", f"\ufeff{kept[0]},\ufeff{kept[1]}"
    with_mark = [f"\ufeff{each}" for each in kept]  # with which earlier versions signed
    for written, found in (
        (lines, kept),
        (marked, (kept[0], with_mark[0], kept[1], with_mark[1])),
        (f"\ufeff{lines}", (kept[0], with_mark[0], kept[1])),
    ):
        path.write_text(written, "utf-8", newline="")
        assert read_environment({"CONSENT_SECRET_FILE": str(path)}).secret == found
        assert read_environment({"CONSENT_SECRET": written}).secret == found


def test_a_secret_that_was_wrapped_is_the_one_that_it_was(tmp_path):
    """As ``openssl rand -base64 64`` writes it."""
    path = tmp_path / "secret"
    path.write_text(f"{'a' * 64}\n{'b' * 24}\n", "utf-8")
    assert read_environment({"CONSENT_SECRET_FILE": str(path)}).secret == (f"{'a' * 64}\n{'b' * 24}",)


def test_a_file_with_a_byte_order_mark_alone_is_empty(tmp_path):
    path = tmp_path / "secret"
    path.write_text("\ufeff \n", "utf-8")
    with pytest.raises(SettingsError, match="which is empty"):
        read_environment({"CONSENT_SECRET_FILE": str(path)})


@pytest.mark.parametrize("row", [row for row in ENVIRONMENT if row.secret], ids=lambda row: row.name)
def test_an_empty_file_of_a_secret_is_not_the_default(row, tmp_path):
    path = tmp_path / "not-mounted-yet"
    path.write_text(" \n")
    with pytest.raises(SettingsError, match=f"{row.name}_FILE names {path}, which is empty"):
        read_environment({f"{row.name}_FILE": str(path)})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CONSENT_SECRT", "CONSENT_SECRET"),
        ("CONSENT_SECRETS_FILE", "CONSENT_SECRET_FILE"),
        ("CONSENT_CONFGI", "CONSENT_CONFIG"),
        ("CONSENT_REDIS_URL", "REDIS_URL"),
        ("CONSENT_PORT", "PORT"),
        ("CONSENT_CLIENT_LIMIT_FILE", "CLIENT_LIMIT_FILE"),
        ("CONSENT_SMTP_SENDER", "CONSENT_SMTP_FROM"),
        ("CONSENT_METRICS", "CONSENT_METRICS_TOKEN"),
        ("CONSNET_SECRET", "CONSENT_SECRET"),
        ("WEB_CONCURENCY", "WEB_CONCURRENCY"),
        ("WEBCONCURRENCY", "WEB_CONCURRENCY"),
        ("REDISURL", "REDIS_URL"),
        ("REDIS_URI_FILE", "REDIS_URL_FILE"),
        ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
        ("CONSENTSECRET", "CONSENT_SECRET"),
        ("RDIS_URL", "REDIS_URL"),
        ("REDIS_ULR", "REDIS_URL"),
        ("CONSET_PREFIX", "CONSENT_PREFIX"),
        ("COUNTY_HEADER", "COUNTRY_HEADER"),
        ("COSENT_WEBHOOK_SECRET", "CONSENT_WEBHOOK_SECRET"),
        ("CONSENTT_SECRET_FILE", "CONSENT_SECRET_FILE"),
        ("TRUSTED_PROXYS", "TRUSTED_PROXIES"),
        ("TRUSTE_PROXIES", "TRUSTED_PROXIES"),
        ("CLEINT_LIMIT", "CLIENT_LIMIT"),
        ("REIGON_HEADER", "REGION_HEADER"),
        ("PROT", "PORT"),
        ("HSOT_FILE", "HOST_FILE"),
    ],
)
def test_a_misspelled_variable_is_refused(name, meant):
    with pytest.raises(SettingsError, match=rf"^{name} is no setting; did you mean {meant}\?$") as refusal:
        read_environment({name: "x"})
    assert refusal.value.name == name


OTHERS = """
PATH HOME HOSTNAME HOSTS PORTS SHELL TERM USER LOGNAME LANG LC_ALL TZ PWD OLDPWD SHLVL EDITOR PAGER TMPDIR MAIL DISPLAY
SSH_AUTH_SOCK SSH_CLIENT SSH_CONNECTION SSL_CERT_FILE HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy XDG_RUNTIME_DIR
POT SHOT HOTS_2 INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET CREDENTIALS_DIRECTORY STATE_DIRECTORY LISTEN_PORT
PYTHONPATH PYTHONUNBUFFERED VIRTUAL_ENV PIP_INDEX_URL FLASK_APP FLASK_ENV DJANGO_SETTINGS_MODULE GUNICORN_CMD_ARGS
PROMETHEUS_MULTIPROC_DIR SECRET_KEY DEBUG LOG_LEVEL ALLOWED_HOSTS NODE_ENV NPM_TOKEN
DATABASE_URL DB_HOST DB_PORT DB_URL DB_CONCURRENCY JOB_CONCURRENCY POSTGRES_PASSWORD MYSQL_URL MONGO_URL RABBITMQ_URL
REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_DB REDIS_SSL REDIS_USER REDIS_USERNAME REDIS_TLS_URL REDISCLOUD_URL
REDIS_URL_2 REDIS2_URL REDIS_TIMEOUT_MS REDIS_READ_TIMEOUT HEROKU_REDIS_AMBER_URL UPSTASH_REDIS_URL CELERY_BROKER_URL
CACHE_URL DYNO HEROKU_APP_NAME WEB_MEMORY WEB_PORT WEB_HOST SITE_URL SITE_NAME SITE_ID SIZE_LIMIT TIME_LIMIT RATE_LIMIT
CLIENT_ID CLIENT_SECRET CLIENT_TIMEOUT REGION AWS_REGION COUNTRY COUNTRY_CODE ORIGIN_HEADER HOST_HEADER TRUSTED_HOSTS
TRUSTED_ORIGINS TRUSTED_PROXY_IPS FORWARDED_ALLOW_IPS AWS_ACCESS_KEY_ID KUBERNETES_SERVICE_HOST CONTENT_PREFIX
CONTENT_SECRET CONTENT_DATA CONSUL_CONFIG CONSOLE_LOG CONTAINER_HOST SENTRY_DSN SMTP_HOST SMTP_FROM WEBHOOK_SECRET
"""
"""What else stands in the environment of a server."""


@pytest.mark.parametrize("name", OTHERS.split())
def test_what_an_app_around_ours_calls_its_own_is_no_typing_error(name):
    read_environment({name: "x"})


def test_whatever_begins_like_ours_is_refused_though_what_it_stands_for_is_set():
    with pytest.raises(SettingsError, match="CONSENT_SECRT is no setting"):
        read_environment({"CONSENT_SECRT": "x", "CONSENT_SECRET": "x" * 32})
    with pytest.raises(SettingsError, match=r"CONSENT_QUUX is no setting, see docs/configuration\.md"):
        read_environment({"CONSENT_QUUX": "x"})


@pytest.mark.parametrize(
    "environ",
    [
        {"CONSENT_SERVER": "https://consent.shop.example"},
        {"CONSENT_SERVICE_HOST": "10.0.0.1", "CONSENT_SERVICE_PORT": "8000", "CONSENT_SERVICE_PORT_HTTP": "8000"},
        {"CONSENT_PORT": "tcp://10.0.0.1:8000", "CONSENT_PORT_8000_TCP_ADDR": "10.0.0.1"},
        {"REDIS_PORT": "tcp://10.0.0.2:6379", "REDIS_SERVICE_HOST": "10.0.0.2", "REDIS_HOST": "10.0.0.2"},
        {"REDIS_URI": "redis://10.0.0.2", "REDIS_URL": "redis://10.0.0.2"},
        {"REDISURL": "redis://10.0.0.2", "REDIS_URL": "redis://10.0.0.2"},
        {"TRUSTED_PROXY": "10.0.0.2", "TRUSTED_PROXIES": "1"},
        {"WEBHOOK_SECRET": "x", "PREFIX": "/usr", "DATA": "x", "CONTENT_PREFIX": "x", "CONSUL_CONFIG": "x"},
        {"SITE_URL": "x", "CLIENT_ID": "x", "REGION": "x", "WEB_PORT": "x", "TRUSTED_HOSTS": "x"},
    ],
    ids=lambda environ: next(iter(environ)),
)
def test_variables_of_others_are_left_alone(environ):
    read_environment(environ)


def test_a_store_waits_as_long_as_the_setting_says_where_nobody_says_otherwise():
    waits = inspect.signature(Store).parameters["timeout"].default
    assert waits * 1000 == Settings().redis_timeout
