"""Rates as settings give them: `all=600/min,search=240/min`."""

import re
from dataclasses import dataclass
from datetime import timedelta

# What has a limit of its own. `all` counts every request, the others those of their kind besides.
SCOPES = ("all", "search", "resolve", "import", "prompts", "login")
PERIODS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "day": timedelta(days=1),
}
RATE = re.compile(rf"(?P<scope>\w+)=(?P<requests>[1-9]\d{{0,8}})/(?P<period>{'|'.join(PERIODS)})")


@dataclass(frozen=True)
class Rate:
    requests: int
    period: timedelta

    @property
    def share(self) -> timedelta:
        """In which one request comes back; not shorter than PostgreSQL can tell."""
        return max(self.period / self.requests, timedelta(microseconds=1))


def read_rates(text: str) -> dict[str, Rate]:
    """The rates by scope. Raise ValueError, with what is wrong."""
    rates: dict[str, Rate] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = RATE.fullmatch(part)
        if not found:
            raise ValueError(f"{part!r} is no rate such as search=240/min (s, min, h, day)")
        if found["scope"] not in SCOPES:
            raise ValueError(f"{found['scope']!r} is none of {', '.join(SCOPES)}")
        rates[found["scope"]] = Rate(int(found["requests"]), PERIODS[found["period"]])
    return rates
