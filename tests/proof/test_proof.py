"""The log proves itself: whoever changes anything in an export is found out, by its public keys alone."""

import gzip
import json
import secrets
import subprocess
import sys
import tracemalloc
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent_server import verify as stand_alone
from consent_server.cli.keys import keys as keys_command
from consent_server.cli.log import log as log_command
from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.entries import by_hash
from consent_server.proof.erasure import erase
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.store import Store
from consent_server.tokens import Keys, token
from consent_server.verify import Failed, NoExport, Tree, canonical, verify

FIRST = date(2026, 11, 20)
START = 1_795_132_800_000  # its midnight (UTC), in ms
NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
SIGNED_WITH = "the secret that the log is signed with"
KEYS = Keys([SIGNED_WITH])
FORGER = Keys(["a secret of somebody else altogether"])


@pytest.fixture(scope="module")
def shop():
    return make_site(
        "shop", "Mağaza", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",), buckets=3
    )


def fill(store, shop, entries=40, keys=KEYS):
    """Three days of decisions by a few shoppers, who also change and withdraw; returns the consents."""
    notice = Notice.of(
        {"site": "shop", "revision": 1, "keep": 15_811_200, "lang": "az", "variant": "", "words": {"title": "Kukilər"}}
    )
    store.notices.serve(shop, [notice])
    consents = []
    for n in range(entries):
        now = START + n * (3 * proof_day() - 3_600_000) // entries
        previous = consents[-1] if n % 4 == 3 and consents[-1].sub else None
        decision = Decision(secrets.token_urlsafe(16), (n * 5) % 8, notice, "save", previous)
        kept = store.decisions.record(shop, decision, now=now, sign=keys.sign, device="phone", country="AZ")
        consents.append(kept.consent)
        store.counters.shown(shop, now=now, language="az", variant="", device="phone", country="AZ")
    return consents


def proof_day():
    return 86_400_000


@pytest.fixture(scope="module", params=["with tokens", "by hash"])
def exported(shop, valkey, request):
    """The lines of an export in which two shoppers were erased."""
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    consents = fill(store, shop)
    assert proof.seal(store, shop, KEYS, NOW) == [FIRST, FIRST + timedelta(1)]
    for consent in [c for c in consents if c.sub][:2]:
        assert erase(store, shop, KEYS, consent.sub, 5)
    with_tokens = request.param == "with tokens"
    lines = list(proof.export(store, shop, KEYS, None, NOW.date(), NOW, with_tokens=with_tokens))
    store.close()
    return lines


def rewritten(lines, number, **changes):
    content = {**json.loads(lines[number]), **changes}
    return [*lines[:number], json.dumps(content).encode(), *lines[number + 1 :]]


def numbers(lines, kind):
    return [n for n, line in enumerate(lines) if json.loads(line)["type"] == kind]


def check(lines):
    return verify(lines, KEYS.jwks())


def test_an_untouched_log_with_erasures_passes(exported):
    summary = check(exported)
    assert (summary.site, summary.days, summary.entries) == ("shop", 3, 40)
    assert summary.erased >= 2
    assert summary.unsealed == ["2026-11-22"]


def test_the_keys_within_prove_nothing(exported):
    with pytest.raises(Failed, match="none of the keys"):
        verify(exported, FORGER.jwks())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_changed_bit_of_an_entry_is_named(exported, data):
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    entry = json.loads(exported[number])
    name = data.draw(st.sampled_from(sorted(set(entry) - {"type"})))
    value = entry[name]
    if isinstance(value, int):
        changed = value ^ 1 << data.draw(st.integers(0, 12))
    elif isinstance(value, list):
        changed = sorted(set(value) ^ {data.draw(st.sampled_from(["functional", "analytics", "marketing"]))})
    elif name == "signature":
        raw = bytearray(urlsafe_b64decode(value + "=="))
        place = data.draw(st.integers(0, len(raw) * 8 - 1))
        raw[place // 8] ^= 1 << place % 8
        changed = urlsafe_b64encode(raw).rstrip(b"=").decode()
    else:
        place = data.draw(st.integers(0, max(0, len(value) - 1)))
        changed = value[:place] + ("A" if value[place : place + 1] != "A" else "B") + value[place + 1 :]
    with pytest.raises(Failed, match=f"^Line {number + 1}: "):
        check(rewritten(exported, number, **{name: changed}))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_change_of_someone_who_also_mends_the_leaf_is_found(exported, data):
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    entry = json.loads(exported[number])
    entry["how"] = "accept" if entry["how"] != "accept" else "refuse"
    entry["leaf"] = stand_alone.leaf(entry).hex()
    with pytest.raises(Failed):
        check([*exported[:number], json.dumps(entry).encode(), *exported[number + 1 :]])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_dropped_entry_is_named(exported, data):
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    with pytest.raises(Failed, match=r"is missing|but its seal counts|are not those of its entries"):
        check(exported[:number] + exported[number + 1 :])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_two_swapped_entries_are_named(exported, data):
    one, other = sorted(
        data.draw(st.lists(st.sampled_from(numbers(exported, "entry")), min_size=2, max_size=2, unique=True))
    )
    lines = list(exported)
    lines[one], lines[other] = lines[other], lines[one]
    with pytest.raises(Failed, match=f"^Line {one + 1}: "):
        check(lines)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_added_entry_is_found_whoever_signed_it(exported, data):
    """A copy of a genuine entry, or a new one signed by another key, with all numbers after it put right."""
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    added = json.loads(exported[number])
    if "signature" in added and data.draw(st.booleans()):
        added |= {"id": "x" * 22, "subject": "x" * 22, "allow": ["analytics"]}
        notice = json.loads(exported[numbers(exported, "notice")[0]])["content"]
        signature = FORGER._signer.get_signature(stand_alone.payload(added, "shop", notice))
        added["signature"] = signature.decode()
    added["seq"] += 1
    added["leaf"] = stand_alone.leaf(added).hex()
    lines = [*exported[: number + 1], json.dumps(added).encode()]
    for line in exported[number + 1 :]:
        content = json.loads(line)
        if content["type"] == "entry" and content["n"] > 0:
            content["n"] += 1
        lines.append(json.dumps(content).encode())
    with pytest.raises(Failed):
        check(lines)


def signed_anew(contents):
    """Return the lines of an export in which whatever was changed fits, as who has the secret can sign it."""
    (notice,) = [each["content"] for each in contents if each["type"] == "notice"]
    lines, previous, many, statements = [], "", 0, stand_alone.hashlib.sha256()
    for content in contents:
        if content["type"] == "day":
            tree, counts, day = Tree(), stand_alone.Counts(), content["day"]
        elif content["type"] == "entry":
            line = by_hash(content)
            hashed = stand_alone.leaf(line)
            content = {**line, "type": "entry", "n": tree.leaves, "leaf": hashed.hex()}
            if "statement" in content:
                said = stand_alone.unsigned(content["statement"]) | {"leaf": hashed.hex()}
                content["statement"] = token(said, KEYS.sign(said))
                statements.update(content["statement"].encode())
            tree.add(hashed)
            counts.add(line, day, notice)
            many += 1
        elif content["type"] == "counts":
            content = {"type": "counts", "day": day, "counts": counts.by}
            counted = stand_alone.hashlib.sha256(canonical(counts.by)).hexdigest()
        elif content["type"] == "seal":
            said = {"entries": tree.leaves, "root": tree.root(), "counts": counted, "prev": previous}
            said = stand_alone.unsigned(content["token"]) | said
            content = {**content, "token": token(said, KEYS.sign(said))}
            previous = stand_alone.seal_hash(content["token"])
        elif content["type"] == "end":
            said = {"entries": many, "head": previous, "signed": 0, "statements": statements.hexdigest()}
            said = stand_alone.unsigned(content["token"]) | said
            said["erased"] = sum("erased" in each for each in map(json.loads, lines))
            content = {"type": "end", "token": token(said, KEYS.sign(said))}
        lines.append(json.dumps(content).encode())
    return lines


@pytest.mark.parametrize("exported", ["by hash"], indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_two_exports_that_differ_are_told_apart_though_each_verifies(exported, data):
    """The operator's attack: whatever is changed in the newer one is signed with the genuine secret."""
    contents = [*map(json.loads, exported)]
    older = signed_anew(contents)
    assert verify(older, KEYS.jwks(), older).entries == 40
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    entry = contents[number]
    bare = {name: entry[name] for name in stand_alone.LEAF}
    change = data.draw(st.sampled_from(["dropped", "twice", "later", "how", "erased", "another"]))
    changed = {
        "dropped": [],
        "twice": [entry, {**entry, "seq": entry["seq"] + 1}],
        "later": [{**entry, "at": entry["at"] + 1}],
        "how": [{**entry, "how": "another way"}],
        "another": [{**entry, "country": "TR"}],
        "erased": [{**bare, "type": "entry", "erased": "00" * 32, "statement": statement_at(NOW)}],
    }[change]
    newer = signed_anew([*contents[:number], *changed, *contents[number + 1 :]])
    check(newer)
    with pytest.raises(Failed, match="older export"):
        verify(newer, KEYS.jwks(), older)


def statement_at(moment):
    said = {"typ": "erased", "site": "shop", "leaf": "", "at": int(moment.timestamp()) + 60}
    return token(said, KEYS.sign(said))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_archive_that_is_cut_anywhere_is_none(exported, tmp_path_factory, data):
    whole = gzip.compress(b"".join(exported), mtime=0)
    file = tmp_path_factory.getbasetemp() / "cut.jsonl.gz"
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises((Failed, NoExport)), stand_alone.opened(file) as lines:
        check(lines)


def test_a_days_tail_cut_off_is_named(exported):
    last = max(n for n in numbers(exported, "entry") if n < numbers(exported, "seal")[0])
    with pytest.raises(Failed, match=str(FIRST)):
        check(exported[:last] + exported[last + 1 :])


@pytest.mark.parametrize("day", [0, 1, 2])
def test_a_removed_day_is_named(exported, day):
    starts = [*numbers(exported, "day"), *numbers(exported, "end")]
    with pytest.raises(Failed, match=f"the day {FIRST + timedelta(day)} is missing"):
        check(exported[: starts[day]] + exported[starts[day + 1] :])


def test_a_day_replaced_by_an_empty_one_is_found(exported):
    first, second = numbers(exported, "day")[:2]
    counts, seal = (n for n in (numbers(exported, "counts")[0], numbers(exported, "seal")[0]))
    empty = [exported[first], canonical({"type": "counts", "counts": {}}), exported[seal]]
    assert counts < second
    with pytest.raises(Failed, match=f"{FIRST} has 0 entries"):
        check(exported[:first] + empty + exported[second:])


def test_an_edited_notice_is_named(exported):
    (number,) = numbers(exported, "notice")
    notice = json.loads(exported[number])
    notice["content"]["words"]["title"] = "Kukilər!"
    with pytest.raises(Failed, match=f"the notice '{notice['hash']}' was edited"):
        check(rewritten(exported, number, content=notice["content"]))


@pytest.mark.parametrize("column", ["shown", "other"])
def test_a_changed_count_is_named(exported, column):
    number = numbers(exported, "counts")[1]
    counts = json.loads(exported[number])["counts"]
    row = counts["day"]["2026-11-21"]
    name = column if column == "shown" else next(name for name in row if name != "shown")
    row[name] += 1
    with pytest.raises(Failed, match="the counts of 2026-11-21"):
        check(rewritten(exported, number, counts=counts))


def test_seals_cannot_be_exchanged(exported):
    one, other, _ = numbers(exported, "seal")
    lines = list(exported)
    lines[one], lines[other] = lines[other], lines[one]
    with pytest.raises(Failed, match="one of another day"):
        check(lines)


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_truncated_export_says_so(exported, cut):
    with pytest.raises(Failed, match=r"cut off|expected here"):
        check(exported[:-cut])


@pytest.mark.parametrize("lines", [[b"hello"], [b"{}"], [b"[]"], [b'{"type":"log","version":9}']])
def test_what_is_no_export_is_told_apart(lines):
    with pytest.raises(NoExport):
        check(lines)


def test_the_tree_is_that_of_rfc_9162():
    """The root of the first leaves of the Certificate Transparency test vectors (RFC 9162, 2.1)."""
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    tree = Tree()
    for content in leaves:
        tree.add(stand_alone.hashlib.sha256(b"\0" + content).digest())
    assert tree.root() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


def test_seals_form_a_chain_and_the_first_seal_of_a_day_stays(shop, valkey):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    before = store.log.seals(shop)
    assert proof.seal(store, shop, KEYS, NOW) == []
    assert not store.log.keep_seal(shop, FIRST, "another")
    assert store.log.seals(shop) == before
    store.close()


def test_nothing_is_added_to_a_sealed_day_whatever_the_clock_says(shop, valkey):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    consents = fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    sealed = [entry for day in (0, 1) for entry in store.log.day(shop, FIRST + timedelta(day))]
    notice = store.notices.find(shop, consents[0].notice)
    for _ in range(20):  # all buckets, those without an entry too
        late = Decision(secrets.token_urlsafe(16), 2, notice, "save", None)
        kept = store.decisions.record(shop, late, now=START + 5, sign=KEYS.sign)
        assert kept.consent.at >= START // 1000 + 2 * 86_400
        store.counters.shown(shop, now=START + 5, language="az", variant="", device="phone", country="")
    assert [entry for day in (0, 1) for entry in store.log.day(shop, FIRST + timedelta(day))] == sealed
    assert check(list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))).entries == 30
    store.close()


def test_old_entries_prove_themselves_after_the_secret_was_changed(shop, valkey):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    proof.seal(store, shop, Keys(["the secret that comes after the first one", SIGNED_WITH]), NOW)
    new = Keys(["the secret that comes after the first one"])
    lines = list(proof.export(store, shop, new, None, NOW.date(), NOW, with_tokens=True))
    for trusted in (KEYS, new):
        assert verify(lines, trusted.jwks()).entries == 10
    store.close()


def test_an_audit_gets_the_keys_of_secrets_that_were_taken_out(shop, valkey, monkeypatch):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    new = "the secret that comes after the first one"
    proof.seal(store, shop, Keys([new, SIGNED_WITH]), NOW)
    monkeypatch.setenv("CONSENT_SECRET", new)
    now, ever = (json.loads(CliRunner().invoke(keys_command, each).stdout) for each in ([], ["--all"]))
    assert KEYS.jwks()["keys"][0] not in now["keys"]
    assert ever["keys"] == [*now["keys"], *KEYS.jwks()["keys"]]
    lines = list(proof.export(store, shop, Keys([new]), None, NOW.date(), NOW, with_tokens=True))
    assert verify(lines, ever).entries == 10
    store.close()


def test_an_archive_is_verified_before_anything_is_trimmed(shop, valkey, tmp_path):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    consents = fill(store, shop)
    years = NOW + timedelta(seconds=shop.keep + shop.prove)
    with pytest.raises(proof.CannotWrite):
        archive(store, shop, KEYS, tmp_path / "nowhere", years)
    assert len(list(store.log.day(shop, FIRST))) > 10
    (done,) = archive(store, shop, KEYS, tmp_path, years)
    path, trimmed = tmp_path / done.file, done.entries
    with stand_alone.opened(path) as lines:
        assert verify(lines, KEYS.jwks()).entries == trimmed
    assert list(store.log.day(shop, FIRST)) == []
    gone = [c.sub for c in consents if c.sub and c.at < START // 1000 + 2 * 86_400]
    assert gone
    assert all(store.history.of(shop, subject) == [] for subject in gone)
    assert len(list(store.log.day(shop, NOW.date()))) == 40 - trimmed
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    store.close()


def test_a_disk_that_fills_leaves_no_half_export(tmp_path):
    def lines():
        yield b"first\n"
        raise OSError(28, "No space left on device")

    with pytest.raises(proof.CannotWrite, match="No space left"):
        proof.write(tmp_path / "log.jsonl.gz", lines())
    assert list(tmp_path.iterdir()) == []


def test_after_an_erasure_nothing_holds_the_subject(shop, valkey):
    with valkey.client() as client:
        client.flushall()
        store = Store(valkey.url, 5)
        consents = fill(store, shop)
        subject = next(c.sub for c in consents if c.sub)
        before = [store.counters.counts(shop, FIRST, NOW.date(), by) for by in ("day", "language", "how")]
        assert erase(store, shop, KEYS, subject, 5) > 0
        log = [entry for day in range(3) for entry in store.log.day(shop, FIRST + timedelta(day))]
        store.log.compact(shop)
        assert [entry for day in range(3) for entry in store.log.day(shop, FIRST + timedelta(day))] == log
        needles = (subject.encode(), urlsafe_b64decode(subject + "=="))
        for key in client.scan_iter("*"):
            assert not any(needle in client.dump(key) for needle in needles), key
        text = b"".join(proof.export(store, shop, KEYS, None, NOW.date(), NOW))
        assert subject.encode() not in text
        assert [store.counters.counts(shop, FIRST, NOW.date(), by) for by in ("day", "language", "how")] == before
        store.close()


def test_export_and_verify_in_flat_memory(exported):
    """A day of 50,000 entries is checked in hardly more memory than one of a thousand."""
    head = [line for line in exported if json.loads(line)["type"] in ("log", "notice")]
    first = json.loads(exported[numbers(exported, "entry")[0]])

    def lines(many):
        yield from head
        yield b'{"type":"day","day":"2026-11-20"}'
        for n in range(many):
            entry = {name: first[name] for name in stand_alone.LEAF}
            entry |= {"type": "entry", "n": n, "at": START + n, "identity": "00" * 32, "bucket": 0}
            entry["leaf"] = stand_alone.leaf(entry).hex()
            yield json.dumps(entry).encode()

    def peak(many):
        tracemalloc.start()
        with pytest.raises(Failed, match="cut off"):
            check(lines(many))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) < 1.5 * peak(1_000) + 200_000


def test_the_module_stands_alone(exported, tmp_path):
    """An auditor needs the one file and `cryptography`, not the server."""
    where = Path(stand_alone.__file__)
    copy = tmp_path / where.name
    copy.write_text(where.read_text("utf-8"), "utf-8")
    file, keys = tmp_path / "log.jsonl", tmp_path / "keys.json"
    file.write_bytes(b"".join(exported))
    keys.write_text(json.dumps(KEYS.jwks()))
    run = [sys.executable, "-I", str(copy), str(file), "--keys", str(keys)]
    good = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert "40 entries of 3 days are whole and unchanged" in good.stdout
    in_place = [sys.executable, str(where), *run[3:]]  # beside the server's modules, which then come first
    assert subprocess.run(in_place, capture_output=True, text=True, check=False).stdout == good.stdout
    file.write_bytes(b"".join(exported[:-1]))
    assert subprocess.run(run, capture_output=True, check=False).returncode == 1
    file.write_bytes(b"something else")
    assert subprocess.run(run, capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"\x1f\x8b\x08\x00broken", 1, "cut off or damaged"),
        (b"hello\n", 2, "no consent log"),
        (None, 2, "cannot be read"),
    ],
)
def test_verify_says_what_is_wrong_with_a_file(tmp_path, content, status, says):
    file = tmp_path / "log.jsonl.gz"
    if content is not None:
        file.write_bytes(content)
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS.jwks()))
    result = CliRunner().invoke(log_command, ["verify", str(file), "--keys", str(keys)])
    assert result.exit_code == status
    assert says in result.output
