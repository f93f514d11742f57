"""Logs: one line an event, with the request's id and without secrets (T37, T73)."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from tenlyr.core import context, keys, logs
from tenlyr.core.keys import Kind

CANARY = {kind: keys.generate(kind) for kind in Kind}


@pytest.fixture
def written() -> Iterator[Callable[[], list[str]]]:
    """The lines that the configured handler writes, as JSON, whatever the run itself uses."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure({"format": "json", "level": "INFO"})
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield lambda: stream.getvalue().splitlines()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_an_object_with_event_level_and_time(written: Callable[[], list[str]]) -> None:
    structlog.get_logger("tests").info("thing.happened", count=3)
    [line] = map(json.loads, written())
    assert (line["event"], line["level"], line["count"]) == ("thing.happened", "info", 3)
    assert line["logger"] == "tests"
    assert line["timestamp"].endswith("Z")


def test_the_standard_librarys_lines_look_alike(written: Callable[[], list[str]]) -> None:
    logging.getLogger("celery.worker").warning("task %s failed", "x")
    [line] = map(json.loads, written())
    assert (line["event"], line["level"]) == ("task x failed", "warning")


def test_what_is_below_the_level_is_not_written(written: Callable[[], list[str]]) -> None:
    structlog.get_logger("tests").debug("thing.happened")
    assert written() == []


def test_the_request_is_named(written: Callable[[], list[str]]) -> None:
    context.begin(context.RequestContext(request_id="order-17"))
    structlog.get_logger("tests").info("thing.happened")
    context.begin(context.RequestContext())
    structlog.get_logger("tests").info("thing.happened")
    first, second = map(json.loads, written())
    assert first["request_id"] == "order-17"
    assert "request_id" not in second


WAYS: dict[str, Callable[[str], None]] = {
    "as a value": lambda raw: structlog.get_logger("t").info("e", reason=raw),
    "in a text": lambda raw: structlog.get_logger("t").info("e", reason=f"refused {raw}, sorry"),
    "as the event": lambda raw: structlog.get_logger("t").info(raw),
    "in a header": lambda raw: structlog.get_logger("t").info(
        "e", headers={"X-Any": f"Bearer {raw}"}
    ),
    "deep inside": lambda raw: structlog.get_logger("t").info("e", it=[{"a": ({"b": raw},)}]),
    "in a set": lambda raw: structlog.get_logger("t").info("e", it={raw}),
    "in bytes": lambda raw: structlog.get_logger("t").info("e", it=raw.encode()),
    "in an error": lambda raw: structlog.get_logger("t").info("e", it=ValueError(raw)),
    "by the standard library": lambda raw: logging.getLogger("t").warning("sent %s", raw),
    "in its arguments": lambda raw: logging.getLogger("t").warning("sent %s", {"key": raw}),
    "in a traceback": lambda raw: _failing(raw),
    "named like one": lambda raw: structlog.get_logger("t").info(
        "e", api_key=raw[13:], X={"Set-Cookie": raw[13:], "dsn": raw[13:]}
    ),
}


def _failing(raw: str) -> None:
    try:
        raise ValueError(f"bad key {raw}")
    except ValueError:
        structlog.get_logger("t").exception("e")


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_key_gets_into_the_log(
    written: Callable[[], list[str]], way: Callable[[str], None], kind: Kind
) -> None:
    raw = CANARY[kind]
    way(raw)
    text = "\n".join(written())
    assert text
    assert raw not in text
    assert raw[-20:] not in text


def test_the_rest_of_the_line_stays(written: Callable[[], list[str]]) -> None:
    raw = CANARY[Kind.ADMIN]
    structlog.get_logger("t").info("e", reason=f"refused {raw}, sorry", n=5, ok=True, none=None)
    [line] = map(json.loads, written())
    assert line["reason"] == "refused tenlyr_live_tf_[redacted], sorry"
    assert (line["n"], line["ok"], line["none"]) == (5, True, None)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\u2028b", "a\x1b[31mb", 'a"b', "a\x00b"])
def test_nobody_writes_a_line_of_their_own(written: Callable[[], list[str]], text: str) -> None:
    structlog.get_logger("t").info("e", user_agent=text)
    logging.getLogger("t").warning("said %s", text)
    lines = written()
    assert len(lines) == 2
    assert json.loads(lines[0])["user_agent"] == text
    assert "\x1b" not in "".join(lines)


def test_a_long_value_is_cut_in_the_middle(written: Callable[[], list[str]]) -> None:
    structlog.get_logger("t").info("e", user_agent="begin" + "x" * 1_000_000 + "end")
    [line] = map(json.loads, written())
    value: Any = line["user_agent"]
    assert len(value) == logs.LONGEST_VALUE + 1
    assert value.startswith("begin")
    assert value.endswith("end")


def test_lines_for_people_hold_no_secret_either(written: Callable[[], list[str]]) -> None:
    logs.configure({"format": "console", "level": "INFO"})
    stream = io.StringIO()
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    structlog.get_logger("t").info("thing.happened", reason=CANARY[Kind.TENANT], path="a\nb")
    logging.getLogger("t").error("Internal Server Error: %s", "/\nforged line\x1b[31m\u2028")
    assert "thing.happened" in stream.getvalue()
    assert CANARY[Kind.TENANT] not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()
