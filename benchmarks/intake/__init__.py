"""What the intake costs, as ratios against the bare readers beneath it, in one run.

    python -m benchmarks.intake --help

Every measurement is a process of its own, ours and bare by turns, so that a busy machine is busy
for both. CPU seconds are what counts; wall seconds are given beside them.
"""
