"""A song to play."""

import struct

SECONDS = 10
RATE = 4096
"""Samples a second: such that no byte of the file is more than 127, and it can be handed on as text."""

_SAMPLES = bytes(2 * RATE * SECONDS)
SONG = (
    b"RIFF" + struct.pack("<I", 36 + len(_SAMPLES)) + b"WAVEfmt "
    + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16) + b"data" + struct.pack("<I", len(_SAMPLES)) + _SAMPLES
).decode("ascii")  # fmt: skip
"""Ten seconds of silence, as a WAV file."""
