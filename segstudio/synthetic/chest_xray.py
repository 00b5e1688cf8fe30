"""Chest X-rays as a child would draw them and a network must not: lungs, ribs, spine, heart, collar bones, noise."""

from dataclasses import dataclass

import cv2
import numpy as np

from segstudio.synthetic import KINDS, Kind

SIDE = 384


@dataclass(frozen=True)
class Pose:
    """How one patient stands and is lit; lengths in shares of the picture's side."""

    centre_x: float
    top: float
    height: float
    half_width: float
    gap: float
    tilt: float
    heart: float
    exposure: float
    contrast: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Pose":
        """A pose by chance, within what patients vary in."""
        return cls(
            centre_x=0.5 + rng.normal(0, 0.02),
            top=rng.uniform(0.13, 0.22),
            height=rng.uniform(0.5, 0.66),
            half_width=rng.uniform(0.15, 0.2),
            gap=rng.uniform(0.05, 0.08),
            tilt=rng.normal(0, 3.0),
            heart=rng.uniform(0.09, 0.15),
            exposure=rng.uniform(-18, 18),
            contrast=rng.uniform(0.8, 1.15),
        )


@KINDS.register
class ChestXray(Kind):
    """Grey pictures 384x384 of two dark lungs between bright ribs."""

    name = "chest-xray"
    title = "Chest X-rays (generated)"

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One X-ray uint8 (384, 384) and the mask of both lungs."""
        pose = Pose.drawn(rng)
        left, right = (_lung(rng, pose, side) for side in (-1, 1))
        lungs = np.maximum(left, right)
        picture = _body(rng, pose)
        depth = cv2.GaussianBlur(lungs.astype(np.float32), (0, 0), 9)
        picture -= (62 + rng.uniform(-12, 16)) * depth * pose.contrast
        picture += _vessels(rng, lungs)
        picture += _ribs(rng, pose) + _spine(rng, pose) + _heart(rng, pose) + _collar_bones(rng, pose)
        if rng.random() < 0.3:
            picture += _opacity(rng, lungs)
        picture, lungs = _tilted(picture, lungs, pose.tilt)
        image = np.clip(_developed(rng, picture), 0, 255).astype(np.uint8)
        if rng.random() < 0.7:
            _marker(rng, image)
        return image, lungs


def _grid() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    return x, y


def _falling(t: np.ndarray) -> np.ndarray:
    """A soft step from 1 to 0 at t = 0."""
    return np.asarray(0.5 - 0.5 * np.tanh(t / 2), np.float32)


def _lung(rng: np.random.Generator, pose: Pose, side: int) -> np.ndarray:
    """One lung as a mask: a smooth outline, flat towards the spine, hollow above the diaphragm."""
    height = pose.height * rng.uniform(0.92, 1.04) * (0.96 if side > 0 else 1.0)
    width = pose.half_width * rng.uniform(0.9, 1.08) * (0.93 if side > 0 else 1.0)
    t = np.linspace(0, 1, 40)
    apex = np.sqrt(1 - (1 - np.clip(t / 0.3, 0, 1)) ** 2)
    outer = width * (0.3 + 0.7 * apex * np.sin(np.pi * (0.16 + 0.56 * t)) ** 1.2) * 1.22 - width * 0.08 * (1 - apex)
    inner = width * 0.22 * (1 - apex) - 0.012 * np.sin(np.pi * t)
    if side > 0:  # the heart pushes the left lung away from the spine, on the right of the picture
        inner = inner + pose.heart * 0.5 * np.exp(-(((t - 0.78) / 0.2) ** 2))
    wobble = np.interp(t, np.linspace(0, 1, 7), rng.normal(0, 0.006, 7))
    outline_y = pose.top + height * t
    base = pose.centre_x + side * pose.gap
    outer_x = base + side * (outer + wobble)
    inner_x = base + side * inner
    floor_t = np.linspace(0, 1, 12)
    floor_x = outer_x[-1] + (inner_x[-1] - outer_x[-1]) * floor_t
    floor_y = outline_y[-1] - height * 0.1 * np.sin(np.pi * floor_t) - height * 0.05 * floor_t
    points = np.concatenate(
        [np.stack([outer_x, outline_y], 1), np.stack([floor_x, floor_y], 1), np.stack([inner_x, outline_y], 1)[-4::-1]]
    )
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.round(points * SIDE).astype(np.int32)], 1)
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 4.5)
    return (smooth > 0.5).astype(np.uint8)


def _body(rng: np.random.Generator, pose: Pose) -> np.ndarray:
    """The chest wall and shoulders: bright in the middle, black air outside."""
    x, y = _grid()
    half = pose.half_width * 2.3 + 0.1 + 0.1 * np.clip((0.35 - y) / 0.35, 0, 1) * rng.uniform(0.6, 1.4)
    inside = _falling((np.abs(x - pose.centre_x) - half) / 0.018)
    neck = _falling((np.abs(x - pose.centre_x) - 0.11 - 1.8 * np.clip(y - 0.02, 0, 1)) / 0.015)
    shade = 142 + 20 * y - 46 * (np.abs(x - pose.centre_x) / 0.5) ** 2
    return np.asarray(12 + inside * neck * shade * pose.contrast + pose.exposure * inside, np.float32)


def _stroke(points: np.ndarray, thickness: float, blur: float) -> np.ndarray:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    cv2.polylines(canvas, [np.round(points * SIDE).astype(np.int32)], False, 255, max(1, round(thickness * SIDE)))
    return cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), blur)


def _ribs(rng: np.random.Generator, pose: Pose) -> np.ndarray:
    picture = np.zeros((SIDE, SIDE), np.float32)
    t = np.linspace(0, 1, 30)
    step = pose.height / 8.2
    for number in range(-1, 10):
        start_y = pose.top + number * step + rng.normal(0, 0.004)
        for side in (-1, 1):
            span = pose.half_width * 1.75
            x = pose.centre_x + side * (0.02 + span * np.sin(t * np.pi / 2))
            y = start_y - 0.03 * np.sin(np.pi * t) + pose.height * 0.2 * t**1.7
            picture += rng.uniform(12, 21) * _stroke(np.stack([x, y], 1), 0.018, 2.0)
    return picture * pose.contrast


def _spine(rng: np.random.Generator, pose: Pose) -> np.ndarray:
    x, y = _grid()
    column = np.exp(-(((x - pose.centre_x) / 0.035) ** 2))
    discs = 1 + 0.25 * np.cos(2 * np.pi * y * rng.uniform(13, 16))
    return np.asarray(20 * column * discs, np.float32)


def _heart(rng: np.random.Generator, pose: Pose) -> np.ndarray:
    x, y = _grid()
    cx, cy = pose.centre_x + pose.heart * 0.42, pose.top + pose.height * 0.74
    distance = ((x - cx) / pose.heart) ** 2 + ((y - cy) / (pose.height * 0.27)) ** 2
    return np.asarray(rng.uniform(26, 38) * _falling((distance - 1) / 0.2), np.float32)


def _collar_bones(rng: np.random.Generator, pose: Pose) -> np.ndarray:
    picture = np.zeros((SIDE, SIDE), np.float32)
    t = np.linspace(0, 1, 20)
    for side in (-1, 1):
        x = pose.centre_x + side * (0.04 + 0.3 * t)
        y = pose.top + 0.06 - 0.07 * t + 0.02 * np.sin(2 * np.pi * t) + rng.normal(0, 0.005)
        picture += 26 * _stroke(np.stack([x, y], 1), 0.026, 2.2)
    return picture


def _vessels(rng: np.random.Generator, lungs: np.ndarray) -> np.ndarray:
    coarse = rng.normal(0, 1, (SIDE // 6, SIDE // 6)).astype(np.float32)
    texture = cv2.GaussianBlur(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), (0, 0), 2)
    return texture * 7 * cv2.GaussianBlur(lungs.astype(np.float32), (0, 0), 6)


def _opacity(rng: np.random.Generator, lungs: np.ndarray) -> np.ndarray:
    """A patch of disease: brighter, without an edge, and still lung."""
    rows, columns = np.nonzero(lungs)
    pick = int(rng.integers(len(rows)))
    x, y = _grid()
    cx, cy, r = columns[pick] / SIDE, rows[pick] / SIDE, rng.uniform(0.04, 0.09)
    return np.asarray(rng.uniform(18, 48) * np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / r**2)), np.float32)


def _tilted(picture: np.ndarray, lungs: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), degrees, 1.0)
    size = (SIDE, SIDE)
    turned = cv2.warpAffine(picture, turn, size, flags=cv2.INTER_LINEAR, borderValue=8)
    return turned, cv2.warpAffine(lungs, turn, size, flags=cv2.INTER_NEAREST, borderValue=0)


def _developed(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Film: gamma, grain, and sometimes a black border."""
    light = np.clip(picture, 0, 255) / 255
    picture = 255 * light ** rng.uniform(0.8, 1.2)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 0.7)
    picture = picture + grain * rng.uniform(4, 9)
    if rng.random() < 0.25:
        picture[: int(SIDE * rng.uniform(0.01, 0.05))] = 3
    return picture


def _marker(rng: np.random.Generator, picture: np.ndarray) -> None:
    place = (int(SIDE * rng.uniform(0.05, 0.12)), int(SIDE * rng.uniform(0.08, 0.16)))
    letter = "R" if rng.random() < 0.5 else "L"
    cv2.putText(picture, letter, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 235, 2, cv2.LINE_AA)
