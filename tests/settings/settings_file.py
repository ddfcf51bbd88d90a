"""The smallest shop that can be, and the file that it is written to."""

import pytest
from generated import toml

from consent_server.settings.rows import REQUIRED
from consent_server.settings.shops import read_sites


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "consent.toml"
        path.write_text(text, encoding="utf-8")
        return read_sites(path)

    return write


def lines(rows, value):
    """Return a line of TOML for each row that has this value."""
    return "".join(f"{row.name} = {toml(value(row))}\n" for row in rows if value(row) not in (None, REQUIRED))
