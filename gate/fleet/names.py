"""What streams, consumers and subjects at the broker are called: said once, for both sides and for its rights."""

from __future__ import annotations

from dataclasses import dataclass

REGISTER = "REG"
"""The stream of the register: the newest message of each subject."""
REQUESTS = "REQ"
"""The stream of what gates ask, until the centre has taken it."""
HEAD = "head"
"""Where the centre says what it says every few seconds."""
WHO_LEADS = "who"
"""Where another centre asks for that at once."""


@dataclass(frozen=True, slots=True)
class GateNames:
    """The names that are a gate's own; `gate` is its id."""

    gate: str

    @property
    def revocations(self) -> str:
        """The consumer that a revocation comes by, past everything else that waits."""
        return f"{self.gate}_revocations"

    @property
    def hours(self) -> str:
        """The consumer of schedules, areas, groups and holidays."""
        return f"{self.gate}_hours"

    @property
    def people(self) -> str:
        """The consumer of residents."""
        return f"{self.gate}_people"

    @property
    def visitors(self) -> str:
        """The consumer of passes; a gate of an earlier version does not read it."""
        return f"{self.gate}_visitors"

    @property
    def consumers(self) -> dict[str, tuple[str, ...]]:
        """All of them, with the subjects that each is for."""
        return {
            self.revocations: ("register.revocation.>",),
            self.hours: ("register.schedule.>", "register.area.>", "register.group.>", "register.holiday.>"),
            self.people: ("register.resident.>",),
            self.visitors: ("register.pass.>",),
        }

    def of(self, consumer: str) -> str:
        """What a consumer is for, in one word, whichever gate's it is."""
        return consumer.removeprefix(f"{self.gate}_")

    @property
    def requests(self) -> str:
        """Where the gate asks."""
        return f"requests.{self.gate}"

    @property
    def keys(self) -> str:
        """Where the gate asks for residents' keys."""
        return f"keys.{self.gate}"

    @property
    def record(self) -> str:
        """Where the gate tells lines of its record."""
        return f"record.{self.gate}"

    @property
    def proposals(self) -> str:
        """Where the gate proposes what was enrolled or changed there."""
        return f"proposals.{self.gate}"

    @property
    def report(self) -> str:
        """Where the gate says how it stands."""
        return f"reports.{self.gate}"

    @property
    def state(self) -> str:
        """Where the gate says how it is."""
        return f"states.{self.gate}"

    @property
    def orders(self) -> str:
        """Where the gate asks what is ordered of its door, and answers what came of it."""
        return f"orders.{self.gate}"

    @property
    def passages(self) -> str:
        """Where the gate tells who passed there, and asks who passed at the others."""
        return f"passages.{self.gate}"

    @property
    def second(self) -> str:
        """Where the gate, as a second centre, asks for the list of gates."""
        return f"second.{self.gate}"

    @property
    def camera(self) -> str:
        """Where the centre asks what the gate's camera sees."""
        return f"cameras.{self.gate}"

    @property
    def inbox(self) -> str:
        """Where the gate is answered."""
        return f"_INBOX_{self.gate}"
