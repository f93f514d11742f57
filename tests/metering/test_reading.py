"""What an event may look like, and what is said when it does not (R13, X3, X3b, X23, X62)."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.metering import reading
from apps.metering.events import Event
from tenlyr.core import errors, strict_json
from tenlyr.core.api.serializers import is_plain
from tenlyr.core.metrics import Metric

TENANT = UUID("00000000-0000-7000-8000-000000000001")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
UUID_GIVEN = "0190A1B2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"


def read(body: bytes | dict[str, Any], key: str | None = None) -> Event:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return reading.one(raw, tenant_id=TENANT, key=key, now_ms=NOW_MS)


def call(**fields: Any) -> dict[str, Any]:
    return {"metric": "api_call", "value": 1, **fields}


def refused(body: bytes | dict[str, Any]) -> list[tuple[str, str]]:
    """Field and code of each error."""
    with pytest.raises(errors.InvalidRequest) as caught:
        read(body)
    return [(one["field"], one["code"]) for one in caught.value.details["errors"]]


def value(metric: str, literal: str, mode: str = "") -> Event:
    more = f',"mode":"{mode}"' if mode else ""
    return read(f'{{"metric":"{metric}","value":{literal}{more}}}'.encode())


class TestEvent:
    def test_the_least(self) -> None:
        event = read(call())
        assert (event.metric, event.units, event.ts_ms) == ("api_call", 1, NOW_MS)
        assert (event.endpoint, event.mode, event.status_code) == (None, None, None)
        assert (event.success, event.latency_ms, event.billable) == (None, None, True)
        assert UUID(bytes=event.id).version == 7
        assert not event.has_given_id

    def test_everything(self) -> None:
        event = read(
            {
                "metric": "seats",
                "value": 3,
                "endpoint": '/v1/"quoted"/ü',
                "statusCode": 404,
                "success": False,
                "latencyMs": 12.5,
                "timestamp": "2026-11-20T13:00:00.123456+01:00",
                "id": UUID_GIVEN,
                "mode": "decrement",
            }
        )
        assert event == Event(
            UUID(UUID_GIVEN).bytes,
            True,
            round(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000) + 123,
            "seats",
            3,
            "decrement",
            '/v1/"quoted"/ü',
            404,
            False,
            12.5,
            True,
        )

    def test_null_means_absent(self) -> None:
        names = ("endpoint", "statusCode", "success", "latencyMs", "timestamp", "id", "mode")
        event = read(call(**dict.fromkeys(names)))
        assert (event.endpoint, event.ts_ms, event.has_given_id) == (None, NOW_MS, False)

    @pytest.mark.parametrize(("status", "billable"), [(200, True), (499, True), (500, False)])
    def test_server_errors_are_not_billable(self, status: int, billable: bool) -> None:
        assert read(call(statusCode=status)).billable is billable


class TestValue:
    @pytest.mark.parametrize(
        ("metric", "literal", "units"),
        [
            ("api_call", "1", 1),
            ("api_call", "1000000000000", 10**12),
            ("api_call", "1.0", 1),
            ("api_call", "1e3", 1000),
            ("storage_gb", "2.4", 2_400_000),
            ("storage_gb", "0.000001", 1),
            ("storage_gb", "1000000000000", 10**18),
            ("storage_gb", "0.1234560", 123_456),
        ],
    )
    def test_is_counted_exactly(self, metric: str, literal: str, units: int) -> None:
        assert value(metric, literal).units == units

    @pytest.mark.parametrize("literal", ["0", "0.0", "-0"])
    def test_may_be_zero_to_empty_a_gauge(self, literal: str) -> None:
        assert value("seats", literal, "set").units == 0

    @pytest.mark.parametrize(
        ("metric", "literal"),
        [
            ("api_call", "0"),
            ("api_call", "-1"),
            ("api_call", "1.5"),
            ("api_call", "1000000000001"),
            ("compute", "0.999999999999999999999999999999999999999999"),
            ("seats", "1e-400"),
            ("storage_gb", "0"),
            ("storage_gb", "-0.5"),
            ("storage_gb", "0.0000001"),
            ("storage_gb", "0.1000000000000000000000000000000000000000000000000000000000000001"),
            ("storage_gb", "1e999999"),
            ("storage_gb", "1e99999999999999999999"),
            ("storage_gb", "1000000000000.000001"),
            ("api_call", '"1"'),
            ("api_call", "true"),
            ("api_call", "null"),
            ("api_call", "[1]"),
            ("api_call", '{"a":1}'),
        ],
    )
    def test_that_is_not_one_is_named(self, metric: str, literal: str) -> None:
        with pytest.raises(errors.InvalidRequest) as caught:
            value(metric, literal)
        assert [one["field"] for one in caught.value.details["errors"]] == ["value"]

    @given(st.integers(1, 10**18))
    def test_storage_keeps_all_six_decimals(self, units: int) -> None:
        whole, rest = divmod(units, 10**6)
        assert value("storage_gb", f"{whole}.{rest:06d}").units == units


class TestMode:
    @pytest.mark.parametrize("metric", ["storage_gb", "seats"])
    @pytest.mark.parametrize("mode", ["increment", "set", "decrement"])
    def test_of_a_gauge(self, metric: str, mode: str) -> None:
        assert value(metric, "2", mode).mode == mode

    @pytest.mark.parametrize("metric", ["api_call", "compute"])
    @pytest.mark.parametrize("mode", ["set", "decrement"])
    def test_of_a_count_can_only_be_increment(self, metric: str, mode: str) -> None:
        assert refused({"metric": metric, "value": 1, "mode": mode}) == [("mode", "invalid")]
        assert value(metric, "1", "increment").mode == "increment"


class TestTimestamp:
    def at(self, moment: datetime) -> Event:
        return read(call(timestamp=moment.isoformat()))

    def test_window_is_35_days_back_and_5_minutes_ahead(self) -> None:
        oldest, newest = NOW - timedelta(days=35), NOW + timedelta(minutes=5)
        assert self.at(oldest).ts_ms == round(oldest.timestamp() * 1000)
        assert self.at(newest).ts_ms == round(newest.timestamp() * 1000)

    @pytest.mark.parametrize(
        "moment",
        [
            NOW - timedelta(days=35, milliseconds=1),
            NOW + timedelta(minutes=5, milliseconds=1),
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, tzinfo=UTC),
        ],
    )
    def test_outside_of_it_is_refused(self, moment: datetime) -> None:
        assert refused(call(timestamp=moment.isoformat())) == [("timestamp", "out_of_range")]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "now",
            "2026-11-21",
            "2026-11-21T12:00:00",
            "2026-11-21T25:00:00Z",
            1795262400,
            "2026",
        ],
    )
    def test_must_be_rfc_3339_with_its_zone(self, text: Any) -> None:
        assert refused(call(timestamp=text)) == [("timestamp", "invalid")]


class TestIdentity:
    def test_a_uuid_is_kept_whatever_its_case(self) -> None:
        assert read(call(id=UUID_GIVEN)).id == read(call(id=UUID_GIVEN.lower())).id

    @pytest.mark.parametrize(
        "text", ["order 17", "x" * 255, UUID_GIVEN.replace("-", ""), "ü", "\0"]
    )
    def test_anything_else_becomes_a_uuid5_of_tenant_and_text(self, text: str) -> None:
        assert UUID(bytes=read(call(id=text)).id) == uuid5(TENANT, text)

    def test_almost_a_uuid_is_text(self) -> None:
        for text in (UUID_GIVEN[:-1] + "g", UUID_GIVEN[:-2] + " 1", " " + UUID_GIVEN[1:]):
            assert UUID(bytes=read(call(id=text)).id) == uuid5(TENANT, text)

    def test_the_idempotency_key_is_the_id_by_default(self) -> None:
        assert read(call(), key="k").id == uuid5(TENANT, "k").bytes
        assert read(call(), key=UUID_GIVEN).id == UUID(UUID_GIVEN).bytes
        assert read(call(id="mine"), key="k").id == uuid5(TENANT, "mine").bytes

    def test_ids_of_ours_are_never_alike(self) -> None:
        assert len({read(call()).id for _ in range(1000)}) == 1000


class TestRefused:
    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"metric": "bandwidth"}, [("metric", "invalid")]),
            ({"metric": 3}, [("metric", "invalid")]),
            ({"metric": ["api_call"]}, [("metric", "invalid")]),
            ({"endpoint": "x" * 256}, [("endpoint", "invalid")]),
            ({"endpoint": 7}, [("endpoint", "invalid")]),
            ({"endpoint": "a\0b"}, [("endpoint", "not_plain")]),
            ({"endpoint": "a\u202eb"}, [("endpoint", "not_plain")]),
            ({"statusCode": 99}, [("statusCode", "invalid")]),
            ({"statusCode": 600}, [("statusCode", "invalid")]),
            ({"statusCode": "200"}, [("statusCode", "invalid")]),
            ({"statusCode": True}, [("statusCode", "invalid")]),
            ({"success": 1}, [("success", "invalid")]),
            ({"latencyMs": -1}, [("latencyMs", "invalid")]),
            ({"latencyMs": 3_600_001}, [("latencyMs", "invalid")]),
            ({"latencyMs": "5"}, [("latencyMs", "invalid")]),
            ({"latencyMs": True}, [("latencyMs", "invalid")]),
            ({"id": ""}, [("id", "invalid")]),
            ({"id": "x" * 256}, [("id", "invalid")]),
            ({"id": 5}, [("id", "invalid")]),
            ({"mode": "reset"}, [("mode", "invalid")]),
            ({"mode": {}}, [("mode", "invalid")]),
            ({"tenantId": str(TENANT)}, [("tenantId", "unknown_field")]),
            ({"status_code": 200}, [("status_code", "unknown_field")]),
        ],
    )
    def test_wrong_field_is_named(self, fields: Any, wrong: list[tuple[str, str]]) -> None:
        assert refused(call(**fields)) == wrong

    def test_all_wrong_fields_are_named_at_once(self) -> None:
        assert refused({"metric": 1, "statusCode": "x", "more": 1}) == [
            ("more", "unknown_field"),
            ("value", "required"),
            ("metric", "invalid"),
            ("statusCode", "invalid"),
        ]

    @pytest.mark.parametrize("body", [b"[]", b"3", b'"x"', b"null", b"[[]]"])
    def test_what_is_no_object(self, body: bytes) -> None:
        assert refused(body) == [("", "not_an_object")]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b'{"metric":"api_call","value":1} x',
            b'\xef\xbb\xbf{"metric":"api_call","value":1}',
            b'{"metric":"api_call","value":NaN}',
            b'{"metric":"api_call","value":01}',
            b'{"metric":"api_call","value":1,"value":2}',
            b'{"metric":"api_call","value":1,"v\\u0061lue":2}',
            b'{"metric":"api_call","value":1,"endpoint":"a","endpoint":null}',
            b'{"metric":"api_call","value":1,"endpoint":"\\ud800"}',
            b'{"metric":"api_call","value":1,"endpoint":"\xff"}',
            b'{"metric":"api_call","value":' + b"[" * 100_000,
            b'{"metric":"api_call","value":{"a":1,"a":2}}',
        ],
    )
    def test_what_is_no_strict_json(self, body: bytes) -> None:
        with pytest.raises(errors.MalformedBody):
            read(body)


NAMES = ["metric", "value", "endpoint", "statusCode", "success", "latencyMs", "timestamp", "id"]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 700),
    st.floats(-1, 4e6, allow_nan=False),
    st.sampled_from([*Metric, "set", "2026-11-21T11:00:00Z", "", "x" * 256, "/path", 'qu"ote']),
    st.lists(st.none(), max_size=1),
)


@given(st.dictionaries(st.sampled_from([*NAMES, "mode", "other"]), VALUES, max_size=9))
def test_both_readers_agree(data: dict[str, Any]) -> None:
    """What the fast reader refuses, the strict one explains; with what it takes, that agrees."""
    data = {"metric": "seats", "value": 1, **data}
    wrong = reading._wrong(strict_json.loads(json.dumps(data).encode()))
    try:
        read(data)
    except errors.InvalidRequest as refusal:
        said = refusal.details["errors"]
        # One error alone: what the fields mean together.
        assert wrong == said or len(said) == 1
        assert all(one["message"] and one["code"] for one in said)
    else:
        assert wrong == []


@given(st.text(max_size=40))
def test_plain_means_the_same_as_in_the_kernel(text: str) -> None:
    assert reading._is_plain(text) is is_plain(text)


def test_plain_for_every_character() -> None:
    different = [c for c in map(chr, range(0x11000)) if reading._is_plain(c) is not is_plain(c)]
    assert [unicodedata.name(c, hex(ord(c))) for c in different] == []


class TestMany:
    def read(self, body: Any, *, is_lines: bool = False, key: str | None = None) -> list[Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return reading.many(raw, is_lines=is_lines, tenant_id=TENANT, key=key, now_ms=NOW_MS)

    def test_all_good(self) -> None:
        found = self.read([call(value=n) for n in range(1, 4)])
        assert [event.units for event in found] == [1, 2, 3]

    def test_one_bad_event_does_not_spoil_the_others(self) -> None:
        found = self.read([call(), call(value=0), 5, call(id='a"b'), call(more=1)])
        assert [type(one) for one in found] == [
            Event,
            errors.InvalidRequest,
            errors.InvalidRequest,
            Event,
            errors.InvalidRequest,
        ]

    def test_a_field_named_twice_is_that_event_s_fault_alone(self) -> None:
        good = json.dumps(call())
        found = self.read(f'[{good},{{"metric":"seats","value":1,"value":2}},{good}]'.encode())
        assert [type(one) for one in found] == [Event, errors.MalformedBody, Event]

    def test_lines(self) -> None:
        lines = [json.dumps(call(value=2)), "", "  ", "nonsense", json.dumps(call()) + "\r"]
        found = self.read("\n".join(lines).encode(), is_lines=True)
        assert [type(one) for one in found] == [Event, errors.MalformedBody, Event]

    def test_empty_is_fine(self) -> None:
        assert self.read([]) == self.read(b"", is_lines=True) == []

    def test_ids_follow_from_the_idempotency_key_and_the_place(self) -> None:
        first = self.read([call(), call(id="mine"), call()], key="k")
        assert [event.id for event in first] == [
            uuid5(TENANT, name).bytes for name in ("k#0", "mine", "k#2")
        ]

    def test_too_many(self) -> None:
        with pytest.raises(errors.InvalidRequest, match="At most 10000"):
            self.read([call()] * 10_001)

    @pytest.mark.parametrize("body", [b"", b"[", b"[1,]", b"\xff", b"[" * 100_000, b"[\xff]"])
    def test_malformed(self, body: bytes) -> None:
        with pytest.raises(errors.MalformedBody):
            self.read(body)

    @pytest.mark.parametrize("body", [b"{}", b"1", b"null", b'"x"'])
    def test_no_array(self, body: bytes) -> None:
        with pytest.raises(errors.InvalidRequest, match="array"):
            self.read(body)


def test_uuid5_is_that_of_the_standard_library() -> None:
    tenant_id = uuid4()
    for name in ("", "a", "ü" * 100):
        assert reading._uuid5(tenant_id, name) == uuid5(tenant_id, name).bytes
