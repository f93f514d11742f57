"""Who makes its neighbours suffer: share and growth, by a statistic that wild hours do not sway."""

import pytest

from apps.health import noise
from apps.health.noise import Load, Usual

STEADY = [100.0] * 48
USUAL = Usual(100.0, 10.0, 48)


class TestUsual:
    def test_a_short_past_is_none(self) -> None:
        assert noise.usual([100.0] * (noise.LEAST_HOURS - 1)) is None
        assert noise.usual([100.0] * noise.LEAST_HOURS) is not None

    def test_it_is_the_median_and_its_deviation(self) -> None:
        found = noise.usual([80.0, 90.0, 100.0, 110.0, 120.0] * 3)
        assert found is not None
        assert (found.per_minute, found.hours) == (100.0, 15)
        assert found.deviation == pytest.approx(10 * noise.NORMAL)

    def test_wild_hours_do_not_sway_it(self) -> None:
        assert noise.usual([*STEADY, *[9_000.0] * 10]) == Usual(100.0, 10.0, 58)

    def test_a_past_that_never_changed_still_varies_a_little(self) -> None:
        assert noise.usual(STEADY) == USUAL
        assert noise.usual([0.0] * 24) == Usual(0.0, noise.LEAST_PER_MINUTE, 24)


class TestNoisy:
    @pytest.mark.parametrize(
        ("load", "expected"),
        [
            (Load(620, 1_000, 10), True),
            (Load(300, 1_000, 10), True),
            (Load(299, 1_000, 10), False),  # less than a third times its past, and less a share
            (Load(290, 600, 10), False),  # not three times its past
            (Load(400, 1_400, 10), False),  # a share that nobody feels
            (Load(400, 410, 2), False),  # no neighbours to speak of
            (Load(50, 59, 10), False),  # nothing much at all
        ],
    )
    def test_it_takes_share_growth_load_and_neighbours(self, load: Load, expected: bool) -> None:
        assert noise.is_noisy(load, USUAL, was_noisy=False) is expected

    def test_a_large_customer_that_is_always_large_is_not_noisy(self) -> None:
        past = Usual(900.0, 90.0, 100)
        assert not noise.is_noisy(Load(950, 1_000, 10), past, was_noisy=False)

    def test_one_that_is_always_wild_is_not_noisy_when_it_is(self) -> None:
        past = noise.usual([10.0, 400.0] * 24)
        assert past is not None
        assert not noise.is_noisy(Load(700, 1_000, 10), past, was_noisy=False)

    def test_what_began_lasts_until_it_is_clearly_over(self) -> None:
        """Around the bounds nobody is told again and again."""
        for load, is_still in ((250, True), (160, True), (149, False)):
            assert noise.is_noisy(Load(load, 800, 9), USUAL, was_noisy=True) is is_still
            assert not noise.is_noisy(Load(load, 800, 9), USUAL, was_noisy=False)

    def test_nobody_makes_no_load(self) -> None:
        assert Load(0, 0, 0).share == 0
        assert not noise.is_noisy(Load(0, 0, 0), USUAL, was_noisy=True)


class TestWords:
    def test_share_load_and_past(self) -> None:
        said = noise.words("Acme Corp", Load(1_240, 2_000, 38), USUAL)
        assert said == (
            "Acme Corp makes 62% of the load of its database: 1,240 of 2,000 events a minute,"
            " with 38 tenants active. That is 12.4 times its usual 100 (median of 48 hours)."
        )

    def test_a_past_of_nothing(self) -> None:
        said = noise.words("Acme Corp", Load(620, 1_000, 3), Usual(0.0, 1.0, 24))
        assert said.endswith("Usually it sends next to nothing (median of 24 hours).")

    def test_quiet_again(self) -> None:
        assert noise.words_of_quiet("Acme Corp").startswith("Acme Corp makes no unusual part")
