"""When two e-mail addresses are one: the form in which they are compared (X39, B02)."""

import unicodedata

LONGEST_KEY = 320


def key_of(address: str) -> str:
    """The compared form: compatibility characters folded, case ignored. The address is kept."""
    folded = unicodedata.normalize("NFKC", address).casefold()
    # Folding the case can undo the normal form; once more makes the form stable.
    return unicodedata.normalize("NFKC", folded)
