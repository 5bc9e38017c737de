"""Each kind of source, against real servers and real files on loopback."""
