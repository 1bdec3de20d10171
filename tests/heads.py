"""Heads that turn, sheets that bend and screens with films, drawn as a camera at the gate sees them. Seeded.

Heads are the canonical face of `../shared/media` (468 points in centimetres) with a photo on it and an ellipsoid
behind; sheets and screens carry the same photo or a film of such a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.images import Image

Points = NDArray[np.float64]
FPS = 10
# Of a camera that sees 65 degrees from side to side: pixels of focal length for each of the picture's width.
_FOCAL = 0.785
# Of the canonical face: right eye's corners, left eye's, the nose's tip, the corners of the mouth.
_FIVE = ((33, 133), (263, 362), (1,), (61,), (291,))
# What turns a head is its neck, behind the face, centimetres.
_PIVOT = np.array([0.0, 0.0, -3.0])
# The head behind the face: its middle and half axes, centimetres; x to the right, y down, z towards the camera.
_SKULL_AT, _SKULL = np.array([0.0, -2.5, -3.0]), np.array([7.6, 11.0, 9.0])
# Where the face would be without a nose, and where the chin ends.
_FLAT, _CHIN = 3.0, 9.5
# How far around a landmark of the photo the face is drawn after it, centimetres.
_NEAR = 2.5
FACE_CM = 13.4
"""The width of a life-size face as YuNet's boxes have it, centimetres."""


@dataclass(frozen=True, slots=True)
class Surface:
    """Triangles (M, 3) over points (N, 3) in centimetres, and where each point lies in the texture (N, 2), pixels."""

    points: Points
    triangles: NDArray[np.intp]
    places: Points
    texture: Image


@dataclass(frozen=True, slots=True)
class Shape:
    """A sheet or a screen: life-size times `size`, its border `margin` face widths wide and of a colour (BGR).

    `bend` is one over the radius in centimetres about an upright axis, leaning by `lean` degrees, `aside` centimetres
    from the middle of the face; `fold` degrees by which both halves fall back behind a crease down the nose.
    """

    bend: float = 0.0
    lean: float = 0.0
    aside: float = 0.0
    fold: float = 0.0
    size: float = 1.0
    margin: float = 0.1
    colour: tuple[int, int, int] = (205, 212, 215)


@dataclass(frozen=True, slots=True)
class Head:
    """A head, and the neck and chest under it, which stay as they are when it turns."""

    head: Surface
    body: Surface


@dataclass(frozen=True, slots=True)
class Pose:
    """How a thing stands: turned, nodding and leaning by degrees, and its middle in centimetres from the camera.

    Turned to the right of the picture is positive.
    """

    turn: float = 0.0
    nod: float = 0.0
    lean: float = 0.0
    at: tuple[float, float, float] = (0.0, 0.0, 60.0)


def canonical_face(shared: Path) -> tuple[Points, NDArray[np.intp]]:
    """The points (468, 3) and triangles (898, 3) of the canonical face, x to the right, y down, z to the camera."""
    lines = [line.split() for line in (shared / "media" / "canonical_face_model.obj").read_text().splitlines()]
    points = np.array([line[1:4] for line in lines if line[:1] == ["v"]], np.float64) * (1, -1, 1)
    faces = [[int(corner.split("/")[0]) - 1 for corner in line[1:4]] for line in lines if line[:1] == ["f"]]
    return points, np.array(faces, np.intp)


def head_of(photo: Image, landmarks: Points, canonical: tuple[Points, NDArray[np.intp]], depth: float = 1.0) -> Head:
    """A head that wears the photo of a face that looks straight ahead; `landmarks` (5, 2) are in its pixels.

    `depth` makes its nose longer or shorter.
    """
    points, triangles = canonical
    five = np.array([points[list(numbers)].mean(axis=0) for numbers in _FIVE])
    with_one = np.column_stack([five[:, :2], np.ones(5)])
    affine, *_ = np.linalg.lstsq(with_one, landmarks, rcond=None)
    strays = landmarks - with_one @ affine

    def places(at: Points) -> Points:
        flat = at[:, :2]
        near = np.exp(-((flat[:, None] - five[None, :, :2]) ** 2).sum(axis=2) / (2 * _NEAR**2))
        return np.asarray(np.column_stack([flat, np.ones(len(flat))]) @ affine + near @ strays)

    deep = points.copy()
    deep[:, 2] = _FLAT + depth * (points[:, 2] - _FLAT)
    skull, around = _ellipsoid(_SKULL_AT, _SKULL)
    outline = cv2.convexHull(points[:, :2].astype(np.float32))
    hidden = [spot[2] > -1 and cv2.pointPolygonTest(outline, spot[:2].tolist(), False) > 0 for spot in skull]
    skull[np.array(hidden), 2] -= 1.5
    whole = np.concatenate([deep, skull])
    shown = places(np.concatenate([points, skull]))
    head = Surface(whole, np.concatenate([triangles, around + len(points)]), shown, photo)
    neck, around_neck = _ellipsoid(np.array([0.0, 13.0, -5.5]), np.array([5.5, 14.0, 5.5]))
    below = neck.copy()
    below[:, 1] = np.maximum(below[:, 1], _CHIN)
    chest, around_chest = _ellipsoid(np.array([0.0, 57.0, -9.0]), np.array([21.0, 44.0, 7.0]))
    body = Surface(np.concatenate([neck, chest]), np.concatenate([around_neck, around_chest + len(neck)]),
                   places(np.concatenate([below, chest])), photo)  # fmt: skip
    return Head(head, body)


def sheet_of(photo: Image, face: tuple[float, float, float, float], shape: Shape) -> Surface:
    """A sheet or a screen that shows the photo, the face in the middle of its coordinates."""
    x, y, width, height = face
    left, top = max(0, int(x - 0.45 * width)), max(0, int(y - 0.4 * height))
    shown = photo[top : int(y + 1.55 * height), left : int(x + 1.45 * width)]
    edge = max(2, round(shape.margin * width))
    picture = cv2.copyMakeBorder(shown, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=shape.colour)
    tall, wide = picture.shape[:2]
    rows, columns = np.mgrid[0 : tall - 1 : 31j, 0 : wide - 1 : 31j]
    places = np.stack([columns.ravel(), rows.ravel()], axis=1)
    middle = (x + width / 2 - left + edge, y + height / 2 - top + edge)
    points = _bent((places - middle) * FACE_CM * shape.size / width, shape)
    if shape.fold:
        points[:, 2] -= np.abs(points[:, 0]) * np.sin(np.radians(shape.fold))
        points[:, 0] *= np.cos(np.radians(shape.fold))
    return Surface(points, _grid_triangles(31, 31), places, np.asarray(picture, np.uint8))


def draw(picture: NDArray[np.float32], thing: Surface, pose: Pose, shade: float = 0.0) -> None:
    """Draw a thing over a picture (H, W, 3), what is turned towards the light, from the right, brighter by `shade`."""
    height, width = picture.shape[:2]
    spot = _turned(thing.points, pose)
    away = pose.at[2] - spot[:, 2]
    focal = _FOCAL * width
    screen = np.stack([width / 2 + focal * (spot[:, 0] + pose.at[0]) / away,
                       height * 0.47 + focal * (spot[:, 1] + pose.at[1]) / away], axis=1)  # fmt: skip
    lit = 1 + shade * (_light(spot, thing.triangles) - _light(thing.points, thing.triangles))
    values = np.column_stack([thing.places, lit])
    maps, found = _rasterised(screen, 1 / away, values, thing.triangles, (height, width))
    if not found.any():
        return
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    part = np.s_[max(0, rows[0] - 3) : rows[-1] + 4, max(0, columns[0] - 3) : columns[-1] + 4]
    # What lies just outside is drawn as what is inside, so that a soft edge shows no hole.
    maps, found = maps[part], found[part]
    mask = (
        cv2.GaussianBlur(cv2.erode(found.astype(np.float32), np.ones((3, 3))), (0, 0), 0.7)[..., None]
        * found[..., None]
    )
    shown = cv2.remap(thing.texture, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    picture[part] = picture[part] * (1 - mask) + shown * maps[..., 2:] * mask


def _turned(points: Points, pose: Pose) -> Points:
    turn, nod, lean = np.radians([pose.turn, pose.nod, pose.lean])
    about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(nod), np.sin(nod)], [0, -np.sin(nod), np.cos(nod)]])
    about_z = np.array([[np.cos(lean), -np.sin(lean), 0], [np.sin(lean), np.cos(lean), 0], [0, 0, 1]])
    return np.asarray(points @ (about_z @ about_x @ about_y).T)


def _bent(flat: Points, shape: Shape) -> Points:
    lean, bend = np.radians(shape.lean), shape.bend
    along = flat @ (np.cos(lean), np.sin(lean)) - shape.aside
    across = flat @ (-np.sin(lean), np.cos(lean))
    deep = np.zeros(len(flat))
    if bend:
        along, deep = np.sin(along * bend) / bend, (np.cos(along * bend) - 1) / bend
    along = along + shape.aside
    x, y = along * np.cos(lean) - across * np.sin(lean), along * np.sin(lean) + across * np.cos(lean)
    return np.stack([x, y, deep], axis=1)


def _ellipsoid(middle: Points, axes: Points, rows: int = 24, columns: int = 36) -> tuple[Points, NDArray[np.intp]]:
    down, round_ = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns), indexing="ij")
    shape = np.stack([np.sin(down) * np.sin(round_), -np.cos(down), np.sin(down) * np.cos(round_)], axis=-1)
    return shape.reshape(-1, 3) * axes + middle, _grid_triangles(rows, columns)


def _grid_triangles(rows: int, columns: int) -> NDArray[np.intp]:
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    right, below = first + 1, first + columns
    return np.concatenate([np.stack([first, below, right], 1), np.stack([right, below, below + 1], 1)])


def _light(points: Points, triangles: NDArray[np.intp]) -> Points:
    """How far each point faces to the right of the picture, -1 to 1."""
    corners = points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.zeros_like(points)
    for corner in range(3):
        np.add.at(summed, triangles[:, corner], normals)
    return np.asarray(summed[:, 0] / np.maximum(np.linalg.norm(summed, axis=1), 1e-9))


def _rasterised(screen: Points, near: Points, values: Points, triangles: NDArray[np.intp], size: tuple[int, int]
                ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:  # fmt: skip
    """`values` (N, 3) of the nearest surface at each pixel (H, W, 3), and where there is one."""
    corners = screen[triangles]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    # Upright in the picture, y down, what faces the camera runs the other way round.
    triangles, corners = triangles[area < -1e-6], corners[area < -1e-6]
    order = np.argsort(near[triangles].mean(axis=1))
    triangles, corners = triangles[order], corners[order]
    drawn = np.zeros(size, np.int32)
    fine = np.round(corners * 16).astype(np.int32)
    for number, triangle in enumerate(fine):
        cv2.fillConvexPoly(drawn, triangle, number + 1, shift=4)
    rows, columns = np.nonzero(drawn)
    which = drawn[rows, columns] - 1
    away = np.stack([columns, rows], axis=1)[:, None] - corners[which]
    shares = np.stack([_cross(away[:, 1], away[:, 2]), _cross(away[:, 2], away[:, 0]), _cross(away[:, 0], away[:, 1])])
    weights = np.clip(shares / shares.sum(axis=0), 0, 1) * near[triangles[which]].T
    maps = np.zeros((*size, 3), np.float32)
    maps[rows, columns] = (weights[..., None] * values[triangles[which]].swapaxes(0, 1)).sum(axis=0) / weights.sum(
        axis=0
    )[:, None]
    return maps, drawn > 0


def _cross(one: Points, other: Points) -> Points:
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])
