"""Gives a process a clock that tests can step: Python imports this at its start when it finds it on PYTHONPATH.

The file that CLOCK_STEP names holds the seconds by which the clock is wrong.
"""

import os
import time
from pathlib import Path

STEP = Path(os.environ["CLOCK_STEP"])

_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + int(STEP.read_text())
time.time_ns = lambda: _time_ns() + int(STEP.read_text()) * 1_000_000_000
