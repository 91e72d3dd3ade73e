"""Benchmarks: every figure in the README comes from here. ``make bench`` runs them all."""
