"""Circles on the globe."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.views.area import FARTHEST_KM, Area, Place, distance_km

PLACES = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (Place(59.9386, 30.3141), Place(55.7558, 37.6173), 634),  # Saint Petersburg, Moscow
        (Place(37.7749, -122.4194), Place(35.6762, 139.6503), 8280),  # across the date line
        (Place(90, 0), Place(-90, 77), FARTHEST_KM),
        (Place(0, 179.9), Place(0, -179.9), 22.2),
        (Place(10, 10), Place(10, 10), 0),
    ],
)
def test_distances_are_those_on_a_globe(one: Place, other: Place, km: float) -> None:
    assert distance_km(one, other) == pytest.approx(km, rel=0.005, abs=0.001)
    assert distance_km(other, one) == pytest.approx(distance_km(one, other))


@given(center=PLACES, place=PLACES, km=st.floats(0.1, 20_016))
@example(center=Place(89, 0), place=Place(89.9, 180), km=130)
@example(center=Place(0, 179.99), place=Place(0, -179.99), km=3)
@example(center=Place(0, -180), place=Place(0, 180), km=0.1)
@example(center=Place(90, 0), place=Place(90, 123), km=0.1)
@example(center=Place(-90, 0), place=Place(-90, 0), km=0.1)
def test_a_place_in_an_area_lies_in_one_of_its_cells(
    center: Place, place: Place, km: float
) -> None:
    area = Area(center, km)
    if place in area:
        assert place.cell in set(area.cells())


def test_a_small_area_asks_few_cells() -> None:
    assert len(set(Area(Place(59.9, 30.3), 50).cells())) <= 4
    assert len(set(Area(Place(5, 5), 20).cells())) == 1
