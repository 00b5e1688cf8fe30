"""Photos of ore on a conveyor through a lens that is sometimes dirty: smears, drops and dust, and a time stamp."""

import cv2
import numpy as np

from segstudio.synthetic import KINDS, Kind

WIDTH, HEIGHT = 480, 360


@KINDS.register
class DirtyLens(Kind):
    """RGB pictures 480x360; the foreground is dirt on the lens. A third are clean, few are dirty all over."""

    name = "dirty-lens"
    title = "Dirty lens (generated)"
    colour = (250, 50, 83)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One photo uint8 (360, 480, 3) and the mask of the dirt."""
        scene = _conveyor(rng)
        chance = rng.random()
        if chance < 0.3:
            opacity = np.zeros((HEIGHT, WIDTH), np.float32)
        elif chance < 0.36:
            opacity = np.full((HEIGHT, WIDTH), rng.uniform(0.5, 0.8), np.float32)
            opacity += 0.1 * _cloud(rng, 60)
        else:
            opacity = _dirt(rng)
        mask = (opacity > 0.22).astype(np.uint8)
        photo = _through(rng, scene, opacity)
        photo = photo + rng.normal(0, rng.uniform(2, 5), photo.shape)
        picture = np.clip(photo, 0, 255).astype(np.uint8)
        _stamp(rng, picture)
        return picture, mask


def _cloud(rng: np.random.Generator, grain: int) -> np.ndarray:
    """Smooth noise of about -1 to 1 with features of `grain` pixels, float32 (H, W)."""
    coarse = rng.normal(0, 1, (HEIGHT // grain + 3, WIDTH // grain + 3)).astype(np.float32)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _conveyor(rng: np.random.Generator) -> np.ndarray:
    """Lumps of ore on a belt under a lamp, float32 (H, W, 3)."""
    light = np.zeros((HEIGHT, WIDTH), np.float32)
    base = rng.uniform(95, 140)
    light[:] = base * 0.55
    for _ in range(int(rng.integers(170, 320))):
        _lump(rng, light, base)
    light += 5 * _cloud(rng, 3) + 8 * _cloud(rng, 14)
    edge = rng.uniform(0.06, 0.16)
    x = np.linspace(0, 1, WIDTH, dtype=np.float32)
    belt = 1 / (1 + np.exp(-(x - edge) / 0.01)) / (1 + np.exp(-(1 - edge - x) / 0.01))
    light = light * belt + rng.uniform(25, 45) * (1 - belt)
    y, xx = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    lx, ly = rng.uniform(0.3, 0.7) * WIDTH, rng.uniform(0.2, 0.6) * HEIGHT
    lamp = np.exp(-(((xx - lx) / (0.7 * WIDTH)) ** 2 + ((y - ly) / (0.8 * HEIGHT)) ** 2))
    light *= 0.6 + 0.8 * lamp
    tint = np.array([1.0, rng.uniform(0.9, 1.0), rng.uniform(0.78, 0.98)], np.float32)
    return np.asarray(light[..., None] * tint, np.float32)


def _lump(rng: np.random.Generator, light: np.ndarray, base: float) -> None:
    """One stone: an irregular polygon, lit from above."""
    cx, cy = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
    radius = rng.gamma(4.0, 3.2)
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(6, 10))))
    lengths = radius * rng.uniform(0.7, 1.2, len(angles))
    points = np.stack([cx + lengths * np.cos(angles), cy + lengths * np.sin(angles)], 1)
    shade = base * rng.uniform(0.75, 1.35)
    shadow = np.round(points + np.array([1.5, 2.5])).astype(np.int32)
    cv2.fillPoly(light, [shadow], base * 0.35)
    cv2.fillPoly(light, [np.round(points).astype(np.int32)], shade)
    top = np.round((points - [cx, cy]) * 0.6 + [cx - radius * 0.12, cy - radius * 0.2]).astype(np.int32)
    cv2.fillPoly(light, [top], min(255.0, shade * 1.16))


def _dirt(rng: np.random.Generator) -> np.ndarray:
    """How much dirt covers each pixel, float32 (H, W) of 0 to 1: some blots, smears and drops, out of focus."""
    opacity = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        blot = np.zeros((HEIGHT, WIDTH), np.uint8)
        centre = (int(rng.uniform(0, WIDTH)), int(rng.uniform(0, HEIGHT)))
        axes = (int(rng.uniform(22, 95)), int(rng.uniform(18, 70)))
        cv2.ellipse(blot, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
        soft = cv2.GaussianBlur(blot.astype(np.float32) / 255, (0, 0), float(rng.uniform(5, 12)))
        ragged = soft + 0.22 * _cloud(rng, 22) * (soft > 0.05)
        opacity = np.maximum(opacity, rng.uniform(0.45, 0.95) * np.clip((ragged - 0.25) * 2, 0, 1))
    if rng.random() < 0.4:
        opacity = np.maximum(opacity, _smear(rng))
    return cv2.GaussianBlur(opacity, (0, 0), 3.0)


def _smear(rng: np.random.Generator) -> np.ndarray:
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    t = np.linspace(0, 1, 30)
    x = WIDTH * (rng.uniform(0, 0.3) + rng.uniform(0.4, 0.7) * t)
    y = HEIGHT * (rng.uniform(0.1, 0.9) + rng.normal(0, 0.15) * t + 0.06 * np.sin(5 * t))
    points = np.round(np.stack([x, y], 1)).astype(np.int32)
    cv2.polylines(canvas, [points], False, 255, int(rng.integers(18, 44)))
    return rng.uniform(0.4, 0.7) * cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), 6)


def _through(rng: np.random.Generator, scene: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """The scene as seen through the dirt: blurred where it lies, and tinted by it."""
    blurred = cv2.GaussianBlur(scene, (0, 0), 9)
    grey = rng.uniform(45, 150)
    colour = np.array([grey, grey * rng.uniform(0.86, 1.0), grey * rng.uniform(0.65, 0.95)], np.float32)
    texture = (6 * _cloud(rng, 9) + 10 * _cloud(rng, 40))[..., None]
    cover = np.clip(opacity, 0, 1)[..., None]
    soft = np.clip(cover * 2.5, 0, 1)
    seen = (scene * (1 - soft) + blurred * soft) * (1 - cover * 0.8)
    return np.asarray(seen + (colour + texture) * cover * 0.8, np.float32)


def _stamp(rng: np.random.Generator, picture: np.ndarray) -> None:
    moment = [int(rng.integers(low, high)) for low, high in ((1, 29), (1, 13), (0, 24), (0, 60), (0, 60))]
    text = "{:02}-{:02}-2026 {:02}:{:02}:{:02}".format(*moment)
    cv2.putText(picture, text, (11, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(picture, text, (10, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (240, 240, 240), 1, cv2.LINE_AA)
