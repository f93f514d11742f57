"""The goals, grouped by what they share: servers, rounds, baselines."""
