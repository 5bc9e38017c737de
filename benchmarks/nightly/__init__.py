"""What a night costs at a client of any size, against hand-written SQL of the same work.

    python -m benchmarks.nightly --help

The client of the demo is made at N customers, with two years of history. The history is written
as the batches that the intake would have made of it; the nights that are measured are true ones,
from the client's files to the campaign files, each in a process of its own.
"""
