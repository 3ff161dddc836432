"""What the library aims for, measured: `python -m benchmarks`."""
