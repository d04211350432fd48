"""Which pixels of a sweep show tissue, found from its frames, and frames of these pixels alone.

Pixels that are black in every frame, or unchanged in all of them while the rest changes, look to
any tracker as if the probe stood still.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from benchmark.frames import MappedFrames
from benchmark.sweep import Images

BLACK = 8  # of 255: what lossy compression leaves of black
LEAST_BLACK = 0.005  # of the image: a smaller black piece is tissue
STILL = 0.15  # of the change of the liveliest pixels: less is no tissue that moves
LIVELY = 90  # percentile of the pixels' changes that stands for tissue
LEAST_CHANGE = 30  # grey levels of these; below it the probe stands, and still pixels tell nothing
SMOOTH_PX = 5  # over which the change of a pixel is averaged
LEAST_LIT = 0.3  # of the pixels over which it is averaged
UNCHANGED = 1  # grey levels between all frames, of a mark on the screen
LEAST_PX = 4  # of a still piece
MOST_FRAMES = 256  # that are read, evenly spread
FRINGE_MM = 0.7  # a few speckles down
LEAST_TISSUE = 0.05  # of the image: with less of it nothing is left out

Some = TypeVar("Some", bound=Images)


@dataclass(frozen=True)
class Regions:
    """What the pixels (H, W) bool of a sweep show.

    black: in every frame, in pieces that reach the image's edge or the field of view's; still:
    unchanged in all frames while others change; tissue: the rest of the field of view.
    """

    tissue: np.ndarray
    black: np.ndarray
    still: np.ndarray

    @property
    def mask(self) -> np.ndarray | None:
        """The tissue as the mask of images: None where every pixel shows it."""
        return None if self.tissue.all() else self.tissue

    def __str__(self) -> str:
        used, black, still = (100 * x.mean() for x in (self.tissue, self.black, self.still))
        return (
            f"{used:.0f} % of the image is used; {black:.0f} % is black in every frame, "
            f"{still:.0f} % unchanged while the rest moves"
        )


def find_regions(images: Images) -> Regions:
    """Return what the pixels of images show, within their mask where they have one.

    At most `MOST_FRAMES` frames are read, one at a time. Of a single frame, and of one that is
    black or still nearly everywhere, nothing is told: all of it counts as tissue.
    """
    shape, count = images.frames.shape[1:], len(images.frames)
    unknown = all_tissue(images)
    inside = unknown.tissue
    if count < 2 or images.frames.dtype != np.uint8:
        return unknown
    darkest, brightest = np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8)
    for index in np.unique(np.linspace(0, count - 1, MOST_FRAMES).astype(int)):
        frame = images.frames[int(index)]
        np.minimum(darkest, frame, out=darkest)
        np.maximum(brightest, frame, out=brightest)
    black = _reaching_edge(brightest <= BLACK, inside)
    still = _still(brightest - darkest, inside & (brightest > BLACK)) & inside & ~black
    tissue = inside & ~black & ~still
    return Regions(tissue, black, still) if tissue.mean() > LEAST_TISSUE else unknown


def all_tissue(images: Images) -> Regions:
    """Return the regions of images all of whose field of view is taken to show tissue."""
    shape = images.frames.shape[1:]
    inside = np.ones(shape, bool) if images.mask is None else images.mask
    nothing = np.zeros(shape, bool)
    return Regions(inside, nothing, nothing)


def found_mask(images: Images) -> np.ndarray | None:
    """Return the mask (H, W) of the tissue that images show, None where every pixel shows it."""
    return find_regions(images).mask


def of_tissue(images: Some) -> Some:
    """Return images with the mask that `found_mask` finds within theirs."""
    return replace(images, mask=found_mask(images))


def _reaching_edge(dark: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the dark pieces (H, W) that touch the edge of `inside`: others are dark tissue."""
    from scipy.ndimage import binary_dilation, binary_opening, label

    padded = np.pad(dark | ~inside, 2, mode="edge")
    solid = binary_opening(padded, np.ones((3, 3)))[2:-2, 2:-2] & inside
    pieces, count = label(solid)
    edge = binary_dilation(np.pad(~inside, 1, constant_values=True))[1:-1, 1:-1]
    area = np.bincount(pieces.ravel(), minlength=count + 1)
    kept = np.isin(np.arange(count + 1), pieces[edge]) & (area >= LEAST_BLACK * dark.size)
    kept[0] = False
    return kept[pieces]


def _still(change: np.ndarray, lit: np.ndarray) -> np.ndarray:
    """Return the pixels (H, W) that stay while others change.

    change (H, W): grey levels between the darkest and the brightest frame; lit (H, W) bool: pixels
    that are not black in every frame.
    """
    from scipy.ndimage import binary_dilation, label, uniform_filter

    if not lit.any() or (lively := np.percentile(change[lit], LIVELY)) < LEAST_CHANGE:
        return np.zeros(lit.shape, bool)
    share = uniform_filter(lit.astype(float), SMOOTH_PX)
    mean = uniform_filter(np.where(lit, change, 0.0), SMOOTH_PX) / np.maximum(share, LEAST_LIT)
    resting = (mean < STILL * lively) & (share > LEAST_LIT)
    around = binary_dilation(resting, np.ones((SMOOTH_PX, SMOOTH_PX)))
    still = (around & (change < STILL * lively)) | (lit & (change <= UNCHANGED))
    pieces, _ = label(still, np.ones((3, 3)))
    large = np.bincount(pieces.ravel()) >= LEAST_PX
    return still & large[pieces]


def tissue_alone(images: Some, least_mm: Sequence[float] | None = None) -> Some:
    """Return images with tissue in place of what is beside their mask, which stays with them.

    A pixel outside the mask shows the tissue of its own row further along: speckle of the same
    depth, which moves and decorrelates as the rest does. Rows without tissue show the outermost
    ones that have some, mirrored to and fro over `FRINGE_MM`, since speckle depends on depth.

    least_mm (2,): width and height to which the images are cut around the mask where they are
    larger; None cuts nothing. Images without a mask are returned as they are.
    """
    if images.mask is None:
        return images
    height, width = images.mask.shape
    box = slice(0, height), slice(0, width)
    if least_mm is not None:
        across, down = np.ceil(np.asarray(least_mm) / images.pixel_mm - 1e-6).astype(int)
        seen = np.asarray(images.mask.any(1)), np.asarray(images.mask.any(0))
        box = _window(seen[0], down), _window(seen[1], across)
    mask = images.mask[box]
    row, column = _sources(mask, max(1, round(FRINGE_MM / images.pixel_mm[1])))
    source_from_pixel = np.eye(4)
    source_from_pixel[:2, 3] = box[1].start, box[0].start
    frames: Any = MappedFrames(images.frames, None, lambda frame: frame[box][row, column])
    matrix = images.mm_from_pixel @ source_from_pixel
    return replace(images, frames=frames, mm_from_pixel=matrix, mask=None if mask.all() else mask)


def _window(used: np.ndarray, least: int) -> slice:
    """Return the stretch of an axis (n,) bool that is used, made as long as `least` if it can be.

    It grows alike to both sides, and on one where the axis ends at the other.
    """
    places = np.flatnonzero(used)
    size = min(len(used), max(least, places[-1] + 1 - places[0]))
    first = (places[0] + places[-1] + 1 - size) // 2
    first = int(np.clip(first, 0, len(used) - size))
    return slice(first, first + int(size))


def _sources(mask: np.ndarray, fringe: int) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column (H, W) of the pixel that each pixel shows; those in the mask their own.

    A gap in a row shows the stretch of its own length next to it, on the side with more tissue,
    repeated where that is shorter. A row without tissue shows one of the nearest `fringe` rows.
    """
    height, width = mask.shape
    column = np.tile(np.arange(width), (height, 1))
    for line, source in zip(mask, column, strict=True):
        if line.any() and not line.all():
            _fill_gaps(line, source)
    filled = np.flatnonzero(mask.any(1))
    shown = np.array([_row(number, filled, fringe) for number in range(height)])
    return np.repeat(shown[:, None], width, 1), column[shown]


def _row(number: int, filled: np.ndarray, fringe: int) -> int:
    """Return the row that a row shows: itself, or beyond the nearest tissue its mirror image."""
    place = int(np.abs(filled - number).argmin())
    beyond = abs(int(filled[place]) - number)
    if not beyond:
        return number
    turn = (beyond - 1) % (2 * fringe)
    depth = min(turn, 2 * fringe - 1 - turn)
    inward = place - depth if filled[place] < number else place + depth
    return int(filled[np.clip(inward, 0, len(filled) - 1)])


def _fill_gaps(line: np.ndarray, source: np.ndarray) -> None:
    """Set the columns `source` (W,) that the gaps of a line's mask (W,) show."""
    edges = np.flatnonzero(np.diff(np.pad(line.astype(int), 1)))
    starts, stops = edges[::2], edges[1::2]
    gaps = zip([0, *stops], [*starts, len(line)], strict=True)
    for number, (first, last) in enumerate(gaps):
        beside = [n for n in (number - 1, number) if 0 <= n < len(starts)]
        longest = max(beside, key=lambda n: stops[n] - starts[n])
        begin, end = starts[longest], stops[longest]
        period = max(1, min(end - begin, last - first))
        begin = end - period if longest < number else begin
        source[first:last] = begin + np.arange(last - first) % period
