"""Loaded by schemathesis (SCHEMATHESIS_HOOKS): selfies where openapi.json wants a picture, beside bytes at random."""

from __future__ import annotations

import json
import os
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

_FILES = json.loads(Path(os.environ["EVENTLENS_TEST_WORLD"]).read_text())["selfies"]
if _FILES:
    _SELFIES = st.sampled_from([Path(path).read_bytes() for path in _FILES])
    for kind in ("image/jpeg", "image/png"):
        schemathesis.openapi.media_type(kind, st.one_of(_SELFIES, _SELFIES, st.binary(max_size=2000)))
