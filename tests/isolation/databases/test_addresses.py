"""Addresses: read strictly, kept sealed, shown without the password."""

import pytest

from apps.isolation.databases import addresses
from apps.isolation.databases.errors import BadAddress
from tenlyr.core import secrets

DSN = "postgresql://dep%40loy:p%2Fw@db.example:6543/na%20me?sslmode=require"


def test_it_is_read_in_its_parts_and_written_again() -> None:
    read = addresses.parse(DSN)
    assert (read.host, read.port, read.name) == ("db.example", 6543, "na me")
    assert (read.user, read.password, read.more) == ("dep@loy", "p/w", (("sslmode", "require"),))
    assert addresses.parse(read.dsn) == read
    assert addresses.parse("postgres://u@[::1]/n").dsn == "postgresql://u:@[::1]:5432/n"


def test_its_text_has_neither_user_nor_password() -> None:
    assert str(addresses.parse(DSN)) == repr(addresses.parse(DSN)) == "db.example:6543/na me"


@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [
        ("", "X must begin with postgresql:// and name a host."),
        ("mysql://u:p@h/n", "X must begin with postgresql:// and name a host."),
        ("postgresql:///n", "X must begin with postgresql:// and name a host."),
        ("host=h dbname=n user=u", "X must begin with postgresql:// and name a host."),
        ("postgresql://u:p@h:70000/n", "X cannot be read."),
        ("postgresql://u:p@h:port/n", "X cannot be read."),
        ("postgresql://u:p@db..example/n", "X cannot be read."),
        (f"postgresql://u:p@{'h' * 64}/n", "X cannot be read."),
        ("postgresql://u:p@h/", "X names no database: end it with /NAME."),
        ("postgresql://h/n", "X names no user: write postgresql://USER:PASSWORD@HOST/NAME."),
        ("postgresql://u:p@h/n?options=-c%20role%3Dx", "X has the option 'options', which"),
        ("postgresql://u:p@h/n?service=local", "X has the option 'service', which is not taken."),
    ],
)
def test_what_is_wrong_is_one_sentence(dsn: str, sentence: str) -> None:
    with pytest.raises(BadAddress) as refused:
        addresses.parse(dsn, what="X")
    assert str(refused.value).startswith(sentence)


def test_sealed_it_shows_nothing_and_opens_at_its_place_only() -> None:
    sealed = addresses.seal(addresses.parse(DSN), "here")
    assert b"example" not in sealed
    assert addresses.unseal(sealed, "here") == addresses.parse(DSN)
    with pytest.raises(secrets.CannotDecrypt):
        addresses.unseal(sealed, "elsewhere")
