"""What metering refuses beyond the kernel's errors."""

from tenlyr.core import errors


class UsageBelowZero(errors.Refused):
    """A decrement below zero (X3b). Details: metric, current."""

    code, message = "usage_below_zero", "The metric's level cannot go below zero."


class UsageOutOfRange(errors.Refused):
    """A counter would leave the range in which it is exact. Details: metric, current."""

    code, message = "usage_out_of_range", "The metric's count cannot grow any further."


class Rebuilding(errors.Unavailable):
    """Counters are not trusted until they were rebuilt from Postgres (X21)."""

    code = "rebuilding"
    message = "Usage counters are being rebuilt. Try again."
