"""Benchmarks against a running mesh: honest, small, repeatable."""
