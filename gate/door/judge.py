"""Joins the rules with what they need to remember: what was heard before, and a factor that waits for another."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.door import factors
from gate.door.factors import First
from gate.door.heard import Heard
from gate.door.rules import Known, decide
from gate.vocabulary import Claim, Method, Presented, Reason, Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided; `first` is the factor that was shown before, where this was the second one."""

    verdict: Verdict
    first: Method | None = None
    news: bool = True
    """Whether the record needs a line of it."""


class Judge:
    """Decides on claims and codes, in their order. Not thread-safe: the door's loop owns it."""

    def __init__(self, freshness_s: float) -> None:
        self._freshness_s = freshness_s
        self._heard = {method: Heard() for method in Method}
        self._first: First | None = None

    def judge(self, shown: Claim | Presented, known: Known, now: float) -> Judgement:
        """By the rules and, in hours that ask for two factors, by what was shown before. `now` is monotonic seconds."""
        method = Method.FACE if isinstance(shown, Claim) else shown.method
        heard = self._heard[method]
        verdict = decide(shown, known, heard.before(shown), now, self._freshness_s)
        heard.take(shown, verdict)
        judged = self._with_another(method, known, verdict, now)
        if isinstance(shown, Claim):
            return replace(judged, news=heard.is_news(shown, judged.verdict, now))
        return judged

    def would(self, shown: Presented, known: Known, now: float) -> Verdict:
        """What the rules alone would decide now; nothing is remembered of it."""
        return decide(shown, known, self._heard[shown.method].before(shown), now, self._freshness_s)

    def take(self, shown: Presented, reason: Reason) -> None:
        """Remember what was refused before the rules were asked, or for another reason than theirs."""
        self._heard[shown.method].take(shown, Verdict(False, reason))

    def waiting_face(self, now: float) -> str | None:
        """The id of the resident whose face was seen and is there still, and who is to show a second factor."""
        first = self._first
        return first.holder if first is not None and first.method is Method.FACE and first.waits(now) else None

    def _with_another(self, method: Method, known: Known, verdict: Verdict, now: float) -> Judgement:
        if not verdict.granted or known.resident is None or known.one_suffices:
            return Judgement(verdict)
        complete, first = factors.shown(self._first, known.resident.id, method, now)
        self._first = None if complete else first
        return Judgement(verdict, first.method) if complete else Judgement(Verdict(False, Reason.ONE_MORE))
