"""Places on the globe, and circles around them.

The globe is a sphere of the mean radius (IUGG), which is off by at most 0.6 % of a distance: good
enough for "streams near me", and one formula.

For the index, the globe is divided into cells of ten degrees.  A circle says which cells it may
touch; a place lies in exactly one.
"""

from collections.abc import Iterator
from math import asin, cos, degrees, floor, pi, radians, sin, sqrt

import attrs

EARTH_KM = 6371.0088
FARTHEST_KM = pi * EARTH_KM
CELL_DEGREES = 10
_CELLS_AROUND = 360 // CELL_DEGREES

Cell = tuple[int, int]


@attrs.frozen
class Place:
    """Degrees north and east."""

    lat: float
    lon: float

    @property
    def cell(self) -> Cell:
        return _cell(self.lat, self.lon)


@attrs.frozen
class Area:
    """Everything within `km` of a place."""

    center: Place
    km: float

    def __contains__(self, place: Place) -> bool:
        return distance_km(self.center, place) <= self.km

    def cells(self) -> Iterator[Cell]:
        """Every cell in which a place of this area can lie, and perhaps a few more."""
        # A little more than the circle: what rounding takes must not fall out of the index.
        angle = self.km / EARTH_KM + 1e-6
        lat, lon = self.center.lat, self.center.lon
        south, north = lat - degrees(angle), lat + degrees(angle)
        rows = range(_cell(max(south, -90), 0)[0], _cell(min(north, 90), 0)[0] + 1)
        for row in rows:
            for column in _columns(lat, lon, angle):
                yield row, column


def distance_km(one: Place, other: Place) -> float:
    """Along the great circle, by the haversine formula: exact also where places are close."""
    south, north = radians(one.lat), radians(other.lat)
    half_lat = sin((north - south) / 2)
    half_lon = sin(radians(other.lon - one.lon) / 2)
    square = half_lat**2 + cos(south) * cos(north) * half_lon**2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(square)))


def _columns(lat: float, lon: float, angle: float) -> Iterator[int]:
    """The columns that a circle of this angle (in radians) can reach."""
    if radians(90 - abs(lat)) <= angle:
        # It holds a pole, and with it every meridian.
        yield from range(_CELLS_AROUND)
        return
    reach = degrees(asin(min(1.0, sin(angle) / cos(radians(lat)))))
    first, last = floor((lon - reach) / CELL_DEGREES), floor((lon + reach) / CELL_DEGREES)
    for column in range(first, min(last, first + _CELLS_AROUND - 1) + 1):
        yield column % _CELLS_AROUND


def _cell(lat: float, lon: float) -> Cell:
    return floor(lat / CELL_DEGREES), floor(lon / CELL_DEGREES) % _CELLS_AROUND
