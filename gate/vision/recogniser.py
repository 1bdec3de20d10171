"""From a frame to claims: who is looked at (`attention`) is judged, embedded, searched for and weighed.

Here it is concluded what somebody's sightings show: each usable face adds one, the sightings of a track are searched
together, and once they suffice a claim follows, or a reason why there is none. Owns no clock and opens nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gate.vision.attention import Attention, Waiting
from gate.vision.evidence import Belief, gather, track_template, weigh
from gate.vision.gallery import Gallery
from gate.vision.learning import Sample, score_to_learn_from
from gate.vision.life import Life
from gate.vision.liveness import Liveness
from gate.vision.plain_face import doubt
from gate.vision.promise import FIRST_SHARE, learning_rule, looks_again, rule_of
from gate.vision.quality import Bounds, measure, unfit, weight
from gate.vision.retry import RETRY_AFTER_S, Answer, DoorNews
from gate.vision.second_look import Again, Kept, SecondLook
from gate.vision.settings import VisionSettings
from gate.vision.shown import Probe, Shown
from gate.vision.tracker import Tracks
from gate.vision.turn_request import Choose, Request, is_due, told
from gate.vocabulary import Claim, Frame, Reason, Sighting, Track
from models.align import align
from models.images import Image
from models.liveness import LivenessCheck
from models.pack import Models

# A head does not turn far in so short a time; what was upright and plain then is taken to be so still.
_PLAIN_FOR_S = 0.1
# A track's evidence is what it showed last; more would only be memory.
_MOST_SIGHTINGS = 60
# Whoever raises a doubt and does not look straight ahead for so long cannot be asked to turn the head.
_ASK_WITHIN_S = 4.0


class Recogniser:
    """One camera's eye: keeps its tracks, and says what it believes of them."""

    def __init__(
        self,
        models: Models,
        settings: VisionSettings,
        new_id: Callable[[], str],
        checks: Sequence[LivenessCheck] = (),
        choose: Choose | None = None,
        *,
        infrared: bool = False,
    ) -> None:
        """`checks` are the passive liveness checks, asked where the settings want liveness, and with `infrared` the
        pictures of an infrared camera too. `choose` draws where whoever raises a doubt is to turn the head; None:
        nobody is there to be asked, and they are refused. Raises PackError.
        """
        self._models = models
        self._calibration = models.calibration
        self._life = Life(models, settings.level, checks, choose, infrared=infrared)
        self._settings = settings
        self._bounds = Bounds.of(settings)
        self._new_id = new_id
        self._attention = Attention(models.detector, settings)
        self._second = None
        if models.second is not None and looks_again(settings):
            self._second = SecondLook(models.second, self._calibration, settings)
        self._shown: dict[int, Shown] = {}
        self._concluded: dict[str, tuple[tuple[Sighting, ...], Again]] = {}
        self.embedded = 0
        """How many faces were embedded so far."""

    def let_count(self, zone: tuple[float, float, float, float] | None) -> None:
        """Judge only faces inside this zone (left, top, right, bottom as fractions); None: that of the settings."""
        self._attention.let_count(zone)

    @property
    def tracks(self) -> Tracks:
        """Who is in view."""
        return self._attention.tracks

    @property
    def nearest(self) -> tuple[float, float, float, float] | None:
        """Where the nearest face is: see `Attention.nearest`."""
        return self._attention.nearest

    def see(
        self, frame: Frame, gallery: Gallery, infrared: Frame | None = None, again: Gallery | None = None
    ) -> list[Claim]:
        """What this frame adds: a claim for each track on which the evidence now suffices, often none.

        `infrared` is the newest frame of the infrared camera; one of another moment counts for nothing. `again` is who
        can be recognised by a second look.
        """
        self._concluded.clear()
        waiting = self._attention.look(frame)
        self._shown = {track.number: self._shown.get(track.number, Shown()) for track in self.tracks.active}
        waiting = [self._follow(one, frame) for one in waiting]
        probes = self._probes(frame.image, waiting)
        self._embed(probes, frame.taken_mono)
        for probe in probes:
            self._life.look(probe.shown.signs, frame, probe.face, infrared)
        if (comes := self._attention.comes(frame.taken_mono)) is not None:
            self._life.glimpse(self._shown[comes.number].signs, frame, comes.face)
        claims = [self._conclude(one, gallery, again, frame.taken_mono) for one in waiting]
        return [claim for claim in claims if claim is not None]

    def answered(self, claim: Claim, reason: Reason | None, grant: str | None = None) -> None:
        """What the door said to a claim, and by which grant they go in: whether they may ask again hangs on it."""
        told = claim.resident is not None or reason != claim.reason
        self._attention.answered(claim.track, Answer(claim.taken_mono, reason, grant) if told else None)

    def hear(self, news: DoorNews) -> None:
        """Take in what the door says of itself now: whether the gate is at rest, and who went through."""
        self._attention.hear(news)

    @property
    def awaits_door(self) -> bool:
        """Whether somebody in view may ask again as soon as the gate is at rest."""
        return self._attention.awaits_door

    def sample(self, claim: Claim, gallery: Gallery, again: Gallery | None = None) -> Sample | None:
        """What the gate may learn from a claim of the last frame; None where it is not sure enough for that.

        What was not looked at a second time is now.
        """
        resident, concluded = claim.resident, self._concluded.get(claim.id)
        if resident is None or concluded is None:
            return None
        sightings, shown_again = concluded
        rule = learning_rule(self._calibration, self._settings, len(gallery))
        first = Sample(track_template(sightings), score_to_learn_from(sightings, resident, gallery, rule))
        seen_again = () if self._second is None else self._second.look_at_all(shown_again)
        if self._second is None or not seen_again:
            return first if first.at_least is not None else None
        at_least = None
        if again is not None and again.knows(resident):
            rule = self._second.learning_rule(len(again))
            at_least = score_to_learn_from(seen_again, resident, again, rule)
        found = replace(first, second=track_template(seen_again), second_at_least=at_least)
        return found if (found.at_least, found.second_at_least) != (None, None) else None

    def _probes(self, image: Image, waiting: Sequence[Waiting]) -> list[Probe]:
        probes = [self._probe(image, one.track) for one in waiting if not one.shut]
        return [probe for probe in probes if probe is not None]

    def _probe(self, image: Image, track: Track) -> Probe | None:
        shown = self._shown[track.number]
        if shown.signs.request is not None and not shown.signs.request.looks_ahead:
            return None
        try:
            aligned = align(image, track.face, self._models.spec)
        except ValueError:
            return None
        if self._models.spec.mirror and len(shown.sightings) % 2:
            # Every second sighting by its mirror image: their mean is as good as both of each, for half the work.
            aligned = np.asarray(aligned[:, ::-1], np.uint8)
        quality = measure(track.face, aligned)
        reason = unfit(quality, self._bounds) or self._doubt(image, track, shown)
        if reason is not None:
            shown.unfit[reason] += 1
            return None
        return Probe(shown, track.face, aligned, weight(quality))

    def _doubt(self, image: Image, track: Track, shown: Shown) -> Reason | None:
        if track.seen_mono - shown.plain_mono < _PLAIN_FOR_S:
            return None
        reason = doubt(image, track.face, self._models.detector)
        shown.plain_mono = track.seen_mono if reason is None else -math.inf
        return reason

    def _embed(self, probes: Sequence[Probe], now: float) -> None:
        if not probes:
            return
        templates = self._models.embedder.glance(np.array([probe.aligned for probe in probes]))
        self.embedded += len(probes)
        for probe, template in zip(probes, templates, strict=True):
            if np.isfinite(template).all():
                sighting = Sighting(now, template, probe.weight)
                before = probe.shown.sightings
                probe.shown.sightings = gather(before, sighting, _MOST_SIGHTINGS)
                if before and probe.shown.sightings[0] is sighting:
                    probe.shown.begin_anew(now)
                if self._second is not None:
                    probe.shown.again.keep(Kept(now, probe.aligned, probe.weight))

    def _follow(self, waiting: Waiting, frame: Frame) -> Waiting:
        """Look at somebody who is asked something; where that is void, somebody else may stand there, who has just
        come."""
        shown = self._shown[waiting.track.number]
        if self._life.follow(shown.signs, frame, waiting.track):
            return waiting
        shown.forget()
        self._attention.begin_anew(waiting.track)
        return replace(waiting, since_mono=frame.taken_mono)

    def _conclude(self, waiting: Waiting, gallery: Gallery, again: Gallery | None, now: float) -> Claim | None:
        track, shown = waiting.track, self._shown[waiting.track.number]
        if shown.signs.request is None:
            belief = self._believe(shown, gallery, again) or shown.given_up(now - waiting.since_mono)
        else:
            belief = self._believe_who_turned(track, shown.signs.request, gallery, again)
        if belief is not None and belief.resident is not None:
            belief = self._believe_if_alive(belief, waiting, now)
        if belief is not None:
            return self._claim(track, belief, now)
        asked = shown.signs.request
        return None if asked is None or not is_due(asked, now) else self._tell(track, asked, now)

    def _believe_who_turned(
        self, track: Track, request: Request, gallery: Gallery, again: Gallery | None
    ) -> Belief | None:
        """Whom somebody shows who was asked: once they have turned, and a face that looks ahead again is the same's."""
        shown, now = self._shown[track.number], track.seen_mono
        if request.failed:
            return Belief(None, Reason.NOT_LIVE, None, request.belief.frames)
        fresh = shown.sightings[-1]
        if request.turned_mono is None or not request.turned_mono < fresh.taken_mono == now:
            return None
        belief, nearest = self._believe(shown, gallery, again), gallery.search(fresh.template)[:1]
        agree = belief is not None and belief.resident == request.belief.resident
        return belief if agree and any(one.resident == request.belief.resident for one in nearest) else None

    def _believe(self, shown: Shown, gallery: Gallery, again: Gallery | None) -> Belief | None:
        if not shown.sightings:
            return None
        candidates = gallery.search(track_template(shown.sightings))
        # Whoever was enrolled before there was a second look goes by the first alone, as they did.
        seconded = again is not None and bool(candidates) and again.knows(candidates[0].resident)
        rule = rule_of(self._calibration, self._settings, len(gallery), FIRST_SHARE if seconded else 1.0)
        belief = weigh(shown.sightings, candidates, gallery.alike(candidates), rule)
        if self._second is None or again is None or len(shown.sightings) < rule.frames:
            return belief
        if belief is not None and belief.resident is not None:
            return belief
        found = self._second.believe(shown.again, again)
        return belief if found is None else replace(found, frames=len(shown.sightings))

    def _believe_if_alive(self, belief: Belief, waiting: Waiting, now: float) -> Belief | None:
        shown = self._shown[waiting.track.number]
        match self._life.judge(shown.signs, track_template(shown.sightings)):
            case Liveness.LIVE:
                return belief
            case Liveness.WAIT:
                return shown.given_up(now - waiting.since_mono)
            case Liveness.BLIND:
                return Belief(None, Reason.FAULT, None, belief.frames)
            case Liveness.NOT_LIVE:
                return Belief(None, Reason.NOT_LIVE, None, belief.frames)
            case Liveness.DOUBTFUL:
                return belief if shown.signs.request is not None else self._ask(shown, belief, waiting, now)

    def _ask(self, shown: Shown, belief: Belief, waiting: Waiting, now: float) -> Belief | None:
        """Ask whoever raised a doubt to turn the head, one after the other; who never looks straight ahead is told."""
        if any(one.signs.request is not None for one in self._shown.values()):
            return None
        self._life.ask(shown.signs, belief, waiting.track)
        waits = shown.signs.request is not None or now - waiting.since_mono < _ASK_WITHIN_S
        return None if waits else Belief(None, Reason.TURNED_AWAY, None, belief.frames)

    def _tell(self, track: Track, request: Request, now: float) -> Claim:
        """What the door is to tell somebody who is asked; it opens nothing."""
        said = told(request, now)
        self._shown[track.number].signs.request = replace(request, told=said, told_mono=now)
        return Claim(
            self._new_id(), track.number, now, None, Reason.ASKED_TO_TURN, request.belief.frames, None,
            way=said.way, further=said.further,
        )  # fmt: skip

    def _claim(self, track: Track, belief: Belief, now: float) -> Claim:
        shown, identity = self._shown[track.number], self._new_id()
        if belief.reason is Reason.NOT_LIVE:
            self._attention.shut(track.face.box, now + self._settings.liveness_cooldown_s)
        # Of whoever raised a doubt nothing is learned.
        if belief.resident is not None and shown.signs.request is None:
            self._concluded[identity] = shown.sightings, shown.again
        shown.forget()
        self._attention.judged(track, self._again_mono(belief, now))
        return Claim(
            id=identity,
            track=track.number,
            taken_mono=now,
            resident=belief.resident,
            reason=belief.reason,
            frames=belief.frames,
            similarity=belief.similarity,
            nearest=belief.nearest,
        )

    def _again_mono(self, belief: Belief, now: float) -> float | None:
        if belief.resident is not None:
            return None
        return now + (self._settings.liveness_cooldown_s if belief.reason is Reason.NOT_LIVE else RETRY_AFTER_S)
