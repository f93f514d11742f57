"""REST framework's parser: JSON in UTF-8, whatever else the header claims (B03)."""

from io import BytesIO

import pytest

from tenlyr.core import errors
from tenlyr.core.api.parser import StrictJSONParser


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "application/json",
        "application/json; charset=utf-8",
        'application/json; charset="UTF8"',
        "application/json; other=x",
    ],
)
def test_utf_8_by_any_name(media_type: str | None) -> None:
    read = StrictJSONParser().parse(BytesIO('{"a": "é"}'.encode()), media_type)
    assert read == {"a": "é"}


@pytest.mark.parametrize("charset", ["latin-1", "utf-7", "utf-16", "ascii", "no-such", "utf-8x"])
def test_no_other_charset(charset: str) -> None:
    with pytest.raises(errors.UnsupportedMediaType):
        StrictJSONParser().parse(BytesIO(b"{}"), f"application/json; charset={charset}")


def test_it_is_strict() -> None:
    with pytest.raises(errors.MalformedBody):
        StrictJSONParser().parse(BytesIO(b'{"a": 1, "a": 2}'), "application/json")
