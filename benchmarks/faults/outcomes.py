"""What a fault came to."""

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """`losses` has a line for everything that was not as it should be, `tries` how often the fault
    struck while the work was on; `seen` is what may interest beside that."""

    fault: str
    tries: int = 0
    seen: str = ""
    losses: list[str] = field(default_factory=list)
    skipped: str = ""

    def expect(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            self.losses.append(otherwise)
