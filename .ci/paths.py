#!/usr/bin/env python3
"""Fails when a file that CONTRIBUTING.md names is not there, so that its table stays true as files move."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMED = re.compile(r"`((?:\.ci|crates|docs|proto|src|tests)/[\w./-]+)`")

named = sorted(set(NAMED.findall((ROOT / "CONTRIBUTING.md").read_text())))
missing = [path for path in named if not (ROOT / path).exists()]
for path in missing:
    print(f"CONTRIBUTING.md names {path}, which is not there")
print(f"files that CONTRIBUTING.md names: {len(named)}, missing: {len(missing)}")
sys.exit(1 if missing else 0)
