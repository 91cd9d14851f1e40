"""Measure Nightlatch: ``make bench``; docs/benchmarks.md says what and how."""
