"""Usage for the dashboard's tests: tracked like everybody's, stored by a consumer of their own."""

from tests.metering.conftest import stored  # noqa: F401 - a fixture
