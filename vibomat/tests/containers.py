"""What the files for containers say; no container engine is needed to read them."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
DEVELOPMENT = PROJECT / "docker-compose.yml"
PRODUCTION = PROJECT / "docker-compose.prod.yml"


def compose(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions and what stands behind them, a line each."""
    text = re.sub(r"\\\n\s*", "", (PROJECT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def image() -> list[tuple[str, str]]:
    """Those of the last stage, the application's image."""
    found = instructions()
    last = max(n for n, (word, _) in enumerate(found) if word == "FROM")
    return found[last:]


def command(word: str = "CMD") -> list[str]:
    """What the image runs by itself, or as its HEALTHCHECK."""
    (rest,) = [rest for found, rest in image() if found == word]
    parsed: list[str] = json.loads(rest[rest.index("[") :])
    return parsed


def environment() -> dict[str, str]:
    """The image's ENV."""
    (rest,) = [rest for word, rest in image() if word == "ENV"]
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', rest)}
