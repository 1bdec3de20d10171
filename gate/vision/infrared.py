"""Whether a near-infrared camera shows a face where the colour camera does. Pure but for the detector.

Skin throws the light of an infrared lamp back; the screens of telephones and tablets shine in colours alone and are
dark there. A sheet printed with a toner of carbon shows its face in both.
"""

from __future__ import annotations

from models.boxes import Box
from models.detector import Detector, look_at
from models.images import Image

# One cut-out says whether a face is there; where exactly, for which others take the mean of two, does not matter here.
_SIDE = 128


def shows_face(detector: Detector, infrared: Image, box: Box, colour: Image) -> bool:
    """Whether `infrared` shows a face at `box` (x, y, width, height) of the picture `colour`; both (H, W, 3) uint8 BGR.

    The cameras look the same way with the same angle of view from side to side. How far apart a face appears is then a
    fixed share of its width at any distance: the distance of the lenses over that of the face's sides, some 15 cm.
    """
    height, width = colour.shape[:2]
    scale = infrared.shape[1] / width
    x, y, box_width, box_height = (side * scale for side in box)
    # A picture of another shape is cut off or goes on above and below alike.
    y += (infrared.shape[0] - height * scale) / 2
    return look_at(infrared, (x, y, box_width, box_height), detector, _SIDE) is not None
