"""As before."""

from importlib import import_module

_HERE = "benchmarks.baselines.stock_tenants.usage.migrations"
Migration = import_module(f"{_HERE}.0001_initial").Migration
