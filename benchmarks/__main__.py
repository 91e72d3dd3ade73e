"""Run all benchmarks: ``make bench``."""

from benchmarks import gateway_bench, kong_socket_bench, names_bench, restore_bench, scan_bench

scan_bench.main()
names_bench.main()
gateway_bench.main([])
print("\nRestoring\n")
restore_bench.main()
print()
kong_socket_bench.main()
