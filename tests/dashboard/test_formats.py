"""The three formats: whole, readable by standard tools, in bounded memory (B12, X40, B30, B31)."""

import csv
import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.dashboard import formats
from apps.dashboard.formats import Section

NOW = datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)
NASTY = {"name": '=1+1;"quoted",\r\nsecond line', "value": -3, "note": None, "data": {"a": [1]}}


def sections(rows: int = 3) -> Iterator[Section]:
    yield Section("metadata", iter([{"id": "t", "createdAt": "2026-11-21T04:05:06.007Z"}]), True)
    yield Section("usage", ({"n": number, **NASTY} for number in range(rows)))
    yield Section("health", iter(()))


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


class TestJson:
    def test_sections_and_manifest(self) -> None:
        found = json.loads(b"".join(formats.as_json(sections())))
        assert list(found) == ["metadata", "usage", "health", "manifest"]
        assert found["metadata"]["id"] == "t"
        assert found["usage"] == [{"n": number, **NASTY} for number in range(3)]
        assert found["health"] == []
        assert found["manifest"] == {"rows": {"metadata": 1, "usage": 3, "health": 0}}

    def test_cut_short_it_is_no_json(self) -> None:
        whole = b"".join(formats.as_json(sections()))
        for end in range(1, len(whole) - 1):
            with pytest.raises(json.JSONDecodeError):
                json.loads(whole[:end])


class TestCsv:
    def test_long_form_with_manifest(self) -> None:
        lines = table(b"".join(formats.as_csv(sections(1))).decode())
        assert lines == [
            ["section", "key", "value", "timestamp"],
            ["metadata", "id", "t", "2026-11-21T04:05:06.007Z"],
            ["usage", "n", "0", ""],
            ["usage", "name", "'" + NASTY["name"], ""],  # type: ignore[operator]
            ["usage", "value", "-3", ""],
            ["usage", "data.a", "[1]", ""],
            ["manifest", "metadata", "1", ""],
            ["manifest", "usage", "1", ""],
            ["manifest", "health", "0", ""],
        ]

    def test_texts_are_quoted_and_numbers_are_not(self) -> None:
        text = b"".join(formats.as_csv(sections(1))).decode()
        assert '"usage","value",-3,""\r\n' in text
        assert '"usage","n",0,""\r\n' in text


class TestZip:
    def unpack(self, rows: Iterator[Section]) -> dict[str, bytes]:
        packed = b"".join(formats.as_zip(rows, NOW))
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}

    def test_one_file_per_section_and_a_manifest_that_fits(self) -> None:
        files = self.unpack(sections())
        assert list(files) == ["metadata.csv", "usage.csv", "health.csv", "manifest.json"]
        manifest = json.loads(files.pop("manifest.json"))
        for name, content in files.items():
            assert manifest[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert [entry["rows"] for entry in manifest.values()] == [1, 3, 0]

    def test_columns_are_the_rows_fields(self) -> None:
        lines = table(self.unpack(sections(2))["usage.csv"].decode())
        assert lines[0] == ["n", "name", "value", "note", "data", "more"]
        assert lines[1][0::2] == ["0", "-3", '{"a": [1]}']
        assert lines[2][0] == "1"

    def test_fields_that_come_late_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(formats, "LOOKED_AT", 2)
        rows: list[dict[str, Any]] = [{"a": 1}, {"a": 2, "b": 3}, {"c": "=4"}, {"b": 5}]
        lines = table(self.unpack(iter([Section("usage", iter(rows))]))["usage.csv"].decode())
        assert lines == [
            ["a", "b", "more"],
            ["1", "", ""],
            ["2", "3", ""],
            ["", "", '{"c": "=4"}'],
            ["", "5", ""],
        ]

    def test_an_empty_section_is_an_empty_file(self) -> None:
        assert self.unpack(sections())["health.csv"] == b""


def stream(name: str, made: Iterator[Section]) -> Any:
    """The pieces of one format."""
    return formats.as_zip(made, NOW) if name == "as_zip" else getattr(formats, name)(made)


@pytest.mark.parametrize("name", ["as_json", "as_csv", "as_zip"])
class TestStreaming:
    def test_pieces_are_bounded_and_never_empty(self, name: str) -> None:
        sizes = [len(piece) for piece in stream(name, sections(5_000))]
        assert min(sizes) > 0
        assert max(sizes) < 3 * formats.PIECE_BYTES

    def test_memory_does_not_grow_with_the_rows(self, name: str) -> None:
        for _ in stream(name, sections(2_000)):
            pass
        tracemalloc.start()
        try:
            for _ in stream(name, sections(20_000)):
                pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 4_000_000

    def test_rows_are_asked_for_as_they_are_sent(self, name: str) -> None:
        taken = []

        def rows() -> Iterator[dict[str, Any]]:
            for number in range(100_000):
                taken.append(number)
                yield {"n": number, **NASTY}

        pieces = stream(name, iter([Section("usage", rows())]))
        next(pieces)
        assert len(taken) < 5_000
        pieces.close()

    def test_a_failing_section_fails_the_export(self, name: str) -> None:
        def rows() -> Iterator[dict[str, Any]]:
            yield {"n": 1}
            raise OSError("the store is away")

        with pytest.raises(OSError, match="away"):
            list(stream(name, iter([Section("usage", rows())])))
