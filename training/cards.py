"""Model cards for machines: `model.json` beside the files of a model. `src/inference/model-store.ts` reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from rows import sha256_of


def files_of(directory: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    return {name: {"bytes": (directory / name).stat().st_size, "sha256": sha256_of(directory / name)} for name in names}


def read_card(directory: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((directory / "model.json").read_text("utf-8"))
    return card


def write_card(card: dict[str, Any], directory: Path) -> None:
    """Indented, but lists without objects in them on one line."""
    text = json.dumps(card, indent=2, ensure_ascii=False)
    flat = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s*\n\s*", " ", found.group()).replace("[ ", "[").replace(" ]", "]"), text)
    (directory / "model.json").write_text(flat + "\n", "utf-8")
