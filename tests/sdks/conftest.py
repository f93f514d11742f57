"""The three SDKs, each installed once for all tests."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.sdks import installed
from tests.sdks.installed import Installed


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Installed]:
    """An SDK in a project of its own, by its language."""

    @cache
    def made(language: str) -> Installed:
        return installed.BY_LANGUAGE[language](tmp_path_factory.mktemp(language))

    return made
