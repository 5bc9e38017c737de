"""When it happens: the flows, and the rooms that they call. Imports run one way."""
