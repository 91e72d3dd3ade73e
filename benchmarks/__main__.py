"""Run all benchmarks: ``make bench``."""

from benchmarks import gateway_bench, restore_bench, scan_bench

scan_bench.main()
gateway_bench.main([])
print("\nRestoring\n")
restore_bench.main()
