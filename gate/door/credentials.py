"""What is shown to readers, on its way to whose it is: keys become numbers, numbers and cards become what they are
found by, and the controller decides on them. Digits that are no PIN may be those of an authenticator, and what is held
up to the camera is a pass or the picture of a phone.

A PIN is hashed on a thread of its own, some tens of milliseconds, so that neither exit nor fire waits for it; before
that it is asked whether PINs are looked at here at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from gate import codes
from gate.door.bell import Rung
from gate.door.code_key import CodeKey
from gate.door.controller import Controller
from gate.door.doorbell import Doorbell
from gate.door.keys import Entered, Typed, awake, press, rings
from gate.door.knowledge import Knowledge
from gate.door.lockout import KeptTries, Lockout
from gate.door.rolling import Used, step_of
from gate.door.rules import Known
from gate.door.visits import Visits
from gate.processes.requests import UnknownCard
from gate.vocabulary import AuditEvent, Kind, Method, Presented, Reason

# More PINs than this do not wait to be hashed: nobody types so fast.
_MOST_WAITING = 8
# For so long a card that is nobody's may be given to somebody, seconds.
_UNKNOWN_FOR_S = 60.0
_MOST_UNKNOWN = 8
_ENDING = 4


@dataclass(frozen=True, slots=True)
class _Hashed:
    shown: Presented
    flat: str | None
    digests: tuple[bytes, ...]
    typed: str = field(repr=False)
    face: str | None
    """Whose face stands there, where the number was typed alone."""


class Credentials:
    """The keypads, cards and passes of one door. Not thread-safe, but for its own worker: the door's loop owns it."""

    def __init__(
        self, key: CodeKey, controller: Controller, knowledge: Knowledge, doorbell: Doorbell,
        record: Callable[[AuditEvent], None], visits: Visits, lockout: Lockout, freshness_s: float,
        wake: Callable[[], None],
    ) -> None:  # fmt: skip
        """`lockout` is of before the start; `wake` is called from another thread when `turn` has something to do."""
        self._key = key
        self._controller = controller
        self._knowledge = knowledge
        self._doorbell = doorbell
        self._record = record
        self._visits = visits
        self._freshness_s = freshness_s
        self._wake = wake
        self._typed: dict[str, Typed] = {}
        self._lockout = lockout
        self._used: Used | None = None
        self._unknown: deque[UnknownCard] = deque(maxlen=_MOST_UNKNOWN)
        self._hashed: deque[_Hashed] = deque()
        self._waiting = 0
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="codes")

    def hear(self, shown: Presented, now: float) -> None:
        """Take a key or a card, from the readers' own user, or what was held up to the camera, from vision's."""
        if shown.method is Method.CARD:
            self._hear_card(shown, now)
        elif shown.method is Method.PASS:
            self._hear_pass(shown, [codes.pass_digest(shown.code)], Method.PASS, now)
        elif shown.method is Method.ROLLING:
            self._hear_picture(shown, now)
        else:
            self._hear_key(shown, now)

    def turn(self, now: float) -> None:
        """Decide on the PINs that have been hashed, and on the passes of which a use was spent."""
        if (wall := self._knowledge.wall()) is not None:
            self._used = Used.since(wall) if self._used is None else self._used.at(wall)
        while self._hashed:
            hashed = self._hashed.popleft()
            self._waiting -= 1
            self._decide_pin(hashed, now)
        self._visits.turn(now)

    def close(self) -> None:
        """Let the last PIN be hashed, and nothing come of it."""
        self._worker.shutdown(wait=True)
        self._visits.close()

    def seal(self, digests: Sequence[bytes]) -> tuple[bytes, ...] | None:
        """What codes of these digests are found by; None where there is no key to be had."""
        finders = [self._key.seal(one) for one in digests]
        return None if None in finders else tuple(one for one in finders if one is not None)

    def tries(self, now: float) -> tuple[KeptTries, ...]:
        """The wrong PINs that a restart must not forget."""
        return self._lockout.kept(now)

    def unknown_cards(self, now: float) -> tuple[UnknownCard, ...]:
        """The cards of the last minute that are nobody's, the latest first."""
        return tuple(card for card in reversed(self._unknown) if now - card.taken_mono <= _UNKNOWN_FOR_S)

    def typed(self, now: float) -> int:
        """How many digits stand at the keypad where one was pressed last."""
        latest = max(self._typed.values(), key=lambda one: one.pressed_mono, default=Typed())
        return awake(latest, now).count

    def _hear_card(self, shown: Presented, now: float) -> None:
        number = codes.card_number(shown.code)
        if number is None:
            self._controller.refuse(shown, Reason.WRONG_CODE, now)
            return
        finder = self._key.seal(codes.card_digest(number))
        known = self._knowledge.by_code(Method.CARD, [finder], shown.reader)
        verdict, _ = self._controller.present(shown, known, now)
        if verdict.reason is Reason.WRONG_CODE and finder is not None:
            known_before = [card for card in self._unknown if card.finder != finder]
            card = UnknownCard(finder, shown.reader, shown.taken_mono, number[-_ENDING:])
            self._unknown = deque([*known_before, card], maxlen=_MOST_UNKNOWN)
        if verdict.granted:
            self._lockout = self._lockout.let_in(shown.reader, None, typed=False)

    def _hear_pass(self, shown: Presented, digests: Sequence[bytes], kind: Method, now: float) -> None:
        """A pass is looked up again where somebody may have been quicker with it."""
        finders = [self._key.seal(one) for one in digests]
        self._visits.hear(shown, partial(self._knowledge.by_code, kind, finders, shown.reader), now)

    def _hear_picture(self, shown: Presented, now: float) -> None:
        """The picture of somebody's phone: of each step it opens once, as its digits do, and of both together."""
        known = Known(from_its_user=True)
        # What is shown late uses up no step.
        if self._is_fresh(shown, now):
            handle = codes.handle_of(shown.code)
            held = self._knowledge.rolling_between(*(self._key.marked(one) for one in codes.handle_bounds(handle)))
            says = partial(codes.rolling_picture, handle)
            rolled = self._rolled(held or [], says, shown.code, shown.reader)
            if isinstance(rolled, Reason):
                self._controller.refuse(shown, rolled, now)
                return
            known = rolled or replace(known, readable=held is not None)
        self._controller.present(shown, known, now)

    def _is_fresh(self, shown: Presented, now: float) -> bool:
        return 0 <= now - shown.taken_mono + 0.001 <= self._freshness_s

    def _hear_key(self, shown: Presented, now: float) -> None:
        if not self._is_fresh(shown, now):
            # A key of before a break is no part of what is typed now.
            self._typed.pop(shown.reader, None)
            return
        face = self._controller.waiting_face(now)
        typed = self._typed.get(shown.reader, Typed())
        if rings(typed, shown.code, now):
            self._doorbell.ring(Rung.KEYPAD, now, shown.reader)
        home = self._knowledge.flat_of(face) if face is not None and shown.code == "#" else None
        self._typed[shown.reader], entered = press(typed, shown.code, now, expects_pin=face is not None, home=home)
        if entered is not None:
            self._hear_pin(shown, entered, home, now)

    def _hear_pin(self, shown: Presented, entered: Entered, home: str | None, now: float) -> None:
        # Whoever's face is known types their PIN alone.
        flat = home if entered.flat is None else entered.flat
        if self._lockout.until_mono(shown.reader, flat, now) is not None:
            self._controller.refuse(shown, Reason.LOCKED_OUT, now)
            return
        salt = self._knowledge.salt()
        if salt is None:
            self._controller.refuse(shown, Reason.STORE_UNREADABLE, now)
        elif not codes.PIN_DIGITS <= len(entered.pin) <= codes.MOST_DIGITS:
            self._fail(shown, flat, now)
            self._controller.refuse(shown, Reason.WRONG_CODE, now)
        elif self._waiting >= _MOST_WAITING:
            self._controller.refuse(shown, Reason.BUSY, now)
        else:
            self._waiting += 1
            face = self._controller.waiting_face(now) if entered.flat is None else None
            self._worker.submit(self._hash, shown, flat, entered, salt, face)

    def _hash(self, shown: Presented, flat: str | None, entered: Entered, salt: bytes, face: str | None) -> None:
        digests = [codes.pin_digest(one, entered.pin, salt) for one in dict.fromkeys((flat, entered.flat))]
        self._hashed.append(_Hashed(shown, flat, tuple(digests), entered.pin, face))
        self._wake()

    def _decide_pin(self, hashed: _Hashed, now: float) -> None:
        shown, flat = hashed.shown, hashed.flat
        # Two may have been typed before the first was known to be wrong.
        if self._lockout.until_mono(shown.reader, flat, now) is not None:
            self._controller.refuse(shown, Reason.LOCKED_OUT, now)
            return
        known = self._knowledge.by_code(Method.PIN, [self._key.seal(one) for one in hashed.digests], shown.reader)
        if known.visit is not None:
            self._hear_pass(replace(shown, method=Method.PASS), hashed.digests, Method.PIN, now)
            return
        rolled = self._by_rolling(hashed) if known.readable and known.resident is None else None
        if rolled is not None:
            shown = replace(shown, method=Method.ROLLING)
        if isinstance(rolled, Reason):
            if rolled is Reason.CLOCK_UNTRUSTED:
                # Nobody can tell whether they were right.
                self._fail(shown, flat, now)
            self._controller.refuse(shown, rolled, now)
            return
        verdict, _ = self._controller.present(shown, rolled or known, now)
        if verdict.reason is Reason.WRONG_CODE:
            self._fail(shown, flat, now)
        elif verdict.granted:
            self._lockout = self._lockout.let_in(shown.reader, flat, typed=True)

    def _by_rolling(self, hashed: _Hashed) -> Known | Reason | None:
        """What is known of whose authenticator shows these digits now, or why they do not count; None: nobody's."""
        held = self._knowledge.rolling_of(hashed.flat, hashed.face)
        return self._rolled(held, codes.rolling_code, hashed.typed, hashed.shown.reader)

    def _rolled(
        self, held: Sequence[str], says: Callable[[bytes, int], str], code: str, reader: str
    ) -> Known | Reason | None:
        """What is known of whose phone, of those `held`, says this code now, or why it does not count; None: nobody's.
        `says` what one says by its key in a step."""
        if not held:
            return None
        wall = self._knowledge.wall()
        if wall is None or self._used is None:
            return Reason.CLOCK_UNTRUSTED
        for identity in held:
            finder, sealed = (self._key.seal(one) for one in codes.rolling_digests(identity))
            step = None if sealed is None else step_of(partial(says, codes.rolling_key(sealed)), code, wall)
            if step is None:
                continue
            used = self._used.take(identity, step)
            if used is None:
                return Reason.ALREADY_USED
            self._used = used
            return self._knowledge.by_code(Method.ROLLING, [finder], reader)
        return None

    def _fail(self, shown: Presented, flat: str | None, now: float) -> None:
        before = self._lockout.until_mono(shown.reader, flat, now)
        self._lockout = self._lockout.failed(shown.reader, flat, now)
        until = self._lockout.until_mono(shown.reader, flat, now)
        if until is not None and before is None:
            self._record(AuditEvent(Kind.LOCKED_OUT, {"reader": shown.reader, "seconds": round(until - now)}))
