"""Where the checkout is that the tests run in, and where they leave what people may want to look at."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "test-results"
"""Where tests leave what people may want to look at."""

CONSENT_SERVER = Path(sys.executable).with_name("consent-server")
"""The command, as it is installed where the tests run."""
