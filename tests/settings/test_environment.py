"""What stands in the environment is read loudly: from files too, and no misspelled name goes unseen."""

import inspect
import shlex
from dataclasses import fields

import pytest
from examples import example

from consent_server.settings.environment import ENVIRONMENT, Settings, read_environment
from consent_server.settings.rows import SettingsError
from consent_server.store import Store


def test_the_documentation_s_environment_is_read():
    read = read_environment(dict(line.split("=", 1) for line in shlex.split(example("configuration environment"))))
    for each in fields(read):
        assert getattr(read, each.name) != getattr(Settings(), each.name)


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
