"""The verifiers of one file for other languages, as `docs/tokens.md` has them, give every token the same verdict."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from examples import example

VECTORS = json.loads((ROOT / "tests" / "vectors.json").read_text("utf-8"))
REFUSED = "-"

# Each program around a verifier reads site, time, keys and then tokens, a line each, and says what each token allows.
# Before a token stands the revision that is asked; where nothing follows it, there is no cookie.

PHP = """
require 'token.php';
$lines = explode("\\n", stream_get_contents(STDIN));
[$site, $now, $keys] = $lines;
foreach (array_slice($lines, 3) as $line) {
    [$revision, $token] = explode(' ', $line, 2) + [1 => null];
    $allowed = consent_allowed($token, explode(',', $keys), $site, (int) $now, (int) $revision);
    if (consent_allowed([$token], explode(',', $keys), $site, (int) $now) !== null) {
        echo 'array: ';
    }
    echo $allowed === null ? '-' : implode(',', $allowed), "\\n";
}
"""

RUBY = """
require "./token"
site, now, keys, *tokens = $stdin.read.split("\\n", -1)
tokens.each do |line|
  revision, token = line.split(/ /, 2)
  puts Consent.allowed(token, keys.split(","), site, now.to_i, revision.to_i)&.join(",") || "-"
end
"""

GO = """
package main

import (
	"fmt"
	"io"
	"os"
	"shop/consent"
	"strconv"
	"strings"
	"time"
)

func main() {
	said, _ := io.ReadAll(os.Stdin)
	lines := strings.Split(string(said), "\\n")
	seconds, _ := strconv.ParseInt(lines[1], 10, 64)
	for _, line := range lines[3:] {
		asked, token, _ := strings.Cut(line, " ")
		revision, _ := strconv.ParseInt(asked, 10, 64)
		said, holds := consent.Verify(token, strings.Split(lines[2], ","), lines[0], time.Unix(seconds, 0), revision)
		if holds {
			fmt.Println(strings.Join(said.Allow, ","))
		} else {
			fmt.Println("-")
		}
	}
}
"""

JAVA = """
import java.util.List;

public final class All {
    public static void main(String[] none) throws Exception {
        String[] lines = new String(System.in.readAllBytes(), "UTF-8").split("\\n", -1);
        for (String line : List.of(lines).subList(3, lines.length)) {
            String[] parts = line.split(" ", 2);
            String token = parts.length > 1 ? parts[1] : null;
            List<String> keys = List.of(lines[2].split(","));
            long now = Long.parseLong(lines[1]), revision = Long.parseLong(parts[0]);
            System.out.println(Consent.allowed(token, keys, lines[0], now, revision)
                .map(allow -> String.join(",", allow)).orElse("-"));
        }
    }
}
"""


def php(folder: Path) -> list[str]:
    (folder / "token.php").write_text(example("token.php"))
    (folder / "all.php").write_text(f"<?php\n{PHP}")
    return ["php", "-d", "error_reporting=E_ALL", "-d", "display_errors=1", "all.php"]


def ruby(folder: Path) -> list[str]:
    (folder / "token.rb").write_text(example("token.rb"))
    (folder / "all.rb").write_text(RUBY)
    return ["ruby", "-w", "all.rb"]


def go(folder: Path) -> list[str]:
    (folder / "consent").mkdir()
    (folder / "consent" / "token.go").write_text(example("token.go"))
    (folder / "all.go").write_text(GO)
    (folder / "go.mod").write_text("module shop\n\ngo 1.18\n")
    return ["go", "run", "."]


def java(folder: Path) -> list[str]:
    (folder / "Consent.java").write_text(example("token.java"))
    (folder / "All.java").write_text(JAVA)
    subprocess.run(["javac", "-Xlint:all", "-Werror", "All.java", "Consent.java"], cwd=folder, check=True)
    return ["java", "All"]


@pytest.mark.parametrize(
    ("needs", "prepare"),
    [("php", php), ("ruby", ruby), ("go", go), ("javac", java)],
    ids=["php", "ruby", "go", "java"],
)
def test_it_gives_every_token_the_same_verdict(
    needs: str, prepare: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    if not shutil.which(needs):
        pytest.skip(f"{needs} is not installed here")
    cases = [case for case in VECTORS["cases"] if "\n" not in (case["token"] or "")]
    keys = ",".join(key["x"] for key in VECTORS["keys"]["keys"])
    tokens = [f"{case.get('revision', 0)}" + ("" if case["token"] is None else f" {case['token']}") for case in cases]
    lines = [VECTORS["site"], str(VECTORS["now"]), keys, *tokens]
    done = subprocess.run(
        prepare(tmp_path), cwd=tmp_path, input="\n".join(lines), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = dict(zip([case["name"] for case in cases], done.stdout.split("\n")[:-1], strict=True))
    assert said == {case["name"]: ",".join(case["allow"]) if "allow" in case else REFUSED for case in cases}
