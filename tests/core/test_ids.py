"""Identifiers: unique, in order of time, made here (E5)."""

import os
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from tenlyr.core import clock, ids

EARLIEST, LATEST = datetime(2000, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
MOMENTS = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC))


def test_it_is_a_version_7_uuid_of_the_moment() -> None:
    with time_machine.travel("2026-11-21T04:05:06.789Z", tick=False):
        made = ids.uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == 1_795_233_906_789


def test_no_two_are_alike_even_in_one_millisecond() -> None:
    with time_machine.travel("2026-11-21T04:05:06Z", tick=False):
        assert len({ids.uuid7() for _ in range(10_000)}) == 10_000


def test_all_other_bits_are_random() -> None:
    with time_machine.travel("2026-11-21T04:05:06Z", tick=False):
        made = [ids.uuid7_int() for _ in range(400)]
    fixed = {*range(80, 128), 79, 78, 77, 76, 63, 62}
    for bit in set(range(128)) - fixed:
        ones = sum(number >> bit & 1 for number in made)
        assert 100 < ones < 300, bit


@settings(max_examples=50)
@given(MOMENTS, st.integers(1, 10**9))
def test_later_sorts_later(moment: datetime, more_ms: int) -> None:
    with time_machine.travel(moment, tick=False) as traveller:
        earlier, earlier_event = ids.uuid7(), ids.event_id()
        traveller.shift(timedelta(milliseconds=more_ms))
        later, later_event = ids.uuid7(), ids.event_id()
    assert earlier < later
    assert str(earlier) < str(later)
    assert earlier_event < later_event


@settings(max_examples=50)
@given(MOMENTS, st.integers(1, 10**9))
def test_a_moment_parts_the_ids_of_events(moment: datetime, more_ms: int) -> None:
    with time_machine.travel(moment.replace(microsecond=0), tick=False) as traveller:
        bound = ids.event_ids_from(clock.now())
        after = ids.event_id()
        traveller.shift(timedelta(milliseconds=-more_ms))
        before = ids.event_id()
    assert before < bound < after
    assert len(bound) == len(after)


def test_an_event_id_is_26_letters_of_crockford() -> None:
    made = ids.event_id()
    assert re.fullmatch(r"evt_[0-7][0-9A-HJKMNP-TV-Z]{25}", made)


def test_an_event_id_holds_the_whole_uuid() -> None:
    number = 0
    for letter in ids.event_id().removeprefix("evt_"):
        number = number << 5 | ids.CROCKFORD.index(letter)
    assert UUID(int=number).version == 7


def test_request_ids_differ_also_after_a_fork() -> None:
    mine = {ids.request_id() for _ in range(100)}
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, ids.request_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert len({*mine, os.read(read, 100).decode(), ids.request_id()}) == 102
