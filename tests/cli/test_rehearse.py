"""A backup is tried on a copy: what is in it is told, and what it lacks."""

from __future__ import annotations

import gzip
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from beside import described
from click.testing import CliRunner, Result
from conftest import SECRET, closing

from consent_server.banner.scripts import build_scripts
from consent_server.cli import main
from consent_server.decision import Decision
from consent_server.settings.shops import read_sites
from consent_server.store import Store, embedded
from consent_server.tokens import Keys

Run = Callable[..., Result]


class Place:
    """A folder with the data of a shop, of which backups and exports are made."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.environment = {
            "CONSENT_SECRET": SECRET,
            "CONSENT_CONFIG": str(described(folder, "https://shop.example")),
            "CONSENT_DATA": str(self.data),
        }

    def run(self, *words: object, **environment: str) -> Result:
        return CliRunner().invoke(main, [*map(str, words)], env={**self.environment, **environment})

    def decide(self) -> str:
        """Have a decision in the store; return whose it is."""
        shop = read_sites(Path(self.environment["CONSENT_CONFIG"]))["shop"]
        notice = build_scripts(shop).notices["en"][0]
        valkey = embedded.Embedded(self.data)
        with closing(Store(valkey.start(), 5)) as store:
            store.notices.serve(shop, [notice])
            decision = Decision(secrets.token_urlsafe(16), 3, notice, "save", None)
            store.decisions.record(shop, decision, now=int(time.time() * 1000), sign=Keys([SECRET]).sign)
        valkey.stop()
        return decision.subject

    def back_up(self, name: str) -> Path:
        """Return a backup, with the export of the shop's log in it."""
        folder = self.folder / name
        folder.mkdir()
        assert self.run("log", "export", "shop", "--out", folder / "shop.jsonl.gz").exit_code == 0
        shutil.copytree(self.data / "appendonlydir", folder / "appendonlydir")
        return folder


@pytest.fixture
def place(short_folder: Callable[[], Path]) -> Place:
    made = Place(short_folder())
    made.decide()
    return made


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_sound_backup_is_told_and_not_touched(place: Place) -> None:
    backup = place.back_up("sound")
    before = contents(place.folder)
    done = place.run("rehearse", backup, "--after", backup / "shop.jsonl.gz")
    assert done.exit_code == 0, done.output
    assert "shop: 1 entries of 1 days are whole and unchanged" in done.stdout
    assert "shop: the newest decision is of 20" in done.stdout
    assert f"shop: all of {backup / 'shop.jsonl.gz'} is in it." in done.stdout
    assert done.stdout.endswith("This backup can be put back.\n")
    assert place.run("rehearse", backup / "appendonlydir").exit_code == 0
    assert contents(place.folder) == before


def test_what_is_kept_of_one_shop_by_other_buckets_is_told_of_that_one(place: Place) -> None:
    backup = place.back_up("sound")
    config = Path(place.environment["CONSENT_CONFIG"])
    text = config.read_text("utf-8")
    other = text.replace("sites.shop", "sites.kitab").replace("[sites.kitab]", "[sites.kitab]\nbuckets = 3")
    config.write_text(text.replace("[sites.shop]", "[sites.shop]\nbuckets = 48") + other, "utf-8")
    done = place.run("rehearse", backup)
    assert done.exit_code == 1, done.output
    assert "shop: sites.shop has buckets = 48" in done.stderr
    assert "kitab: no decision is in this backup." in done.stdout


def test_what_an_older_backup_lacks_is_named(place: Place) -> None:
    older = place.back_up("older")
    place.decide()
    newer = place.back_up("newer")
    done = place.run("rehearse", older, "--after", newer / "shop.jsonl.gz")
    assert done.exit_code == 1
    assert "shop: " in done.stderr
    assert "the entry of " in done.stderr
    assert done.stderr.endswith("Do not count on this backup: see above.\n")


def test_a_backup_that_somebody_changed_or_broke_is_found(place: Place) -> None:
    backup = place.back_up("broken")
    (file,) = (backup / "appendonlydir").glob("*.incr.aof")
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b"Keeps your answer.", b"Takes your answer."))
    done = place.run("rehearse", backup)
    assert done.exit_code == 1
    assert "shop: " in done.stderr
    file.write_bytes(sound[:40] + b"?" * 40 + sound[80:])
    done = place.run("rehearse", backup)
    assert done.exit_code == 1, done.output
    file.unlink()
    done = place.run("rehearse", backup)
    assert done.exit_code == 1
    assert "No server starts on this backup. Valkey did not start: " in done.stderr


def test_a_backup_of_another_secret_proves_nothing(place: Place) -> None:
    done = place.run(
        "rehearse", place.back_up("foreign"), CONSENT_SECRET="another secret which has signed nothing here"
    )
    assert done.exit_code == 1, done.output
    assert done.stderr.endswith("Do not count on this backup: see above.\n")


def test_a_backup_without_a_decision_is_none(place: Place, short_folder: Callable[[], Path]) -> None:
    valkey = embedded.Embedded(short_folder())
    valkey.start()
    valkey.stop()
    done = place.run("rehearse", valkey.folder)
    assert done.exit_code == 1, done.output
    assert "shop: no decision is in this backup." in done.stdout


def test_what_is_no_backup_or_no_export_is_told(place: Place) -> None:
    backup = place.back_up("whole")
    for words, said in (
        ((place.folder / "nowhere",), "is no backup: it has no folder appendonlydir with a manifest in it."),
        ((backup, "--after", place.folder / "nowhere"), "cannot be read: No such file or directory."),
        ((backup, "--after", place.folder / "consent.toml"), "is no export of a consent log."),
        ((backup, "--keys", place.folder / "consent.toml"), "holds no public keys: it is not JSON."),
    ):
        done = place.run("rehearse", *words)
        assert done.exit_code == 2, done.output
        assert said in done.stderr
        assert "Traceback" not in done.output


def test_who_was_erased_since_a_backup_that_is_put_back_is_erased_again(place: Place) -> None:
    stays, goes = place.decide(), place.decide()
    backup, newest = place.back_up("backup"), place.folder / "newest.jsonl.gz"
    assert place.run("erase", "shop", goes).exit_code == 0
    assert place.run("log", "export", "shop", "--out", newest).exit_code == 0
    shutil.rmtree(place.data / "appendonlydir")
    shutil.copytree(backup / "appendonlydir", place.data / "appendonlydir")
    damaged = place.folder / "damaged.jsonl"
    damaged.write_bytes(gzip.decompress(newest.read_bytes())[:-2])
    refused = place.run("log", "restored", "--erased", damaged)
    assert (refused.exit_code, "nothing was recorded or erased" in refused.stderr) == (1, True)
    assert place.run("export", "shop", goes).exit_code == 0
    done = place.run("log", "restored", "--erased", newest)
    assert done.exit_code == 0, done.output
    assert f"shop: 1 entries that are erased in {newest} were whole in the backup; now erased." in done.stdout
    assert "erase them again" not in done.stderr
    assert place.run("export", "shop", goes).exit_code == 2
    assert place.run("export", "shop", stays).exit_code == 0
    assert "erase them again" in place.run("log", "restored").stderr
