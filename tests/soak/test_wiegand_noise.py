"""Ten thousand cards at a Wiegand reader on a bad cable and a busy machine: how many are read, and as what."""

from collections import Counter
from dataclasses import dataclass, replace
from random import Random

import pytest

from gate.door.wiegand import QUIET_S, Burst, Flaw, Pulse, Told, heard, told_by
from tests.wiegand import LAYOUTS, card, pulses

pytestmark = pytest.mark.soak
FRAMES = 10_000


@dataclass(frozen=True)
class Edge:
    """What happens on a line; the kernel counts also what it drops."""

    pulse: Pulse
    dropped: bool = False


def spoilt(frame, random):
    """A frame with what a cable and a kernel do to it: edges that are dropped, doubled, of noise; or a pulse that never
    came. Not both a pulse that never came and one of noise: where those meet at the end, nothing could tell."""
    if random.random() < 0.2:
        gone = random.randrange(len(frame))
        return [*frame[:gone], *frame[gone + 1 :]]
    edges = list(frame)
    for _ in range(random.randint(1, 2)):
        at = random.randrange(len(edges))
        match random.choice(("dropped", "doubled", "noise")):
            case "dropped":
                for one in range(at, min(at + random.randint(1, 6), len(edges))):
                    edges[one] = replace(edges[one], dropped=True)
            case "doubled":
                after = edges[at].pulse.at_mono + random.uniform(2e-6, 140e-6)
                edges.insert(at + 1, Edge(Pulse(random.randrange(2), after)))
            case "noise":
                when = random.uniform(edges[0].pulse.at_mono - 0.01, edges[-1].pulse.at_mono + 0.01)
                edges.append(Edge(Pulse(random.randrange(2), when)))
                edges.sort(key=lambda one: one.pulse.at_mono)
    return edges


@pytest.mark.parametrize("form", sorted(LAYOUTS))
def test_no_wrong_card_is_taken_and_clean_ones_are_read(form):
    random, now, seen = Random(20261127), 0.0, Counter()
    of_facility, of_number, _ = LAYOUTS[form]
    burst, sent, lost = Burst(), [], False

    def take(whole):
        read = told_by(whole, form, None)
        # Which of those that were sent it could be: the frames are further apart than silence is long.
        kind, code = min(sent, key=lambda one: abs(one[2] - whole.latest_mono))[:2]
        if isinstance(read, Flaw):
            seen[kind, "refused"] += 1
        else:
            assert isinstance(read, Told)
            seen[kind, "right" if read.code == code else "wrong"] += 1

    for _ in range(FRAMES):
        facility, number = random.randrange(2**of_facility), random.randrange(2**of_number)
        pace_s = random.uniform(0.0006, 0.004)
        bits = card(form, facility, number)
        # What an interrupt takes on a busy board.
        late = (replace(one, at_mono=one.at_mono + random.uniform(0, 60e-6)) for one in pulses(bits, now, pace_s))
        frame = [Edge(one) for one in late]
        clean = random.random() < 0.5
        code = f"{facility},{number}" if of_facility else f"{number:08d}"
        end = now + len(bits) * pace_s
        # Where the kernel dropped edges in the silence before, they may have been its first.
        sent = [*sent[-1:], ("after a loss" if lost and clean else "clean" if clean else "spoilt", code, end)]
        for edge in frame if clean else spoilt(frame, random):
            if edge.dropped:
                lost = True
                continue
            burst, before = heard(burst, replace(edge.pulse, after_loss=lost))
            lost = False
            if before is not None:
                take(before)
        now = end + random.uniform(2 * QUIET_S, 1.0)
    take(burst)
    cleanly = sum(count for (kind, _), count in seen.items() if kind == "clean")
    share = seen["clean", "right"] / cleanly
    wrong = sum(count for (_, read), count in seen.items() if read == "wrong")
    told = ", ".join(f"{kind} {read} {count}" for (kind, read), count in sorted(seen.items()))
    print(f"{form}: {told}; right of the clean {100 * share:.2f} %, wrong {wrong} of {FRAMES}")
    assert wrong == 0
    assert share >= 0.99
