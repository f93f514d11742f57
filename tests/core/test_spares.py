"""Keys made ahead: each is given out once, whoever asks, and none by two processes (X8)."""

import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tenlyr.core import keys, spares
from tenlyr.core.keys import Kind
from tenlyr.core.spares import Spare, Spares
from tenlyr.core.stored_key import mint


@pytest.fixture
def full() -> Spares:
    """Spares of which three are at hand."""
    made = Spares(kept=3)
    assert made.take() is None
    fill(made)
    return made


def fill(made: Spares) -> None:
    """Wait until as many are at hand as are kept."""
    until = time.monotonic() + 60
    while len(made._ready) < made._kept:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_spare_is_a_key_of_a_tenant_with_its_slow_hash(full: Spares) -> None:
    raw, verifier = full.take() or ("", "")
    assert keys.kind_of(raw) is Kind.TENANT
    assert keys.verify(verifier, raw)


def test_what_is_taken_is_made_anew(full: Spares) -> None:
    first = [full.take() for _ in range(3)]
    fill(full)
    assert not {*first} & {full.take() for _ in range(3)}


def test_each_is_given_out_once(full: Spares) -> None:
    def several(_: int) -> list[Spare]:
        return [spare for spare in (full.take() for _ in range(50)) if spare]

    with ThreadPoolExecutor(8) as pool:
        taken = [spare for some in pool.map(several, range(8)) for spare in some]
    assert len(taken) >= 3
    assert len({raw for raw, _ in taken}) == len(taken)


def test_minting_takes_one_that_is_at_hand() -> None:
    here = spares.of_this_process()
    here.take()
    fill(here)
    ahead = dict(here._ready)
    minted = mint(Kind.TENANT)
    assert ahead[minted.raw] == minted.verifier


def test_a_key_is_minted_with_or_without_one() -> None:
    minted = [mint(Kind.TENANT) for _ in range(spares.KEPT + 2)]
    assert len({one.raw for one in minted}) == len(minted)
    for one in minted:
        assert keys.verify(one.verifier, one.raw)
        assert (one.digest, one.prefix) == (keys.digest(one.raw), one.raw[:16])


def test_a_child_has_none_of_its_parents() -> None:
    spares.of_this_process().take()
    fill(spares.of_this_process())
    ours = {raw for raw, _ in spares.of_this_process()._ready}
    read, write = os.pipe()
    child = multiprocessing.get_context("fork").Process(target=_tell, args=(write,))
    child.start()
    os.close(write)
    with os.fdopen(read) as said:
        theirs = said.read().split()
    child.join(60)
    assert (child.exitcode, len(theirs)) == (0, 2)
    assert not {*theirs} & ours


def _tell(write: int) -> None:
    with os.fdopen(write, "w") as out:
        minted = [mint(Kind.TENANT) for _ in range(2)]
        out.write(" ".join(one.raw for one in minted if keys.verify(one.verifier, one.raw)))
